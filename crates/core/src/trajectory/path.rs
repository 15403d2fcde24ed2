//! The plane that shows the paths of one or several runs best.

use super::{Checkpoint, Pca, PcaOptions, Projection, Trajectory, TrajectoryError};
use crate::direction::Direction;
use crate::grid::{Axis, Grid, GridError, Point};
use crate::names::named;
use crate::params::{Params, Role};
use crate::plane::Plane;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Where the point 0 of a plane of paths is. The components do not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The last checkpoint of the first path.
    #[default]
    Last,
    /// The first checkpoint, which all paths must share: runs from common initial weights.
    Start,
    /// The mean of all checkpoints, as in scikit-learn. Buffers are those of the last checkpoint of
    /// the first path.
    Mean,
}

named!(Origin, "origin of a plane of paths", {
    Last => "last",
    Start => "start",
    Mean => "mean",
});

/// How the plane of paths is made.
#[derive(Debug, Clone, PartialEq)]
pub struct PathOptions {
    /// Number of components, 1 to 3; 2 make a plane, 3 a volume.
    pub components: usize,
    /// The point 0.
    pub origin: Origin,
    /// Steps of the checkpoints that take part, all of them where it is `None`. The others are
    /// neither analysed nor projected.
    pub window: Option<RangeInclusive<u64>>,
    /// Leaves tensors of one dimension out of the analysis, see [`PcaOptions`].
    pub ignore_one_dimensional: bool,
    /// How coordinates are found; on principal components both ways agree.
    pub projection: Projection,
}

impl Default for PathOptions {
    fn default() -> Self {
        PathOptions {
            components: 2,
            origin: Origin::default(),
            window: None,
            ignore_one_dimensional: false,
            projection: Projection::default(),
        }
    }
}

/// One or several paths on the plane of their joint principal components.
#[derive(Debug, Clone)]
pub struct PathPlane {
    /// The plane, through the chosen origin along the components.
    pub plane: Plane,
    /// Variances and components of all checkpoints together, each with the same weight.
    pub pca: Pca,
    /// The paths in the order given, each with off-plane distances and the shares of the joint
    /// variance; losses are left open.
    pub trajectories: Vec<Trajectory>,
}

impl PathPlane {
    /// The plane of the joint principal components of paths.
    ///
    /// # Errors
    /// When there is no path, one has no checkpoint in the window, the paths were to share their
    /// start and do not, or as [`Pca::fit`].
    pub fn fit(paths: &[&[Checkpoint]], options: &PathOptions) -> Result<Self, TrajectoryError> {
        let wanted = options.components;
        if !(1..=3).contains(&wanted) {
            return Err(TrajectoryError::Components { wanted });
        }
        let chosen = in_window(paths, options)?;
        let rows: Vec<&Params> = chosen.iter().flatten().map(|c| &c.params).collect();
        let origin = origin(&chosen, &rows, options.origin)?;
        let settings = PcaOptions {
            components: options.components,
            ignore_one_dimensional: options.ignore_one_dimensional,
        };
        let pca = Pca::fit_with(&rows, &origin, &settings)?;
        let plane = Plane {
            origin,
            directions: pca.components.clone(),
        };
        let project = |path: &Vec<&Checkpoint>| -> Result<_, TrajectoryError> {
            let mut shadow = Trajectory::project(path.iter().copied(), &plane, options.projection)?;
            shadow
                .explained_variance
                .clone_from(&pca.explained_variance_ratio);
            Ok(shadow)
        };
        let trajectories = chosen.iter().map(project).collect::<Result<_, _>>()?;
        Ok(PathPlane {
            plane,
            pca,
            trajectories,
        })
    }

