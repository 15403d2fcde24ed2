//! Residual networks for CIFAR-10 (He, Zhang, Ren, Sun, arXiv:1512.03385), with projections where a
//! block changes the shape, and the same networks without shortcuts.

mod module;
mod spec;
mod structure;

pub use module::{Block, ResidualNet};
pub(crate) use module::{Shape, Shortcut, Stage};
pub use spec::ResNetSpec;
pub(crate) use structure::Structure;

/// A residual network.
pub type ResNet = crate::layers::Family<ResNetSpec>;
