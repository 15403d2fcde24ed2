//! Sizes of a language model.

use super::Decoder;
use crate::layers::{Architecture, Takes, Tokens, number};
use crate::names::settings;
use burn::tensor::{Device, Tensor};
use landscape_core::{Params, Rng, Role};
use std::collections::HashMap;
use std::fmt;

/// A language model: `gpt:vocab=96,context=64,dim=64,depth=2,heads=2`.
///
/// Settings, in any order: `vocab` (how many tokens there are) and `context` (the most tokens of a sample), which follow
/// from the data where they are not given, and are those of `chars` (96 and 64) without data; `dim` (64), `depth` (2),
/// `heads` (2), and `tied`, without a value: the map to the tokens is the embedding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GptSpec {
    vocab: Option<usize>,
    context: Option<usize>,
    dim: usize,
    depth: usize,
    heads: usize,
    tied: bool,
}

/// Sizes beyond these are refused as a typing mistake.
const MAX_VOCAB: usize = 1 << 20;
const MAX_CONTEXT: usize = 1 << 16;
const MAX_SIZE: usize = 1 << 14;
const MAX_DEPTH: usize = 256;
/// The settings that there are.
const SETTINGS: &str = "vocab, context, dim, depth, heads, and tied without a value";
/// The word of networks whose map to the tokens is the embedding.
const TIED: &str = "tied";
/// Deviation of initial weights, as GPT-2's.
const DEVIATION: f64 = 0.02;

impl GptSpec {
    /// What follows `gpt:`; the error is the reason.
    fn parse(text: &str) -> Result<Self, String> {
        let (tied, rest): (Vec<&str>, Vec<&str>) = text.split(',').partition(|word| *word == TIED);
        if tied.len() > 1 {
            return Err(format!("`{TIED}` is given twice"));
        }
        let mut spec = GptSpec {
            vocab: None,
            context: None,
            dim: 64,
            depth: 2,
            heads: 2,
            tied: !tied.is_empty(),
        };
        for (key, value) in settings(&rest.join(","))? {
            spec.set(key, value)?;
        }
        match spec.broken_rule() {
            None => Ok(spec),
            Some(reason) => Err(reason),
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "vocab" => self.vocab = Some(number(key, value)?),
            "context" => self.context = Some(number(key, value)?),
            "dim" => self.dim = number(key, value)?,
            "depth" => self.depth = number(key, value)?,
            "heads" => self.heads = number(key, value)?,
            _ => return Err(format!("`{key}` is not a setting; known: {SETTINGS}")),
        }
        Ok(())
    }

    fn broken_rule(&self) -> Option<String> {
        // The softmax of one token is always 1.
        let sizes = [
            ("vocab", self.vocab(), 2, MAX_VOCAB),
            ("context", self.context(), 1, MAX_CONTEXT),
            ("dim", self.dim, 1, MAX_SIZE),
            ("depth", self.depth, 1, MAX_DEPTH),
            ("heads", self.heads, 1, MAX_SIZE),
        ];
        let wrong = |(_, size, least, most): &&(&str, usize, usize, usize)| {
            !(*least..=*most).contains(size)
        };
        if let Some((key, size, least, most)) = sizes.iter().find(wrong) {
            return Some(format!(
                "{key} is {size}; it must be from {least} to {most}"
            ));
        }
        let (dim, heads) = (self.dim, self.heads);
        (dim % heads != 0).then(|| {
            format!(
                "dim {dim} is not a multiple of heads {heads}; give dim={}, or another number of heads",
                dim.next_multiple_of(heads)
            )
        })
    }

    /// How many tokens there are.
    pub fn vocab(&self) -> usize {
        self.vocab.unwrap_or(Tokens::default().vocab)
    }

    /// The most tokens of a sample.
    pub fn context(&self) -> usize {
        self.context.unwrap_or(Tokens::default().context)
    }

