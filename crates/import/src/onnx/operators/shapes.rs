//! Shapes, parts of values, and numbers that are made.

use super::{Table, all, one};
use crate::lower::{
    Border, Kind, LowerError, Lowered, Lowering, Operand, Tensor, axis, problem, size,
};
use crate::onnx::array;
use crate::onnx::graph::Value;
use crate::onnx::run::{Call, constant};

pub(super) const TABLE: Table = &[
    ("Shape", shape),
    ("Size", |l, c| {
        let shape = sizes(l, c.tensor(0)?);
        one(l.number(shape.iter().product::<usize>() as f64, Kind::Int))
    }),
    ("Reshape", reshape),
    ("Flatten", flatten),
    ("Transpose", transpose),
    ("Squeeze", |l, c| {
        let axes = c.ints_either("axes", 1)?;
        one(l.squeeze(c.tensor(0)?, axes.as_deref()))
    }),
    ("Unsqueeze", |l, c| {
        let axes = c.ints_either("axes", 1)?.unwrap_or_default();
        one(l.unsqueeze(c.tensor(0)?, &axes))
    }),
    ("Expand", expand),
    ("Tile", |l, c| {
        let times = c.tensor(1)?.integers();
        match times {
            Some(times) => one(l.tile(c.tensor(0)?, &times)),
            None => problem("the number of repeats depends on the data"),
        }
    }),
    ("Concat", |l, c| {
        let values = c
            .inputs
            .iter()
            .map(|x| x.tensor().cloned())
            .collect::<Lowered<Vec<_>>>()?;
        one(joined(l, &values, c.int("axis", 0)))
    }),
    ("Slice", slice),
    ("Split", split),
    ("Pad", pad),
    ("Constant", given),
    ("ConstantOfShape", filled),
    ("Range", range),
    ("EyeLike", eye),
    ("Trilu", |l, c| {
        let diagonal = match c.at(1) {
            Operand::None => 0,
            given => given.int()?,
        };
        one(l.triangle(c.tensor(0)?, diagonal, c.int("upper", 1) != 0))
    }),
    ("CenterCropPad", centred),
    ("DepthToSpace", depth_to_space),
    ("SpaceToDepth", space_to_depth),
    ("ReverseSequence", reversed),
];

/// The lengths of the axes in the file's example, in which all sizes of the file are.
pub(super) fn sizes(l: &Lowering, x: &Tensor) -> Vec<usize> {
    x.exported.clone().unwrap_or_else(|| l.shape(x))
}

fn shape(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let shape = sizes(l, c.tensor(0)?);
    let rank = shape.len() as i64;
    let place = |given: i64| {
        let counted = if given < 0 {
            given.saturating_add(rank)
        } else {
            given
        };
        counted.clamp(0, rank) as usize
    };
    let (start, end) = (place(c.int("start", 0)), place(c.int("end", rank)));
    let part = shape.get(start..end).unwrap_or_default();
    one(l.constant(
        &[part.len()],
        part.iter().map(|&n| n as f64).collect(),
        Kind::Int,
    ))
}

/// -1 is what is left, 0 the length that is there, unless `allowzero`.
fn reshape(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let x = c.tensor(0)?;
    let Some(mut wanted) = c.ints_either("shape", 1)? else {
        return problem("it has no shape");
    };
    let own = sizes(l, x);
    if c.int("allowzero", 0) == 0 {
        for (i, n) in wanted.iter_mut().enumerate().filter(|(_, n)| **n == 0) {
            match own.get(i) {
                Some(&length) => *n = length as i64,
                None => return problem(format!("there is no axis {i} of {own:?}")),
            }
        }
    }
    one(l.reshape(x, &wanted))
}

/// Two axes: those before one, and the rest.
fn flatten(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, given) = (c.tensor(0)?, c.int("axis", 1));
    let own = sizes(l, x);
    let rank = own.len() as i64;
    let place = if given < 0 {
        given.saturating_add(rank)
    } else {
        given
    };
    let Some((rows, rest)) = usize::try_from(place)
        .ok()
        .and_then(|at| own.split_at_checked(at))
    else {
        return problem(format!("there is no axis {given} of {rank}"));
    };
    let product = |part: &[usize]| part.iter().product::<usize>() as i64;
    one(l.reshape(x, &[product(rows), product(rest)]))
}

