//! Functions of one number: activations, scalar arithmetic, comparisons with a scalar, casts.

use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, elementwise_samples};
use crate::batch::{Batching, Placed};
use crate::derive::{Derivation, Factor};
use crate::device::{self, DeviceTensor, Replay};
use crate::graph::{Node, ValueId};
use crate::host::math::{self, Map, map};
use crate::host::simd::Simd;
use crate::units::Ties;
use burn_backend::ops::{ActivationOps, FloatTensorOps};

/// `out = f(x)` for every element. Numbers that belong to the function are f64, as the program states them; kernels
/// in f32 round them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unary {
    /// The value itself: casts between kinds of numbers.
    Identity,
    /// Truncation towards zero: the cast from float to int.
    Truncate,
    Neg,
    Abs,
    Exp,
    Log,
    Log1p,
    Sqrt,
    Recip,
    Relu,
    LeakyRelu(f64),
    Tanh,
    Sigmoid,
    LogSigmoid,
    /// `x Phi(x)`, with the error function.
    Gelu,
    Erf,
    Sin,
    Cos,
    Sign,
    /// 1 where x is 0, else 0: the negation of a boolean.
    Not,
    AddScalar(f64),
    MulScalar(f64),
    DivScalar(f64),
    /// `x^c`
    PowScalar(f64),
    Clamp(f64, f64),
    GreaterScalar(f64),
    GreaterEqualScalar(f64),
    LowerScalar(f64),
    LowerEqualScalar(f64),
    EqualScalar(f64),
    NotEqualScalar(f64),
}

impl Operation for Unary {
    fn name(&self) -> &'static str {
        match self {
            Self::Identity => "cast",
            Self::Truncate => "into_int",
            Self::Neg => "neg",
            Self::Abs => "abs",
            Self::Exp => "exp",
            Self::Log => "log",
            Self::Log1p => "log1p",
            Self::Sqrt => "sqrt",
            Self::Recip => "recip",
            Self::Relu => "relu",
            Self::LeakyRelu(_) => "leaky_relu",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::LogSigmoid => "log_sigmoid",
            Self::Gelu => "gelu",
            Self::Erf => "erf",
            Self::Sin => "sin",
            Self::Cos => "cos",
            Self::Sign => "sign",
            Self::Not => "not",
            Self::AddScalar(_) => "add_scalar",
            Self::MulScalar(_) => "mul_scalar",
            Self::DivScalar(_) => "div_scalar",
            Self::PowScalar(_) => "powf_scalar",
            Self::Clamp(..) => "clamp",
            Self::GreaterScalar(_) => "greater_elem",
            Self::GreaterEqualScalar(_) => "greater_equal_elem",
            Self::LowerScalar(_) => "lower_elem",
            Self::LowerEqualScalar(_) => "lower_equal_elem",
            Self::EqualScalar(_) => "equal_elem",
            Self::NotEqualScalar(_) => "not_equal_elem",
        }
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

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn units(&self, ties: &mut Ties) {
        ties.elementwise();
    }

