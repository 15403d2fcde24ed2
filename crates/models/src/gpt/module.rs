//! Embeddings, decoder blocks, and the map to the tokens.

use super::GptSpec;
use crate::layers::linear;
use burn::module::Module;
use burn::nn::{
    Embedding, EmbeddingConfig, Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig,
};
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Bool, Device, Int, Tensor, module};

/// Epsilon of the normalisations, PyTorch's default.
const EPSILON: f64 = 1e-5;

/// What a score becomes whose token comes later: its share is exactly 0.
const MASKED: f64 = -1e9;

/// Self-attention with several heads, in which a token sees itself and those before it:
/// `softmax(q k^T / sqrt(d)) v` of each, `d` values a head.
#[derive(Module, Debug)]
pub struct CausalSelfAttention {
    c_attn: Linear,
    c_proj: Linear,
    heads: usize,
}

impl CausalSelfAttention {
    /// Tokens of tokens `[samples, tokens, dim]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [samples, tokens, dim] = x.dims();
        let (heads, each, device) = (self.heads, dim / self.heads, x.device());
        // Rows of `c_attn`: queries, keys, values, and each of them head by head.
        let all = self.c_attn.forward(x);
        let all = all
            .reshape([samples, tokens, 3 * heads, each])
            .swap_dims(1, 2);
        let part = |place: usize| all.clone().narrow(1, place * heads, heads);
        let queries = part(0).mul_scalar((each as f64).powf(-0.5));
        let scores = queries.matmul(part(1).transpose());
        let later = Tensor::<2, Bool>::tril_mask([tokens, tokens], 0, &device);
        let later = later.reshape([1, 1, tokens, tokens]);
        let weights = softmax(scores.mask_fill(later, MASKED), 3);
        let mixed = weights.matmul(part(2)).swap_dims(1, 2);
        self.c_proj.forward(mixed.reshape([samples, tokens, dim]))
    }
}

/// Two linear layers with a GELU between them, on each token alone.
#[derive(Module, Debug)]
pub struct FeedForward {
    c_fc: Linear,
    c_proj: Linear,
}

impl FeedForward {
    /// Tokens of tokens `[samples, tokens, dim]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.c_proj.forward(gelu(self.c_fc.forward(x)))
    }
}

/// Attention and perceptron, each behind a normalisation and with a shortcut around it.
#[derive(Module, Debug)]
pub struct Block {
    ln_1: LayerNorm,
    attn: CausalSelfAttention,
    ln_2: LayerNorm,
    mlp: FeedForward,
}

impl Block {
    fn new(spec: &GptSpec, device: &Device) -> Self {
        let dim = spec.dim();
        Block {
            ln_1: norm(dim, device),
            attn: CausalSelfAttention {
                c_attn: linear(dim, 3 * dim, device),
                c_proj: linear(dim, dim, device),
                heads: spec.heads(),
            },
            ln_2: norm(dim, device),
            mlp: FeedForward {
                c_fc: linear(dim, 4 * dim, device),
                c_proj: linear(4 * dim, dim, device),
            },
        }
    }

    /// Tokens of tokens `[samples, tokens, dim]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() + self.attn.forward(self.ln_1.forward(x));
        x.clone() + self.mlp.forward(self.ln_2.forward(x))
    }
}

/// All but the map to the tokens.
#[derive(Module, Debug)]
pub struct Transformer {
    wte: Embedding,
    wpe: Embedding,
    h: Vec<Block>,
    ln_f: LayerNorm,
}

impl Transformer {
    /// Values `[samples, tokens, dim]` of ids `[samples, tokens]`.
    pub fn forward(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        let [_, tokens] = ids.dims();
        let places = self.wpe.weight.val().narrow(0, 0, tokens);
        let x = self.wte.forward(ids) + places.unsqueeze::<3>();
        let x = self.h.iter().fold(x, |x, block| block.forward(x));
        self.ln_f.forward(x)
    }
}

/// A decoder.
#[derive(Module, Debug)]
pub struct Decoder {
    transformer: Transformer,
    /// Of networks whose map to the tokens is not the embedding.
    lm_head: Option<Linear>,
}

impl Decoder {
    pub(crate) fn new(spec: &GptSpec, device: &Device) -> Self {
        let (vocab, dim) = (spec.vocab(), spec.dim());
        let head = LinearConfig::new(dim, vocab)
            .with_bias(false)
            .with_initializer(Initializer::Zeros);
        Decoder {
            transformer: Transformer {
                wte: embedding(vocab, dim, device),
                wpe: embedding(spec.context(), dim, device),
                h: (0..spec.depth())
                    .map(|_| Block::new(spec, device))
                    .collect(),
                ln_f: norm(dim, device),
            },
            lm_head: (!spec.tied()).then(|| head.init(device)),
        }
    }

    /// Logits `[samples, tokens, vocab]` of ids `[samples, tokens]`: those of the token that follows each.
    pub fn forward(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        let x = self.transformer.forward(ids);
        match &self.lm_head {
            Some(head) => head.forward(x),
            None => module::linear(x, self.transformer.wte.weight.val().transpose(), None),
        }
    }
}

fn embedding(rows: usize, dim: usize, device: &Device) -> Embedding {
    EmbeddingConfig::new(rows, dim)
        .with_initializer(Initializer::Zeros)
        .init(device)
}

fn norm(dim: usize, device: &Device) -> LayerNorm {
    LayerNormConfig::new(dim).with_epsilon(EPSILON).init(device)
}
