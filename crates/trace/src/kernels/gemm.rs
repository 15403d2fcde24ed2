//! The matrix product of a tile of samples with the weights of one point.

use super::products::with_scratch;
use super::simd::{Cursor, Kernel, LANES, Level, Simd, run};

/// Weights that are packed together: half of what a small second-level cache holds.
const CHUNK: usize = 64 * 1024;
/// Vectors of samples from which on packing costs less than it gains.
const PACKED: usize = 8;

/// `out[t][o][s] = act(bias[o] + sum_k w[k][o] x[t][k][s])`, samples `s` in the lanes.
///
/// A block of `ROWS` outputs by `COLUMNS` logical vectors of samples stays in registers while `k`
/// runs; weights are broadcast, inputs are read once a block of outputs. The vectors are those of one matrix `x[t]`, or
/// where it has too few, of neighbouring matrices; weights that many of them need are packed first, in the
/// order in which they are read.
pub(crate) struct Gemm<'a> {
    /// `[times][inputs][lanes]`
    pub x: &'a [f32],
    /// `[inputs][outputs]`, Burn's layout.
    pub w: &'a [f32],
    /// `[outputs]`
    pub bias: Option<&'a [f32]>,
    /// `[times][outputs][lanes]`
    pub out: &'a mut [f32],
    /// Matrices that are multiplied by the same weights: the tokens of a sample.
    pub times: usize,
    pub inputs: usize,
    pub outputs: usize,
    /// A multiple of 16.
    pub lanes: usize,
    /// Whether `max(0, .)` is applied.
    pub relu: bool,
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

/// Where the weights of a block are: those of an input begin at `start + step k`.
#[derive(Clone, Copy)]
struct Weights<'a> {
    data: &'a [f32],
    start: usize,
    step: usize,
}

