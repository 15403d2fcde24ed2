//! Normalisations.

use super::super::one;
use crate::lower::{Lowered, Lowering, Operand, Tensor, axis, problem, size};
use crate::onnx::run::Call;
use landscape_trace::{Binary, Unary};

/// With given statistics; training's outputs are not computed.
pub(crate) fn batch(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let epsilon = c.float("epsilon", 1e-5);
    // The share of the running statistics, not of the batch.
    let kept = c.float("momentum", 0.9);
    let (x, scale, shift) = (c.tensor(0)?, c.tensor(1)?, c.tensor(2)?);
    one(l.batch_norm(
        x,
        [Some(scale), Some(shift)],
        [c.tensor(3)?, c.tensor(4)?],
        [epsilon, 1.0 - kept],
    ))
}

pub(crate) fn instance(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let x = c.tensor(0)?;
    let channels = l.shape(x).get(1).copied().unwrap_or(0);
    let scales = [Some(c.tensor(1)?), Some(c.tensor(2)?)];
    one(l.group_norm(x, channels, scales, c.float("epsilon", 1e-5)))
}

/// Scale and shift are one number a group before version 21, and one a channel since.
pub(crate) fn group(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let x = c.tensor(0)?;
    let (groups, channels) = (
        size(c.int("num_groups", 1))?,
        l.shape(x).get(1).copied().unwrap_or(0),
    );
    if groups == 0 || !channels.is_multiple_of(groups) {
        return problem(format!(
            "{channels} channels cannot be divided into {groups} groups"
        ));
    }
    let of_channels = |l: &mut Lowering, numbers: &Tensor| match l.count(numbers) {
        count if count == channels || count != groups => Ok(numbers.clone()),
        _ => {
            let own = channels / groups;
            l.pick(
                "repeat_dim",
                numbers,
                0,
                (0..channels).map(|i| Some(i / own)),
            )
        }
    };
    let (scale, shift) = (of_channels(l, c.tensor(1)?)?, of_channels(l, c.tensor(2)?)?);
    one(l.group_norm(
        x,
        groups,
        [Some(&scale), Some(&shift)],
        c.float("epsilon", 1e-5),
    ))
}

/// How many axes are normalised together: all from one on.
fn axes_from(l: &Lowering, c: &Call, x: &Tensor) -> Lowered<usize> {
    let rank = l.rank(x);
    Ok(rank - axis(c.int("axis", -1), rank)?.min(rank))
}

/// Scale and shift repeat to the axes that are normalised.
fn repeated(
    l: &mut Lowering,
    numbers: Option<&Tensor>,
    x: &Tensor,
    axes: usize,
) -> Lowered<Option<Tensor>> {
    let Some(numbers) = numbers else {
        return Ok(None);
    };
    let own = l.shape(x);
    let wanted = &own[own.len() - axes..];
    let count: usize = wanted.iter().product();
    match l.count(numbers) == count {
        true => Ok(Some(numbers.clone())),
        false => l.expand_to(numbers, wanted).map(Some),
    }
}

pub(crate) fn layer(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let x = c.tensor(0)?;
    let axes = axes_from(l, c, x)?;
    let scale = repeated(l, c.optional(1), x, axes)?;
    let shift = repeated(l, c.optional(2), x, axes)?;
    let epsilon = c.float("epsilon", 1e-5);
    let normal = l.layer_norm(x, axes, [scale.as_ref(), shift.as_ref()], epsilon)?;
    let mut made = vec![Operand::Tensor(normal)];
    if c.outputs() > 1 {
        let along: Vec<i64> = (1..=axes as i64).map(|a| -a).collect();
        let [variance, mean] = l.variance(x, &along, 0.0, true)?;
        let spread = l.unary(Unary::AddScalar(epsilon), &variance);
        let spread = l.unary(Unary::Sqrt, &spread);
        let inverse = l.unary(Unary::Recip, &spread);
        made.extend([Operand::Tensor(mean), Operand::Tensor(inverse)]);
    }
    Ok(made)
}

pub(crate) fn rms(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let x = c.tensor(0)?;
    let axes = axes_from(l, c, x)?;
    one(l.rms_norm(x, axes, c.optional(1), c.float("epsilon", 1e-5)))
}

/// Of onnxruntime: a sum of two values (and a bias), normalised.
pub(crate) fn skip(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let mut sum = l.binary(Binary::Add, c.tensor(0)?, c.tensor(1)?)?;
    if let Some(bias) = c.optional(4) {
        sum = l.binary(Binary::Add, &sum, bias)?;
    }
    let normal = l.layer_norm(
        &sum,
        1,
        [c.optional(2), c.optional(3)],
        c.float("epsilon", 1e-12),
    )?;
    Ok(vec![
        Operand::Tensor(normal),
        Operand::None,
        Operand::None,
        Operand::Tensor(sum),
    ])
}

/// `x / (bias + alpha / size sum x^2)^beta`, the sum over channels beside each other.
pub(crate) fn local_response(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let x = c.tensor(0)?;
    let (alpha, beta, bias) = (
        c.float("alpha", 1e-4),
        c.float("beta", 0.75),
        c.float("bias", 1.0),
    );
    let (channels, width) = (
        l.shape(x).get(1).copied().unwrap_or(0),
        size(c.int("size", 1))?,
    );
    if width == 0 || channels == 0 {
        return problem(format!("windows of {width} of {channels} channels"));
    }
    let (before, after) = ((width - 1) / 2, width / 2);
    l.spend(&[channels, width.min(channels)])?;
    let near = |o: usize| o.saturating_sub(before)..channels.min(o.saturating_add(after + 1));
    let terms = (0..channels)
        .map(|o| near(o).map(|i| (i, alpha / width as f64)).collect())
        .collect();
    let squares = l.unary(Unary::PowScalar(2.0), x);
    let value = l.builder.weighted_sums("lrn", squares.value, 1, terms)?;
    let sums = l.tensor(value, crate::lower::Kind::Float);
    let sums = l.unary(Unary::AddScalar(bias), &sums);
    let scale = l.unary(Unary::PowScalar(-beta), &sums);
    one(l.binary(Binary::Mul, x, &scale))
}
