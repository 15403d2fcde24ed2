//! Functions of single elements.

use super::layers::vector_role;
use super::{Table, one};
use crate::lower::{Dropped, Kind, Lowered, Lowering, Operand, Tensor, problem};
use crate::onnx::array;
use crate::onnx::run::Call;
use landscape_core::Role;
use landscape_trace::{Binary, Unary};

pub(super) const TABLE: Table = &[
    ("Abs", |l, c| unary(l, c, Unary::Abs)),
    ("Acos", |l, c| unary(l, c, Unary::Acos)),
    ("Acosh", |l, c| unary(l, c, Unary::Acosh)),
    ("Asin", |l, c| unary(l, c, Unary::Asin)),
    ("Asinh", |l, c| unary(l, c, Unary::Asinh)),
    ("Atan", |l, c| unary(l, c, Unary::Atan)),
    ("Atanh", |l, c| unary(l, c, Unary::Atanh)),
    ("Ceil", |l, c| unary(l, c, Unary::Ceil)),
    ("Cos", |l, c| unary(l, c, Unary::Cos)),
    ("Cosh", |l, c| unary(l, c, Unary::Cosh)),
    ("Erf", |l, c| unary(l, c, Unary::Erf)),
    ("Exp", |l, c| unary(l, c, Unary::Exp)),
    ("Floor", |l, c| unary(l, c, Unary::Floor)),
    ("IsNaN", |l, c| unary(l, c, Unary::IsNan)),
    ("Log", |l, c| unary(l, c, Unary::Log)),
    ("Neg", |l, c| unary(l, c, Unary::Neg)),
    ("Not", |l, c| unary(l, c, Unary::Not)),
    ("Reciprocal", |l, c| unary(l, c, Unary::Recip)),
    ("Relu", |l, c| unary(l, c, Unary::Relu)),
    ("Round", |l, c| unary(l, c, Unary::Round)),
    ("Sigmoid", |l, c| unary(l, c, Unary::Sigmoid)),
    ("Sign", |l, c| unary(l, c, Unary::Sign)),
    ("Sin", |l, c| unary(l, c, Unary::Sin)),
    ("Sinh", |l, c| unary(l, c, Unary::Sinh)),
    ("Sqrt", |l, c| unary(l, c, Unary::Sqrt)),
    ("Tan", |l, c| unary(l, c, Unary::Tan)),
    ("Tanh", |l, c| unary(l, c, Unary::Tanh)),
    ("Add", |l, c| {
        vector_role(l, c, Role::Bias);
        binary(l, c, Binary::Add)
    }),
    ("Sub", |l, c| binary(l, c, Binary::Sub)),
    ("Mul", |l, c| {
        vector_role(l, c, Role::NormScale);
        binary(l, c, Binary::Mul)
    }),
    ("Div", divided),
    ("Pow", |l, c| power(l, c)),
    ("And", |l, c| binary(l, c, Binary::And)),
    ("Or", |l, c| binary(l, c, Binary::Or)),
    ("Xor", |l, c| binary(l, c, Binary::NotEqual)),
    ("Equal", |l, c| binary(l, c, Binary::Equal)),
    ("Greater", |l, c| binary(l, c, Binary::Greater)),
    ("GreaterOrEqual", |l, c| binary(l, c, Binary::GreaterEqual)),
    ("Less", |l, c| binary(l, c, Binary::Lower)),
    ("LessOrEqual", |l, c| binary(l, c, Binary::LowerEqual)),
    ("BitwiseAnd", |l, c| binary(l, c, Binary::BitAnd)),
    ("BitwiseOr", |l, c| binary(l, c, Binary::BitOr)),
    ("BitwiseXor", |l, c| binary(l, c, Binary::BitXor)),
    ("BitwiseNot", |l, c| {
        let less = l.unary(Unary::Neg, c.tensor(0)?);
        one(Ok(l.unary(Unary::AddScalar(-1.0), &less)))
    }),
    ("BitShift", |l, c| match c.text("direction", "") {
        "RIGHT" => binary(l, c, Binary::ShiftRight),
        _ => binary(l, c, Binary::ShiftLeft),
    }),
    ("Mod", modulo),
    ("Max", |l, c| extreme(l, c, true)),
    ("Min", |l, c| extreme(l, c, false)),
    ("Sum", |l, c| one(summed(l, c))),
    ("Mean", |l, c| {
        let sum = summed(l, c)?;
        one(Ok(
            l.unary(Unary::MulScalar(1.0 / c.inputs.len() as f64), &sum)
        ))
    }),
    ("Where", |l, c| {
        one(l.choose(c.tensor(0)?, c.tensor(1)?, c.tensor(2)?))
    }),
    ("Clip", clipped),
    ("Cast", cast),
    ("CastLike", |l, c| {
        one(Ok(l.cast(c.tensor(0)?, c.tensor(1)?.kind)))
    }),
    ("Identity", |_, c| Ok(vec![c.at(0).clone()])),
    ("Dropout", dropout),
    ("IsInf", is_infinite),
    ("Celu", |l, c| {
        let alpha = c.float("alpha", 1.0);
        one(l.elu(c.tensor(0)?, alpha, 1.0, 1.0 / alpha))
    }),
    ("Elu", |l, c| {
        one(l.elu(c.tensor(0)?, c.float("alpha", 1.0), 1.0, 1.0))
    }),
    ("Selu", |l, c| {
        let (alpha, gamma) = (c.float("alpha", SELU[0]), c.float("gamma", SELU[1]));
        one(l.elu(c.tensor(0)?, alpha, gamma, 1.0))
    }),
    ("LeakyRelu", |l, c| {
        unary(l, c, Unary::LeakyRelu(c.float("alpha", 0.01)))
    }),
    ("ThresholdedRelu", |l, c| {
        let above = l.unary(Unary::GreaterScalar(c.float("alpha", 1.0)), c.tensor(0)?);
        let zero = l.number(0.0, Kind::Float)?;
        one(l.choose(&above, c.tensor(0)?, &zero))
    }),
    ("PRelu", prelu),
    ("HardSigmoid", |l, c| {
        unary(
            l,
            c,
            Unary::HardSigmoid(c.float("alpha", 0.2), c.float("beta", 0.5)),
        )
    }),
    ("HardSwish", |l, c| {
        one(l.gated(Unary::HardSigmoid(1.0 / 6.0, 0.5), c.tensor(0)?))
    }),
    ("Gelu", |l, c| {
        one(l.gelu(c.tensor(0)?, c.text("approximate", "none") == "tanh"))
    }),
    ("Mish", |l, c| {
        let soft = softplus(l, c.tensor(0)?);
        let gate = l.unary(Unary::Tanh, &soft);
        one(l.binary(Binary::Mul, c.tensor(0)?, &gate))
    }),
    ("Softplus", |l, c| one(Ok(softplus(l, c.tensor(0)?)))),
    ("Softsign", |l, c| {
        let size = l.unary(Unary::Abs, c.tensor(0)?);
        let size = l.unary(Unary::AddScalar(1.0), &size);
        one(l.binary(Binary::Div, c.tensor(0)?, &size))
    }),
    ("Shrink", shrunk),
    ("Swish", |l, c| {
        one(swish(l, c.tensor(0)?, c.float("alpha", 1.0)))
    }),
    ("DequantizeLinear", dequantized),
    ("QuantizeLinear", quantized),
    ("DynamicQuantizeLinear", quantized),
    ("ConvInteger", quantized),
    ("MatMulInteger", quantized),
    ("QLinearConv", quantized),
    ("QLinearMatMul", quantized),
];

