//! The table of functions of one number.
//!
//! A row holds all that is known of a function: its name, examples of the numbers that belong to it, its definition
//! on the reals (what tests compare with), its kernel on vectors, its derivative as nodes of a graph, and Burn's
//! call. Adding a function touches its row only, and the place in [`super::table`] that says what Burn records.
//!
//! Numbers that belong to a function are f64, as the program states them; kernels in f32 round them.

use super::unary::{
    bell, gelu_derivative, inverse_root, inverse_square, power_derivative, square_plus,
};
use crate::ir::derivation::{Derivation, Factor};
use crate::ir::graph::ValueId;
use crate::kernels::math::{self, Map, map};
use crate::kernels::simd::{Level, Simd};
use crate::kernels::trigonometry as trig;
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::ops::{ActivationOps, FloatTensorOps};

macro_rules! functions {
    ($(
        $(#[$doc:meta])*
        $name:ident $(($($p:ident = $example:expr),+))?, $text:literal {
            real: |$rx:pat_param| $real:expr,
            vector: |$vx:ident| $vector:expr,
            derivative: |$d:ident, $dx:ident, $dy:ident| $derivative:expr,
            device: |$t:ident| $device:expr,
        }
    )*) => {
        /// `out = f(x)` for every element.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Unary {
            $($(#[$doc])* #[doc = concat!("In messages and lists: `", $text, "`.")] $name $(($(functions!(@number $p)),+))?,)*
        }

        /// The functions on vectors, a type each.
        mod vector {
            $(
                #[derive(Clone, Copy)]
                pub(super) struct $name { $($(pub $p: f64),+)? }
            )*
        }

        $(impl Map for vector::$name {
            #[inline(always)]
            fn apply<S: Simd>(self, $vx: S::V) -> S::V {
                let Self { $($($p),+)? } = self;
                $vector
            }
        })*

        #[allow(unused_variables)]
        impl Unary {
            /// The names of all functions.
            pub(crate) const NAMES: &[&str] = &[$($text),*];

            /// Its name, as documented.
            pub(crate) fn text(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $text,)*
                }
            }

            /// `out[i] = f(x[i])` in f32.
            pub(crate) fn map(self, level: Level, x: &[f32], out: &mut [f32]) {
                match self {
                    $(Self::$name $(($($p),+))? => {
                        map(level, vector::$name { $($($p),+)? }, x, out)
                    })*
                }
            }

            /// The function on a Burn device.
            pub(crate) fn replay(self, x: DeviceTensor) -> DeviceTensor {
                match self {
                    $(Self::$name $(($($p),+))? => { let $t = x; $device })*
                }
            }

            /// The derivative `f'(x)`, with `y = f(x)`. Functions that are piecewise constant have the
            /// derivative 0; at kinks it is PyTorch's.
            pub(crate) fn derivative(self, d: &mut Derivation, x: ValueId, y: ValueId) -> Factor {
                match self {
                    $(Self::$name $(($($p),+))? => {
                        let ($d, $dx, $dy) = (d, x, y);
                        $derivative
                    })*
                }
            }
        }

        #[cfg(test)]
        impl Unary {
            /// Every function, with the examples of its numbers.
            pub fn all() -> Vec<Self> {
                vec![$(Self::$name $(($($example),+))?),*]
            }

            /// The definition.
            pub fn real(self, x: f64) -> f64 {
                match self {
                    $(Self::$name $(($($p),+))? => { let $rx = x; $real })*
                }
            }
        }
    };
    (@number $p:ident) => { f64 };
}

