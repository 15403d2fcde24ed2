//! Gradient of a two-dimensional convolution with respect to its weights, over a tile of samples.
//!
//! Every weight is a sum over output pixels and samples. With samples in the lanes that sum would
//! run across lanes, with 16 partial sums a weight; therefore the gradient of the output is turned,
//! 16 by 16 numbers at a time, so that *outputs* are in the lanes and each sample of the input is
//! broadcast. The inner loop is then that of [`super::conv::Conv`] with weights and samples exchanged:
//! `ROWS` weights of each of 16 outputs stay in registers while pixels and samples run.
//! Where a group has few outputs (depthwise), lanes would be empty; sums a lane are kept there.

use super::conv::Window;
use super::products::{add, add_turned, heights, part, steps, with_scratch};
use super::simd::{Cursor, Kernel, LANES, Level, Simd, run};
use super::turn::{add_sums, transpose};
use super::winograd_weight;

/// Output pixels whose gradients are turned together: as many as the first-level cache holds.
const PIXELS: usize = 16;
/// Outputs from which on 16 lanes, some of them empty, are faster than a sum for every lane.
const FULL: usize = 11;
/// Weights by outputs whose sums a lane stay in registers.
const ROWS: usize = 3;
const COLUMNS: usize = 2;
/// Place of an input pixel outside the input.
const OUTSIDE: usize = usize::MAX;
/// What is read there.
static ZEROS: [f32; LANES] = [0.0; LANES];

/// `dw[o][c][i][j] += sum lambda[o][y][x] in[c][y s + i d - p][x s + j d - p]` over output pixels and
/// all lanes; where a lane holds no sample, `lambda` must be zero and `in` finite.
pub(crate) struct ConvWeight<'a> {
    pub window: Window,
    /// `[channels][height][width][lanes]`
    pub x: &'a [f32],
    /// `[outputs][out height][out width][lanes]`
    pub lambda: &'a [f32],
    /// `[outputs][channels / groups][kernel height][kernel width]`, added to.
    pub dw: &'a mut [f32],
    /// A multiple of 16.
    pub lanes: usize,
}

impl ConvWeight<'_> {
    /// Adds the gradient of this tile.
    pub fn run(self, level: Level) {
        if winograd_weight::wins(&self.window) {
            winograd_weight::run(self, level);
        } else {
            self.run_direct(level);
        }
    }

    /// Panics where a slice is too short, on which the kernels rely.
    pub(super) fn check(&self) {
        let window = &self.window;
        let pixels = |size: [usize; 2]| size[0] * size[1] * self.lanes;
        assert!(self.lanes.is_multiple_of(LANES));
        assert!(self.x.len() >= window.channels * pixels(window.size));
        assert!(self.lambda.len() >= window.outputs * pixels(window.out_size));
        assert!(self.dw.len() >= window.outputs * window.weights());
    }

    /// The sums themselves, without a transform.
    pub(super) fn run_direct(self, level: Level) {
        let window = &self.window;
        let (in_lanes, alone) = split(window);
        let near = vec![OUTSIDE; window.kernel[0] * window.kernel[1] * PIXELS];
        let turned = PIXELS * LANES * in_lanes.next_multiple_of(LANES).min(4 * LANES);
        let group_sums = (in_lanes.next_multiple_of(LANES) + alone * LANES) * window.weights();
        with_scratch([turned, group_sums * window.groups], |[turned, sums]| {
            sums.fill(0.0);
            let direct = Direct {
                conv: self,
                level,
                near,
                turned,
                sums,
                group_sums,
            };
            run(level, direct);
        });
    }
}

/// Outputs of a group that are put into lanes, and how many follow that have a sum for every lane.
fn split(window: &Window) -> (usize, usize) {
    let own = window.outputs / window.groups;
    match own % LANES {
        rest @ ..FULL => (own - rest, rest),
        _ => (own, 0),
    }
}

struct Direct<'a, 'b> {
    conv: ConvWeight<'a>,
    level: Level,
    /// `[kernel][PIXELS]`: where the input of an output pixel is in its channel, or [`OUTSIDE`].
    near: Vec<usize>,
    /// `[PIXELS][16 samples][outputs of a panel]`
    turned: &'b mut [f32],
    /// For each group its panels' `[weights][outputs]`, then `[outputs][weights][16 samples]`.
    sums: &'b mut [f32],
    /// Length of a group's part of them.
    group_sums: usize,
}

