//! Gradient of a 3x3 convolution of stride 1 with respect to its weights by the adjoint of Winograd's
//! F(4x4, 3x3): 36 products for 4x4 output pixels instead of 144.
//!
//! The convolution is `Y = A^T [(G g G^T) . (B^T d B)] A` for every patch `d` (Lavin and Gray, 2016,
//! section 4.3), which is linear in the weights `g`; hence
//! `dL/dg = G^T [sum over patches of (A L A^T) . (B^T d B)] G`, where `L` is the gradient of `Y`. For each
//! of the 36 positions the sum over patches and samples is a matrix product of outputs by channels.
//!
//! Relative to the root of the sum of a weight's squared products, which is the size of a typical
//! gradient, the largest rounding error is about 2e-5, against 2e-6 of the direct sum (see the tests of
//! [`super::conv_weight`]).

use super::conv::Window;
use super::conv_weight::ConvWeight;
use super::products::{add, add_turned, heights, steps, with_scratch};
use super::simd::{Kernel, LANES, Level, Simd, run as run_kernel};
use super::turn::transpose;
use super::winograd::{self, PRODUCTS, Patch, stride, transform};

/// Output rows and columns of a patch, and input rows and columns that it needs.
const OUT: usize = 4;
const IN: usize = 6;

/// Whether the transformed sums are faster than the direct ones: where the convolution's are. Measured
/// with AVX2 they take 0.3 to 0.7 of the time, the most for 8 channels.
pub(super) fn wins(window: &Window) -> bool {
    winograd::wins(window)
}

/// Patches that are transformed before they are multiplied: what is transformed of 16 channels stays in
/// the second-level cache, and sums go to memory every 64 products only.
const PATCHES: usize = 4;
/// Channels whose sums are kept together, so that they stay in that cache.
const DEPTH: usize = 24;

/// Adds the gradient.
pub(super) fn run(conv: ConvWeight<'_>, level: Level) {
    let window = conv.window;
    let width = window.outputs.next_multiple_of(LANES);
    let [rows, columns] = window.out_size.map(|n| n.div_ceil(OUT));
    let at_once = rows * columns <= PATCHES && conv.lanes == LANES;
    let block = PRODUCTS * DEPTH * 4 * LANES;
    let sizes = [
        PRODUCTS * stride(window.channels, PATCHES),
        PRODUCTS * stride(width, PATCHES),
        if at_once {
            block
        } else {
            PRODUCTS * window.channels * width
        },
        OUT * OUT * LANES * LANES,
        DEPTH * 9 * 4 * LANES,
    ];
    with_scratch(sizes, |[inputs, gradients, sums, turned, kernels]| {
        sums.fill(0.0);
        let patches = Patches {
            conv,
            level,
            width,
            at_once,
            inputs,
            gradients,
            sums,
            turned,
            kernels,
        };
        run_kernel(level, patches);
    });
}

struct Patches<'a, 'b> {
    conv: ConvWeight<'a>,
    level: Level,
    /// Outputs, rounded up to 16.
    width: usize,
    /// Whether all patches are transformed at once. Then sums of one block are kept at a time.
    at_once: bool,
    /// `B^T d B`: `[36][channels][patches][16 samples]`, see [`stride`].
    inputs: &'b mut [f32],
    /// `A L A^T`: `[36][patches][16 samples][width]`, see [`stride`].
    gradients: &'b mut [f32],
    /// For each [`Block`] `[36][channels][outputs]`.
    sums: &'b mut [f32],
    /// `[4][4][16 samples][16 outputs]`
    turned: &'b mut [f32],
    /// Gradients of a block, `[channels][3][3][outputs]`.
    kernels: &'b mut [f32],
}

/// Channels `c..c + channels` of outputs `o..o + width`.
#[derive(Clone, Copy)]
struct Block {
    c: usize,
    channels: usize,
    o: usize,
    width: usize,
    /// Where its sums begin.
    sums: usize,
}

impl Kernel for Patches<'_, '_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        self.conv.check();
        let [height, width] = self.conv.window.out_size.map(|n| n.div_ceil(OUT));
        let count = height * width;
        let place = |patch: usize| [patch / width * OUT, patch % width * OUT];
        let lanes = self.conv.lanes;
        // SAFETY: patches `first..first + n` begin inside the output, `p < n <= PATCHES`, `o + 16 <= width`, and
        // `s + 16 <= lanes`: both are multiples of 16.
        unsafe {
            for s in (0..lanes).step_by(LANES) {
                for first in (0..count).step_by(PATCHES) {
                    let n = PATCHES.min(count - first);
                    for p in 0..n {
                        let at = place(first + p);
                        let patch = Patch { at, p, n, s };
                        transform::<S>(&self.conv.window, (self.conv.x, lanes), patch, self.inputs);
                        for o in (0..self.width).step_by(LANES) {
                            self.turn(at, o, s);
                            self.gradient::<S>(o, p, n);
                        }
                    }
                    self.blocks::<S>(n);
                }
            }
            if !self.at_once {
                self.blocks::<S>(0);
            }
        }
    }
}

