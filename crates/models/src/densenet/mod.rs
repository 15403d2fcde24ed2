//! Densely connected networks (Huang, Liu, van der Maaten, Weinberger, arXiv:1608.06993) with
//! bottlenecks, behind a 3x3 stem for CIFAR-10: every layer sees all that came before it.

mod module;
mod spec;

pub use module::{DenseLayer, DenseNetwork, Transition};
pub use spec::DenseNetSpec;

/// A densely connected network.
pub type DenseNet = crate::layers::Family<DenseNetSpec>;
