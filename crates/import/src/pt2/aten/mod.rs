//! PyTorch's operations: which function of the lowering each of them is, by name, for all of its overloads.
//!
//! The forms that write to their first argument (`relu_`) have the rows of those that do not.

mod activations;
mod arithmetic;
mod composites;
mod creation;
mod indexing;
mod layers;
mod losses;
mod pooling;
mod reductions;
mod shapes;
mod symbols;
mod updates;

use super::call::Call;
use crate::lower::{Lowered, Lowering, Operand, Tensor};
use std::collections::HashMap;
use std::sync::LazyLock;

/// How an operation is lowered.
pub(super) type Rule = fn(&mut Lowering, &Call) -> Lowered<Operand>;

/// Rows of a table: names of one operation, and its rule.
type Rows = &'static [(&'static [&'static str], Rule)];

static RULES: LazyLock<HashMap<&'static str, Rule>> = LazyLock::new(|| {
    let tables = [
        activations::ROWS,
        arithmetic::ROWS,
        composites::ROWS,
        creation::ROWS,
        indexing::ROWS,
        layers::ROWS,
        losses::ROWS,
        pooling::ROWS,
        reductions::ROWS,
        shapes::ROWS,
        symbols::ROWS,
        updates::ROWS,
    ];
    let rows = tables.into_iter().flatten();
    rows.flat_map(|(names, rule)| names.iter().map(move |name| (*name, *rule)))
        .collect()
});

/// The rule of an operation, without its overload.
pub(super) fn find(base: &str) -> Option<Rule> {
    RULES.get(base).copied()
}

/// Whether an operation repeats axes of length 1 as they meet longer ones, or keeps them: then a value whose samples are still
/// open stays so.
pub(super) fn repeats(base: &str) -> bool {
    const KEEP: &[&str] = &[
        "cat",
        "stack",
        "where",
        "masked_fill",
        "permute",
        "transpose",
        "t",
        "unsqueeze",
        "slice",
        "select",
        "expand",
        "clone",
        "contiguous",
        "alias",
        "detach",
        "to",
        "_to_copy",
        "copy",
        "fill",
        "matmul",
        "bmm",
        "scaled_dot_product_attention",
        "lstm",
        "gru",
        "rnn_tanh",
        "rnn_relu",
        "slice_scatter",
        "select_scatter",
        "lerp",
        "addcmul",
        "addcdiv",
        "zero",
        "full_like",
        "zeros_like",
        "ones_like",
        "maximum",
        "minimum",
        "clamp",
    ];
    let is = |rows: Rows| rows.iter().any(|(names, _)| names.contains(&base));
    KEEP.contains(&base) || is(arithmetic::ROWS) || is(activations::ROWS)
}

fn one(made: Lowered<Tensor>) -> Lowered<Operand> {
    made.map(Operand::from)
}

fn list(made: Vec<Tensor>) -> Lowered<Operand> {
    Ok(Operand::List(made.into_iter().map(Operand::from).collect()))
}
