//! One figure of a run.

use super::look::over_steps;
use super::{FigureKind, Look, RunContents, curvature, panels};
use crate::StudyError;
use landscape_core::merge_tree;
use landscape_plot::{
    self as plot, Along, Figure, LossCurve, NamedPlane, Options, PathOnPlane, SurfaceMesh,
};

impl RunContents {
    /// Draws a figure of the run.
    ///
    /// # Errors
    /// Where the run has not what it is drawn from, and those of the figure.
    pub fn draw(&self, kind: FigureKind, look: &Look) -> Result<Figure, StudyError> {
        look.fitted(|look| self.draw_with(kind, look, &[], None))
    }

    /// Draws it as wide as the look says, on the scale of the values that are given, where some are, with paths up to a
    /// step where one is given.
    pub(super) fn draw_with(
        &self,
        kind: FigureKind,
        look: &Look,
        shared: &[f64],
        until: Option<u64>,
    ) -> Result<Figure, StudyError> {
        let mut options = look.options(self, self.surface.as_ref())?;
        options.until = until;
        if !shared.is_empty() {
            options = options.share_values(shared);
        }
        let path = look.path.as_deref();
        Ok(match kind {
            FigureKind::Line => match &look.along {
                Some(along) => along_of(std::slice::from_ref(self), along, look)?,
                None => plot::line(self.landscape()?, &options)?,
            },
            FigureKind::Contour => plot::contour(self.landscape()?, &options)?,
            FigureKind::Heatmap => plot::heatmap(self.landscape()?, &options)?,
            FigureKind::Slices => plot::volume_slices(self.landscape()?, &options)?,
            FigureKind::Surface if self.paths.is_empty() => {
                plot::surface3d(self.landscape()?, &options)?
            }
            FigureKind::Surface => {
                plot::trajectory3d(self.landscape()?, self.path(path)?, &options)?
            }
            FigureKind::Persistence => {
                let pairs = merge_tree(self.landscape()?, options.value).decided();
                plot::persistence(&pairs, &over_steps(options))?
            }
            FigureKind::Trajectory => self.over_contours(path, options)?,
            FigureKind::PlaneLosses => {
                plot::trajectory_losses(self.path(path)?, &over_steps(options))?
            }
            FigureKind::Losses => plot::losses(&[self.loss_curve()?], &over_steps(options))?,
            FigureKind::Spectrum
            | FigureKind::HessianMap
            | FigureKind::Stability
            | FigureKind::Sharpness
            | FigureKind::Parts
            | FigureKind::Pairs
            | FigureKind::Subspace => curvature::figure(self, kind, look)?,
        })
    }

    /// The surface that [`FigureKind::Surface`] shows, for other programs, with all paths of the run on it.
    ///
    /// # Errors
    /// As [`RunContents::draw`].
    pub fn mesh(&self, look: &Look) -> Result<SurfaceMesh, StudyError> {
        let options = look.options(self, self.surface.as_ref())?;
        let paths = self.paths.iter().map(|named| PathOnPlane {
            name: &named.label,
            trajectory: &named.trajectory,
        });
        Ok(plot::surface_mesh(
            self.landscape()?,
            &paths.collect::<Vec<_>>(),
            &options,
        )?)
    }

    /// One path with its steps; several paths, and curves between networks, by their names.
    fn over_contours(&self, path: Option<&str>, options: Options) -> Result<Figure, StudyError> {
        let chosen = self.paths_named(path)?;
        let surface = { self.surface.as_ref() }.ok_or_else(|| StudyError::NoPlaneSampled {
            run: self.run.name.clone(),
            paths: self.paths.iter().map(|path| path.label.clone()).collect(),
            is_curve: self.is_curve(),
        })?;
        if let ([only], false) = (&chosen[..], self.is_curve()) {
            return Ok(plot::trajectory(surface, &only.trajectory, &options)?);
        }
        let named = chosen.iter().map(|named| PathOnPlane {
            name: &named.label,
            trajectory: &named.trajectory,
        });
        let named: Vec<_> = named.collect();
        Ok(plot::trajectories(surface, &named, &options)?)
    }
}

/// The values of planes along a line over them, in one figure.
///
/// # Errors
/// Where a run has no landscape or runs have different terms, and those of the figure.
pub(super) fn along_of(
    runs: &[RunContents],
    along: &Along,
    look: &Look,
) -> Result<Figure, StudyError> {
    let planes = runs.iter().map(|run| {
        let surface = run.landscape()?;
        let name = run.run.name.as_str();
        Ok(NamedPlane { name, surface })
    });
    let planes: Vec<NamedPlane<'_>> = planes.collect::<Result<_, StudyError>>()?;
    Ok(plot::along(&planes, along, &panels::options(runs, look)?)?)
}

/// The losses of several trainings in one figure.
///
/// # Errors
/// Where one has no records, and those of the figure.
pub fn losses_of(runs: &[RunContents], look: &Look) -> Result<Figure, StudyError> {
    let curves = runs.iter().map(RunContents::loss_curve);
    let curves: Vec<LossCurve> = curves.collect::<Result<_, _>>()?;
    look.fitted(|look| {
        let options = match runs {
            [first, ..] => look.options(first, None)?,
            [] => Options::default(),
        };
        Ok(plot::losses(&curves, &over_steps(options))?)
    })
}
