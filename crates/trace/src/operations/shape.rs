//! Operations that move values without changing them.

use super::broadcast::MAX_RANK;
use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples};
use crate::device::{self, DeviceTensor, Replay};
use burn_backend::Slice as Range;
use burn_backend::ops::FloatTensorOps;

/// The same values, row-major, with another shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reshape;

impl Operation for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn samples(&self, inputs: &[Operand], shape: &[usize]) -> Samples {
        if inputs[0].shape[0] == shape[0] {
            Samples::Kept
        } else {
            Samples::Mixed
        }
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::Linear
    }

    fn is_view(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn host(&self, call: HostCall) {
        let n = call.out.len();
        call.out.copy_from_slice(&call.inputs[0].data[..n]);
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let x = call.inputs[0].clone();
        let mut shape = vec![device::dims(&x)[0]];
        shape.extend_from_slice(call.shape);
        device::reshape(x, &shape)
    }
}

/// Axes in another order: output axis `i` is input axis `axes[i]`.
#[derive(Clone, Debug)]
pub(crate) struct Permute {
    pub axes: Vec<usize>,
}

impl Operation for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn samples(&self, _: &[Operand], _: &[usize]) -> Samples {
        if self.axes[0] == 0 {
            Samples::Kept
        } else {
            Samples::Mixed
        }
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::Linear
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn host(&self, call: HostCall) {
        let strides = row_strides(call.inputs[0].rows());
        let first = usize::from(call.samples);
        let moved: Vec<usize> = self.axes[first..]
            .iter()
            .map(|&a| strides[a - first])
            .collect();
        copy_rows(call, 0, &moved);
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let axes: Vec<usize> = std::iter::once(0)
            .chain(self.axes.iter().map(|a| a + 1))
            .collect();
        Replay::float_permute(call.inputs[0].clone(), &axes)
    }
}

/// Axes of length 1 repeated to the output's length; new axes come in front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expand;

impl Operation for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }

    fn samples(&self, inputs: &[Operand], shape: &[usize]) -> Samples {
        let same = inputs[0].shape.len() == shape.len() && inputs[0].shape[0] == shape[0];
        if same { Samples::Kept } else { Samples::Mixed }
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::Linear
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn host(&self, call: HostCall) {
        let rows = call.inputs[0].rows();
        let strides = row_strides(rows);
        let new = call.rows().len() - rows.len();
        let mut moved = vec![0; new];
        moved.extend(
            rows.iter()
                .zip(&strides)
                .map(|(&n, &s)| if n == 1 { 0 } else { s }),
        );
        copy_rows(call, 0, &moved);
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let x = call.inputs[0].clone();
        let dims = device::dims(&x);
        // New axes stand between the points and the old axes.
        let mut same_rank = vec![dims[0]];
        same_rank.extend(std::iter::repeat_n(1, call.shape.len() + 1 - dims.len()));
        same_rank.extend_from_slice(&dims[1..]);
        let mut shape = vec![dims[0]];
        shape.extend_from_slice(call.shape);
        device::expand(device::reshape(x, &same_rank), &shape)
    }
}

/// A range with a positive step along every axis.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    /// (start, step) an axis.
    pub ranges: Vec<(usize, usize)>,
}

impl Operation for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn samples(&self, inputs: &[Operand], shape: &[usize]) -> Samples {
        if inputs[0].shape[0] == shape[0] {
            Samples::Kept
        } else {
            Samples::Mixed
        }
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::Linear
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn host(&self, call: HostCall) {
        let strides = row_strides(call.inputs[0].rows());
        let first = usize::from(call.samples);
        let ranges = &self.ranges[first..];
        let base = ranges
            .iter()
            .zip(&strides)
            .map(|((start, _), s)| start * s)
            .sum();
        let moved: Vec<usize> = ranges
            .iter()
            .zip(&strides)
            .map(|((_, step), s)| step * s)
            .collect();
        copy_rows(call, base, &moved);
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let x = call.inputs[0].clone();
        let mut ranges = vec![Range::new(0, None, 1)];
        for (axis, (&(start, step), &length)) in self.ranges.iter().zip(call.shape).enumerate() {
            let whole = axis == 0 && call.samples;
            let end = start + (length - 1) * step + 1;
            ranges.push(match whole {
                true => Range::new(0, None, 1),
                false => Range::new(start as isize, Some(end as isize), step as isize),
            });
        }
        Replay::float_slice(x, &ranges)
    }
}

/// Values one after another along an axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Concat {
    pub axis: usize,
}

impl Operation for Concat {
    fn name(&self) -> &'static str {
        "cat"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        if self.axis > 0 && inputs.iter().all(|i| i.samples) {
            Samples::Kept
        } else {
            Samples::Mixed
        }
    }

    fn linearity(&self, inputs: &[Operand]) -> Linearity {
        if inputs.iter().all(|i| i.varies) {
            Linearity::Linear
        } else {
            Linearity::None
        }
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn host(&self, call: HostCall) {
        let axis = self.axis - usize::from(call.samples);
        let lanes = if call.samples { call.lanes } else { 1 };
        let rows = call.rows();
        let before: usize = rows[..axis].iter().product();
        let mut at = 0;
        for b in 0..before {
            for input in call.inputs {
                let n = input.rows()[axis..].iter().product::<usize>() * lanes;
                call.out[at..at + n].copy_from_slice(&input.data[b * n..(b + 1) * n]);
                at += n;
            }
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let points = call
            .inputs
            .iter()
            .map(|t| device::dims(t)[0])
            .max()
            .unwrap_or(1);
        let tensors = call.inputs.iter().map(|t| {
            let mut shape = device::dims(t);
            shape[0] = points;
            device::expand(t.clone(), &shape)
        });
        Replay::float_cat(tensors.collect(), self.axis + 1)
    }
}

/// Row-major strides, in rows.
fn row_strides(rows: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; rows.len()];
    for axis in (0..rows.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * rows[axis + 1];
    }
    strides
}

/// Copies, for every row of the output, the input row at `base` plus index times `strides`.
fn copy_rows(call: HostCall, base: usize, strides: &[usize]) {
    let lanes = if call.samples { call.lanes } else { 1 };
    let mut dims = [1; MAX_RANK];
    let rank = call.rows().len();
    dims[..rank].copy_from_slice(call.rows());
    let x = call.inputs[0].data;
    for (i, out) in call.out.chunks_exact_mut(lanes).enumerate() {
        let (mut row, mut rest) = (base, i);
        for axis in (0..rank).rev() {
            row += rest % dims[axis] * strides[axis];
            rest /= dims[axis];
        }
        out.copy_from_slice(&x[row * lanes..][..lanes]);
    }
}
