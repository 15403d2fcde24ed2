//! Which densely connected network.

use super::DenseNetwork;
use crate::layers::Architecture;
use burn::tensor::Device;
use landscape_core::named;

/// A densely connected network by its name; the number counts layers with weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DenseNetSpec {
    /// Blocks of 6, 12, 24 and 16 layers, each adding 32 channels.
    DenseNet121,
    /// Blocks of 6, 12, 32 and 32 layers, each adding 32 channels.
    DenseNet169,
}

named!(DenseNetSpec, "densely connected network", {
    DenseNet121 => "densenet121",
    DenseNet169 => "densenet169",
});

impl DenseNetSpec {
    /// Layers of each block.
    fn blocks(self) -> [usize; 4] {
        match self {
            DenseNetSpec::DenseNet121 => [6, 12, 24, 16],
            DenseNetSpec::DenseNet169 => [6, 12, 32, 32],
        }
    }
}

/// Channels that each layer adds.
const GROWTH: usize = 32;

impl Architecture for DenseNetSpec {
    type Module = DenseNetwork;

    fn module(&self, device: &Device) -> DenseNetwork {
        DenseNetwork::new(self.blocks(), GROWTH, device)
    }
}
