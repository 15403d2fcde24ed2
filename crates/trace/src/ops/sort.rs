//! The order of elements along an axis.

use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, around};
use crate::ir::batching::{Batching, Placed};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::ir::ties::Ties;
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::Slice;
use burn_backend::ops::FloatTensorOps;
use std::cmp::Ordering;

/// The indices of the first `out.shape[axis]` elements in order along `axis`; equal ones stay in theirs, and NaN is above
/// all numbers. Its derivative is 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArgSort {
    /// The axis, of the whole shape.
    pub axis: usize,
    /// Whether the greatest comes first.
    pub descending: bool,
}

impl ArgSort {
    fn order(&self, a: f32, b: f32) -> Ordering {
        let ascending = a.partial_cmp(&b).unwrap_or(a.is_nan().cmp(&b.is_nan()));
        match self.descending {
            true => ascending.reverse(),
            false => ascending,
        }
    }
}

impl Operation for ArgSort {
    fn name(&self) -> &'static str {
        "argsort"
    }

    fn samples(&self, _: &[Operand], _: &[usize]) -> Samples {
        match self.axis {
            0 => Samples::Mixed,
            _ => Samples::Kept,
        }
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        let axis = inputs[0].place?.moved(self.axis)?;
        b.along(Self { axis, ..*self }, &inputs[0], shape)
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    /// Along the axis the order matters.
    fn units(&self, ties: &mut Ties) {
        ties.ordered_along(self.axis);
    }

    fn host(&self, call: HostCall) {
        let x = call.inputs[0];
        let lanes = if call.samples { call.lanes } else { 1 };
        let axis = self.axis - usize::from(call.samples);
        let (before, length, after) = around(x.rows(), axis);
        let (span, kept) = (after * lanes, call.rows()[axis]);
        let mut order: Vec<usize> = Vec::with_capacity(length);
        for b in 0..before {
            for s in 0..span {
                let at = |i: usize| x.data[(b * length + i) * span + s];
                order.clear();
                order.extend(0..length);
                order.sort_by(|&i, &j| self.order(at(i), at(j)));
                for (o, &i) in order.iter().take(kept).enumerate() {
                    call.out[(b * kept + o) * span + s] = i as f32;
                }
            }
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let (x, dim) = (call.inputs[0].clone(), self.axis + 1);
        let order = replay::index(x, |x, t| Replay::float_argsort(x, dim, self.descending, t));
        let mut ranges = vec![Slice::new(0, None, 1); call.shape.len() + 1];
        ranges[dim] = Slice::new(0, Some(call.shape[self.axis] as isize), 1);
        Replay::float_slice(order, &ranges)
    }

    fn tangent(&self, _: &mut Derivation, _: &Node, _: &[Option<ValueId>]) -> Option<ValueId> {
        None
    }

    fn adjoint(
        &self,
        _: &mut Derivation,
        _: &Node,
        _: ValueId,
        _: &[bool],
    ) -> Vec<Option<ValueId>> {
        vec![None]
    }
}
