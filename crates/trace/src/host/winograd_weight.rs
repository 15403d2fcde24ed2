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
use super::winograd::{self, PRODUCTS};
use std::mem::MaybeUninit;

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

/// Adds the gradient; the lengths have been checked.
pub(super) fn run(conv: ConvWeight<'_>, level: Level) {
    let window = conv.window;
    let width = window.outputs.next_multiple_of(LANES);
    let [rows, columns] = window.out_size.map(|n| n.div_ceil(OUT));
    let at_once = rows * columns <= PATCHES && conv.lanes == LANES;
    let block = PRODUCTS * DEPTH * 4 * LANES;
    let sizes = [
        PRODUCTS * stride(window.channels * PATCHES * LANES),
        PRODUCTS * stride(width * PATCHES * LANES),
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

/// Numbers from one of the 36 positions to the next: a cache line more than there are, because
/// distances of 4 KiB would put all positions into one set of the cache.
fn stride(n: usize) -> usize {
    n + LANES
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
        let [height, width] = self.conv.window.out_size.map(|n| n.div_ceil(OUT));
        let count = height * width;
        let place = |patch: usize| [patch / width * OUT, patch % width * OUT];
        // SAFETY: the lengths were checked by `ConvWeight::run`.
        unsafe {
            for s in (0..self.conv.lanes).step_by(LANES) {
                for first in (0..count).step_by(PATCHES) {
                    let n = PATCHES.min(count - first);
                    for p in 0..n {
                        self.input::<S>(place(first + p), p, n, s);
                        for o in (0..self.width).step_by(LANES) {
                            self.turn(place(first + p), o, s);
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
    /// `B^T d B` of patch `p` of `n`, which begins at output pixel `at`, for all channels.
    #[inline(always)]
    unsafe fn input<S: Simd>(&mut self, at: [usize; 2], p: usize, n: usize, s: usize) {
        let Window {
            size: [height, width],
            padding,
            channels,
            ..
        } = self.conv.window;
        let lanes = self.conv.lanes;
        // Input rows and columns of the patch that exist.
        let span = |axis: usize, size: usize| {
            let first = padding[axis].saturating_sub(at[axis]).min(IN);
            first..(size + padding[axis] - at[axis]).min(IN).max(first)
        };
        let (rows, columns) = (span(0, height), span(1, width));
        let mut half = MaybeUninit::<[S::V; IN * IN]>::uninit();
        let half = half.as_mut_ptr().cast::<S::V>();
        // SAFETY: of the input only pixels that exist are read, and of `half` only what was written.
        unsafe {
            let zero = S::splat(0.0);
            for c in 0..channels {
                for j in 0..IN {
                    let mut d = [zero; IN];
                    if columns.contains(&j) {
                        for i in rows.clone() {
                            let row = c * height + at[0] + i - padding[0];
                            let pixel = row * width + at[1] + j - padding[1];
                            d[i] = S::load(self.conv.x.as_ptr().add(pixel * lanes + s));
                        }
                    }
                    let t = winograd::inputs::<S>(d);
                    for i in 0..IN {
                        half.add(i * IN + j).write(t[i]);
                    }
                }
                for i in 0..IN {
                    let mut d = [zero; IN];
                    for j in 0..IN {
                        d[j] = half.add(i * IN + j).read();
                    }
                    let t = winograd::inputs::<S>(d);
                    for j in 0..IN {
                        let at = (i * IN + j) * stride(channels * n * LANES) + (c * n + p) * LANES;
                        S::store(self.inputs.as_mut_ptr().add(at), t[j]);
                    }
                }
            }
        }
    }

    /// The gradients of outputs `o..o + 16` of the patch at `at`, with outputs in the lanes.
    #[inline(always)]
    unsafe fn turn(&mut self, at: [usize; 2], o: usize, s: usize) {
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
                // SAFETY: rows of pixels that exist.
                unsafe {
                    let from = self
                        .conv
                        .lambda
                        .as_ptr()
                        .add(o * stride + pixel * lanes + s);
                    let to = self.turned.as_mut_ptr().add((i * OUT + j) * LANES * LANES);
                    transpose(self.level, (from, stride), rows, (to, LANES));
                }
            }
        }
    }

    /// `A L A^T` of what was turned, outputs `o..o + 16` of patch `p` of `n`.
    #[inline(always)]
    unsafe fn gradient<S: Simd>(&mut self, o: usize, p: usize, n: usize) {
        let stride = stride(self.width * n * LANES);
        let mut half = MaybeUninit::<[S::V; IN * OUT]>::uninit();
        let half = half.as_mut_ptr().cast::<S::V>();
        // SAFETY: of `half` only what was written is read; the buffers have these sizes.
        unsafe {
            let zero = S::splat(0.0);
            for lane in 0..LANES {
                let from = self.turned.as_ptr().add(lane * LANES);
                for j in 0..OUT {
                    let mut l = [zero; OUT];
                    for i in 0..OUT {
                        l[i] = S::load(from.add((i * OUT + j) * LANES * LANES));
                    }
                    let t = gradients::<S>(l);
                    for i in 0..IN {
                        half.add(i * OUT + j).write(t[i]);
                    }
                }
                let to = self.gradients.as_mut_ptr();
                let to = to.add((p * LANES + lane) * self.width + o);
                for i in 0..IN {
                    let mut l = [zero; OUT];
                    for j in 0..OUT {
                        l[j] = half.add(i * OUT + j).read();
                    }
                    let t = gradients::<S>(l);
                    for j in 0..IN {
                        S::store(to.add((i * IN + j) * stride), t[j]);
                    }
                }
            }
        }
    }

    /// Adds the products of `n` patches to the sums of all blocks, and the sums of finished blocks to
    /// the gradient: all are where there are no more patches (`n` = 0).
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
                // SAFETY: these outputs and channels exist.
                unsafe {
                    if self.at_once {
                        self.sums[..size].fill(0.0);
                    } else {
                        sums += size;
                    }
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
    #[inline(always)]
    unsafe fn multiply<S: Simd>(&mut self, block: Block, n: usize) {
        for k in 0..PRODUCTS {
            // SAFETY: as the caller promises.
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
    #[inline(always)]
    unsafe fn position<S: Simd, const V: usize>(&mut self, block: Block, k: usize, n: usize) {
        for (row, rows) in heights::<S, V>(block.channels) {
            // SAFETY: as the caller promises.
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
    #[inline(always)]
    unsafe fn rows<S: Simd, const R: usize, const V: usize>(
        &mut self,
        block: Block,
        k: usize,
        row: usize,
        n: usize,
    ) {
        let (channels, depth) = (self.conv.window.channels, n * LANES);
        // SAFETY: the buffers have these sizes.
        unsafe {
            let at = k * stride(channels * depth) + (block.c + row) * depth;
            let inputs = self.inputs.as_ptr().add(at);
            let mut x = [inputs; R];
            for r in 0..R {
                x[r] = inputs.add(r * depth);
            }
            let y = k * stride(self.width * depth) + block.o;
            let y = self.gradients.as_ptr().add(y);
            let zero = [[S::splat(0.0); V]; R];
            let acc = steps::<S, R, V>(zero, x, y, self.width, depth);
            let sums = block.sums + (k * block.channels + row) * V * LANES;
            add::<S, R, V>(&acc, self.sums.as_mut_ptr().add(sums), V * LANES);
        }
    }

    /// Adds `G^T m G` of the sums `m` of a block to the gradient.
    #[inline(always)]
    unsafe fn finish<S: Simd>(&mut self, block: Block) {
        let position = block.channels * block.width;
        for at in (0..position).step_by(LANES) {
            let (c, o) = (at / block.width, at % block.width);
            // SAFETY: the block has these sums, and `kernels` room for 9 gradients of each channel.
            unsafe {
                let sums = self.sums.as_ptr().add(block.sums + at);
                let to = self.kernels.as_mut_ptr().add(c * 9 * block.width + o);
                kernel::<S>((sums, position), (to, block.width));
            }
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
// By index: what a patch holds must stay in registers.
#[allow(clippy::needless_range_loop)]
#[inline(always)]
unsafe fn kernel<S: Simd>((from, position): (*const f32, usize), (to, width): (*mut f32, usize)) {
    let mut half = MaybeUninit::<[S::V; 3 * IN]>::uninit();
    let half = half.as_mut_ptr().cast::<S::V>();
    // SAFETY: of `half` only what was written is read; the caller promises the vectors.
    unsafe {
        let zero = S::splat(0.0);
        for j in 0..IN {
            let mut m = [zero; IN];
            for i in 0..IN {
                m[i] = S::load(from.add((i * IN + j) * position));
            }
            let t = kernels::<S>(m);
            for i in 0..3 {
                half.add(i * IN + j).write(t[i]);
            }
        }
        for i in 0..3 {
            let mut m = [zero; IN];
            for j in 0..IN {
                m[j] = half.add(i * IN + j).read();
            }
            let t = kernels::<S>(m);
            for j in 0..3 {
                S::store(to.add((i * 3 + j) * width), t[j]);
            }
        }
    }
}

/// `A l`
#[inline(always)]
unsafe fn gradients<S: Simd>(l: [S::V; OUT]) -> [S::V; IN] {
    unsafe {
        let (two, four) = (S::splat(2.0), S::splat(4.0));
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
}

/// `G^T m`
#[inline(always)]
unsafe fn kernels<S: Simd>(m: [S::V; IN]) -> [S::V; 3] {
    unsafe {
        let sixth = S::splat(1.0 / 6.0);
        let (a, b) = (S::add(m[1], m[2]), S::sub(m[2], m[1]));
        let (c, d) = (S::add(m[3], m[4]), S::sub(m[3], m[4]));
        let quarter = S::splat(0.25);
        let first = S::fma(quarter, c, S::mul(S::splat(-1.0), a));
        let half = S::fma(S::splat(0.5), d, b);
        [
            S::fma(sixth, first, S::mul(quarter, m[0])),
            S::mul(sixth, half),
            S::fma(sixth, S::sub(c, a), m[5]),
        ]
    }
}
