//! The best point of a surface, and how much depends on hitting it.

use super::field::Field;
use super::region::Region;
use crate::grid::Point;
use crate::names::named;
use crate::surface::{Surface, Value};
use serde::{Deserialize, Serialize};

/// Whether small or large values are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// Small ones: a loss.
    #[default]
    Lowest,
    /// Large ones: an accuracy.
    Highest,
}

named!(Goal, "goal", {
    Lowest => "lowest",
    Highest => "highest",
});

impl Goal {
    /// The value as a cost: the smaller, the better.
    fn cost(self, value: f64) -> f64 {
        match self {
            Goal::Lowest => value,
            Goal::Highest => -value,
        }
    }
}

/// What is called as good as the best, and how far a setting may miss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptimumParams {
    /// Whether small or large values are good.
    pub goal: Goal,
    /// By how much a value may be worse than the best and still belong to the optimum; at least 0. The
    /// standard error of the values is a good one: differences below it mean nothing.
    pub tolerance: f64,
    /// Steps of the grid by which each coordinate may miss: the neighbourhood of a point is the box
    /// of `2 reach + 1` points an axis around it.
    pub reach: usize,
}

/// The best point of a surface and its robustness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Optimum {
    /// The best point by number, the first of equals.
    pub index: usize,
    /// Its coordinates.
    pub at: Point,
    /// Its value.
    pub value: f64,
    /// Ends along each axis, in coordinates, of the points connected to it (along the axes) whose
    /// values are within the tolerance: how far one setting may be wrong.
    pub extent: Vec<(f64, f64)>,
    /// Share of the grid's points that belong to that region.
    pub share: f64,
    /// Whether the region reaches the edge of the grid, so that it may go on beyond.
    pub open: bool,
    /// The worst value in its neighbourhood: what a miss by `reach` steps may cost. Infinite
    /// (of the bad sign) where the neighbourhood has a value that is not finite.
    pub worst_near: f64,
    /// The most robust point by number: that whose neighbourhood's worst value is best (robust
    /// optimisation in the sense of Ben-Tal, El Ghaoui and Nemirovski, *Robust Optimization*,
    /// 2009), the first of equals. Neighbourhoods must lie within the grid; where none does, the
    /// best point itself.
    pub robust_index: usize,
    /// Its coordinates.
    pub robust_at: Point,
    /// Its own value.
    pub robust_value: f64,
    /// The worst value in its neighbourhood, at least as good as `worst_near` where the best point's
    /// own neighbourhood lies within the grid.
    pub robust_worst: f64,
}

/// The best point of a surface, the region that is as good, and the point that stays best when its
/// coordinates are missed. Only measured or interpolated finite values take part.
///
/// ```
/// use landscape_core::{Grid, OptimumParams, Goal, Sample, Surface, Value, optimum};
///
/// let mut surface = Surface::new(Grid::square(21, 1.0, 1)?, vec![]);
/// for index in 0..21 {
///     let [x, ..] = surface.grid().point(index);
///     surface.set(index, Sample::of(x * x))?;
/// }
/// let params = OptimumParams { goal: Goal::Lowest, tolerance: 0.05, reach: 1 };
/// let found = optimum(&surface, Value::Loss, &params).unwrap();
/// assert_eq!(found.at[0], 0.0);
/// let (low, high) = found.extent[0];
/// assert!((low + 0.2).abs() < 1e-12 && (high - 0.2).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `None` when no value is finite.
pub fn optimum(surface: &Surface, value: Value, params: &OptimumParams) -> Option<Optimum> {
    let cost = |v: f64| params.goal.cost(v);
    let costs = surface.values(value).into_iter().map(cost).collect();
    let field = Field::new(surface.grid(), costs);
    let index = best((0..field.values.len()).map(|flat| (flat, field.values[flat])))?;
    let limit = field.values[index] + params.tolerance.max(0.0);
    let region = Region::around(&field, index, |cost| cost <= limit);
    let worst = |flat: usize| worst_near(&field, flat, params.reach);
    let inside = (0..field.values.len()).filter(|&flat| has_box(&field, flat, params.reach));
    let robust_index = best(inside.map(|flat| (flat, worst(flat)))).unwrap_or(index);
    let of = |flat: usize| surface.value(flat, value).unwrap_or(f64::NAN);
    Some(Optimum {
        index,
        at: surface.grid().point(index),
        value: of(index),
        share: region.points.len() as f64 / field.values.len() as f64,
        extent: region.ends,
        open: region.open,
        worst_near: cost(worst(index)),
        robust_index,
        robust_at: surface.grid().point(robust_index),
        robust_value: of(robust_index),
        robust_worst: cost(worst(robust_index)),
    })
}

/// The point of the smallest finite cost, the first of equals.
fn best(costs: impl Iterator<Item = (usize, f64)>) -> Option<usize> {
    let finite = costs.filter(|(_, cost)| cost.is_finite());
    finite
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(flat, _)| flat)
}

/// Whether the whole box around a point lies within the grid.
fn has_box(field: &Field, flat: usize, reach: usize) -> bool {
    let indices = field.grid.unravel(flat);
    let mut axes = field.grid.axes().iter().zip(indices);
    axes.all(|(axis, index)| index >= reach && index + reach < axis.count())
}

/// The largest cost in the box around a point, cut off at the edge of the grid; infinite where one is
/// not finite.
fn worst_near(field: &Field, flat: usize, reach: usize) -> f64 {
    let reach = reach as isize;
    let side = |axis: usize| if axis < field.dims() { reach } else { 0 };
    let span = |axis: usize| -side(axis)..=side(axis);
    let offsets = span(0).flat_map(|i| span(1).flat_map(move |j| span(2).map(move |k| [i, j, k])));
    let costs = offsets.filter_map(|offset| field.neighbour(flat, offset));
    let finite = |cost: f64| {
        if cost.is_finite() {
            cost
        } else {
            f64::INFINITY
        }
    };
    costs
        .map(|near| finite(field.values[near]))
        .fold(f64::NEG_INFINITY, f64::max)
}