/// What is added at once: `n` output pixels from `first` on, samples `s..s + 16`.
#[derive(Clone, Copy)]
struct Chunk {
    first: usize,
    n: usize,
    s: usize,
}

impl Kernel for Direct<'_, '_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        self.conv.check();
        let window = self.conv.window;
        let pixels = window.out_size[0] * window.out_size[1];
        for first in (0..pixels).step_by(PIXELS) {
            let n = PIXELS.min(pixels - first);
            self.place(first, n);
            for s in (0..self.conv.lanes).step_by(LANES) {
                for group in 0..window.groups {
                    // SAFETY: `check` has found the lengths; `first + n <= pixels`, and `s + 16 <= lanes`, a
                    // multiple of 16.
                    unsafe { self.group::<S>(group, Chunk { first, n, s }) }
                }
            }
        }
        for group in 0..window.groups {
            self.finish(group, S::COLUMNS.min(4) * LANES);
        }
    }
}

// By index: the accumulators must stay in registers.
#[allow(clippy::needless_range_loop)]
impl Direct<'_, '_> {
    /// Places of the inputs of output pixels `first..first + n`.
    fn place(&mut self, first: usize, n: usize) {
        let window = self.conv.window;
        self.near.fill(OUTSIDE);
        for p in 0..n {
            let (y, x) = (
                (first + p) / window.out_size[1],
                (first + p) % window.out_size[1],
            );
            for i in window.valid(0, y) {
                for j in window.valid(1, x) {
                    let row = window.input(0, y, i) * window.size[1];
                    let pixel = row + window.input(1, x, j);
                    self.near[(i * window.kernel[1] + j) * PIXELS + p] = pixel * self.conv.lanes;
                }
            }
        }
    }

    /// Adds a chunk to all weights of a group.
    ///
    /// # Safety
    /// The processor must have the features of `S`; there are this group, these pixels and samples.
    #[inline(always)]
    unsafe fn group<S: Simd>(&mut self, group: usize, chunk: Chunk) {
        let (in_lanes, alone) = split(&self.conv.window);
        let weights = self.conv.window.weights();
        let mut o = 0;
        let mut sums = group * self.group_sums;
        // SAFETY: `o + count <= in_lanes`, `first + V <= alone`, and `run_direct` has made room for the sums of both.
        unsafe {
            while o < in_lanes {
                let count = (in_lanes - o).min(S::COLUMNS.min(4) * LANES);
                match count.div_ceil(LANES) {
                    1 => self.panel::<S, 1>(group, o, count, sums, chunk),
                    2 => self.panel::<S, 2>(group, o, count, sums, chunk),
                    3 => self.panel::<S, 3>(group, o, count, sums, chunk),
                    _ => self.panel::<S, 4>(group, o, count, sums, chunk),
                }
                o += count;
                sums += count.next_multiple_of(LANES) * weights;
            }
            for first in (0..alone).step_by(COLUMNS) {
                match alone - first {
                    1 => self.alone::<S, 1>(group, o + first, sums, chunk),
                    _ => self.alone::<S, COLUMNS>(group, o + first, sums, chunk),
                }
                sums += COLUMNS * weights * LANES;
            }
        }
    }

    /// Adds the sums of a group, in panels of up to `most` outputs, to the gradient.
    fn finish(&mut self, group: usize, most: usize) {
        let (in_lanes, alone) = split(&self.conv.window);
        let weights = self.conv.window.weights();
        let own = in_lanes + alone;
        let mut dw = &mut self.conv.dw[group * own * weights..][..own * weights];
        let mut sums = &self.sums[group * self.group_sums..];
        for o in (0..in_lanes).step_by(most) {
            let count = (in_lanes - o).min(most);
            let width = count.next_multiple_of(LANES);
            let (panel, after) = dw.split_at_mut(count * weights);
            add_turned(self.level, (sums, width), (panel, weights), weights);
            sums = &sums[width * weights..];
            dw = after;
        }
        add_sums(self.level, sums, dw);
    }

