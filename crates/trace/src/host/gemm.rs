//! The matrix product of a tile of samples with the weights of one point.

use super::simd::{Kernel, LANES, Level, Simd, run};

/// `out[o][s] = act(bias[o] + sum_k w[k][o] x[k][s])`, samples `s` in the lanes.
///
/// A block of `ROWS` outputs by `COLUMNS` logical vectors of samples stays in registers while `k`
/// runs; weights are broadcast, inputs are read once a block of outputs.
pub(crate) struct Gemm<'a> {
    /// `[inputs][lanes]`
    pub x: &'a [f32],
    /// `[inputs][outputs]`, Burn's layout.
    pub w: &'a [f32],
    /// `[outputs]`
    pub bias: Option<&'a [f32]>,
    /// `[outputs][lanes]`
    pub out: &'a mut [f32],
    pub inputs: usize,
    pub outputs: usize,
    /// A multiple of 16.
    pub lanes: usize,
    /// Whether `max(0, .)` is applied.
    pub relu: bool,
}

impl Gemm<'_> {
    /// Computes the product.
    pub fn run(self, level: Level) {
        assert!(self.lanes.is_multiple_of(LANES));
        assert!(self.x.len() >= self.inputs * self.lanes);
        assert!(self.w.len() >= self.inputs * self.outputs);
        assert!(self.out.len() >= self.outputs * self.lanes);
        assert!(self.bias.is_none_or(|b| b.len() >= self.outputs));
        run(level, self);
    }

    #[inline(always)]
    unsafe fn columns<S: Simd, const V: usize>(&mut self, s: usize) {
        // Outputs are cut into blocks of nearly equal height.
        let blocks = self.outputs.div_ceil(S::ROWS);
        let mut o = 0;
        for block in 0..blocks {
            let rows = (self.outputs - o).div_ceil(blocks - block);
            unsafe {
                match rows {
                    1 => self.block::<S, 1, V>(o, s),
                    2 => self.block::<S, 2, V>(o, s),
                    3 => self.block::<S, 3, V>(o, s),
                    4 => self.block::<S, 4, V>(o, s),
                    5 => self.block::<S, 5, V>(o, s),
                    _ => self.block::<S, 6, V>(o, s),
                }
            }
            o += rows;
        }
    }

    /// Outputs `o..o + R` of samples `s..s + 16 V`.
    #[inline(always)]
    unsafe fn block<S: Simd, const R: usize, const V: usize>(&mut self, o: usize, s: usize) {
        // SAFETY: `run` has checked that all rows and columns of the block exist.
        unsafe {
            let mut acc = [[S::splat(0.0); V]; R];
            if let Some(bias) = self.bias {
                // By index: the accumulators must stay in registers.
                #[allow(clippy::needless_range_loop)]
                for r in 0..R {
                    acc[r] = [S::splat(*bias.get_unchecked(o + r)); V];
                }
            }
            let mut x = self.x.as_ptr().add(s);
            let mut w = self.w.as_ptr().add(o);
            for _ in 0..self.inputs {
                let mut input = [S::splat(0.0); V];
                for (v, input) in input.iter_mut().enumerate() {
                    *input = S::load(x.add(v * LANES));
                }
                for (r, acc) in acc.iter_mut().enumerate() {
                    let weight = S::splat(*w.add(r));
                    for v in 0..V {
                        acc[v] = S::fma(weight, input[v], acc[v]);
                    }
                }
                x = x.add(self.lanes);
                w = w.add(self.outputs);
            }
            for (r, acc) in acc.iter().enumerate() {
                let out = self.out.as_mut_ptr().add((o + r) * self.lanes + s);
                for (v, &value) in acc.iter().enumerate() {
                    let value = if self.relu {
                        S::max(S::splat(0.0), value)
                    } else {
                        value
                    };
                    S::store(out.add(v * LANES), value);
                }
            }
        }
    }
}

impl Kernel for Gemm<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        let vectors = self.lanes / LANES;
        let strips = vectors.div_ceil(S::COLUMNS);
        let mut v = 0;
        for strip in 0..strips {
            let width = (vectors - v).div_ceil(strips - strip);
            let s = v * LANES;
            unsafe {
                match width {
                    1 => self.columns::<S, 1>(s),
                    2 => self.columns::<S, 2>(s),
                    3 => self.columns::<S, 3>(s),
                    _ => self.columns::<S, 4>(s),
                }
            }
            v += width;
        }
    }
}
