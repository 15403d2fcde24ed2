//! Sums, means, extrema, orders and running results along axes.

use super::{Table, all, one};
use crate::lower::{Kind, Lowered, Lowering, Operand, Running, Tensor, axes, axis, problem};
use crate::onnx::run::Call;
use landscape_trace::{Binary, Reduction, Unary};

pub(super) const TABLE: Table = &[
    ("ReduceSum", |l, c| {
        reduced(l, c, |l, x, along, keep| l.sum(x, along, keep))
    }),
    ("ReduceMean", |l, c| {
        reduced(l, c, |l, x, along, keep| l.mean(x, along, keep))
    }),
    ("ReduceMax", |l, c| {
        reduced(l, c, |l, x, along, keep| {
            l.reduce(Reduction::Max, x, along, keep)
        })
    }),
    ("ReduceMin", |l, c| {
        reduced(l, c, |l, x, along, keep| {
            l.reduce(Reduction::Min, x, along, keep)
        })
    }),
    ("ReduceProd", |l, c| {
        reduced(l, c, |l, x, along, keep| l.product(x, along, keep))
    }),
    ("ReduceL1", |l, c| {
        reduced(l, c, |l, x, along, keep| l.norm(x, 1.0, along, keep))
    }),
    ("ReduceL2", |l, c| {
        reduced(l, c, |l, x, along, keep| l.norm(x, 2.0, along, keep))
    }),
    ("ReduceLogSum", |l, c| {
        reduced(l, c, |l, x, along, keep| {
            let sum = l.sum(x, along, keep)?;
            Ok(l.unary(Unary::Log, &sum))
        })
    }),
    ("ReduceLogSumExp", |l, c| {
        reduced(l, c, |l, x, along, keep| l.log_sum_exp(x, along, keep))
    }),
    ("ReduceSumSquare", |l, c| {
        reduced(l, c, |l, x, along, keep| {
            let squares = l.unary(Unary::PowScalar(2.0), x);
            l.sum(&squares, along, keep)
        })
    }),
    ("ArgMax", |l, c| place_of_extreme(l, c, true)),
    ("ArgMin", |l, c| place_of_extreme(l, c, false)),
    ("CumSum", cumulative),
    ("CumProd", |l, c| {
        match (c.int("reverse", 0), c.int("exclusive", 0)) {
            (0, 0) => one(l.running(c.tensor(0)?, c.at(1).int()?, Running::Product)),
            _ => problem("reverse and exclusive running products are not supported"),
        }
    }),
    ("TopK", top),
    ("Softmax", |l, c| softmax(l, c, false)),
    ("LogSoftmax", |l, c| softmax(l, c, true)),
    ("Hardmax", hardmax),
    ("GlobalAveragePool", |l, c| {
        over_places(l, c, |l, x, along| l.mean(x, along, true))
    }),
    ("GlobalMaxPool", |l, c| {
        over_places(l, c, |l, x, along| l.reduce(Reduction::Max, x, along, true))
    }),
    ("GlobalLpPool", |l, c| {
        let p = c.int("p", 2) as f64;
        over_places(l, c, |l, x, along| l.norm(x, p, along, true))
    }),
    ("LpNormalization", |l, c| {
        let x = c.tensor(0)?;
        let norm = l.norm(x, c.int("p", 2) as f64, &[c.int("axis", -1)], true)?;
        // Zeros stay zeros.
        let none = l.unary(Unary::EqualScalar(0.0), &norm);
        let one_each = l.number(1.0, Kind::Float)?;
        let norm = l.choose(&none, &one_each, &norm)?;
        one(l.binary(Binary::Div, x, &norm))
    }),
    ("MeanVarianceNormalization", |l, c| {
        let (x, along) = (c.tensor(0)?, c.ints("axes").unwrap_or(&[0, 2, 3]));
        let [variance, mean] = l.variance(x, along, 0.0, true)?;
        let centred = l.binary(Binary::Sub, x, &mean)?;
        let spread = l.unary(Unary::Sqrt, &variance);
        let spread = l.unary(Unary::AddScalar(1e-9), &spread);
        one(l.binary(Binary::Div, &centred, &spread))
    }),
];

