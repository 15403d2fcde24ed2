//! The matrix product of a tile of samples with the weights of one point.

use super::conv::Finish;
use super::products::with_scratch;
use super::simd::{Cursor, Kernel, LANES, Level, Simd, run};

/// Weights that are packed together: half of what a small second-level cache holds.
const CHUNK: usize = 64 * 1024;
/// Vectors of samples from which on packing costs less than it gains.
const PACKED: usize = 32;
/// Numbers between rows of inputs from which on caches have no place for many of them: they are where the rows before are.
const FAR: usize = 4096;

/// `out[t][o][s] = act(bias[o] + sum_k w[k][o] x[t][k][s] + residual)`, samples `s` in the lanes.
///
/// A block of `ROWS` outputs by `COLUMNS` logical vectors of samples stays in registers while `k`
/// runs; weights are broadcast, inputs are read once a block of outputs. The vectors are those of one matrix `x[t]`, or
/// where it has too few, of neighbouring matrices; weights that many of them need are packed first, in the
/// order in which they are read.
pub(crate) struct Gemm<'a> {
    /// `[times][inputs][lanes]`
    pub x: &'a [f32],
    pub w: &'a [f32],
    /// Numbers of `w` from input to input, and from output to output: Burn's layout is `[outputs, 1]`.
    pub steps: [usize; 2],
    /// Shaped as `out`.
    pub finish: Finish<'a>,
    /// `[times][outputs][lanes]`
    pub out: &'a mut [f32],
    /// Matrices that are multiplied by the same weights: the tokens of a sample.
    pub times: usize,
    pub inputs: usize,
    pub outputs: usize,
    /// A multiple of 16.
    pub lanes: usize,
}

/// Neighbouring vectors of samples, in one matrix or in several.
#[derive(Clone, Copy)]
struct Strip {
    matrix: usize,
    lane: usize,
    width: usize,
    /// Whether the vectors are those of the same lanes of neighbouring matrices.
    across: bool,
}

/// Where a factor of a block is: number `i` of those that meet input `k` is at `start + step k + gap i`.
#[derive(Clone, Copy)]
struct Factor<'a> {
    data: &'a [f32],
    start: usize,
    step: usize,
    gap: usize,
}

impl<'a> Gemm<'a> {
    /// Computes the product.
    pub fn run(self, level: Level) {
        let many = self.times * self.lanes / LANES >= PACKED;
        let sizes = [
            if many { self.inputs * self.chunk() } else { 0 },
            if many && self.far() {
                self.inputs * 4 * LANES
            } else {
                0
            },
        ];
        with_scratch(sizes, |[weights, strip]| {
            let gemm = self;
            let packed = Packed {
                gemm,
                weights,
                strip,
            };
            run(level, packed);
        });
    }

    /// Panics where a slice is too short, on which the kernel relies.
    fn check(&self) {
        let lanes = self.times * self.lanes;
        let [input, output] = self.steps;
        assert!(self.lanes.is_multiple_of(LANES));
        assert!(self.x.len() >= self.inputs * lanes);
        assert!(
            self.inputs == 0 || self.outputs == 0 || {
                self.w.len() > (self.inputs - 1) * input + (self.outputs - 1) * output
            }
        );
        assert!(self.out.len() >= self.outputs * lanes);
        self.finish.check(self.outputs, self.outputs * lanes);
    }

    /// Whether strips of the inputs are copied before many outputs read them.
    fn far(&self) -> bool {
        self.lanes.is_multiple_of(FAR) && self.inputs > 8 && self.outputs > 16
    }

    /// The weights from output `o` on, where they are.
    fn weights_of(&self, o: usize) -> Factor<'_> {
        let [step, gap] = self.steps;
        Factor {
            data: self.w,
            start: o * gap,
            step,
            gap,
        }
    }

    /// Where the results go.
    fn outputs<'b>(&self, out: &'b mut [f32]) -> Outputs<'a, 'b> {
        Outputs {
            out,
            finish: self.finish,
            inputs: self.inputs,
            outputs: self.outputs,
            lanes: self.lanes,
        }
    }

    /// Outputs whose weights are packed together.
    fn chunk(&self) -> usize {
        let chunks = (self.inputs * self.outputs).div_ceil(CHUNK).max(1);
        self.outputs.div_ceil(chunks)
    }

    /// The inputs of a strip, where they are.
    fn inputs_of(&self, strip: Strip) -> Factor<'_> {
        Factor {
            data: self.x,
            start: strip.matrix * self.inputs * self.lanes + strip.lane,
            step: self.lanes,
            gap: match strip.across {
                true => self.inputs * self.lanes,
                false => LANES,
            },
        }
    }

    /// All vectors, cut into strips of nearly equal width.
    fn strips(&self, most: usize) -> impl Iterator<Item = Strip> + use<> {
        let vectors = self.lanes / LANES;
        let across = self.times > 1 && vectors < most;
        let (outer, inner) = match across {
            true => (vectors, self.times),
            false => (self.times, vectors),
        };
        (0..outer).flat_map(move |at| {
            equal(inner, most).map(move |(first, width)| {
                let (matrix, vector) = if across { (first, at) } else { (at, first) };
                Strip {
                    matrix,
                    lane: vector * LANES,
                    width,
                    across,
                }
            })
        })
    }
}

