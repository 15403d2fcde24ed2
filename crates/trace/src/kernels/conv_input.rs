//! Gradient of a two-dimensional convolution with respect to its input, over a tile of samples.
//!
//! For stride 1 it is a convolution itself, with [`flip_weights`]. For other strides few kernel
//! positions meet an output at a pixel of the input (on average a quarter of them for stride 2): each
//! pixel gathers those.

use super::conv::Window;
use super::simd::{Cursor, Kernel, LANES, Level, Simd, run};

/// `dx[c][y][x] = sum w[o][c][i][j] lambda[o][(y + p - i d) / s][(x + p - j d) / s]` over the outputs of
/// the channel's group and the kernel positions for which these are output pixels.
///
/// A block of `ROWS` channels by `COLUMNS` pixels, one stride apart, of 16 samples stays in
/// registers while kernel positions and outputs run.
pub(crate) struct ConvInput<'a> {
    pub window: Window,
    /// `[outputs][out height][out width][lanes]`
    pub lambda: &'a [f32],
    /// `[outputs][channels / groups][kernel height][kernel width]`, PyTorch's layout.
    pub w: &'a [f32],
    /// `[channels][height][width][lanes]`, overwritten.
    pub dx: &'a mut [f32],
    /// A multiple of 16.
    pub lanes: usize,
}

impl ConvInput<'_> {
    /// Computes the gradient of this tile.
    pub fn run(self, level: Level) {
        let taps = [Taps::new(&self.window, 0), Taps::new(&self.window, 1)];
        run(level, Gather { conv: self, taps });
    }

    /// Panics where a slice is too short, on which the kernel relies.
    fn check(&self) {
        let window = &self.window;
        let pixels = |size: [usize; 2]| size[0] * size[1] * self.lanes;
        assert!(self.lanes.is_multiple_of(LANES));
        assert!(self.lambda.len() >= window.outputs * pixels(window.out_size));
        assert!(self.w.len() >= window.outputs * window.weights());
        assert!(self.dx.len() >= window.channels * pixels(window.size));
    }
}

/// The convolution with stride 1 that computes the gradient with respect to the input of `window` from
/// that of its output, with weights from [`flip_weights`]; its padding is
/// `dilation * (kernel - 1) - padding`. None where the stride is not 1 or that is negative.
#[cfg(test)]
fn flipped(window: &Window) -> Option<Window> {
    let padding = |axis: usize| {
        let reach = window.dilation[axis] * (window.kernel[axis] - 1);
        reach.checked_sub(window.padding[axis])
    };
    (window.stride == [1, 1]).then_some(())?;
    Some(Window {
        channels: window.outputs,
        size: window.out_size,
        outputs: window.channels,
        out_size: window.size,
        padding: [padding(0)?, padding(1)?],
        ..*window
    })
}

/// Weights `[channels][outputs / groups][kernel]` of the convolution that computes the gradient for stride 1 from `w`
/// `[outputs][channels / groups][kernel]`: channels and outputs of each group are exchanged, kernels
/// read from their end.
pub(crate) fn flip_weights(
    w: &[f32],
    outputs: usize,
    channels_per_group: usize,
    groups: usize,
    kernel: [usize; 2],
    out: &mut [f32],
) {
    let (own, taps) = (outputs / groups, kernel[0] * kernel[1]);
    for (at, from) in w
        .chunks_exact(taps)
        .take(outputs * channels_per_group)
        .enumerate()
    {
        let (o, c) = (at / channels_per_group, at % channels_per_group);
        let channel = o / own * channels_per_group + c;
        let to = &mut out[(channel * own + o % own) * taps..][..taps];
        to.iter_mut()
            .zip(from.iter().rev())
            .for_each(|(to, &w)| *to = w);
    }
}

/// For every input index along an axis, the kernel positions that meet an output there.
struct Taps {
    /// Kernel position and output index.
    all: Vec<[usize; 2]>,
    /// Where the positions of an input index end.
    ends: Vec<usize>,
}

impl Taps {
    fn new(window: &Window, axis: usize) -> Self {
        let (mut all, mut ends) = (Vec::new(), Vec::new());
        let stride = window.stride[axis];
        for at in 0..window.size[axis] {
            for k in 0..window.kernel[axis] {
                let Some(start) =
                    (at + window.padding[axis]).checked_sub(k * window.dilation[axis])
                else {
                    break;
                };
                if start.is_multiple_of(stride) && start / stride < window.out_size[axis] {
                    all.push([k, start / stride]);
                }
            }
            ends.push(all.len());
        }
        Self { all, ends }
    }

