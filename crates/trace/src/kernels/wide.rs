//! Layers of few pixels and many weights, for many samples: every weight is read from memory once for all of them.

use super::conv::{Finish, Window};
use super::gemm::equal;
use super::simd::{Cursor, Kernel, LANES, Level, Simd, run};

/// Numbers of the input that are read for all outputs before those of the next samples: three quarters of a second-level
/// cache of 1 MiB.
const NEAR: usize = 192 * 1024;
/// Weights from which on it matters how often they are read: more than a first-level cache holds.
pub(super) const HEAVY: usize = 16 * 1024;
/// Positions of a kernel, at most.
const TAPS: usize = 25;

/// A convolution with the samples side by side in the registers: blocks of outputs at one pixel by vectors of samples, whose sums run over what of the kernel meets
/// the image there. Outputs are the outer loop, so that their weights stay in a near cache while all pixels and samples need them;
/// around it, as many samples as stay in the cache behind that.
pub(super) struct Wide<'a> {
    pub window: Window,
    /// `[channels][height][width][lanes]`
    pub x: &'a [f32],
    /// `[outputs][channels / groups][kernel height][kernel width]`
    pub w: &'a [f32],
    pub finish: Finish<'a>,
    /// `[outputs][out height][out width][lanes]`
    pub out: &'a mut [f32],
    /// A multiple of 16.
    pub lanes: usize,
}

/// Whether a convolution is faster this way: where rows of pixels are too short to fill the registers, and weights are many.
pub(super) fn suits(window: &Window, lanes: usize) -> bool {
    const FILLED: usize = 4;
    let short = window.out_size[1] < FILLED || window.interior(1).len() < FILLED;
    let taps = window.kernel[0] * window.kernel[1];
    short && taps <= TAPS && lanes > LANES && window.outputs * window.weights() >= HEAVY
}

/// Outputs at one pixel.
#[derive(Clone, Copy)]
struct Block {
    o: usize,
    rows: usize,
    y: usize,
    x: usize,
    /// First sample, and vectors.
    s: usize,
    vectors: usize,
}

impl Wide<'_> {
    /// Computes the convolution.
    pub fn run(self, level: Level) {
        run(level, self);
    }

    /// Vectors of samples whose inputs stay in the cache; enough to fill the registers.
    fn vectors_at_once(&self) -> usize {
        let [height, width] = self.window.size;
        let rows = self.window.channels * height * width;
        (NEAR / (rows * LANES).max(1)).max(4)
    }

    /// Panics where a slice is too short, on which the kernel relies.
    fn check(&self) {
        let window = &self.window;
        let pixels = |size: [usize; 2]| size[0] * size[1] * self.lanes;
        let out = window.outputs * pixels(window.out_size);
        let taps = window.kernel[0] * window.kernel[1];
        assert!(self.lanes.is_multiple_of(LANES) && taps <= TAPS);
        assert!(self.x.len() >= window.channels * pixels(window.size));
        assert!(self.w.len() >= window.outputs * window.weights());
        assert!(self.out.len() >= out);
        self.finish.check(window.outputs, out);
    }
}

impl Kernel for Wide<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        self.check();
        let window = self.window;
        let own = window.outputs / window.groups;
        let read = Read {
            window,
            x: self.x,
            w: self.w,
            finish: self.finish,
            lanes: self.lanes,
        };
        let [height, width] = window.out_size;
        for (samples, count) in equal(self.lanes / LANES, self.vectors_at_once()) {
            let groups = (0..window.groups).flat_map(|group| {
                equal(own, S::ROWS).map(move |(o, rows)| (group * own + o, rows))
            });
            for (o, rows) in groups {
                for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                    for (vector, vectors) in equal(count, S::COLUMNS) {
                        let block = Block {
                            o,
                            rows,
                            y,
                            x,
                            s: (samples + vector) * LANES,
                            vectors,
                        };
                        // SAFETY: the convolution was checked; these outputs, of one group, this pixel and these samples
                        // exist, `rows <= S::ROWS <= 6`, and `vectors <= S::COLUMNS <= 4`.
                        unsafe { read.rows::<S>(block, self.out) }
                    }
                }
            }
        }
    }
}

/// What a block reads.
#[derive(Clone, Copy)]
struct Read<'a> {
    window: Window,
    x: &'a [f32],
    w: &'a [f32],
    finish: Finish<'a>,
    lanes: usize,
}

