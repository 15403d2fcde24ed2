//! Convolutions of 3x3 with stride 1 by Winograd's minimal filtering F(4x4, 3x3): 36 products for 16
//! outputs instead of 144.
//!
//! Formulas and matrices are those of Lavin and Gray (2016), "Fast algorithms for convolutional
//! neural networks", section 4.3. Sums of products in transformed space are as large as sums over
//! a few pixels, so that the rounding error grows: about 1e-6 of the largest output, against 2e-7 of
//! the direct sum (see the tests).

use super::buffer::Buffer;
use super::conv::{Finish, Window};
use super::gemm::{Gemm, equal};
use super::simd::{Kernel, LANES, Level, Simd, run};
use std::cell::RefCell;

/// Output rows and columns of a patch, and input rows and columns that it needs.
const OUT: usize = 4;
const IN: usize = 6;
/// Products a patch, for every pair of channels.
pub(crate) const PRODUCTS: usize = IN * IN;
/// Patches whose products are computed together.
const PATCHES: usize = 4;

/// Numbers from one of the 36 positions to the next, for `rows` rows of `n` patches: one cache line
/// more than they are, because distances of 4 KiB would put all positions into one set of the cache.
pub(super) fn stride(rows: usize, n: usize) -> usize {
    (rows * n + 1) * LANES
}

/// Patch `p` of `n` that are transformed together: from output pixel `at` on, samples `s..s + 16`.
#[derive(Clone, Copy)]
pub(super) struct Patch {
    pub at: [usize; 2],
    pub p: usize,
    pub n: usize,
    pub s: usize,
}

/// Whether the transformed convolution is faster: not for other kernels and strides, for images that
/// do not fill the patches, or for few channels, where transforming costs more than it saves.
pub(crate) fn wins(window: &Window) -> bool {
    fits(window, 8) && patches(window) > 1
}

/// Whether it can be computed this way without much in vain, with so many channels at least.
fn fits(window: &Window, least: usize) -> bool {
    let plain = window.kernel == [3, 3] && window.stride == [1, 1] && window.dilation == [1, 1];
    let pixels: usize = window.out_size.iter().product();
    let full = patches(window) * OUT * OUT * 2 <= pixels * 3;
    plain && window.groups == 1 && full && window.channels.min(window.outputs) >= least
}

fn patches(window: &Window) -> usize {
    window.out_size.iter().map(|n| n.div_ceil(OUT)).product()
}

/// Whether it is faster with all that belongs to it: a single patch does not pay for reading four times the weights.
pub(crate) fn pays(window: &Window) -> bool {
    wins(window) && window.out_size.iter().any(|&n| n > OUT)
}

/// Whether it is for images of one patch where `lanes` samples share the weights: 100 products of 4x4 pixels meet the image
/// with a padding of 1, and reading 27 numbers more a weight takes about as long as 64 samples save. Not for the largest
/// layers, whose weights would take four times their memory, at every point and for each coefficient.
pub(crate) fn pays_for(window: &Window, lanes: usize) -> bool {
    const PAIRS: usize = 128 * 1024;
    let pairs = window.channels * window.outputs;
    lanes >= 64 && pairs <= PAIRS && patches(window) == 1 && fits(window, 32)
}

/// `G w G^T` of every kernel: `[36][channels][outputs]` from PyTorch's `[outputs][channels][3][3]`.
pub(crate) fn transform_weights(w: &[f32], channels: usize, outputs: usize, out: &mut [f32]) {
    for o in 0..outputs {
        for c in 0..channels {
            let kernel = &w[(o * channels + c) * 9..][..9];
            let rows = [0, 1, 2].map(|j| weights([0, 1, 2].map(|i| f64::from(kernel[3 * i + j]))));
            for i in 0..IN {
                let all = weights([rows[0][i], rows[1][i], rows[2][i]]);
                for (j, value) in all.into_iter().enumerate() {
                    out[((i * IN + j) * channels + c) * outputs + o] = value as f32;
                }
            }
        }
    }
}

/// `G g`
fn weights(g: [f64; 3]) -> [f64; IN] {
    let (even, odd) = (-(g[0] + g[2]) / 6.0, -g[1] / 6.0);
    let (wide, half) = (g[0] / 24.0 + g[2] / 6.0, g[1] / 12.0);
    [
        g[0] / 4.0,
        even + odd,
        even - odd,
        wide + half,
        wide - half,
        g[2],
    ]
}

