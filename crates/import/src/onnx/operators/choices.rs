//! Choices by index, and what is put at indices.

use super::{Table, one};
use crate::lower::{Kind, LowerError, Lowered, Lowering, Operand, Tensor, axis, problem};
use crate::onnx::run::Call;
use landscape_trace::{Binary, Update};

pub(super) const TABLE: Table = &[
    ("Gather", gather),
    ("GatherElements", |l, c| {
        one(l.gather(c.tensor(0)?, c.int("axis", 0), c.tensor(1)?))
    }),
    ("GatherND", gather_nd),
    ("Scatter", scatter),
    ("ScatterElements", scatter),
    ("ScatterND", |l, c| {
        let update = update(c)?;
        let (x, index, rows) = (c.tensor(0)?, c.tensor(1)?, c.tensor(2)?);
        let own = l.shape(x);
        let index = from_the_end(l, index, &own)?;
        // Rows that are the same for all repeat.
        let places = l.shape(&index);
        let wanted = match places.split_last() {
            Some((&depth, places)) if depth <= own.len() => [places, &own[depth..]].concat(),
            _ => return problem(format!("{places:?} is not the shape of places in {own:?}")),
        };
        let rows = match l.shape(rows) == wanted {
            true => rows.clone(),
            false => l.expand_to(rows, &wanted)?,
        };
        one(l.scatter_nd(x, &index, &rows, update))
    }),
    ("OneHot", one_hot),
    ("NonZero", non_zero),
    ("Compress", compress),
    ("RandomNormal", random),
    ("RandomNormalLike", random),
    ("RandomUniform", random),
    ("RandomUniformLike", random),
    ("Bernoulli", random),
    ("Multinomial", random),
];

fn random(_: &mut Lowering, _: &Call) -> Lowered<Vec<Operand>> {
    problem(
        "random numbers give a different loss each time; export the network in evaluation mode: net.eval()",
    )
}

/// Rows of a table at data, or elements of any axis.
fn gather(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, index, place) = (c.tensor(0)?, c.tensor(1)?, c.int("axis", 0));
    let rank = l.rank(x);
    let own = axis(place, rank)?;
    let example = x
        .exported
        .as_ref()
        .and_then(|example| example.get(own).copied());
    if let (Some(example), Some(known)) = (example, &index.known)
        && l.shape(x).get(own) != Some(&example)
    {
        // The axis of the samples: all of them in another shape, or one that is the same for all.
        let all = known.iter().copied().eq((0..example).map(|i| i as f64));
        return match (all && rank == 1, l.shape(x)[own]) {
            (true, _) => {
                let sizes: Vec<i64> = l.shape(index).iter().map(|&n| n as i64).collect();
                one(l.reshape(x, &sizes))
            }
            (false, 1) => {
                let zeros = vec![0.0; known.len()];
                let shape = l.shape(index);
                let first = l.constant(&shape, zeros, Kind::Int)?;
                one(l.take(x, place, &first))
            }
            _ => Err(LowerError::Burnt(format!(
                "it chooses {} of the {example} samples",
                known.len()
            ))),
        };
    }
    match own {
        0 if rank == 2 && index.known.is_none() => one(l.embedding(x, index)),
        _ => one(l.take(x, place, index)),
    }
}

/// Indices along the last axis that count from the end of their axes, where they are known.
fn from_the_end(l: &mut Lowering, index: &Tensor, shape: &[usize]) -> Lowered {
    let Some(known) = &index.known else {
        return Ok(index.clone());
    };
    let own = l.shape(index);
    let depth = own.last().copied().unwrap_or(1);
    if depth == 0 || depth > shape.len() {
        return problem(format!("{depth} indices for {} axes", shape.len()));
    }
    let mut all = vec![];
    for (i, &at) in known.iter().enumerate() {
        let length = shape[i % depth] as f64;
        if !(-length..length).contains(&at) {
            return problem(format!("index {at} is outside {length} elements"));
        }
        all.push(if at < 0.0 { at + length } else { at });
    }
    l.constant(&own, all, Kind::Int)
}

