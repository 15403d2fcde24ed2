//! Activations.

use super::{Rows, list, one};
use crate::lower::{Lowered, Lowering, Operand, Tensor};
use crate::pt2::call::Call;
use landscape_trace::{Binary, Unary};

fn unary(l: &mut Lowering, c: &Call, f: Unary) -> Lowered<Operand> {
    Ok(l.unary(f, c.x()?).into())
}

/// `x` where a condition on it holds, else 0.
fn kept(l: &mut Lowering, x: &Tensor, y: &Tensor, mask: &Tensor) -> Lowered {
    let zero = l.number(0.0, x.kind)?;
    l.choose(mask, y, &zero)
}

pub(super) const ROWS: Rows = &[
    (&["relu"], |l, c| unary(l, c, Unary::Relu)),
    (&["relu6"], |l, c| one(l.hardtanh(c.x()?, 0.0, 6.0))),
    (&["leaky_relu"], |l, c| {
        unary(l, c, Unary::LeakyRelu(c.number_or("negative_slope", 0.01)?))
    }),
    (&["rrelu", "rrelu_with_noise"], |l, c| {
        let (low, high) = (
            c.number_or("lower", 0.125)?,
            c.number_or("upper", 1.0 / 3.0)?,
        );
        unary(l, c, Unary::LeakyRelu((low + high) / 2.0))
    }),
    (&["sigmoid"], |l, c| unary(l, c, Unary::Sigmoid)),
    (&["log_sigmoid"], |l, c| unary(l, c, Unary::LogSigmoid)),
    (&["log_sigmoid_forward"], |l, c| {
        let y = l.unary(Unary::LogSigmoid, c.x()?);
        list(vec![y.clone(), y])
    }),
    (&["tanh"], |l, c| unary(l, c, Unary::Tanh)),
    (&["hardsigmoid"], |l, c| {
        unary(l, c, Unary::HardSigmoid(1.0 / 6.0, 0.5))
    }),
    (&["hardswish"], |l, c| {
        one(l.gated(Unary::HardSigmoid(1.0 / 6.0, 0.5), c.x()?))
    }),
    (&["hardtanh"], |l, c| {
        let (low, high) = (c.number_or("min_val", -1.0)?, c.number_or("max_val", 1.0)?);
        one(l.hardtanh(c.x()?, low, high))
    }),
    (&["silu"], |l, c| one(l.gated(Unary::Sigmoid, c.x()?))),
    (&["mish"], |l, c| {
        let x = c.x()?;
        let smooth = l.softplus(x, 1.0, f64::INFINITY)?;
        let gate = l.unary(Unary::Tanh, &smooth);
        one(l.binary(Binary::Mul, x, &gate))
    }),
    (&["gelu"], |l, c| {
        one(l.gelu(c.x()?, c.text_or("approximate", "none") == "tanh"))
    }),
    (&["elu"], |l, c| {
        let (alpha, scale) = (c.number_or("alpha", 1.0)?, c.number_or("scale", 1.0)?);
        one(l.elu(c.x()?, alpha, scale, c.number_or("input_scale", 1.0)?))
    }),
    (&["celu"], |l, c| {
        let alpha = c.number_or("alpha", 1.0)?;
        one(l.elu(c.x()?, alpha, 1.0, 1.0 / alpha))
    }),
    (&["selu"], |l, c| {
        const ALPHA: f64 = 1.673_263_242_354_377_2;
        const SCALE: f64 = 1.050_700_987_355_480_5;
        one(l.elu(c.x()?, ALPHA, SCALE, 1.0))
    }),
    (&["softplus"], |l, c| {
        one(l.softplus(
            c.x()?,
            c.number_or("beta", 1.0)?,
            c.number_or("threshold", 20.0)?,
        ))
    }),
    (&["softsign"], |l, c| {
        let x = c.x()?;
        let size = l.unary(Unary::Abs, x);
        let size = l.unary(Unary::AddScalar(1.0), &size);
        one(l.binary(Binary::Div, x, &size))
    }),
    (&["tanhshrink"], |l, c| {
        let y = l.unary(Unary::Tanh, c.x()?);
        one(l.binary(Binary::Sub, c.x()?, &y))
    }),
    (&["hardshrink"], |l, c| {
        let (x, limit) = (c.x()?, c.number_or("lambd", 0.5)?);
        let size = l.unary(Unary::Abs, x);
        let there = l.unary(Unary::GreaterScalar(limit), &size);
        one(kept(l, x, x, &there))
    }),
    (&["softshrink"], |l, c| {
        let (x, limit) = (c.x()?, c.number_or("lambd", 0.5)?);
        let within = l.unary(Unary::Clamp(-limit, limit), x);
        one(l.binary(Binary::Sub, x, &within))
    }),
    (&["threshold"], |l, c| {
        let x = c.x()?;
        let above = l.unary(Unary::GreaterScalar(c.number("threshold")?), x);
        one(l.unless(x, &above, c.number("value")?))
    }),
    (&["glu"], |l, c| {
        let parts = l.chunk(c.x()?, c.int_or("dim", -1)?, 2)?;
        match &parts[..] {
            [a, b] => {
                let gate = l.unary(Unary::Sigmoid, b);
                one(l.binary(Binary::Mul, a, &gate))
            }
            _ => crate::lower::problem("its axis cannot be cut into halves"),
        }
    }),
    (&["prelu", "_prelu_kernel"], |l, c| {
        one(l.prelu(c.x()?, c.tensor("weight")?))
    }),
];
