//! Planes of paths and around their ends.

use super::follow::astray_from;
use super::{Fate, Study, Trained};
use crate::StudyError;
use crate::problem::Model;
use landscape_core::{
    BiasMode, Cancel, Checkpoint, Direction, Distribution, Grid, Normalization, Params,
    PathOptions, PathPlane, Plane, Sampler, Surface,
};
use landscape_trace::{Level, PlaneObjective, Target, Trace};

/// The plane of the joint principal components of all paths, each projected on it with its true
/// losses; the losses at the projections are left open. Of a training that diverged what came when it did is left out: it
/// would be the scale of all others. The paths are those of the trainings from their start on, as [`Paths`](super::Paths)
/// keeps them.
///
/// # Errors
/// [`StudyError::Layouts`] where the networks differ, and as [`PathPlane::fit`].
pub fn joint_plane(
    trained: &[Trained],
    paths: &[Vec<Checkpoint>],
    options: &PathOptions,
) -> Result<PathPlane, StudyError> {
    if let Some((first, other)) = different(trained) {
        return Err(StudyError::Layouts {
            first: first.label.clone(),
            first_model: first.model.to_string(),
            other: other.label.clone(),
            other_model: other.model.to_string(),
        });
    }
    let paths = paths.iter().zip(trained);
    let paths: Vec<&[Checkpoint]> = paths
        .map(|(path, one)| before_it_diverged(path, one))
        .collect();
    let mut plane = PathPlane::fit(&paths, options)?;
    for (path, trained) in plane.trajectories.iter_mut().zip(trained) {
        let mut records = trained.records.iter();
        for point in &mut path.points {
            let record = records.by_ref().find(|record| record.step == point.step);
            point.loss = record.and_then(|record| record.loss);
        }
    }
    Ok(plane)
}

fn before_it_diverged<'a>(path: &'a [Checkpoint], trained: &Trained) -> &'a [Checkpoint] {
    let fate = Fate::of(trained.first.loss, trained.last.loss);
    let end = astray_from(&trained.records).filter(|_| fate == Fate::Diverged);
    let kept = end.map_or(path.len(), |end| {
        path.iter()
            .take_while(|checkpoint| checkpoint.step < end)
            .count()
    });
    // One that blew up at once is an error of the fit.
    if kept == 0 { path } else { &path[..kept] }
}

/// Whether the parameters of all networks have the same names and shapes, so that they share a
/// plane.
pub fn same_layout(trained: &[Trained]) -> bool {
    different(trained).is_none()
}

fn different(trained: &[Trained]) -> Option<(&Trained, &Trained)> {
    let first = trained.first()?;
    let differs = |other: &&Trained| first.end.same_layout(&other.end).is_err();
    Some((first, trained.iter().find(differs)?))
}

/// The plane around trained parameters on which figures of different networks may be compared: two
/// Gaussian directions, normalised by filter, with resting biases (Li et al. 2018). The same seed
/// draws the same directions for parameters of the same layout.
///
/// # Errors
/// [`StudyError::Plane`] where the parameters do not let a direction move.
pub fn end_plane(params: &Params, seed: u64) -> Result<Plane, StudyError> {
    let draw = |stream| -> Result<Direction, StudyError> {
        let drawn = Direction::random(params, Distribution::Gaussian, seed, stream);
        Ok(drawn.normalize(params, Normalization::Filter, BiasMode::Zero)?)
    };
    Ok(Plane::new(params.clone(), vec![draw(0)?, draw(1)?])?)
}

impl Study {
    /// The loss of a network on the study's data, to be evaluated anywhere in parameter space.
    ///
    /// # Errors
    /// As [`Model::trace`].
    pub fn trace(&self, model: &Model, params: &Params) -> Result<Trace, StudyError> {
        model.trace(params, &self.data, self.loss, &[])
    }

    /// That loss on a plane, on so many threads (0 means all cores).
    ///
    /// # Errors
    /// As [`Study::trace`] and [`Trace::objective`].
    pub fn objective(
        &self,
        model: &Model,
        plane: &Plane,
        threads: usize,
    ) -> Result<PlaneObjective, StudyError> {
        let trace = self.trace(model, plane.origin())?;
        Ok(trace.objective(plane, &[host(threads)])?)
    }

    /// That loss on the grid of a plane. A cancelled surface has missing points.
    ///
    /// # Errors
    /// As [`Study::objective`], and [`StudyError::Sampler`].
    pub fn sample(
        &self,
        model: &Model,
        plane: &Plane,
        grid: &Grid,
        threads: usize,
        cancel: &Cancel,
    ) -> Result<Surface, StudyError> {
        let objective = self.objective(model, plane, threads)?;
        sampled(&objective, grid, cancel)
    }
}

pub(super) fn sampled(
    objective: &PlaneObjective,
    grid: &Grid,
    cancel: &Cancel,
) -> Result<Surface, StudyError> {
    let mut surface = Surface::new(grid.clone(), Vec::new());
    let sampler = Sampler {
        cancel: cancel.clone(),
        ..Sampler::new()
    };
    sampler.run(objective, &mut surface, &mut [])?;
    Ok(surface)
}

pub(super) fn host(threads: usize) -> Target {
    let level = Level::detect();
    Target::Host { threads, level }
}