// By index: what a patch holds must stay in registers.
#[allow(clippy::needless_range_loop)]
impl Patches<'_, '_> {
    /// The gradients of outputs `o..o + 16` of the patch at `at`, with outputs in the lanes.
    #[inline(always)]
    fn turn(&mut self, at: [usize; 2], o: usize, s: usize) {
        let Window {
            outputs,
            out_size: [height, width],
            ..
        } = self.conv.window;
        let lanes = self.conv.lanes;
        let stride = height * width * lanes;
        for i in 0..OUT {
            for j in 0..OUT {
                let (y, x) = (at[0] + i, at[1] + j);
                let (rows, pixel) = match y < height && x < width {
                    true => (LANES.min(outputs - o), y * width + x),
                    false => (0, 0),
                };
                let from = &self.conv.lambda[o * stride + pixel * lanes + s..];
                let to = &mut self.turned[(i * OUT + j) * LANES * LANES..];
                transpose(self.level, (from, stride), rows, (to, LANES));
            }
        }
    }

    /// `A L A^T` of what was turned, outputs `o..o + 16` of patch `p` of `n`.
    ///
    /// # Safety
    /// The processor must have the features of `S`; `o + 16 <= width` and `p < n <= PATCHES`.
    #[inline(always)]
    unsafe fn gradient<S: Simd>(&mut self, o: usize, p: usize, n: usize) {
        let position = stride(self.width, n);
        debug_assert!(o + LANES <= self.width && p < n && n <= PATCHES);
        // SAFETY: `turned` has 16 rows of 16 numbers for each pixel of a patch, and `gradients` 36 positions
        // of `16 n` rows of `width`, of which `16 p + lane` is one.
        unsafe {
            let zero = S::splat(0.0);
            let mut half = [[zero; OUT]; IN];
            for lane in 0..LANES {
                for j in 0..OUT {
                    let mut l = [zero; OUT];
                    for i in 0..OUT {
                        l[i] = S::load(self.turned, ((i * OUT + j) * LANES + lane) * LANES);
                    }
                    let t = gradients::<S>(l);
                    for i in 0..IN {
                        half[i][j] = t[i];
                    }
                }
                let to = (p * LANES + lane) * self.width + o;
                for i in 0..IN {
                    let t = gradients::<S>(half[i]);
                    for j in 0..IN {
                        S::store(self.gradients, to + (i * IN + j) * position, t[j]);
                    }
                }
            }
        }
    }

    /// Adds the products of `n` patches to the sums of all blocks, and the sums of finished blocks to
    /// the gradient: all are where there are no more patches (`n` = 0).
    ///
    /// # Safety
    /// The processor must have the features of `S`, and `n <= PATCHES`.
    #[inline(always)]
    unsafe fn blocks<S: Simd>(&mut self, n: usize) {
        let (mut o, mut sums) = (0, 0);
        while o < self.width {
            let width = (self.width - o).min(S::COLUMNS.min(4) * LANES);
            for c in (0..self.conv.window.channels).step_by(DEPTH) {
                let channels = DEPTH.min(self.conv.window.channels - c);
                let block = Block {
                    c,
                    channels,
                    o,
                    width,
                    sums,
                };
                let size = PRODUCTS * channels * width;
                if self.at_once {
                    self.sums[..size].fill(0.0);
                } else {
                    sums += size;
                }
                // SAFETY: `o + width` is at most the width of all outputs, `c + channels` at most all channels.
                unsafe {
                    if n > 0 {
                        self.multiply::<S>(block, n);
                    }
                    if n == 0 || self.at_once {
                        self.finish::<S>(block);
                    }
                }
            }
            o += width;
        }
    }

    /// Adds the products of `n` patches to the sums, for each of the 36 positions.
    ///
    /// # Safety
    /// As for `blocks`; there are the block's channels and outputs.
    #[inline(always)]
    unsafe fn multiply<S: Simd>(&mut self, block: Block, n: usize) {
        for k in 0..PRODUCTS {
            // SAFETY: `k < 36`, and the block's width is `16 V`.
            unsafe {
                match block.width / LANES {
                    1 => self.position::<S, 1>(block, k, n),
                    2 => self.position::<S, 2>(block, k, n),
                    3 => self.position::<S, 3>(block, k, n),
                    _ => self.position::<S, 4>(block, k, n),
                }
            }
        }
    }

    /// Position `k` of a block.
    ///
    /// # Safety
    /// As for `multiply`; `k < 36`, and the block's width is `16 V`.
    #[inline(always)]
    unsafe fn position<S: Simd, const V: usize>(&mut self, block: Block, k: usize, n: usize) {
        for (row, rows) in heights::<S, V>(block.channels) {
            // SAFETY: `row + rows` is at most the block's channels.
            unsafe {
                match rows {
                    1 => self.rows::<S, 1, V>(block, k, row, n),
                    2 => self.rows::<S, 2, V>(block, k, row, n),
                    3 => self.rows::<S, 3, V>(block, k, row, n),
                    4 => self.rows::<S, 4, V>(block, k, row, n),
                    5 => self.rows::<S, 5, V>(block, k, row, n),
                    6 => self.rows::<S, 6, V>(block, k, row, n),
                    _ => self.rows::<S, 12, V>(block, k, row, n),
                }
            }
        }
    }

