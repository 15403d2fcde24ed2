//! Sizes of a vision transformer.

use super::VisionTransformer;
use crate::layers::{Architecture, ImageNetwork, Takes, images, number, sizes, standard};
use crate::names::settings;
use burn::tensor::{Device, Tensor};
use landscape_core::{Params, Rng, named};
use std::collections::HashMap;
use std::fmt;

/// From what the classes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pool {
    /// The mean over the patches.
    Mean,
    /// A learned token in front of them.
    Cls,
}

named!(Pool, "pool", {
    Mean => "mean",
    Cls => "cls",
});

/// A vision transformer: `vit:patch=4,dim=64,depth=2,heads=4`.
///
/// Further settings, in any order, each with its default: `mlp` (width inside the perceptrons, `4 dim`),
/// `image` (`CxHxW`, `3x32x32`), `classes` (10), `pool` (`mean`, or `cls` for a class token). The four
/// first default to 4, 64, 2 and 4.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VitSpec {
    patch: usize,
    dim: usize,
    depth: usize,
    heads: usize,
    mlp: usize,
    image: [usize; 3],
    classes: usize,
    pool: Pool,
}

/// Classes where none are given.
const CLASSES: usize = 10;
/// Sizes beyond this are refused as a typing mistake.
const MAX_SIZE: usize = 1 << 14;
/// Blocks beyond this many are refused as a typing mistake.
const MAX_DEPTH: usize = 256;
/// The settings that there are.
const SETTINGS: &str = "patch, dim, depth, heads, mlp, image, classes, pool";

impl VitSpec {
    /// What follows `vit:`; the error is the reason.
    fn parse(text: &str) -> Result<Self, String> {
        let mut spec = VitSpec {
            patch: 4,
            dim: 64,
            depth: 2,
            heads: 4,
            mlp: 0,
            image: [3, 32, 32],
            classes: CLASSES,
            pool: Pool::Mean,
        };
        let given = settings(text)?;
        for (key, value) in &given {
            spec.set(key, value)?;
        }
        if !given.iter().any(|(key, _)| *key == "mlp") {
            spec.mlp = spec.dim.saturating_mul(4);
        }
        match spec.broken_rule() {
            None => Ok(spec),
            Some(reason) => Err(reason),
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "patch" => self.patch = number(key, value)?,
            "dim" => self.dim = number(key, value)?,
            "depth" => self.depth = number(key, value)?,
            "heads" => self.heads = number(key, value)?,
            "mlp" => self.mlp = number(key, value)?,
            "image" => self.image = sizes(value)?,
            "classes" => self.classes = number(key, value)?,
            "pool" => self.pool = value.parse().map_err(|e| format!("{e}"))?,
            _ => return Err(format!("`{key}` is not a setting; known: {SETTINGS}")),
        }
        Ok(())
    }

    fn broken_rule(&self) -> Option<String> {
        let [channels, height, width] = self.image;
        let sizes = [
            ("patch", self.patch),
            ("dim", self.dim),
            ("depth", self.depth),
            ("heads", self.heads),
            ("mlp", self.mlp),
            ("classes", self.classes),
            ("image", channels),
            ("image", height),
            ("image", width),
        ];
        let wrong = |(_, size): &&(&str, usize)| *size == 0 || *size > MAX_SIZE;
        if let Some((key, size)) = sizes.iter().find(wrong) {
            return Some(format!("{key} is {size}; it must be from 1 to {MAX_SIZE}"));
        }
        if self.depth > MAX_DEPTH {
            return Some(format!(
                "depth is {}; it must be at most {MAX_DEPTH}",
                self.depth
            ));
        }
        if !height.is_multiple_of(self.patch) || !width.is_multiple_of(self.patch) {
            let patch = self.patch;
            return Some(format!("patches of {patch} do not tile {height}x{width}"));
        }
        let (dim, heads) = (self.dim, self.heads);
        (dim % heads != 0).then(|| format!("dim {dim} is not a multiple of heads {heads}"))
    }

    /// Channels, height and width of an image.
    pub fn image(&self) -> [usize; 3] {
        self.image
    }

