//! Losses that a program computes itself.

use super::{Table, one};
use crate::lower::{Kind, Lowered, Lowering, Operand, Tensor, problem};
use crate::onnx::run::Call;
use landscape_trace::{Binary, Unary};

pub(super) const TABLE: Table = &[
    ("SoftmaxCrossEntropyLoss", |l, c| {
        let logs = l.softmax(c.tensor(0)?, 1, true)?;
        let mut made = likelihood(l, c, &logs)?;
        made.push(Operand::Tensor(logs));
        Ok(made)
    }),
    ("NegativeLogLikelihoodLoss", |l, c| {
        likelihood(l, c, c.tensor(0)?)
    }),
];

/// What is left out, and what each class counts, is said by an index and weights.
fn likelihood(l: &mut Lowering, c: &Call, logs: &Tensor) -> Lowered<Vec<Operand>> {
    let labels = c.tensor(1)?;
    let ignored = c
        .attribute("ignore_index")
        .map(|_| c.int("ignore_index", 0));
    let inside = l.unary(Unary::Clamp(0.0, f64::INFINITY), labels);
    let inside = match ignored {
        // Any class, where what is ignored is none.
        Some(index) if index >= 0 => {
            let there = l.unary(Unary::NotEqualScalar(index as f64), &inside);
            l.binary(Binary::Mul, &inside, &there.of_kind(Kind::Int))?
        }
        _ => inside,
    };
    let place = l.unsqueeze(&inside.of_kind(Kind::Int), &[1])?;
    let picked = l.gather(logs, 1, &place)?;
    let picked = l.squeeze(&picked, Some(&[1]))?;
    let losses = l.unary(Unary::Neg, &picked);
    let weights = weights(l, c, labels, &inside, ignored)?;
    let weighted = match &weights {
        None => losses,
        Some(weights) => l.binary(Binary::Mul, weights, &losses)?,
    };
    let made = match c.text("reduction", "mean") {
        "none" => weighted,
        "sum" => l.sum(&weighted, &[], false)?,
        "mean" => match weights {
            None => l.mean(&weighted, &[], false)?,
            Some(weights) => {
                let (sum, all) = (l.sum(&weighted, &[], false)?, l.sum(&weights, &[], false)?);
                l.binary(Binary::Div, &sum, &all)?
            }
        },
        other => return problem(format!("the reduction `{other}` is not supported")),
    };
    one(Ok(made))
}

/// What each label counts.
fn weights(
    l: &mut Lowering,
    c: &Call,
    labels: &Tensor,
    inside: &Tensor,
    ignored: Option<i64>,
) -> Lowered<Option<Tensor>> {
    let own = match c.optional(2) {
        None => None,
        Some(of_classes) => Some(l.take(of_classes, 0, &inside.of_kind(Kind::Int))?),
    };
    let Some(index) = ignored else { return Ok(own) };
    let there = l.unary(Unary::NotEqualScalar(index as f64), labels);
    let there = l.cast(&there, Kind::Float);
    match own {
        None => Ok(Some(there)),
        Some(own) => l.binary(Binary::Mul, &own, &there).map(Some),
    }
}
