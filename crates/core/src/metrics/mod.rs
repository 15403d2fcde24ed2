//! Figures of a surface: how low, how wide, how convex, how rough.
//!
//! All of them are taken from the values on the grid, without a fit; points that are missing, NaN or
//! infinite take no part, and are counted. Interpolated points count where a value is all that
//! matters (mean, basin, merge tree), and are good to the tolerance of the interpolation; extremes,
//! and figures made of differences between neighbours (Hessians, roughness, critical points), which
//! would amplify its error, are those of measured points alone. Curvatures are per unit of the coordinates: where a
//! direction has norm `r`, the curvature along a unit of parameter space is `1 / r^2` of it.

mod barrier;
mod basin;
mod critical;
mod curvature;
mod field;
mod optimum;
mod region;
mod relief;
mod roughness;
mod topology;
mod width;

pub use barrier::{Barrier, barrier};
pub use optimum::{Goal, Optimum, OptimumParams, optimum};
pub(crate) use topology::lowest_possible_way;
pub use topology::{
    Basins, Merge, MergeTree, Passage, Persistence, basins, lowest_way, merge_tree,
};
pub use width::{Reach, Rise, RiseError, USUAL_RISES, Width, width, width_of_groups, widths};

use crate::grid::Point;
use crate::surface::{Surface, Value};
use field::Field;
use serde::{Deserialize, Serialize};

/// Figures of one value of a surface, usually the loss `f`. `None` where a figure is not defined:
/// the grid is too small for it, or points it needs are missing or not finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Points of the grid.
    pub points: usize,
    /// Points not known.
    pub missing: usize,
    /// Known points whose value is NaN or infinite.
    pub non_finite: usize,
    /// Points whose value is interpolated, not measured.
    #[serde(default)]
    pub interpolated: usize,
    /// `f` at the origin, interpolated linearly when 0 is not on the grid.
    pub center_loss: Option<f64>,
    /// Smallest finite `f`.
    pub min_loss: f64,
    /// Largest finite `f`.
    pub max_loss: f64,
    /// `max_loss - min_loss`.
    pub range: f64,
    /// The range without what a few huge values make of it: the smallest of `range`,
    /// `4 (median - min_loss)` and `16 (q - min_loss)` with the lower quartile `q`. Both are at
    /// least the range where `f` is a parabola around the middle, so that such a surface keeps it.
    /// A quantile that is the minimum but for rounding does not count.
    #[serde(default)]
    pub robust_range: f64,
    /// Mean of the finite `f`.
    pub mean_loss: f64,
    /// Coordinates of the smallest `f`, the first of them.
    pub argmin: Point,
    /// Number of interior points whose discrete Hessian is known.
    pub hessians: usize,
    /// Share of those at which it is positive semidefinite: its smallest eigenvalue, in units of
    /// grid steps, is at least `-1e-6 max |f|` of the neighbourhood (the rounding of f32 losses).
    /// 1 for a convex surface.
    pub convexity: Option<f64>,
    /// `1 / (1 + mean |Laplacian|)` over those points, in coordinates in which every axis has
    /// length 1 and `f` has range 1; in (0, 1], 1 for a surface without curvature. The value does
    /// not depend on the resolution of a smooth surface, and falls with that of a rough one.
    pub smoothness: Option<f64>,
    /// `sqrt(mean((D3 f)^2) / 20) / range` with the third differences
    /// `D3 f = f_3 - 3 f_2 + 3 f_1 - f_0` along all axes: 0 for a quadratic, and `s / range` for
    /// independent noise of standard deviation `s` (a third difference has variance `20 s^2`).
    pub roughness: Option<f64>,
    /// Roughness that no corner sets and no grid makes: the third differences relative to the rise over the
    /// minimum where they are (`s` at least, a tenth of `robust_range`), or those of
    /// `asinh((f - min_loss) / s)`, whichever are smaller, among values within `robust_range` of the
    /// minimum. 0 for a quadratic, small for what grows exponentially, relative noise for noise.
    /// What a step twice as long shows to come from a coarse grid is taken off; `None` where no axis has the
    /// seven points in a row that such steps take.
    #[serde(default)]
    pub relative_roughness: Option<f64>,
    /// The deepest further minimum, in units of `g = asinh((f - min_loss) / s)`: the smaller one of
    /// the barrier out of it and its height over the lowest minimum, the largest of all. 0 without one, and of
    /// minima that are as good as the lowest. Minima that points not known may undo do not count.
    #[serde(default)]
    pub trap_depth: f64,
    /// Largest of `basin_extent`.
    pub basin_width: f64,
    /// Extent along each axis, in coordinates, of the points connected to the minimum with
    /// `f <= min_loss + 0.1 robust_range`, at the resolution of the grid.
    pub basin_extent: Vec<f64>,
    /// Share of the grid's points that belong to the basin.
    pub basin_share: f64,
    /// Whether the basin reaches the edge of the grid, so that it may be larger.
    pub basin_open: bool,
    /// Largest eigenvalue of the discrete Hessian at the grid point nearest to the origin, per unit
    /// of the coordinates.
    pub sharpness: Option<f64>,
    /// All its eigenvalues, descending.
    pub center_eigenvalues: Option<Vec<f64>>,
    /// Its diagonal: the second derivative along each axis.
    pub center_curvature: Option<Vec<f64>>,
    /// Local minima by number of point: interior points, or plateaus away from the edge, all of
    /// whose neighbours (diagonal ones included) are strictly larger. A plateau is named once, by
    /// its first point.
    pub minima: Vec<usize>,
    /// Local maxima, likewise.
    pub maxima: Vec<usize>,
    /// Saddles of a surface of two or three dimensions: interior points whose discrete Hessian is
    /// indefinite and whose local quadratic has its stationary point within 0.75 grid steps along
    /// every axis; neighbouring ones count once. Empty in one dimension.
    pub saddles: Vec<usize>,
    /// Saddle-minimum average distance, see [`MergeTree::smad`].
    pub smad: Option<f64>,
}

