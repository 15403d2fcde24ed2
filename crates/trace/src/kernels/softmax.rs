//! Softmax, its logarithm, and the cross-entropy, of rows of a tile.

use super::math;
use super::simd::{Kernel, LANES, Simd};

/// Softmax, or its logarithm, of `length` rows of `lanes` numbers, `stride` apart, lane by lane.
pub(crate) struct SoftmaxRows<'a> {
    pub x: &'a [f32],
    pub out: &'a mut [f32],
    pub length: usize,
    pub stride: usize,
    pub lanes: usize,
    pub log: bool,
}

impl Kernel for SoftmaxRows<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        assert!(self.length > 0 && self.lanes.is_multiple_of(LANES));
        let end = (self.length - 1) * self.stride + self.lanes;
        assert!(self.x.len() >= end && self.out.len() >= end);
        // SAFETY: `s + 16 <= lanes`, a multiple of 16, and `i < length`, so that `i stride + s + 16 <= end`, the
        // length of both slices.
        unsafe {
            for s in (0..self.lanes).step_by(LANES) {
                match self.log {
                    true => self.logarithm::<S>(s),
                    false => self.shares::<S>(s),
                }
            }
        }
    }
}

impl SoftmaxRows<'_> {
    /// The logarithm of the softmax of lanes `s..s + 16`.
    ///
    /// # Safety
    /// The processor must have the features of `S`; `(length - 1) stride + s + 16` numbers of both slices exist.
    #[inline(always)]
    unsafe fn logarithm<S: Simd>(&mut self, s: usize) {
        // SAFETY: `i stride + s + 16` is at most what the caller promises.
        unsafe {
            let (max, rest) = max_and_rest::<S>(&self.x[s..], self.length, self.stride, |_| {});
            let log = math::ln_1p::<S>(rest);
            for i in 0..self.length {
                let at = s + i * self.stride;
                let d = S::sub(S::load(self.x, at), max);
                S::store(self.out, at, S::sub(d, log));
            }
        }
    }

    /// The softmax of lanes `s..s + 16`: each power is computed once, and kept in the output.
    ///
    /// # Safety
    /// As for `logarithm`.
    #[inline(always)]
    unsafe fn shares<S: Simd>(&mut self, s: usize) {
        // SAFETY: as above.
        unsafe {
            let place = |i: usize| s + i * self.stride;
            let mut max = S::load(self.x, place(0));
            for i in 1..self.length {
                max = S::max(max, S::load(self.x, place(i)));
            }
            let mut sum = S::splat(0.0);
            for i in 0..self.length {
                let power = math::exp::<S>(S::sub(S::load(self.x, place(i)), max));
                S::store(self.out, place(i), power);
                sum = S::add(sum, power);
            }
            let share = S::div(S::splat(1.0), sum);
            for i in 0..self.length {
                let power = S::load(self.out, place(i));
                S::store(self.out, place(i), S::mul(power, share));
            }
        }
    }
}

/// The log-softmax of `classes` rows of `lanes` numbers at the row that a label names.
pub(crate) struct Picked<'a> {
    pub x: &'a [f32],
    pub labels: &'a [f32],
    pub out: &'a mut [f32],
    pub classes: usize,
    pub lanes: usize,
    pub negated: bool,
}

impl Kernel for Picked<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (classes, lanes) = (self.classes, self.lanes);
        assert!(classes > 0 && lanes.is_multiple_of(LANES) && self.x.len() >= classes * lanes);
        assert!(self.labels.len() >= lanes && self.out.len() >= lanes);
        // SAFETY: `s + 16 <= lanes`, a multiple of 16; `x` has `classes` rows of `lanes` numbers, the others one.
        unsafe {
            for s in (0..lanes).step_by(LANES) {
                let label = S::load(self.labels, s);
                let mut chosen = S::splat(f32::NAN);
                let mut class = S::splat(0.0);
                let (max, rest) = max_and_rest::<S>(&self.x[s..], classes, lanes, |row| {
                    chosen = S::select_eq(label, class, row, chosen);
                    class = S::add(class, S::fill(class, 1.0));
                });
                // (x_y - m) - ln sum: the first difference is exact where it matters.
                let log = math::ln_1p::<S>(rest);
                let picked = S::sub(S::sub(chosen, max), log);
                let picked = if self.negated {
                    math::neg::<S>(picked)
                } else {
                    picked
                };
                S::store(self.out, s, picked);
            }
        }
    }
}

/// `m = max_i x_i` and `sum_i e^(x_i - m) - 1` of 16 samples; rows are `stride` apart.
/// `visit` sees each row.
///
/// Without the 1 of the maximum itself, the logarithm of the sum ([`math::ln_1p`]) keeps its
/// relative accuracy where one value dominates: the small losses of trained networks.
///
/// # Safety
/// The processor must have the features of `S`; `length > 0` and `(length - 1) stride + 16 <= x.len()`.
#[inline(always)]
unsafe fn max_and_rest<S: Simd>(
    x: &[f32],
    length: usize,
    stride: usize,
    mut visit: impl FnMut(S::V),
) -> (S::V, S::V) {
    debug_assert!(length > 0 && (length - 1) * stride + LANES <= x.len());
    // SAFETY: `i stride + 16 <= (length - 1) stride + 16 <= x.len()`.
    unsafe {
        let (zero, one) = (S::splat(0.0), S::splat(1.0));
        let mut max = S::load(x, 0);
        visit(max);
        for i in 1..length {
            let x = S::load(x, i * stride);
            visit(x);
            max = S::max(max, x);
        }
        let (mut rest, mut maxima) = (zero, S::splat(-1.0));
        for i in 0..length {
            let x = S::load(x, i * stride);
            rest = S::add(
                rest,
                S::select_eq(x, max, zero, math::exp_negative::<S>(S::sub(x, max))),
            );
            maxima = S::add(maxima, S::select_eq(x, max, one, zero));
        }
        (max, S::add(rest, maxima))
    }
}
