//! Which densely connected network.

use super::DenseNetwork;
use crate::layers::{ImageSettings, SettingsFamily, Stem};
use burn::tensor::Device;
use std::collections::HashMap;
use std::fmt;

/// A densely connected network by its name; the number counts layers with weights: `densenet121`,
/// `densenet121:stem=imagenet,classes=1000`.
///
/// Behind the stem for ImageNet a layer's channels follow those before it, as torchvision has them; behind the other
/// they stand in front, as tomgoldstein/loss-landscape has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DenseNetSpec {
    depth: usize,
    settings: ImageSettings,
}

/// The networks that there are, and the layers of each of their blocks.
const KNOWN: [(usize, [usize; 4]); 2] = [(121, [6, 12, 24, 16]), (169, [6, 12, 32, 32])];

/// Channels that each layer adds.
const GROWTH: usize = 32;

impl DenseNetSpec {
    /// The network with so many layers, if there is one.
    pub fn new(depth: usize) -> Option<Self> {
        let known = KNOWN.iter().any(|(known, _)| *known == depth);
        known.then_some(DenseNetSpec {
            depth,
            settings: ImageSettings::default(),
        })
    }

    /// Classes, images and stem.
    pub fn settings(&self) -> ImageSettings {
        self.settings
    }

    /// Layers of each block.
    fn blocks(self) -> [usize; 4] {
        let known = KNOWN.iter().find(|(known, _)| *known == self.depth);
        known.expect("there are networks of known depths only").1
    }
}

impl fmt::Display for DenseNetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "densenet{}{}", self.depth, self.settings)
    }
}

impl SettingsFamily for DenseNetSpec {
    type Module = DenseNetwork;

    fn of_name(name: &str) -> Option<Self> {
        Self::new(name.strip_prefix("densenet")?.parse().ok()?)
    }

    fn of_shapes(shapes: &HashMap<&str, &[usize]>) -> Option<Self> {
        let (&[_, channels, side, _], &[classes, _]) =
            (*shapes.get("conv1.weight")?, *shapes.get("linear.weight")?)
        else {
            return None;
        };
        let has = |(_, blocks): &&(usize, [usize; 4])| {
            let layer = |number: usize| format!("dense3.{number}.conv1.weight");
            shapes.contains_key(layer(blocks[2] - 1).as_str())
                && !shapes.contains_key(layer(blocks[2]).as_str())
        };
        let mut settings = ImageSettings::of_stem(match side {
            3 => Stem::Cifar,
            _ => Stem::ImageNet,
        });
        settings.classes = classes;
        settings.image[0] = channels;
        Self::new(KNOWN.iter().find(has)?.0)?
            .with_settings(settings)
            .ok()
    }

    fn image_settings(&self) -> ImageSettings {
        self.settings
    }

    /// The same with other classes, images or stem.
    ///
    /// # Errors
    /// The reason, for images that are too small.
    fn with_settings(self, settings: ImageSettings) -> Result<Self, String> {
        let least = match settings.stem {
            Stem::Cifar => 8,
            Stem::ImageNet => 29,
        };
        let [_, height, width] = settings.image;
        match height.min(width) >= least {
            true => Ok(DenseNetSpec { settings, ..self }),
            false => Err(format!(
                "it halves images several times: they must be at least {least}x{least}"
            )),
        }
    }

    fn widest(&self) -> usize {
        8 * GROWTH
    }

    fn build(&self, device: &Device) -> DenseNetwork {
        DenseNetwork::new(self.blocks(), GROWTH, &self.settings, device)
    }
}
