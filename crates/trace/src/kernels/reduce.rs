//! Reductions of rows of a tile, lane by lane.

use super::simd::{Kernel, LANES, Simd};

/// What is computed of the numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reduction {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The largest; NaN where one is.
    Max,
    /// The smallest; NaN where one is.
    Min,
    /// Index of the first maximum.
    ArgMax,
    /// Index of the first minimum.
    ArgMin,
}

/// Rows of a tile, `stride` apart, reduced lane by lane.
pub(crate) struct RowsByLane<'a> {
    pub reduction: Reduction,
    pub x: &'a [f32],
    pub out: &'a mut [f32],
    pub length: usize,
    pub stride: usize,
}

impl Kernel for RowsByLane<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        assert!(self.out.len().is_multiple_of(LANES));
        assert!(self.length > 0);
        assert!(self.x.len() >= (self.length - 1) * self.stride + self.out.len());
        // SAFETY: `s + 16 <= out.len()`, a multiple of 16, and `i < length`, so that
        // `i stride + s + 16 <= (length - 1) stride + out.len() <= x.len()`.
        unsafe {
            for s in (0..self.out.len()).step_by(LANES) {
                let row = |i: usize| S::load(self.x, i * self.stride + s);
                let rows = 1..self.length;
                let (one, mean) = (S::splat(1.0), S::splat(1.0 / self.length as f32));
                let first = row(0);
                // Comparisons with NaN are false: `x == x` keeps what is not a number.
                let max = |a, x| S::select_eq(x, x, S::select_gt(x, a, x, a), x);
                let min = |a, x| S::select_eq(x, x, S::select_gt(a, x, x, a), x);
                let out = match self.reduction {
                    Reduction::Sum => rows.fold(first, |a, i| S::add(a, row(i))),
                    Reduction::Mean => S::mul(mean, rows.fold(first, |a, i| S::add(a, row(i)))),
                    Reduction::Max => rows.fold(first, |a, i| max(a, row(i))),
                    Reduction::Min => rows.fold(first, |a, i| min(a, row(i))),
                    Reduction::ArgMax | Reduction::ArgMin => {
                        let (mut best, mut at) = (first, S::splat(0.0));
                        let mut index = one;
                        for i in rows {
                            let x = row(i);
                            let (a, b) = match self.reduction {
                                Reduction::ArgMax => (x, best),
                                _ => (best, x),
                            };
                            at = S::select_gt(a, b, index, at);
                            best = S::select_gt(a, b, x, best);
                            index = S::add(index, one);
                        }
                        at
                    }
                };
                S::store(self.out, s, out);
            }
        }
    }
}
