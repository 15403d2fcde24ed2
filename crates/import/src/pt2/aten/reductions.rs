//! Sums, means, extrema, norms, softmax.

use super::{Rows, list, one};
use crate::lower::{Kind, Lowered, Lowering, Operand, problem};
use crate::pt2::call::Call;
use landscape_trace::{Reduction, Unary};

/// The axes that are given; none stands for all.
pub(super) fn along(c: &Call) -> Lowered<Vec<i64>> {
    match c.has("dim") {
        true => c.ints("dim"),
        false => Ok(Vec::new()),
    }
}

fn reduce(l: &mut Lowering, c: &Call, reduction: Reduction) -> Lowered<Operand> {
    one(l.reduce(reduction, c.x()?, &along(c)?, c.bool_or("keepdim", false)?))
}

/// A maximum or minimum: of all, of two tensors, or along an axis with its places.
fn extreme(l: &mut Lowering, c: &Call, greatest: bool) -> Lowered<Operand> {
    if let Operand::Tensor(other) = c.get("other") {
        return one(l.extreme(c.x()?, other, greatest));
    }
    if c.has("dim") {
        let both = l.extreme_along(
            c.x()?,
            c.int("dim")?,
            c.bool_or("keepdim", false)?,
            greatest,
        )?;
        return list(both.to_vec());
    }
    let reduction = if greatest {
        Reduction::Max
    } else {
        Reduction::Min
    };
    one(l.reduce(reduction, c.x()?, &[], false))
}

fn arg(l: &mut Lowering, c: &Call, greatest: bool) -> Lowered<Operand> {
    let place = c.optional_int("dim")?;
    one(l.place_of_extreme(c.x()?, place, c.bool_or("keepdim", false)?, greatest))
}

/// What sums of squares are divided by: their number less this.
fn correction(c: &Call) -> Lowered<f64> {
    match (c.has("correction"), c.bool_or("unbiased", true)?) {
        (true, _) => c.number("correction"),
        (false, true) => Ok(1.0),
        (false, false) => Ok(0.0),
    }
}

fn variance(l: &mut Lowering, c: &Call, root: bool, mean: bool) -> Lowered<Operand> {
    let [mut spread, average] = l.variance(
        c.x()?,
        &along(c)?,
        correction(c)?,
        c.bool_or("keepdim", false)?,
    )?;
    if root {
        spread = l.unary(Unary::Sqrt, &spread);
    }
    if mean {
        list(vec![spread, average])
    } else {
        Ok(spread.into())
    }
}

fn norm(l: &mut Lowering, c: &Call, name: &str) -> Lowered<Operand> {
    let p = match c.get(name) {
        Operand::None => 2.0,
        Operand::Text(text) if text == "fro" => 2.0,
        other => other.number()?,
    };
    one(l.norm(c.x()?, p, &along(c)?, c.bool_or("keepdim", false)?))
}

fn softmax(l: &mut Lowering, c: &Call, log: bool) -> Lowered<Operand> {
    one(l.softmax(c.x()?, c.int("dim")?, log))
}

fn trace(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let diagonal = l.diagonal(c.x()?, 0, 0, 1)?;
    one(l.sum(&diagonal, &[], false))
}

pub(super) const ROWS: Rows = &[
    (&["sum"], |l, c| reduce(l, c, Reduction::Sum)),
    (&["nansum"], |l, c| {
        let there = l.unary(Unary::IsNan, c.x()?);
        let there = l.unary(Unary::Not, &there);
        let x = l.unless(c.x()?, &there, 0.0)?;
        one(l.sum(&x, &along(c)?, c.bool_or("keepdim", false)?))
    }),
    (&["mean"], |l, c| reduce(l, c, Reduction::Mean)),
    (&["amax"], |l, c| reduce(l, c, Reduction::Max)),
    (&["amin"], |l, c| reduce(l, c, Reduction::Min)),
    (&["max"], |l, c| extreme(l, c, true)),
    (&["min"], |l, c| extreme(l, c, false)),
    (&["aminmax"], |l, c| {
        let keep = c.bool_or("keepdim", false)?;
        let least = l.reduce(Reduction::Min, c.x()?, &along(c)?, keep)?;
        list(vec![
            least,
            l.reduce(Reduction::Max, c.x()?, &along(c)?, keep)?,
        ])
    }),
    (&["argmax"], |l, c| arg(l, c, true)),
    (&["argmin"], |l, c| arg(l, c, false)),
    (&["prod"], |l, c| {
        one(l.product(c.x()?, &along(c)?, c.bool_or("keepdim", false)?))
    }),
    (&["any"], |l, c| {
        one(l.truth(c.x()?, &along(c)?, c.bool_or("keepdim", false)?, false))
    }),
    (&["all"], |l, c| {
        one(l.truth(c.x()?, &along(c)?, c.bool_or("keepdim", false)?, true))
    }),
    (&["count_nonzero"], |l, c| {
        let there = l.cast(c.x()?, Kind::Bool);
        one(l.sum(&there, &along(c)?, false))
    }),
    (&["var"], |l, c| variance(l, c, false, false)),
    (&["std"], |l, c| variance(l, c, true, false)),
    (&["var_mean"], |l, c| variance(l, c, false, true)),
    (&["std_mean"], |l, c| variance(l, c, true, true)),
    (&["norm"], |l, c| norm(l, c, "p")),
    (&["linalg_vector_norm"], |l, c| norm(l, c, "ord")),
    (&["linalg_norm"], |l, c| norm(l, c, "ord")),
    (&["frobenius_norm"], |l, c| norm(l, c, "p")),
    (&["dist"], |l, c| {
        let difference = l.binary(
            landscape_trace::Binary::Sub,
            c.at(0).tensor()?,
            c.at(1).tensor()?,
        )?;
        one(l.norm(&difference, c.number_or("p", 2.0)?, &[], false))
    }),
    (&["logsumexp"], |l, c| {
        one(l.log_sum_exp(c.x()?, &along(c)?, c.bool_or("keepdim", false)?))
    }),
    (
        &["softmax", "_softmax", "special_softmax", "_safe_softmax"],
        |l, c| softmax(l, c, false),
    ),
    (
        &["log_softmax", "_log_softmax", "special_log_softmax"],
        |l, c| softmax(l, c, true),
    ),
    (&["softmin"], |l, c| {
        let x = l.unary(Unary::Neg, c.x()?);
        one(l.softmax(&x, c.int("dim")?, false))
    }),
    (&["trace"], trace),
    (
        &[
            "linalg_matrix_norm",
            "linalg_svd",
            "linalg_eigh",
            "linalg_inv_ex",
            "linalg_cholesky_ex",
            "linalg_qr",
            "linalg_solve_ex",
            "_linalg_det",
            "_linalg_svd",
            "_linalg_eigh",
            "_linalg_slogdet",
            "_linalg_solve_ex",
        ],
        |_, _| problem("decompositions of matrices are not supported"),
    ),
];
