//! What a head does to the rows of some outputs, column by column; for [`super::head`].

use super::math;
use super::simd::{Kernel, LANES, Simd};

/// Outputs `first..first + count` of a head, `[count][width]`, a multiple of 16 wide, with the label of every column.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub z: &'a [f32],
    pub labels: &'a [f32],
    pub first: usize,
    pub count: usize,
    pub width: usize,
}

impl Rows<'_> {
    /// Panics where a slice is too short, on which the kernels rely.
    fn check(&self) {
        assert!(self.count > 0 && self.width.is_multiple_of(LANES));
        assert!(self.z.len() >= self.count * self.width && self.labels.len() >= self.width);
    }
}

/// Goes on with the largest output, the sum of the others' exponentials relative to it, its place, and the output that the
/// label names: NaN where none does. Begins with them at output 0.
pub(super) struct Largest<'a> {
    pub rows: Rows<'a>,
    /// The label's output, the largest, the sum, the place: `[width]` each.
    pub kept: [&'a mut [f32]; 4],
}

impl Kernel for Largest<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        self.rows.check();
        assert!(self.kept.iter().all(|kept| kept.len() >= self.rows.width));
        // SAFETY: `s + 16 <= width`, a multiple of 16, which all slices were found to have.
        unsafe {
            if self.rows.first == 0 {
                let start = [f32::NAN, f32::NEG_INFINITY, -1.0, 0.0];
                for (kept, x) in self.kept.iter_mut().zip(start) {
                    kept[..self.rows.width].fill(x);
                }
            }
            for s in (0..self.rows.width).step_by(LANES) {
                let before = S::load(self.kept[1], s);
                let largest = self.place::<S>(s);
                S::store(self.kept[1], s, largest);
                let rest = self.rest::<S>(s, before, largest);
                S::store(self.kept[2], s, rest);
            }
        }
    }
}

impl Largest<'_> {
    /// The largest output of columns `s..s + 16` so far; its place and the label's output are kept.
    ///
    /// # Safety
    /// The processor must have the features of `S`; the slices were checked, and `s + 16 <= width`.
    #[inline(always)]
    unsafe fn place<S: Simd>(&mut self, s: usize) -> S::V {
        let Rows {
            z,
            labels,
            first,
            count,
            width,
        } = self.rows;
        // SAFETY: `i width + s + 16 <= count width`.
        unsafe {
            let (label, one) = (S::load(labels, s), S::splat(1.0));
            let mut chosen = S::load(self.kept[0], s);
            let mut place = S::load(self.kept[3], s);
            // The first output stays where it is not a number, as in the place of a maximum of all.
            let mut largest = match first {
                0 => S::load(z, s),
                _ => S::load(self.kept[1], s),
            };
            let mut class = S::splat(first as f32);
            for i in 0..count {
                let x = S::load(z, i * width + s);
                chosen = S::select_eq(label, class, x, chosen);
                place = S::select_gt(x, largest, class, place);
                largest = S::select_gt(x, largest, x, largest);
                class = S::add(class, one);
            }
            S::store(self.kept[0], s, chosen);
            S::store(self.kept[3], s, place);
            largest
        }
    }

    /// `sum e^(x - largest) - 1` over the outputs so far, where `before` was the largest before these. The 1 of the largest
    /// is left out, and so small sums keep their relative accuracy.
    ///
    /// # Safety
    /// As for `place`.
    #[inline(always)]
    unsafe fn rest<S: Simd>(&self, s: usize, before: S::V, largest: S::V) -> S::V {
        let Rows {
            z, count, width, ..
        } = self.rows;
        // SAFETY: `i width + s + 16 <= count width`.
        unsafe {
            let (zero, one) = (S::splat(0.0), S::splat(1.0));
            let (mut rest, mut maxima) = (zero, S::splat(-1.0));
            for i in 0..count {
                let x = S::load(z, i * width + s);
                let power = math::exp_negative::<S>(S::sub(x, largest));
                rest = S::add(rest, S::select_eq(x, largest, zero, power));
                maxima = S::add(maxima, S::select_eq(x, largest, one, zero));
            }
            let old = S::load(self.kept[2], s);
            let scaled = S::mul(math::exp::<S>(S::sub(before, largest)), S::add(old, one));
            rest = S::add(rest, S::select_eq(before, largest, old, scaled));
            maxima = S::add(maxima, S::select_eq(before, largest, one, zero));
            S::add(rest, maxima)
        }
    }
}

/// After all outputs: the label's log-softmax in the place of its output, and the logarithm in that of the sum. Not a number where
/// the largest output is infinite, as in PyTorch.
pub(super) struct Logarithm<'a> {
    /// As [`Largest::kept`].
    pub kept: [&'a mut [f32]; 3],
    pub width: usize,
}

impl Kernel for Logarithm<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        assert!(self.width.is_multiple_of(LANES));
        assert!(self.kept.iter().all(|kept| kept.len() >= self.width));
        // SAFETY: `s + 16 <= width`, which all slices have.
        unsafe {
            for s in (0..self.width).step_by(LANES) {
                let (chosen, largest) = (S::load(self.kept[0], s), S::load(self.kept[1], s));
                let log = math::ln_1p::<S>(S::load(self.kept[2], s));
                let log = S::add(log, S::sub(largest, largest));
                // The first difference is exact where it matters.
                S::store(self.kept[0], s, S::sub(S::sub(chosen, largest), log));
                S::store(self.kept[2], s, log);
            }
        }
    }
}

