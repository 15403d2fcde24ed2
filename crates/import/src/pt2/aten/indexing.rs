//! Choices by index, orders, and what is put at indices.

use super::arithmetic::as_tensor;
use super::{Rows, list, one};
use crate::lower::{Kind, Lowered, Lowering, Operand, Running, Tensor, problem};
use crate::pt2::call::Call;
use landscape_trace::{Binary, Reduction, Update};

fn indices(c: &Call) -> Lowered<Vec<Option<Tensor>>> {
    match c.get("indices") {
        Operand::List(all) => { all.iter() }
            .map(|x| {
                if x.is_none() {
                    Ok(None)
                } else {
                    x.tensor().cloned().map(Some)
                }
            })
            .collect(),
        other => Ok(vec![Some(other.tensor()?.clone())]),
    }
}

/// x with a part along an axis in the place of another.
fn slice_scatter(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (x, part) = (c.x()?, c.tensor("src")?);
    let shape = l.shape(x);
    let place = crate::lower::axis(c.int_or("dim", 0)?, shape.len())?;
    let whole = l.slice(
        x,
        place as i64,
        c.optional_int("start")?,
        c.optional_int("end")?,
        c.int_or("step", 1)?,
    )?;
    if l.shape(&whole) == shape {
        return one(l.expand_to(part, &shape));
    }
    if l.rank(part) != shape.len() {
        return problem("the values written have a different number of axes");
    }
    let start = c.int_or("start", 0)?;
    let length = shape.get(place).copied().unwrap_or(0) as i64;
    let start = if start < 0 {
        start.saturating_add(length)
    } else {
        start
    }
    .clamp(0, length);
    // What was one for all may differ now, or the other way round.
    let mut wanted = l.shape(part);
    wanted[place] = shape[place];
    let mut grown = shape.clone();
    grown
        .iter_mut()
        .zip(&wanted)
        .for_each(|(a, &b)| *a = (*a).max(b));
    let base = l.expand_to(x, &grown)?;
    let mut whole = grown;
    whole[place] = l.shape(part)[place];
    let part = l.expand_to(part, &whole)?;
    one(l.put_part(
        &base,
        &part,
        place,
        start as usize,
        c.int_or("step", 1)?.max(1) as usize,
    ))
}

fn select_scatter(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (x, place) = (c.x()?, c.int("dim")?);
    let shape = l.shape(x);
    let axis = crate::lower::axis(place, shape.len())?;
    let index = crate::lower::axis(c.int("index")?, shape.get(axis).copied().unwrap_or(0))?;
    let part = l.unsqueeze(c.tensor("src")?, &[axis as i64])?;
    if shape.is_empty() {
        return problem("a single number has no parts");
    }
    one(l.put_part(x, &part, axis, index, 1))
}

fn top(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let place = c.int_or("dim", -1)?;
    list(
        l.sorted(
            c.x()?,
            place,
            c.bool_or("largest", true)?,
            Some(c.int("k")?),
        )?
        .to_vec(),
    )
}

fn median(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let whole = !c.has("dim");
    let x = match whole {
        true => l.flatten(c.x()?, 0, -1)?,
        false => c.x()?.clone(),
    };
    let place = c.int_or("dim", 0)?;
    let shape = l.shape(&x);
    let length = shape
        .get(crate::lower::axis(place, shape.len())?)
        .copied()
        .unwrap_or(1) as i64;
    let middle = (length - 1) / 2;
    let sorted = l.sorted(&x, place, false, Some(middle + 1))?;
    let mut both = Vec::new();
    for x in &sorted {
        let own = l.select(x, place, middle)?;
        both.push(if c.bool_or("keepdim", false)? {
            l.unsqueeze(&own, &[place])?
        } else {
            own
        });
    }
    if whole {
        Ok(both.remove(0).into())
    } else {
        list(both)
    }
}

