//! What figures look at.

use super::{FigureKind, Figures, RunContents, Target};

/// What can be asked of a figure, and not every kind of figure looks at: see [`Look`](super::Look).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the fields of a look
pub enum LookField {
    Log,
    Clip,
    Smooth,
    Measured,
    Basins,
    Levels,
    SharedScale,
    Panels,
    Difference,
    Camera,
    Along,
    Value,
    Path,
    Colormap,
}

impl FigureKind {
    /// Whether a figure of this kind looks at it.
    pub fn heeds(self, field: LookField) -> bool {
        use FigureKind as K;
        match field {
            // Spectra and measures of sharpness have scales of their own.
            LookField::Log | LookField::Clip => !matches!(
                self,
                K::Spectrum | K::Sharpness | K::Parts | K::Pairs | K::Subspace
            ),
            LookField::Smooth => self.is_scaled() || matches!(self, K::Losses | K::HessianMap),
            LookField::Measured => {
                matches!(self, K::Line | K::Contour | K::Heatmap | K::Trajectory)
            }
            LookField::Basins | LookField::Panels => matches!(self, K::Contour | K::Trajectory),
            LookField::Levels => {
                matches!(self, K::Contour | K::Trajectory | K::Surface | K::Slices)
            }
            LookField::SharedScale => self.is_scaled(),
            LookField::Difference => self.is_scaled() && self != K::Trajectory,
            LookField::Camera => self == K::Surface,
            LookField::Along => self == K::Line,
            LookField::Value => self.is_scaled() || self == K::Persistence,
            LookField::Path => matches!(self, K::Surface | K::Trajectory | K::PlaneLosses),
            // Curves have no colours of values.
            LookField::Colormap => {
                (self.is_scaled() && self != K::Line) || matches!(self, K::HessianMap | K::Pairs)
            }
        }
    }
}

impl Figures {
    /// Whether none of the figures looks at it. Whoever reads a page chooses there.
    pub fn ignores(&self, field: LookField) -> bool {
        self.target != Target::Page && !self.kinds.iter().any(|kind| kind.heeds(field))
    }

    /// Whether no run has what it is about: a path, points that are not measured.
    pub fn lacks(&self, field: LookField) -> bool {
        let has = |run: &RunContents| match field {
            LookField::Path => !run.paths.is_empty(),
            LookField::Measured => run.surface.as_ref().is_some_and(|s| s.interpolated() > 0),
            _ => true,
        };
        self.target != Target::Page && !self.runs.iter().any(has)
    }
}
