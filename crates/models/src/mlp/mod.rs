//! Multi-layer perceptrons: linear layers `fc1..fcN` with an activation between them and none
//! after the last.

mod module;
mod spec;

pub use module::Mlp;
pub use spec::{Activation, MlpSpec};
