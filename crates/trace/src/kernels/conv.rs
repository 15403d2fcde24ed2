//! Two-dimensional convolution of a tile of samples with the weights of one point.
//!
//! Samples are in the lanes, as everywhere in this executor: every pixel of every channel is a row
//! of 16 samples, so that any stride, padding, dilation and grouping has the same inner loop without
//! shuffles, and borders are left out instead of multiplied by zero.

use super::depthwise::Depthwise;
use super::gemm::Gemm;
use super::simd::{Cursor, Kernel, LANES, Level, Simd, run};
use super::wide::{self, Wide};
use std::ops::Range;

/// Geometry of a convolution: `[channels, height, width]` to `[outputs, out_height, out_width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub channels: usize,
    pub size: [usize; 2],
    pub outputs: usize,
    pub out_size: [usize; 2],
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    /// Rows and columns before the first.
    pub padding: [usize; 2],
    pub dilation: [usize; 2],
    pub groups: usize,
}

impl Window {
    /// Kernel positions along `axis` that meet the input for output index `o`.
    pub fn valid(&self, axis: usize, o: usize) -> std::ops::Range<usize> {
        let (stride, dilation) = (self.stride[axis], self.dilation[axis]);
        let (start, pad) = (o * stride, self.padding[axis]);
        let first = pad.saturating_sub(start).div_ceil(dilation);
        let end = (self.size[axis] + pad).saturating_sub(start);
        let last = end.div_ceil(dilation).min(self.kernel[axis]);
        first.min(last)..last
    }

    /// Kernel positions along `axis` from the first to the last that meets the input for any output.
    pub fn met(&self, axis: usize) -> Range<usize> {
        let all = (0..self.out_size[axis]).map(|o| self.valid(axis, o));
        let met = all.filter(|range| !range.is_empty());
        met.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
            .unwrap_or(0..0)
    }

    /// Output indices along `axis` for which the whole kernel meets the input.
    pub fn interior(&self, axis: usize) -> std::ops::Range<usize> {
        let whole = 0..self.kernel[axis];
        let mut all = 0..self.out_size[axis];
        let first = all.find(|&o| self.valid(axis, o) == whole);
        let Some(first) = first else {
            return self.out_size[axis]..self.out_size[axis];
        };
        let after = (first..self.out_size[axis]).find(|&o| self.valid(axis, o) != whole);
        first..after.unwrap_or(self.out_size[axis])
    }

    /// Of `n` input indices along `axis`, of which the first lies under kernel position 0 of output `o` of a convolution
    /// with stride and dilation 1, those that exist, counted from the first.
    pub fn existing(&self, axis: usize, o: usize, n: usize) -> std::ops::Range<usize> {
        let pad = self.padding[axis];
        let first = pad.saturating_sub(o).min(n);
        first..(self.size[axis] + pad).saturating_sub(o).clamp(first, n)
    }

    /// Index of the input along `axis` under kernel position `k` of output `o`, where valid.
    pub fn input(&self, axis: usize, o: usize, k: usize) -> usize {
        o * self.stride[axis] + k * self.dilation[axis] - self.padding[axis]
    }

    /// Input channels that one output sees.
    pub fn depth(&self) -> usize {
        self.channels / self.groups
    }

    /// Whether it is the product of a matrix of weights with the pixels.
    fn is_product(&self) -> bool {
        let pointwise = self.kernel == [1, 1] && self.stride == [1, 1] && self.padding == [0, 0];
        pointwise && self.groups == 1 && self.out_size == self.size
    }

    /// Weights of one output.
    pub fn weights(&self) -> usize {
        self.depth() * self.kernel[0] * self.kernel[1]
    }
}

/// What follows the sum of a convolution, in this order: bias, residual, ReLU.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Finish<'a> {
    /// `[outputs]`
    pub bias: Option<&'a [f32]>,
    /// Shaped as the output.
    pub residual: Option<&'a [f32]>,
    pub relu: bool,
}

/// `out[o][y][x] = act(bias[o] + sum w[o][c][i][j] in[c][y s + i d - p][x s + j d - p] + residual)`.
///
/// A block of `ROWS` outputs by `COLUMNS` pixels of 16 samples stays in registers while the window
/// runs; rows of the input are used by all blocks of outputs while they are in the cache.
pub(crate) struct Conv<'a> {
    pub window: Window,
    /// `[channels][height][width][lanes]`
    pub x: &'a [f32],
    /// `[outputs][channels / groups][kernel height][kernel width]`, PyTorch's layout.
    pub w: &'a [f32],
    pub finish: Finish<'a>,
    /// `[outputs][out height][out width][lanes]`
    pub out: &'a mut [f32],
    /// A multiple of 16.
    pub lanes: usize,
}