/// A reduction along axes that are an attribute in older versions, and an input in newer ones; along all where none is given.
fn reduced(
    l: &mut Lowering,
    c: &Call,
    reduce: impl Fn(&mut Lowering, &Tensor, &[i64], bool) -> Lowered,
) -> Lowered<Vec<Operand>> {
    let x = c.tensor(0)?;
    let along = c.ints_either("axes", 1)?.unwrap_or_default();
    let keep = c.int("keepdims", 1) != 0;
    if along.is_empty() && c.int("noop_with_empty_axes", 0) != 0 {
        // Nothing is taken together, and the function of single numbers remains.
        let mut shape = l.shape(x);
        shape.push(1);
        let single = l.unsqueeze(x, &[-1])?;
        return one(reduce(l, &single, &[shape.len() as i64 - 1], false));
    }
    if l.count(x) == 0 {
        return problem("a value without elements cannot be reduced");
    }
    if let Some(folded) = folded(l, c, &along, keep) {
        return one(folded);
    }
    let made = reduce(l, x, &along, keep)?;
    let kind = match (x.kind, made.kind) {
        (Kind::Int, Kind::Float) => Kind::Int,
        (_, kind) => kind,
    };
    one(Ok(made.of_kind(kind)))
}

/// Of known numbers, as of a shape: all of them together.
fn folded(l: &mut Lowering, c: &Call, along: &[i64], keep: bool) -> Option<Lowered> {
    let x = c.tensor(0).ok()?;
    let known = x.known.clone()?;
    let rank = l.rank(x);
    if known.is_empty() || axes(along, rank).ok()?.len() != rank.max(1) {
        return None;
    }
    let numbers = known.iter().copied();
    let number = match &*c.step.operator {
        "ReduceSum" => numbers.sum(),
        "ReduceProd" => numbers.product(),
        "ReduceMax" => numbers.fold(f64::NEG_INFINITY, f64::max),
        "ReduceMin" => numbers.fold(f64::INFINITY, f64::min),
        _ => return None,
    };
    let shape = if keep { vec![1; rank] } else { vec![] };
    Some(l.constant(&shape, vec![number], x.kind))
}

fn place_of_extreme(l: &mut Lowering, c: &Call, greatest: bool) -> Lowered<Vec<Operand>> {
    let (x, place) = (c.tensor(0)?, c.int("axis", 0));
    let keep = c.int("keepdims", 1) != 0;
    if c.int("select_last_index", 0) == 0 {
        return one(l.place_of_extreme(x, Some(place), keep, greatest));
    }
    let shape = l.shape(x);
    let length = shape.get(axis(place, shape.len())?).copied().unwrap_or(1);
    let turned = l.flip(x, &[place])?;
    let from_end = l.place_of_extreme(&turned, Some(place), keep, greatest)?;
    let mirrored = l.unary(Unary::Neg, &from_end);
    one(Ok(l
        .unary(Unary::AddScalar(length as f64 - 1.0), &mirrored)
        .of_kind(Kind::Int)))
}

fn cumulative(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, place) = (c.tensor(0)?, c.at(1).int()?);
    let reverse = c.int("reverse", 0) != 0;
    let x = if reverse {
        l.flip(x, &[place])?
    } else {
        x.clone()
    };
    let mut sum = match (&x.known, l.rank(&x)) {
        (Some(known), 1) => {
            let running = known.iter().scan(0.0, |sum, x| {
                *sum += x;
                Some(*sum)
            });
            let running: Vec<f64> = running.collect();
            l.constant(&[running.len()], running, x.kind)?
        }
        _ => l.running(&x, place, Running::Sum)?,
    };
    if c.int("exclusive", 0) != 0 {
        sum = l.binary(Binary::Sub, &sum, &x)?;
    }
    one(if reverse {
        l.flip(&sum, &[place])
    } else {
        Ok(sum)
    })
}

