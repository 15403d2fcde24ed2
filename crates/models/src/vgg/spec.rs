//! Which VGG network.

use super::VggNet;
use crate::layers::Architecture;
use burn::tensor::Device;
use landscape_core::named;

/// A VGG network by its name; the number counts layers with weights as its authors do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VggSpec {
    /// Three stages, 64 to 256 channels.
    Vgg9,
    /// Five stages, 64 to 512 channels.
    Vgg16,
    /// Five stages, four convolutions in each of the last three.
    Vgg19,
}

named!(VggSpec, "VGG network", {
    Vgg9 => "vgg9",
    Vgg16 => "vgg16",
    Vgg19 => "vgg19",
});

impl VggSpec {
    /// Convolutions and channels of each stage.
    fn stages(self) -> &'static [(usize, usize)] {
        match self {
            VggSpec::Vgg9 => &[(2, 64), (2, 128), (3, 256)],
            VggSpec::Vgg16 => &[(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)],
            VggSpec::Vgg19 => &[(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)],
        }
    }
}

impl Architecture for VggSpec {
    type Module = VggNet;

    fn module(&self, device: &Device) -> VggNet {
        VggNet::new(self.stages(), device)
    }
}
