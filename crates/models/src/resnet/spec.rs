//! Which residual network.

use super::{ResidualNet, Shape, Shortcut, Stage, Structure};
use crate::layers::{ImageSettings, SettingsFamily};
use burn::tensor::Device;
use std::collections::HashMap;
use std::fmt;

/// A residual network by its depth: `resnet20`, `resnet56-noshort`, `resnet18:stem=imagenet,classes=1000`.
///
/// Depths 20, 32, 44, 56 and 110 have three stages of 16, 32 and 64 channels (the networks that the
/// article has for CIFAR-10); 18, 34, 50, 101 and 152 have the four stages of the ImageNet networks,
/// 64 to 512 channels, behind a 3x3 stem, from 50 on with bottlenecks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResNetSpec {
    depth: usize,
    shortcut: Shortcut,
    settings: ImageSettings,
}

/// Depths of the networks with three stages, `6 n + 2` for `n` blocks a stage.
const THREE: [usize; 5] = [20, 32, 44, 56, 110];

/// Depths of the networks with four stages, and their blocks.
const FOUR: [(usize, [usize; 4]); 5] = [
    (18, [2, 2, 2, 2]),
    (34, [3, 4, 6, 3]),
    (50, [3, 4, 6, 3]),
    (101, [3, 4, 23, 3]),
    (152, [3, 8, 36, 3]),
];

impl ResNetSpec {
    /// The network of that depth, if there is one.
    pub fn new(depth: usize, shortcuts: bool) -> Option<Self> {
        let known = THREE.contains(&depth) || FOUR.iter().any(|(d, _)| *d == depth);
        let shortcut = match shortcuts {
            true => Shortcut::Projection,
            false => Shortcut::None,
        };
        known.then_some(ResNetSpec {
            depth,
            shortcut,
            settings: ImageSettings::default(),
        })
    }

    /// The network of that depth whose shortcuts have no parameters: option A of He et al., arXiv:1512.03385, as the
    /// networks of CIFAR-10 have it there. Only those with three stages have it.
    pub fn padded(depth: usize) -> Option<Self> {
        let shortcut = Shortcut::Padding;
        { THREE.contains(&depth) }.then_some(ResNetSpec {
            depth,
            shortcut,
            settings: ImageSettings::default(),
        })
    }

    /// The same with other classes, images or stem.
    #[must_use]
    pub fn with(self, settings: ImageSettings) -> Self {
        ResNetSpec { settings, ..self }
    }

    /// Classes, images and stem.
    pub fn settings(&self) -> ImageSettings {
        self.settings
    }

    /// Layers with weights, projections aside.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Whether blocks add their input to their output.
    pub fn shortcuts(&self) -> bool {
        self.shortcut != Shortcut::None
    }

    fn shape(&self) -> Shape {
        let four = FOUR.iter().find(|(depth, _)| *depth == self.depth);
        let (channels, blocks) = match four {
            Some((_, blocks)) => (64, blocks.to_vec()),
            None => (16, vec![(self.depth - 2) / 6; 3]),
        };
        let stage = |(place, &blocks): (usize, &usize)| Stage {
            channels: channels << place,
            blocks,
        };
        Shape {
            stem: channels,
            stages: blocks.iter().enumerate().map(stage).collect(),
            bottleneck: four.is_some() && self.depth >= 50,
            shortcut: self.shortcut,
            settings: self.settings,
        }
    }
}

impl fmt::Display for ResNetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = match self.shortcut {
            Shortcut::Projection => "",
            Shortcut::Padding => "-a",
            Shortcut::None => "-noshort",
        };
        write!(f, "resnet{}{suffix}{}", self.depth, self.settings)
    }
}

impl SettingsFamily for ResNetSpec {
    type Module = ResidualNet;

    fn of_name(name: &str) -> Option<Self> {
        let rest = name.strip_prefix("resnet")?;
        match (rest.strip_suffix("-noshort"), rest.strip_suffix("-a")) {
            (Some(depth), _) => Self::new(depth.parse().ok()?, false),
            (_, Some(depth)) => Self::padded(depth.parse().ok()?),
            _ => Self::new(rest.parse().ok()?, true),
        }
    }

    fn of_shapes(shapes: &HashMap<&str, &[usize]>) -> Option<Self> {
        let found = Structure::of(shapes)?;
        let depth = match found.stem {
            16 => found.thin_depth()?,
            _ => {
                let same = |(depth, blocks): &&(usize, [usize; 4])| {
                    blocks[..] == found.blocks[..] && (*depth >= 50) == found.bottleneck
                };
                FOUR.iter().find(same)?.0
            }
        };
        Some(Self::new(depth, found.shortcuts)?.with(found.settings))
    }

    /// Without shortcuts, or with such as have no parameters.
    fn other_of_shapes(&self) -> Option<Self> {
        let twin = match self.shortcut {
            Shortcut::Projection => None,
            Shortcut::Padding => Self::new(self.depth, false),
            Shortcut::None => Self::padded(self.depth),
        };
        Some(twin?.with(self.settings))
    }

    fn image_settings(&self) -> ImageSettings {
        self.settings
    }

    fn with_settings(self, settings: ImageSettings) -> Result<Self, String> {
        Ok(self.with(settings))
    }

    fn widest(&self) -> usize {
        self.shape().stem
    }

    fn build(&self, device: &Device) -> ResidualNet {
        ResidualNet::new(&self.shape(), device)
    }
}