    /// A grid of `counts` points an axis around the paths, see [`ranges`].
    ///
    /// # Errors
    /// When there are not as many counts as components, or as [`Grid::new`].
    pub fn grid(&self, counts: &[usize], margin: f64) -> Result<Grid, GridError> {
        let dims = self.plane.dims();
        if counts.len() != dims {
            return Err(GridError::Dimensions {
                given: counts.len(),
            });
        }
        let ranges = ranges(&self.trajectories, dims, margin);
        let axes = ranges.into_iter().zip(counts);
        let axes = axes.map(|((min, max), &count)| Axis::new(min, max, count));
        Grid::new(axes.collect::<Result<_, _>>()?)
    }

    /// The directions of the plane.
    pub fn directions(&self) -> &[Direction] {
        &self.plane.directions
    }
}

/// Ends of `dims` axes around paths and the origin: their extent and `margin` of it on either side
/// (0.25 is usual), an axis of little extent as long as a fifth of the longest. `(-1, 1)` where
/// nothing moves.
pub fn ranges(trajectories: &[Trajectory], dims: usize, margin: f64) -> Vec<(f64, f64)> {
    let extent = |axis: usize| {
        let points = trajectories.iter().flat_map(|path| &path.points);
        let values = points.map(|point| point.coords[axis]);
        let finite = values.filter(|v| v.is_finite());
        finite.fold((0.0f64, 0.0f64), |(low, high), v| (low.min(v), high.max(v)))
    };
    let extents: Vec<_> = (0..dims).map(extent).collect();
    let longest = extents.iter().map(|(l, h)| h - l).fold(0.0, f64::max);
    let wider = |&(low, high): &(f64, f64)| {
        let length = (high - low).max(longest / 5.0);
        let half = (0.5 + margin.max(0.0)) * length;
        let middle = (low + high) / 2.0;
        match half > 0.0 {
            true => (middle - half, middle + half),
            false => (-1.0, 1.0),
        }
    };
    extents.iter().map(wider).collect()
}

/// The checkpoints of each path that take part.
fn in_window<'a>(
    paths: &[&'a [Checkpoint]],
    options: &PathOptions,
) -> Result<Vec<Vec<&'a Checkpoint>>, TrajectoryError> {
    let inside = |c: &&Checkpoint| options.window.as_ref().is_none_or(|w| w.contains(&c.step));
    let select = |(path, all): (usize, &&'a [Checkpoint])| {
        let chosen: Vec<_> = all.iter().filter(inside).collect();
        match (all.is_empty(), chosen.is_empty()) {
            (true, _) => Err(TrajectoryError::EmptyPath { path }),
            (false, true) => Err(TrajectoryError::EmptyWindow { path }),
            (false, false) => Ok(chosen),
        }
    };
    match paths.is_empty() {
        true => Err(TrajectoryError::EmptyPath { path: 0 }),
        false => paths.iter().enumerate().map(select).collect(),
    }
}

fn origin(
    paths: &[Vec<&Checkpoint>],
    rows: &[&Params],
    origin: Origin,
) -> Result<Params, TrajectoryError> {
    let first = &paths[0];
    let last = &first[first.len() - 1].params;
    for (index, row) in rows.iter().enumerate() {
        let fits = last.same_layout(row);
        fits.map_err(|source| TrajectoryError::Layout { index, source })?;
    }
    match origin {
        Origin::Last => Ok(last.clone()),
        Origin::Mean => Ok(mean(rows, last)),
        Origin::Start => {
            let start = &first[0].params;
            let same = |a: &Params| {
                a.weights()
                    .zip(start.weights())
                    .all(|(a, b)| a.data == b.data)
            };
            match paths.iter().position(|path| !same(&path[0].params)) {
                Some(path) => Err(TrajectoryError::StartsDiffer { path }),
                None => Ok(start.clone()),
            }
        }
    }
}

/// The mean of rows of one layout, in f64 and rounded once; buffers as in `layout`.
fn mean(rows: &[&Params], layout: &Params) -> Params {
    let mut mean = layout.clone();
    for (index, tensor) in mean.tensors_mut().iter_mut().enumerate() {
        if tensor.role == Role::Buffer {
            continue;
        }
        let mut sums = vec![0.0f64; tensor.numel()];
        for row in rows {
            for (sum, value) in sums.iter_mut().zip(&row.tensor(index).data) {
                *sum += f64::from(*value);
            }
        }
        for (value, sum) in tensor.data.iter_mut().zip(sums) {
            *value = (sum / rows.len() as f64) as f32;
        }
    }
    mean
}

