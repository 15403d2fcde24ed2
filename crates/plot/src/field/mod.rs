//! The values of a plane, in the places that a scale gives them.

mod outline;
mod refine;
mod smooth;

use crate::error::PlotError;
use crate::options::Options;
use crate::scale::ValueScale;
use landscape_core::{Axis, Surface, Value};

/// What is known of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    Finite,
    /// Computed, but NaN or infinite.
    Broken,
    /// Not computed, or without the number asked for.
    Missing,
    /// Computed by an iteration that did not converge.
    Unsettled,
}

/// A plane of values (or a line: one cell deep), first axis slowest.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub x: Axis,
    pub y: Axis,
    /// Values as they are drawn: transformed, smoothed; NaN where not finite.
    pub places: Vec<f64>,
    pub cells: Vec<Cell>,
}

/// The numbers of a surface and what is known of each.
pub(crate) fn read(surface: &Surface, value: Value) -> Result<(Vec<f64>, Vec<Cell>), PlotError> {
    if let Value::Term(index) = value
        && index >= surface.terms().len()
    {
        return Err(PlotError::NoTerm {
            index,
            found: surface.terms().len(),
        });
    }
    let cell = |flat: usize| match surface.value(flat, value) {
        Some(v) if v.is_finite() => Cell::Finite,
        Some(_) => Cell::Broken,
        None => Cell::Missing,
    };
    let cells = (0..surface.grid().len()).map(cell).collect();
    Ok((surface.values(value), cells))
}

/// Refuses surfaces of another number of directions.
pub(crate) fn expect_dims(
    surface: &Surface,
    expected: usize,
    figure: &'static str,
) -> Result<(), PlotError> {
    let found = surface.grid().dims();
    match found == expected {
        true => Ok(()),
        false => Err(PlotError::Dimensions {
            figure,
            expected,
            found,
        }),
    }
}

/// Refuses axes that are too short for lines between points.
pub(crate) fn expect_lines(surface: &Surface, figure: &'static str) -> Result<(), PlotError> {
    for (i, axis) in surface.grid().axes().iter().enumerate() {
        if axis.count() < 2 {
            return Err(PlotError::TooFewPoints {
                figure,
                axis: i + 1,
                found: axis.count(),
            });
        }
    }
    Ok(())
}

impl Field {
    /// The plane of a surface of two directions.
    pub fn of(surface: &Surface, scale: &ValueScale, options: &Options) -> Result<Self, PlotError> {
        let (values, cells) = read(surface, options.value)?;
        let axes = surface.grid().axes();
        let x = axes[0];
        let flat = || Axis::new(0.0, 0.0, 1).expect("one point at 0");
        let y = axes.get(1).copied().unwrap_or_else(flat);
        let (lo, hi) = scale.ends();
        let floor = lo - (hi - lo);
        let places = values
            .iter()
            .map(|v| match v.is_finite() {
                true => scale.transform.forward(*v).max(floor),
                false => f64::NAN,
            })
            .collect();
        let places = smooth::gaussian(places, x.count(), y.count(), options.smooth);
        Ok(Field {
            x,
            y,
            places,
            cells,
        })
    }

    pub fn nx(&self) -> usize {
        self.x.count()
    }

    pub fn ny(&self) -> usize {
        self.y.count()
    }

    pub fn place(&self, i: usize, j: usize) -> f64 {
        self.places[i * self.ny() + j]
    }

    pub fn count(&self, kind: Cell) -> usize {
        self.cells.iter().filter(|c| **c == kind).count()
    }

    /// The places of the four corners of a cell between points: (i, j), (i+1, j), (i+1, j+1),
    /// (i, j+1).
    pub fn corners(&self, i: usize, j: usize) -> [f64; 4] {
        [
            self.place(i, j),
            self.place(i + 1, j),
            self.place(i + 1, j + 1),
            self.place(i, j + 1),
        ]
    }

    /// Bilinear interpolation at a fractional index, for planes of 2 x 2 points and more. Corners
    /// that are not finite have no weight, and where the nearest point is not finite there is no
    /// value, so that nothing is interpolated into a hole.
    pub fn sample(&self, u: f64, v: f64) -> Option<f64> {
        let (i, s) = below(u, self.nx());
        let (j, t) = below(v, self.ny());
        let weights = [(1.0 - s) * (1.0 - t), s * (1.0 - t), s * t, (1.0 - s) * t];
        let known = || {
            let pairs = weights.into_iter().zip(self.corners(i, j));
            pairs.filter(|(_, place)| place.is_finite())
        };
        let total: f64 = known().map(|(w, _)| w).sum();
        let sum: f64 = known().map(|(w, place)| w * place).sum();
        (self.nearest(u, v).is_finite() && total > 0.0).then(|| sum / total)
    }

    /// [`Field::sample`] at the centres of `w` by `h` pixels over the plane; the first is at the upper left.
    pub fn pixels(&self, w: usize, h: usize) -> impl Fn(usize, usize) -> Option<f64> {
        let along = |pixels: usize, n: usize| -> Vec<(f64, usize, f64)> {
            let centre = |p: usize| (p as f64 + 0.5) / pixels as f64;
            let index = |u: f64| (u, below(u, n).0, below(u, n).1);
            let indices = (0..pixels).map(|p| index(centre(p) * (n - 1) as f64));
            indices.collect()
        };
        let (columns, mut rows) = (along(w, self.nx()), along(h, self.ny()));
        rows.reverse();
        move |column, row| {
            let ((u, i, s), (v, j, t)) = (columns[column], rows[row]);
            let [a, b, c, d] = self.corners(i, j);
            if !(a + b + c + d).is_finite() {
                return self.sample(u, v);
            }
            let (p, q) = (1.0 - s, 1.0 - t);
            Some(p * q * a + s * q * b + s * t * c + p * t * d)
        }
    }

    /// The place of the nearest point; NaN where it is not finite.
    pub fn nearest(&self, u: f64, v: f64) -> f64 {
        let index = |u: f64, n: usize| (libm::floor(u + 0.5).max(0.0) as usize).min(n - 1);
        self.place(index(u, self.nx()), index(v, self.ny()))
    }

    /// Outlines, in fractional indices, of the cells of one kind; a cell reaches half a step about
    /// its point.
    pub fn outlines(&self, kind: Cell) -> Vec<Vec<(f64, f64)>> {
        outline::trace(self.nx(), self.ny(), |i, j| {
            self.cells[i * self.ny() + j] == kind
        })
    }
}

/// The smallest and the largest finite place; everything where there is none.
fn finite_places(places: &[f64]) -> (f64, f64) {
    crate::scale::finite_range(places).unwrap_or((f64::NEG_INFINITY, f64::INFINITY))
}

/// The index of the point below `u`, at most the last but one, and the share of the way beyond it.
fn below(u: f64, n: usize) -> (usize, f64) {
    let i = (libm::floor(u).max(0.0) as usize).min(n.saturating_sub(2));
    (i, (u - i as f64).clamp(0.0, 1.0))
}

/// A line of values, smoothed as a plane is.
pub(crate) fn smoothed(values: Vec<f64>, sigma: f64) -> Vec<f64> {
    let n = values.len();
    smooth::gaussian(values, n, 1, sigma)
}