/// What the blocks write: the outputs of a product, `[times][outputs][lanes]`, and what follows the sums.
struct Outputs<'a, 'b> {
    out: &'b mut [f32],
    finish: Finish<'a>,
    inputs: usize,
    outputs: usize,
    lanes: usize,
}

impl Outputs<'_, '_> {
    /// Outputs `o..o + rows` of the vectors of a strip.
    ///
    /// # Safety
    /// The processor must have the features of `S`, `rows` be at most `S::ROWS`, the strip one of `strips(S::COLUMNS)` of a
    /// product that was checked. Of `x` there must be the vectors of the strip an input, of `w` `rows` numbers.
    #[inline(always)]
    unsafe fn rows<S: Simd>(
        &mut self,
        (o, rows): (usize, usize),
        x: Factor,
        w: Factor,
        strip: Strip,
    ) {
        // SAFETY: `rows <= S::ROWS <= 6`, and the caller promises the rest.
        unsafe {
            match rows {
                1 => self.columns::<S, 1>(o, x, w, strip),
                2 => self.columns::<S, 2>(o, x, w, strip),
                3 => self.columns::<S, 3>(o, x, w, strip),
                4 => self.columns::<S, 4>(o, x, w, strip),
                5 => self.columns::<S, 5>(o, x, w, strip),
                _ => self.columns::<S, 6>(o, x, w, strip),
            }
        }
    }

    /// As [`Self::rows`], for `R` rows.
    ///
    /// # Safety
    /// As for `rows`.
    #[inline(always)]
    unsafe fn columns<S: Simd, const R: usize>(
        &mut self,
        o: usize,
        x: Factor,
        w: Factor,
        strip: Strip,
    ) {
        // SAFETY: `width <= S::COLUMNS <= 4`, and the caller promises the rest.
        unsafe {
            match strip.width {
                _ if S::COLUMNS == 1 => self.block::<S, R, 1>(o, x, w, strip),
                1 => self.block::<S, R, 1>(o, x, w, strip),
                2 => self.block::<S, R, 2>(o, x, w, strip),
                3 => self.block::<S, R, 3>(o, x, w, strip),
                _ => self.block::<S, R, 4>(o, x, w, strip),
            }
        }
    }

    /// As [`Self::rows`], for `R` rows and a strip of width `V`.
    ///
    /// # Safety
    /// As for `rows`.
    #[inline(always)]
    unsafe fn block<S: Simd, const R: usize, const V: usize>(
        &mut self,
        o: usize,
        x: Factor,
        w: Factor,
        strip: Strip,
    ) {
        debug_assert!(o + R <= self.outputs && V == strip.width);
        let gap = match strip.across {
            true => self.outputs * self.lanes,
            false => LANES,
        };
        // SAFETY: the caller promises the numbers of both factors. `out` has `outputs` rows of `lanes` a matrix, as was
        // checked; the vectors of the strip are in them, and `o + r < outputs`, of each of which there is a bias.
        unsafe {
            let mut acc = [[S::splat(0.0); V]; R];
            if let Some(bias) = self.finish.bias {
                // By index: the accumulators must stay in registers.
                #[allow(clippy::needless_range_loop)]
                for r in 0..R {
                    acc[r] = [S::repeat(bias, o + r); V];
                }
            }
            let mut x_at = Cursor::new(x.data, x.start);
            let mut w_at = Cursor::new(w.data, w.start);
            for _ in 0..self.inputs {
                let mut input = [S::splat(0.0); V];
                for (v, input) in input.iter_mut().enumerate() {
                    *input = x_at.load::<S>(v * x.gap);
                }
                for (r, acc) in acc.iter_mut().enumerate() {
                    let weight = w_at.repeat::<S>(r * w.gap);
                    for v in 0..V {
                        acc[v] = S::fma(weight, input[v], acc[v]);
                    }
                }
                x_at.step(x.step);
                w_at.step(w.step);
            }
            for (r, acc) in acc.iter().enumerate() {
                let out = (strip.matrix * self.outputs + o + r) * self.lanes + strip.lane;
                for (v, &value) in acc.iter().enumerate() {
                    let at = out + v * gap;
                    S::store(self.out, at, self.finish.apply::<S>(value, at));
                }
            }
        }
    }
}

/// `n` cut into parts (first, length) of nearly equal length, at most `most`.
pub(super) fn equal(n: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let parts = n.div_ceil(most);
    let mut first = 0;
    (0..parts).map(move |part| {
        let length = (n - first).div_ceil(parts - part);
        first += length;
        (first - length, length)
    })
}