/// The softmax of a column's output.
#[inline(always)]
fn softmax<S: Simd>(z: S::V, [largest, log]: [S::V; 2]) -> S::V {
    math::exp::<S>(S::sub(S::sub(z, largest), log))
}

/// Adds up the changes of a column's outputs, weighted with the softmax, and finds that of the label's output.
pub(super) struct Mean<'a> {
    pub rows: Rows<'a>,
    /// Shaped as the outputs.
    pub change: &'a [f32],
    /// The largest output, and the logarithm.
    pub kept: [&'a [f32]; 2],
    /// The change of the label's output, and the sum.
    pub found: [&'a mut [f32]; 2],
}

impl Kernel for Mean<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        self.rows.check();
        let Rows {
            z,
            labels,
            first,
            count,
            width,
        } = self.rows;
        assert!(self.change.len() >= count * width);
        assert!(self.kept.iter().all(|kept| kept.len() >= width));
        assert!(self.found.iter().all(|found| found.len() >= width));
        // SAFETY: `s + 16 <= width` and `i < count`, for which all slices are long enough.
        unsafe {
            for s in (0..width).step_by(LANES) {
                let kept = [S::load(self.kept[0], s), S::load(self.kept[1], s)];
                let (label, one) = (S::load(labels, s), S::splat(1.0));
                let (mut chosen, mut sum) = (S::load(self.found[0], s), S::splat(0.0));
                let mut class = S::splat(first as f32);
                for i in 0..count {
                    let at = i * width + s;
                    let change = S::load(self.change, at);
                    chosen = S::select_eq(label, class, change, chosen);
                    sum = S::fma(softmax::<S>(S::load(z, at), kept), change, sum);
                    class = S::add(class, one);
                }
                S::store(self.found[0], s, chosen);
                let before = S::load(self.found[1], s);
                S::store(self.found[1], s, S::add(before, sum));
            }
        }
    }
}

/// `l_j = g ([j = label] - softmax_j)` in the place of the outputs, and where outputs change, in the place of their changes
/// `l'_j = g' ([j = label] - softmax_j) - g softmax_j (z'_j - mean)`.
pub(super) struct Shares<'a> {
    pub z: &'a mut [f32],
    /// As [`Rows`], without the outputs.
    pub labels: &'a [f32],
    pub first: usize,
    pub count: usize,
    pub width: usize,
    /// The largest output, the logarithm, and `g`.
    pub kept: [&'a [f32]; 3],
    pub change: Option<Changes<'a>>,
}

/// Changes of outputs.
pub(super) struct Changes<'a> {
    pub z: &'a mut [f32],
    /// Their mean, and `g'`.
    pub kept: [&'a [f32]; 2],
}

impl Kernel for Shares<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        let width = self.width;
        let rows = Rows {
            z: self.z,
            labels: self.labels,
            first: self.first,
            count: self.count,
            width,
        };
        rows.check();
        assert!(self.kept.iter().all(|kept| kept.len() >= width));
        let mut change = self.change.take();
        if let Some(change) = &change {
            assert!(change.z.len() >= self.count * width);
            assert!(change.kept.iter().all(|kept| kept.len() >= width));
        }
        // SAFETY: `s + 16 <= width`, and all slices were checked.
        unsafe {
            for s in (0..width).step_by(LANES) {
                match &mut change {
                    None => self.first_order::<S>(s),
                    Some(change) => self.second_order::<S>(s, change),
                }
            }
        }
    }
}

impl Shares<'_> {
    /// # Safety
    /// The processor must have the features of `S`; the slices were checked, and `s + 16 <= width`.
    #[inline(always)]
    unsafe fn first_order<S: Simd>(&mut self, s: usize) {
        // SAFETY: `i width + s + 16 <= count width`.
        unsafe {
            let kept = [S::load(self.kept[0], s), S::load(self.kept[1], s)];
            let (g, label) = (S::load(self.kept[2], s), S::load(self.labels, s));
            let (zero, one) = (S::splat(0.0), S::splat(1.0));
            let mut class = S::splat(self.first as f32);
            for i in 0..self.count {
                let at = i * self.width + s;
                let p = softmax::<S>(S::load(self.z, at), kept);
                let share = S::sub(S::select_eq(label, class, one, zero), p);
                S::store(self.z, at, S::mul(g, share));
                class = S::add(class, one);
            }
        }
    }

    /// # Safety
    /// As for `first_order`.
    #[inline(always)]
    unsafe fn second_order<S: Simd>(&mut self, s: usize, change: &mut Changes) {
        // SAFETY: `i width + s + 16 <= count width`.
        unsafe {
            let kept = [S::load(self.kept[0], s), S::load(self.kept[1], s)];
            let (g, label) = (S::load(self.kept[2], s), S::load(self.labels, s));
            let (mean, moved) = (S::load(change.kept[0], s), S::load(change.kept[1], s));
            let (zero, one) = (S::splat(0.0), S::splat(1.0));
            let mut class = S::splat(self.first as f32);
            for i in 0..self.count {
                let at = i * self.width + s;
                let p = softmax::<S>(S::load(self.z, at), kept);
                let share = S::sub(S::select_eq(label, class, one, zero), p);
                let around = S::sub(S::load(change.z, at), mean);
                let bent = S::mul(S::mul(g, p), around);
                S::store(self.z, at, S::mul(g, share));
                S::store(change.z, at, S::sub(S::mul(moved, share), bent));
                class = S::add(class, one);
            }
        }
    }
}
