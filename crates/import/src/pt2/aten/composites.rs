//! Operations that are made of others, and stand in a graph as they are because PyTorch only takes them apart when it is asked
//! to: differences, sums by the trapezium rule, products of Kronecker.

use super::arithmetic::log_add_exp;
use super::reductions::along;
use super::{Rows, list, one};
use crate::lower::{Lowered, Lowering, Operand, Tensor, axis, problem};
use crate::pt2::call::Call;
use landscape_trace::{Binary, Reduction, Unary, Update};
use std::f64::consts::LN_2;

/// Neighbours along an axis: all elements but the first, and all but the last.
fn neighbours(l: &mut Lowering, x: &Tensor, place: i64) -> Lowered<[Tensor; 2]> {
    let later = l.slice(x, place, Some(1), None, 1)?;
    Ok([later, l.slice(x, place, None, Some(-1), 1)?])
}

fn differences(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let place = c.int_or("dim", -1)?;
    let ends = [c.optional("prepend")?, Some(c.x()?), c.optional("append")?];
    let parts: Vec<Tensor> = ends.into_iter().flatten().cloned().collect();
    let mut x = match parts.as_slice() {
        [alone] => alone.clone(),
        _ => l.cat(&parts, place)?,
    };
    for _ in 0..c.int_or("n", 1)?.clamp(0, 64) {
        let [later, earlier] = neighbours(l, &x, place)?;
        x = l.binary(Binary::Sub, &later, &earlier)?;
    }
    Ok(x.into())
}

/// The integral by the trapezium rule, of points that are `dx` apart or at places of their own.
fn trapezoid(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (y, place) = (c.tensor("y")?, c.int_or("dim", -1)?);
    let [later, earlier] = neighbours(l, y, place)?;
    let mut both = l.binary(Binary::Add, &later, &earlier)?;
    let mut step = c.number_or("dx", 1.0)?;
    if let Some(x) = c.optional("x")? {
        let rank = l.rank(y);
        let beside = rank - 1 - axis(place, rank)?;
        let along = if l.rank(x) == 1 { 0 } else { place };
        let [later, earlier] = neighbours(l, x, along)?;
        let mut widths = l.binary(Binary::Sub, &later, &earlier)?;
        if l.rank(x) == 1 && beside > 0 {
            widths = l.unsqueeze(&widths, &vec![-1; beside])?;
        }
        both = l.binary(Binary::Mul, &both, &widths)?;
        step = 1.0;
    }
    let sum = l.sum(&both, &[place], false)?;
    one(Ok(l.unary(Unary::MulScalar(0.5 * step), &sum)))
}

/// The product of vectors of three along an axis: the first of length 3 unless one is named.
fn cross(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (a, b) = (c.at(0).tensor()?, c.at(1).tensor()?);
    let first = || l.shape(a).iter().position(|&n| n == 3);
    let place = match c.has("dim") {
        true => c.int("dim")?,
        false => first().map_or(-1, |place| place as i64),
    };
    let (a1, b2) = (l.roll(a, &[-1], &[place])?, l.roll(b, &[-2], &[place])?);
    let (a2, b1) = (l.roll(a, &[-2], &[place])?, l.roll(b, &[-1], &[place])?);
    let (left, right) = (
        l.binary(Binary::Mul, &a1, &b2)?,
        l.binary(Binary::Mul, &a2, &b1)?,
    );
    one(l.binary(Binary::Sub, &left, &right))
}

fn is_close(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (a, b) = (c.at(0).tensor()?, c.at(1).tensor()?);
    let difference = l.binary(Binary::Sub, a, b)?;
    let distance = l.unary(Unary::Abs, &difference);
    let size = l.unary(Unary::Abs, b);
    let relative = l.unary(Unary::MulScalar(c.number_or("rtol", 1e-5)?), &size);
    let allowed = l.unary(Unary::AddScalar(c.number_or("atol", 1e-8)?), &relative);
    one(l.binary(Binary::LowerEqual, &distance, &allowed))
}

/// `log2(2^a + 2^b)`.
fn log_add_exp2(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let a = l.unary(Unary::MulScalar(LN_2), c.at(0).tensor()?);
    let b = l.unary(Unary::MulScalar(LN_2), c.at(1).tensor()?);
    let sum = log_add_exp(l, &a, &b)?;
    one(Ok(l.unary(Unary::DivScalar(LN_2), &sum)))
}

fn nan_mean(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (along, keep) = (along(c)?, c.bool_or("keepdim", false)?);
    let missing = l.unary(Unary::IsNan, c.x()?);
    let there = l.unary(Unary::Not, &missing);
    let x = l.unless(c.x()?, &there, 0.0)?;
    let sum = l.sum(&x, &along, keep)?;
    let count = l.sum(&there, &along, keep)?;
    one(l.binary(Binary::Div, &sum, &count))
}

/// Kronecker's product: each element of the first by the whole second.
fn kron(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (mut a, mut b) = (c.at(0).tensor()?.clone(), c.at(1).tensor()?.clone());
    let rank = l.rank(&a).max(l.rank(&b));
    for x in [&mut a, &mut b] {
        for _ in l.rank(x)..rank {
            *x = l.unsqueeze(x, &[0])?;
        }
    }
    let sizes: Vec<usize> = std::iter::zip(l.shape(&a), l.shape(&b))
        .map(|(m, n)| m * n)
        .collect();
    for i in 0..rank as i64 {
        a = l.unsqueeze(&a, &[2 * i + 1])?;
        b = l.unsqueeze(&b, &[2 * i])?;
    }
    let product = l.binary(Binary::Mul, &a, &b)?;
    one(l.reshape_to(&product, &sizes))
}