functions! {
    /// The value itself: casts between kinds of numbers.
    Identity, "cast" {
        real: |x| x,
        vector: |x| x,
        derivative: |d, x, y| Factor::Number(1.0),
        device: |x| x,
    }
    /// The value itself, whose derivative does not count: `detach` of automatic differentiation.
    Detach, "detach" {
        real: |x| x,
        vector: |x| x,
        derivative: |d, x, y| Factor::Zero,
        device: |x| x,
    }
    /// Towards zero: also the cast from float to int.
    Truncate, "trunc" {
        real: |x| x.trunc(),
        vector: |x| math::trunc::<S>(x),
        derivative: |d, x, y| Factor::Zero,
        device: |x| Replay::float_trunc(x),
    }
    Floor, "floor" {
        real: |x| x.floor(),
        vector: |x| math::floor::<S>(x),
        derivative: |d, x, y| Factor::Zero,
        device: |x| Replay::float_floor(x),
    }
    Ceil, "ceil" {
        real: |x| x.ceil(),
        vector: |x| math::ceil::<S>(x),
        derivative: |d, x, y| Factor::Zero,
        device: |x| Replay::float_ceil(x),
    }
    /// To the nearest whole number, halves to the even one.
    Round, "round" {
        real: |x| x.round_ties_even(),
        vector: |x| math::round::<S>(x),
        derivative: |d, x, y| Factor::Zero,
        device: |x| Replay::float_round(x),
    }
    Neg, "neg" {
        real: |x| -x,
        vector: |x| math::neg::<S>(x),
        derivative: |d, x, y| Factor::Number(-1.0),
        device: |x| Replay::float_neg(x),
    }
    Abs, "abs" {
        real: |x| x.abs(),
        vector: |x| math::abs::<S>(x),
        derivative: |d, x, y| Factor::Value(d.unary(Unary::Sign, x)),
        device: |x| Replay::float_abs(x),
    }
    Exp, "exp" {
        real: |x| x.exp(),
        vector: |x| math::exp::<S>(x),
        derivative: |d, x, y| Factor::Value(y),
        device: |x| Replay::float_exp(x),
    }
    Log, "log" {
        real: |x| x.ln(),
        vector: |x| math::ln::<S>(x),
        derivative: |d, x, y| Factor::Value(d.unary(Unary::Recip, x)),
        device: |x| Replay::float_log(x),
    }
    Log1p, "log1p" {
        real: |x| x.ln_1p(),
        vector: |x| math::ln_1p::<S>(x),
        derivative: |d, x, y| {
            let sum = d.unary(Unary::AddScalar(1.0), x);
            Factor::Value(d.unary(Unary::Recip, sum))
        },
        device: |x| replay::log1p(x),
    }
    Sqrt, "sqrt" {
        real: |x| x.sqrt(),
        vector: |x| S::sqrt(x),
        derivative: |d, x, y| {
            let inverse = d.unary(Unary::Recip, y);
            Factor::Value(d.unary(Unary::MulScalar(0.5), inverse))
        },
        device: |x| Replay::float_sqrt(x),
    }
    Recip, "recip" {
        real: |x| 1.0 / x,
        vector: |x| S::div(S::fill(x, 1.0), x),
        derivative: |d, x, y| {
            let square = d.mul(y, y);
            Factor::Value(d.neg(square))
        },
        device: |x| Replay::float_recip(x),
    }
    /// NaN stays NaN.
    Relu, "relu" {
        real: |x| if x < 0.0 { 0.0 } else { x },
        vector: |x| S::max(S::fill(x, 0.0), x),
        derivative: |d, x, y| Factor::Positive(y),
        device: |x| Replay::relu(x),
    }
    LeakyRelu(slope = 0.1), "leaky_relu" {
        real: |x| if x < 0.0 { slope * x } else { x },
        vector: |x| {
            let scaled = S::mul(x, S::fill(x, slope as f32));
            S::select_gt(S::fill(x, 0.0), x, scaled, x)
        },
        derivative: |d, x, y| {
            let negative = d.unary(Unary::LowerEqualScalar(0.0), x);
            let change = d.unary(Unary::MulScalar(slope - 1.0), negative);
            Factor::Value(d.unary(Unary::AddScalar(1.0), change))
        },
        device: |x| Replay::leaky_relu(x, slope.into()),
    }
    Tanh, "tanh" {
        real: |x| x.tanh(),
        vector: |x| math::tanh::<S>(x),
        derivative: |d, x, y| Factor::Value(square_plus(d, y, -1.0, 1.0)),
        device: |x| Replay::float_tanh(x),
    }
    Sigmoid, "sigmoid" {
        real: |x| 1.0 / (1.0 + (-x).exp()),
        vector: |x| math::sigmoid::<S>(x),
        derivative: |d, x, y| {
            let square = d.mul(y, y);
            Factor::Value(d.sub(y, square))
        },
        device: |x| Replay::sigmoid(x),
    }
    LogSigmoid, "log_sigmoid" {
        real: |x| if x.is_nan() { x } else { x.min(0.0) - (-x.abs()).exp().ln_1p() },
        vector: |x| math::log_sigmoid::<S>(x),
        derivative: |d, x, y| {
            let mirrored = d.neg(x);
            Factor::Value(d.unary(Unary::Sigmoid, mirrored))
        },
        device: |x| replay::log_sigmoid(x),
    }
    /// `min(1, max(0, a x + b))`
    HardSigmoid(a = 0.2, b = 0.5), "hard_sigmoid" {
        real: |x| (a * x + b).clamp(0.0, 1.0),
        vector: |x| {
            let line = S::fma(x, S::fill(x, a as f32), S::fill(x, b as f32));
            S::min(S::fill(x, 1.0), S::max(S::fill(x, 0.0), line))
        },
        derivative: |d, x, y| {
            let above = d.unary(Unary::GreaterScalar(0.0), y);
            let below = d.unary(Unary::LowerScalar(1.0), y);
            Factor::Inside { mask: d.mul(above, below), slope: a }
        },
        device: |x| Replay::hard_sigmoid(x, a.into(), b.into()),
    }
    /// `x Phi(x)`, with the error function.
    Gelu, "gelu" {
        real: |x| x * 0.5 * (1.0 + libm::erf(x / std::f64::consts::SQRT_2)),
        vector: |x| {
            let e = math::erf::<S>(S::mul(x, S::fill(x, std::f32::consts::FRAC_1_SQRT_2)));
            let half = S::mul(x, S::fill(x, 0.5));
            S::fma(half, e, half)
        },
        derivative: |d, x, y| Factor::Value(gelu_derivative(d, x)),
        device: |x| Replay::gelu(x),
    }
    Erf, "erf" {
        real: |x| libm::erf(x),
        vector: |x| math::erf::<S>(x),
        derivative: |d, x, y| {
            let bell = bell(d, x, 1.0);
            Factor::Value(d.unary(Unary::MulScalar(std::f64::consts::FRAC_2_SQRT_PI), bell))
        },
        device: |x| Replay::float_erf(x),
    }
    Sin, "sin" {
        real: |x| x.sin(),
        vector: |x| trig::sin::<S>(x),
        derivative: |d, x, y| Factor::Value(d.unary(Unary::Cos, x)),
        device: |x| Replay::float_sin(x),
    }
    Cos, "cos" {
        real: |x| x.cos(),
        vector: |x| trig::cos::<S>(x),
        derivative: |d, x, y| {
            let sine = d.unary(Unary::Sin, x);
            Factor::Value(d.neg(sine))
        },
        device: |x| Replay::float_cos(x),
    }
    Tan, "tan" {
        real: |x| x.tan(),
        vector: |x| trig::tan::<S>(x),
        derivative: |d, x, y| Factor::Value(square_plus(d, y, 1.0, 1.0)),
        device: |x| Replay::float_tan(x),
    }
    Asin, "asin" {
        real: |x| x.asin(),
        vector: |x| trig::asin::<S>(x),
        derivative: |d, x, y| Factor::Value(inverse_root(d, x, -1.0, 1.0)),
        device: |x| Replay::float_asin(x),
    }
    Acos, "acos" {
        real: |x| x.acos(),
        vector: |x| trig::acos::<S>(x),
        derivative: |d, x, y| {
            let inverse = inverse_root(d, x, -1.0, 1.0);
            Factor::Value(d.neg(inverse))
        },
        device: |x| Replay::float_acos(x),
    }
    Atan, "atan" {
        real: |x| x.atan(),
        vector: |x| trig::atan::<S>(x),
        derivative: |d, x, y| Factor::Value(inverse_square(d, x, 1.0, 1.0)),
        device: |x| Replay::float_atan(x),
    }
    Sinh, "sinh" {
        real: |x| x.sinh(),
        vector: |x| trig::sinh::<S>(x),
        derivative: |d, x, y| Factor::Value(d.unary(Unary::Cosh, x)),
        device: |x| Replay::float_sinh(x),
    }
    Cosh, "cosh" {
        real: |x| x.cosh(),
        vector: |x| trig::cosh::<S>(x),
        derivative: |d, x, y| Factor::Value(d.unary(Unary::Sinh, x)),
        device: |x| Replay::float_cosh(x),
    }
    Asinh, "asinh" {
        real: |x| if x.is_finite() { libm::asinh(x) } else { x },
        vector: |x| trig::asinh::<S>(x),
        derivative: |d, x, y| Factor::Value(inverse_root(d, x, 1.0, 1.0)),
        device: |x| Replay::float_asinh(x),
    }
    Acosh, "acosh" {
        real: |x| if x < 1.0 { f64::NAN } else { libm::acosh(x) },
        vector: |x| trig::acosh::<S>(x),
        derivative: |d, x, y| Factor::Value(inverse_root(d, x, 1.0, -1.0)),
        device: |x| Replay::float_acosh(x),
    }
    Atanh, "atanh" {
        real: |x| x.atanh(),
        vector: |x| trig::atanh::<S>(x),
        derivative: |d, x, y| Factor::Value(inverse_square(d, x, -1.0, 1.0)),
        device: |x| {
            // Near -1 the standard library's loses the digits that it has near 1.
            let size = Replay::float_atanh(Replay::float_abs(x.clone()));
            Replay::float_mul(size, Replay::float_sign(x))
        },
    }
    /// -1, 0 or 1; NaN stays NaN.
    Sign, "sign" {
        real: |x| if x == 0.0 || x.is_nan() { x } else { x.signum() },
        vector: |x| {
            let (zero, one) = (S::fill(x, 0.0), S::fill(x, 1.0));
            S::select_gt(x, zero, one, S::select_gt(zero, x, S::fill(x, -1.0), x))
        },
        derivative: |d, x, y| Factor::Zero,
        device: |x| {
            // Of NaN, devices say 0.
            let nan = Replay::float_is_nan(x.clone(), replay::bool_type(&x));
            Replay::float_mask_where(Replay::float_sign(x.clone()), nan, x)
        },
    }
    /// 1 where x is 0, else 0: the negation of a boolean.
    Not, "not" {
        real: |x| truth(x == 0.0),
        vector: |x| equal::<S>(x, 0.0),
        derivative: |d, x, y| Factor::Zero,
        device: |x| replay::compare(x, |x, t| Replay::float_equal_elem(x, 0.0.into(), t)),
    }
    IsNan, "is_nan" {
        real: |x| truth(x.is_nan()),
        vector: |x| S::select_eq(x, x, S::fill(x, 0.0), S::fill(x, 1.0)),
        derivative: |d, x, y| Factor::Zero,
        device: |x| replay::compare(x, Replay::float_is_nan),
    }
    IsInf, "is_inf" {
        real: |x| truth(x.is_infinite()),
        vector: |x| equal::<S>(math::abs::<S>(x), f64::INFINITY),
        derivative: |d, x, y| Factor::Zero,
        device: |x| replay::compare(x, Replay::float_is_inf),
    }
    AddScalar(c = 0.3), "add_scalar" {
        real: |x| x + c,
        vector: |x| S::add(x, S::fill(x, c as f32)),
        derivative: |d, x, y| Factor::Number(1.0),
        device: |x| Replay::float_add_scalar(x, c.into()),
    }
    MulScalar(c = 0.3), "mul_scalar" {
        real: |x| x * c,
        vector: |x| S::mul(x, S::fill(x, c as f32)),
        derivative: |d, x, y| Factor::Number(c),
        device: |x| Replay::float_mul_scalar(x, c.into()),
    }
    DivScalar(c = 0.3), "div_scalar" {
        real: |x| x / c,
        vector: |x| S::div(x, S::fill(x, c as f32)),
        derivative: |d, x, y| Factor::Number(1.0 / c),
        device: |x| Replay::float_div_scalar(x, c.into()),
    }
    /// The quotient towards zero: division of whole numbers.
    IntDivScalar(c = 3.0), "int_div_scalar" {
        real: |x| (x / c).trunc(),
        vector: |x| math::trunc::<S>(S::div(x, S::fill(x, c as f32))),
        derivative: |d, x, y| Factor::Zero,
        device: |x| Replay::float_trunc(Replay::float_div_scalar(x, c.into())),
    }
    /// `x - c floor(x / c)`, of the sign of c.
    RemainderScalar(c = 0.75), "remainder_scalar" {
        real: |x| remainder(x, c),
        vector: |x| S::each(x, x, |x, _| remainder(f64::from(x), f64::from(c as f32)) as f32),
        derivative: |d, x, y| Factor::Number(1.0),
        device: |x| Replay::float_remainder_scalar(x, c.into()),
    }
    /// `x^c`
    PowScalar(c = 1.7), "powf_scalar" {
        real: |x| x.powf(c),
        vector: |x| math::pow::<S>(x, c),
        derivative: |d, x, y| power_derivative(d, x, c),
        device: |x| Replay::float_powf_scalar(x, c.into()),
    }
    /// NaN passes through both limits.
    Clamp(low = -0.4, high = 0.9), "clamp" {
        real: |x| x.clamp(low, high),
        vector: |x| {
            let raised = S::max(S::fill(x, low as f32), x);
            S::min(S::fill(x, high as f32), raised)
        },
        derivative: |d, x, y| {
            let above = d.unary(Unary::GreaterEqualScalar(low), x);
            let below = d.unary(Unary::LowerEqualScalar(high), x);
            Factor::Inside { mask: d.mul(above, below), slope: 1.0 }
        },
        device: |x| Replay::float_clamp(x, low.into(), high.into()),
    }
    GreaterScalar(c = 0.25), "greater_elem" {
        real: |x| truth(x > c),
        vector: |x| greater::<S>(x, S::fill(x, c as f32)),
        derivative: |d, x, y| Factor::Zero,
        device: |x| replay::compare(x, |x, t| Replay::float_greater_elem(x, c.into(), t)),
    }
    GreaterEqualScalar(c = 0.25), "greater_equal_elem" {
        real: |x| truth(x >= c),
        vector: |x| S::max(greater::<S>(x, S::fill(x, c as f32)), equal::<S>(x, c)),
        derivative: |d, x, y| Factor::Zero,
        device: |x| replay::compare(x, |x, t| Replay::float_greater_equal_elem(x, c.into(), t)),
    }
    LowerScalar(c = 0.25), "lower_elem" {
        real: |x| truth(x < c),
        vector: |x| greater::<S>(S::fill(x, c as f32), x),
        derivative: |d, x, y| Factor::Zero,
        device: |x| replay::compare(x, |x, t| Replay::float_lower_elem(x, c.into(), t)),
    }
    LowerEqualScalar(c = 0.25), "lower_equal_elem" {
        real: |x| truth(x <= c),
        vector: |x| S::max(greater::<S>(S::fill(x, c as f32), x), equal::<S>(x, c)),
        derivative: |d, x, y| Factor::Zero,
        device: |x| replay::compare(x, |x, t| Replay::float_lower_equal_elem(x, c.into(), t)),
    }
    EqualScalar(c = 0.25), "equal_elem" {
        real: |x| truth(x == c),
        vector: |x| equal::<S>(x, c),
        derivative: |d, x, y| Factor::Zero,
        device: |x| replay::compare(x, |x, t| Replay::float_equal_elem(x, c.into(), t)),
    }
    NotEqualScalar(c = 0.25), "not_equal_elem" {
        real: |x| truth(x != c),
        vector: |x| S::select_eq(x, S::fill(x, c as f32), S::fill(x, 0.0), S::fill(x, 1.0)),
        derivative: |d, x, y| Factor::Zero,
        device: |x| replay::compare(x, |x, t| Replay::float_not_equal_elem(x, c.into(), t)),
    }
}

#[cfg(test)]
fn truth(b: bool) -> f64 {
    f64::from(u8::from(b))
}

/// The remainder of the quotient towards minus infinity, as Python's `%`.
pub(super) fn remainder(x: f64, c: f64) -> f64 {
    let rest = x % c;
    match rest != 0.0 && (rest < 0.0) != (c < 0.0) {
        true => rest + c,
        false => rest,
    }
}

#[inline(always)]
fn greater<S: Simd>(a: S::V, b: S::V) -> S::V {
    S::select_gt(a, b, S::fill(a, 1.0), S::fill(a, 0.0))
}

#[inline(always)]
fn equal<S: Simd>(x: S::V, c: f64) -> S::V {
    S::select_eq(x, S::fill(x, c as f32), S::fill(x, 1.0), S::fill(x, 0.0))
}
