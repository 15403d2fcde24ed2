//! Functions of two numbers: arithmetic, comparisons, logic.

use super::broadcast::{MapN, apply};
use super::functions::remainder;
use super::unary::Unary;
use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, elementwise_samples};
use crate::ir::batching::{Batching, Placed};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::ir::ties::Ties;
use crate::kernels::simd::Simd;
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::ops::{FloatTensorOps, IntTensorOps};

/// `out = f(a, b)` for every element, with broadcasting along axes of length 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Binary {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a b`
    Mul,
    /// `a / b`
    Div,
    /// `a^b`
    Pow,
    /// The quotient towards zero: division of whole numbers.
    IntDiv,
    /// `a - b floor(a / b)`, of the sign of b.
    Remainder,
    /// The angle of the point `(b, a)`, in -pi to pi.
    Atan2,
    /// `sqrt(a^2 + b^2)`
    Hypot,
    /// 1 where `a > b`, else 0; so are all comparisons.
    Greater,
    /// `a >= b`
    GreaterEqual,
    /// `a < b`
    Lower,
    /// `a <= b`
    LowerEqual,
    /// `a == b`
    Equal,
    /// `a != b`
    NotEqual,
    /// 1 where neither is 0.
    And,
    /// 1 where one is not 0.
    Or,
    /// Of the bits of whole numbers, in two's complement.
    BitAnd,
    /// As [`Self::BitAnd`].
    BitOr,
    /// As [`Self::BitAnd`].
    BitXor,
    /// The bits of `a`, `b` places further up: `a 2^b`, within 64 bits.
    ShiftLeft,
    /// The same further down: `floor(a / 2^b)`.
    ShiftRight,
}

impl Operation for Binary {
    fn name(&self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Pow => "powf",
            Self::IntDiv => "int_div",
            Self::Remainder => "remainder",
            Self::Atan2 => "atan2",
            Self::Hypot => "hypot",
            Self::Greater => "greater",
            Self::GreaterEqual => "greater_equal",
            Self::Lower => "lower",
            Self::LowerEqual => "lower_equal",
            Self::Equal => "equal",
            Self::NotEqual => "not_equal",
            Self::And => "and",
            Self::Or => "or",
            Self::BitAnd => "bitwise_and",
            Self::BitOr => "bitwise_or",
            Self::BitXor => "bitwise_xor",
            Self::ShiftLeft => "bitwise_left_shift",
            Self::ShiftRight => "bitwise_right_shift",
        }
    }

    fn samples(&self, inputs: &[Operand], shape: &[usize]) -> Samples {
        elementwise_samples(inputs, shape)
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        b.elementwise(*self, inputs, shape)
    }

    fn linearity(&self, inputs: &[Operand]) -> Linearity {
        match (self, inputs[0].varies, inputs[1].varies) {
            (Self::Add | Self::Sub, true, true) => Linearity::Linear,
            (Self::Add | Self::Sub, ..) => Linearity::Additive,
            (Self::Mul, true, false) | (Self::Mul, false, true) => Linearity::Linear,
            (Self::Div, true, false) => Linearity::Linear,
            _ => Linearity::None,
        }
    }

    fn units(&self, ties: &mut Ties) {
        ties.elementwise();
    }

    fn host(&self, call: HostCall) {
        match self {
            Self::Add => apply(Add, call),
            Self::Sub => apply(Sub, call),
            Self::Mul | Self::And => apply(Mul, call),
            Self::Div => apply(Div, call),
            Self::Equal => apply(Equal, call),
            Self::Greater => apply(Greater, call),
            other => apply(Each(other.scalar()), call),
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let (a, b) = (call.inputs[0].clone(), call.inputs[1].clone());
        match self {
            Self::Add => Replay::float_add(a, b),
            Self::Sub => Replay::float_sub(a, b),
            Self::Mul | Self::And => Replay::float_mul(a, b),
            Self::Div => Replay::float_div(a, b),
            Self::Pow => Replay::float_powf(a, b),
            Self::IntDiv => Replay::float_trunc(Replay::float_div(a, b)),
            Self::Remainder => {
                let (a, b) = replay::broadcast(a, b);
                Replay::float_remainder(a, b)
            }
            Self::Atan2 => {
                let (a, b) = replay::broadcast(a, b);
                Replay::float_atan2(a, b)
            }
            Self::Hypot => {
                let (a, b) = replay::broadcast(a, b);
                Replay::float_hypot(a, b)
            }
            Self::BitAnd | Self::BitOr | Self::BitXor | Self::ShiftLeft | Self::ShiftRight => {
                self.bits_on_device(a, b)
            }
            _ => self.compare_on_device(a, b),
        }
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        let [a, b] = [node.inputs[0], node.inputs[1]];
        let [da, db] = [tangents[0], tangents[1]];
        let (left, right) = self.parts(d, [a, b], node.output, [da, db]);
        let sum = d.sum(left, right)?;
        // One side alone may have to be repeated.
        match d.shape(sum) == d.shape(node.output) {
            true => Some(sum),
            false => Some(d.spread(sum, node.output, 1.0)),
        }
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        let of = |needed: bool| needed.then_some(adjoint);
        let [a, b] = [node.inputs[0], node.inputs[1]];
        if *self == Self::Div && d.shape(b) != d.shape(node.output) {
            return quotient_adjoint(d, node, adjoint, wanted);
        }
        let to = [of(wanted[0]), of(wanted[1])];
        let (left, right) = self.parts(d, [a, b], node.output, to);
        let left = left.map(|v| d.sum_to(v, a));
        vec![left, right.map(|v| d.sum_to(v, b))]
    }
}