    /// Side of a square patch, in pixels.
    pub fn patch(&self) -> usize {
        self.patch
    }

    /// Length of a token.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Encoder blocks.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Attention heads of each block.
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// Width inside the blocks' perceptrons.
    pub fn mlp(&self) -> usize {
        self.mlp
    }

    /// From what the classes are read.
    pub fn pool(&self) -> Pool {
        self.pool
    }

    /// Patches, and the class token if there is one.
    pub fn tokens(&self) -> usize {
        let [_, height, width] = self.image;
        let patches = (height / self.patch) * (width / self.patch);
        patches + usize::from(self.pool == Pool::Cls)
    }
}

impl fmt::Display for VitSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let VitSpec {
            patch,
            dim,
            depth,
            heads,
            ..
        } = self;
        write!(f, "vit:patch={patch},dim={dim},depth={depth},heads={heads}")?;
        if self.mlp != 4 * self.dim {
            write!(f, ",mlp={}", self.mlp)?;
        }
        if self.image != [3, 32, 32] {
            let [channels, height, width] = self.image;
            write!(f, ",image={channels}x{height}x{width}")?;
        }
        if self.classes != CLASSES {
            write!(f, ",classes={}", self.classes)?;
        }
        match self.pool {
            Pool::Mean => Ok(()),
            pool => write!(f, ",pool={pool}"),
        }
    }
}

impl Architecture for VitSpec {
    type Module = VisionTransformer;

    fn named(name: &str, settings: Option<&str>) -> Option<Result<Self, String>> {
        (name == "vit").then(|| Self::parse(settings.unwrap_or_default()))
    }

    /// Nothing in a file tells the number of heads.
    fn like(_: &HashMap<&str, &[usize]>) -> Option<Self> {
        None
    }

    fn with_outputs(&self, classes: usize) -> Option<Self> {
        let new = VitSpec {
            classes,
            ..self.clone()
        };
        (self.classes == CLASSES && new.broken_rule().is_none()).then_some(new)
    }

    /// Positions are learned for each patch.
    fn with_image(&self, _: [usize; 3]) -> Option<Self> {
        None
    }

    /// Weights in all matrices: attention and the two layers of each block, the patches' and the classes'.
    fn matrix_weights(&self) -> Option<u64> {
        let [dim, mlp, depth, patch, classes] =
            [self.dim, self.mlp, self.depth, self.patch, self.classes].map(|n| n as u64);
        let pixels = self.image[0] as u64 * patch * patch;
        Some(depth * (4 * dim * dim + 2 * dim * mlp) + dim * (pixels + classes))
    }

    /// Values of a sample where a block is widest: attention of all tokens to each other in every head, or tokens in
    /// its layers.
    fn sample_values(&self) -> Option<u64> {
        let [_, height, width] = self.image;
        let tokens = (height / self.patch) as u64 * (width / self.patch) as u64;
        let [dim, mlp, heads] = [self.dim, self.mlp, self.heads].map(|n| n as u64);
        let attention = tokens.saturating_mul(tokens).saturating_mul(heads);
        Some(attention.max(tokens.saturating_mul(dim + mlp.max(3 * dim))))
    }

    fn takes(&self) -> Takes {
        Takes::Image(self.image)
    }

    fn outputs(&self) -> usize {
        self.classes
    }

    fn module(&self, device: &Device) -> VisionTransformer {
        VisionTransformer::new(self, device)
    }

    fn forward(&self, module: &VisionTransformer, x: Tensor<2>) -> Tensor<2> {
        module.forward(images(x, self.image))
    }

    /// PyTorch's defaults for the layers; positions and class token normal with deviation 0.02.
    fn initial(&self, layout: Params, rng: &mut Rng) -> Params {
        let mut tensors = standard(layout, rng).into_inner();
        for tensor in &mut tensors {
            if ["cls_token", "pos_embed"].contains(&tensor.name.as_str()) {
                tensor.data.fill_with(|| (0.02 * rng.normal()) as f32);
            }
        }
        Params::new(tensors).expect("names and lengths are those of the layout")
    }
}