fn transpose(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let x = c.tensor(0)?;
    let rank = l.rank(x) as i64;
    let reversed: Vec<i64> = (0..rank).rev().collect();
    let order = c.ints("perm").unwrap_or(&reversed);
    if order.len() as i64 != rank {
        return problem(format!("{order:?} is not an order of {rank} axes"));
    }
    one(l.permute(x, order))
}

/// Axes of length 1 repeat, of either shape.
fn expand(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, wanted) = (c.tensor(0)?, c.at(1).ints()?);
    let own = sizes(l, x);
    let rank = own.len().max(wanted.len());
    let at = |shape: &[i64], i: usize| match (i + shape.len()).checked_sub(rank) {
        Some(axis) => shape[axis],
        None => 1,
    };
    let own: Vec<i64> = own.iter().map(|&n| n as i64).collect();
    let both = |i: usize| match (at(&own, i), at(&wanted, i)) {
        (n, 1) => n,
        (_, n) => n,
    };
    let sizes: Vec<i64> = (0..rank).map(both).collect();
    let lead = vec![1; rank - own.len()];
    let axes: Vec<i64> = (0..lead.len() as i64).collect();
    let x = match lead.is_empty() || x.scalar {
        true => x.clone(),
        false => l.unsqueeze(x, &axes)?,
    };
    one(l.expand(&x, &sizes))
}

/// Values one after another; vectors without elements are none.
fn joined(l: &mut Lowering, values: &[Tensor], place: i64) -> Lowered {
    let some: Vec<Tensor> = values.iter().filter(|x| l.count(x) > 0).cloned().collect();
    match (&some[..], values) {
        ([one], _) => Ok(one.clone()),
        ([], [first, ..]) => Ok(first.clone()),
        (some, _) => l.cat(some, place),
    }
}

/// Attributes before version 10, inputs since.
fn slice(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let mut x = c.tensor(0)?.clone();
    let (Some(starts), Some(ends)) = (c.ints_either("starts", 1)?, c.ints_either("ends", 2)?)
    else {
        return problem("its starts or ends are missing");
    };
    let count = starts.len();
    let places = c
        .ints_either("axes", 3)?
        .unwrap_or_else(|| (0..count as i64).collect());
    let steps = c.ints_either("steps", 4)?.unwrap_or_else(|| vec![1; count]);
    if [ends.len(), places.len(), steps.len()]
        .iter()
        .any(|&n| n != count)
    {
        return problem("it has different numbers of starts, ends, axes and steps");
    }
    for i in 0..count {
        x = one_slice(l, &x, places[i], [starts[i], ends[i], steps[i]])?;
    }
    one(Ok(x))
}

fn one_slice(l: &mut Lowering, x: &Tensor, place: i64, [start, end, step]: [i64; 3]) -> Lowered {
    // Numbers of a shape may be none at all.
    if let (Some(known), [length]) = (&x.known, &l.shape(x)[..]) {
        let length = *length as i64;
        let counted = |n: i64| if n < 0 { n.saturating_add(length) } else { n };
        let (from, to) = match step {
            0 => return problem("its step is 0"),
            1.. => (
                counted(start).clamp(0, length),
                counted(end).clamp(0, length),
            ),
            _ => (
                counted(start).clamp(-1, length - 1),
                counted(end).clamp(-1, length - 1),
            ),
        };
        let goes_on = |at: &i64| if step > 0 { *at < to } else { *at > to };
        let places = std::iter::successors(Some(from), |at| at.checked_add(step));
        let numbers: Vec<f64> = places
            .take_while(goes_on)
            .map(|at| known[at as usize])
            .collect();
        return l.constant(&[numbers.len()], numbers, x.kind);
    }
    let ends = |n: i64| (n.unsigned_abs() < 1 << 60).then_some(n);
    let (from, to) = match step {
        1.. => (Some(start), ends(end)),
        // Beyond the first element: to the end of all that there is.
        _ if end.saturating_add(
            sizes(l, x)
                .get(axis(place, l.rank(x))?)
                .map_or(0, |&n| n as i64),
        ) < 0 =>
        {
            (ends(start), None)
        }
        _ => (ends(start), ends(end)),
    };
    l.slice(x, place, from, to, step)
}

