//! Losses inside of a program.

use super::{Rows, list, one};
use crate::lower::{Kind, Lowered, Lowering, Operand, Tensor, problem};
use crate::pt2::call::Call;
use landscape_trace::{Binary, Unary};

/// How losses are taken together: none, a mean, a sum.
fn reduced(l: &mut Lowering, c: &Call, each: &Tensor) -> Lowered<Operand> {
    match c.int_or("reduction", 1)? {
        0 => Ok(each.clone().into()),
        1 => one(l.mean(each, &[], false)),
        _ => one(l.sum(each, &[], false)),
    }
}

fn difference(l: &mut Lowering, c: &Call) -> Lowered {
    l.binary(Binary::Sub, c.at(0).tensor()?, c.at(1).tensor()?)
}

/// `-log p` at the labels along axis 1, of logarithms of probabilities; and the weights of what counts.
fn at_labels(l: &mut Lowering, c: &Call, logs: &Tensor, labels: &Tensor) -> Lowered<[Tensor; 2]> {
    let place = if l.rank(logs) == 1 { 0 } else { 1 };
    let kept = l.unary(
        Unary::NotEqualScalar(c.int_or("ignore_index", -100)? as f64),
        labels,
    );
    let safe = l.unless(labels, &kept, 0.0)?;
    let index = l.unsqueeze(&safe, &[place])?;
    let found = l.gather(logs, place, &index)?;
    let found = l.squeeze(&found, Some(&[place]))?;
    let less = l.unary(Unary::Neg, &found);
    let mut weight = kept.of_kind(Kind::Float);
    if let Some(weights) = c.optional("weight")? {
        let own = l.take(weights, 0, &safe)?;
        weight = l.binary(Binary::Mul, &weight, &own)?;
    }
    Ok([l.binary(Binary::Mul, &less, &weight)?, weight])
}

fn nll(l: &mut Lowering, c: &Call, logs: &Tensor) -> Lowered<[Tensor; 2]> {
    let labels = c.at(1).tensor()?;
    let [each, weight] = at_labels(l, c, logs, labels)?;
    let total = l.sum(&weight, &[], false)?;
    let loss = match c.int_or("reduction", 1)? {
        0 => each,
        1 => {
            let sum = l.sum(&each, &[], false)?;
            l.binary(Binary::Div, &sum, &total)?
        }
        _ => l.sum(&each, &[], false)?,
    };
    Ok([loss, total])
}

fn cross_entropy(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (x, target) = (c.x()?, c.at(1).tensor()?.clone());
    let smoothing = c.number_or("label_smoothing", 0.0)?;
    let place = if l.rank(x) == 1 { 0 } else { 1 };
    let logs = l.softmax(x, place, true)?;
    if target.kind != Kind::Float {
        if smoothing != 0.0 {
            return problem("smoothed labels are not supported; give probabilities as targets");
        }
        let [loss, _] = nll(l, c, &logs)?;
        return Ok(loss.into());
    }
    let classes = l.shape(x)[place as usize] as f64;
    let target = match smoothing == 0.0 {
        true => target,
        false => {
            let less = l.unary(Unary::MulScalar(1.0 - smoothing), &target);
            l.unary(Unary::AddScalar(smoothing / classes), &less)
        }
    };
    let mut product = l.binary(Binary::Mul, &logs, &target)?;
    if let Some(weights) = c.optional("weight")? {
        let mut along = vec![1; l.rank(x)];
        along[place as usize] = l.count(weights);
        let weights = l.reshape_to(weights, &along)?;
        product = l.binary(Binary::Mul, &product, &weights)?;
    }
    let sum = l.sum(&product, &[place], false)?;
    let each = l.unary(Unary::Neg, &sum);
    reduced(l, c, &each)
}

