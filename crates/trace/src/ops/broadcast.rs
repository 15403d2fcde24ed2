//! Elementwise functions of several values whose shapes broadcast.

use super::{HostCall, View};
pub(crate) use crate::kernels::elementwise::MapN;
use crate::kernels::elementwise::{Row, map_rows};

/// The highest rank that is supported.
pub(crate) const MAX_RANK: usize = 8;

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
        return map_rows(call.level, f, rows, call.out);
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
        map_rows(level, f, rows, out);
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
