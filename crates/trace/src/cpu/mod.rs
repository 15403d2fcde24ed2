//! Graphs on the CPU's own kernels.

pub(crate) mod executor;
mod in_order;
mod once;
mod points;
mod remembered;
pub(crate) mod samples;
mod steps;
pub(crate) mod threads;
pub(crate) mod totals;
mod vectors;
