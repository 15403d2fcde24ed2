//! Functions of one and of two numbers.

use super::{Rows, one};
use crate::lower::{Kind, Lowered, Lowering, Operand, Tensor, problem};
use crate::pt2::call::Call;
use landscape_trace::{Binary, Unary};

fn unary(l: &mut Lowering, c: &Call, f: Unary) -> Lowered<Operand> {
    Ok(l.unary(f, c.x()?).into())
}

fn then(l: &mut Lowering, c: &Call, all: &[Unary]) -> Lowered<Operand> {
    let first = c.x()?.clone();
    Ok(all.iter().fold(first, |x, &f| l.unary(f, &x)).into())
}

fn binary(l: &mut Lowering, c: &Call, f: Binary) -> Lowered<Operand> {
    l.arithmetic(f, c.at(0), c.at(1))
}

/// Of truth values: x and y as such first.
fn logic(l: &mut Lowering, c: &Call, f: Binary) -> Lowered<Operand> {
    let truth = |l: &mut Lowering, x: &Operand| match x {
        Operand::Tensor(x) => Ok(l.cast(x, Kind::Bool).into()),
        other => Ok::<_, crate::lower::LowerError>(Operand::Bool(other.bool()?)),
    };
    let (a, b) = (truth(l, c.at(0))?, truth(l, c.at(1))?);
    l.arithmetic(f, &a, &b)
}

/// Of bits, or of truth values.
fn bits(l: &mut Lowering, c: &Call, whole: Binary, truth: Binary) -> Lowered<Operand> {
    let of_truth = |x: &Operand| match x {
        Operand::Tensor(x) => x.kind == Kind::Bool,
        other => matches!(other, Operand::Bool(_)),
    };
    let both = of_truth(c.at(0)) && of_truth(c.at(1));
    binary(l, c, if both { truth } else { whole })
}

/// The second operand times `alpha`.
fn scaled(l: &mut Lowering, c: &Call, operand: &Operand) -> Lowered<Operand> {
    match c.number_or("alpha", 1.0)? {
        1.0 => Ok(operand.clone()),
        _ => l.arithmetic(Binary::Mul, operand, c.get("alpha")),
    }
}

/// The quotient rounded down.
fn floored(l: &mut Lowering, a: &Operand, b: &Operand) -> Lowered<Operand> {
    match l.arithmetic(Binary::Div, a, b)? {
        Operand::Tensor(x) => Ok(l.unary(Unary::Floor, &x).into()),
        other => Ok(Operand::Int(other.number()?.floor() as i64)),
    }
}

/// The remainder of the quotient towards zero, of the sign of a.
fn truncated_rest(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let quotient = match l.arithmetic(Binary::Div, c.at(0), c.at(1))? {
        Operand::Tensor(x) => l.unary(Unary::Truncate, &x).into(),
        other => Operand::Float(other.number()?.trunc()),
    };
    let part = l.arithmetic(Binary::Mul, &quotient, c.at(1))?;
    l.arithmetic(Binary::Sub, c.at(0), &part)
}

/// A tensor, of a number too.
pub(super) fn as_tensor(l: &mut Lowering, x: &Operand) -> Lowered {
    match x {
        Operand::Tensor(x) => Ok(x.clone()),
        Operand::Float(_) => l.number(x.number()?, Kind::Float),
        Operand::Bool(_) => l.number(x.number()?, Kind::Bool),
        _ => l.number(x.number()?, Kind::Int),
    }
}

fn extreme(l: &mut Lowering, c: &Call, greatest: bool) -> Lowered<Operand> {
    let (a, b) = (as_tensor(l, c.at(0))?, as_tensor(l, c.at(1))?);
    one(l.extreme(&a, &b, greatest))
}

/// The greater or lower of two, the other one where one is NaN.
fn number_extreme(l: &mut Lowering, c: &Call, greatest: bool) -> Lowered<Operand> {
    let (a, b) = (as_tensor(l, c.at(0))?, as_tensor(l, c.at(1))?);
    let missing = l.binary(Binary::NotEqual, &b, &b)?;
    let b = l.choose(&missing, &a, &b)?;
    let missing = l.binary(Binary::NotEqual, &a, &a)?;
    let a = l.choose(&missing, &b, &a)?;
    one(l.extreme(&a, &b, greatest))
}

