//! Where a network is on a surface.

use crate::grid::Point;
use crate::metrics::{lowest_way, metrics_of};
use crate::surface::{Surface, Value};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// The surroundings of a point of a surface. Changes of the value are shares of the range of the
/// surface; lengths are shares of the view, so that they compare between surfaces.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The point asked for.
    pub at: Point,
    /// `f` there, interpolated.
    pub value: f64,
    /// `(f - min f) / range`: how much lower it gets in view.
    pub gap: f64,
    /// Where the lowest point in view is.
    pub lowest_at: Point,
    /// Height of the lowest way there over `f` at the nearest point of the grid, over the range: 0
    /// where it goes downhill all along. `None` where nothing connects them.
    pub barrier: Option<f64>,
    /// Change of `f` along a tenth of the view down the gradient, over the range; of central
    /// differences at the nearest interior point. `None` at the edge of the grid.
    pub slope: Option<f64>,
    /// Smallest and largest second derivative, as the change `h f'' h / 2` that they make over a tenth
    /// of the view, over the range.
    pub curvature: Option<[f64; 2]>,
    /// Whether the point is at the edge of the grid, so that the view ends there.
    pub at_edge: bool,
}

/// Share of an axis over which slope and curvature are told.
const STEP: f64 = 0.1;

impl Position {
    /// The surroundings of `at`, the end of a path as a rule. `None` outside the grid, and where
    /// nothing finite is known there.
    pub fn of(surface: &Surface, value: Value, at: Point) -> Option<Self> {
        let figures = metrics_of(surface, value).ok()?;
        let here = surface.interpolate(value, at).filter(|v| v.is_finite())?;
        let grid = surface.grid();
        let mut indices = [0; 3];
        for ((index, axis), x) in indices.iter_mut().zip(grid.axes()).zip(at) {
            *index = axis.nearest(x)?;
        }
        let nearest = grid.index(indices)?;
        let mut lowest = [0; 3];
        for ((index, axis), x) in lowest.iter_mut().zip(grid.axes()).zip(figures.argmin) {
            *index = axis.nearest(x)?;
        }
        let range = figures.range.max(f64::MIN_POSITIVE);
        let way = lowest_way(surface, value, nearest, grid.index(lowest)?);
        let local = Local {
            surface,
            value,
            indices,
            range,
        };
        let lasts = grid
            .axes()
            .iter()
            .map(|axis| axis.count().saturating_sub(1));
        let inside = |(last, index): (usize, &usize)| (1..last).contains(index);
        Some(Position {
            at,
            value: here,
            gap: (here - figures.min_loss) / range,
            lowest_at: figures.argmin,
            barrier: way.map(|way| way.heights[0].max(0.0) / range),
            slope: local.slope(),
            curvature: local.curvature(),
            at_edge: !lasts.zip(&indices).all(inside),
        })
    }
}

/// Differences around a point of the grid, per tenth of the axes and range.
struct Local<'a> {
    surface: &'a Surface,
    value: Value,
    indices: [usize; 3],
    range: f64,
}

impl Local<'_> {
    /// Tenths of the axis that a grid step is.
    fn steps(&self, axis: usize) -> f64 {
        let intervals = self.surface.grid().axes()[axis].count().max(2) - 1;
        STEP * intervals as f64
    }

    fn near(&self, moves: &[(usize, isize)]) -> Option<f64> {
        let mut indices = self.indices;
        for &(axis, by) in moves {
            indices[axis] = indices[axis].checked_add_signed(by)?;
        }
        let flat = self.surface.grid().index(indices)?;
        let value = self.surface.value(flat, self.value)?;
        value.is_finite().then_some(value / self.range)
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
