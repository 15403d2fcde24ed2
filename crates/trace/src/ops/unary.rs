//! Functions of one number: activations, scalar arithmetic, comparisons with a scalar, casts. The table
//! is [`super::functions`].

use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, elementwise_samples};
use crate::ir::batching::{Batching, Placed};
use crate::ir::derivation::{Derivation, Factor};
use crate::ir::graph::{Node, ValueId};
use crate::ir::ties::Ties;
use crate::replay::DeviceTensor;

pub use super::functions::Unary;

impl Operation for Unary {
    fn name(&self) -> &'static str {
        self.text()
    }

    fn samples(&self, inputs: &[Operand], shape: &[usize]) -> Samples {
        elementwise_samples(inputs, shape)
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        b.along(*self, &inputs[0], shape)
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        match self {
            Self::Identity | Self::Neg | Self::MulScalar(_) | Self::DivScalar(_) => {
                Linearity::Linear
            }
            Self::AddScalar(_) => Linearity::Shifted,
            _ => Linearity::None,
        }
    }

    fn is_view(&self) -> bool {
        *self == Self::Identity
    }

    fn units(&self, ties: &mut Ties) {
        ties.elementwise();
    }

    fn host(&self, call: HostCall) {
        let n = call.out.len();
        self.map(call.level, &call.inputs[0].data[..n], call.out);
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        self.replay(call.inputs[0].clone())
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        let tangent = tangents[0]?;
        let factor = self.derivative(d, node.inputs[0], node.output);
        d.times(tangent, factor)
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        _: &[bool],
    ) -> Vec<Option<ValueId>> {
        let factor = self.derivative(d, node.inputs[0], node.output);
        vec![d.times(adjoint, factor)]
    }
}

/// `e^(-c x^2)`
pub(super) fn bell(d: &mut Derivation, x: ValueId, c: f64) -> ValueId {
    let square = d.mul(x, x);
    let exponent = d.unary(Unary::MulScalar(-c), square);
    d.unary(Unary::Exp, exponent)
}

/// `Phi(x) + x phi(x)`
pub(super) fn gelu_derivative(d: &mut Derivation, x: ValueId) -> ValueId {
    let scaled = d.unary(Unary::MulScalar(std::f64::consts::FRAC_1_SQRT_2), x);
    let erf = d.unary(Unary::Erf, scaled);
    let half = d.unary(Unary::MulScalar(0.5), erf);
    let phi = d.unary(Unary::AddScalar(0.5), half);
    let bell = bell(d, x, 0.5);
    let product = d.mul(x, bell);
    const FRAC_1_SQRT_2_PI: f64 = 0.398_942_280_401_432_7;
    let density = d.unary(Unary::MulScalar(FRAC_1_SQRT_2_PI), product);
    d.add(phi, density)
}

/// `c x^(c - 1)`
pub(super) fn power_derivative(d: &mut Derivation, x: ValueId, c: f64) -> Factor {
    match c {
        0.0 => Factor::Zero,
        1.0 => Factor::Number(1.0),
        2.0 => Factor::Value(d.unary(Unary::MulScalar(2.0), x)),
        _ => {
            let power = d.unary(Unary::PowScalar(c - 1.0), x);
            Factor::Value(d.unary(Unary::MulScalar(c), power))
        }
    }
}

/// `(a x^2 + b)^(-1/2)`
pub(super) fn inverse_root(d: &mut Derivation, x: ValueId, a: f64, b: f64) -> ValueId {
    let sum = square_plus(d, x, a, b);
    let root = d.unary(Unary::Sqrt, sum);
    d.unary(Unary::Recip, root)
}

/// `1 / (a x^2 + b)`
pub(super) fn inverse_square(d: &mut Derivation, x: ValueId, a: f64, b: f64) -> ValueId {
    let sum = square_plus(d, x, a, b);
    d.unary(Unary::Recip, sum)
}

/// `a x^2 + b`
pub(super) fn square_plus(d: &mut Derivation, x: ValueId, a: f64, b: f64) -> ValueId {
    let square = d.mul(x, x);
    let scaled = match a {
        1.0 => square,
        _ => d.unary(Unary::MulScalar(a), square),
    };
    d.unary(Unary::AddScalar(b), scaled)
}
