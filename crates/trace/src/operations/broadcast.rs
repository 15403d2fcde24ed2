//! Elementwise functions of several values whose shapes broadcast.

use super::{HostCall, View};
use crate::host::simd::{Kernel, LANES, Simd, run};

/// The highest rank that is supported.
pub(crate) const MAX_RANK: usize = 8;

/// A function of `N` numbers, applied to vectors.
pub(crate) trait MapN<const N: usize>: Copy {
    /// The function on 16 numbers each.
    ///
    /// # Safety
    /// The processor must have the features of `S`.
    unsafe fn apply<S: Simd>(self, x: [S::V; N]) -> S::V;
}

/// Calls `f` for all elements of the output; inputs of length 1 along an axis are repeated.
pub(crate) fn apply<const N: usize, F: MapN<N>>(f: F, call: HostCall) {
    let inputs: [View; N] = std::array::from_fn(|i| call.inputs[i]);
    let same = |v: &View| v.samples == call.samples && v.shape == call.shape;
    if inputs.iter().all(same) {
        let n = call.out.len();
        let rows = inputs.map(|v| Row {
            data: &v.data[..n],
            stride: 1,
        });
        return run(
            call.level,
            RowKernel {
                f,
                rows,
                out: call.out,
            },
        );
    }
    let walk = Walk::new(&inputs, &call);
    let outer: usize = walk.dims[..walk.rank].iter().product();
    let level = call.level;
    for (i, out) in call
        .out
        .chunks_exact_mut(walk.inner)
        .take(outer)
        .enumerate()
    {
        let offsets = walk.offsets(i);
        let rows = std::array::from_fn(|k| {
            let stride = walk.inner_strides[k];
            let len = if stride == 0 { 1 } else { walk.inner };
            Row {
                data: &inputs[k].data[offsets[k]..offsets[k] + len],
                stride,
            }
        });
        run(level, RowKernel { f, rows, out });
    }
}

/// A row of an input: a slice, or one number repeated (stride 0).
#[derive(Clone, Copy)]
struct Row<'a> {
    data: &'a [f32],
    stride: usize,
}

struct RowKernel<'a, F, const N: usize> {
    f: F,
    rows: [Row<'a>; N],
    out: &'a mut [f32],
}

impl<F: MapN<N>, const N: usize> Kernel for RowKernel<'_, F, N> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let n = self.out.len();
        let whole = n / LANES * LANES;
        for row in &self.rows {
            assert!(row.data.len() == if row.stride == 0 { 1 } else { n });
        }
        // SAFETY: rows have `n` values, or one that is repeated; the rest goes through padded copies.
        unsafe {
            let repeated: [S::V; N] = std::array::from_fn(|k| S::splat(self.rows[k].data[0]));
            for i in (0..whole).step_by(LANES) {
                let mut x = repeated;
                for (x, row) in x.iter_mut().zip(&self.rows) {
                    if row.stride == 1 {
                        *x = S::load(row.data.as_ptr().add(i));
                    }
                }
                S::store(self.out.as_mut_ptr().add(i), self.f.apply::<S>(x));
            }
            if whole < n {
                let mut x = repeated;
                for (x, row) in x.iter_mut().zip(&self.rows) {
                    if row.stride == 1 {
                        let mut rest = [0.0; LANES];
                        rest[..n - whole].copy_from_slice(&row.data[whole..]);
                        *x = S::load(rest.as_ptr());
                    }
                }
                let mut rest = [0.0; LANES];
                S::store(rest.as_mut_ptr(), self.f.apply::<S>(x));
                self.out[whole..].copy_from_slice(&rest[..n - whole]);
            }
        }
    }
}

/// The walk over the rows of the output: outer axes, and one inner axis that is contiguous (the
/// lanes of a tile, or the last axis of a value without samples).
struct Walk<const N: usize> {
    rank: usize,
    dims: [usize; MAX_RANK],
    strides: [[usize; MAX_RANK]; N],
    inner: usize,
    inner_strides: [usize; N],
}

impl<const N: usize> Walk<N> {
    fn new(inputs: &[View; N], call: &HostCall) -> Self {
        let rows = call.rows();
        let (outer, inner) = match (call.samples, rows) {
            (true, rows) => (rows, call.lanes),
            (false, []) => (rows, 1),
            (false, [outer @ .., last]) => (outer, *last),
        };
        let mut dims = [1; MAX_RANK];
        dims[..outer.len()].copy_from_slice(outer);
        let mut inner_strides = [0; N];
        let strides = std::array::from_fn(|k| {
            let view = &inputs[k];
            // Without samples where the output has them: axis 0 has length 1.
            let own = if call.samples {
                &view.shape[1..]
            } else {
                view.shape
            };
            let (own, unit) = match (call.samples, own) {
                (true, own) => (own, if view.samples { call.lanes } else { 1 }),
                (false, []) => (own, 1),
                (false, [outer @ .., last]) => (outer, *last),
            };
            inner_strides[k] = usize::from(unit > 1 || inner == 1);
            let mut strides = [0; MAX_RANK];
            let mut stride = unit;
            for (axis, &length) in own.iter().enumerate().rev() {
                strides[axis] = if length == 1 { 0 } else { stride };
                stride *= length;
            }
            strides
        });
        Self {
            rank: outer.len(),
            dims,
            strides,
            inner,
            inner_strides,
        }
    }

    /// Where row `i` begins in every input.
    fn offsets(&self, mut i: usize) -> [usize; N] {
        let mut offsets = [0; N];
        for axis in (0..self.rank).rev() {
            let index = i % self.dims[axis];
            i /= self.dims[axis];
            for (offset, strides) in offsets.iter_mut().zip(&self.strides) {
                *offset += index * strides[axis];
            }
        }
        offsets
    }
}