impl<'a> Conv<'a> {
    /// Computes the convolution: as a matrix product where every output sees one pixel of every channel, channel by channel
    /// where it sees one channel, samples by samples where pixels are few.
    pub fn run(self, level: Level) {
        let window = self.window;
        if window.is_product() {
            return self.product(level);
        }
        if window.depth() == 1 {
            return Depthwise::new(self).run(level);
        }
        if wide::suits(&window, self.lanes) {
            return self.wide().run(level);
        }
        let inside = window.interior(1);
        run(level, Direct { conv: self, inside });
    }

    fn wide(self) -> Wide<'a> {
        let window = self.window;
        Wide {
            window,
            x: self.x,
            w: self.w,
            finish: self.finish,
            out: self.out,
            lanes: self.lanes,
        }
    }

    /// `out[o] = sum_c w[o][c] x[c]`, with the pixels of all samples in the lanes.
    fn product(self, level: Level) {
        let window = self.window;
        let pixels = window.size[0] * window.size[1];
        Gemm {
            x: self.x,
            w: self.w,
            steps: [1, window.channels],
            finish: self.finish,
            out: self.out,
            times: 1,
            inputs: window.channels,
            outputs: window.outputs,
            lanes: pixels * self.lanes,
        }
        .run(level);
    }

    /// Panics where a slice is too short, on which the kernels rely.
    pub(super) fn check(&self) {
        let window = &self.window;
        let pixels = |size: [usize; 2]| size[0] * size[1] * self.lanes;
        let out = window.outputs * pixels(window.out_size);
        assert!(self.lanes.is_multiple_of(LANES));
        assert!(self.x.len() >= window.channels * pixels(window.size));
        assert!(self.w.len() >= window.outputs * window.weights());
        assert!(self.out.len() >= out);
        self.finish.check(window.outputs, out);
    }
}

/// The sums of a convolution as they are.
struct Direct<'a> {
    conv: Conv<'a>,
    /// Columns of the output for which the whole kernel meets the input along the row.
    inside: Range<usize>,
}

impl Direct<'_> {
    /// Row `y` of outputs `o..o + R`, samples `s..s + 16`.
    ///
    /// # Safety
    /// The processor must have the features of `S`; `o + R <= outputs`, all of one group, `y` is a row of the
    /// output and `s + 16 <= lanes`.
    #[inline(always)]
    unsafe fn row<S: Simd, const R: usize>(&mut self, o: usize, y: usize, s: usize) {
        let width = self.conv.window.out_size[1];
        let mut x = 0;
        while x < width {
            let columns = match self.inside.contains(&x) {
                true => S::COLUMNS.min(self.inside.end - x),
                false => 1,
            };
            // SAFETY: `x + columns <= width`, and where `columns > 1`, all are in the interior.
            unsafe {
                match columns {
                    _ if S::COLUMNS == 1 => self.block::<S, R, 1>(o, y, x, s),
                    1 => self.block::<S, R, 1>(o, y, x, s),
                    2 => self.block::<S, R, 2>(o, y, x, s),
                    3 => self.block::<S, R, 3>(o, y, x, s),
                    _ => self.block::<S, R, 4>(o, y, x, s),
                }
            }
            x += columns.min(4);
        }
    }

    /// Outputs `o..o + R` of pixels `x..x + V` of row `y`, samples `s..s + 16`; for more than one
    /// pixel the whole kernel must meet the input along the row.
    ///
    /// # Safety
    /// As for `row`; `x + V <= width`.
    #[inline(always)]
    unsafe fn block<S: Simd, const R: usize, const V: usize>(
        &mut self,
        o: usize,
        y: usize,
        x: usize,
        s: usize,
    ) {
        let window = self.conv.window;
        let (rows, columns) = (window.valid(0, y), window.valid(1, x));
        debug_assert!(o + R <= window.outputs && s + LANES <= self.conv.lanes);
        debug_assert!(y < window.out_size[0] && x + V <= window.out_size[1]);
        // SAFETY: `o + R <= outputs`.
        let mut acc = unsafe { self.start::<S, R, V>(o) };
        let (depth, kernel) = (window.depth(), window.kernel);
        let group = o / (window.outputs / window.groups);
        let pixel = window.stride[1] * self.conv.lanes;
        let step = window.dilation[1] * self.conv.lanes;
        if !rows.is_empty() && !columns.is_empty() {
            let column = window.input(1, x, columns.start) * self.conv.lanes + s;
            // SAFETY: `check` has found `channels` planes of `x` and the weights of `outputs` outputs. Here
            // `group depth + c < channels`; rows and columns of the input that `valid` gives, and those
            // of the next `V - 1` pixels in the interior, are below its height and width.
            unsafe {
                for c in 0..depth {
                    let channel = (group * depth + c) * window.size[0];
                    for i in rows.clone() {
                        let line =
                            (channel + window.input(0, y, i)) * window.size[1] * self.conv.lanes;
                        let mut input = Cursor::new(self.conv.x, line + column);
                        let weights = ((o * depth + c) * kernel[0] + i) * kernel[1];
                        let mut w = Cursor::new(self.conv.w, weights + columns.start);
                        for _ in columns.clone() {
                            let mut values = [S::splat(0.0); V];
                            for (v, value) in values.iter_mut().enumerate() {
                                *value = input.load::<S>(v * pixel);
                            }
                            for (r, acc) in acc.iter_mut().enumerate() {
                                let weight = w.repeat::<S>(r * window.weights());
                                for v in 0..V {
                                    acc[v] = S::fma(weight, values[v], acc[v]);
                                }
                            }
                            input.step(step);
                            w.step(1);
                        }
                    }
                }
            }
        }
        // SAFETY: these outputs and pixels exist.
        unsafe { self.store::<S, R, V>(&acc, o, y, x, s) }
    }

    /// The bias of outputs `o..o + R`, or zeros.
    ///
    /// # Safety
    /// The processor must have the features of `S`, and `o + R <= outputs`.
    #[inline(always)]
    unsafe fn start<S: Simd, const R: usize, const V: usize>(&self, o: usize) -> [[S::V; V]; R] {
        // SAFETY: the caller promises the features.
        let mut acc = unsafe { [[S::splat(0.0); V]; R] };
        if let Some(bias) = self.conv.finish.bias {
            // By index: the accumulators must stay in registers.
            #[allow(clippy::needless_range_loop)]
            for r in 0..R {
                // SAFETY: `o + r < outputs`, of each of which there is a bias.
                acc[r] = unsafe { [S::repeat(bias, o + r); V] };
            }
        }
        acc
    }

    /// Finishes outputs `o..o + R` of pixels `x..x + V` of row `y`.
    ///
    /// # Safety
    /// As for `block`.
    #[inline(always)]
    unsafe fn store<S: Simd, const R: usize, const V: usize>(
        &mut self,
        acc: &[[S::V; V]; R],
        o: usize,
        y: usize,
        x: usize,
        s: usize,
    ) {
        let [height, width] = self.conv.window.out_size;
        for (r, acc) in acc.iter().enumerate() {
            let at = (((o + r) * height + y) * width + x) * self.conv.lanes + s;
            for (v, &value) in acc.iter().enumerate() {
                let at = at + v * self.conv.lanes;
                // SAFETY: `at + 16 <= outputs height width lanes`: the pixel is inside the output.
                unsafe {
                    let value = self.conv.finish.apply::<S>(value, at);
                    S::store(self.conv.out, at, value);
                }
            }
        }
    }
}