pub(super) const ROWS: Rows = &[
    (&["index", "_unsafe_index"], |l, c| {
        one(l.index(c.x()?, &indices(c)?))
    }),
    (
        &["index_put", "_unsafe_index_put", "_index_put_impl"],
        |l, c| {
            let values = c.tensor("values")?;
            let update = match c.bool_or("accumulate", false)? {
                true => Update::Add,
                false => Update::Put,
            };
            one(l.index_put(c.x()?, &indices(c)?, values, update))
        },
    ),
    (&["index_select"], |l, c| {
        one(l.take(c.x()?, c.int("dim")?, c.tensor("index")?))
    }),
    (&["take"], |l, c| {
        let row = l.reshape_to(c.x()?, &[l.count(c.x()?)])?;
        one(l.take(&row, 0, c.tensor("index")?))
    }),
    (&["gather"], |l, c| {
        one(l.gather(c.x()?, c.int("dim")?, c.tensor("index")?))
    }),
    (&["take_along_dim"], |l, c| {
        one(l.gather(c.x()?, c.int("dim")?, c.tensor("indices")?))
    }),
    (&["slice_scatter"], slice_scatter),
    (&["select_scatter"], select_scatter),
    (
        &[
            "masked_scatter",
            "masked_select",
            "nonzero",
            "unique",
            "unique_dim",
            "_unique2",
            "unique_consecutive",
            "argwhere",
        ],
        |_, _| {
            problem(
                "the number of elements it takes depends on the data; multiply by a mask, or use torch.where",
            )
        },
    ),
    (&["topk"], top),
    (&["sort"], |l, c| {
        list(
            l.sorted(
                c.x()?,
                c.int_or("dim", -1)?,
                c.bool_or("descending", false)?,
                None,
            )?
            .to_vec(),
        )
    }),
    (&["argsort"], |l, c| {
        let [_, index] = l.sorted(
            c.x()?,
            c.int_or("dim", -1)?,
            c.bool_or("descending", false)?,
            None,
        )?;
        Ok(index.into())
    }),
    (&["median", "nanmedian"], median),
    (&["cumsum"], |l, c| {
        one(l.running(c.x()?, c.int("dim")?, Running::Sum))
    }),
    (&["cumprod"], |l, c| {
        one(l.running(c.x()?, c.int("dim")?, Running::Product))
    }),
    (&["cummax"], |l, c| {
        let y = l.running(c.x()?, c.int("dim")?, Running::Greatest)?;
        list(vec![y])
    }),
    (&["cummin"], |l, c| {
        let y = l.running(c.x()?, c.int("dim")?, Running::Least)?;
        list(vec![y])
    }),
    (&["logcumsumexp"], |l, c| {
        // Around the greatest of all.
        let (x, place) = (c.x()?, c.int("dim")?);
        let most = l.reduce(Reduction::Max, x, &[place], true)?;
        let less = l.binary(Binary::Sub, x, &most)?;
        let grown = l.unary(landscape_trace::Unary::Exp, &less);
        let sums = l.running(&grown, place, Running::Sum)?;
        let logs = l.unary(landscape_trace::Unary::Log, &sums);
        one(l.binary(Binary::Add, &logs, &most))
    }),
    (&["bucketize", "searchsorted"], |l, c| {
        // The number of boundaries below.
        let (x, borders) = match c.has("boundaries") {
            true => (as_tensor(l, c.at(0))?, c.tensor("boundaries")?.clone()),
            false => (as_tensor(l, c.at(1))?, c.tensor("sorted_sequence")?.clone()),
        };
        if l.rank(&borders) != 1 {
            return problem("boundaries of several axes are not supported");
        }
        let x = l.unsqueeze(&x, &[-1])?;
        let right = c.bool_or("right", false)? || c.text_or("side", "left") == "right";
        let f = if right {
            Binary::GreaterEqual
        } else {
            Binary::Greater
        };
        let below = l.binary(f, &x, &borders)?.of_kind(Kind::Int);
        one(l.sum(&below, &[-1], false))
    }),
];
