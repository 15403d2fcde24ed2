//! Figures of a surface.

use crate::grid::Point;
use crate::surface::Surface;
use serde::{Deserialize, Serialize};

/// Figures of the losses of a surface. `None` where a figure is not defined, for example because
/// the grid is too small or points it needs are missing or not finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Points of the grid.
    pub points: usize,
    /// Points not measured.
    pub missing: usize,
    /// Points whose loss is NaN or infinite.
    pub non_finite: usize,
    /// Loss at the origin, interpolated when 0 is not on the grid.
    pub center_loss: Option<f64>,
    /// Smallest finite loss.
    pub min_loss: f64,
    /// Largest finite loss.
    pub max_loss: f64,
    /// `max_loss - min_loss`.
    pub range: f64,
    /// Mean of the finite losses.
    pub mean_loss: f64,
    /// Where the smallest loss is.
    pub argmin: Point,
    /// Share of the interior points with a positive semidefinite discrete Hessian.
    pub convexity: Option<f64>,
    /// Smoothness in (0, 1].
    pub smoothness: Option<f64>,
    /// Roughness, 0 for a quadratic.
    pub roughness: Option<f64>,
    /// Extent of the basin around the minimum.
    pub basin_width: Option<f64>,
    /// The same for each axis.
    pub basin_extent: Vec<f64>,
    /// Largest eigenvalue of the in-plane Hessian at the centre.
    pub sharpness: Option<f64>,
    /// Second derivative along each axis at the centre.
    pub center_curvature: Option<Vec<f64>>,
    /// Local minima, by number of point.
    pub minima: Vec<usize>,
    /// Local maxima.
    pub maxima: Vec<usize>,
    /// Saddles (two dimensions).
    pub saddles: Vec<usize>,
}

/// Why a surface has no figures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetricsError {
    /// No point has a finite loss.
    #[error("no finite loss among {points} points ({missing} not measured)")]
    NothingFinite {
        /// Points of the grid.
        points: usize,
        /// Points not measured.
        missing: usize,
    },
}

/// The figures of a surface.
///
/// # Errors
/// When no point has a finite loss.
pub fn metrics(surface: &Surface) -> Result<Metrics, MetricsError> {
    let _ = surface;
    todo!()
}
