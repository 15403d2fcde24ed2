//! Which residual network.

use super::{ResidualNet, Shape, Shortcut, Stage};
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
    shortcut: Shortcut,
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
        known.then_some(ResNetSpec { depth, shortcut })
    }

    /// The network of that depth whose shortcuts have no parameters: option A of He et al., arXiv:1512.03385, as the
    /// networks of CIFAR-10 have it there. Only those with three stages have it.
    pub fn padded(depth: usize) -> Option<Self> {
        let shortcut = Shortcut::Padding;
        { THREE.contains(&depth) }.then_some(ResNetSpec { depth, shortcut })
    }

    /// The network whose tensors have the same names and shapes: without shortcuts, or with such as have no
    /// parameters.
    pub fn twin(&self) -> Option<Self> {
        match self.shortcut {
            Shortcut::Projection => None,
            Shortcut::Padding => Self::new(self.depth, false),
            Shortcut::None => Self::padded(self.depth),
        }
    }

    /// The network of that name, if it is one of this family.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let rest = name.strip_prefix("resnet")?;
        let spec = match (rest.strip_suffix("-noshort"), rest.strip_suffix("-a")) {
            (Some(depth), _) => Self::new(depth.parse().ok()?, false)?,
            (_, Some(depth)) => Self::padded(depth.parse().ok()?)?,
            _ => Self::new(rest.parse().ok()?, true)?,
        };
        // Numbers have several spellings, networks one name.
        (spec.to_string() == name).then_some(spec)
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
        write!(f, "resnet{}{suffix}", self.depth)
    }
}

impl Architecture for ResNetSpec {
    type Module = ResidualNet;

    fn module(&self, device: &Device) -> ResidualNet {
        ResidualNet::new(&self.shape(), device)
    }
}
