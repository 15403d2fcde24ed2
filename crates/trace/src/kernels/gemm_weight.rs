//! Gradients of a matrix product with respect to its weights, and of a bias, over a tile of samples.

use super::products::{add, heights, steps, with_scratch};
use super::simd::{Cursor, Kernel, LANES, Level, Simd, run};
use super::turn::{add_sums, transpose};

/// Inputs by outputs whose sums stay in registers.
const ROWS: usize = 3;
const COLUMNS: usize = 2;
/// Outputs whose sums a lane are kept before they are added up.
const PANEL: usize = 32;

/// `dw[i][o] += sum x[i][s] lambda[o][s]` over all lanes `s`; where a lane holds no sample, `lambda`
/// must be zero and `x` finite.
///
/// Both factors have their samples in the lanes: a weight has a sum for every lane, and these are added
/// up at the end of the tile. Where the outputs nearly fill vectors, or few samples make the end
/// frequent, `lambda` is turned instead, so that outputs are in the lanes and inputs are broadcast.
pub(crate) struct GemmWeight<'a> {
    /// `[inputs][lanes]`
    pub x: &'a [f32],
    /// `[outputs][lanes]`
    pub lambda: &'a [f32],
    /// `[inputs][outputs]`, Burn's layout; added to.
    pub dw: &'a mut [f32],
    pub inputs: usize,
    pub outputs: usize,
    /// A multiple of 16.
    pub lanes: usize,
}

impl GemmWeight<'_> {
    /// Adds the gradient of this tile.
    pub fn run(self, level: Level) {
        if self.turning_wins() {
            let panel = self.outputs.next_multiple_of(LANES).min(4 * LANES);
            with_scratch([self.lanes * panel], |[turned]| {
                let gemm = self;
                run(
                    level,
                    Turned {
                        gemm,
                        level,
                        turned,
                    },
                );
            });
        } else {
            let sums = [0.0; ROWS * PANEL * LANES];
            let gemm = self;
            run(level, Sums { gemm, level, sums });
        }
    }

    /// Panics where a slice is too short, on which the kernels rely.
    fn check(&self) {
        assert!(self.lanes.is_multiple_of(LANES));
        assert!(self.x.len() >= self.inputs * self.lanes);
        assert!(self.lambda.len() >= self.outputs * self.lanes);
        assert!(self.dw.len() >= self.inputs * self.outputs);
    }

    /// Compares the times of the two forms, measured with AVX2, in any unit: with `lambda` turned empty
    /// lanes cost as much as others; else the end of the tile costs as much as 90 samples.
    fn turning_wins(&self) -> bool {
        let turned = 12 * self.outputs.next_multiple_of(LANES) * self.lanes;
        turned < 11 * self.outputs * (self.lanes + 90)
    }
}

struct Turned<'a, 'b> {
    gemm: GemmWeight<'a>,
    level: Level,
    /// `[lanes][outputs of a panel]`
    turned: &'b mut [f32],
}

impl Kernel for Turned<'_, '_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        self.gemm.check();
        let mut o = 0;
        while o < self.gemm.outputs {
            let count = (self.gemm.outputs - o).min(S::COLUMNS.min(4) * LANES);
            // SAFETY: `o + count <= outputs`, and `count` outputs fill `V <= 4` vectors.
            unsafe {
                match count.div_ceil(LANES) {
                    1 => self.panel::<S, 1>(o, count),
                    2 => self.panel::<S, 2>(o, count),
                    3 => self.panel::<S, 3>(o, count),
                    _ => self.panel::<S, 4>(o, count),
                }
            }
            o += count;
        }
    }
}

impl Turned<'_, '_> {
    /// Outputs `o..o + count`, in the lanes of `V` vectors.
    ///
    /// # Safety
    /// The processor must have the features of `S`; `o + count <= outputs`, and `count` is at most `16 V`.
    #[inline(always)]
    unsafe fn panel<S: Simd, const V: usize>(&mut self, o: usize, count: usize) {
        let lanes = self.gemm.lanes;
        for first in (0..count).step_by(LANES) {
            for s in (0..lanes).step_by(LANES) {
                let from = &self.gemm.lambda[(o + first) * lanes + s..];
                let to = &mut self.turned[s * V * LANES + first..];
                let rows = LANES.min(count - first);
                transpose(self.level, (from, lanes), rows, (to, V * LANES));
            }
        }
        // SAFETY: `i + rows <= inputs`, and `turned` now holds `lanes` rows of `V` vectors.
        unsafe {
            for (i, rows) in heights::<S, V>(self.gemm.inputs) {
                match rows {
                    1 => self.block::<S, 1, V>(i, o, count),
                    2 => self.block::<S, 2, V>(i, o, count),
                    3 => self.block::<S, 3, V>(i, o, count),
                    4 => self.block::<S, 4, V>(i, o, count),
                    5 => self.block::<S, 5, V>(i, o, count),
                    6 => self.block::<S, 6, V>(i, o, count),
                    _ => self.block::<S, 12, V>(i, o, count),
                }
            }
        }
    }

