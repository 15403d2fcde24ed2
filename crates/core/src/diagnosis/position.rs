//! Where a network is on a surface.

use crate::grid::Point;
use crate::metrics::{lowest_possible_way, lowest_way, metrics_of};
use crate::surface::{Surface, Value};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// The surroundings of a point of a surface. Changes of the value are shares of `scale`; lengths are
/// shares of the view, so that they compare between surfaces.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The point asked for.
    pub at: Point,
    /// `f` there, interpolated.
    pub value: f64,
    /// The accuracy there, interpolated; `None` where the surface has none.
    #[serde(default)]
    pub accuracy: Option<f64>,
    /// Whether it lies between the points of the grid, so that both are estimates.
    #[serde(default)]
    pub between: bool,
    /// What changes of `f` are shares of: the larger of [`robust_range`](crate::Metrics::robust_range)
    /// and `f - min f`; above 0.
    #[serde(default)]
    pub scale: f64,
    /// `(f - min f) / scale`: how much lower it gets in view; from the nearest point of the grid where that
    /// is lower, because interpolation between points is too high in a valley.
    pub gap: f64,
    /// `min f`, the lowest measured value in view.
    #[serde(default)]
    pub lowest: f64,
    /// Where the lowest point in view is.
    pub lowest_at: Point,
    /// Height of the lowest way there over known points, over `f` at the nearest point of the grid:
    /// 0 where it goes downhill all along. `None` where no known points connect them.
    pub barrier: Option<f64>,
    /// The same where all points that are not known lie low: no way can be lower. `None` where values
    /// that are not finite cut them off.
    #[serde(default)]
    pub barrier_at_least: Option<f64>,
    /// Change of `f` along a tenth of the view down the gradient, of central
    /// differences at the nearest interior point. `None` at the edge of the grid.
    pub slope: Option<f64>,
    /// How much lower than the nearest point of the grid the lowest known one within a tenth of the view
    /// (and one step at least) is; of farther ones the part that falls to a tenth. 0 at a minimum of the
    /// grid. `None` where no neighbour is known.
    #[serde(default)]
    pub fall: Option<f64>,
    /// Neighbours of the nearest point, diagonal ones included, that are not known.
    #[serde(default)]
    pub unknown_near: usize,
    /// Smallest and largest second derivative, as the change `h f'' h / 2` that they make over a tenth
    /// of the view.
    pub curvature: Option<[f64; 2]>,
    /// Whether the point is at the edge of the grid, so that the view ends there.
    pub at_edge: bool,
}

/// Share of an axis over which slope and curvature are told.
const STEP: f64 = 0.1;

/// Share of a step of the grid that is rounding.
const ROUNDING: f64 = 1e-6;

impl Position {
    /// The surroundings of `at`, the end of a path as a rule. `None` outside the grid, and where
    /// nothing finite is known there.
    pub fn of(surface: &Surface, value: Value, at: Point) -> Option<Self> {
        let figures = metrics_of(surface, value).ok()?;
        let here = surface.interpolate(value, at).filter(|v| v.is_finite())?;
        let grid = surface.grid();
        let indices = nearest(surface, at)?;
        let nearest_flat = grid.index(indices)?;
        let lowest = grid.index(nearest(surface, figures.argmin)?)?;
        let measured = surface.value(nearest_flat, value);
        let near = measured.filter(|v| v.is_finite()).unwrap_or(here);
        let drop = (here.min(near) - figures.min_loss).clamp(0.0, f64::MAX);
        let scale = figures.robust_range.max(drop);
        let scale = scale.clamp(f64::MIN_POSITIVE, f64::MAX);
        let local = Local {
            surface,
            value,
            indices,
            scale,
        };
        let height = |way: crate::metrics::Passage| way.heights[0].max(0.0) / scale;
        let around = local.around();
        Some(Position {
            at,
            value: here,
            accuracy: surface.interpolate(Value::Accuracy, at),
            between: is_between(surface, indices, at),
            scale,
            gap: drop / scale,
            lowest: figures.min_loss,
            lowest_at: figures.argmin,
            barrier: lowest_way(surface, value, nearest_flat, lowest).map(height),
            barrier_at_least: lowest_possible_way(surface, value, nearest_flat, lowest).map(height),
            slope: local.slope(),
            fall: local.fall(),
            unknown_near: around.iter().filter(|known| !**known).count(),
            curvature: local.curvature(),
            at_edge: local.is_at_edge(),
        })
    }
}

/// The indices of the point of the grid that is nearest.
fn nearest(surface: &Surface, at: Point) -> Option<[usize; 3]> {
    let mut indices = [0; 3];
    for ((index, axis), x) in indices.iter_mut().zip(surface.grid().axes()).zip(at) {
        *index = axis.nearest(x)?;
    }
    Some(indices)
}

