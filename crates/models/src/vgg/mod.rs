//! VGG networks for CIFAR-10 with batch normalisation (Simonyan and Zisserman, arXiv:1409.1556), in
//! the form of tomgoldstein/loss-landscape: convolutions with biases, one normalised hidden layer
//! behind them.

mod module;
mod spec;

pub use module::VggNet;
pub use spec::VggSpec;

/// A VGG network.
pub type Vgg = crate::layers::Family<VggSpec>;
