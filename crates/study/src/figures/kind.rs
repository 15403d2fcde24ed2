//! Kinds of figures, and those that a run has.

use super::{RunContents, curvature, parts};
use landscape_core::named;
use landscape_storage::RunKind;
use serde::{Deserialize, Serialize};

/// A kind of figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FigureKind {
    /// Loss and accuracy along a line.
    Line,
    /// Contour lines with levels.
    Contour,
    /// Coloured cells.
    Heatmap,
    /// The plane in three dimensions, with the path where there is one.
    Surface,
    /// The path over the contours of its plane.
    Trajectory,
    /// Persistence of the minima: how much each stands out.
    Persistence,
    /// Losses of training.
    Losses,
    /// True loss, loss at the projection, and distance from the plane along a path.
    PlaneLosses,
    /// A volume as slices.
    Slices,
    /// Density and single eigenvalues of a Hessian.
    Spectrum,
    /// `abs(lambda_min / lambda_max)` over a plane.
    HessianMap,
    /// The largest eigenvalue during training, and its limit.
    Stability,
    /// Measures of sharpness, a mark each.
    Sharpness,
    /// Traces and largest eigenvalues of layers, blocks or matrices.
    Parts,
    /// Norms between layers, or blocks.
    Pairs,
    /// What of a training lies in the space of the leading eigenvectors.
    Subspace,
}

named!(FigureKind, "kind of figure", {
    Line => "line": "Loss and accuracy along a line",
    Contour => "contour": "Contour lines with levels",
    Heatmap => "heatmap": "Coloured cells",
    Surface => "surface": "The plane in three dimensions, with the path where there is one",
    Trajectory => "trajectory": "The path over the contours of its plane",
    Persistence => "persistence": "Persistence of the minima: how much each stands out",
    Losses => "losses": "Losses of training",
    PlaneLosses => "plane-losses": "True loss, loss at the projection, and distance from the plane",
    Slices => "slices": "A volume as slices",
    Spectrum => "spectrum": "Density and single eigenvalues of a Hessian",
    HessianMap => "hessian-map": "abs(lambda_min / lambda_max) over a plane",
    Stability => "stability": "The largest eigenvalue during training, and its limit",
    Sharpness => "sharpness": "Measures of sharpness, a mark each",
    Parts => "parts": "Trace and largest eigenvalue of each layer, block or matrix",
    Pairs => "pairs": "Frobenius norms between layers, or blocks",
    Subspace => "subspace": "What of a training lies in the leading eigenspace",
});

/// What a figure is drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FigureSource {
    /// The losses on a line, a plane or in a volume.
    Landscape,
    /// Paths on a plane.
    Paths,
    /// Paths, and the landscape of their plane.
    PathsOnLandscape,
    /// The records of a training.
    Records,
    /// Curvature at points.
    Curvature,
    /// Curvature over a plane.
    CurvatureMap,
}

/// A figure that can be drawn of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AvailableFigure {
    /// Its kind.
    pub kind: FigureKind,
    /// What it shows, in a few words.
    pub title: &'static str,
    /// What it is drawn from.
    pub source: FigureSource,
}