/// `(1 - y) x + w softplus(-x)` with the weight `1 + (p - 1) y` of positive targets.
fn bce_with_logits(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (x, y) = (c.at(0).tensor()?, c.at(1).tensor()?);
    let log = l.unary(Unary::LogSigmoid, x);
    let tail = l.unary(Unary::Neg, &log);
    let tail = match c.optional("pos_weight")? {
        None => tail,
        Some(weight) => {
            let less = l.unary(Unary::AddScalar(-1.0), weight);
            let own = l.binary(Binary::Mul, &less, y)?;
            let own = l.unary(Unary::AddScalar(1.0), &own);
            l.binary(Binary::Mul, &own, &tail)?
        }
    };
    let rest = l.arithmetic(Binary::Sub, &Operand::Float(1.0), &y.clone().into())?;
    let rest = l.binary(Binary::Mul, rest.tensor()?, x)?;
    let each = l.binary(Binary::Add, &rest, &tail)?;
    weighted(l, c, &each)
}

fn weighted(l: &mut Lowering, c: &Call, each: &Tensor) -> Lowered<Operand> {
    let each = match c.optional("weight")? {
        None => each.clone(),
        Some(weight) => l.binary(Binary::Mul, each, weight)?,
    };
    reduced(l, c, &each)
}

fn bce(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (p, y) = (c.at(0).tensor()?, c.at(1).tensor()?);
    let log = |l: &mut Lowering, f: Unary, x: &Tensor| {
        let log = l.unary(f, x);
        l.unary(Unary::Clamp(-100.0, f64::INFINITY), &log)
    };
    let yes = log(l, Unary::Log, p);
    let less = l.unary(Unary::Neg, p);
    let no = log(l, Unary::Log1p, &less);
    let first = l.binary(Binary::Mul, y, &yes)?;
    let rest = l.arithmetic(Binary::Sub, &Operand::Float(1.0), &y.clone().into())?;
    let second = l.binary(Binary::Mul, rest.tensor()?, &no)?;
    let sum = l.binary(Binary::Add, &first, &second)?;
    let each = l.unary(Unary::Neg, &sum);
    weighted(l, c, &each)
}

/// `d^2 / (2 beta)` where `|d| < beta`, else `|d| - beta / 2`; all times a factor.
fn huber(l: &mut Lowering, c: &Call, beta: f64, factor: f64) -> Lowered<Operand> {
    let d = difference(l, c)?;
    let size = l.unary(Unary::Abs, &d);
    let square = l.binary(Binary::Mul, &d, &d)?;
    let near = l.unary(
        Unary::MulScalar(factor / (2.0 * beta).max(f64::MIN_POSITIVE)),
        &square,
    );
    let far = l.unary(Unary::AddScalar(-beta / 2.0), &size);
    let far = l.unary(Unary::MulScalar(factor), &far);
    let within = l.unary(Unary::LowerScalar(beta), &size);
    let each = l.choose(&within, &near, &far)?;
    reduced(l, c, &each)
}

fn kl_div(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (x, y) = (c.at(0).tensor()?, c.at(1).tensor()?);
    let each = if c.bool_or("log_target", false)? {
        let weight = l.unary(Unary::Exp, y);
        let d = l.binary(Binary::Sub, y, x)?;
        l.binary(Binary::Mul, &weight, &d)?
    } else {
        let none = l.unary(Unary::EqualScalar(0.0), y);
        let unit = l.number(1.0, Kind::Float)?;
        let safe = l.choose(&none, &unit, y)?;
        let log = l.unary(Unary::Log, &safe);
        let own = l.binary(Binary::Mul, y, &log)?;
        let other = l.binary(Binary::Mul, y, x)?;
        l.binary(Binary::Sub, &own, &other)?
    };
    reduced(l, c, &each)
}

/// `max(0, x)` of a margin.
fn hinge(l: &mut Lowering, c: &Call, x: &Operand) -> Lowered<Operand> {
    let each = l.unary(Unary::Relu, x.tensor()?);
    reduced(l, c, &each)
}

