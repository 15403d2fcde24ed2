//! Elementwise functions of several rows of numbers, and copies of rows.

use super::simd::{Kernel, LANES, Level, Simd, run};

/// A function of `N` numbers, applied to vectors.
pub(crate) trait MapN<const N: usize>: Copy {
    /// The function on 16 numbers each.
    fn apply<S: Simd>(self, x: [S::V; N]) -> S::V;
}

/// A row of an input: a slice, or one number repeated (stride 0).
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub data: &'a [f32],
    pub stride: usize,
}

/// `out[i] = f(rows[0][i], ..)`; rows are as long as `out`, or repeat one number.
pub(crate) fn map_rows<const N: usize, F: MapN<N>>(
    level: Level,
    f: F,
    rows: [Row; N],
    out: &mut [f32],
) {
    run(level, Rows { f, rows, out });
}

struct Rows<'a, F, const N: usize> {
    f: F,
    rows: [Row<'a>; N],
    out: &'a mut [f32],
}

impl<F: MapN<N>, const N: usize> Kernel for Rows<'_, F, N> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let n = self.out.len();
        let whole = n / LANES * LANES;
        for row in &self.rows {
            assert!(row.data.len() == if row.stride == 0 { 1 } else { n });
        }
        if n == 0 {
            return;
        }
        // SAFETY: `i + 16 <= whole <= n`, the length of `out` and of rows that are not repeated, and all have a first
        // number; what is left goes through arrays of 16.
        unsafe {
            let repeated: [S::V; N] = std::array::from_fn(|k| S::repeat(self.rows[k].data, 0));
            for i in (0..whole).step_by(LANES) {
                let mut x = repeated;
                for (x, row) in x.iter_mut().zip(&self.rows) {
                    if row.stride == 1 {
                        *x = S::load(row.data, i);
                    }
                }
                S::store(self.out, i, self.f.apply::<S>(x));
            }
            if whole < n {
                let mut x = repeated;
                for (x, row) in x.iter_mut().zip(&self.rows) {
                    if row.stride == 1 {
                        let mut rest = [0.0; LANES];
                        rest[..n - whole].copy_from_slice(&row.data[whole..]);
                        *x = S::load(&rest, 0);
                    }
                }
                let mut rest = [0.0; LANES];
                S::store(&mut rest, 0, self.f.apply::<S>(x));
                self.out[whole..].copy_from_slice(&rest[..n - whole]);
            }
        }
    }
}

/// The most axes of a walk: those of a value, and the lanes.
const AXES: usize = 9;

/// A walk over an output in its order, axis by axis, and over `N` inputs beside it. Neighbouring axes that are one walk
/// in all of them are one axis, so that the innermost is as long as can be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk<const N: usize> {
    /// Outer axes in use.
    rank: usize,
    /// Lengths of the outer axes.
    lengths: [usize; AXES],
    /// What one step along an outer axis is in every input, in numbers.
    strides: [[usize; N]; AXES],
    /// Length of the innermost axis.
    inner: usize,
    /// 1, or 0 where one number is repeated, along the innermost axis.
    inner_strides: [usize; N],
}

impl<const N: usize> Walk<N> {
    /// From axes (length, what one step is in every input), the outermost first.
    ///
    /// # Panics
    /// With more than 9 axes longer than 1.
    pub fn new(axes: impl IntoIterator<Item = (usize, [usize; N])>) -> Self {
        let mut walk = Self {
            rank: 0,
            lengths: [1; AXES],
            strides: [[0; N]; AXES],
            inner: 1,
            inner_strides: [1; N],
        };
        for (length, strides) in axes {
            if length != 1 {
                walk.push(length, strides);
            }
        }
        if let Some(last) = walk.rank.checked_sub(1)
            && walk.strides[last].iter().all(|&s| s <= 1)
        {
            (walk.inner, walk.inner_strides) = (walk.lengths[last], walk.strides[last]);
            walk.rank = last;
        }
        walk
    }

    fn push(&mut self, length: usize, strides: [usize; N]) {
        let one = |before: &[usize; N]| (0..N).all(|k| before[k] == strides[k] * length);
        let last = self.rank.wrapping_sub(1);
        if self.rank > 0 && one(&self.strides[last]) {
            self.lengths[last] *= length;
            self.strides[last] = strides;
        } else {
            self.lengths[self.rank] = length;
            self.strides[self.rank] = strides;
            self.rank += 1;
        }
    }

    /// Numbers in the output.
    fn size(&self) -> usize {
        self.lengths[..self.rank].iter().product::<usize>() * self.inner
    }

    /// One more than the highest place in input `k`.
    fn end(&self, k: usize) -> usize {
        if self.size() == 0 {
            return 0;
        }
        let axes = self.lengths[..self.rank].iter().zip(&self.strides);
        let start: usize = axes.map(|(n, strides)| (n - 1) * strides[k]).sum();
        start + (self.inner - 1) * self.inner_strides[k] + 1
    }

