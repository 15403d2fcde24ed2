//! Choosing between two values by a mask.

use super::broadcast::{MapN, apply};
use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, elementwise_samples};
use crate::ir::batching::{Batching, Placed};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::ir::ties::Ties;
use crate::kernels::simd::Simd;
use crate::replay::{DeviceTensor, Replay};
use burn_backend::ops::FloatTensorOps;

/// `out = mask ? value : x`; inputs: x, mask, value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaskWhere;

impl Operation for MaskWhere {
    fn name(&self) -> &'static str {
        "mask_where"
    }

    fn samples(&self, inputs: &[Operand], shape: &[usize]) -> Samples {
        elementwise_samples(inputs, shape)
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        b.elementwise(*self, inputs, shape)
    }

    fn linearity(&self, inputs: &[Operand]) -> Linearity {
        // With a fixed mask it is linear in both values, if both vary.
        match (inputs[0].varies, inputs[1].varies, inputs[2].varies) {
            (true, false, true) => Linearity::Linear,
            _ => Linearity::None,
        }
    }

    fn units(&self, ties: &mut Ties) {
        ties.elementwise();
    }

    fn host(&self, call: HostCall) {
        apply(Choose, call);
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        // value * mask + x * (1 - mask) would turn infinities into NaN: a true select is needed.
        let points = call
            .inputs
            .iter()
            .map(|t| crate::replay::dims(t)[0])
            .max()
            .unwrap_or(1);
        let mut shape = vec![points];
        shape.extend_from_slice(call.shape);
        let full = |i: usize| crate::replay::expand(call.inputs[i].clone(), &shape);
        let mask = full(1);
        let bool_type = crate::replay::bool_type(&mask);
        let mask = Replay::float_not_equal_elem(mask, 0.0.into(), bool_type);
        Replay::float_mask_where(full(0), mask, full(2))
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        let [x, mask, value] = [node.inputs[0], node.inputs[1], node.inputs[2]];
        let (moved, other) = (tangents[0], tangents[2]);
        moved.or(other)?;
        let x = moved.unwrap_or_else(|| d.zeros_like(x));
        let value = other.unwrap_or_else(|| d.zeros_like(value));
        let shape = d.shape(node.output);
        Some(d.push(*self, &[x, mask, value], shape))
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        let [x, mask, value] = [node.inputs[0], node.inputs[1], node.inputs[2]];
        // Chosen, not multiplied: what is infinite on one side does not become NaN on the other.
        let rest = wanted[0].then(|| d.outside(mask, adjoint));
        let rest = rest.map(|v| d.sum_to(v, x));
        let chosen = wanted[2].then(|| d.inside(mask, adjoint));
        let chosen = chosen.map(|v| d.sum_to(v, value));
        vec![rest, None, chosen]
    }
}

#[derive(Clone, Copy)]
struct Choose;

impl MapN<3> for Choose {
    #[inline(always)]
    fn apply<S: Simd>(self, [x, mask, value]: [S::V; 3]) -> S::V {
        S::select_eq(mask, S::fill(x, 0.0), x, value)
    }
}
