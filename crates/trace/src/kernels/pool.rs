//! Pooling of one channel of a tile.

use super::simd::{Kernel, LANES, Simd};
use std::ops::Range;

/// One output position along an axis.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    /// First input index and the step to the next.
    pub start: usize,
    pub step: usize,
    pub count: usize,
    /// What the window's length counts as in a mean.
    pub length: usize,
}

impl Span {
    /// Every index of a range.
    pub fn of(range: Range<usize>, length: usize) -> Self {
        Self {
            start: range.start,
            step: 1,
            count: range.len(),
            length,
        }
    }

    /// The index after the last.
    fn end(&self) -> usize {
        match self.count {
            0 => 0,
            n => self.start + (n - 1) * self.step + 1,
        }
    }

    /// The input indices.
    pub fn indices(&self) -> impl Iterator<Item = usize> + use<> {
        let (start, step) = (self.start, self.step);
        (0..self.count).map(move |i| start + i * step)
    }
}

/// One channel of a tile.
pub(crate) struct Channel<'a> {
    pub x: &'a [f32],
    pub width: usize,
    pub windows: [&'a [Span]; 2],
    pub max: bool,
    pub lanes: usize,
    pub out: &'a mut [f32],
}

impl Channel<'_> {
    /// For one lane.
    pub fn plain(self) {
        let width = self.windows[1].len();
        for (i, out) in self.out.iter_mut().enumerate() {
            let (rows, columns) = (&self.windows[0][i / width], &self.windows[1][i % width]);
            let values = rows
                .indices()
                .flat_map(|y| columns.indices().map(move |x| y * self.width + x))
                .map(|at| self.x[at]);
            *out = if self.max {
                // NaN stays NaN, from either side.
                let larger = |a: f32, x: f32| if x <= a || a.is_nan() { a } else { x };
                values.fold(f32::NEG_INFINITY, larger)
            } else {
                values.sum::<f32>() / (rows.length * columns.length) as f32
            };
        }
    }
}

impl Kernel for Channel<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let lanes = self.lanes;
        assert!(lanes.is_multiple_of(LANES) && self.x.len().is_multiple_of(self.width * lanes));
        let (rows, columns) = (self.windows[0], self.windows[1]);
        let height = self.x.len() / (self.width * lanes);
        assert!(rows.iter().all(|span| span.end() <= height));
        assert!(columns.iter().all(|span| span.end() <= self.width));
        assert!(self.out.len() >= rows.len() * columns.len() * lanes);
        for (y, row) in rows.iter().enumerate() {
            for (x, column) in columns.iter().enumerate() {
                let factor = 1.0 / (row.length * column.length) as f32;
                let at = (y * columns.len() + x) * lanes;
                for s in (0..lanes).step_by(LANES) {
                    // SAFETY: `i < height` and `j < width`, so that `from + 16` numbers of `x` exist; the output has
                    // `at + lanes`, and `s + 16 <= lanes`, a multiple of 16.
                    unsafe {
                        let start = if self.max { f32::NEG_INFINITY } else { 0.0 };
                        let mut acc = S::splat(start);
                        for i in row.indices() {
                            for j in column.indices() {
                                let from = (i * self.width + j) * lanes + s;
                                let value = S::load(self.x, from);
                                acc = match self.max {
                                    // A NaN, once there, stays: the comparison with it is false.
                                    true => S::select_eq(acc, acc, S::max(acc, value), acc),
                                    false => S::add(acc, value),
                                };
                            }
                        }
                        let value = if self.max {
                            acc
                        } else {
                            S::mul(acc, S::splat(factor))
                        };
                        S::store(self.out, at + s, value);
                    }
                }
            }
        }
    }
}