pub(super) const ROWS: Rows = &[
    (&["mse_loss"], |l, c| {
        let d = difference(l, c)?;
        let each = l.binary(Binary::Mul, &d, &d)?;
        reduced(l, c, &each)
    }),
    (&["l1_loss"], |l, c| {
        let d = difference(l, c)?;
        let each = l.unary(Unary::Abs, &d);
        reduced(l, c, &each)
    }),
    (&["smooth_l1_loss"], |l, c| {
        huber(l, c, c.number_or("beta", 1.0)?, 1.0)
    }),
    (&["huber_loss"], |l, c| {
        let delta = c.number_or("delta", 1.0)?;
        huber(l, c, delta, delta)
    }),
    (&["cross_entropy_loss"], cross_entropy),
    (&["nll_loss", "nll_loss_nd", "nll_loss2d"], |l, c| {
        let [loss, _] = nll(l, c, c.x()?)?;
        Ok(loss.into())
    }),
    (&["nll_loss_forward", "nll_loss2d_forward"], |l, c| {
        list(nll(l, c, c.x()?)?.to_vec())
    }),
    (&["binary_cross_entropy_with_logits"], bce_with_logits),
    (&["binary_cross_entropy"], bce),
    (&["kl_div"], kl_div),
    (&["soft_margin_loss"], |l, c| {
        let product = l.binary(Binary::Mul, c.at(0).tensor()?, c.at(1).tensor()?)?;
        let log = l.unary(Unary::LogSigmoid, &product);
        let each = l.unary(Unary::Neg, &log);
        reduced(l, c, &each)
    }),
    (&["margin_ranking_loss"], |l, c| {
        let d = difference(l, c)?;
        let product = l.binary(Binary::Mul, &d, c.tensor("target")?)?;
        let margin = l.arithmetic(
            Binary::Sub,
            &Operand::Float(c.number_or("margin", 0.0)?),
            &product.into(),
        )?;
        hinge(l, c, &margin)
    }),
    (&["hinge_embedding_loss"], |l, c| {
        let (x, y) = (c.at(0).tensor()?, c.at(1).tensor()?);
        let less = l.arithmetic(
            Binary::Sub,
            &Operand::Float(c.number_or("margin", 1.0)?),
            &x.clone().into(),
        )?;
        let less = l.unary(Unary::Relu, less.tensor()?);
        let positive = l.unary(Unary::EqualScalar(1.0), y);
        let each = l.choose(&positive, x, &less)?;
        reduced(l, c, &each)
    }),
    (&["poisson_nll_loss"], |l, c| {
        let (x, y) = (c.at(0).tensor()?, c.at(1).tensor()?);
        let each = match c.bool_or("log_input", true)? {
            true => {
                let rate = l.unary(Unary::Exp, x);
                let product = l.binary(Binary::Mul, y, x)?;
                l.binary(Binary::Sub, &rate, &product)?
            }
            false => {
                let safe = l.unary(Unary::AddScalar(c.number_or("eps", 1e-8)?), x);
                let log = l.unary(Unary::Log, &safe);
                let product = l.binary(Binary::Mul, y, &log)?;
                l.binary(Binary::Sub, x, &product)?
            }
        };
        match c.bool_or("full", false)? {
            true => problem("Stirling's term is not supported"),
            false => reduced(l, c, &each),
        }
    }),
    (&["triplet_margin_loss"], |l, c| {
        if c.bool_or("swap", false)? {
            return problem("`swap` is not supported");
        }
        let p = c.number_or("p", 2.0)?;
        let eps = c.number_or("eps", 1e-6)?;
        let mut distance = |other: &Operand| {
            let d = l.binary(Binary::Sub, c.at(0).tensor()?, other.tensor()?)?;
            let d = l.unary(Unary::AddScalar(eps), &d);
            l.norm(&d, p, &[-1], false)
        };
        let (near, far) = (distance(c.at(1))?, distance(c.at(2))?);
        let d = l.binary(Binary::Sub, &near, &far)?;
        let d = l.unary(Unary::AddScalar(c.number_or("margin", 1.0)?), &d);
        hinge(l, c, &d.into())
    }),
    (
        &[
            "cosine_embedding_loss",
            "multi_margin_loss",
            "multilabel_margin_loss",
            "ctc_loss",
            "_ctc_loss",
        ],
        |_, _| {
            problem(
                "this loss is not supported; export the network without it, or a decomposed program",
            )
        },
    ),
];
