//! Which VGG network.

use super::VggNet;
use crate::layers::{ImageSettings, SettingsFamily, Stem};
use burn::tensor::Device;
use std::collections::HashMap;
use std::fmt;

/// A VGG network by its name; the number counts layers with weights as its authors do: `vgg16`, `vgg9:classes=100`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VggSpec {
    depth: usize,
    settings: ImageSettings,
}

/// Convolutions and channels of each stage.
type Stages = &'static [(usize, usize)];

/// The networks that there are, and their stages.
const KNOWN: [(usize, Stages); 3] = [
    (9, &[(2, 64), (2, 128), (3, 256)]),
    (16, &[(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]),
    (19, &[(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)]),
];

impl VggSpec {
    /// The network with so many layers, if there is one.
    pub fn new(depth: usize) -> Option<Self> {
        let known = KNOWN.iter().any(|(known, _)| *known == depth);
        known.then_some(VggSpec {
            depth,
            settings: ImageSettings::default(),
        })
    }

    /// Classes and images.
    pub fn settings(&self) -> ImageSettings {
        self.settings
    }

    fn stages(self) -> Stages {
        let known = KNOWN.iter().find(|(known, _)| *known == self.depth);
        known.expect("there are networks of known depths only").1
    }
}

impl fmt::Display for VggSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vgg{}{}", self.depth, self.settings)
    }
}

impl SettingsFamily for VggSpec {
    type Module = VggNet;

    fn of_name(name: &str) -> Option<Self> {
        Self::new(name.strip_prefix("vgg")?.parse().ok()?)
    }

    fn of_shapes(shapes: &HashMap<&str, &[usize]>) -> Option<Self> {
        let (first, last) = (
            shapes.get("features.0.weight")?,
            shapes.get("classifier.weight"),
        );
        let last = last.or_else(|| shapes.get("linear.weight"))?;
        let convolutions = shapes.values().filter(|shape| shape.len() == 4).count();
        let same = |(_, stages): &&(usize, Stages)| {
            stages.iter().map(|(count, _)| count).sum::<usize>() == convolutions
        };
        let mut spec = Self::new(KNOWN.iter().find(same)?.0)?;
        spec.settings.classes = *last.first()?;
        spec.settings.image[0] = *first.get(1)?;
        Some(spec)
    }

    fn image_settings(&self) -> ImageSettings {
        self.settings
    }

    /// The same with other classes or images; it has no stem of its own.
    ///
    /// # Errors
    /// The reason, for a stem.
    fn with_settings(self, settings: ImageSettings) -> Result<Self, String> {
        match settings.stem {
            Stem::Cifar => Ok(VggSpec { settings, ..self }),
            Stem::ImageNet => Err(
                "the VGG networks here have one normalised hidden layer, and those of torchvision have two of 4096 \
                 without normalisation: export such a network from PyTorch, and give its .pt2 file"
                    .to_owned(),
            ),
        }
    }

    fn widest(&self) -> usize {
        2 * 64
    }

    fn large_weights(&self) -> Option<u64> {
        let [_, height, width] = self.settings.image;
        let stages = self.stages();
        let side = |side: usize| stages.iter().fold(side, |side, _| side.div_ceil(2)) as u64;
        let hidden = stages.last().map_or(0, |(_, channels)| *channels) as u64;
        let unusual = self.settings.image != ImageSettings::default().image;
        unusual.then(|| hidden * hidden * side(height) * side(width))
    }

    fn build(&self, device: &Device) -> VggNet {
        VggNet::new(self.stages(), &self.settings, device)
    }
}
