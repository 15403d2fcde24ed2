//! Numbers that are made, and other types of numbers.

use super::{Rows, list, one};
use crate::lower::{Kind, Lowered, Lowering, Operand, Tensor, problem};
use crate::pt2::call::Call;

fn full(l: &mut Lowering, c: &Call, sizes: &str, number: f64, kind: Kind) -> Lowered<Operand> {
    let kind = c.kind_or(kind)?;
    one(l.full(&c.ints(sizes)?, number, kind))
}

/// One number in the shape of x.
fn like(l: &mut Lowering, c: &Call, number: f64) -> Lowered<Operand> {
    let x = c.x()?;
    let kind = c.kind_or(x.kind)?;
    let number = l.number(number, kind)?;
    let shape = l.shape(x);
    one(l.expand_to(&number, &shape))
}

fn kind_of(number: &Operand) -> Kind {
    match number {
        Operand::Float(_) => Kind::Float,
        Operand::Bool(_) => Kind::Bool,
        Operand::Tensor(x) => x.kind,
        _ => Kind::Int,
    }
}

fn arange(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (start, end, step) = match c.overload.as_str() {
        "" | "default" => (Operand::Int(0), c.get("end").clone(), Operand::Int(1)),
        _ => (
            c.get("start").clone(),
            c.get("end").clone(),
            if c.has("step") {
                c.get("step").clone()
            } else {
                Operand::Int(1)
            },
        ),
    };
    let whole = [&start, &end, &step]
        .iter()
        .all(|x| kind_of(x) != Kind::Float);
    let kind = c.kind_or(if whole { Kind::Int } else { Kind::Float })?;
    one(l.arange(start.number()?, end.number()?, step.number()?, kind))
}

fn linspace(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (start, end, steps) = (c.number("start")?, c.number("end")?, c.int("steps")?);
    let steps = crate::lower::size(steps)?;
    l.spend(&[steps])?;
    let distance = (end - start) / (steps.max(2) - 1) as f64;
    let numbers = (0..steps).map(|i| start + distance * i as f64).collect();
    one(l.constant(&[steps], numbers, Kind::Float))
}

/// Rows and columns of a triangle.
fn indices(l: &mut Lowering, c: &Call, upper: bool) -> Lowered<Operand> {
    let (rows, columns, offset) = (c.int("row")?, c.int("col")?, c.int_or("offset", 0)?);
    l.spend(&[crate::lower::size(rows)?, crate::lower::size(columns)?, 2])?;
    let all = (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j)));
    let kept = all.filter(|(i, j)| {
        if upper {
            j - i >= offset
        } else {
            j - i <= offset
        }
    });
    let (rows, columns): (Vec<f64>, Vec<f64>) = kept.map(|(i, j)| (i as f64, j as f64)).unzip();
    let count = rows.len();
    one(l.constant(&[2, count], [rows, columns].concat(), Kind::Int))
}

fn cast(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let x = c.x()?;
    let kind = match c.get("other") {
        Operand::Tensor(other) => other.kind,
        _ => c.kind_or(x.kind)?,
    };
    Ok(l.cast(x, kind).into())
}

fn random() -> Lowered<Operand> {
    problem("random numbers are not supported; export the network in evaluation mode: net.eval()")
}

pub(super) const ROWS: Rows = &[
    (&["full"], |l, c| {
        full(
            l,
            c,
            "size",
            c.number("fill_value")?,
            kind_of(c.get("fill_value")),
        )
    }),
    (
        &["zeros", "empty", "empty_strided", "empty_permuted"],
        |l, c| full(l, c, "size", 0.0, Kind::Float),
    ),
    (&["ones"], |l, c| full(l, c, "size", 1.0, Kind::Float)),
    (&["new_full"], |l, c| {
        full(l, c, "size", c.number("fill_value")?, c.x()?.kind)
    }),
    (&["new_zeros", "new_empty", "new_empty_strided"], |l, c| {
        full(l, c, "size", 0.0, c.x()?.kind)
    }),
    (&["new_ones"], |l, c| full(l, c, "size", 1.0, c.x()?.kind)),
    (&["full_like"], |l, c| like(l, c, c.number("fill_value")?)),
    (&["zeros_like", "empty_like"], |l, c| like(l, c, 0.0)),
    (&["ones_like"], |l, c| like(l, c, 1.0)),
    (&["scalar_tensor"], |l, c| {
        let kind = c.kind_or(Kind::Float)?;
        one(l.number(c.at(0).number()?, kind))
    }),
    (&["arange"], arange),
    (&["linspace"], linspace),
    (&["eye"], |l, c| {
        let n = c.at(0).int()?;
        one(l.eye(n, c.int_or("m", n)?))
    }),
    (&["tril"], |l, c| {
        one(l.triangle(c.x()?, c.int_or("diagonal", 0)?, false))
    }),
    (&["triu"], |l, c| {
        one(l.triangle(c.x()?, c.int_or("diagonal", 0)?, true))
    }),
    (&["tril_indices"], |l, c| indices(l, c, false)),
    (&["triu_indices"], |l, c| indices(l, c, true)),
    (&["one_hot"], |l, c| {
        one(l.one_hot(c.x()?, c.int_or("num_classes", -1)?))
    }),
    (&["meshgrid"], |l, c| {
        let all = c.at(0).tensors()?;
        let columns = c.text_or("indexing", "ij") == "xy";
        let rank = all.len();
        let mut placed = Vec::new();
        for (i, x) in all.iter().enumerate() {
            let place = match i {
                0 | 1 if columns && rank > 1 => 1 - i,
                _ => i,
            };
            let mut shape = vec![1; rank];
            shape[place] = l.count(x);
            placed.push(l.reshape_to(x, &shape)?);
        }
        let whole = l.common(&placed.iter().collect::<Vec<&Tensor>>())?;
        let all: Lowered<Vec<Tensor>> = placed.iter().map(|x| l.expand_to(x, &whole)).collect();
        list(all?)
    }),
    (
        &["_to_copy", "to", "type_as", "_cast_Float", "_cast_Long"],
        cast,
    ),
    (
        &[
            "rand",
            "randn",
            "randint",
            "rand_like",
            "randn_like",
            "randint_like",
            "randperm",
            "bernoulli",
            "multinomial",
            "normal",
            "normal_functional",
            "uniform",
            "exponential",
        ],
        |_, _| random(),
    ),
    (&["item", "_local_scalar_dense"], |_, c| {
        match c.x()?.known.as_ref().map(|known| known[..].to_vec()) {
            Some(known) if known.len() == 1 && c.x()?.kind != Kind::Float => {
                Ok(Operand::Int(known[0] as i64))
            }
            Some(known) if known.len() == 1 => Ok(Operand::Float(known[0])),
            _ => problem(
                "the program depends on a number that it computes from the data or the parameters",
            ),
        }
    }),
];