fn square(l: &mut Lowering, x: &Tensor) -> Lowered {
    l.binary(Binary::Mul, x, x)
}

fn power(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    match (c.at(0), c.at(1)) {
        (Operand::Tensor(x), exponent) if !matches!(exponent, Operand::Tensor(_)) => {
            match exponent.number()? {
                2.0 => one(square(l, x)),
                0.5 => unary(l, c, Unary::Sqrt),
                -1.0 => unary(l, c, Unary::Recip),
                _ => binary(l, c, Binary::Pow),
            }
        }
        _ => binary(l, c, Binary::Pow),
    }
}

/// `x log y`, 0 where x is.
fn x_log(l: &mut Lowering, c: &Call, f: Unary) -> Lowered<Operand> {
    let (x, y) = (as_tensor(l, c.at(0))?, as_tensor(l, c.at(1))?);
    let none = l.unary(Unary::EqualScalar(0.0), &x);
    let one_there = l.number(1.0, Kind::Float)?;
    let y = l.choose(&none, &one_there, &y)?;
    let log = l.unary(f, &y);
    one(l.binary(Binary::Mul, &x, &log))
}

pub(super) fn log_add_exp(l: &mut Lowering, a: &Tensor, b: &Tensor) -> Lowered {
    let most = l.extreme(a, b, true)?;
    let difference = l.binary(Binary::Sub, a, b)?;
    let distance = l.unary(Unary::Abs, &difference);
    let rest = l.unary(Unary::LogSigmoid, &distance);
    l.binary(Binary::Sub, &most, &rest)
}

fn third(l: &mut Lowering, c: &Call, f: Binary) -> Lowered<Operand> {
    let part = l.arithmetic(f, c.get("tensor1"), c.get("tensor2"))?;
    let part = l.arithmetic(
        Binary::Mul,
        &part,
        &Operand::Float(c.number_or("value", 1.0)?),
    )?;
    l.arithmetic(Binary::Add, c.at(0), &part)
}

/// A number in the place of NaN, and of either infinity.
fn finite(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    const MOST: f64 = f32::MAX as f64;
    let x = c.x()?.clone();
    let mut y = x.clone();
    for (f, name, other) in [
        (Unary::EqualScalar(f64::INFINITY), "posinf", MOST),
        (Unary::EqualScalar(f64::NEG_INFINITY), "neginf", -MOST),
        (Unary::IsNan, "nan", 0.0),
    ] {
        let there = l.unary(f, &x);
        let number = l.number(c.number_or(name, other)?, Kind::Float)?;
        y = l.choose(&there, &number, &y)?;
    }
    Ok(y.into())
}