    /// Those of input index `at`.
    fn of(&self, at: usize) -> &[[usize; 2]] {
        let first = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[first..self.ends[at]]
    }

    /// Input indices from `at` on, `stride` apart and up to `most`, with the same kernel positions:
    /// the output indices of one are then those of the one before plus 1.
    fn alike(&self, at: usize, stride: usize, most: usize) -> usize {
        let own = self.of(at);
        let same = |other: &[[usize; 2]]| {
            own.len() == other.len() && own.iter().zip(other).all(|(a, b)| a[0] == b[0])
        };
        let mut n = 1;
        while n < most && at + n * stride < self.ends.len() && same(self.of(at + n * stride)) {
            n += 1;
        }
        n
    }
}

struct Gather<'a> {
    conv: ConvInput<'a>,
    taps: [Taps; 2],
}

impl Kernel for Gather<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        self.conv.check();
        let window = self.conv.window;
        let depth = window.depth();
        let blocks = depth.div_ceil(S::ROWS);
        for s in (0..self.conv.lanes).step_by(LANES) {
            for y in 0..window.size[0] {
                for group in 0..window.groups {
                    let mut c = 0;
                    for block in 0..blocks {
                        // Channels are cut into blocks of nearly equal height.
                        let rows = (depth - c).div_ceil(blocks - block);
                        // SAFETY: `c + rows <= depth`, `rows <= S::ROWS <= 6`, `y` is below the
                        // input's height, and `s + 16 <= lanes`, a multiple of 16.
                        unsafe {
                            match rows {
                                1 => self.row::<S, 1>(group, c, y, s),
                                2 => self.row::<S, 2>(group, c, y, s),
                                3 => self.row::<S, 3>(group, c, y, s),
                                4 => self.row::<S, 4>(group, c, y, s),
                                5 => self.row::<S, 5>(group, c, y, s),
                                _ => self.row::<S, 6>(group, c, y, s),
                            }
                        }
                        c += rows;
                    }
                }
            }
        }
    }
}

