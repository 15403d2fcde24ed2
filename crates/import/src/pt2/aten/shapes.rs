//! Shapes, parts, and several tensors as one.

use super::composites::at_least;
use super::{Rows, list, one};
use crate::lower::{Lowered, Lowering, Operand, problem};
use crate::pt2::call::Call;

fn same(c: &Call) -> Lowered<Operand> {
    Ok(c.x()?.clone().into())
}

/// A view by strides, of a tensor that is given as its elements stand: one of the same elements, or of some at the front.
fn as_strided(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let x = c.x()?;
    let (sizes, strides) = (c.ints("size")?, c.ints("stride")?);
    let count = sizes
        .iter()
        .fold(1, |product, &n| i64::saturating_mul(product, n));
    let mut dense = 1i64;
    let in_order = sizes.iter().zip(&strides).rev().all(|(&n, &stride)| {
        let fits = n == 1 || stride == dense;
        dense = dense.saturating_mul(n);
        fits
    });
    let example = x.exported.clone().unwrap_or_else(|| l.shape(x));
    let whole = example.iter().product::<usize>() as i64 == count;
    match in_order && whole && c.int_or("storage_offset", 0)? == 0 {
        true => one(l.reshape(x, &sizes)),
        false => problem(
            "a view by strides that is not a reshape is not supported; use reshape, permute and slices",
        ),
    }
}

fn squeeze(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let places = if c.has("dim") {
        Some(c.ints("dim")?)
    } else {
        None
    };
    one(l.squeeze(c.x()?, places.as_deref()))
}

fn like(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let shape = l.shape(c.get("other").tensor()?);
    one(l.reshape_to(c.x()?, &shape))
}

fn split(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let place = c.int_or("dim", 0)?;
    match c.at(1) {
        Operand::List(_) => split_sizes(l, c),
        length => list(l.split_by(c.x()?, place, length.int()?)?),
    }
}

fn split_sizes(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let lengths = c.at(1).ints()?;
    let lengths: Vec<usize> = lengths
        .iter()
        .map(|&n| crate::lower::size(n))
        .collect::<Lowered<_>>()?;
    list(l.split(c.x()?, c.int_or("dim", 0)?, &lengths)?)
}

/// Parts that begin at given places, or so many.
fn tensor_split(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let (x, place) = (c.x()?, c.int_or("dim", 0)?);
    let shape = l.shape(x);
    let length = shape
        .get(crate::lower::axis(place, shape.len())?)
        .copied()
        .unwrap_or(0);
    let starts: Vec<usize> = match c.at(1) {
        Operand::List(_) => c
            .at(1)
            .ints()?
            .iter()
            .map(|&n| (n.max(0) as usize).min(length))
            .collect(),
        sections => {
            let n = crate::lower::size(sections.int()?)?.max(1);
            l.spend(&[n])?;
            (1..n)
                .map(|i| i * (length / n) + i.min(length % n))
                .collect()
        }
    };
    let ends = starts.iter().copied().chain([length]);
    let lengths = std::iter::once(0).chain(starts.iter().copied()).zip(ends);
    let lengths: Vec<usize> = lengths.map(|(a, b)| b.saturating_sub(a)).collect();
    list(l.split(x, place, &lengths)?)
}