/// At least so many axes: `[n]` has `[1, n, 1]` of three, as in NumPy.
pub(super) fn at_least(l: &mut Lowering, x: &Tensor, axes: usize) -> Lowered {
    match (l.rank(x), axes) {
        (rank, axes) if rank >= axes => Ok(x.clone()),
        (0, _) => l.reshape_to(x, &vec![1; axes]),
        (1, 2) => l.unsqueeze(x, &[0]),
        (1, _) => {
            let row = l.unsqueeze(x, &[0])?;
            l.unsqueeze(&row, &[-1])
        }
        _ => l.unsqueeze(x, &[-1]),
    }
}

/// Whether each element is among others.
fn is_in(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (x, others) = (c.at(0).tensor()?, c.at(1).tensor()?);
    let others = l.reshape(others, &[-1])?;
    let x = l.unsqueeze(x, &[-1])?;
    let equal = l.binary(Binary::Equal, &x, &others)?;
    let among = l.sum(&equal, &[-1], false)?;
    let threshold = if c.bool_or("invert", false)? {
        Unary::EqualScalar(0.0)
    } else {
        Unary::GreaterScalar(0.0)
    };
    one(Ok(l.unary(threshold, &among)))
}

/// The elements of a pool back at the places from which they were taken, of `[n, c, height, width]` or without n.
fn unpool(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (x, places, size) = (c.x()?, c.tensor("indices")?, c.ints("output_size")?);
    let [.., height, width] = size.as_slice() else {
        return problem("the size of the result is not of two axes");
    };
    let (x, places) = (l.flatten(x, -2, -1)?, l.flatten(places, -2, -1)?);
    let mut shape: Vec<i64> = l.shape(&x).iter().map(|&n| n as i64).collect();
    if let Some(last) = shape.last_mut() {
        *last = height.saturating_mul(*width);
    }
    let empty = l.full(&shape, 0.0, x.kind)?;
    let filled = l.scatter(&empty, -1, &places, &x, Update::Put)?;
    one(l.unflatten(&filled, -1, &[*height, *width]))
}

/// The number of bags, and of indices in each, where all are of one length; those of an example tell the length alone.
fn equal_bags(l: &Lowering, c: &Call, indices: usize) -> Option<[usize; 2]> {
    let offsets = c.tensor("offsets").ok()?.known.clone()?;
    let length = match offsets[..] {
        [_, second, ..] => second as usize,
        _ => indices,
    };
    let even = (0..offsets.len()).map(|i| i as f64 * length as f64);
    let bags = indices.checked_div(length)?;
    let whole = bags * length == indices && even.eq(offsets.iter().copied());
    let counted = bags == offsets.len() || l.exported == Some(offsets.len());
    (whole && counted).then_some([bags, length])
}

/// Sums, means or maxima of rows of a table over bags of equal length, as `[n, length]` gives them.
fn embedding_bag(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (table, index) = (c.tensor("weight")?, c.tensor("indices")?);
    let Some(bags) = equal_bags(l, c, l.count(index)) else {
        return problem(
            "bags of different lengths are not supported; give indices [n, length], or sum rows of torch.nn.functional.embedding",
        );
    };
    if c.int_or("padding_idx", -1)? >= 0 {
        return problem("an index that does not count is not supported; use embedding and a mask");
    }
    let index = l.reshape_to(index, &bags)?;
    let mut rows = l.embedding(table, &index)?;
    if let Some(weights) = c.optional("per_sample_weights")? {
        let weights = l.reshape_to(weights, &[bags[0], bags[1], 1])?;
        rows = l.binary(Binary::Mul, &rows, &weights)?;
    }
    let reduction = match c.int_or("mode", 0)? {
        0 => Reduction::Sum,
        1 => Reduction::Mean,
        _ => Reduction::Max,
    };
    list(vec![l.reduce(reduction, &rows, &[1], false)?])
}

pub(super) const ROWS: Rows = &[
    (
        &[
            "embedding_bag",
            "_embedding_bag",
            "_embedding_bag_forward_only",
        ],
        embedding_bag,
    ),
    (&["diff"], differences),
    (&["trapezoid", "trapz"], trapezoid),
    (&["cross", "linalg_cross"], cross),
    (&["isclose"], is_close),
    (&["logaddexp2"], log_add_exp2),
    (&["nanmean"], nan_mean),
    (&["kron"], kron),
    (&["isin"], is_in),
    (&["max_unpool2d"], unpool),
    (&["atleast_1d"], |l, c| one(at_least(l, c.x()?, 1))),
    (&["atleast_2d"], |l, c| one(at_least(l, c.x()?, 2))),
    (&["atleast_3d"], |l, c| one(at_least(l, c.x()?, 3))),
    (&["dstack"], |l, c| {
        let all = c.tensors("tensors")?;
        let all: Lowered<Vec<_>> = all.iter().map(|x| at_least(l, x, 3)).collect();
        one(l.cat(&all?, 2))
    }),
    (&["msort"], |l, c| {
        let [sorted, _] = l.sorted(c.x()?, 0, false, None)?;
        Ok(sorted.into())
    }),
    (&["chain_matmul", "linalg_multi_dot"], |l, c| {
        let mut all = c.at(0).tensors()?.into_iter();
        let Some(first) = all.next() else {
            return problem("there are no matrices");
        };
        one(all.try_fold(first, |product, x| l.matmul(&product, &x)))
    }),
    (&["norm_except_dim"], |l, c| {
        let rank = l.rank(c.x()?);
        let kept = axis(c.int_or("dim", 0)?, rank)?;
        let others: Vec<i64> = (0..rank).filter(|&a| a != kept).map(|a| a as i64).collect();
        one(l.norm(c.x()?, c.number_or("pow", 2.0)?, &others, true))
    }),
];