fn gather_nd(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, index) = (c.tensor(0)?, c.tensor(1)?);
    let batch = c.int("batch_dims", 0);
    let own = l.shape(x);
    let Some(rest) = usize::try_from(batch).ok().and_then(|b| own.get(b..)) else {
        return problem(format!("{own:?} does not have {batch} axes of samples"));
    };
    let index = from_the_end(l, index, rest)?;
    if batch == 0 {
        return one(l.gather_nd(x, &index));
    }
    // Row by row of what counts samples: the number of an element among those of a row.
    let (batch, places) = (batch as usize, l.shape(&index));
    let Some((&depth, outer)) = places
        .split_last()
        .filter(|(d, o)| **d <= rest.len() && o.len() >= batch)
    else {
        return problem(format!("{places:?} is not the shape of places in {own:?}"));
    };
    let mut number: Option<Tensor> = None;
    for a in 0..depth {
        let part = l.select(&index, -1, a as i64)?;
        let step: usize = rest[a + 1..depth].iter().product();
        let part = l.with_number(Binary::Mul, &part, step as f64, Kind::Int)?;
        number = Some(match number {
            None => part,
            Some(sum) => l.binary(Binary::Add, &sum, &part)?,
        });
    }
    let Some(number) = number else {
        return problem("it has no indices");
    };
    let rows: usize = own[..batch].iter().product();
    let (first, width): (usize, usize) = (
        rest[..depth].iter().product(),
        rest[depth..].iter().product(),
    );
    let count = outer[batch..].iter().product();
    let number = l.reshape_to(&number, &[rows, count, 1])?;
    let number = l.expand_to(&number, &[rows, count, width])?;
    let table = l.reshape_to(x, &[rows, first, width])?;
    let picked = l.gather(&table, 1, &number)?;
    one(l.reshape_to(&picked, &[outer, &rest[depth..]].concat()))
}

/// What is done with numbers at indices.
fn update(c: &Call) -> Lowered<Update> {
    match c.text("reduction", "none") {
        "none" => Ok(Update::Put),
        "add" => Ok(Update::Add),
        "mul" => Ok(Update::Multiply),
        "max" => Ok(Update::Greatest),
        "min" => Ok(Update::Least),
        other => problem(format!(
            "the reduction `{other}` at indices is not known; `none`, `add`, `mul`, `max` and `min` are"
        )),
    }
}

fn scatter(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    one(l.scatter(
        c.tensor(0)?,
        c.int("axis", 0),
        c.tensor(1)?,
        c.tensor(2)?,
        update(c)?,
    ))
}

/// One value at an index, and another elsewhere, along a new axis.
fn one_hot(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (index, depth, values) = (c.tensor(0)?, c.at(1).int()?, c.tensor(2)?);
    // Negative ones count from the end.
    let shifted = l.with_number(Binary::Remainder, index, depth as f64, Kind::Int)?;
    let inside = {
        let low = l.with_number(Binary::GreaterEqual, index, -depth as f64, Kind::Bool)?;
        let high = l.with_number(Binary::Lower, index, depth as f64, Kind::Bool)?;
        l.binary(Binary::And, &low, &high)?
    };
    let inside = l.unsqueeze(&inside, &[-1])?;
    let hot = l.one_hot(&shifted, depth)?;
    let hot = l.binary(Binary::And, &hot, &inside)?;
    let (off, on) = (l.select(values, 0, 0)?, l.select(values, 0, 1)?);
    let made = l.choose(&hot, &on, &off)?;
    one(l.move_axis(&made, -1, c.int("axis", -1)))
}

/// Places of numbers that are known: `[axes, places]`.
fn non_zero(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let x = c.tensor(0)?;
    let Some(known) = x.known.clone() else {
        return problem(
            "the number of places it finds depends on the data; multiply by a mask instead",
        );
    };
    let shape = l.shape(x);
    let there: Vec<usize> = (0..known.len()).filter(|&i| known[i] != 0.0).collect();
    let mut numbers = vec![];
    for a in 0..shape.len() {
        let step: usize = shape[a + 1..].iter().product();
        numbers.extend(there.iter().map(|&i| (i / step % shape[a]) as f64));
    }
    one(l.constant(&[shape.len(), there.len()], numbers, Kind::Int))
}

/// The elements of an axis, or of all, where a known condition holds.
fn compress(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, condition) = (c.tensor(0)?, c.tensor(1)?);
    let Some(known) = condition.known.clone() else {
        return problem(
            "the number of elements it keeps depends on the data; multiply by a mask instead",
        );
    };
    let (x, place) = match c.attribute("axis") {
        Some(_) => (x.clone(), axis(c.int("axis", 0), l.rank(x))?),
        None => (l.reshape(x, &[-1])?, 0),
    };
    let there: Vec<_> = (0..known.len())
        .filter(|&i| known[i] != 0.0)
        .map(Some)
        .collect();
    let length = l.shape(&x).get(place).copied().unwrap_or(0);
    if there.iter().flatten().any(|&i| i >= length) || there.is_empty() {
        return problem(format!("{} of {length} elements are kept", there.len()));
    }
    one(l.pick("select", &x, place, there.into_iter()))
}
