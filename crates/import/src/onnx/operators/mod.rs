//! ONNX's operators, each in terms of the common lowering.

mod choices;
mod elementwise;
mod layers;
mod losses;
mod recurrent;
mod reductions;
mod sequences;
mod shapes;

use super::run::Call;
use crate::lower::{Lowered, Lowering, Operand, Tensor};

/// What lowers a node.
pub(super) type Operator = fn(&mut Lowering, &Call) -> Lowered<Vec<Operand>>;

/// Operators of a room by name.
type Table = &'static [(&'static str, Operator)];

/// ONNX's own operators.
const TABLES: [Table; 8] = [
    choices::TABLE,
    elementwise::TABLE,
    layers::TABLE,
    losses::TABLE,
    recurrent::TABLE,
    reductions::TABLE,
    sequences::TABLE,
    shapes::TABLE,
];

/// Operators of other domains that common tools write.
const CONTRIBUTED: [Table; 2] = [elementwise::CONTRIBUTED, layers::CONTRIBUTED];

/// The operator of a domain.
pub(super) fn find(domain: &str, name: &str) -> Option<Operator> {
    let tables: &[Table] = match domain {
        "" => &TABLES,
        "com.microsoft" => &CONTRIBUTED,
        _ => &[],
    };
    let mut all = tables.iter().copied().flatten();
    all.find(|(own, _)| *own == name)
        .map(|(_, operator)| *operator)
}

/// Whether an operator is known, those with graphs of their own among them.
pub(super) fn is_known(domain: &str, name: &str) -> bool {
    domain.is_empty() && matches!(name, "If" | "Loop" | "Scan") || find(domain, name).is_some()
}

/// Whether an operator may be given a value without elements: lists of axes and sizes are such.
pub(super) fn takes_empty(name: &str) -> bool {
    const TAKES: [&str; 17] = [
        "Cast",
        "CastLike",
        "Concat",
        "ConstantOfShape",
        "Expand",
        "If",
        "Identity",
        "Loop",
        "Pad",
        "Reshape",
        "Resize",
        "Shape",
        "Size",
        "Slice",
        "Squeeze",
        "Trilu",
        "Unsqueeze",
    ];
    let families = ["Reduce", "Split", "Sequence", "Optional"];
    TAKES.contains(&name) || families.iter().any(|family| name.starts_with(family))
}

/// Its name in messages.
pub(super) fn name(domain: &str, name: &str) -> String {
    match domain {
        "" => name.to_owned(),
        domain => format!("{domain}::{name}"),
    }
}

/// An operator of one output.
fn one(made: Lowered<Tensor>) -> Lowered<Vec<Operand>> {
    Ok(vec![Operand::Tensor(made?)])
}

/// Several outputs.
fn all(made: impl IntoIterator<Item = Tensor>) -> Lowered<Vec<Operand>> {
    Ok(made.into_iter().map(Operand::Tensor).collect())
}