/// Of onnxruntime.
pub(super) const CONTRIBUTED: Table = &[
    ("Gelu", |l, c| one(l.gelu(c.tensor(0)?, false))),
    ("FastGelu", |l, c| {
        let x = with_bias(l, c)?;
        one(l.gelu(&x, true))
    }),
    ("BiasGelu", |l, c| {
        let x = with_bias(l, c)?;
        one(l.gelu(&x, false))
    }),
    ("QuickGelu", |l, c| {
        one(swish(l, c.tensor(0)?, c.float("alpha", 1.702)))
    }),
];

/// The constants of SELU, as ONNX states them.
const SELU: [f64; 2] = [1.673_263_192_176_818_8, 1.050_701_022_148_132_3];

fn unary(l: &mut Lowering, c: &Call, f: Unary) -> Lowered<Vec<Operand>> {
    one(Ok(l.unary(f, c.tensor(0)?)))
}

/// One known number as a plain one: then it needs no place in the graph.
fn plain(x: &Tensor) -> Operand {
    match (&x.known, x.kind) {
        (Some(known), Kind::Float) if known.len() == 1 && x.scalar => Operand::Float(known[0]),
        (Some(known), Kind::Int) if known.len() == 1 && x.scalar => Operand::Int(known[0] as i64),
        _ => Operand::Tensor(x.clone()),
    }
}

