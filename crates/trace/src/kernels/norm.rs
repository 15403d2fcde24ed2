//! Normalisations of rows of a tile.

use super::simd::{Kernel, LANES, Simd};

/// `out = act(x factor + shift)`
pub(crate) struct Scaled<'a> {
    pub x: &'a [f32],
    pub factor: f32,
    pub shift: f32,
    pub relu: bool,
    pub out: &'a mut [f32],
}

impl Kernel for Scaled<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        assert_eq!(self.x.len(), self.out.len());
        let whole = self.x.len() / LANES * LANES;
        // SAFETY: `i + 16 <= whole`, which is at most the length of both slices.
        unsafe {
            let (factor, shift) = (S::splat(self.factor), S::splat(self.shift));
            for i in (0..whole).step_by(LANES) {
                let value = S::fma(S::load(self.x, i), factor, shift);
                let value = match self.relu {
                    true => S::max(S::splat(0.0), value),
                    false => value,
                };
                S::store(self.out, i, value);
            }
        }
        for i in whole..self.x.len() {
            let value = self.x[i].mul_add(self.factor, self.shift);
            self.out[i] = match self.relu && value < 0.0 {
                true => 0.0,
                false => value,
            };
        }
    }
}

/// Moments of one channel of a tile, sample by sample.
pub(crate) struct ChannelMoments<'a> {
    /// `[pixels][lanes]`
    pub x: &'a [f32],
    pub shift: f32,
    pub mean: &'a mut [f32],
    pub square: &'a mut [f32],
}

impl Kernel for ChannelMoments<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let lanes = self.mean.len();
        assert!(lanes.is_multiple_of(LANES) && self.square.len() == lanes);
        let pixels = self.x.len() / lanes;
        // SAFETY: `s + 16 <= lanes`, a multiple of 16 and the length of both results, and
        // `pixel lanes + s + 16 <= pixels lanes <= x.len()`.
        unsafe {
            let (shift, share) = (S::splat(self.shift), S::splat(1.0 / pixels as f32));
            for s in (0..lanes).step_by(LANES) {
                let (mut sum, mut squares) = (S::splat(0.0), S::splat(0.0));
                for pixel in 0..pixels {
                    let d = S::sub(S::load(self.x, pixel * lanes + s), shift);
                    sum = S::add(sum, d);
                    squares = S::fma(d, d, squares);
                }
                S::store(self.mean, s, S::mul(sum, share));
                S::store(self.square, s, S::mul(squares, share));
            }
        }
    }
}

/// Normalisation of every lane of one row of values of a tile, `[length][lanes]`, by its own mean and variance;
/// `length` is that of gamma.
pub(crate) struct RowNorm<'a> {
    pub x: &'a [f32],
    pub gamma: &'a [f32],
    pub beta: Option<&'a [f32]>,
    pub epsilon: f32,
    pub lanes: usize,
    pub out: &'a mut [f32],
}

impl RowNorm<'_> {
    /// For one lane.
    pub fn plain(self) {
        let n = self.gamma.len() as f64;
        let mean = self.x.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        let squares = self.x.iter().map(|&x| (f64::from(x) - mean).powi(2));
        let root = (squares.sum::<f64>() / n + f64::from(self.epsilon)).sqrt();
        for (i, (out, &x)) in self.out.iter_mut().zip(self.x).enumerate() {
            let scaled = f64::from(self.gamma[i]) * (f64::from(x) - mean) / root;
            *out = (scaled + self.beta.map_or(0.0, |b| f64::from(b[i]))) as f32;
        }
    }
}

impl Kernel for RowNorm<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (length, lanes) = (self.gamma.len(), self.lanes);
        assert!(lanes.is_multiple_of(LANES));
        assert!(self.x.len() >= length * lanes && self.out.len() >= length * lanes);
        assert!(self.beta.is_none_or(|b| b.len() >= length));
        // SAFETY: `s + 16 <= lanes`, a multiple of 16, and `i < length`: `i lanes + s + 16 <= length lanes`; gamma and beta have
        // `length` numbers.
        unsafe {
            let share = S::splat(1.0 / length as f32);
            for s in (0..lanes).step_by(LANES) {
                let load = |i: usize| S::load(self.x, i * lanes + s);
                let mean = S::mul(sum::<S>(length, load), share);
                let squares = sum::<S>(length, |i| {
                    let d = S::sub(load(i), mean);
                    S::mul(d, d)
                });
                let variance = S::fma(squares, share, S::splat(self.epsilon));
                let factor = S::div(S::splat(1.0), S::sqrt(variance));
                for i in 0..length {
                    let scaled = S::mul(S::sub(load(i), mean), factor);
                    let gamma = S::repeat(self.gamma, i);
                    let value = match self.beta {
                        Some(beta) => S::fma(scaled, gamma, S::repeat(beta, i)),
                        None => S::mul(scaled, gamma),
                    };
                    S::store(self.out, i * lanes + s, value);
                }
            }
        }
    }
}

/// The sum of `n` vectors, in four parts that do not wait for each other.
///
/// # Safety
/// The processor must have the features of `S`.
#[inline(always)]
unsafe fn sum<S: Simd>(n: usize, of: impl Fn(usize) -> S::V) -> S::V {
    // SAFETY: the caller promises the features.
    let mut parts = unsafe { [S::splat(0.0); 4] };
    let whole = n / 4 * 4;
    for first in (0..whole).step_by(4) {
        for (k, part) in parts.iter_mut().enumerate() {
            *part = S::add(*part, of(first + k));
        }
    }
    for i in whole..n {
        parts[0] = S::add(parts[0], of(i));
    }
    S::add(S::add(parts[0], parts[1]), S::add(parts[2], parts[3]))
}
