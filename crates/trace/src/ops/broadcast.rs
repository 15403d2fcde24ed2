//! Elementwise functions of several values whose shapes broadcast.

use super::{HostCall, View};
pub(crate) use crate::kernels::elementwise::MapN;
use crate::kernels::elementwise::{Row, Walk, map_rows, map_walk};

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
    let walk = walk(&inputs, &call);
    map_walk(call.level, f, inputs.map(|v| v.data), &walk, call.out);
}

/// The walk over the output: its axes, and the lanes of a tile.
fn walk<const N: usize>(inputs: &[View; N], call: &HostCall) -> Walk<N> {
    let rows = call.rows();
    let mut strides = vec![[0; N]; rows.len()];
    for (k, view) in inputs.iter().enumerate() {
        // Without samples where the output has them: axis 0 has length 1.
        let own = &view.shape[usize::from(call.samples)..];
        let mut stride = if view.samples { call.lanes } else { 1 };
        for (axis, &length) in own.iter().enumerate().rev() {
            strides[axis][k] = if length == 1 { 0 } else { stride };
            stride *= length;
        }
    }
    let axes = rows.iter().copied().zip(strides);
    let lanes = std::array::from_fn(|k| usize::from(inputs[k].samples));
    Walk::new(axes.chain(call.samples.then_some((call.lanes, lanes))))
}