    /// Inputs `i..i + R` of the panel.
    ///
    /// # Safety
    /// As for `panel`; `i + R <= inputs`, and `16 V lanes <= turned.len()`.
    #[inline(always)]
    // By index: the rows must stay in registers.
    #[allow(clippy::needless_range_loop)]
    unsafe fn block<S: Simd, const R: usize, const V: usize>(
        &mut self,
        i: usize,
        o: usize,
        count: usize,
    ) {
        let GemmWeight { lanes, outputs, .. } = self.gemm;
        let mut x = [self.gemm.x; R];
        for r in 0..R {
            x[r] = &self.gemm.x[(i + r) * lanes..][..lanes];
        }
        debug_assert!(self.turned.len() >= lanes * V * LANES);
        // SAFETY: each of `x` has `lanes` numbers, and `turned` `lanes` rows of `V` vectors.
        let acc = unsafe {
            let zero = [[S::splat(0.0); V]; R];
            steps::<S, R, V>(zero, x, (self.turned, V * LANES), lanes)
        };
        let dw = &mut self.gemm.dw[i * outputs + o..];
        if count == V * LANES {
            // SAFETY: of `dw` there are `R - 1` rows of `outputs` numbers and `count` of the next,
            // because `i + R <= inputs` and `o + count <= outputs`.
            return unsafe { add::<S, R, V>(&acc, dw, outputs) };
        }
        let mut row = [0.0; 4 * LANES];
        for (r, acc) in acc.iter().enumerate() {
            for (v, &value) in acc.iter().enumerate() {
                // SAFETY: `v < V <= 4`.
                unsafe { S::store(&mut row, v * LANES, value) }
            }
            let dw = dw[r * outputs..][..count].iter_mut();
            dw.zip(&row).for_each(|(dw, sum)| *dw += sum);
        }
    }
}

struct Sums<'a> {
    gemm: GemmWeight<'a>,
    level: Level,
    /// `[ROWS][PANEL][16]`
    sums: [f32; ROWS * PANEL * LANES],
}

impl Kernel for Sums<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        self.gemm.check();
        for i in (0..self.gemm.inputs).step_by(ROWS) {
            for o in (0..self.gemm.outputs).step_by(PANEL) {
                let count = PANEL.min(self.gemm.outputs - o);
                // SAFETY: `i + R <= inputs`, `o + count <= outputs` and `count <= PANEL`.
                unsafe {
                    match self.gemm.inputs - i {
                        1 => self.panel::<S, 1>(i, o, count),
                        2 => self.panel::<S, 2>(i, o, count),
                        _ => self.panel::<S, ROWS>(i, o, count),
                    }
                }
            }
        }
    }
}

impl Sums<'_> {
    /// Inputs `i..i + R` by outputs `o..o + count`.
    ///
    /// # Safety
    /// The processor must have the features of `S`; `i + R <= inputs`, `o + count <= outputs`, `R <= ROWS` and
    /// `count <= PANEL`.
    #[inline(always)]
    unsafe fn panel<S: Simd, const R: usize>(&mut self, i: usize, o: usize, count: usize) {
        for first in (0..count).step_by(COLUMNS) {
            // SAFETY: `first + V <= count`.
            unsafe {
                match count - first {
                    1 => self.block::<S, R, 1>(i, o, first),
                    _ => self.block::<S, R, COLUMNS>(i, o, first),
                }
            }
        }
        let outputs = self.gemm.outputs;
        for r in 0..R {
            let dw = &mut self.gemm.dw[(i + r) * outputs + o..][..count];
            add_sums(self.level, &self.sums[r * PANEL * LANES..], dw);
        }
    }

    /// Inputs `i..i + R` by `V` outputs from `o + first` on.
    ///
    /// # Safety
    /// The processor must have the features of `S`; `i + R <= inputs`, `o + first + V <= outputs`, `R <= ROWS`
    /// and `first + V <= PANEL`.
    #[inline(always)]
    unsafe fn block<S: Simd, const R: usize, const V: usize>(
        &mut self,
        i: usize,
        o: usize,
        first: usize,
    ) {
        let lanes = self.gemm.lanes;
        debug_assert!(i + R <= self.gemm.inputs && o + first + V <= self.gemm.outputs);
        debug_assert!(R <= ROWS && first + V <= PANEL);
        // SAFETY: as `check` has found, `x` holds `inputs` rows of `lanes`, and `lambda` `outputs`; rows `i + r` and
        // `o + first + v` are among them, and `sums` has a vector for each pair of ROWS and PANEL.
        unsafe {
            let mut x = Cursor::new(self.gemm.x, i * lanes);
            let mut lambda = Cursor::new(self.gemm.lambda, (o + first) * lanes);
            let mut acc = [[S::splat(0.0); V]; R];
            for _ in 0..lanes / LANES {
                let mut values = [S::splat(0.0); V];
                for (v, value) in values.iter_mut().enumerate() {
                    *value = lambda.load::<S>(v * lanes);
                }
                for (r, acc) in acc.iter_mut().enumerate() {
                    let input = x.load::<S>(r * lanes);
                    for v in 0..V {
                        acc[v] = S::fma(input, values[v], acc[v]);
                    }
                }
                x.step(LANES);
                lambda.step(LANES);
            }
            for (r, acc) in acc.iter().enumerate() {
                for (v, &value) in acc.iter().enumerate() {
                    let at = (r * PANEL + first + v) * LANES;
                    S::store(&mut self.sums, at, value);
                }
            }
        }
    }
}