pub(super) const ROWS: Rows = &[
    (&["abs", "absolute"], |l, c| unary(l, c, Unary::Abs)),
    (&["neg", "negative"], |l, c| unary(l, c, Unary::Neg)),
    (
        &[
            "positive",
            "conj",
            "real",
            "resolve_conj",
            "resolve_neg",
            "_conj",
        ],
        |_, c| Ok(c.x()?.clone().into()),
    ),
    (&["exp"], |l, c| unary(l, c, Unary::Exp)),
    (&["exp2", "special_exp2"], |l, c| {
        then(
            l,
            c,
            &[Unary::MulScalar(std::f64::consts::LN_2), Unary::Exp],
        )
    }),
    // Accurate near 0: e^x - 1 = 2 e^(x/2) sinh(x/2).
    (&["expm1", "special_expm1"], |l, c| {
        let half = l.unary(Unary::MulScalar(0.5), c.x()?);
        let (grown, sine) = (l.unary(Unary::Exp, &half), l.unary(Unary::Sinh, &half));
        let product = l.binary(Binary::Mul, &grown, &sine)?;
        Ok(l.unary(Unary::MulScalar(2.0), &product).into())
    }),
    (&["log"], |l, c| unary(l, c, Unary::Log)),
    (&["log2"], |l, c| {
        then(
            l,
            c,
            &[Unary::Log, Unary::MulScalar(std::f64::consts::LOG2_E)],
        )
    }),
    (&["log10"], |l, c| {
        then(
            l,
            c,
            &[Unary::Log, Unary::MulScalar(std::f64::consts::LOG10_E)],
        )
    }),
    (&["log1p", "special_log1p"], |l, c| {
        unary(l, c, Unary::Log1p)
    }),
    (&["sqrt"], |l, c| unary(l, c, Unary::Sqrt)),
    (&["rsqrt"], |l, c| then(l, c, &[Unary::Sqrt, Unary::Recip])),
    (&["square"], |l, c| one(square(l, c.x()?))),
    (&["reciprocal"], |l, c| unary(l, c, Unary::Recip)),
    (&["sin"], |l, c| unary(l, c, Unary::Sin)),
    (&["cos"], |l, c| unary(l, c, Unary::Cos)),
    (&["tan"], |l, c| unary(l, c, Unary::Tan)),
    (&["asin", "arcsin"], |l, c| unary(l, c, Unary::Asin)),
    (&["acos", "arccos"], |l, c| unary(l, c, Unary::Acos)),
    (&["atan", "arctan"], |l, c| unary(l, c, Unary::Atan)),
    (&["sinh"], |l, c| unary(l, c, Unary::Sinh)),
    (&["cosh"], |l, c| unary(l, c, Unary::Cosh)),
    (&["asinh", "arcsinh"], |l, c| unary(l, c, Unary::Asinh)),
    (&["acosh", "arccosh"], |l, c| unary(l, c, Unary::Acosh)),
    (&["atanh", "arctanh"], |l, c| unary(l, c, Unary::Atanh)),
    (&["erf", "special_erf"], |l, c| unary(l, c, Unary::Erf)),
    (&["erfc", "special_erfc"], |l, c| {
        then(l, c, &[Unary::Erf, Unary::Neg, Unary::AddScalar(1.0)])
    }),
    (&["special_expit"], |l, c| unary(l, c, Unary::Sigmoid)),
    (&["logit", "special_logit"], |l, c| {
        let mut x = c.x()?.clone();
        if c.has("eps") {
            let eps = c.number("eps")?;
            x = l.unary(Unary::Clamp(eps, 1.0 - eps), &x);
        }
        let less = l.unary(Unary::Neg, &x);
        let (log, other) = (l.unary(Unary::Log, &x), l.unary(Unary::Log1p, &less));
        one(l.binary(Binary::Sub, &log, &other))
    }),
    (&["sign", "sgn"], |l, c| unary(l, c, Unary::Sign)),
    (&["floor"], |l, c| unary(l, c, Unary::Floor)),
    (&["ceil"], |l, c| unary(l, c, Unary::Ceil)),
    (&["trunc", "fix"], |l, c| unary(l, c, Unary::Truncate)),
    (&["round"], |l, c| match c.int_or("decimals", 0)? {
        0 => unary(l, c, Unary::Round),
        n => {
            let scale = 10f64.powi(n as i32);
            then(
                l,
                c,
                &[
                    Unary::MulScalar(scale),
                    Unary::Round,
                    Unary::DivScalar(scale),
                ],
            )
        }
    }),
    (&["frac"], |l, c| {
        let whole = l.unary(Unary::Truncate, c.x()?);
        one(l.binary(Binary::Sub, c.x()?, &whole))
    }),
    (&["isnan"], |l, c| unary(l, c, Unary::IsNan)),
    (&["isinf"], |l, c| unary(l, c, Unary::IsInf)),
    (&["isfinite"], |l, c| {
        // 0 x is NaN of what is not.
        then(l, c, &[Unary::MulScalar(0.0), Unary::IsNan, Unary::Not])
    }),
    (&["isposinf"], |l, c| {
        unary(l, c, Unary::EqualScalar(f64::INFINITY))
    }),
    (&["isneginf"], |l, c| {
        unary(l, c, Unary::EqualScalar(f64::NEG_INFINITY))
    }),
    (&["signbit"], |l, c| unary(l, c, Unary::LowerScalar(0.0))),
    (&["logical_not"], |l, c| unary(l, c, Unary::Not)),
    (&["bitwise_not"], |l, c| match c.x()?.kind {
        Kind::Bool => unary(l, c, Unary::Not),
        _ => then(l, c, &[Unary::Neg, Unary::AddScalar(-1.0)]),
    }),
    (&["deg2rad"], |l, c| {
        unary(l, c, Unary::MulScalar(std::f64::consts::PI / 180.0))
    }),
    (&["rad2deg"], |l, c| {
        unary(l, c, Unary::MulScalar(180.0 / std::f64::consts::PI))
    }),
    (&["sinc", "special_sinc"], |l, c| {
        let x = l.unary(Unary::MulScalar(std::f64::consts::PI), c.x()?);
        let none = l.unary(Unary::EqualScalar(0.0), &x);
        let unit = l.number(1.0, Kind::Float)?;
        let safe = l.choose(&none, &unit, &x)?;
        let sine = l.unary(Unary::Sin, &safe);
        let quotient = l.binary(Binary::Div, &sine, &safe)?;
        one(l.choose(&none, &unit, &quotient))
    }),
    (&["add"], |l, c| {
        let other = scaled(l, c, c.at(1))?;
        l.arithmetic(Binary::Add, c.at(0), &other)
    }),
    (&["sub", "subtract"], |l, c| {
        let other = scaled(l, c, c.at(1))?;
        l.arithmetic(Binary::Sub, c.at(0), &other)
    }),
    (&["rsub"], |l, c| {
        let own = scaled(l, c, c.at(0))?;
        l.arithmetic(Binary::Sub, c.at(1), &own)
    }),
    (&["mul", "multiply"], |l, c| binary(l, c, Binary::Mul)),
    (&["div", "divide", "true_divide"], |l, c| {
        match c.text_or("rounding_mode", "") {
            "floor" => floored(l, c.at(0), c.at(1)),
            "trunc" => match binary(l, c, Binary::Div)? {
                Operand::Tensor(x) => Ok(l.unary(Unary::Truncate, &x).into()),
                other => Ok(Operand::Float(other.number()?.trunc())),
            },
            _ => binary(l, c, Binary::Div),
        }
    }),
    (&["floor_divide", "__floordiv__"], |l, c| {
        floored(l, c.at(0), c.at(1))
    }),
    (&["remainder"], |l, c| binary(l, c, Binary::Remainder)),
    (&["fmod"], truncated_rest),
    (&["pow", "float_power", "__pow__"], power),
    (&["maximum"], |l, c| extreme(l, c, true)),
    (&["minimum"], |l, c| extreme(l, c, false)),
    (&["fmax"], |l, c| number_extreme(l, c, true)),
    (&["fmin"], |l, c| number_extreme(l, c, false)),
    (&["clamp", "clip"], |l, c| {
        one(l.clamp(c.x()?, c.get("min"), c.get("max")))
    }),
    (&["clamp_min"], |l, c| {
        one(l.clamp(c.x()?, c.get("min"), &Operand::None))
    }),
    (&["clamp_max"], |l, c| {
        one(l.clamp(c.x()?, &Operand::None, c.get("max")))
    }),
    (&["eq", "__eq__"], |l, c| binary(l, c, Binary::Equal)),
    (&["ne", "not_equal", "__ne__"], |l, c| {
        binary(l, c, Binary::NotEqual)
    }),
    (&["lt", "less"], |l, c| binary(l, c, Binary::Lower)),
    (&["le", "less_equal"], |l, c| {
        binary(l, c, Binary::LowerEqual)
    }),
    (&["gt", "greater"], |l, c| binary(l, c, Binary::Greater)),
    (&["ge", "greater_equal"], |l, c| {
        binary(l, c, Binary::GreaterEqual)
    }),
    (&["logical_and"], |l, c| logic(l, c, Binary::And)),
    (&["logical_or"], |l, c| logic(l, c, Binary::Or)),
    (&["logical_xor"], |l, c| logic(l, c, Binary::NotEqual)),
    (&["bitwise_and", "__and__", "__iand__"], |l, c| {
        bits(l, c, Binary::BitAnd, Binary::And)
    }),
    (&["bitwise_or", "__or__", "__ior__"], |l, c| {
        bits(l, c, Binary::BitOr, Binary::Or)
    }),
    (&["bitwise_xor", "__xor__", "__ixor__"], |l, c| {
        bits(l, c, Binary::BitXor, Binary::NotEqual)
    }),
    (&["bitwise_left_shift", "__lshift__"], |l, c| {
        binary(l, c, Binary::ShiftLeft)
    }),
    (&["bitwise_right_shift", "__rshift__"], |l, c| {
        binary(l, c, Binary::ShiftRight)
    }),
    (&["atan2", "arctan2"], |l, c| binary(l, c, Binary::Atan2)),
    (&["hypot"], |l, c| binary(l, c, Binary::Hypot)),
    (&["xlogy", "special_xlogy"], |l, c| x_log(l, c, Unary::Log)),
    (&["special_xlog1py"], |l, c| x_log(l, c, Unary::Log1p)),
    (&["logaddexp"], |l, c| {
        one(log_add_exp(l, c.at(0).tensor()?, c.at(1).tensor()?))
    }),
    (&["copysign"], |l, c| {
        let size = l.unary(Unary::Abs, c.x()?);
        let other = as_tensor(l, c.at(1))?;
        let negative = l.unary(Unary::LowerScalar(0.0), &other);
        let less = l.unary(Unary::Neg, &size);
        one(l.choose(&negative, &less, &size))
    }),
    (&["heaviside"], |l, c| {
        let x = c.x()?;
        let none = l.unary(Unary::EqualScalar(0.0), x);
        let above = l.unary(Unary::GreaterScalar(0.0), x).of_kind(Kind::Float);
        one(l.choose(&none, c.tensor("values")?, &above))
    }),
    (&["ldexp"], |l, c| {
        let power = l.unary(Unary::MulScalar(std::f64::consts::LN_2), c.at(1).tensor()?);
        let power = l.unary(Unary::Exp, &power);
        one(l.binary(Binary::Mul, c.x()?, &power))
    }),
    (&["lerp"], |l, c| {
        let difference = l.arithmetic(Binary::Sub, c.get("end"), c.at(0))?;
        let part = l.arithmetic(Binary::Mul, &difference, c.get("weight"))?;
        l.arithmetic(Binary::Add, c.at(0), &part)
    }),
    (&["addcmul"], |l, c| third(l, c, Binary::Mul)),
    (&["addcdiv"], |l, c| third(l, c, Binary::Div)),
    (&["nan_to_num"], finite),
    (&["where"], |l, c| {
        if c.arguments.len() < 3 {
            return problem("the number of places it returns depends on the data");
        }
        let (yes, no) = (as_tensor(l, c.at(1))?, as_tensor(l, c.at(2))?);
        one(l.choose(c.x()?, &yes, &no))
    }),
    (&["masked_fill"], |l, c| {
        let value = as_tensor(l, c.get("value"))?.of_kind(c.x()?.kind);
        one(l.choose(c.tensor("mask")?, &value, c.x()?))
    }),
    (&["copy", "fill"], |l, c| {
        let value = as_tensor(l, c.at(1))?;
        let value = l.cast(&value, c.x()?.kind);
        let shape = l.common(&[c.x()?, &value])?;
        one(l.expand_to(&value, &shape))
    }),
    (&["zero"], |l, c| {
        let (shape, kind) = (l.shape(c.x()?), c.x()?.kind);
        let zero = l.number(0.0, kind)?;
        one(l.expand_to(&zero, &shape))
    }),
];
