//! The derivative of a sum.

use super::broadcast::{MapN, apply};
use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::kernels::simd::Simd;
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::ops::FloatTensorOps;

/// `scale y`, repeated to the shape of the second input, of which only the shape (and whether it has samples)
/// matters. Made by derivatives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub scale: f64,
}

impl Operation for Spread {
    fn name(&self) -> &'static str {
        "expand"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        let fits = match (inputs[0].samples, inputs[1].samples) {
            (true, true) => true,
            (false, true) => inputs[0].shape[0] == 1,
            _ => false,
        };
        if fits { Samples::Kept } else { Samples::Mixed }
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn host(&self, call: HostCall) {
        apply(Scaled(self.scale as f32), call);
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let y = Replay::float_mul_scalar(call.inputs[0].clone(), self.scale.into());
        let mut shape = vec![replay::dims(&y)[0]];
        shape.extend_from_slice(&replay::dims(&call.inputs[1])[1..]);
        replay::expand(y, &shape)
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
        let sum = d.sum_to(adjoint, node.inputs[0]);
        vec![
            d.times(sum, crate::ir::derivation::Factor::Number(self.scale)),
            None,
        ]
    }
}

#[derive(Clone, Copy)]
struct Scaled(f32);

impl MapN<2> for Scaled {
    #[inline(always)]
    fn apply<S: Simd>(self, [y, _]: [S::V; 2]) -> S::V {
        S::mul(y, S::fill(y, self.0))
    }
}