    /// Calls `f` with the places of every innermost axis in the inputs, in the order of the output.
    #[inline(always)]
    fn rows(&self, mut f: impl FnMut([usize; N])) {
        if self.size() == 0 {
            return;
        }
        let (mut index, mut at) = ([0; AXES], [0; N]);
        loop {
            f(at);
            // Like the digits of a number.
            let mut axis = self.rank;
            loop {
                if axis == 0 {
                    return;
                }
                axis -= 1;
                index[axis] += 1;
                if index[axis] < self.lengths[axis] {
                    break;
                }
                for (at, stride) in at.iter_mut().zip(self.strides[axis]) {
                    *at -= stride * (self.lengths[axis] - 1);
                }
                index[axis] = 0;
            }
            for (at, stride) in at.iter_mut().zip(self.strides[axis]) {
                *at += stride;
            }
        }
    }
}

/// `out[i] = f(x[0], ..)` along a walk.
pub(crate) fn map_walk<const N: usize, F: MapN<N>>(
    level: Level,
    f: F,
    data: [&[f32]; N],
    walk: &Walk<N>,
    out: &mut [f32],
) {
    match walk.inner.is_multiple_of(LANES) {
        true => run(level, Walked { f, data, walk, out }),
        false => {
            let mut out = out.chunks_exact_mut(walk.inner);
            walk.rows(|at| {
                let rows = std::array::from_fn(|k| {
                    let stride = walk.inner_strides[k];
                    let length = if stride == 0 { 1 } else { walk.inner };
                    let data = &data[k][at[k]..at[k] + length];
                    Row { data, stride }
                });
                map_rows(level, f, rows, out.next().expect("a row of the output"));
            });
        }
    }
}

/// Along a walk whose innermost axis is whole vectors.
struct Walked<'a, F, const N: usize> {
    f: F,
    data: [&'a [f32]; N],
    walk: &'a Walk<N>,
    out: &'a mut [f32],
}

impl<F: MapN<N>, const N: usize> Kernel for Walked<'_, F, N> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { f, data, walk, out } = self;
        let inner = walk.inner;
        assert!(inner.is_multiple_of(LANES) && out.len() >= walk.size());
        assert!((0..N).all(|k| data[k].len() >= walk.end(k)));
        let mut to = 0;
        // SAFETY: places that a walk visits lie below `end(k)` with their innermost axes, whole vectors where they are not
        // repeated, and the rows of the output follow each other up to `size()`.
        walk.rows(|at| unsafe {
            let mut x: [S::V; N] = std::array::from_fn(|k| S::repeat(data[k], at[k]));
            for i in (0..inner).step_by(LANES) {
                for (k, x) in x.iter_mut().enumerate() {
                    if walk.inner_strides[k] == 1 {
                        *x = S::load(data[k], at[k] + i);
                    }
                }
                S::store(out, to + i, f.apply::<S>(x));
            }
            to += inner;
        });
    }
}

/// The number itself.
#[derive(Clone, Copy)]
struct Copied;

impl MapN<1> for Copied {
    #[inline(always)]
    fn apply<S: Simd>(self, [x]: [S::V; 1]) -> S::V {
        x
    }
}

/// Copies the numbers of a walk.
pub(crate) fn copy_walk(level: Level, x: &[f32], walk: &Walk<1>, out: &mut [f32]) {
    match walk.inner.is_multiple_of(LANES) {
        true => map_walk(level, Copied, [x], walk, out),
        false => {
            let mut out = out.chunks_exact_mut(walk.inner);
            walk.rows(|[at]| {
                let to = out.next().expect("a row of the output");
                match walk.inner_strides[0] {
                    0 => to.fill(x[at]),
                    _ => to.copy_from_slice(&x[at..at + to.len()]),
                }
            });
        }
    }
}

/// `out[i] += factor x[i]`; lengths must be equal.
pub(crate) struct AddScaled<'a> {
    pub x: &'a [f32],
    pub factor: f32,
    pub out: &'a mut [f32],
}

impl Kernel for AddScaled<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let n = self.out.len();
        assert_eq!(self.x.len(), n);
        let whole = n / LANES * LANES;
        // SAFETY: `i + 16 <= whole <= n`, the length of both.
        unsafe {
            let factor = S::splat(self.factor);
            for i in (0..whole).step_by(LANES) {
                let sum = S::fma(S::load(self.x, i), factor, S::load(self.out, i));
                S::store(self.out, i, sum);
            }
        }
        for (out, x) in self.out[whole..].iter_mut().zip(&self.x[whole..]) {
            *out += self.factor * x;
        }
    }
}