/// The convolution of [`super::conv::Conv`] with transformed weights.
pub(crate) struct Winograd<'a> {
    pub window: Window,
    /// `[channels][height][width][lanes]`
    pub x: &'a [f32],
    /// From [`transform_weights`].
    pub w: &'a [f32],
    pub finish: Finish<'a>,
    /// `[outputs][out height][out width][lanes]`
    pub out: &'a mut [f32],
    /// A multiple of 16.
    pub lanes: usize,
}

thread_local! {
    /// Transformed inputs and products of a few patches.
    static SCRATCH: RefCell<Buffer> = RefCell::new(Buffer::zeros(0));
}

impl Winograd<'_> {
    /// Computes the convolution.
    pub fn run(self, level: Level) {
        let window = &self.window;
        let inputs = PRODUCTS * stride(window.channels, PATCHES);
        let products = PRODUCTS * stride(window.outputs, PATCHES);
        SCRATCH.with_borrow_mut(|scratch| {
            if scratch.len() < inputs + products {
                *scratch = Buffer::zeros(inputs + products);
            }
            let (transformed, rest) = scratch.split_at_mut(inputs);
            let patches = Patches {
                conv: self,
                transformed,
                products: &mut rest[..products],
            };
            run(level, patches);
        });
    }

    /// Panics where a slice is too short, on which the kernel relies.
    fn check(&self) {
        let window = &self.window;
        let pixels = |size: [usize; 2]| size[0] * size[1] * self.lanes;
        let out = window.outputs * pixels(window.out_size);
        assert!(self.lanes.is_multiple_of(LANES));
        assert!(self.x.len() >= window.channels * pixels(window.size));
        assert!(self.w.len() >= PRODUCTS * window.channels * window.outputs);
        assert!(self.out.len() >= out);
        self.finish.check(window.outputs, out);
    }
}

struct Patches<'a, 'b> {
    conv: Winograd<'a>,
    /// `[36][channels][patches][16]`, see [`stride`]
    transformed: &'b mut [f32],
    /// `[36][outputs][patches][16]`, see [`stride`]
    products: &'b mut [f32],
}

impl Kernel for Patches<'_, '_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        self.conv.check();
        let columns = self.conv.window.out_size[1].div_ceil(OUT);
        let count = self.conv.window.out_size[0].div_ceil(OUT) * columns;
        let place = |patch: usize| [patch / columns * OUT, patch % columns * OUT];
        // The patches of the first 16 samples, of the next, and so on: images of one patch fill the registers too.
        for (first, n) in equal(self.conv.lanes / LANES * count, PATCHES) {
            let patch = |p: usize| Patch {
                at: place((first + p) % count),
                p,
                n,
                s: (first + p) / count * LANES,
            };
            // SAFETY: each patch begins inside the output, `p < n <= PATCHES`, and `s + 16 <= lanes`, a multiple
            // of 16, as `first + n` is at most the patches of all samples.
            unsafe {
                for p in 0..n {
                    let Winograd {
                        window, x, lanes, ..
                    } = &self.conv;
                    transform::<S>(window, (x, *lanes), patch(p), self.transformed);
                }
                self.multiply::<S>(n);
                for p in 0..n {
                    self.output::<S>(patch(p));
                }
            }
        }
    }
}

/// `B^T d B` of a patch of `x` (`[channels][height][width][lanes]`) for all channels, to
/// `[36][channels][n][16]`, see [`stride`].
///
/// # Safety
/// The processor must have the features of `S`.
// By index: what a patch holds must stay in registers.
#[allow(clippy::needless_range_loop)]
#[inline(always)]
pub(super) unsafe fn transform<S: Simd>(
    window: &Window,
    (x, lanes): (&[f32], usize),
    Patch { at, p, n, s }: Patch,
    to: &mut [f32],
) {
    let ([height, width], padding, channels) = (window.size, window.padding, window.channels);
    let position = stride(channels, n);
    assert!(p < n && s + LANES <= lanes && to.len() >= PRODUCTS * position);
    assert!(x.len() >= channels * height * width * lanes);
    // Input rows and columns of the patch that exist.
    let [rows, columns] = [0, 1].map(|axis| window.existing(axis, at[axis], IN));
    // SAFETY: `existing` gives rows with `at + i - padding < height`, and columns likewise, so that
    // `pixel < channels height width` and `s + 16 <= lanes` numbers of it are there; of `to` there are 36 positions of
    // `channels n + 1` vectors.
    unsafe {
        let zero = S::splat(0.0);
        let mut half = [[zero; IN]; IN];
        for c in 0..channels {
            for j in 0..IN {
                let mut d = [zero; IN];
                if columns.contains(&j) {
                    for i in rows.clone() {
                        let row = c * height + at[0] + i - padding[0];
                        let pixel = row * width + at[1] + j - padding[1];
                        d[i] = S::load(x, pixel * lanes + s);
                    }
                }
                let t = inputs::<S>(d);
                for i in 0..IN {
                    half[i][j] = t[i];
                }
            }
            for i in 0..IN {
                let t = inputs::<S>(half[i]);
                for j in 0..IN {
                    let at = (i * IN + j) * position + (c * n + p) * LANES;
                    S::store(to, at, t[j]);
                }
            }
        }
    }
}

