//! Vision transformers (Dosovitskiy et al., arXiv:2010.11929), small enough for CIFAR-10 and MNIST, with
//! the names of the `timm` library: patches, learned positions, encoder blocks that normalise before
//! attention and before the perceptron.

mod module;
mod spec;

pub use module::{Attention, Encoder, FeedForward, PatchEmbed, VisionTransformer};
pub use spec::{Pool, VitSpec};

/// A vision transformer.
pub type Vit = crate::layers::Family<VitSpec>;
