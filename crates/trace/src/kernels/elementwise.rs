//! Elementwise functions of several rows of numbers.

use super::simd::{Kernel, LANES, Level, Simd, run};

/// A function of `N` numbers, applied to vectors.
pub(crate) trait MapN<const N: usize>: Copy {
    /// The function on 16 numbers each.
    fn apply<S: Simd>(self, x: [S::V; N]) -> S::V;
}

/// A row of an input: a slice, or one number repeated (stride 0).
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub data: &'a [f32],
    pub stride: usize,
}

/// `out[i] = f(rows[0][i], ..)`; rows are as long as `out`, or repeat one number.
pub(crate) fn map_rows<const N: usize, F: MapN<N>>(
    level: Level,
    f: F,
    rows: [Row; N],
    out: &mut [f32],
) {
    run(level, Rows { f, rows, out });
}

struct Rows<'a, F, const N: usize> {
    f: F,
    rows: [Row<'a>; N],
    out: &'a mut [f32],
}

impl<F: MapN<N>, const N: usize> Kernel for Rows<'_, F, N> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let n = self.out.len();
        let whole = n / LANES * LANES;
        for row in &self.rows {
            assert!(row.data.len() == if row.stride == 0 { 1 } else { n });
        }
        if n == 0 {
            return;
        }
        // SAFETY: `i + 16 <= whole <= n`, the length of `out` and of rows that are not repeated, and all have a first
        // number; what is left goes through arrays of 16.
        unsafe {
            let repeated: [S::V; N] = std::array::from_fn(|k| S::repeat(self.rows[k].data, 0));
            for i in (0..whole).step_by(LANES) {
                let mut x = repeated;
                for (x, row) in x.iter_mut().zip(&self.rows) {
                    if row.stride == 1 {
                        *x = S::load(row.data, i);
                    }
                }
                S::store(self.out, i, self.f.apply::<S>(x));
            }
            if whole < n {
                let mut x = repeated;
                for (x, row) in x.iter_mut().zip(&self.rows) {
                    if row.stride == 1 {
                        let mut rest = [0.0; LANES];
                        rest[..n - whole].copy_from_slice(&row.data[whole..]);
                        *x = S::load(&rest, 0);
                    }
                }
                let mut rest = [0.0; LANES];
                S::store(&mut rest, 0, self.f.apply::<S>(x));
                self.out[whole..].copy_from_slice(&rest[..n - whole]);
            }
        }
    }
}

/// `out[i] += factor x[i]`; lengths must be equal.
pub(crate) struct AddScaled<'a> {
    pub x: &'a [f32],
    pub factor: f32,
    pub out: &'a mut [f32],
}

impl Kernel for AddScaled<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let n = self.out.len();
        assert_eq!(self.x.len(), n);
        let whole = n / LANES * LANES;
        // SAFETY: `i + 16 <= whole <= n`, the length of both.
        unsafe {
            let factor = S::splat(self.factor);
            for i in (0..whole).step_by(LANES) {
                let sum = S::fma(S::load(self.x, i), factor, S::load(self.out, i));
                S::store(self.out, i, sum);
            }
        }
        for (out, x) in self.out[whole..].iter_mut().zip(&self.x[whole..]) {
            *out += self.factor * x;
        }
    }
}
