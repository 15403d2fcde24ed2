//! Operations that move values without changing them.

use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples};
use crate::ir::batching::{BatchAxis, Batching, Placed};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::ir::ties::{Port, Ties};
use crate::kernels::elementwise::{Walk, copy_walk};
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::Slice as Steps;
use burn_backend::ops::FloatTensorOps;
use std::ops::Range;

/// The same values, row-major, with another shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reshape;

/// The least runs of axes of two shapes that hold the same number of values.
fn blocks(from: &[usize], to: &[usize]) -> Vec<(Range<usize>, Range<usize>)> {
    let (mut i, mut j) = (0, 0);
    let mut blocks = Vec::new();
    while i < from.len() && j < to.len() {
        let (first_i, first_j) = (i, j);
        let (mut m, mut n) = (from[i], to[j]);
        (i, j) = (i + 1, j + 1);
        while m != n {
            match m < n && i < from.len() {
                true => (m, i) = (m * from[i], i + 1),
                false if j < to.len() => (n, j) = (n * to[j], j + 1),
                false => break,
            }
        }
        blocks.push((first_i..i, first_j..j));
    }
    blocks
}

/// The axes among these that are longer than 1.
fn longer(shape: &[usize], axes: Range<usize>) -> Vec<usize> {
    axes.filter(|&axis| shape[axis] > 1).collect()
}

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

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        let x = &inputs[0];
        let place = b.reshaped(&x.shape, x.place?, shape)?;
        b.placed(x.value, place, shape)
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::Linear
    }

    fn is_view(&self) -> bool {
        true
    }

    /// Axes that are merged, or that one is split into: a unit is an index of the outermost of them with
    /// all that is inside, in its order.
    fn units(&self, ties: &mut Ties) {
        let (x, out) = (Port::Input(0), Port::Output);
        for (from, to) in blocks(ties.shape(x), ties.shape(out)) {
            let (from, to) = (longer(ties.shape(x), from), longer(ties.shape(out), to));
            let (Some(&a), Some(&b)) = (from.first(), to.first()) else {
                continue;
            };
            let (m, n) = (ties.shape(x)[a], ties.shape(out)[b]);
            if m.is_multiple_of(n) {
                ties.tie_by((x, a), (out, b), |i| i / (m / n));
            } else if n.is_multiple_of(m) {
                ties.tie_by((out, b), (x, a), |i| i / (n / m));
            } else {
                ties.pin(x, a);
                ties.pin(out, b);
            }
            from[1..].iter().for_each(|&axis| ties.pin(x, axis));
            to[1..].iter().for_each(|&axis| ties.pin(out, axis));
        }
    }

    fn host(&self, call: HostCall) {
        let n = call.out.len();
        call.out.copy_from_slice(&call.inputs[0].data[..n]);
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let x = call.inputs[0].clone();
        let mut shape = vec![replay::dims(&x)[0]];
        shape.extend_from_slice(call.shape);
        replay::reshape(x, &shape)
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.multilinear(self, node, tangents, &[0])
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        _: &[bool],
    ) -> Vec<Option<ValueId>> {
        let shape = d.shape(node.inputs[0]);
        vec![Some(d.reshape(adjoint, &shape))]
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

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        let x = &inputs[0];
        let from = x.place?;
        let axis = self.axes.iter().position(|&a| a == from.axis)?;
        let place = BatchAxis { axis, ..from };
        let rows = (from.rows() > 1).then_some(from.axis + 1);
        let moved = self.axes.iter().filter_map(|&a| from.moved(a).or(rows));
        let axes: Vec<usize> = std::iter::once(0).chain(moved).collect();
        if axes.is_sorted() {
            return b.placed(x.value, place, shape);
        }
        let lead = b.lead(&[x.value]);
        b.made(Self { axes }, vec![x.value], lead, (place, shape))
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::Linear
    }

    fn units(&self, ties: &mut Ties) {
        for (to, &from) in self.axes.iter().enumerate() {
            ties.tie((Port::Input(0), from), (Port::Output, to));
        }
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

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.multilinear(self, node, tangents, &[0])
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        _: &[bool],
    ) -> Vec<Option<ValueId>> {
        let mut axes = vec![0; self.axes.len()];
        for (i, &axis) in self.axes.iter().enumerate() {
            axes[axis] = i;
        }
        let shape = d.shape(node.inputs[0]);
        vec![Some(d.push(Self { axes }, &[adjoint], shape))]
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

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        let mut x = inputs[0].clone();
        let new = shape.len() - x.shape.len();
        x.shape.splice(0..0, std::iter::repeat_n(1, new));
        let place = match x.place {
            Some(own) => BatchAxis {
                axis: own.axis + new,
                ..own
            },
            // What is repeated as often as there are samples is the same for all of them.
            None => {
                let repeated = |&i: &usize| x.shape[i] == 1 && shape[i] == b.samples();
                let axis = (0..shape.len())
                    .find(repeated)
                    .filter(|_| b.samples() > 1)?;
                BatchAxis {
                    axis,
                    ..BatchAxis::PLAIN
                }
            }
        };
        let lead = match x.place {
            Some(_) => b.lead(&[x.value]),
            None => 1,
        };
        let same = match x.place {
            Some(_) => Batching::stored(&x.shape, place, lead),
            None => {
                let mut same = x.shape.clone();
                same.remove(place.axis);
                same.insert(0, 1);
                same
            }
        };
        let (value, full) = (b.view(x.value, &same), Batching::stored(shape, place, lead));
        match same == full {
            true => b.placed(value, place, shape),
            false => b.made(*self, vec![value], lead, (place, shape)),
        }
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::Linear
    }

    fn units(&self, ties: &mut Ties) {
        ties.elementwise();
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
        let dims = replay::dims(&x);
        // New axes stand between the points and the old axes.
        let mut same_rank = vec![dims[0]];
        same_rank.extend(std::iter::repeat_n(1, call.shape.len() + 1 - dims.len()));
        same_rank.extend_from_slice(&dims[1..]);
        let mut shape = vec![dims[0]];
        shape.extend_from_slice(call.shape);
        replay::expand(replay::reshape(x, &same_rank), &shape)
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.multilinear(self, node, tangents, &[0])
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        _: &[bool],
    ) -> Vec<Option<ValueId>> {
        // New axes in front are summed away first.
        let (x, full) = (node.inputs[0], d.shape(adjoint));
        let own = d.shape(x);
        let new = full.len() - own.len();
        let mut sum = adjoint;
        if new > 0 {
            for axis in (0..new).rev() {
                sum = d.sum_along(sum, axis);
            }
            sum = d.reshape(sum, &full[new..]);
        }
        vec![Some(d.sum_to(sum, x))]
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

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        let x = &inputs[0];
        let place = x.place?;
        let whole = self.ranges[place.axis] == (0, 1) && shape[place.axis] == x.shape[place.axis];
        if !whole {
            return self.of_samples(b, x, shape);
        }
        let mut ranges = vec![(0, 1)];
        for (axis, &range) in self.ranges.iter().enumerate() {
            if axis != place.axis || place.rows() > 1 {
                ranges.push(range);
            }
        }
        let lead = b.lead(&[x.value]);
        b.made(Self { ranges }, vec![x.value], lead, (place, shape))
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::Linear
    }

    fn units(&self, ties: &mut Ties) {
        for (axis, &(start, step)) in self.ranges.iter().enumerate() {
            let whole = (Port::Input(0), axis);
            ties.tie_by((Port::Output, axis), whole, |i| start + i * step);
        }
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
        let ranges = place(&self.ranges, call.shape, call.samples);
        Replay::float_slice(x, &ranges)
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.multilinear(self, node, tangents, &[0])
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        _: &[bool],
    ) -> Vec<Option<ValueId>> {
        let ranges = self.ranges.clone();
        let shape = d.shape(node.inputs[0]);
        vec![Some(d.push(PutSlice { ranges }, &[adjoint], shape))]
    }
}