    /// Outputs `o..o + count` of a group, in the lanes of `V` vectors.
    ///
    /// # Safety
    /// As for `group`; there are these outputs, and `16 V weights` sums from `sums` on.
    #[inline(always)]
    unsafe fn panel<S: Simd, const V: usize>(
        &mut self,
        group: usize,
        o: usize,
        count: usize,
        sums: usize,
        chunk: Chunk,
    ) {
        let own = self.conv.window.outputs / self.conv.window.groups;
        self.turn(group * own + o, count, chunk);
        // SAFETY: `row + rows <= weights`, and `turned` holds `V` vectors for the samples of each pixel.
        unsafe {
            for (row, rows) in heights::<S, V>(self.conv.window.weights()) {
                match rows {
                    1 => self.block::<S, 1, V>(group, row, sums, chunk),
                    2 => self.block::<S, 2, V>(group, row, sums, chunk),
                    3 => self.block::<S, 3, V>(group, row, sums, chunk),
                    4 => self.block::<S, 4, V>(group, row, sums, chunk),
                    5 => self.block::<S, 5, V>(group, row, sums, chunk),
                    6 => self.block::<S, 6, V>(group, row, sums, chunk),
                    _ => self.block::<S, 12, V>(group, row, sums, chunk),
                }
            }
        }
    }

    /// The gradients of a chunk with outputs `o..o + count` in the lanes.
    #[inline(always)]
    fn turn(&mut self, o: usize, count: usize, Chunk { first, n, s }: Chunk) {
        let lanes = self.conv.lanes;
        let stride = self.conv.window.out_size.iter().product::<usize>() * lanes;
        let width = count.next_multiple_of(LANES);
        for p in 0..n {
            for at in (0..count).step_by(LANES) {
                let pixel = (o + at) * stride + (first + p) * lanes + s;
                let from = (&self.conv.lambda[pixel..], stride);
                let to = (&mut self.turned[p * LANES * width + at..], width);
                transpose(self.level, from, LANES.min(count - at), to);
            }
        }
    }

    /// Adds a chunk to weights `row..row + R` of the panel's outputs.
    ///
    /// # Safety
    /// As for `panel`; `row + R <= weights`, and `turned` holds `V` vectors for the samples of each pixel.
    #[inline(always)]
    unsafe fn block<S: Simd, const R: usize, const V: usize>(
        &mut self,
        group: usize,
        row: usize,
        sums: usize,
        chunk: Chunk,
    ) {
        let (base, near) = self.inputs::<R>(group, row, chunk.s);
        // SAFETY: `pixel` gives 16 numbers for each weight; `p < n <= PIXELS`, for each of which `turned` has 16 rows of `V`
        // vectors; the sums of rows `row..row + R` exist.
        unsafe {
            let mut acc = [[S::splat(0.0); V]; R];
            for p in 0..chunk.n {
                let x = self.pixel(&base, &near, p);
                let size = LANES * V * LANES;
                let turned = part(self.turned, p * size, size);
                acc = steps::<S, R, V>(acc, x, (turned, V * LANES), LANES);
            }
            let sums = &mut self.sums[sums + row * V * LANES..][..R * V * LANES];
            add::<S, R, V>(&acc, sums, V * LANES);
        }
    }

    /// For `R` weights from `row` on: the place of their channel, and their row of `near`.
    #[inline(always)]
    fn inputs<const R: usize>(
        &self,
        group: usize,
        row: usize,
        s: usize,
    ) -> ([usize; R], [usize; R]) {
        let window = &self.conv.window;
        let taps = window.kernel[0] * window.kernel[1];
        let channel = window.size[0] * window.size[1] * self.conv.lanes;
        let (mut base, mut near) = ([0; R], [0; R]);
        for r in 0..R {
            base[r] = (group * window.depth() + (row + r) / taps) * channel + s;
            near[r] = (row + r) % taps * PIXELS;
        }
        (base, near)
    }

