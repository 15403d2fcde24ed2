//! Lists of values, and values that may be absent.

use super::{Table, one};
use crate::lower::{Kind, Lowered, Lowering, Operand, axis, problem, size};
use crate::onnx::run::Call;

pub(super) const TABLE: Table = &[
    ("SequenceConstruct", |_, c| {
        Ok(vec![Operand::List(c.inputs.clone())])
    }),
    ("SequenceEmpty", |_, _| Ok(vec![Operand::List(vec![])])),
    ("SequenceAt", |_, c| {
        let all = list(c)?;
        Ok(vec![all[axis(c.at(1).int()?, all.len())?].clone()])
    }),
    ("SequenceLength", |l, c| {
        let count = list(c)?.len();
        one(l.number(count as f64, Kind::Int))
    }),
    ("SequenceInsert", |_, c| {
        let mut all = list(c)?.to_vec();
        let count = all.len() as i64;
        let place = match c.at(2) {
            Operand::None => count,
            given => given.int()?,
        };
        let place = if place < 0 {
            place.saturating_add(count)
        } else {
            place
        };
        match usize::try_from(place)
            .ok()
            .filter(|&place| place <= all.len())
        {
            Some(place) => all.insert(place, c.at(1).clone()),
            None => return problem(format!("there is no position {place} among {count}")),
        }
        Ok(vec![Operand::List(all)])
    }),
    ("SequenceErase", |_, c| {
        let mut all = list(c)?.to_vec();
        let place = match c.at(1) {
            Operand::None => -1,
            given => given.int()?,
        };
        let place = axis(place, all.len())?;
        if place < all.len() {
            all.remove(place);
        }
        Ok(vec![Operand::List(all)])
    }),
    ("SplitToSequence", split),
    ("ConcatFromSequence", |l, c| {
        let values = c.at(0).tensors()?;
        match c.int("new_axis", 0) {
            0 => one(l.cat(&values, c.int("axis", 0))),
            _ => one(l.stack(&values, c.int("axis", 0))),
        }
    }),
    ("Optional", |_, c| Ok(vec![c.at(0).clone()])),
    ("OptionalGetElement", |_, c| Ok(vec![c.at(0).clone()])),
    ("OptionalHasElement", |l, c| {
        let there = !c.at(0).is_none();
        one(l.number(f64::from(u8::from(there)), Kind::Bool))
    }),
];

fn list<'c>(c: &'c Call) -> Lowered<&'c [Operand]> {
    match c.at(0) {
        Operand::List(all) if !all.is_empty() || &*c.step.operator != "SequenceAt" => Ok(all),
        Operand::List(_) => problem("the sequence is empty"),
        _ => problem("a sequence is expected"),
    }
}

/// Parts of given lengths, or of one; of one element without their axis where that is said.
fn split(l: &mut Lowering, c: &Call) -> Lowered<Vec<Operand>> {
    let (x, place) = (c.tensor(0)?, c.int("axis", 0));
    let parts = match c.optional(1) {
        None => match c.int("keepdims", 1) {
            0 => l.unbind(x, place)?,
            _ => l.split_by(x, place, 1)?,
        },
        Some(given) => {
            let lengths = c.at(1).ints()?;
            match (l.rank(given), &lengths[..]) {
                (0, &[length]) => l.split_by(x, place, length)?,
                _ => {
                    let lengths = lengths
                        .iter()
                        .map(|&n| size(n))
                        .collect::<Lowered<Vec<_>>>()?;
                    l.split(x, place, &lengths)?
                }
            }
        }
    };
    Ok(vec![Operand::List(
        parts.into_iter().map(Operand::Tensor).collect(),
    )])
}