/// The adjoint of `y = a / b` where b is repeated: what is summed for it is divided by it afterwards.
fn quotient_adjoint(
    d: &mut Derivation,
    node: &Node,
    adjoint: ValueId,
    wanted: &[bool],
) -> Vec<Option<ValueId>> {
    let [a, b] = [node.inputs[0], node.inputs[1]];
    let left = wanted[0].then(|| {
        let ratio = d.binary(Binary::Div, adjoint, b);
        d.sum_to(ratio, a)
    });
    let right = wanted[1].then(|| {
        let product = d.mul(adjoint, node.output);
        let sum = d.sum_to(product, b);
        let ratio = d.binary(Binary::Div, sum, b);
        d.neg(ratio)
    });
    vec![left, right]
}

impl Binary {
    /// The partial derivatives with respect to both inputs, times `x` (each where it is there): the
    /// same for tangents and adjoints.
    fn parts(
        self,
        d: &mut Derivation,
        [a, b]: [ValueId; 2],
        y: ValueId,
        x: [Option<ValueId>; 2],
    ) -> (Option<ValueId>, Option<ValueId>) {
        let [left, right] = x;
        match self {
            Self::Add => (left, right),
            Self::Sub => (left, right.map(|v| d.neg(v))),
            Self::Mul | Self::And => (left.map(|v| d.mul(v, b)), right.map(|v| d.mul(v, a))),
            Self::Div => {
                let left = left.map(|v| d.binary(Self::Div, v, b));
                // The divisor is often the smaller of the two.
                let right = right.map(|v| {
                    let ratio = d.binary(Self::Div, v, b);
                    let ratio = d.neg(ratio);
                    d.mul(ratio, y)
                });
                (left, right)
            }
            Self::Pow => {
                // Where b is 0 the slope is `0 a^0`: 0, also where a is.
                let left = left.map(|v| {
                    let less = d.unary(Unary::AddScalar(-1.0), b);
                    let constant = d.unary(Unary::EqualScalar(0.0), b);
                    let less = d.add(less, constant);
                    let power = d.binary(Self::Pow, a, less);
                    let slope = d.mul(power, b);
                    d.mul(v, slope)
                });
                // And `0^b ln 1` where a is 0 and b is not negative.
                let right = right.map(|v| {
                    let zero = d.unary(Unary::EqualScalar(0.0), a);
                    let counts = d.unary(Unary::GreaterEqualScalar(0.0), b);
                    let flat = d.mul(zero, counts);
                    let inside = d.add(a, flat);
                    let log = d.unary(Unary::Log, inside);
                    let slope = d.mul(y, log);
                    d.mul(v, slope)
                });
                (left, right)
            }
            Self::Remainder => {
                let right = right.map(|v| {
                    let ratio = d.binary(Self::Div, a, b);
                    let whole = d.unary(Unary::Floor, ratio);
                    let product = d.mul(v, whole);
                    d.neg(product)
                });
                (left, right)
            }
            Self::Atan2 => {
                let squares = [a, b].map(|v| d.mul(v, v));
                let square = d.add(squares[0], squares[1]);
                let left = left.map(|v| {
                    let slope = d.binary(Self::Div, b, square);
                    d.mul(v, slope)
                });
                let right = right.map(|v| {
                    let slope = d.binary(Self::Div, a, square);
                    let product = d.mul(v, slope);
                    d.neg(product)
                });
                (left, right)
            }
            Self::Hypot => {
                let mut part = |v: Option<ValueId>, side: ValueId| {
                    let slope = v.map(|_| d.binary(Self::Div, side, y));
                    v.zip(slope).map(|(v, slope)| d.mul(v, slope))
                };
                (part(left, a), part(right, b))
            }
            Self::IntDiv
            | Self::Greater
            | Self::GreaterEqual
            | Self::Lower
            | Self::LowerEqual
            | Self::Equal
            | Self::NotEqual
            | Self::Or
            | Self::BitAnd
            | Self::BitOr
            | Self::BitXor
            | Self::ShiftLeft
            | Self::ShiftRight => (None, None),
        }
    }