    /// Position `k` of channels `row..row + R` of a block.
    ///
    /// # Safety
    /// As for `position`; the block has these channels.
    #[inline(always)]
    unsafe fn rows<S: Simd, const R: usize, const V: usize>(
        &mut self,
        block: Block,
        k: usize,
        row: usize,
        n: usize,
    ) {
        let (channels, depth) = (self.conv.window.channels, n * LANES);
        let at = k * stride(channels, n) + (block.c + row) * depth;
        let inputs = &self.inputs[at..][..R * depth];
        let mut x = [inputs; R];
        for r in 0..R {
            x[r] = &inputs[r * depth..][..depth];
        }
        let y = k * stride(self.width, n) + block.o;
        let y = &self.gradients[y..][..(depth - 1) * self.width + V * LANES];
        let sums = block.sums + (k * block.channels + row) * V * LANES;
        let sums = &mut self.sums[sums..][..R * V * LANES];
        // SAFETY: each of `x` has `depth` numbers, `y` `depth - 1` rows of `width` and `V` vectors, and `sums` `R` rows
        // of `V` vectors: they were cut so.
        unsafe {
            let zero = [[S::splat(0.0); V]; R];
            let acc = steps::<S, R, V>(zero, x, (y, self.width), depth);
            add::<S, R, V>(&acc, sums, V * LANES);
        }
    }

    /// Adds `G^T m G` of the sums `m` of a block to the gradient.
    ///
    /// # Safety
    /// The processor must have the features of `S`.
    #[inline(always)]
    unsafe fn finish<S: Simd>(&mut self, block: Block) {
        let position = block.channels * block.width;
        for at in (0..position).step_by(LANES) {
            let (c, o) = (at / block.width, at % block.width);
            let sums = &self.sums[block.sums + at..][..(PRODUCTS - 1) * position + LANES];
            let to = &mut self.kernels[c * 9 * block.width + o..][..8 * block.width + LANES];
            // SAFETY: there are 36 vectors `position` apart and 9 `width` apart: the slices were cut so.
            unsafe { kernel::<S>((sums, position), (to, block.width)) }
        }
        let Window {
            channels, outputs, ..
        } = self.conv.window;
        let (count, row) = (block.width.min(outputs - block.o), channels * 9);
        let end = (block.o + count) * row;
        let dw = &mut self.conv.dw[block.o * row + block.c * 9..end];
        let sums = (&self.kernels[..], block.width);
        add_turned(self.level, sums, (dw, row), block.channels * 9);
    }
}

/// `G^T m G` of 36 vectors `position` apart, to 9 vectors `width` apart.
///
/// # Safety
/// The processor must have the features of `S`; `35 position + 16 <= from.len()` and `8 width + 16 <= to.len()`.
// By index: what a patch holds must stay in registers.
#[allow(clippy::needless_range_loop)]
#[inline(always)]
unsafe fn kernel<S: Simd>((from, position): (&[f32], usize), (to, width): (&mut [f32], usize)) {
    // SAFETY: `i IN + j <= 35` and `3 i + j <= 8`, where the caller promises vectors.
    unsafe {
        let zero = S::splat(0.0);
        let mut half = [[zero; IN]; 3];
        for j in 0..IN {
            let mut m = [zero; IN];
            for i in 0..IN {
                m[i] = S::load(from, (i * IN + j) * position);
            }
            let t = kernels::<S>(m);
            for i in 0..3 {
                half[i][j] = t[i];
            }
        }
        for i in 0..3 {
            let t = kernels::<S>(half[i]);
            for j in 0..3 {
                S::store(to, (i * 3 + j) * width, t[j]);
            }
        }
    }
}

/// `A l`
#[inline(always)]
fn gradients<S: Simd>(l: [S::V; OUT]) -> [S::V; IN] {
    let (two, four) = (S::fill(l[0], 2.0), S::fill(l[0], 4.0));
    let (a, b) = (S::add(l[0], l[2]), S::add(l[1], l[3]));
    let c = S::fma(four, l[2], l[0]);
    let e = S::mul(two, S::fma(four, l[3], l[1]));
    [
        l[0],
        S::add(a, b),
        S::sub(a, b),
        S::add(c, e),
        S::sub(c, e),
        l[3],
    ]
}

/// `G^T m`
#[inline(always)]
fn kernels<S: Simd>(m: [S::V; IN]) -> [S::V; 3] {
    let sixth = S::fill(m[0], 1.0 / 6.0);
    let (a, b) = (S::add(m[1], m[2]), S::sub(m[2], m[1]));
    let (c, d) = (S::add(m[3], m[4]), S::sub(m[3], m[4]));
    let quarter = S::fill(m[0], 0.25);
    let first = S::fma(quarter, c, S::mul(S::fill(m[0], -1.0), a));
    let half = S::fma(S::fill(m[0], 0.5), d, b);
    [
        S::fma(sixth, first, S::mul(quarter, m[0])),
        S::mul(sixth, half),
        S::fma(sixth, S::sub(c, a), m[5]),
    ]
}