    /// The 16 samples under each of `R` weights at pixel `p`; zeros outside the input.
    ///
    /// # Safety
    /// `base` and `near` are those of weights that exist, and `p < PIXELS`.
    #[inline(always)]
    unsafe fn pixel<const R: usize>(
        &self,
        base: &[usize; R],
        near: &[usize; R],
        p: usize,
    ) -> [&[f32]; R] {
        let mut x = [&ZEROS[..]; R];
        for r in 0..R {
            debug_assert!(near[r] + p < self.near.len());
            // SAFETY: `near` has a row of `PIXELS > p` numbers for every kernel position.
            let at = unsafe { *self.near.get_unchecked(near[r] + p) };
            if at != OUTSIDE {
                // SAFETY: `base + at + 16` is within the plane of a channel: `base` is its begin and `s`, `at` a
                // pixel of it by `place`, and `s + 16 <= lanes`.
                x[r] = unsafe { part(self.conv.x, base[r] + at, LANES) };
            }
        }
        x
    }

    /// Adds a chunk to the sums, one for every lane, of `V` outputs from `o` on of a group.
    ///
    /// # Safety
    /// As for `group`; there are these outputs, and `16 V weights` sums from `sums` on.
    #[inline(always)]
    unsafe fn alone<S: Simd, const V: usize>(
        &mut self,
        group: usize,
        o: usize,
        sums: usize,
        chunk: Chunk,
    ) {
        let weights = self.conv.window.weights();
        for row in (0..weights).step_by(ROWS) {
            // SAFETY: `row + R <= weights`.
            unsafe {
                match weights - row {
                    1 => self.lane_block::<S, 1, V>(group, row, o, sums, chunk),
                    2 => self.lane_block::<S, 2, V>(group, row, o, sums, chunk),
                    _ => self.lane_block::<S, ROWS, V>(group, row, o, sums, chunk),
                }
            }
        }
    }