    fn host(&self, call: HostCall) {
        let n = call.out.len();
        let (x, out, level) = (&call.inputs[0].data[..n], call.out, call.level);
        match *self {
            Self::Relu => map(level, Relu, x, out),
            Self::Neg => map(level, Affine(-1.0, 0.0), x, out),
            Self::AddScalar(c) => map(level, Shift(c as f32), x, out),
            Self::MulScalar(c) => map(level, Affine(c as f32, 0.0), x, out),
            Self::Exp => map(level, Exp, x, out),
            Self::Log => map(level, Ln, x, out),
            Self::Tanh => map(level, Tanh, x, out),
            Self::Sigmoid => map(level, Sigmoid, x, out),
            Self::LogSigmoid => map(level, LogSigmoid, x, out),
            Self::Gelu => map(level, Gelu, x, out),
            Self::Erf => map(level, Erf, x, out),
            Self::Sqrt => map(level, Sqrt, x, out),
            Self::Abs => map(level, Abs, x, out),
            Self::PowScalar(2.0) => map(level, Square, x, out),
            Self::Log1p => map(level, Log1p, x, out),
            Self::Recip => map(level, Recip, x, out),
            Self::DivScalar(c) => map(level, Quotient(c as f32), x, out),
            Self::LeakyRelu(c) => map(level, LeakyRelu(c as f32), x, out),
            Self::Clamp(low, high) => map(level, Clamp(low as f32, high as f32), x, out),
            Self::GreaterScalar(c) => map(level, Greater(c as f32), x, out),
            Self::LowerScalar(c) => map(level, Lower(c as f32), x, out),
            Self::EqualScalar(c) => map(level, Equal(c as f32), x, out),
            Self::Not => map(level, Equal(0.0), x, out),
            other => out
                .iter_mut()
                .zip(x)
                .for_each(|(out, &x)| *out = other.scalar(x)),
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let x = call.inputs[0].clone();
        match *self {
            Self::Identity => x,
            Self::Truncate => Replay::float_trunc(x),
            Self::Neg => Replay::float_neg(x),
            Self::Abs => Replay::float_abs(x),
            Self::Exp => Replay::float_exp(x),
            Self::Log => Replay::float_log(x),
            Self::Log1p => device::log1p(x),
            Self::Sqrt => Replay::float_sqrt(x),
            Self::Recip => Replay::float_recip(x),
            Self::Relu => Replay::relu(x),
            Self::LeakyRelu(c) => Replay::leaky_relu(x, c.into()),
            Self::Tanh => Replay::float_tanh(x),
            Self::Sigmoid => Replay::sigmoid(x),
            Self::LogSigmoid => device::log_sigmoid(x),
            Self::Gelu => Replay::gelu(x),
            Self::Erf => Replay::float_erf(x),
            Self::Sin => Replay::float_sin(x),
            Self::Cos => Replay::float_cos(x),
            Self::Sign => Replay::float_sign(x),
            Self::AddScalar(c) => Replay::float_add_scalar(x, c.into()),
            Self::MulScalar(c) => Replay::float_mul_scalar(x, c.into()),
            Self::DivScalar(c) => Replay::float_div_scalar(x, c.into()),
            Self::PowScalar(c) => Replay::float_powf_scalar(x, c.into()),
            Self::Clamp(low, high) => Replay::float_clamp(x, low.into(), high.into()),
            Self::Not | Self::EqualScalar(_) => {
                let c = if let Self::EqualScalar(c) = *self {
                    c
                } else {
                    0.0
                };
                device::compare(x, |x, t| Replay::float_equal_elem(x, c.into(), t))
            }
            Self::NotEqualScalar(c) => {
                device::compare(x, |x, t| Replay::float_not_equal_elem(x, c.into(), t))
            }
            Self::GreaterScalar(c) => {
                device::compare(x, |x, t| Replay::float_greater_elem(x, c.into(), t))
            }
            Self::GreaterEqualScalar(c) => {
                device::compare(x, |x, t| Replay::float_greater_equal_elem(x, c.into(), t))
            }
            Self::LowerScalar(c) => {
                device::compare(x, |x, t| Replay::float_lower_elem(x, c.into(), t))
            }
            Self::LowerEqualScalar(c) => {
                device::compare(x, |x, t| Replay::float_lower_equal_elem(x, c.into(), t))
            }
        }
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        let factor = self.derivative(d, node.inputs[0], node.output);
        d.times(tangents[0]?, factor)
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

impl Unary {
    /// The derivative `f'(x)`, with `y = f(x)`. Functions that are piecewise constant have the
    /// derivative 0; at kinks it is PyTorch's.
    fn derivative(self, d: &mut Derivation, x: ValueId, y: ValueId) -> Factor {
        Factor::Value(match self {
            Self::Identity | Self::AddScalar(_) => return Factor::Number(1.0),
            Self::Neg => return Factor::Number(-1.0),
            Self::MulScalar(c) => return Factor::Number(c),
            Self::DivScalar(c) => return Factor::Number(1.0 / c),
            Self::Relu => return Factor::Positive(y),
            Self::PowScalar(1.0) => return Factor::Number(1.0),
            Self::PowScalar(0.0) => return Factor::Zero,
            Self::LeakyRelu(c) => {
                let negative = d.unary(Self::LowerEqualScalar(0.0), x);
                let slope = d.unary(Self::MulScalar(c - 1.0), negative);
                d.unary(Self::AddScalar(1.0), slope)
            }
            Self::Clamp(low, high) => {
                let above = d.unary(Self::GreaterEqualScalar(low), x);
                let below = d.unary(Self::LowerEqualScalar(high), x);
                return Factor::Inside(d.mul(above, below));
            }
            Self::Abs => d.unary(Self::Sign, x),
            Self::Exp => y,
            Self::Log => d.unary(Self::Recip, x),
            Self::Log1p => {
                let sum = d.unary(Self::AddScalar(1.0), x);
                d.unary(Self::Recip, sum)
            }
            Self::Sqrt => {
                let inverse = d.unary(Self::Recip, y);
                d.unary(Self::MulScalar(0.5), inverse)
            }
            Self::Recip => {
                let square = d.mul(y, y);
                d.neg(square)
            }
            Self::Tanh => {
                let square = d.mul(y, y);
                let rest = d.neg(square);
                d.unary(Self::AddScalar(1.0), rest)
            }
            Self::Sigmoid => {
                let square = d.mul(y, y);
                d.sub(y, square)
            }
            Self::LogSigmoid => {
                let mirrored = d.neg(x);
                d.unary(Self::Sigmoid, mirrored)
            }
            Self::Gelu => gelu_derivative(d, x),
            Self::Erf => {
                let bell = bell(d, x, 1.0);
                d.unary(Self::MulScalar(std::f64::consts::FRAC_2_SQRT_PI), bell)
            }
            Self::Sin => d.unary(Self::Cos, x),
            Self::Cos => {
                let sine = d.unary(Self::Sin, x);
                d.neg(sine)
            }
            Self::PowScalar(2.0) => d.unary(Self::MulScalar(2.0), x),
            Self::PowScalar(c) => {
                let power = d.unary(Self::PowScalar(c - 1.0), x);
                d.unary(Self::MulScalar(c), power)
            }
            Self::Truncate
            | Self::Sign
            | Self::Not
            | Self::GreaterScalar(_)
            | Self::GreaterEqualScalar(_)
            | Self::LowerScalar(_)
            | Self::LowerEqualScalar(_)
            | Self::EqualScalar(_)
            | Self::NotEqualScalar(_) => return Factor::Zero,
        })
    }

    /// The function on one number: the definition, and the path of the rarer functions.
    pub(crate) fn scalar(self, x: f32) -> f32 {
        let truth = |b: bool| f32::from(u8::from(b));
        match self {
            Self::Identity => x,
            Self::Truncate => x.trunc(),
            Self::Neg => -x,
            Self::Abs => x.abs(),
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Log1p => x.ln_1p(),
            Self::Sqrt => x.sqrt(),
            Self::Recip => 1.0 / x,
            // Written so that NaN stays NaN.
            Self::Relu => {
                if x < 0.0 {
                    0.0
                } else {
                    x
                }
            }
            Self::LeakyRelu(c) => {
                if x < 0.0 {
                    c as f32 * x
                } else {
                    x
                }
            }
            Self::Tanh => x.tanh(),
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Self::LogSigmoid => x.min(0.0) - (-x.abs()).exp().ln_1p(),
            Self::Gelu => {
                let phi = 0.5 * (1.0 + libm::erf(f64::from(x) / std::f64::consts::SQRT_2));
                (f64::from(x) * phi) as f32
            }
            Self::Erf => libm::erff(x),
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::Sign => {
                if x > 0.0 {
                    1.0
                } else if x < 0.0 {
                    -1.0
                } else {
                    x
                }
            }
            Self::Not => truth(x == 0.0),
            Self::AddScalar(c) => x + c as f32,
            Self::MulScalar(c) => x * c as f32,
            Self::DivScalar(c) => x / c as f32,
            Self::PowScalar(c) => x.powf(c as f32),
            Self::Clamp(low, high) => {
                if x < low as f32 {
                    low as f32
                } else if x > high as f32 {
                    high as f32
                } else {
                    x
                }
            }
            Self::GreaterScalar(c) => truth(x > c as f32),
            Self::GreaterEqualScalar(c) => truth(x >= c as f32),
            Self::LowerScalar(c) => truth(x < c as f32),
            Self::LowerEqualScalar(c) => truth(x <= c as f32),
            Self::EqualScalar(c) => truth(x == c as f32),
            Self::NotEqualScalar(c) => truth(x != c as f32),
        }
    }
}

/// `e^(-c x^2)`
fn bell(d: &mut Derivation, x: ValueId, c: f64) -> ValueId {
    let square = d.mul(x, x);
    let exponent = d.unary(Unary::MulScalar(-c), square);
    d.unary(Unary::Exp, exponent)
}

/// `Phi(x) + x phi(x)`
fn gelu_derivative(d: &mut Derivation, x: ValueId) -> ValueId {
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

macro_rules! vector_functions {
    ($($name:ident($self:ident, $x:ident) = $body:expr;)*) => {
        $(impl Map for $name {
            #[inline(always)]
            fn apply<S: Simd>($self, $x: S::V) -> S::V {
                $body
            }
        })*
    };
}

#[derive(Clone, Copy)]
struct Relu;
#[derive(Clone, Copy)]
struct Affine(f32, f32);
#[derive(Clone, Copy)]
struct Shift(f32);
#[derive(Clone, Copy)]
struct Exp;
#[derive(Clone, Copy)]
struct Ln;
#[derive(Clone, Copy)]
struct Tanh;
#[derive(Clone, Copy)]
struct Sigmoid;
#[derive(Clone, Copy)]
struct LogSigmoid;
#[derive(Clone, Copy)]
struct Gelu;
#[derive(Clone, Copy)]
struct Erf;
#[derive(Clone, Copy)]
struct Sqrt;
#[derive(Clone, Copy)]
struct Abs;
#[derive(Clone, Copy)]
struct Square;
#[derive(Clone, Copy)]
struct Log1p;
#[derive(Clone, Copy)]
struct Recip;
#[derive(Clone, Copy)]
struct Quotient(f32);
#[derive(Clone, Copy)]
struct LeakyRelu(f32);
#[derive(Clone, Copy)]
struct Clamp(f32, f32);
#[derive(Clone, Copy)]
struct Greater(f32);
#[derive(Clone, Copy)]
struct Lower(f32);
#[derive(Clone, Copy)]
struct Equal(f32);

vector_functions! {
    Relu(self, x) = S::max(S::fill(x, 0.0), x);
    Affine(self, x) = S::fma(x, S::fill(x, self.0), S::fill(x, self.1));
    Shift(self, x) = S::add(x, S::fill(x, self.0));
    Exp(self, x) = math::exp::<S>(x);
    Ln(self, x) = math::ln::<S>(x);
    Tanh(self, x) = math::tanh::<S>(x);
    Sigmoid(self, x) = math::sigmoid::<S>(x);
    LogSigmoid(self, x) = math::log_sigmoid::<S>(x);
    Gelu(self, x) = {
        let e = math::erf::<S>(S::mul(x, S::fill(x, std::f32::consts::FRAC_1_SQRT_2)));
        let half = S::mul(x, S::fill(x, 0.5));
        S::fma(half, e, half)
    };
    Erf(self, x) = math::erf::<S>(x);
    Sqrt(self, x) = S::sqrt(x);
    Abs(self, x) = math::abs::<S>(x);
    Square(self, x) = S::mul(x, x);
    Log1p(self, x) = math::ln_1p::<S>(x);
    Recip(self, x) = S::div(S::fill(x, 1.0), x);
    Quotient(self, x) = S::div(x, S::fill(x, self.0));
    LeakyRelu(self, x) = S::select_gt(S::fill(x, 0.0), x, S::mul(x, S::fill(x, self.0)), x);
    // The limits first: NaN passes through both.
    Clamp(self, x) = S::min(S::fill(x, self.1), S::max(S::fill(x, self.0), x));
    Greater(self, x) = S::select_gt(x, S::fill(x, self.0), S::fill(x, 1.0), S::fill(x, 0.0));
    Lower(self, x) = S::select_gt(S::fill(x, self.0), x, S::fill(x, 1.0), S::fill(x, 0.0));
    Equal(self, x) = S::select_eq(x, S::fill(x, self.0), S::fill(x, 1.0), S::fill(x, 0.0));
}
