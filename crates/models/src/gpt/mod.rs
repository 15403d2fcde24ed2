//! Language models: decoders as GPT-2 has them (Radford et al. 2019, "Language Models are Unsupervised Multitask
//! Learners"), with the names and layouts of nanoGPT (<https://github.com/karpathy/nanoGPT>): token and position
//! embeddings, blocks that normalise before causal attention and before the perceptron, a last normalisation, and a
//! linear map to the tokens, which may be the embedding itself (`tied`).

mod module;
mod spec;

pub use module::{Block, CausalSelfAttention, Decoder, FeedForward, Transformer};
pub use spec::GptSpec;

/// A language model.
pub type Gpt = crate::layers::Family<GptSpec>;
