//! Values one after another.

use super::shape::Slice;
use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples};
use crate::ir::batching::{BatchAxis, Batching, Placed};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::ir::ties::{Port, Ties};
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::ops::FloatTensorOps;

/// Values one after another along an axis; beside values with samples, those without (axis 0 of length 1) are the same
/// for every sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Concat {
    pub axis: usize,
}

impl Operation for Concat {
    fn name(&self) -> &'static str {
        "cat"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        let fits = |i: &Operand| i.samples || i.shape[0] == 1;
        if self.axis > 0 && inputs.iter().all(fits) {
            Samples::Kept
        } else {
            Samples::Mixed
        }
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        if let Some(side_by_side) = self.of_samples(b, inputs, shape) {
            return Some(side_by_side);
        }
        let place = Batching::place(inputs)?;
        let axis = place.moved(self.axis)?;
        let operands = inputs.iter().map(|p| b.operand(p, place, false));
        let operands: Vec<_> = operands.collect::<Option<_>>()?;
        let lead = b.lead(&operands);
        b.made(Self { axis }, operands, lead, (place, shape))
    }

    fn linearity(&self, inputs: &[Operand]) -> Linearity {
        if inputs.iter().all(|i| i.varies) {
            Linearity::Linear
        } else {
            Linearity::None
        }
    }

    fn units(&self, ties: &mut Ties) {
        let mut start = 0;
        for input in (0..ties.inputs()).map(Port::Input) {
            for axis in 0..ties.shape(input).len() {
                let shift = if axis == self.axis { start } else { 0 };
                ties.tie_by((input, axis), (Port::Output, axis), |i| i + shift);
            }
            start += ties.shape(input)[self.axis];
        }
    }

    fn host(&self, call: HostCall) {
        let axis = self.axis - usize::from(call.samples);
        let lanes = if call.samples { call.lanes } else { 1 };
        let rows = call.rows();
        let before: usize = rows[..axis].iter().product();
        let mut at = 0;
        for b in 0..before {
            for input in call.inputs {
                let rows = &input.shape[usize::from(call.samples)..];
                let n: usize = rows[axis..].iter().product();
                let out = &mut call.out[at..at + n * lanes];
                match input.samples == call.samples {
                    true => out.copy_from_slice(&input.data[b * n * lanes..(b + 1) * n * lanes]),
                    false => {
                        let same = &input.data[b * n..(b + 1) * n];
                        let lanes = out.chunks_exact_mut(lanes).zip(same);
                        lanes.for_each(|(out, &x)| out.fill(x));
                    }
                }
                at += n * lanes;
            }
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        // Points, and samples where there are some: repeated where an input has them not.
        let repeated = 1 + usize::from(call.samples);
        let longest = |axis: usize| {
            let lengths = call.inputs.iter().map(|t| replay::dims(t)[axis]);
            lengths.max().unwrap_or(1)
        };
        let tensors = call.inputs.iter().map(|t| {
            let mut shape = replay::dims(t);
            (0..repeated).for_each(|axis| shape[axis] = longest(axis));
            replay::expand(t.clone(), &shape)
        });
        Replay::float_cat(tensors.collect(), self.axis + 1)
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        let whole = node.inputs.iter().zip(tangents);
        let inputs: Vec<ValueId> = whole
            .map(|(&x, tangent)| tangent.unwrap_or_else(|| d.zeros_like(x)))
            .collect();
        let shape = d.shape(node.output);
        Some(d.push(*self, &inputs, shape))
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        let mut start = 0;
        let mut parts = Vec::new();
        for (&input, &wanted) in node.inputs.iter().zip(wanted) {
            let mut shape = d.shape(input);
            let mut ranges = vec![(0, 1); shape.len()];
            ranges[self.axis].0 = start;
            start += shape[self.axis];
            // All samples, for an input that is the same for all.
            if self.axis > 0 {
                shape[0] = d.shape(adjoint)[0];
            }
            parts.push(wanted.then(|| {
                let part = d.push(Slice { ranges }, &[adjoint], shape);
                d.sum_to(part, input)
            }));
        }
        parts
    }
}

impl Concat {
    /// The rule along the axis of the samples: batches one after another, each with as many samples.
    fn of_samples(self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        let places: Option<Vec<BatchAxis>> = inputs.iter().map(|p| p.place).collect();
        let places = places?;
        let along = |place: &BatchAxis| place.axis == self.axis && place.inner == 1;
        if !places.iter().all(along) {
            return None;
        }
        let operands = inputs.iter().zip(&places);
        let operands = operands.map(|(p, &place)| b.operand(p, place, true));
        let operands: Vec<ValueId> = operands.collect::<Option<_>>()?;
        let place = BatchAxis {
            axis: self.axis,
            outer: places.iter().map(|place| place.outer).sum(),
            inner: 1,
        };
        let whole = Batching::whole(shape, place, b.lead(&operands), place.outer);
        let axis = self.axis + 1;
        let value = b.push(Self { axis }, operands, whole);
        b.placed(value, place, shape)
    }
}