impl Finish<'_> {
    /// Panics where a slice is too short for `outputs` outputs of together `n` numbers.
    pub fn check(&self, outputs: usize, n: usize) {
        assert!(self.bias.is_none_or(|b| b.len() >= outputs));
        assert!(self.residual.is_none_or(|r| r.len() >= n));
    }

    /// Residual and ReLU of 16 values that go to position `at` of the output.
    ///
    /// # Safety
    /// `at + 16` numbers of the output exist.
    #[inline(always)]
    pub unsafe fn apply<S: Simd>(&self, value: S::V, at: usize) -> S::V {
        let value = match self.residual {
            // SAFETY: the residual is as long as the output, which has `at + 16` numbers.
            Some(residual) => S::add(value, unsafe { S::load(residual, at) }),
            None => value,
        };
        match self.relu {
            true => S::max(S::fill(value, 0.0), value),
            false => value,
        }
    }
}

impl Kernel for Direct<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        self.conv.check();
        let window = self.conv.window;
        let own = window.outputs / window.groups;
        let blocks = own.div_ceil(S::ROWS);
        for s in (0..self.conv.lanes).step_by(LANES) {
            for y in 0..window.out_size[0] {
                for group in 0..window.groups {
                    let (mut o, end) = (group * own, (group + 1) * own);
                    for block in 0..blocks {
                        // Outputs are cut into blocks of nearly equal height.
                        let rows = (end - o).div_ceil(blocks - block);
                        // SAFETY: `o + rows <= end <= outputs`, `rows <= S::ROWS <= 6`, `y` is below
                        // the output's height, and `s + 16 <= lanes`, a multiple of 16.
                        unsafe {
                            match rows {
                                1 => self.row::<S, 1>(o, y, s),
                                2 => self.row::<S, 2>(o, y, s),
                                3 => self.row::<S, 3>(o, y, s),
                                4 => self.row::<S, 4>(o, y, s),
                                5 => self.row::<S, 5>(o, y, s),
                                _ => self.row::<S, 6>(o, y, s),
                            }
                        }
                        o += rows;
                    }
                }
            }
        }
    }
}