impl Gather<'_> {
    /// Row `y` of channels `c..c + R` of a group.
    ///
    /// # Safety
    /// The processor must have the features of `S`; there are this group, these of its channels and this
    /// row of the input, and `s + 16 <= lanes`.
    #[inline(always)]
    unsafe fn row<S: Simd, const R: usize>(&mut self, group: usize, c: usize, y: usize, s: usize) {
        let (width, stride) = (self.conv.window.size[1], self.conv.window.stride[1]);
        for phase in 0..stride.min(width) {
            let mut x = phase;
            while x < width {
                let columns = match S::COLUMNS {
                    1 => 1,
                    most => self.taps[1].alike(x, stride, most.min(4)),
                };
                // SAFETY: `x + (columns - 1) stride < width`, and `columns <= 4`.
                unsafe {
                    match columns {
                        1 => self.block::<S, R, 1>(group, c, [y, x], s),
                        2 => self.block::<S, R, 2>(group, c, [y, x], s),
                        3 => self.block::<S, R, 3>(group, c, [y, x], s),
                        _ => self.block::<S, R, 4>(group, c, [y, x], s),
                    }
                }
                x += columns * stride;
            }
        }
    }

    /// Channels `c..c + R` of a group at pixel `[y, x]` and the `V - 1` next, one stride apart.
    ///
    /// # Safety
    /// As for `row`; the pixels are inside the input and have the same kernel positions.
    #[inline(always)]
    unsafe fn block<S: Simd, const R: usize, const V: usize>(
        &mut self,
        group: usize,
        c: usize,
        [y, x]: [usize; 2],
        s: usize,
    ) {
        let window = self.conv.window;
        let [height, width] = window.out_size;
        let (own, lanes) = (window.outputs / window.groups, self.conv.lanes);
        let plane = height * width * lanes;
        let (taps, weights) = (window.kernel[0] * window.kernel[1], window.weights());
        debug_assert!(c + R <= window.depth() && group < window.groups && s + LANES <= lanes);
        debug_assert!(y < window.size[0] && x + (V - 1) * window.stride[1] < window.size[1]);
        // SAFETY: `check` has found `outputs` planes of `lambda`, their weights, and `channels` planes of
        // `dx`. Output pixels of `Taps` are below the output's height and width, at pixel `x` as at the `V - 1`
        // next; kernel positions are below the kernel's; `c + r < depth`.
        unsafe {
            let mut acc = [[S::splat(0.0); V]; R];
            for &[i, out_y] in self.taps[0].of(y) {
                for &[j, out_x] in self.taps[1].of(x) {
                    let pixel = (out_y * width + out_x) * lanes + s;
                    let mut lambda = Cursor::new(self.conv.lambda, group * own * plane + pixel);
                    let tap = group * own * weights + c * taps + i * window.kernel[1] + j;
                    let mut w = Cursor::new(self.conv.w, tap);
                    for _ in 0..own {
                        let mut values = [S::splat(0.0); V];
                        for (v, value) in values.iter_mut().enumerate() {
                            *value = lambda.load::<S>(v * lanes);
                        }
                        for (r, acc) in acc.iter_mut().enumerate() {
                            let weight = w.repeat::<S>(r * taps);
                            for v in 0..V {
                                acc[v] = S::fma(weight, values[v], acc[v]);
                            }
                        }
                        lambda.step(plane);
                        w.step(weights);
                    }
                }
            }
            let channel = group * window.depth() + c;
            let pixel = (y * window.size[1] + x) * lanes + s;
            let plane = window.size[0] * window.size[1] * lanes;
            let to = channel * plane + pixel;
            for (r, acc) in acc.iter().enumerate() {
                for (v, &value) in acc.iter().enumerate() {
                    let at = to + r * plane + v * window.stride[1] * lanes;
                    S::store(self.conv.dx, at, value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::conv::{Conv, Finish};
    use super::super::conv_tests::{cases, compared, draw, or_under_miri, products, windows};
    use super::*;
    use proptest::prelude::*;

    /// The gradient in f64.
    fn truth(window: &Window, lambda: &[f32], w: &[f32], lanes: usize) -> Vec<f64> {
        let taps = window.kernel[0] * window.kernel[1];
        let pixels = |size: [usize; 2]| size[0] * size[1];
        let mut dx = vec![0.0; window.channels * pixels(window.size) * lanes];
        products(window, |o, c, tap, out, pixel| {
            let channel = o / (window.outputs / window.groups) * window.depth() + c;
            let weight = f64::from(w[(o * window.depth() + c) * taps + tap]);
            let at = (o * pixels(window.out_size) + out) * lanes;
            let dx = &mut dx[(channel * pixels(window.size) + pixel) * lanes..][..lanes];
            compared(lanes).for_each(|s| dx[s] += weight * f64::from(lambda[at + s]));
        });
        dx
    }

    /// The largest error of a gradient; NaN if there is one.
    fn error(dx: &[f32], truth: &[f64], lanes: usize) -> f64 {
        let pairs = dx.chunks(lanes).zip(truth.chunks(lanes));
        let errors = pairs
            .flat_map(|(dx, truth)| compared(lanes).map(|s| (f64::from(dx[s]) - truth[s]).abs()));
        // Not `max`, which would drop what is not a number.
        errors.fold(
            0.0,
            |worst, error| if error <= worst { worst } else { error },
        )
    }

    proptest! {
        #![proptest_config(cases(96))]

        #[test]
        fn gradients_equal_f64(window in windows(), vectors in 1..or_under_miri(3usize, 2), seed: u64) {
            let mut rng = landscape_core::Rng::new(seed, 0);
            let lanes = vectors * LANES;
            let pixels = |size: [usize; 2]| size[0] * size[1] * lanes;
            let lambda = draw(&mut rng, window.outputs * pixels(window.out_size));
            let w = draw(&mut rng, window.outputs * window.weights());
            let truth = truth(&window, &lambda, &w, lanes);
            let mut turned = vec![0.0; w.len()];
            let [groups, depth] = [window.groups, window.depth()];
            flip_weights(&w, window.outputs, depth, groups, window.kernel, &mut turned);
            for level in Level::available() {
                let mut dx = vec![f32::NAN; truth.len()];
                ConvInput { window, lambda: &lambda, w: &w, dx: &mut dx, lanes }.run(level);
                prop_assert!(error(&dx, &truth, lanes) < 1e-4, "{level}");
                if let Some(window) = flipped(&window) {
                    let (finish, out) = (Finish::default(), &mut dx[..]);
                    Conv { window, x: &lambda, w: &turned, finish, out, lanes }.run(level);
                    prop_assert!(error(&dx, &truth, lanes) < 1e-4, "flipped, {level}");
                }
            }
        }
    }
}