    /// Adds a chunk to weights `row..row + R` of these outputs.
    ///
    /// # Safety
    /// As for `alone`; `row + R <= weights`.
    #[inline(always)]
    unsafe fn lane_block<S: Simd, const R: usize, const V: usize>(
        &mut self,
        group: usize,
        row: usize,
        o: usize,
        sums: usize,
        Chunk { first, n, s }: Chunk,
    ) {
        let (base, near) = self.inputs::<R>(group, row, s);
        let (window, lanes) = (self.conv.window, self.conv.lanes);
        let plane = window.out_size[0] * window.out_size[1] * lanes;
        let output = group * (window.outputs / window.groups) + o;
        debug_assert!(output + V <= window.outputs && row + R <= window.weights());
        // SAFETY: `check` has found `outputs` planes of `lambda`; `output + v`, pixel `first + p` and samples
        // `s..s + 16` are in them. `pixel` gives 16 numbers for each weight; of the sums there are `V - 1` rows and
        // `16 R` numbers.
        unsafe {
            let width = window.weights() * LANES;
            let mut acc = [[S::splat(0.0); R]; V];
            let mut lambda = Cursor::new(self.conv.lambda, output * plane + first * lanes + s);
            for p in 0..n {
                let x = self.pixel(&base, &near, p);
                let mut values = [S::splat(0.0); V];
                for (v, value) in values.iter_mut().enumerate() {
                    *value = lambda.load::<S>(v * plane);
                }
                for r in 0..R {
                    let input = S::load(x[r], 0);
                    for v in 0..V {
                        acc[v][r] = S::fma(input, values[v], acc[v][r]);
                    }
                }
                lambda.step(lanes);
            }
            let sums = &mut self.sums[sums + row * LANES..][..(V - 1) * width + R * LANES];
            add::<S, V, R>(&acc, sums, width);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::conv_tests::{
        Axis, cases, draw, or_under_miri, products, transformed, window, windows,
    };
    use super::*;
    use proptest::prelude::*;

    /// The gradient in f64, and for each weight the root of the sum of squared products.
    fn truth(window: &Window, x: &[f32], lambda: &[f32], lanes: usize) -> Vec<[f64; 2]> {
        let taps = window.kernel[0] * window.kernel[1];
        let pixels = |size: [usize; 2]| size[0] * size[1];
        let mut dw = vec![[0.0; 2]; window.outputs * window.weights()];
        products(window, |o, c, tap, out, pixel| {
            let group = o / (window.outputs / window.groups);
            let channel = group * window.depth() + c;
            let x = &x[(channel * pixels(window.size) + pixel) * lanes..][..lanes];
            let at = (o * pixels(window.out_size) + out) * lanes;
            let sum = &mut dw[(o * window.depth() + c) * taps + tap];
            for (x, lambda) in x.iter().zip(&lambda[at..]) {
                let product = f64::from(*x) * f64::from(*lambda);
                sum[0] += product;
                sum[1] += product * product;
            }
        });
        dw.iter()
            .map(|[sum, squares]| [*sum, squares.sqrt()])
            .collect()
    }

    /// The largest error of a weight, relative to the root of the sum of its squared products.
    fn error(window: Window, vectors: usize, direct: bool, seed: u64) -> f64 {
        error_of(window, vectors, direct, seed, false)
    }

    /// The same, relative to the largest of these roots where `to_largest`.
    fn error_of(window: Window, vectors: usize, direct: bool, seed: u64, to_largest: bool) -> f64 {
        let mut rng = landscape_core::Rng::new(seed, 0);
        let lanes = vectors * LANES;
        let pixels = |size: [usize; 2]| size[0] * size[1] * lanes;
        let x = draw(&mut rng, window.channels * pixels(window.size));
        let lambda = draw(&mut rng, window.outputs * pixels(window.out_size));
        let start = draw(&mut rng, window.outputs * window.weights());
        let truth = truth(&window, &x, &lambda, lanes);
        let largest = truth.iter().map(|[_, scale]| *scale).fold(1.0, f64::max);
        let mut worst = 0.0f64;
        for level in Level::available() {
            let mut dw = start.clone();
            let conv = ConvWeight {
                window,
                x: &x,
                lambda: &lambda,
                dw: &mut dw,
                lanes,
            };
            match direct {
                true => conv.run_direct(level),
                false => conv.run(level),
            }
            for ((dw, start), [sum, scale]) in dw.iter().zip(&start).zip(&truth) {
                let error = f64::from(*dw) - f64::from(*start) - sum;
                let scale = if to_largest { largest } else { *scale };
                // Not `max`, which would drop what is not a number.
                let error = error.abs() / scale.max(1.0);
                worst = if error <= worst { worst } else { error };
            }
        }
        worst
    }

    proptest! {
        #![proptest_config(cases(96))]

        #[test]
        fn direct_sums_equal_f64(window in windows(), vectors in 1..or_under_miri(3usize, 2), seed: u64) {
            prop_assert!(error(window, vectors, true, seed) < 5e-6);
        }

        #[test]
        #[cfg_attr(miri, ignore = "takes long; the sums with wide padding are of this kind")]
        fn transformed_sums_equal_f64(
            channels in 8usize..20,
            outputs in 8usize..40,
            size in (3usize..18, 3usize..18),
            padding in (0usize..3, 0usize..3),
            vectors in 1usize..3,
            seed: u64,
        ) {
            let axis = |size, padding| Axis {
                size,
                kernel: 3,
                stride: 1,
                padding: (padding, padding),
                dilation: 1,
            };
            let axes = [axis(size.0, padding.0), axis(size.1, padding.1)];
            let window = window((1, channels, outputs), axes).unwrap();
            prop_assume!(winograd_weight::wins(&window));
            prop_assert!(error(window, vectors, false, seed) < 4e-5);
        }

        /// Relative to the largest weight: those that meet few pixels have the errors of the others.
        #[test]
        fn transformed_sums_with_wide_padding_equal_f64(
            window in transformed(),
            vectors in 1..or_under_miri(3usize, 2),
            seed: u64,
        ) {
            prop_assert!(error_of(window, vectors, false, seed, true) < 4e-5);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes too long")]
    fn layers_of_resnets_are_as_accurate_as_stated() {
        let layers = [
            (3, 16, 32, 1),
            (16, 16, 32, 1),
            (16, 32, 32, 2),
            (32, 32, 16, 1),
            (64, 64, 8, 1),
        ];
        for (channels, outputs, size, stride) in layers {
            let channels = (1, channels, outputs);
            let axis = Axis {
                size,
                kernel: 3,
                stride,
                padding: (1, 1),
                dilation: 1,
            };
            let window = window(channels, [axis, axis]).unwrap();
            let errors = [true, false].map(|direct| error(window, 1, direct, 7));
            println!(
                "{channels:?}: direct {:.1e}, chosen {:.1e}",
                errors[0], errors[1]
            );
            assert!(
                errors[0] < 4e-6 && errors[1] < 3e-5,
                "{window:?} {errors:?}"
            );
        }
    }
}
