//! Stages of 3x3 convolutions, a maximum after each, and two linear layers.

use crate::layers::{
    ImageLayer, ImageNetwork, ImageSettings, VectorLayer, batch_norm, conv3x3, in_sequence, linear,
};
use burn::module::Module;
use burn::nn::pool::MaxPool2dConfig;
use burn::nn::{Linear, Relu};
use burn::tensor::{Device, Tensor};

/// A VGG network.
#[derive(Module, Debug)]
pub struct VggNet {
    features: Vec<ImageLayer>,
    fc: Vec<VectorLayer>,
    classifier: Linear,
}

impl VggNet {
    /// `stages` has the convolutions and channels of each.
    pub(crate) fn new(
        stages: &[(usize, usize)],
        settings: &ImageSettings,
        device: &Device,
    ) -> Self {
        let [mut channels, mut height, mut width] = settings.image;
        let mut features = Vec::new();
        for &(convolutions, wider) in stages {
            for _ in 0..convolutions {
                features.extend(convolution([channels, wider], device));
                channels = wider;
            }
            // Rounding up keeps odd borders, as the original does.
            let maximum = MaxPool2dConfig::new([2, 2]).with_ceil_mode(true);
            features.push(ImageLayer::MaxPool(maximum.init()));
            (height, width) = (height.div_ceil(2), width.div_ceil(2));
        }
        VggNet {
            features,
            fc: vec![
                VectorLayer::Linear(linear(channels * height * width, channels, device)),
                VectorLayer::BatchNorm(batch_norm(channels, device)),
                VectorLayer::Relu(Relu::new()),
            ],
            classifier: linear(channels, settings.classes, device),
        }
    }
}

impl ImageNetwork for VggNet {
    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let features: Tensor<2> = in_sequence(&self.features, x).flatten(1, 3);
        let hidden = self.fc.iter().fold(features, |x, layer| layer.forward(x));
        self.classifier.forward(hidden)
    }
}

fn convolution(channels: [usize; 2], device: &Device) -> [ImageLayer; 3] {
    [
        ImageLayer::Conv(conv3x3(channels, 1).init(device)),
        ImageLayer::BatchNorm(batch_norm(channels[1], device)),
        ImageLayer::Relu(Relu::new()),
    ]
}