    /// Values of a token.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Decoder blocks.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Attention heads of each block.
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// Whether the map to the tokens is the embedding.
    pub fn tied(&self) -> bool {
        self.tied
    }
}

impl fmt::Display for GptSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dim, depth, heads) = (self.dim, self.depth, self.heads);
        f.write_str("gpt:")?;
        for (key, value) in [("vocab", self.vocab), ("context", self.context)] {
            if let Some(value) = value {
                write!(f, "{key}={value},")?;
            }
        }
        write!(f, "dim={dim},depth={depth},heads={heads}")?;
        match self.tied {
            true => write!(f, ",{TIED}"),
            false => Ok(()),
        }
    }
}

impl Architecture for GptSpec {
    type Module = Decoder;

    fn named(name: &str, settings: Option<&str>) -> Option<Result<Self, String>> {
        (name == "gpt").then(|| Self::parse(settings.unwrap_or_default()))
    }

    /// Nothing in a file tells the number of heads.
    fn like(_: &HashMap<&str, &[usize]>) -> Option<Self> {
        None
    }

    fn with_outputs(&self, vocab: usize) -> Option<Self> {
        let context = self.context();
        self.with_tokens(Tokens { vocab, context })
            .filter(|_| self.vocab.is_none())
    }

    fn with_image(&self, _: [usize; 3]) -> Option<Self> {
        None
    }

    fn with_tokens(&self, tokens: Tokens) -> Option<Self> {
        let new = GptSpec {
            vocab: self.vocab.or(Some(tokens.vocab)),
            context: self.context.or(Some(tokens.context)),
            ..self.clone()
        };
        (new != *self && new.broken_rule().is_none()).then_some(new)
    }

    /// Weights in all matrices: twelve squares a block, the embeddings, and the map to the tokens.
    fn matrix_weights(&self) -> Option<u64> {
        let [dim, depth, vocab, context] =
            [self.dim, self.depth, self.vocab(), self.context()].map(|n| n as u64);
        let maps = if self.tied { 1 } else { 2 };
        Some(12 * depth * dim * dim + dim * (maps * vocab + context))
    }

    /// Values of a sample where it is widest: attention of all tokens to each other in every head, tokens in the layers
    /// of a block, or logits.
    fn sample_values(&self) -> Option<u64> {
        let [dim, heads, vocab, tokens] =
            [self.dim, self.heads, self.vocab(), self.context()].map(|n| n as u64);
        let attention = tokens.saturating_mul(tokens).saturating_mul(heads);
        Some(attention.max(tokens.saturating_mul(dim + vocab.max(4 * dim))))
    }

    fn takes(&self) -> Takes {
        Takes::Tokens(Tokens {
            vocab: self.vocab(),
            context: self.context(),
        })
    }

    fn outputs(&self) -> usize {
        self.vocab()
    }

    fn module(&self, device: &Device) -> Decoder {
        Decoder::new(self, device)
    }

    fn forward(&self, module: &Decoder, x: Tensor<2>) -> Tensor<2> {
        let [samples, tokens] = x.dims();
        let logits = module.forward(x.int());
        logits.reshape([samples * tokens, self.vocab()])
    }

    /// As nanoGPT's: weights normal with deviation 0.02, those behind which a shortcut is added divided by the root of the
    /// number of such layers; biases 0, normalisations the identity.
    fn initial(&self, layout: Params, rng: &mut Rng) -> Params {
        let residual = DEVIATION / (2.0 * self.depth as f64).sqrt();
        let mut tensors = layout.into_inner();
        for tensor in &mut tensors {
            let deviation = match tensor.name.ends_with("c_proj.weight") {
                true => residual,
                false => DEVIATION,
            };
            match tensor.role {
                Role::Weight => tensor.data.fill_with(|| (deviation * rng.normal()) as f32),
                Role::NormScale => tensor.data.fill(1.0),
                Role::Bias | Role::NormShift | Role::Buffer => tensor.data.fill(0.0),
            }
        }
        Params::new(tensors).expect("names and lengths are those of the layout")
    }
}