// By index: what a patch holds must stay in registers.
#[allow(clippy::needless_range_loop)]
impl Patches<'_, '_> {
    /// The sums over the channels, for each of the 36 positions.
    ///
    /// # Safety
    /// The processor must have the features of `S`.
    #[inline(always)]
    unsafe fn multiply<S: Simd>(&mut self, n: usize) {
        let (channels, outputs) = (self.conv.window.channels, self.conv.window.outputs);
        let lanes = n * LANES;
        for k in 0..PRODUCTS {
            let gemm = Gemm {
                x: &self.transformed[k * stride(channels, n)..][..channels * lanes],
                w: &self.conv.w[k * channels * outputs..][..channels * outputs],
                steps: [outputs, 1],
                finish: Finish::default(),
                out: &mut self.products[k * stride(outputs, n)..][..outputs * lanes],
                times: 1,
                inputs: channels,
                outputs,
                lanes,
            };
            // SAFETY: the caller promises the features.
            unsafe { Kernel::run::<S>(gemm) }
        }
    }

    /// `A^T m A` of a patch, with what follows the convolution.
    ///
    /// # Safety
    /// The processor must have the features of `S`; the patch begins inside the output, `p < n <= PATCHES` and
    /// `s + 16 <= lanes`.
    #[inline(always)]
    unsafe fn output<S: Simd>(&mut self, Patch { at, p, n, s }: Patch) {
        let [height, width] = self.conv.window.out_size;
        let outputs = self.conv.window.outputs;
        let (rows, columns) = (OUT.min(height - at[0]), OUT.min(width - at[1]));
        debug_assert!(p < n && n <= PATCHES && s + LANES <= self.conv.lanes);
        // SAFETY: of `products` there are 36 positions of `outputs n + 1` vectors; `at + i < height` and
        // `at + j < width`, so that the pixel is in the output, which `check` has found long enough.
        unsafe {
            let mut half = [[S::splat(0.0); IN]; OUT];
            for o in 0..outputs {
                let bias = S::splat(self.conv.finish.bias.map_or(0.0, |b| b[o]));
                for j in 0..IN {
                    let mut m = [bias; IN];
                    for i in 0..IN {
                        let at = (i * IN + j) * stride(outputs, n) + (o * n + p) * LANES;
                        m[i] = S::load(self.products, at);
                    }
                    let y = sums::<S>(m);
                    for i in 0..OUT {
                        half[i][j] = y[i];
                    }
                }
                for i in 0..rows {
                    let y = sums::<S>(half[i]);
                    let row = ((o * height + at[0] + i) * width + at[1]) * self.conv.lanes + s;
                    for j in 0..columns {
                        let at = row + j * self.conv.lanes;
                        let value = self.conv.finish.apply::<S>(S::add(y[j], bias), at);
                        S::store(self.conv.out, at, value);
                    }
                }
            }
        }
    }
}

/// `B^T d`
#[inline(always)]
fn inputs<S: Simd>(d: [S::V; IN]) -> [S::V; IN] {
    let [two, four, five] = [2.0, -4.0, -5.0].map(|x| S::fill(d[0], x));
    let a = S::fma(four, d[2], d[4]);
    let b = S::fma(four, d[1], d[3]);
    let c = S::sub(d[4], d[2]);
    let e = S::mul(two, S::sub(d[3], d[1]));
    let plus = S::fill(d[0], 4.0);
    [
        S::fma(plus, d[0], S::fma(five, d[2], d[4])),
        S::add(a, b),
        S::sub(a, b),
        S::add(c, e),
        S::sub(c, e),
        S::fma(plus, d[1], S::fma(five, d[3], d[5])),
    ]
}

/// `A^T m`
#[inline(always)]
fn sums<S: Simd>(m: [S::V; IN]) -> [S::V; OUT] {
    let (a, b) = (S::add(m[1], m[2]), S::sub(m[1], m[2]));
    let (c, d) = (S::add(m[3], m[4]), S::sub(m[3], m[4]));
    let [two, four, eight] = [2.0, 4.0, 8.0].map(|x| S::fill(m[0], x));
    [
        S::add(S::add(m[0], a), c),
        S::fma(two, d, b),
        S::fma(four, c, a),
        S::add(S::fma(eight, d, b), m[5]),
    ]
}
