//! The derivative of a ReLU.

use super::broadcast::{MapN, apply};
use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, elementwise_samples};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::kernels::simd::Simd;
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::ops::FloatTensorOps;

/// `out = y <= 0 ? 0 : t`; inputs: y, the output of the ReLU, and t. At the kink the derivative is 0, as in
/// PyTorch. Made by derivatives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReluMask;

impl Operation for ReluMask {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn samples(&self, inputs: &[Operand], shape: &[usize]) -> Samples {
        elementwise_samples(inputs, shape)
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn host(&self, call: HostCall) {
        apply(Masked, call);
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let (y, t) = (call.inputs[0].clone(), call.inputs[1].clone());
        let (y, t) = replay::broadcast(y, t);
        let off = Replay::float_lower_equal_elem(y.clone(), 0.0.into(), replay::bool_type(&y));
        Replay::float_mask_fill(t, off, 0.0.into())
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.multilinear(self, node, tangents, &[1])
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        _: &[bool],
    ) -> Vec<Option<ValueId>> {
        vec![None, Some(d.masked(node.inputs[0], adjoint))]
    }
}

#[derive(Clone, Copy)]
struct Masked;

impl MapN<2> for Masked {
    #[inline(always)]
    fn apply<S: Simd>(self, [y, t]: [S::V; 2]) -> S::V {
        // Written so that NaN lets through, as in PyTorch.
        let zero = S::fill(y, 0.0);
        let t = S::select_gt(zero, y, zero, t);
        S::select_eq(y, zero, zero, t)
    }
}