/// Lengths are an attribute or an input; else there are as many equal parts as outputs, of which the last may be shorter.
fn split(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, place) = (c.tensor(0)?, c.int("axis", 0));
    let given = c.ints_either("split", 1)?;
    let lengths = match given {
        Some(lengths) => lengths
            .iter()
            .map(|&n| size(n))
            .collect::<Lowered<Vec<_>>>()?,
        None => {
            let own = l.shape(x);
            let Some(&length) = own.get(axis(place, own.len())?) else {
                return problem("a single number has no parts");
            };
            let count = size(c.int("num_outputs", c.outputs() as i64))?.max(1);
            let part = length.div_ceil(count);
            (0..count)
                .map(|i| part.min(length.saturating_sub(i * part)))
                .collect()
        }
    };
    all(l.split(x, place, &lengths)?)
}

fn pad(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let x = c.tensor(0)?;
    let Some(pads) = c.ints_either("pads", 1)? else {
        return problem("it has no padding widths");
    };
    let rank = l.rank(x);
    let places = match c.at(3) {
        Operand::None => (0..rank as i64).collect(),
        given => given.ints()?,
    };
    if pads.len() != 2 * places.len() {
        return problem(format!(
            "{} padding widths for {} axes",
            pads.len(),
            places.len()
        ));
    }
    let mut widths = vec![(0, 0); rank];
    for (i, &place) in places.iter().enumerate() {
        let width = widths.get_mut(axis(place, rank)?);
        width
            .into_iter()
            .for_each(|width| *width = (pads[i], pads[places.len() + i]));
    }
    let number = match c.at(2) {
        Operand::None => c.float("value", 0.0),
        given => given.number()?,
    };
    let border = match c.text("mode", "constant") {
        "constant" => Border::Constant(number),
        "reflect" => Border::Reflect,
        "edge" => Border::Edge,
        "wrap" => Border::Wrap,
        mode => return problem(format!("the mode `{mode}` is not supported")),
    };
    one(l.pad(x, &widths, border))
}

/// The numbers of an attribute.
fn given(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let vector = |l: &mut Lowering, all: Vec<f64>, kind| one(l.constant(&[all.len()], all, kind));
    if let Some((name, value)) = c.step.attributes.first() {
        return match value {
            Value::Array(array) => one(constant(l, array)),
            Value::Int(i) => one(l.number(*i as f64, Kind::Int)),
            Value::Float(x) => one(l.number(f64::from(*x), Kind::Float)),
            Value::Ints(all) => vector(l, all.iter().map(|&i| i as f64).collect(), Kind::Int),
            Value::Floats(all) => {
                vector(l, all.iter().map(|&x| f64::from(x)).collect(), Kind::Float)
            }
            Value::Text(text) => Ok(vec![Operand::Text(text.clone())]),
            _ => problem(format!("its `{name}` does not hold numbers")),
        };
    }
    problem("it has no value")
}

fn filled(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let sizes = c.at(0).ints()?;
    let (number, kind) = match c.attribute("value") {
        Some(Value::Array(array)) => {
            let one = constant(l, array)?;
            match (one.known.as_ref().map(|known| known[..].to_vec()), one.kind) {
                (Some(known), kind) if known.len() == 1 => (known[0], kind),
                _ => return problem("its value is not one number"),
            }
        }
        _ => (0.0, Kind::Float),
    };
    one(l.full(&sizes, number, kind))
}

fn range(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let known = |position: usize| {
        c.at(position)
            .number()
            .map_err(|_| LowerError::Problem("where it begins or ends depends on the data".into()))
    };
    let (start, end, step) = (known(0)?, known(1)?, known(2)?);
    one(l.arange(start, end, step, c.tensor(0)?.kind))
}

