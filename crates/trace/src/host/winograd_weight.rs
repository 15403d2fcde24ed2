//! Gradient of a 3x3 convolution of stride 1 with respect to its weights by the adjoint of Winograd's
//! F(4x4, 3x3): 36 products for 4x4 output pixels instead of 144.
//!
//! The convolution is `Y = A^T [(G g G^T) . (B^T d B)] A` for every patch `d` (Lavin and Gray, 2016,
//! section 4.3), which is linear in the weights `g`; hence
//! `dL/dg = G^T [sum over patches of (A L A^T) . (B^T d B)] G`, where `L` is the gradient of `Y`. For each
//! of the 36 positions the sum over patches and samples is a matrix product of outputs by channels.

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

/// Whether the transformed sums are faster than the direct ones.
pub(super) fn wins(window: &Window) -> bool {
    winograd::wins(window)
}

/// Patches whose products are summed before the sums go back to memory: more for few channels, so that
/// what is transformed stays in the second-level cache.
fn patches(window: &Window) -> usize {
    (128 / (window.channels + window.outputs)).clamp(1, 4)
}

/// Adds the gradient; the lengths have been checked.
pub(super) fn run(conv: ConvWeight<'_>, level: Level) {
    let window = conv.window;
    let width = window.outputs.next_multiple_of(LANES);
    let patches = patches(&window);
    let sizes = [
        PRODUCTS * stride(window.channels * patches * LANES),
        PRODUCTS * stride(width * patches * LANES),
        PRODUCTS * window.channels * width,
        OUT * OUT * LANES * LANES,
    ];
    with_scratch(sizes, |[inputs, gradients, sums, turned]| {
        sums.fill(0.0);
        let patches = Patches {
            conv,
            level,
            patches,
            width,
            inputs,
            gradients,
            sums,
            turned,
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
    /// Patches at a time.
    patches: usize,
    /// Outputs, rounded up to 16.
    width: usize,
    /// `B^T d B`: `[36][channels][patches][16 samples]`, see [`stride`].
    inputs: &'b mut [f32],
    /// `A L A^T`: `[36][patches][16 samples][width]`, see [`stride`].
    gradients: &'b mut [f32],
    /// `[36][channels][width]`
    sums: &'b mut [f32],
    /// `[4][4][16 samples][16 outputs]`
    turned: &'b mut [f32],
}

impl Kernel for Patches<'_, '_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        let [height, width] = self.conv.window.out_size.map(|n| n.div_ceil(OUT));
        let (count, at_once) = (height * width, self.patches);
        let place = |patch: usize| [patch / width * OUT, patch % width * OUT];
        // SAFETY: the lengths were checked by `ConvWeight::run`.
        unsafe {
            for s in (0..self.conv.lanes).step_by(LANES) {
                for first in (0..count).step_by(at_once) {
                    let n = at_once.min(count - first);
                    for p in 0..n {
                        self.input::<S>(place(first + p), p, n, s);
                        for o in (0..self.width).step_by(LANES) {
                            self.turn(place(first + p), o, s);
                            self.gradient::<S>(o, p, n);
                        }
                    }
                    self.multiply::<S>(n);
                }
            }
            self.finish::<S>();
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
                    let t = inputs::<S>(d);
                    for i in 0..IN {
                        half.add(i * IN + j).write(t[i]);
                    }
                }
                for i in 0..IN {
                    let mut d = [zero; IN];
                    for j in 0..IN {
                        d[j] = half.add(i * IN + j).read();
                    }
                    let t = inputs::<S>(d);
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

    /// Adds the products of `n` patches to the sums, for each of the 36 positions.
    #[inline(always)]
    unsafe fn multiply<S: Simd>(&mut self, n: usize) {
        for k in 0..PRODUCTS {
            let mut o = 0;
            while o < self.width {
                let columns = ((self.width - o) / LANES).min(S::COLUMNS).min(4);
                unsafe {
                    match columns {
                        1 => self.columns::<S, 1>(k, o, n),
                        2 => self.columns::<S, 2>(k, o, n),
                        3 => self.columns::<S, 3>(k, o, n),
                        _ => self.columns::<S, 4>(k, o, n),
                    }
                }
                o += columns * LANES;
            }
        }
    }

    /// Position `k` of outputs `o..o + 16 V`.
    #[inline(always)]
    unsafe fn columns<S: Simd, const V: usize>(&mut self, k: usize, o: usize, n: usize) {
        for (c, rows) in heights::<S, V>(self.conv.window.channels) {
            unsafe {
                match rows {
                    1 => self.block::<S, 1, V>(k, c, o, n),
                    2 => self.block::<S, 2, V>(k, c, o, n),
                    3 => self.block::<S, 3, V>(k, c, o, n),
                    4 => self.block::<S, 4, V>(k, c, o, n),
                    5 => self.block::<S, 5, V>(k, c, o, n),
                    6 => self.block::<S, 6, V>(k, c, o, n),
                    _ => self.block::<S, 12, V>(k, c, o, n),
                }
            }
        }
    }

    /// Position `k` of channels `c..c + R` and outputs `o..o + 16 V`.
    #[inline(always)]
    unsafe fn block<S: Simd, const R: usize, const V: usize>(
        &mut self,
        k: usize,
        c: usize,
        o: usize,
        n: usize,
    ) {
        let (channels, width) = (self.conv.window.channels, self.width);
        let depth = n * LANES;
        // SAFETY: the buffers have these sizes.
        unsafe {
            let at = k * stride(channels * depth) + c * depth;
            let inputs = self.inputs.as_ptr().add(at);
            let mut x = [inputs; R];
            for r in 0..R {
                x[r] = inputs.add(r * depth);
            }
            let y = self.gradients.as_ptr().add(k * stride(width * depth) + o);
            let sums = self.sums.as_mut_ptr().add((k * channels + c) * width + o);
            let zero = [[S::splat(0.0); V]; R];
            let acc = steps::<S, R, V>(zero, x, y, width, depth);
            add::<S, R, V>(&acc, sums, width);
        }
    }

    /// Adds `G^T m G` of the sums `m`.
    #[inline(always)]
    unsafe fn finish<S: Simd>(&mut self) {
        let Window {
            channels, outputs, ..
        } = self.conv.window;
        let mut half = MaybeUninit::<[S::V; 3 * IN]>::uninit();
        let half = half.as_mut_ptr().cast::<S::V>();
        let position = channels * self.width;
        for o in (0..self.width).step_by(LANES) {
            for c in 0..channels {
                // SAFETY: of `half` only what was written is read. The 9 results of a channel replace
                // sums of the first 9 positions of that channel and these outputs, which were read.
                unsafe {
                    let sums = self.sums.as_mut_ptr().add(c * self.width + o);
                    for j in 0..IN {
                        let mut m = [S::splat(0.0); IN];
                        for i in 0..IN {
                            m[i] = S::load(sums.add((i * IN + j) * position));
                        }
                        let t = kernels::<S>(m);
                        for i in 0..3 {
                            half.add(i * IN + j).write(t[i]);
                        }
                    }
                    for i in 0..3 {
                        let mut m = [S::splat(0.0); IN];
                        for j in 0..IN {
                            m[j] = half.add(i * IN + j).read();
                        }
                        let t = kernels::<S>(m);
                        for j in 0..3 {
                            let at = (c * 9 + i * 3 + j) * LANES;
                            S::store(self.inputs.as_mut_ptr().add(at), t[j]);
                        }
                    }
                }
            }
            let count = LANES.min(outputs - o);
            let dw = &mut self.conv.dw[o * channels * 9..][..count * channels * 9];
            add_turned(self.inputs, LANES, dw, channels * 9);
        }
    }
}

/// `B^T d`
#[inline(always)]
unsafe fn inputs<S: Simd>(d: [S::V; IN]) -> [S::V; IN] {
    unsafe {
        let [two, four, five] = [2.0, -4.0, -5.0].map(|x| S::splat(x));
        let a = S::fma(four, d[2], d[4]);
        let b = S::fma(four, d[1], d[3]);
        let c = S::sub(d[4], d[2]);
        let e = S::mul(two, S::sub(d[3], d[1]));
        let plus = S::splat(4.0);
        [
            S::fma(plus, d[0], S::fma(five, d[2], d[4])),
            S::add(a, b),
            S::sub(a, b),
            S::add(c, e),
            S::sub(c, e),
            S::fma(plus, d[1], S::fma(five, d[3], d[5])),
        ]
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