impl Kernel for Gemm<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        self.check();
        let out = std::mem::take(&mut self.out);
        let mut outputs = self.outputs(out);
        for strip in self.strips(S::COLUMNS) {
            for (o, rows) in equal(self.outputs, S::ROWS) {
                let w = self.weights_of(o);
                // SAFETY: `check` has found all inputs, and the weights of all outputs; `o + rows <= outputs`.
                unsafe { outputs.rows::<S>((o, rows), self.inputs_of(strip), w, strip) }
            }
        }
    }
}

/// The product with weights that are packed, a chunk at a time, where there is room for them.
struct Packed<'a, 'b> {
    gemm: Gemm<'a>,
    /// `[blocks of outputs][inputs][outputs of a block]`
    weights: &'b mut [f32],
    /// `[inputs][vectors of a strip]`, where inputs are copied.
    strip: &'b mut [f32],
}

impl Packed<'_, '_> {
    /// Packs the weights of outputs `o..o + count`, in blocks of at most `most`.
    fn pack(&mut self, (o, count): (usize, usize), most: usize) {
        let inputs = self.gemm.inputs;
        for (first, rows) in equal(count, most) {
            let to = &mut self.weights[first * inputs..][..rows * inputs];
            match rows {
                6 => pack::<6>(&self.gemm, o + first, to),
                5 => pack::<5>(&self.gemm, o + first, to),
                4 => pack::<4>(&self.gemm, o + first, to),
                3 => pack::<3>(&self.gemm, o + first, to),
                2 => pack::<2>(&self.gemm, o + first, to),
                _ => pack::<1>(&self.gemm, o + first, to),
            }
        }
    }

    /// Where the inputs of a strip are.
    fn inputs_of(&self, strip: Strip) -> Factor<'_> {
        match self.strip.is_empty() {
            true => self.gemm.inputs_of(strip),
            false => Factor {
                data: self.strip,
                start: 0,
                step: strip.width * LANES,
                gap: LANES,
            },
        }
    }

    /// Copies the inputs of a strip where there is room for them.
    ///
    /// # Safety
    /// The processor must have the features of `S`; the product was checked, and the strip is one of it.
    #[inline(always)]
    unsafe fn copy_inputs<S: Simd>(&mut self, strip: Strip) {
        if self.strip.is_empty() {
            return;
        }
        let from = self.gemm.inputs_of(strip);
        let step = strip.width * LANES;
        assert!(self.strip.len() >= self.gemm.inputs * step);
        for k in 0..self.gemm.inputs {
            for v in 0..strip.width {
                // SAFETY: the inputs of the strip are there, and `strip` has `width` vectors an input.
                unsafe {
                    let x = S::load(from.data, from.start + k * from.step + v * from.gap);
                    S::store(self.strip, k * step + v * LANES, x);
                }
            }
        }
    }
}

/// The weights of outputs `o..o + R`: `[inputs][R]`.
fn pack<const R: usize>(gemm: &Gemm, o: usize, to: &mut [f32]) {
    let [input, output] = gemm.steps;
    for (k, to) in to.as_chunks_mut::<R>().0.iter_mut().enumerate() {
        let at = k * input + o * output;
        let from = &gemm.w[at..at + (R - 1) * output + 1];
        for (r, to) in to.iter_mut().enumerate() {
            *to = from[r * output];
        }
    }
}

impl Kernel for Packed<'_, '_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        self.gemm.check();
        let (inputs, packed) = (self.gemm.inputs, !self.weights.is_empty());
        let chunk = match packed {
            true => self.gemm.chunk(),
            false => self.gemm.outputs,
        };
        assert!(!packed || self.weights.len() >= inputs * chunk);
        let out = std::mem::take(&mut self.gemm.out);
        let mut outputs = self.gemm.outputs(out);
        for (first, count) in equal(self.gemm.outputs, chunk.max(1)) {
            if packed {
                self.pack((first, count), S::ROWS);
            }
            for strip in self.gemm.strips(S::COLUMNS) {
                // SAFETY: the product was checked.
                unsafe { self.copy_inputs::<S>(strip) }
                let x = self.inputs_of(strip);
                for (o, rows) in equal(count, S::ROWS) {
                    let w = match packed {
                        true => Factor {
                            data: self.weights,
                            start: o * inputs,
                            step: rows,
                            gap: 1,
                        },
                        false => self.gemm.weights_of(o),
                    };
                    // SAFETY: `weights` holds `inputs` times the outputs of a chunk, and those of this block begin at `o inputs`,
                    // `rows` an input; without it all outputs are one chunk. The vectors of the strip are in `x`.
                    unsafe { outputs.rows::<S>((first + o, rows), x, w, strip) }
                }
            }
        }
    }
}