impl Gemm<'_> {
    /// Computes the product.
    pub fn run(self, level: Level) {
        let vectors = self.times * self.lanes / LANES;
        if self.times == 1 || vectors < PACKED {
            return run(level, self);
        }
        let size = self.inputs * self.chunk();
        with_scratch([size], |[packed]| {
            let gemm = self;
            run(level, Packed { gemm, packed });
        });
    }

    /// Panics where a slice is too short, on which the kernel relies.
    fn check(&self) {
        let lanes = self.times * self.lanes;
        assert!(self.lanes.is_multiple_of(LANES));
        assert!(self.x.len() >= self.inputs * lanes);
        assert!(self.w.len() >= self.inputs * self.outputs);
        assert!(self.out.len() >= self.outputs * lanes);
        assert!(self.bias.is_none_or(|b| b.len() >= self.outputs));
    }

    /// Outputs whose weights are packed together.
    fn chunk(&self) -> usize {
        let chunks = (self.inputs * self.outputs).div_ceil(CHUNK).max(1);
        self.outputs.div_ceil(chunks)
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

    /// Outputs `o..o + rows` of the vectors of a strip.
    ///
    /// # Safety
    /// The processor must have the features of `S`, `rows` be at most `S::ROWS`, the strip one of `strips(S::COLUMNS)`;
    /// of the weights there must be `rows` an input.
    #[inline(always)]
    unsafe fn rows<S: Simd>(&mut self, (o, rows): (usize, usize), w: Weights, strip: Strip) {
        // SAFETY: `rows <= S::ROWS <= 6`, and the caller promises the rest.
        unsafe {
            match rows {
                1 => self.columns::<S, 1>(o, w, strip),
                2 => self.columns::<S, 2>(o, w, strip),
                3 => self.columns::<S, 3>(o, w, strip),
                4 => self.columns::<S, 4>(o, w, strip),
                5 => self.columns::<S, 5>(o, w, strip),
                _ => self.columns::<S, 6>(o, w, strip),
            }
        }
    }

    /// As [`Self::rows`].
    ///
    /// # Safety
    /// As for `rows`.
    #[inline(always)]
    unsafe fn columns<S: Simd, const R: usize>(&mut self, o: usize, w: Weights, strip: Strip) {
        // SAFETY: `width <= S::COLUMNS <= 4`, and the caller promises the rest.
        unsafe {
            match strip.width {
                1 => self.block::<S, R, 1>(o, w, strip),
                2 => self.block::<S, R, 2>(o, w, strip),
                3 => self.block::<S, R, 3>(o, w, strip),
                _ => self.block::<S, R, 4>(o, w, strip),
            }
        }
    }

    /// Outputs `o..o + R` of the `V` vectors of a strip.
    ///
    /// # Safety
    /// As for `rows`, with `R` rows and a strip of width `V`.
    #[inline(always)]
    unsafe fn block<S: Simd, const R: usize, const V: usize>(
        &mut self,
        o: usize,
        w: Weights,
        strip: Strip,
    ) {
        let (inputs, outputs, lanes) = (self.inputs, self.outputs, self.lanes);
        let [gap, out_gap] = match strip.across {
            true => [inputs, outputs].map(|rows| rows * lanes),
            false => [LANES; 2],
        };
        debug_assert!(o + R <= outputs && V == strip.width);
        debug_assert!(inputs == 0 || w.start + (inputs - 1) * w.step + R <= w.data.len());
        // SAFETY: as `check` has found, `x` holds `inputs` rows of `lanes` a matrix and `out` `outputs`; the vectors of
        // the strip are in them, and `o + r < outputs`. The caller promises the weights.
        unsafe {
            let mut acc = [[S::splat(0.0); V]; R];
            if let Some(bias) = self.bias {
                // By index: the accumulators must stay in registers.
                #[allow(clippy::needless_range_loop)]
                for r in 0..R {
                    acc[r] = [S::repeat(bias, o + r); V];
                }
            }
            let first = strip.matrix * inputs * lanes + strip.lane;
            let mut x = Cursor::new(self.x, first);
            let mut w_at = Cursor::new(w.data, w.start);
            for _ in 0..inputs {
                let mut input = [S::splat(0.0); V];
                for (v, input) in input.iter_mut().enumerate() {
                    *input = x.load::<S>(v * gap);
                }
                for (r, acc) in acc.iter_mut().enumerate() {
                    let weight = w_at.repeat::<S>(r);
                    for v in 0..V {
                        acc[v] = S::fma(weight, input[v], acc[v]);
                    }
                }
                x.step(lanes);
                w_at.step(w.step);
            }
            for (r, acc) in acc.iter().enumerate() {
                let out = (strip.matrix * outputs + o + r) * lanes + strip.lane;
                for (v, &value) in acc.iter().enumerate() {
                    let value = if self.relu {
                        S::max(S::splat(0.0), value)
                    } else {
                        value
                    };
                    S::store(self.out, out + v * out_gap, value);
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
        let (data, step) = (self.w, self.outputs);
        for strip in self.strips(S::COLUMNS) {
            for (o, rows) in equal(self.outputs, S::ROWS) {
                let start = o;
                // SAFETY: `check` has found `inputs` rows of `outputs` weights, and `o + rows <= outputs`.
                unsafe { self.rows::<S>((o, rows), Weights { data, start, step }, strip) }
            }
        }
    }
}

/// The product with weights that are packed: `[chunks][blocks of outputs][inputs][outputs of a block]`, a chunk at a time.
struct Packed<'a, 'b> {
    gemm: Gemm<'a>,
    packed: &'b mut [f32],
}

impl Packed<'_, '_> {
    /// Packs the weights of outputs `o..o + count`, in blocks of at most `most`.
    fn pack(&mut self, (o, count): (usize, usize), most: usize) {
        let (inputs, outputs) = (self.gemm.inputs, self.gemm.outputs);
        for k in 0..inputs {
            let row = &self.gemm.w[k * outputs + o..][..count];
            for (first, rows) in equal(count, most) {
                let to = &mut self.packed[first * inputs + k * rows..][..rows];
                to.iter_mut()
                    .zip(&row[first..])
                    .for_each(|(to, &w)| *to = w);
            }
        }
    }
}

impl Kernel for Packed<'_, '_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        self.gemm.check();
        let inputs = self.gemm.inputs;
        assert!(self.packed.len() >= inputs * self.gemm.chunk());
        for chunk in equal(self.gemm.outputs, self.gemm.chunk().max(1)) {
            self.pack(chunk, S::ROWS);
            for strip in self.gemm.strips(S::COLUMNS) {
                for (first, rows) in equal(chunk.1, S::ROWS) {
                    let weights = Weights {
                        data: self.packed,
                        start: first * inputs,
                        step: rows,
                    };
                    let block = (chunk.0 + first, rows);
                    // SAFETY: `packed` holds `inputs` times the outputs of a chunk, and those of this block begin at
                    // `first inputs`, `rows` an input.
                    unsafe { self.gemm.rows::<S>(block, weights, strip) }
                }
            }
        }
    }
}