fn eye(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let x = c.tensor(0)?;
    let [rows, columns] = l.shape(x)[..] else {
        return problem("a matrix is expected");
    };
    let (diagonal, kind) = (c.int("k", 0), kind_of(c.int("dtype", 0)).unwrap_or(x.kind));
    l.spend(&[rows, columns])?;
    let on = |i: usize| (i % columns) as i64 - (i / columns) as i64 == diagonal;
    let numbers = (0..rows * columns)
        .map(|i| f64::from(u8::from(on(i))))
        .collect();
    one(l.constant(&[rows, columns], numbers, kind))
}

/// The kind of a type of `TensorProto.DataType`.
pub(super) fn kind_of(code: i64) -> Option<Kind> {
    Some(match array::Kind::of(code)? {
        array::Kind::Bool => Kind::Bool,
        kind if kind.is_float() => Kind::Float,
        _ => Kind::Int,
    })
}

fn block(l: &Lowering, c: &Call) -> Lowered<([i64; 4], i64)> {
    let own: Vec<i64> = sizes(l, c.tensor(0)?).iter().map(|&n| n as i64).collect();
    let block = c.int("blocksize", 1);
    match own[..] {
        [n, channels, height, width] if (1..=1 << 20).contains(&block) => {
            Ok(([n, channels, height, width], block))
        }
        _ => problem(format!(
            "{own:?} is not the shape of images in blocks of {block}"
        )),
    }
}

fn depth_to_space(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let ([n, channels, height, width], block) = block(l, c)?;
    let rest = channels / (block * block);
    let (parts, order) = match c.text("mode", "DCR") {
        "CRD" => ([n, rest, block, block, height, width], [0, 1, 4, 2, 5, 3]),
        _ => ([n, block, block, rest, height, width], [0, 3, 4, 1, 5, 2]),
    };
    let parted = l.reshape(c.tensor(0)?, &parts)?;
    let turned = l.permute(&parted, &order)?;
    one(l.reshape(&turned, &[n, rest, height * block, width * block]))
}

fn space_to_depth(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let ([n, channels, height, width], block) = block(l, c)?;
    let parted = l.reshape(
        c.tensor(0)?,
        &[n, channels, height / block, block, width / block, block],
    )?;
    let order = match c.text("mode", "DCR") {
        "CRD" => [0, 1, 3, 5, 2, 4],
        _ => [0, 3, 5, 1, 2, 4],
    };
    let turned = l.permute(&parted, &order)?;
    one(l.reshape(
        &turned,
        &[n, channels * block * block, height / block, width / block],
    ))
}

/// Of each element of one axis, so many of the first elements along another in the opposite order.
fn reversed(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, lengths) = (c.tensor(0)?, c.at(1).ints()?);
    let shape = l.shape(x);
    let (time, batch) = (
        axis(c.int("time_axis", 0), shape.len())?,
        axis(c.int("batch_axis", 1), shape.len())?,
    );
    if shape.get(batch) != Some(&lengths.len()) {
        return problem("it does not have one length for each sequence");
    }
    let mut rows = vec![];
    for (i, &length) in lengths.iter().enumerate() {
        let row = l.slice(x, batch as i64, Some(i as i64), Some(i as i64 + 1), 1)?;
        let length = size(length)?.min(shape[time]);
        let at = |t: usize| Some(if t < length { length - 1 - t } else { t });
        rows.push(l.pick("flip", &row, time, (0..shape[time]).map(at))?);
    }
    one(joined(l, &rows, batch as i64))
}

/// The middle of axes, or zeros around what is shorter.
fn centred(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, wanted) = (c.tensor(0)?, c.at(1).ints()?);
    let own = l.shape(x);
    let places = match c.ints("axes") {
        Some(all) => all.to_vec(),
        None => (0..own.len() as i64).collect(),
    };
    let mut widths = vec![(0, 0); own.len()];
    for (&place, &new) in places.iter().zip(&wanted) {
        let place = axis(place, own.len())?;
        let more = new - own.get(place).map_or(0, |&n| n as i64);
        // Of an odd number the larger half stands behind.
        let before = more.div_euclid(2);
        let before = if more < 0 { -((-more) / 2) } else { before };
        widths
            .get_mut(place)
            .into_iter()
            .for_each(|width| *width = (before, more - before));
    }
    one(l.pad(x, &widths, Border::Constant(0.0)))
}
