//! Graphs on the CPU's own kernels, many points or vectors at once.

pub(crate) mod derivative;
pub(crate) mod executor;
mod in_order;
pub(crate) mod threads;