fn binary(l: &mut Lowering, c: &Call, f: Binary) -> Lowered<Vec<Operand>> {
    let (a, b) = (c.tensor(0)?, c.tensor(1)?);
    if a.known.is_some() && b.known.is_some() {
        return one(l.binary(f, a, b));
    }
    match (plain(a), plain(b)) {
        (Operand::Tensor(a), Operand::Tensor(b)) => one(l.binary(f, &a, &b)),
        (a, b) => Ok(vec![l.arithmetic(f, &a, &b)?]),
    }
}

fn whole(c: &Call) -> Lowered<bool> {
    Ok(c.tensor(0)?.kind != Kind::Float && c.tensor(1)?.kind != Kind::Float)
}

fn divided(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    match whole(c)? {
        true => binary(l, c, Binary::IntDiv),
        false => binary(l, c, Binary::Div),
    }
}

/// The result is of the kind of the first.
fn power(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let kind = c.tensor(0)?.kind;
    let exponent = plain(c.tensor(1)?);
    let made = match exponent {
        Operand::Tensor(_) => l.binary(Binary::Pow, c.tensor(0)?, c.tensor(1)?)?,
        number => l.with_number(Binary::Pow, c.tensor(0)?, number.number()?, kind)?,
    };
    one(Ok(l.cast(&made, kind)))
}

/// Of the sign of the divisor; with `fmod`, of the dividend.
fn modulo(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    if c.int("fmod", 0) == 0 {
        return binary(l, c, Binary::Remainder);
    }
    let (a, b) = (c.tensor(0)?, c.tensor(1)?);
    let kind = a.kind.max(b.kind);
    let quotient = l.binary(Binary::IntDiv, a, b)?;
    let whole = l.binary(Binary::Mul, &quotient, b)?;
    let rest = l.binary(Binary::Sub, a, &whole)?;
    one(Ok(rest.of_kind(kind)))
}

fn extreme(l: &mut Lowering, c: &Call, greatest: bool) -> Lowered<Vec<Operand>> {
    let mut most = c.tensor(0)?.clone();
    for position in 1..c.inputs.len() {
        most = l.extreme(&most, c.tensor(position)?, greatest)?;
    }
    one(Ok(most))
}

fn summed(l: &mut Lowering, c: &Call) -> Lowered {
    let mut sum = c.tensor(0)?.clone();
    for position in 1..c.inputs.len() {
        sum = l.binary(Binary::Add, &sum, c.tensor(position)?)?;
    }
    Ok(sum)
}

fn with_bias(l: &mut Lowering, c: &Call) -> Lowered {
    match c.optional(1) {
        Some(bias) => l.binary(Binary::Add, c.tensor(0)?, bias),
        None => Ok(c.tensor(0)?.clone()),
    }
}

/// The limits are attributes before version 11, and inputs since.
fn clipped(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let limit = |name: &str, position: usize| match c.at(position) {
        Operand::Tensor(x) => match &x.known {
            Some(known) if known.len() == 1 => Operand::Float(known[0]),
            _ => Operand::Tensor(x.clone()),
        },
        _ => match c.attribute(name) {
            Some(_) => Operand::Float(c.float(name, 0.0)),
            None => Operand::None,
        },
    };
    let x = c.tensor(0)?;
    let made = match (limit("min", 1), limit("max", 2)) {
        (Operand::None, Operand::None) => x.clone(),
        // Rectified: the kernels know it.
        (Operand::Float(0.0), Operand::None) => l.unary(Unary::Relu, x),
        (Operand::Float(low), Operand::Float(high)) if low <= high => l.hardtanh(x, low, high)?,
        (low, high) => l.clamp(x, &low, &high)?,
    };
    one(Ok(made.of_kind(x.kind)))
}

fn cast(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let code = c.int("to", 0);
    let kind = match array::Kind::of(code) {
        Some(array::Kind::Bool) => Kind::Bool,
        Some(kind) if kind.is_float() => Kind::Float,
        Some(_) => Kind::Int,
        None => {
            return problem(format!(
                "the type {} has no numbers",
                array::kind_name(code)
            ));
        }
    };
    one(Ok(l.cast(c.tensor(0)?, kind)))
}

/// What is dropped in training is not told by the mask, which is all ones.
fn dropout(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let given = c.optional(1).and_then(|rate| rate.known.clone());
    let rate = match (given, c.optional(1)) {
        (Some(given), _) => given.first().copied().unwrap_or(0.5),
        (None, None) => c.float("ratio", 0.5),
        (None, Some(_)) if l.training => return problem("its ratio is not a constant"),
        (None, Some(_)) => 0.0,
    };
    let x = l.dropout(c.tensor(0)?, rate, Dropped::Elements)?;
    let mut made = vec![Operand::Tensor(x.clone())];
    if c.outputs() > 1 {
        let same = l.binary(Binary::Equal, &x, &x)?;
        made.push(Operand::Tensor(same));
    }
    Ok(made)
}

