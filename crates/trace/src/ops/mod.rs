//! The operations that a traced graph is made of.
//!
//! One operation, one place: what it computes, when it stays affine in the point, what it does to
//! the sample axis, its kernel on the CPU and its replay on devices stand together in one file. The table
//! ([`table::convert`]) says which recorded Burn operation becomes which of them, or several of them ([`composed`]); an
//! operation that is not in the table is an error that names it. Functions of one number are rows of a table of their
//! own ([`functions`]).
//!
//! All values are f32 while a graph runs: class labels and booleans are exact in it (whole numbers that are not,
//! beyond 2^24, are an error of the capture).

pub(crate) mod along;
pub(crate) mod batch_norm;
mod batching;
pub(crate) mod binary;
mod broadcast;
pub(crate) mod collect;
pub(crate) mod composed;
pub(crate) mod composed_grid;
pub(crate) mod composed_index;
pub(crate) mod composed_layers;
mod composed_table;
pub(crate) mod concat;
pub(crate) mod conv;
mod conv_gradient;
pub(crate) mod cross_entropy;
pub(crate) mod cumulative;
mod derivation;
pub(crate) mod embedding;
mod functions;
pub(crate) mod gather;
pub(crate) mod head;
mod head_replay;
pub(crate) mod layer_norm;
pub(crate) mod mask;
pub(crate) mod matmul;
pub(crate) mod pool;
mod pool_gradient;
pub(crate) mod reduce;
pub(crate) mod select;
pub(crate) mod shape;
pub(crate) mod softmax;
pub(crate) mod sort;
pub(crate) mod spread;
pub(crate) mod stretch;
pub(crate) mod table;
#[cfg(test)]
mod tests;
pub(crate) mod unary;

use crate::ir::operation::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, View};

/// The work of sums of `terms` products for every element of an output.
pub(crate) fn work_of_products(shape: &[usize], terms: usize) -> f64 {
    2.0 * terms as f64 * shape.iter().map(|&n| n as f64).product::<f64>()
}

/// Whether axis 0 of the output and of every input with samples is the sample axis, element by
/// element; the rule of all elementwise operations.
pub(crate) fn elementwise_samples(inputs: &[Operand], shape: &[usize]) -> Samples {
    let kept = inputs.iter().all(|input| {
        input.shape.len() == shape.len()
            && if input.samples {
                input.shape[0] == shape[0]
            } else {
                input.shape[0] == 1
            }
    });
    if kept { Samples::Kept } else { Samples::Mixed }
}

/// The highest rank of a value.
pub(crate) fn broadcast_limit() -> usize {
    broadcast::MAX_RANK
}

/// Splits `rows` around an axis: the product of the axes before it, its length, the product after.
pub(crate) fn around(rows: &[usize], axis: usize) -> (usize, usize, usize) {
    let before = rows[..axis].iter().product();
    let after = rows[axis + 1..].iter().product();
    (before, rows[axis], after)
}
