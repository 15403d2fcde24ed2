//! Plain numbers: sizes and what is computed of them.

use super::{Rows, one};
use crate::lower::{Lowered, Lowering, Operand, problem};
use crate::pt2::call::Call;
use landscape_trace::Binary;

fn numbers(l: &mut Lowering, c: &Call, f: Binary) -> Lowered<Operand> {
    l.arithmetic(f, c.at(0), c.at(1))
}

fn one_number(c: &Call, f: impl Fn(f64) -> f64) -> Lowered<Operand> {
    let x = f(c.at(0).number()?);
    Ok(match c.at(0) {
        Operand::Float(_) => Operand::Float(x),
        _ => Operand::Int(x as i64),
    })
}

fn whole(c: &Call, f: impl Fn(f64) -> f64) -> Lowered<Operand> {
    Ok(Operand::Int(f(c.at(0).number()?) as i64))
}

fn size(l: &Lowering, c: &Call) -> Lowered<Operand> {
    let shape = l.shape(c.x()?);
    if !c.has("dim") {
        return Ok(Operand::List(
            shape.iter().map(|&n| Operand::Int(n as i64)).collect(),
        ));
    }
    let axis = crate::lower::axis(c.int("dim")?, shape.len())?;
    match shape.get(axis) {
        Some(&n) => Ok(Operand::Int(n as i64)),
        None => problem("a single number has no axes"),
    }
}

fn extreme(c: &Call, greatest: bool) -> Lowered<Operand> {
    let (a, b) = (c.at(0).number()?, c.at(1).number()?);
    let first = if greatest { a >= b } else { a <= b };
    Ok(c.at(usize::from(!first)).clone())
}

pub(super) const ROWS: Rows = &[
    (&["sym_size", "size"], |l, c| size(l, c)),
    (&["sym_numel", "numel"], |l, c| {
        Ok(Operand::Int(l.count(c.x()?) as i64))
    }),
    (&["sym_stride", "sym_storage_offset"], |_, _| {
        problem("it asks how a tensor is laid out in memory")
    }),
    (&["_operator.add"], |l, c| numbers(l, c, Binary::Add)),
    (&["_operator.sub"], |l, c| numbers(l, c, Binary::Sub)),
    (&["_operator.mul"], |l, c| numbers(l, c, Binary::Mul)),
    (&["_operator.truediv"], |l, c| {
        match numbers(l, c, Binary::Div)? {
            Operand::Int(x) => Ok(Operand::Float(x as f64)),
            other => Ok(other),
        }
    }),
    (&["_operator.floordiv"], |_, c| {
        let (a, b) = (c.at(0).int()?, c.at(1).int()?);
        match a.checked_div_euclid(b) {
            Some(_) => Ok(Operand::Int((a as f64 / b as f64).floor() as i64)),
            None => problem("a division by zero"),
        }
    }),
    (&["_operator.mod"], |l, c| numbers(l, c, Binary::Remainder)),
    (&["_operator.pow"], |l, c| numbers(l, c, Binary::Pow)),
    (&["_operator.neg"], |_, c| one_number(c, |x| -x)),
    (&["_operator.abs"], |_, c| one_number(c, f64::abs)),
    (&["_operator.eq"], |l, c| numbers(l, c, Binary::Equal)),
    (&["_operator.ne"], |l, c| numbers(l, c, Binary::NotEqual)),
    (&["_operator.lt"], |l, c| numbers(l, c, Binary::Lower)),
    (&["_operator.le"], |l, c| numbers(l, c, Binary::LowerEqual)),
    (&["_operator.gt"], |l, c| numbers(l, c, Binary::Greater)),
    (&["_operator.ge"], |l, c| {
        numbers(l, c, Binary::GreaterEqual)
    }),
    (&["_operator.and_"], |l, c| numbers(l, c, Binary::And)),
    (&["_operator.or_"], |l, c| numbers(l, c, Binary::Or)),
    (&["_operator.not_", "torch.sym_not", "sym_not"], |_, c| {
        Ok(Operand::Bool(!c.at(0).bool()?))
    }),
    (&["_operator.getitem"], |_, c| match c.at(0) {
        Operand::List(all) => {
            let place = crate::lower::axis(c.at(1).int()?, all.len())?;
            all.get(place)
                .cloned()
                .map_or_else(|| problem("there is no such element"), Ok)
        }
        _ => problem("it is not a list"),
    }),
    (&["torch.sym_float", "sym_float"], |_, c| {
        Ok(Operand::Float(c.at(0).number()?))
    }),
    (
        &["torch.sym_int", "sym_int", "math.trunc", "_operator.trunc"],
        |_, c| whole(c, f64::trunc),
    ),
    (&["math.ceil", "_operator.ceil"], |_, c| whole(c, f64::ceil)),
    (&["math.floor", "_operator.floor"], |_, c| {
        whole(c, f64::floor)
    }),
    (&["math.round", "_operator.round"], |_, c| {
        whole(c, f64::round_ties_even)
    }),
    (
        &["math.sqrt", "torch._sym_sqrt", "torch.sym_sqrt"],
        |_, c| Ok(Operand::Float(c.at(0).number()?.sqrt())),
    ),
    (&["torch.sym_max", "sym_max"], |_, c| extreme(c, true)),
    (&["torch.sym_min", "sym_min"], |_, c| extreme(c, false)),
    (&["torch.sym_sum", "sym_sum"], |_, c| {
        let all = c.at(0).ints()?;
        Ok(Operand::Int(
            all.iter().fold(0, |sum, &x| i64::saturating_add(sum, x)),
        ))
    }),
    (&["torch.sym_ite", "sym_ite"], |_, c| {
        Ok(c.at(if c.at(0).bool()? { 1 } else { 2 }).clone())
    }),
    (&["identity"], |_, c| one(c.x().cloned())),
];