fn is_infinite(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let x = c.tensor(0)?;
    let is = |sign: f64| Unary::EqualScalar(sign * f64::INFINITY);
    one(Ok(
        match (
            c.int("detect_negative", 1) != 0,
            c.int("detect_positive", 1) != 0,
        ) {
            (true, true) => l.unary(Unary::IsInf, x),
            (true, false) => l.unary(is(-1.0), x),
            (false, true) => l.unary(is(1.0), x),
            (false, false) => {
                let missing = l.unary(Unary::IsNan, x);
                let not = l.unary(Unary::Not, &missing);
                l.binary(Binary::And, &missing, &not)?
            }
        },
    ))
}

/// The slope broadcasts as in NumPy.
fn prelu(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, slope) = (c.tensor(0)?, c.tensor(1)?);
    let scaled = l.binary(Binary::Mul, x, slope)?;
    let positive = l.unary(Unary::GreaterScalar(0.0), x);
    one(l.choose(&positive, x, &scaled))
}

/// `x + bias` below `-lambd`, `x - bias` above `lambd`, else 0.
fn shrunk(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, lambd, bias) = (c.tensor(0)?, c.float("lambd", 0.5), c.float("bias", 0.0));
    let zero = l.number(0.0, Kind::Float)?;
    let (less, more) = (
        l.unary(Unary::AddScalar(-bias), x),
        l.unary(Unary::AddScalar(bias), x),
    );
    let (above, below) = (
        l.unary(Unary::GreaterScalar(lambd), x),
        l.unary(Unary::LowerScalar(-lambd), x),
    );
    let upper = l.choose(&above, &less, &zero)?;
    one(l.choose(&below, &more, &upper))
}

/// `log(1 + exp(x))`
fn softplus(l: &mut Lowering, x: &Tensor) -> Tensor {
    let turned = l.unary(Unary::Neg, x);
    let log = l.unary(Unary::LogSigmoid, &turned);
    l.unary(Unary::Neg, &log)
}

/// `x sigmoid(alpha x)`
fn swish(l: &mut Lowering, x: &Tensor, alpha: f64) -> Lowered {
    if alpha == 1.0 {
        return l.gated(Unary::Sigmoid, x);
    }
    let scaled = l.unary(Unary::MulScalar(alpha), x);
    let gate = l.unary(Unary::Sigmoid, &scaled);
    l.binary(Binary::Mul, x, &gate)
}

/// `(x - zero_point) scale`, with one scale, one for each element of an axis, or one for each block of it.
fn dequantized(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, scale) = (c.tensor(0)?, c.tensor(1)?);
    let (rank, place) = (l.rank(x) as i64, c.int("axis", 1));
    let place = if place < 0 { place + rank } else { place };
    let block = c.int("block_size", 0);
    let spread = |l: &mut Lowering, numbers: &Tensor| match l.rank(numbers) {
        _ if l.count(numbers) == 1 && block == 0 => l.reshape_to(numbers, &[]),
        1 if block == 0 => {
            let after: Vec<i64> = (1..rank - place).collect();
            l.unsqueeze(numbers, &after)
        }
        _ => {
            let own = l.shape(numbers);
            let Some(length) = usize::try_from(place)
                .ok()
                .and_then(|a| own.get(a).copied())
            else {
                return problem("its scale has a different number of axes");
            };
            let wide = l.shape(x)[place as usize];
            let block = usize::try_from(block).unwrap_or(0);
            if block == 0 || wide.div_ceil(block) != length {
                return problem("its blocks do not fill the axis");
            }
            l.pick(
                "repeat_dim",
                numbers,
                place as usize,
                (0..wide).map(|i| Some(i / block)),
            )
        }
    };
    let x = l.cast(x, Kind::Float);
    let shifted = match c.optional(2) {
        Some(zero) => {
            let zero = spread(l, zero)?;
            l.binary(Binary::Sub, &x, &zero)?
        }
        None => x,
    };
    let scale = spread(l, scale)?;
    one(l.binary(Binary::Mul, &shifted, &scale))
}

fn quantized(_: &mut Lowering, _: &Call) -> Lowered<Vec<Operand>> {
    problem(
        "a quantised network has no gradients, and its loss is a staircase; export the network before it is quantised",
    )
}
