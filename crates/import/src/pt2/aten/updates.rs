//! Numbers that are put, added or else at indices along an axis.

use super::arithmetic::as_tensor;
use super::{Rows, one};
use crate::lower::{Kind, Lowered, Lowering, Operand, Tensor, axis, problem};
use crate::pt2::call::Call;
use landscape_trace::{Binary, Unary, Update};

/// Numbers that come to indices along an axis, an index for each.
struct Coming {
    place: i64,
    index: Tensor,
    numbers: Tensor,
}

/// Those of `scatter` and its kin, of which only as many are taken as there are indices.
fn scattered(l: &mut Lowering, c: &Call) -> Lowered<Coming> {
    let numbers = match c.has("src") {
        true => c.get("src"),
        false => c.get("value"),
    };
    let mut numbers = as_tensor(l, numbers)?;
    let index = c.tensor("index")?.clone();
    let wanted = l.shape(&index);
    if !numbers.scalar && l.rank(&numbers) == wanted.len() {
        for (axis, &n) in wanted.iter().enumerate() {
            if n < l.shape(&numbers)[axis] {
                numbers = l.part(&numbers, axis, 0, 1, n)?;
            }
        }
    }
    Ok(Coming {
        place: c.int("dim")?,
        index,
        numbers,
    })
}

/// Those of `index_add` and its kin, for which a vector of indices serves all rows.
fn indexed(l: &mut Lowering, c: &Call) -> Lowered<Coming> {
    let numbers = c.tensor("source")?.clone();
    let shape = l.shape(&numbers);
    let place = axis(c.int("dim")?, shape.len())?;
    let mut along = vec![1; shape.len()];
    along[place] = shape[place];
    let index = l.reshape_to(c.tensor("index")?, &along)?;
    let index = l.expand_to(&index, &shape)?;
    Ok(Coming {
        place: place as i64,
        index,
        numbers,
    })
}

fn updated(l: &mut Lowering, x: &Tensor, coming: &Coming, update: Update) -> Lowered {
    l.scatter(x, coming.place, &coming.index, &coming.numbers, update)
}

/// How many numbers come to each element of x.
fn counts(l: &mut Lowering, x: &Tensor, coming: &Coming) -> Lowered {
    // Zeros, also where x is infinite or NaN.
    let zeros = l.unary(Unary::GreaterScalar(f64::INFINITY), x);
    let zeros = zeros.of_kind(Kind::Float);
    let one = l.number(1.0, Kind::Float)?;
    l.scatter(&zeros, coming.place, &coming.index, &one, Update::Add)
}

/// A reduction by its name in PyTorch. Where elements themselves do not count, those to which numbers come begin at what
/// changes nothing.
fn reduced(l: &mut Lowering, c: &Call, coming: &Coming) -> Lowered<Operand> {
    let (how, own) = (c.text_or("reduce", ""), c.bool_or("include_self", true)?);
    let (update, nothing) = match how {
        "sum" | "add" | "mean" => (Update::Add, 0.0),
        "prod" | "multiply" => (Update::Multiply, 1.0),
        "amax" => (Update::Greatest, f64::NEG_INFINITY),
        "amin" => (Update::Least, f64::INFINITY),
        other => return problem(format!("the reduction `{other}` at indices is not known")),
    };
    let mut x = c.x()?.clone();
    if !own {
        let counts = counts(l, &x, coming)?;
        let reached = l.unary(Unary::GreaterScalar(0.0), &counts);
        let nothing = l.number(nothing, x.kind)?;
        x = l.choose(&reached, &nothing, &x)?;
    }
    let sum = updated(l, &x, coming, update)?;
    if how != "mean" {
        return one(Ok(sum));
    }
    let counts = counts(l, &x, coming)?;
    let counts = match own {
        true => l.unary(Unary::AddScalar(1.0), &counts),
        false => l.unary(Unary::Clamp(1.0, f64::INFINITY), &counts),
    };
    one(l.binary(Binary::Div, &sum, &counts))
}

pub(super) const ROWS: Rows = &[
    (&["scatter"], |l, c| {
        let coming = scattered(l, c)?;
        match c.has("reduce") {
            true => reduced(l, c, &coming),
            false => one(updated(l, c.x()?, &coming, Update::Put)),
        }
    }),
    (&["scatter_add"], |l, c| {
        let coming = scattered(l, c)?;
        one(updated(l, c.x()?, &coming, Update::Add))
    }),
    (&["scatter_reduce"], |l, c| {
        let coming = scattered(l, c)?;
        reduced(l, c, &coming)
    }),
    (&["index_reduce"], |l, c| {
        let coming = indexed(l, c)?;
        reduced(l, c, &coming)
    }),
    (&["index_add"], |l, c| {
        let mut coming = indexed(l, c)?;
        let alpha = c.number_or("alpha", 1.0)?;
        if alpha != 1.0 {
            let kind = coming.numbers.kind;
            coming.numbers = l.with_number(Binary::Mul, &coming.numbers, alpha, kind)?;
        }
        one(updated(l, c.x()?, &coming, Update::Add))
    }),
    (&["index_copy"], |l, c| {
        let coming = indexed(l, c)?;
        one(updated(l, c.x()?, &coming, Update::Put))
    }),
    (&["index_fill"], |l, c| {
        let x = c.x()?;
        let shape = l.shape(x);
        let place = axis(c.int("dim")?, shape.len())?;
        let mut along = vec![1; shape.len()];
        along[place] = l.count(c.tensor("index")?);
        let index = l.reshape_to(c.tensor("index")?, &along)?;
        let mut wanted = shape.clone();
        wanted[place] = along[place];
        let index = l.expand_to(&index, &wanted)?;
        let value = as_tensor(l, c.get("value"))?;
        one(l.scatter(x, place as i64, &index, &value, Update::Put))
    }),
];