impl Read<'_> {
    /// # Safety
    /// As for [`Self::block`].
    #[inline(always)]
    unsafe fn rows<S: Simd>(self, at: Block, out: &mut [f32]) {
        // SAFETY: `rows <= 6`, and the caller promises the rest.
        unsafe {
            match at.rows {
                1 => self.columns::<S, 1>(at, out),
                2 => self.columns::<S, 2>(at, out),
                3 => self.columns::<S, 3>(at, out),
                4 => self.columns::<S, 4>(at, out),
                5 => self.columns::<S, 5>(at, out),
                _ => self.columns::<S, 6>(at, out),
            }
        }
    }

    /// # Safety
    /// As for [`Self::block`].
    #[inline(always)]
    unsafe fn columns<S: Simd, const R: usize>(self, at: Block, out: &mut [f32]) {
        // SAFETY: `vectors <= S::COLUMNS <= 4`, and the caller promises the rest.
        unsafe {
            match at.vectors {
                _ if S::COLUMNS == 1 => self.block::<S, R, 1>(at, out),
                1 => self.block::<S, R, 1>(at, out),
                2 => self.block::<S, R, 2>(at, out),
                3 => self.block::<S, R, 3>(at, out),
                _ => self.block::<S, R, 4>(at, out),
            }
        }
    }

    /// The outputs of a block.
    ///
    /// # Safety
    /// The processor must have the features of `S`; `at` has `R` outputs of one group and `V` vectors, which exist in the
    /// convolution, as was checked; of `w` there are the weights of these outputs for all channels and kernel positions.
    #[inline(always)]
    unsafe fn block<S: Simd, const R: usize, const V: usize>(self, at: Block, out: &mut [f32]) {
        debug_assert!(at.rows == R && at.vectors == V);
        let window = self.window;
        let (taps, count) = self.taps(at);
        let (gap, step) = (window.weights(), window.kernel[0] * window.kernel[1]);
        let group = at.o / (window.outputs / window.groups) * window.depth();
        let plane = window.size[0] * window.size[1] * self.lanes;
        let image = window.out_size[0] * window.out_size[1] * self.lanes;
        let pixel = (at.y * window.out_size[1] + at.x) * self.lanes + at.s;
        let to = at.o * image + pixel;
        // SAFETY: `group + c < channels`, and a tap is a pixel of the image, so that its samples `s..s + 16 V` are in
        // `x`; the caller promises the weights, and the output has `o + R` images with this pixel.
        unsafe {
            let mut acc = [[S::splat(0.0); V]; R];
            if let Some(bias) = self.finish.bias {
                // By index: the accumulators must stay in registers.
                #[allow(clippy::needless_range_loop)]
                for r in 0..R {
                    acc[r] = [S::repeat(bias, at.o + r); V];
                }
            }
            let mut channel = Cursor::new(self.x, group * plane + at.s);
            let mut weights = Cursor::new(self.w, at.o * gap);
            for _ in 0..window.depth() {
                for &(input, tap) in &taps[..count] {
                    let mut values = [S::splat(0.0); V];
                    for (v, value) in values.iter_mut().enumerate() {
                        *value = channel.load::<S>(input + v * LANES);
                    }
                    for (r, acc) in acc.iter_mut().enumerate() {
                        let weight = weights.repeat::<S>(tap + r * gap);
                        for v in 0..V {
                            acc[v] = S::fma(weight, values[v], acc[v]);
                        }
                    }
                }
                channel.step(plane);
                weights.step(step);
            }
            for (r, acc) in acc.iter().enumerate() {
                for (v, &value) in acc.iter().enumerate() {
                    let to = to + r * image + v * LANES;
                    S::store(out, to, self.finish.apply::<S>(value, to));
                }
            }
        }
    }

    /// For the kernel positions that meet the image at a pixel, the place of the input in its channel and that of the weight;
    /// and how many there are.
    #[inline(always)]
    fn taps(&self, at: Block) -> ([(usize, usize); TAPS], usize) {
        let window = self.window;
        let (mut taps, mut count) = ([(0, 0); TAPS], 0);
        for i in window.valid(0, at.y) {
            for j in window.valid(1, at.x) {
                let row = window.input(0, at.y, i) * window.size[1];
                let input = (row + window.input(1, at.x, j)) * self.lanes;
                taps[count] = (input, i * window.kernel[1] + j);
                count += 1;
            }
        }
        (taps, count)
    }
}
