//! Patches, encoder blocks and a linear head.

use super::{Pool, VitSpec};
use crate::layers::{Architecture, ImageNetwork, linear};
use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Initializer, LayerNorm, LayerNormConfig, Linear};
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Device, Tensor};

/// Epsilon of the normalisations, that of the published networks.
const EPSILON: f64 = 1e-6;

/// Each patch as a token: a linear map of its pixels, written as a convolution.
#[derive(Module, Debug)]
pub struct PatchEmbed {
    proj: Conv2d,
}

impl PatchEmbed {
    /// Tokens `[samples, patches, dim]` of images, row by row.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<3> {
        let maps: Tensor<3> = self.proj.forward(x).flatten(2, 3);
        maps.swap_dims(1, 2)
    }
}

/// Self-attention with several heads: `softmax(q k^T / sqrt(d)) v` of each, `d` values a head.
#[derive(Module, Debug)]
pub struct Attention {
    qkv: Linear,
    proj: Linear,
    heads: usize,
}

impl Attention {
    /// Tokens of tokens `[samples, tokens, dim]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [samples, tokens, dim] = x.dims();
        let (heads, each) = (self.heads, dim / self.heads);
        // Rows of `qkv`: queries, keys, values, and each of them head by head.
        let qkv = self.qkv.forward(x);
        let qkv = qkv
            .reshape([samples, tokens, 3 * heads, each])
            .swap_dims(1, 2);
        let part = |place: usize| qkv.clone().narrow(1, place * heads, heads);
        let queries = part(0).mul_scalar((each as f64).powf(-0.5));
        let weights = softmax(queries.matmul(part(1).transpose()), 3);
        let mixed = weights.matmul(part(2)).swap_dims(1, 2);
        self.proj.forward(mixed.reshape([samples, tokens, dim]))
    }
}

/// Two linear layers with a GELU between them, on each token alone.
#[derive(Module, Debug)]
pub struct FeedForward {
    fc1: Linear,
    fc2: Linear,
}

impl FeedForward {
    /// Tokens of tokens `[samples, tokens, dim]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.fc2.forward(gelu(self.fc1.forward(x)))
    }
}

/// Attention and perceptron, each behind a normalisation and with a shortcut around it.
#[derive(Module, Debug)]
pub struct Encoder {
    norm1: LayerNorm,
    attn: Attention,
    norm2: LayerNorm,
    mlp: FeedForward,
}

impl Encoder {
    fn new(spec: &VitSpec, device: &Device) -> Self {
        let dim = spec.dim();
        Encoder {
            norm1: norm(dim, device),
            attn: Attention {
                qkv: linear(dim, 3 * dim, device),
                proj: linear(dim, dim, device),
                heads: spec.heads(),
            },
            norm2: norm(dim, device),
            mlp: FeedForward {
                fc1: linear(dim, spec.mlp(), device),
                fc2: linear(spec.mlp(), dim, device),
            },
        }
    }

    /// Tokens of tokens `[samples, tokens, dim]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() + self.attn.forward(self.norm1.forward(x));
        x.clone() + self.mlp.forward(self.norm2.forward(x))
    }
}

/// A vision transformer.
#[derive(Module, Debug)]
pub struct VisionTransformer {
    /// Of networks that read the classes from it.
    cls_token: Option<Param<Tensor<3>>>,
    pos_embed: Param<Tensor<3>>,
    patch_embed: PatchEmbed,
    blocks: Vec<Encoder>,
    norm: LayerNorm,
    head: Linear,
}

impl VisionTransformer {
    pub(crate) fn new(spec: &VitSpec, device: &Device) -> Self {
        let ([channels, ..], dim, patch) = (spec.image(), spec.dim(), spec.patch());
        let proj = Conv2dConfig::new([channels, dim], [patch, patch])
            .with_stride([patch, patch])
            .with_initializer(Initializer::Zeros);
        let tokens = |count| Initializer::Zeros.init([1, count, dim], device);
        VisionTransformer {
            cls_token: (spec.pool() == Pool::Cls).then(|| tokens(1)),
            pos_embed: tokens(spec.tokens()),
            patch_embed: PatchEmbed {
                proj: proj.init(device),
            },
            blocks: (0..spec.depth())
                .map(|_| Encoder::new(spec, device))
                .collect(),
            norm: norm(dim, device),
            head: linear(dim, spec.outputs(), device),
        }
    }
}

impl ImageNetwork for VisionTransformer {
    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let mut tokens = self.patch_embed.forward(x);
        let [samples, _, dim] = tokens.dims();
        if let Some(cls) = &self.cls_token {
            let cls = cls.val().expand([samples, 1, dim]);
            tokens = Tensor::cat(vec![cls, tokens], 1);
        }
        let tokens = tokens + self.pos_embed.val();
        let tokens = self.blocks.iter().fold(tokens, |x, block| block.forward(x));
        let tokens = self.norm.forward(tokens);
        let read = match self.cls_token {
            Some(_) => tokens.narrow(1, 0, 1),
            None => tokens.mean_dim(1),
        };
        self.head.forward(read.reshape([samples, dim]))
    }
}

fn norm(dim: usize, device: &Device) -> LayerNorm {
    LayerNormConfig::new(dim).with_epsilon(EPSILON).init(device)
}