    fn bits_on_device(self, a: DeviceTensor, b: DeviceTensor) -> DeviceTensor {
        let (a, b) = replay::broadcast(a, b);
        replay::index(a, |a, t| {
            let (a, b) = (Replay::float_into_int(a, t), Replay::float_into_int(b, t));
            match self {
                Self::BitAnd => Replay::bitwise_and(a, b),
                Self::BitOr => Replay::bitwise_or(a, b),
                Self::ShiftLeft => Replay::bitwise_left_shift(a, b),
                Self::ShiftRight => Replay::bitwise_right_shift(a, b),
                _ => Replay::bitwise_xor(a, b),
            }
        })
    }

    fn compare_on_device(self, a: DeviceTensor, b: DeviceTensor) -> DeviceTensor {
        let (a, b) = replay::broadcast(a, b);
        replay::compare(a, |a, t| match self {
            Self::Greater => Replay::float_greater(a, b, t),
            Self::GreaterEqual => Replay::float_greater_equal(a, b, t),
            Self::Lower => Replay::float_lower(a, b, t),
            Self::LowerEqual => Replay::float_lower_equal(a, b, t),
            Self::Equal => Replay::float_equal(a, b, t),
            Self::NotEqual => Replay::float_not_equal(a, b, t),
            // Booleans are 0 and 1: `or` is their sum, above one half.
            _ => Replay::float_greater_elem(Replay::float_add(a, b), 0.5.into(), t),
        })
    }

    /// The function on two numbers.
    pub(crate) fn scalar(self) -> fn(f32, f32) -> f32 {
        fn truth(b: bool) -> f32 {
            f32::from(u8::from(b))
        }
        match self {
            Self::Add => |a, b| a + b,
            Self::Sub => |a, b| a - b,
            Self::Mul => |a, b| a * b,
            Self::Div => |a, b| a / b,
            Self::Pow => f32::powf,
            Self::IntDiv => |a, b| (a / b).trunc(),
            Self::Remainder => |a, b| remainder(f64::from(a), f64::from(b)) as f32,
            Self::Atan2 => f32::atan2,
            Self::Hypot => f32::hypot,
            Self::Greater => |a, b| truth(a > b),
            Self::GreaterEqual => |a, b| truth(a >= b),
            Self::Lower => |a, b| truth(a < b),
            Self::LowerEqual => |a, b| truth(a <= b),
            Self::Equal => |a, b| truth(a == b),
            Self::NotEqual => |a, b| truth(a != b),
            Self::And => |a, b| truth(a != 0.0 && b != 0.0),
            Self::Or => |a, b| truth(a != 0.0 || b != 0.0),
            Self::BitAnd => |a, b| (a as i64 & b as i64) as f32,
            Self::BitOr => |a, b| (a as i64 | b as i64) as f32,
            Self::BitXor => |a, b| (a as i64 ^ b as i64) as f32,
            Self::ShiftLeft => |a, b| (a as i64).wrapping_shl(b as u32) as f32,
            Self::ShiftRight => |a, b| (a as i64).wrapping_shr(b as u32) as f32,
        }
    }
}

macro_rules! vector_functions {
    ($($name:ident($a:ident, $b:ident) = $body:expr;)*) => {
        $(
            #[derive(Clone, Copy)]
            struct $name;
            impl MapN<2> for $name {
                #[inline(always)]
                fn apply<S: Simd>(self, [$a, $b]: [S::V; 2]) -> S::V {
                    $body
                }
            }
        )*
    };
}

vector_functions! {
    Add(a, b) = S::add(a, b);
    Sub(a, b) = S::sub(a, b);
    Mul(a, b) = S::mul(a, b);
    Div(a, b) = S::div(a, b);
    Equal(a, b) = S::select_eq(a, b, S::fill(a, 1.0), S::fill(a, 0.0));
    Greater(a, b) = S::select_gt(a, b, S::fill(a, 1.0), S::fill(a, 0.0));
}

/// Any function, lane by lane.
#[derive(Clone, Copy)]
struct Each(fn(f32, f32) -> f32);

impl MapN<2> for Each {
    #[inline(always)]
    fn apply<S: Simd>(self, [a, b]: [S::V; 2]) -> S::V {
        S::each(a, b, self.0)
    }
}
