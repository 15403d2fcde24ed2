//! Which residual network.

use super::{ResidualNet, Shape, Stage};
use crate::layers::Architecture;
use burn::tensor::Device;
use std::fmt;

/// A residual network by its depth: `resnet20`, `resnet56-noshort`.
///
/// Depths 20, 32, 44, 56 and 110 have three stages of 16, 32 and 64 channels (the networks that the
/// article has for CIFAR-10); 18, 34, 50, 101 and 152 have the four stages of the ImageNet networks,
/// 64 to 512 channels, behind a 3x3 stem, from 50 on with bottlenecks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResNetSpec {
    depth: usize,
    shortcuts: bool,
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
        known.then_some(ResNetSpec { depth, shortcuts })
    }

    /// The network of that name, if it is one of this family.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let rest = name.strip_prefix("resnet")?;
        let (depth, shortcuts) = match rest.strip_suffix("-noshort") {
            Some(depth) => (depth, false),
            None => (rest, true),
        };
        let spec = Self::new(depth.parse().ok()?, shortcuts)?;
        // Numbers have several spellings, networks one name.
        (spec.to_string() == name).then_some(spec)
    }

    /// Layers with weights, projections aside.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Whether blocks add their input to their output.
    pub fn shortcuts(&self) -> bool {
        self.shortcuts
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
            shortcuts: self.shortcuts,
        }
    }
}

impl fmt::Display for ResNetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = if self.shortcuts { "" } else { "-noshort" };
        write!(f, "resnet{}{suffix}", self.depth)
    }
}

impl Architecture for ResNetSpec {
    type Module = ResidualNet;

    fn module(&self, device: &Device) -> ResidualNet {
        ResidualNet::new(&self.shape(), device)
    }
}