impl Slice {
    /// The rule along the axis of the samples: the batch is several one after another, of which some are taken whole.
    fn of_samples(&self, b: &mut Batching, x: &Placed, shape: &[usize]) -> Option<Placed> {
        let (place, n) = (x.place?, b.samples());
        let ((start, step), length) = (self.ranges[place.axis], shape[place.axis]);
        let parts = place.inner == 1 && step == 1;
        if !parts || !start.is_multiple_of(n) || !length.is_multiple_of(n) {
            return None;
        }
        let value = b.operand(x, place, true)?;
        let mut ranges = self.ranges.clone();
        ranges[place.axis] = (start / n, 1);
        ranges.insert(0, (0, 1));
        let outer = length / n;
        let place = BatchAxis { outer, ..place };
        let whole = Batching::whole(shape, place, b.lead(&[value]), outer);
        let value = b.push(Self { ranges }, vec![value], whole);
        b.placed(value, place, shape)
    }
}

/// The adjoint of [`Slice`]: zeros, with the input at the ranges. Made by derivatives.
#[derive(Clone, Debug)]
pub(crate) struct PutSlice {
    /// (start, step) an axis.
    pub ranges: Vec<(usize, usize)>,
}

impl Operation for PutSlice {
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

    fn host(&self, call: HostCall) {
        let lanes = if call.samples { call.lanes } else { 1 };
        let first = usize::from(call.samples);
        let ranges = &self.ranges[first..];
        let strides = row_strides(call.rows());
        let rows = call.inputs[0].rows();
        call.out.fill(0.0);
        let x = call.inputs[0].data.chunks_exact(lanes);
        let count: usize = rows.iter().product();
        for (i, x) in x.take(count).enumerate() {
            let (mut row, mut rest) = (0, i);
            for axis in (0..rows.len()).rev() {
                let (start, step) = ranges[axis];
                row += (start + rest % rows[axis] * step) * strides[axis];
                rest /= rows[axis];
            }
            call.out[row * lanes..][..lanes].copy_from_slice(x);
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let x = call.inputs[0].clone();
        let points = replay::dims(&x)[0];
        let mut shape = vec![points];
        shape.extend_from_slice(call.shape);
        let zeros = replay::zeros_like(&x, &shape);
        let ranges = place(&self.ranges, &replay::dims(&x)[1..], call.samples);
        Replay::float_slice_assign(zeros, &ranges, x)
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.multilinear(self, node, tangents, &[0])
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        _: &[bool],
    ) -> Vec<Option<ValueId>> {
        let ranges = self.ranges.clone();
        let shape = d.shape(node.inputs[0]);
        vec![Some(d.push(Slice { ranges }, &[adjoint], shape))]
    }
}

/// Ranges as Burn has them, with the points in front: `lengths` elements each. The sample axis is whole.
fn place(ranges: &[(usize, usize)], lengths: &[usize], samples: bool) -> Vec<Steps> {
    let mut all = vec![Steps::new(0, None, 1)];
    for (axis, (&(start, step), &length)) in ranges.iter().zip(lengths).enumerate() {
        let end = start + (length - 1) * step + 1;
        all.push(match axis == 0 && samples {
            true => Steps::new(0, None, 1),
            false => Steps::new(start as isize, Some(end as isize), step as isize),
        });
    }
    all
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
    let axes = call.rows().iter().zip(strides);
    let axes = axes.map(|(&length, &stride)| (length, [stride * lanes]));
    let walk = Walk::new(axes.chain([(lanes, [1])]));
    copy_walk(
        call.level,
        &call.inputs[0].data[base * lanes..],
        &walk,
        call.out,
    );
}
