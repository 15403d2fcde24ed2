//! Graphs of operations, and the rules that an operation states.

pub(crate) mod batching;
pub(crate) mod derivation;
pub(crate) mod graph;
pub(crate) mod operation;
pub(crate) mod ties;
