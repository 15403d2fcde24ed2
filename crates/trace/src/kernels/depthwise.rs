//! Convolutions whose outputs see one channel each.

use super::conv::Conv;
use super::gemm::equal;
use super::products::with_scratch;
use super::simd::{Cursor, Kernel, LANES, Level, Simd, run};

/// Neighbouring pixels, and rows, whose sums stay in registers.
const PIXELS: usize = 4;
const ROWS: usize = 2;

/// A convolution with one input channel a group. The channel is copied between zeros, so that the whole kernel meets every
/// pixel; then a few pixels of two rows stay in registers while the kernel runs.
pub(super) struct Depthwise<'a> {
    conv: Conv<'a>,
    /// Height and width of a channel between its zeros.
    padded: [usize; 2],
}

impl<'a> Depthwise<'a> {
    /// `conv` must have a depth of 1.
    pub fn new(conv: Conv<'a>) -> Self {
        let window = &conv.window;
        let padded = std::array::from_fn(|axis| {
            let reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
            let seen = (window.out_size[axis].max(1) - 1) * window.stride[axis] + reach;
            seen.max(window.size[axis] + window.padding[axis])
        });
        Self { conv, padded }
    }

    /// Computes the convolution.
    pub fn run(self, level: Level) {
        let size = self.padded[0] * self.padded[1] * LANES;
        with_scratch([size], |[channel]| {
            channel.fill(0.0);
            let depthwise = self;
            run(level, Channels { depthwise, channel });
        });
    }
}

struct Channels<'a, 'b> {
    depthwise: Depthwise<'a>,
    /// `[padded height][padded width][16]`
    channel: &'b mut [f32],
}

impl Channels<'_, '_> {
    /// Copies lanes `s..s + 16` of channel `c` between the zeros.
    ///
    /// # Safety
    /// The processor must have the features of `S`; the convolution was checked, the channel exists, and `s + 16 <= lanes`.
    #[inline(always)]
    unsafe fn copy<S: Simd>(&mut self, c: usize, s: usize) {
        let Depthwise { conv, padded } = &self.depthwise;
        let ([height, width], padding) = (conv.window.size, conv.window.padding);
        for y in 0..height {
            let from = (c * height + y) * width * conv.lanes + s;
            let to = ((y + padding[0]) * padded[1] + padding[1]) * LANES;
            for x in 0..width {
                // SAFETY: the pixel is in `x`, as was checked, and `channel` has `padded` pixels: at least
                // `height + padding` rows of `width + padding`.
                unsafe {
                    let value = S::load(conv.x, from + x * conv.lanes);
                    S::store(self.channel, to + x * LANES, value);
                }
            }
        }
    }

    /// All pixels of output `o`, lanes `s..s + 16`.
    ///
    /// # Safety
    /// As for `copy`, of this output's channel, which has been copied.
    #[inline(always)]
    unsafe fn output<S: Simd>(&mut self, o: usize, s: usize) {
        let [height, width] = self.depthwise.conv.window.out_size;
        for (y, rows) in equal(height, ROWS) {
            for (x, pixels) in equal(width, PIXELS) {
                // SAFETY: `y + rows <= height` and `x + pixels <= width`.
                unsafe {
                    match (rows, pixels) {
                        (1, 1) => self.block::<S, 1, 1>(o, [y, x], s),
                        (1, 2) => self.block::<S, 1, 2>(o, [y, x], s),
                        (1, 3) => self.block::<S, 1, 3>(o, [y, x], s),
                        (1, _) => self.block::<S, 1, PIXELS>(o, [y, x], s),
                        (_, 1) => self.block::<S, ROWS, 1>(o, [y, x], s),
                        (_, 2) => self.block::<S, ROWS, 2>(o, [y, x], s),
                        (_, 3) => self.block::<S, ROWS, 3>(o, [y, x], s),
                        (_, _) => self.block::<S, ROWS, PIXELS>(o, [y, x], s),
                    }
                }
            }
        }
    }

    /// `R` rows of `V` pixels from `y`, `x` on.
    ///
    /// # Safety
    /// As for `output`; `y + R <= height` and `x + V <= width` of the output.
    #[inline(always)]
    unsafe fn block<S: Simd, const R: usize, const V: usize>(
        &mut self,
        o: usize,
        [y, x]: [usize; 2],
        s: usize,
    ) {
        let Depthwise { conv, padded } = &mut self.depthwise;
        let window = conv.window;
        let ([height, width], stride, dilation) = (window.out_size, window.stride, window.dilation);
        debug_assert!(y + R <= height && x + V <= width);
        let start = (y * stride[0] * padded[1] + x * stride[1]) * LANES;
        let (row, pixel) = (stride[0] * padded[1] * LANES, stride[1] * LANES);
        // SAFETY: `padded` holds what the kernel meets from the last row and pixel of the output; of `w` there are the weights of
        // every output, of `out` every pixel, as was checked.
        unsafe {
            let bias = S::splat(conv.finish.bias.map_or(0.0, |b| b[o]));
            let mut acc = [[bias; V]; R];
            let mut w = Cursor::new(conv.w, o * window.weights());
            for i in 0..window.kernel[0] {
                let line = start + i * dilation[0] * padded[1] * LANES;
                let mut from = Cursor::new(self.channel, line);
                for _ in 0..window.kernel[1] {
                    let weight = w.repeat::<S>(0);
                    for (r, acc) in acc.iter_mut().enumerate() {
                        for (v, acc) in acc.iter_mut().enumerate() {
                            let value = from.load::<S>(r * row + v * pixel);
                            *acc = S::fma(weight, value, *acc);
                        }
                    }
                    from.step(dilation[1] * LANES);
                    w.step(1);
                }
            }
            for (r, acc) in acc.iter().enumerate() {
                for (v, &value) in acc.iter().enumerate() {
                    let at = ((o * height + y + r) * width + x + v) * conv.lanes + s;
                    S::store(conv.out, at, conv.finish.apply::<S>(value, at));
                }
            }
        }
    }
}

impl Kernel for Channels<'_, '_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        let conv = &self.depthwise.conv;
        conv.check();
        let [rows, columns] = self.depthwise.padded;
        assert!(self.channel.len() >= rows * columns * LANES);
        let (channels, lanes) = (conv.window.channels, conv.lanes);
        let own = conv.window.outputs / channels.max(1);
        for c in 0..channels {
            for s in (0..lanes).step_by(LANES) {
                // SAFETY: the channel and its outputs exist, and `s + 16 <= lanes`, a multiple of 16.
                unsafe {
                    self.copy::<S>(c, s);
                    for o in c * own..(c + 1) * own {
                        self.output::<S>(o, s);
                    }
                }
            }
        }
    }
}