/// How well a plane stands for a path. A picture misleads where the plane explains little, or where
/// its loss is not the path's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fidelity {
    /// Share of the variance that the plane explains, in [0, 1]; absent for planes that are not of
    /// the path's components.
    pub explained: Option<f64>,
    /// Largest `|plane loss - true loss|` over the range of the true losses; absent where fewer
    /// than two losses are known.
    pub disagreement: Option<f64>,
    /// The step of that checkpoint.
    pub worst_step: Option<u64>,
    /// Largest distance to the plane over the longest distance from the origin within it.
    pub off_plane: Option<f64>,
}

impl Fidelity {
    /// Share of the variance below which a plane explains little.
    pub const EXPLAINED: f64 = crate::diagnosis::thresholds::EXPLAINED;
    /// Disagreement from which the plane's loss is not the path's.
    pub const DISAGREEMENT: f64 = 0.25;

    /// What has to be said beside a picture of the plane, in words; nothing where it can be trusted.
    ///
    /// ```
    /// use landscape_core::Fidelity;
    ///
    /// let poor = Fidelity { explained: Some(0.31), disagreement: None, worst_step: None, off_plane: None };
    /// assert_eq!(poor.warnings(), ["the plane explains 31.0% of the path's variance only"]);
    /// ```
    pub fn warnings(&self) -> Vec<String> {
        let percent = |share: f64| format!("{:.1}%", 100.0 * share);
        let little = self.explained.filter(|share| *share < Self::EXPLAINED);
        let little = little.map(|share| {
            format!(
                "the plane explains {} of the path's variance only",
                percent(share)
            )
        });
        let apart = self.disagreement.filter(|gap| *gap >= Self::DISAGREEMENT);
        let apart = apart.map(|gap| {
            let step = self
                .worst_step
                .map_or(String::new(), |s| format!(" at step {s}"));
            let gap = percent(gap);
            format!("the plane's loss differs from the true one by {gap} of its range{step}")
        });
        little.into_iter().chain(apart).collect()
    }

    /// How well a plane stands for a path.
    pub fn of(trajectory: &Trajectory) -> Self {
        let explained = (!trajectory.explained_variance.is_empty())
            .then(|| trajectory.explained_variance.iter().sum());
        let (disagreement, worst_step) = disagreement(trajectory).unzip();
        let norm = |c: &Point| c.iter().map(|v| v * v).sum::<f64>().sqrt();
        let points = &trajectory.points;
        let longest = points.iter().map(|p| norm(&p.coords)).fold(0.0, f64::max);
        let farthest = points.iter().map(|p| p.residual).fold(0.0, f64::max);
        Fidelity {
            explained,
            disagreement,
            worst_step,
            off_plane: (longest > 0.0).then_some(farthest / longest),
        }
    }
}

fn disagreement(trajectory: &Trajectory) -> Option<(f64, u64)> {
    let points = trajectory.points.iter();
    let pairs: Vec<_> = points
        .filter_map(|p| Some((p.loss?, p.plane_loss?, p.step)))
        .filter(|(loss, plane, _)| loss.is_finite() && plane.is_finite())
        .collect();
    let low = pairs.iter().map(|p| p.0).fold(f64::INFINITY, f64::min);
    let high = pairs.iter().map(|p| p.0).fold(f64::NEG_INFINITY, f64::max);
    if high <= low {
        return None;
    }
    let gap = |&(loss, plane, step): &(f64, f64, u64)| ((loss - plane).abs() / (high - low), step);
    pairs.iter().map(gap).max_by(|a, b| a.0.total_cmp(&b.0))
}