/// Why a surface has no figures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetricsError {
    /// No point has a finite value.
    #[error("none of {points} points has a finite value ({missing} are not measured)")]
    NothingFinite {
        /// Points of the grid.
        points: usize,
        /// Points not measured.
        missing: usize,
    },
}

/// The figures of a surface's loss.
///
/// # Errors
/// When no point has a finite loss.
pub fn metrics(surface: &Surface) -> Result<Metrics, MetricsError> {
    metrics_of(surface, Value::Loss)
}

/// The figures of any value of a surface, for example of the loss with its regulariser.
///
/// # Errors
/// When no point has a finite value.
pub fn metrics_of(surface: &Surface, value: Value) -> Result<Metrics, MetricsError> {
    let known = (0..surface.grid().len()).filter(|&flat| surface.value(flat, value).is_some());
    let missing = surface.grid().len() - known.count();
    let field = Field::new(surface.grid(), surface.values(value));
    let measured = measured(surface, value);
    let nothing = MetricsError::NothingFinite {
        points: surface.grid().len(),
        missing,
    };
    let extremes = Extremes::of(&measured.values).ok_or(nothing)?;
    let range = extremes.max - extremes.min;
    let curvature = curvature::curvature(&measured, range);
    let center = curvature::at_center(&measured);
    let relief = relief::Relief::of(&measured.values, extremes.min, range);
    let basin = basin::basin(&field, extremes.argmin, relief.range);
    let tree = merge_tree(surface, value);
    Ok(Metrics {
        points: field.values.len(),
        missing,
        non_finite: field.values.len() - missing - finite(&field.values).count(),
        interpolated: surface.interpolated(),
        center_loss: surface.interpolate(value, [0.0; 3]),
        min_loss: extremes.min,
        max_loss: extremes.max,
        range,
        robust_range: relief.range,
        mean_loss: mean(&field.values),
        argmin: surface.grid().point(extremes.argmin),
        hessians: curvature.hessians,
        convexity: curvature.convexity,
        smoothness: curvature.smoothness,
        roughness: roughness::roughness(&measured, range),
        relative_roughness: roughness::relative(&measured, &relief),
        trap_depth: relief.deepest(&tree),
        basin_width: basin.extent.iter().copied().fold(0.0, f64::max),
        basin_share: basin.points as f64 / field.values.len() as f64,
        basin_extent: basin.extent,
        basin_open: basin.open,
        sharpness: center.as_ref().map(|c| c.eigenvalues[0]),
        center_curvature: center.as_ref().map(|c| c.diagonal.clone()),
        center_eigenvalues: center.map(|c| c.eigenvalues),
        minima: critical::minima(&measured),
        maxima: critical::maxima(&measured),
        saddles: critical::saddles(&measured),
        smad: tree.smad(),
    })
}

/// The values of the measured points.
fn measured(surface: &Surface, value: Value) -> Field<'_> {
    let mut values = surface.values(value);
    if surface.interpolated() > 0 {
        for (flat, value) in values.iter_mut().enumerate() {
            if !surface.is_measured(flat) {
                *value = f64::NAN;
            }
        }
    }
    Field::new(surface.grid(), values)
}

fn finite(values: &[f64]) -> impl Iterator<Item = (usize, f64)> + '_ {
    let values = values.iter().copied().enumerate();
    values.filter(|(_, value)| value.is_finite())
}

fn mean(values: &[f64]) -> f64 {
    let sum: f64 = finite(values).map(|(_, value)| value).sum();
    sum / finite(values).count() as f64
}

struct Extremes {
    min: f64,
    max: f64,
    argmin: usize,
}

impl Extremes {
    /// Extremes of the finite values; `None` without any.
    fn of(values: &[f64]) -> Option<Self> {
        let (argmin, min) = finite(values).min_by(|a, b| a.1.total_cmp(&b.1))?;
        let (_, max) = finite(values).max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(Extremes { min, max, argmin })
    }
}