/// `db[o] += sum lambda[o]` over pixels and lanes: the gradient of a bias, for `lambda`
/// `[db.len()][pixels][lanes]`; where a lane holds no sample, `lambda` must be zero.
pub(crate) fn bias_gradient(level: Level, lambda: &[f32], db: &mut [f32]) {
    if db.is_empty() {
        return;
    }
    assert!(lambda.len().is_multiple_of(db.len() * LANES));
    run(level, Bias { level, lambda, db });
}

struct Bias<'a> {
    level: Level,
    lambda: &'a [f32],
    db: &'a mut [f32],
}

impl Kernel for Bias<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let rows = self.lambda.chunks_exact(self.lambda.len() / self.db.len());
        for (row, db) in rows.zip(self.db) {
            let mut sum = [0.0; LANES];
            // SAFETY: `at + 16 <= row.len()`, because `bias_gradient` has found `row.len()` a multiple of 16.
            unsafe {
                let mut acc = [S::splat(0.0); 4];
                let mut at = 0;
                while at + 4 * LANES <= row.len() {
                    for (v, acc) in acc.iter_mut().enumerate() {
                        *acc = S::add(*acc, S::load(row, at + v * LANES));
                    }
                    at += 4 * LANES;
                }
                while at < row.len() {
                    acc[0] = S::add(acc[0], S::load(row, at));
                    at += LANES;
                }
                let pairs = [S::add(acc[0], acc[1]), S::add(acc[2], acc[3])];
                S::store(&mut sum, 0, S::add(pairs[0], pairs[1]));
            }
            add_sums(self.level, &sum, std::slice::from_mut(db));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::conv_tests::{cases, draw, or_under_miri};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(cases(96))]

        #[test]
        fn gradients_equal_f64(
            inputs in 1..or_under_miri(40usize, 12),
            outputs in 1..or_under_miri(70usize, 20),
            vectors in 1..or_under_miri(17usize, 3),
            seed: u64,
        ) {
            let mut rng = landscape_core::Rng::new(seed, 0);
            let mut draw = |n| draw(&mut rng, n);
            let lanes = LANES * vectors;
            let (x, lambda) = (draw(inputs * lanes), draw(outputs * lanes));
            let start = draw(inputs * outputs);
            for level in Level::available() {
                let mut dw = start.clone();
                GemmWeight { x: &x, lambda: &lambda, dw: &mut dw, inputs, outputs, lanes }.run(level);
                for (at, (&dw, &start)) in dw.iter().zip(&start).enumerate() {
                    let (i, o) = (at / outputs, at % outputs);
                    let pairs = x[i * lanes..][..lanes].iter().zip(&lambda[o * lanes..]);
                    let sum: f64 = pairs.map(|(x, l)| f64::from(*x) * f64::from(*l)).sum();
                    let error = f64::from(dw) - f64::from(start) - sum;
                    prop_assert!(error.abs() < 6e-5, "{level} {error}");
                }
            }
        }

        #[test]
        fn bias_gradients_equal_f64(outputs in 1usize..20, rows in 1..or_under_miri(40usize, 5), seed: u64) {
            let mut rng = landscape_core::Rng::new(seed, 0);
            let (lambda, start) = (draw(&mut rng, outputs * rows * LANES), draw(&mut rng, outputs));
            for level in Level::available() {
                let mut db = start.clone();
                bias_gradient(level, &lambda, &mut db);
                for (o, &db) in db.iter().enumerate() {
                    let row = lambda[o * rows * LANES..][..rows * LANES].iter();
                    let truth = f64::from(start[o]) + row.map(|&l| f64::from(l)).sum::<f64>();
                    prop_assert!((f64::from(db) - truth).abs() < 1e-4, "{level}");
                }
            }
        }
    }
}