pub(super) const ROWS: Rows = &[
    (&["view", "_unsafe_view", "view_copy"], |l, c| {
        match c.overload.as_str() {
            "dtype" => problem("reading the bits of numbers as another type is not supported"),
            _ => one(l.reshape(c.x()?, &c.ints("size")?)),
        }
    }),
    (&["reshape", "_reshape_alias", "_reshape_copy"], |l, c| {
        one(l.reshape(c.x()?, &c.at(1).ints()?))
    }),
    (&["view_as", "reshape_as"], like),
    (&["flatten"], |l, c| {
        one(l.flatten(c.x()?, c.int_or("start_dim", 0)?, c.int_or("end_dim", -1)?))
    }),
    (&["ravel"], |l, c| one(l.flatten(c.x()?, 0, -1))),
    (&["unflatten"], |l, c| {
        one(l.unflatten(c.x()?, c.int("dim")?, &c.ints("sizes")?))
    }),
    (&["permute", "permute_copy"], |l, c| {
        one(l.permute(c.x()?, &c.ints("dims")?))
    }),
    (
        &["transpose", "swapaxes", "swapdims", "transpose_copy"],
        |l, c| one(l.transpose(c.x()?, c.at(1).int()?, c.at(2).int()?)),
    ),
    (
        &["t", "numpy_T", "mT", "adjoint", "mH", "t_copy"],
        |l, c| match l.rank(c.x()?) {
            0 | 1 => same(c),
            _ => one(l.transpose(c.x()?, -2, -1)),
        },
    ),
    (&["movedim", "moveaxis"], |l, c| {
        let (from, to) = (c.at(1).ints()?, c.at(2).ints()?);
        let rank = l.rank(c.x()?);
        if rank == 0 {
            return same(c);
        }
        let mut order = vec![None; rank];
        for (&from, &to) in from.iter().zip(&to) {
            order[crate::lower::axis(to, rank)?] = Some(crate::lower::axis(from, rank)? as i64);
        }
        let used: Vec<i64> = order.iter().flatten().copied().collect();
        let mut rest = (0..rank as i64).filter(|a| !used.contains(a));
        let order: Option<Vec<i64>> = order
            .into_iter()
            .map(|a| a.or_else(|| rest.next()))
            .collect();
        match order {
            Some(order) => one(l.permute(c.x()?, &order)),
            None => problem("an axis is given twice"),
        }
    }),
    (&["unsqueeze", "unsqueeze_copy"], |l, c| {
        one(l.unsqueeze(c.x()?, &[c.int("dim")?]))
    }),
    (&["squeeze", "squeeze_copy"], squeeze),
    (&["expand", "broadcast_to", "expand_copy"], |l, c| {
        one(l.expand(c.x()?, &c.ints("size")?))
    }),
    (&["expand_as"], |l, c| {
        let shape = l.shape(c.tensor("other")?);
        one(l.expand_to(c.x()?, &shape))
    }),
    (&["broadcast_tensors"], |l, c| {
        let all = c.at(0).tensors()?;
        let shape = l.common(&all.iter().collect::<Vec<_>>())?;
        list(
            all.iter()
                .map(|x| l.expand_to(x, &shape))
                .collect::<Lowered<_>>()?,
        )
    }),
    (&["repeat", "tile"], |l, c| {
        one(l.tile(c.x()?, &c.at(1).ints()?))
    }),
    (&["repeat_interleave"], |l, c| {
        let x = match c.has("dim") {
            true => c.x()?.clone(),
            false => l.flatten(c.x()?, 0, -1)?,
        };
        let times = c.at(1).int().or_else(|_| {
            problem("a separate number of repeats for each element is not supported")
        })?;
        let times = crate::lower::size(times)?;
        let shape = l.shape(&x);
        let place = crate::lower::axis(c.int_or("dim", 0)?, shape.len())?;
        let all = shape.get(place).copied().unwrap_or(0).saturating_mul(times);
        one(l.pick("repeat_dim", &x, place, (0..all).map(|i| Some(i / times))))
    }),
    (
        &[
            "clone",
            "contiguous",
            "alias",
            "lift_fresh",
            "lift_fresh_copy",
            "lift",
            "requires_grad",
            "pin_memory",
            "cpu",
            "cuda",
            "alias_copy",
            "_conj_physical",
            "conj_physical",
        ],
        |_, c| same(c),
    ),
    (&["detach", "detach_copy"], |l, c| {
        let x = c.x()?;
        Ok(match x.known.is_some() {
            true => x.clone(),
            false => l.unary(landscape_trace::Unary::Detach, x),
        }
        .into())
    }),
    (&["as_strided", "as_strided_copy"], as_strided),
    (&["slice", "slice_copy"], |l, c| {
        let (start, end) = (c.optional_int("start")?, c.optional_int("end")?);
        one(l.slice(
            c.x()?,
            c.int_or("dim", 0)?,
            start,
            end,
            c.int_or("step", 1)?,
        ))
    }),
    (&["narrow", "narrow_copy"], |l, c| {
        let (place, start) = (c.int("dim")?, c.int("start")?);
        let end = start.saturating_add(c.int("length")?);
        let end = if start < 0 && end >= 0 {
            None
        } else {
            Some(end)
        };
        one(l.slice(c.x()?, place, Some(start), end, 1))
    }),
    (&["select", "select_copy"], |l, c| {
        one(l.select(c.x()?, c.int("dim")?, c.int("index")?))
    }),
    (&["split", "split_copy", "unsafe_split"], split),
    (
        &[
            "split_with_sizes",
            "split_with_sizes_copy",
            "unsafe_split_with_sizes",
        ],
        split_sizes,
    ),
    (&["tensor_split", "hsplit", "vsplit"], tensor_split),
    (&["chunk", "unsafe_chunk"], |l, c| {
        list(l.chunk(c.x()?, c.int_or("dim", 0)?, c.int("chunks")?)?)
    }),
    (&["unbind", "unbind_copy"], |l, c| {
        list(l.unbind(c.x()?, c.int_or("dim", 0)?)?)
    }),
    (&["cat", "concat", "concatenate"], |l, c| {
        one(l.cat(&c.tensors("tensors")?, c.int_or("dim", 0)?))
    }),
    (&["stack"], |l, c| {
        one(l.stack(&c.tensors("tensors")?, c.int_or("dim", 0)?))
    }),
    (&["hstack", "column_stack"], |l, c| {
        let all = c.tensors("tensors")?;
        let place = i64::from(all.iter().all(|x| l.rank(x) > 1));
        one(l.cat(&all, place))
    }),
    (&["vstack", "row_stack"], |l, c| {
        let all = c.tensors("tensors")?;
        let rows: Lowered<Vec<_>> = all.iter().map(|x| at_least(l, x, 2)).collect();
        one(l.cat(&rows?, 0))
    }),
    (&["flip"], |l, c| one(l.flip(c.x()?, &c.ints("dims")?))),
    (&["fliplr"], |l, c| one(l.flip(c.x()?, &[1]))),
    (&["flipud"], |l, c| one(l.flip(c.x()?, &[0]))),
    (&["rot90"], |l, c| {
        let (mut x, axes) = (c.x()?.clone(), c.ints("dims")?);
        let &[a, b] = &axes[..] else {
            return problem("a rotation needs two axes");
        };
        for _ in 0..c.int_or("k", 1)?.rem_euclid(4) {
            let turned = l.transpose(&x, a, b)?;
            x = l.flip(&turned, &[a])?;
        }
        Ok(x.into())
    }),
    (&["roll"], |l, c| {
        one(l.roll(c.x()?, &c.ints("shifts")?, &c.ints("dims")?))
    }),
    (&["unfold", "unfold_copy"], |l, c| {
        one(l.windows(c.x()?, c.int("dimension")?, c.int("size")?, c.int("step")?))
    }),
    (&["diagonal", "diagonal_copy", "linalg_diagonal"], |l, c| {
        one(l.diagonal(
            c.x()?,
            c.int_or("offset", 0)?,
            c.int_or("dim1", 0)?,
            c.int_or("dim2", 1)?,
        ))
    }),
    (&["diag"], |l, c| match l.rank(c.x()?) {
        2 => one(l.diagonal(c.x()?, c.int_or("diagonal", 0)?, 0, 1)),
        _ => diagonal_matrix(l, c),
    }),
    (&["diag_embed"], diagonal_matrix),
    (&["pixel_shuffle"], |l, c| {
        one(l.pixel_shuffle(c.x()?, c.int("upscale_factor")?))
    }),
    (&["pixel_unshuffle"], |l, c| {
        one(l.pixel_unshuffle(c.x()?, c.int("downscale_factor")?))
    }),
    (&["channel_shuffle", "native_channel_shuffle"], |l, c| {
        one(l.channel_shuffle(c.x()?, c.int("groups")?))
    }),
];

/// Matrices with the elements of the last axis on their diagonals.
fn diagonal_matrix(l: &mut Lowering, c: &Call) -> Lowered<Operand> {
    let x = c.x()?;
    let n = l.shape(x).last().copied().unwrap_or(1) as i64;
    let given = [("diagonal", 0), ("offset", 0)]
        .iter()
        .any(|&(name, other)| c.int_or(name, other).unwrap_or(1) != other);
    if given || c.int_or("dim1", -2)? != -2 || c.int_or("dim2", -1)? != -1 {
        return problem("other diagonals and axes are not supported");
    }
    let unit = l.eye(n, n)?;
    let rows = l.unsqueeze(x, &[-2])?;
    one(l.binary(landscape_trace::Binary::Mul, &rows, &unit))
}