fn top(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let count = match c.at(1) {
        Operand::None => c.int("k", 1),
        given => given.int()?,
    };
    let descending = c.int("largest", 1) != 0;
    all(l.sorted(c.tensor(0)?, c.int("axis", -1), descending, Some(count))?)
}

/// Before version 13 all axes from the given one on are one.
fn softmax(l: &mut Lowering, c: &Call, log: bool) -> Lowered<Vec<Operand>> {
    let x = c.tensor(0)?;
    if c.opset() >= 13 {
        return one(l.softmax(x, c.int("axis", -1), log));
    }
    let (flat, shape) = from_axis(l, x, c.int("axis", 1))?;
    let made = l.softmax(&flat, 1, log)?;
    one(back(l, made, shape))
}

/// The axes from one on as one, and those before as another; and the sizes to go back to. Where one axis is all that is taken
/// together, and the samples are in front, nothing changes.
fn from_axis(l: &mut Lowering, x: &Tensor, given: i64) -> Lowered<(Tensor, Option<Vec<usize>>)> {
    let own = super::shapes::sizes(l, x);
    let place = axis(given, own.len())?;
    if own.len() == 2 && place == 1 {
        return Ok((x.clone(), None));
    }
    let product = |part: &[usize]| part.iter().product::<usize>() as i64;
    let flat = l.reshape(
        x,
        &[
            product(&own[..place.min(own.len())]),
            product(&own[place.min(own.len())..]),
        ],
    )?;
    let example = l.exported.map(|_| super::shapes::sizes(l, x));
    let flat = match example {
        // The example's shape of the flat one, where it is not known yet.
        Some(_) if flat.exported.is_none() => {
            let rows = product(&own[..place]) as usize;
            let rest = product(&own[place..]) as usize;
            Tensor {
                exported: Some(vec![rows, rest]),
                ..flat
            }
        }
        _ => flat,
    };
    Ok((flat, Some(own)))
}

fn back(l: &mut Lowering, made: Tensor, shape: Option<Vec<usize>>) -> Lowered {
    match shape {
        None => Ok(made),
        Some(shape) => {
            let sizes: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
            l.reshape(&made, &sizes)
        }
    }
}

/// 1 at the first of the greatest elements, else 0.
fn hardmax(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let x = c.tensor(0)?;
    let (x, place, shape) = match c.opset() >= 13 {
        true => (x.clone(), axis(c.int("axis", -1), l.rank(x))?, None),
        false => {
            let (flat, shape) = from_axis(l, x, c.int("axis", 1))?;
            (flat, 1, shape)
        }
    };
    let own = l.shape(&x);
    let Some(&length) = own.get(place) else {
        return problem("a single number has no axis");
    };
    let best = l.place_of_extreme(&x, Some(place as i64), true, true)?;
    let mut along = vec![1; own.len()];
    along[place] = length;
    let places = l.constant(&along, (0..length).map(|i| i as f64).collect(), Kind::Int)?;
    let is = l.binary(Binary::Equal, &best, &places)?;
    let made = l.cast(&is, Kind::Float);
    one(back(l, made, shape))
}

/// Along all axes behind the channels.
fn over_places(
    l: &mut Lowering,
    c: &Call,
    reduce: impl Fn(&mut Lowering, &Tensor, &[i64]) -> Lowered,
) -> Lowered<Vec<Operand>> {
    let x = c.tensor(0)?;
    let along: Vec<i64> = (2..l.rank(x) as i64).collect();
    match along.is_empty() {
        true => one(Ok(x.clone())),
        false => one(reduce(l, x, &along)),
    }
}