impl FigureKind {
    /// What it shows, as a heading.
    pub fn title(self) -> &'static str {
        match self {
            FigureKind::Line => "Loss along a line",
            FigureKind::Contour => "Contours",
            FigureKind::Heatmap => "Coloured cells",
            FigureKind::Surface => "Surface in three dimensions",
            FigureKind::Trajectory => "Path over contours",
            FigureKind::Persistence => "Persistence of the minima",
            FigureKind::Losses => "Losses of training",
            FigureKind::PlaneLosses => "Losses along the path",
            FigureKind::Slices => "Slices of a volume",
            FigureKind::Spectrum => "Spectral density",
            FigureKind::HessianMap => "Distance from convexity",
            FigureKind::Stability => "Edge of stability",
            FigureKind::Sharpness => "Measures of sharpness",
            FigureKind::Parts => "Curvature of parts",
            FigureKind::Pairs => "Norms between parts",
            FigureKind::Subspace => "Leading eigenspace",
        }
    }

    /// What it is drawn from.
    pub fn source(self) -> FigureSource {
        match self {
            FigureKind::Losses => FigureSource::Records,
            FigureKind::PlaneLosses => FigureSource::Paths,
            FigureKind::Trajectory => FigureSource::PathsOnLandscape,
            FigureKind::HessianMap => FigureSource::CurvatureMap,
            FigureKind::Spectrum
            | FigureKind::Stability
            | FigureKind::Sharpness
            | FigureKind::Parts
            | FigureKind::Pairs
            | FigureKind::Subspace => FigureSource::Curvature,
            _ => FigureSource::Landscape,
        }
    }

    /// Whether its colours or its axis show the values of a landscape, on a scale of their own.
    pub(super) fn is_scaled(self) -> bool {
        matches!(
            self,
            FigureKind::Contour
                | FigureKind::Heatmap
                | FigureKind::Surface
                | FigureKind::Slices
                | FigureKind::Line
                | FigureKind::Trajectory
        )
    }
}

impl RunContents {
    /// The figures that the run has, the usual one first.
    pub fn figures(&self) -> Vec<AvailableFigure> {
        let usual = self.usual_figure();
        let mut kinds: Vec<FigureKind> = { FigureKind::ALL.iter().copied() }
            .filter(|&kind| self.has_figure(kind))
            .collect();
        kinds.sort_by_key(|&kind| kind != usual);
        let available = |kind: FigureKind| AvailableFigure {
            kind,
            title: kind.title(),
            source: kind.source(),
        };
        kinds.into_iter().map(available).collect()
    }

    /// Whether a figure can be drawn of the run.
    pub fn has_figure(&self, kind: FigureKind) -> bool {
        let dims = self.dims();
        let paths = !self.paths.is_empty();
        match kind {
            FigureKind::Line => dims == 1,
            FigureKind::Contour | FigureKind::Heatmap | FigureKind::Surface => dims == 2,
            FigureKind::Persistence => dims > 0,
            FigureKind::Slices => dims == 3,
            FigureKind::Trajectory => paths && dims == 2,
            FigureKind::PlaneLosses => paths,
            FigureKind::Losses => !self.records.is_empty(),
            FigureKind::Spectrum => curvature::has_densities(self),
            FigureKind::HessianMap => self.map.is_some(),
            FigureKind::Stability => curvature::has_stability(self),
            FigureKind::Sharpness => curvature::has_sharpness(self),
            FigureKind::Parts => !parts::rows(self).is_empty(),
            FigureKind::Pairs => parts::norms(self).is_some(),
            FigureKind::Subspace => parts::has_subspace(self),
        }
    }

    /// What is usually drawn of a run of its kind, whether or not it has it.
    pub fn usual_figure(&self) -> FigureKind {
        match (self.run.kind, self.dims()) {
            (RunKind::Train | RunKind::Curve, _) => FigureKind::Losses,
            (RunKind::Hessian, _) => curvature::usual(self),
            (RunKind::Trajectory, 0) => FigureKind::PlaneLosses,
            (RunKind::Trajectory, 3) => FigureKind::Slices,
            (RunKind::Trajectory, _) => FigureKind::Trajectory,
            (_, 1) => FigureKind::Line,
            (_, 3) => FigureKind::Slices,
            _ if self.map.is_some() && !self.has_losses() => FigureKind::HessianMap,
            _ => FigureKind::Contour,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_kinds_are_read_as_they_are_written() {
        for &kind in FigureKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            let json = serde_json::to_string(&kind).expect("a word");
            assert_eq!(json, format!("\"{kind}\""));
        }
        let error = "pie".parse::<FigureKind>().expect_err("no such kind");
        assert!(
            error
                .to_string()
                .starts_with("unknown kind of figure `pie`; one of: line,")
        );
    }
}
