//! The matrix product of a tile of samples with the weights of one point.

use super::simd::{Cursor, Kernel, LANES, Level, Simd, run};

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
        run(level, self);
    }

    /// Panics where a slice is too short, on which the kernel relies.
    fn check(&self) {
        assert!(self.lanes.is_multiple_of(LANES));
        assert!(self.x.len() >= self.inputs * self.lanes);
        assert!(self.w.len() >= self.inputs * self.outputs);
        assert!(self.out.len() >= self.outputs * self.lanes);
        assert!(self.bias.is_none_or(|b| b.len() >= self.outputs));
    }

    /// All outputs of samples `s..s + 16 V`.
    ///
    /// # Safety
    /// The processor must have the features of `S`, and `s + 16 V <= lanes`.
    #[inline(always)]
    unsafe fn columns<S: Simd, const V: usize>(&mut self, s: usize) {
        // Outputs are cut into blocks of nearly equal height.
        let blocks = self.outputs.div_ceil(S::ROWS);
        let mut o = 0;
        for block in 0..blocks {
            let rows = (self.outputs - o).div_ceil(blocks - block);
            // SAFETY: `o + rows <= outputs`, and `rows <= S::ROWS <= 6`.
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
    ///
    /// # Safety
    /// The processor must have the features of `S`; `o + R <= outputs` and `s + 16 V <= lanes`.
    #[inline(always)]
    unsafe fn block<S: Simd, const R: usize, const V: usize>(&mut self, o: usize, s: usize) {
        debug_assert!(o + R <= self.outputs && s + V * LANES <= self.lanes);
        // SAFETY: as `check` has found, `x` holds `inputs` rows of `lanes`, `w` `inputs` rows of `outputs`,
        // `out` `outputs` rows of `lanes`; `o + r < outputs` and `s + 16 (v + 1) <= lanes`.
        unsafe {
            let mut acc = [[S::splat(0.0); V]; R];
            if let Some(bias) = self.bias {
                // By index: the accumulators must stay in registers.
                #[allow(clippy::needless_range_loop)]
                for r in 0..R {
                    acc[r] = [S::repeat(bias, o + r); V];
                }
            }
            let (mut x, mut w) = (Cursor::new(self.x, s), Cursor::new(self.w, o));
            for _ in 0..self.inputs {
                let mut input = [S::splat(0.0); V];
                for (v, input) in input.iter_mut().enumerate() {
                    *input = x.load::<S>(v * LANES);
                }
                for (r, acc) in acc.iter_mut().enumerate() {
                    let weight = w.repeat::<S>(r);
                    for v in 0..V {
                        acc[v] = S::fma(weight, input[v], acc[v]);
                    }
                }
                x.step(self.lanes);
                w.step(self.outputs);
            }
            for (r, acc) in acc.iter().enumerate() {
                let out = (o + r) * self.lanes + s;
                for (v, &value) in acc.iter().enumerate() {
                    let value = if self.relu {
                        S::max(S::splat(0.0), value)
                    } else {
                        value
                    };
                    S::store(self.out, out + v * LANES, value);
                }
            }
        }
    }
}

impl Kernel for Gemm<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        self.check();
        let vectors = self.lanes / LANES;
        let strips = vectors.div_ceil(S::COLUMNS);
        let mut v = 0;
        for strip in 0..strips {
            let width = (vectors - v).div_ceil(strips - strip);
            let s = v * LANES;
            // SAFETY: `v + width <= lanes / 16`, and `width <= S::COLUMNS <= 4`.
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