/// Whether a point lies farther than by rounding from the nearest one of the grid.
fn is_between(surface: &Surface, nearest: [usize; 3], at: Point) -> bool {
    let axes = surface.grid().axes().iter().zip(nearest).zip(at);
    axes.into_iter()
        .any(|((axis, index), x)| (axis.value(index) - x).abs() > ROUNDING * axis.step())
}

/// Differences around a point of the grid, per tenth of the axes and scale.
struct Local<'a> {
    surface: &'a Surface,
    value: Value,
    indices: [usize; 3],
    scale: f64,
}

impl Local<'_> {
    /// Steps of the grid from one end of an axis to the other; at least 1.
    fn intervals(&self, axis: usize) -> f64 {
        (self.surface.grid().axes()[axis].count().max(2) - 1) as f64
    }

    /// Steps of the grid that a tenth of an axis is.
    fn steps(&self, axis: usize) -> f64 {
        STEP * self.intervals(axis)
    }

    /// Axes of one point have no view that could end.
    fn is_at_edge(&self) -> bool {
        let axes = self.surface.grid().axes().iter().zip(&self.indices);
        let inside = |(axis, &index): (&crate::grid::Axis, &usize)| {
            axis.count() == 1 || (1..axis.count() - 1).contains(&index)
        };
        !{ axes }.all(inside)
    }

    /// The point so many steps away; `None` outside the grid.
    fn flat(&self, by: [isize; 3]) -> Option<usize> {
        let mut indices = self.indices;
        for (index, by) in indices.iter_mut().zip(by) {
            *index = index.checked_add_signed(by)?;
        }
        self.surface.grid().index(indices)
    }

    /// The finite value so many steps away.
    fn far(&self, by: [isize; 3]) -> Option<f64> {
        let value = self.surface.value(self.flat(by)?, self.value)?;
        value.is_finite().then_some(value / self.scale)
    }

    fn near(&self, moves: &[(usize, isize)]) -> Option<f64> {
        let mut by = [0; 3];
        for &(axis, steps) in moves {
            by[axis] += steps;
        }
        self.far(by)
    }

    /// All moves of up to so many steps along each axis, but none at all.
    fn moves(&self, reach: impl Fn(usize) -> isize) -> Vec<[isize; 3]> {
        let dims = self.surface.grid().dims();
        let span = |axis: usize| {
            let reach = if axis < dims { reach(axis) } else { 0 };
            -reach..=reach
        };
        let mut all = Vec::new();
        for i in span(0) {
            for j in span(1) {
                all.extend(span(2).map(|k| [i, j, k]));
            }
        }
        all.retain(|by| *by != [0; 3]);
        all
    }

    /// Of each neighbour within the grid whether it is known.
    fn around(&self) -> Vec<bool> {
        let moves = self.moves(|_| 1).into_iter();
        let known = |flat: usize| self.surface.value(flat, self.value).is_some();
        moves.filter_map(|by| self.flat(by).map(known)).collect()
    }

    fn fall(&self) -> Option<f64> {
        let here = self.far([0; 3])?;
        let moves = self.moves(|axis| (self.steps(axis) as isize).max(1));
        let drops = moves.into_iter().filter_map(|by| {
            let share = |axis: usize| by[axis].unsigned_abs() as f64 / self.intervals(axis);
            let way = (0..self.surface.grid().dims())
                .map(share)
                .fold(0.0, f64::max);
            Some((here - self.far(by)?) * (STEP / way).min(1.0))
        });
        drops.reduce(f64::max).map(|drop| drop.max(0.0))
    }

    fn slope(&self) -> Option<f64> {
        let mut sum = 0.0;
        for axis in 0..self.surface.grid().dims() {
            let change = self.near(&[(axis, 1)])? - self.near(&[(axis, -1)])?;
            sum += (change / 2.0 * self.steps(axis)).powi(2);
        }
        Some(sum.sqrt())
    }

    fn curvature(&self) -> Option<[f64; 2]> {
        let dims = self.surface.grid().dims();
        let mut hessian = DMatrix::zeros(dims, dims);
        for a in 0..dims {
            for b in 0..=a {
                let second = match a == b {
                    true => {
                        self.near(&[(a, 1)])? - 2.0 * self.near(&[])? + self.near(&[(a, -1)])?
                    }
                    false => {
                        let mixed = |i, j| self.near(&[(a, i), (b, j)]);
                        (mixed(1, 1)? - mixed(1, -1)? - mixed(-1, 1)? + mixed(-1, -1)?) / 4.0
                    }
                };
                let scaled = second * self.steps(a) * self.steps(b) / 2.0;
                (hessian[(a, b)], hessian[(b, a)]) = (scaled, scaled);
            }
        }
        let values = hessian.symmetric_eigenvalues();
        Some([values.min(), values.max()])
    }
}
