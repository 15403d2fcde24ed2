//! Dense blocks with transitions between them.

use crate::layers::{
    ImageNetwork, ImageSettings, Stem, batch_norm, conv1x1, conv3x3, conv7x7, global_average,
    large_pool, linear, without_bias,
};
use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{AvgPool2dConfig, MaxPool2d};
use burn::nn::{BatchNorm, Linear};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

/// How many times the growth is the width between the two convolutions of a layer.
const BOTTLENECK: usize = 4;

/// A 1x1 and a 3x3 convolution behind normalisations, whose output is put in front of the input or behind it.
#[derive(Module, Debug)]
pub struct DenseLayer {
    bn1: BatchNorm,
    conv1: Conv2d,
    bn2: BatchNorm,
    conv2: Conv2d,
    /// Whether the output is put behind the input.
    behind: bool,
}

impl DenseLayer {
    fn new(channels: usize, growth: usize, behind: bool, device: &Device) -> Self {
        let inside = BOTTLENECK * growth;
        DenseLayer {
            bn1: batch_norm(channels, device),
            conv1: without_bias(conv1x1([channels, inside], 1), device),
            bn2: batch_norm(inside, device),
            conv2: without_bias(conv3x3([inside, growth], 1), device),
            behind,
        }
    }

    /// Images with `growth` more channels.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let inside = self.conv1.forward(relu(self.bn1.forward(x.clone())));
        let new = self.conv2.forward(relu(self.bn2.forward(inside)));
        match self.behind {
            true => Tensor::cat(vec![x, new], 1),
            false => Tensor::cat(vec![new, x], 1),
        }
    }
}

/// Halves the channels and the image.
#[derive(Module, Debug)]
pub struct Transition {
    bn: BatchNorm,
    conv: Conv2d,
}

impl Transition {
    fn new(channels: usize, device: &Device) -> Self {
        Transition {
            bn: batch_norm(channels, device),
            conv: without_bias(conv1x1([channels, channels / 2], 1), device),
        }
    }

    /// Means of 2x2 pixels of a 1x1 convolution.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.conv.forward(relu(self.bn.forward(x)));
        AvgPool2dConfig::new([2, 2]).init().forward(x)
    }
}

/// A densely connected network.
#[derive(Module, Debug)]
pub struct DenseNetwork {
    conv1: Conv2d,
    /// Of the stem for ImageNet, as the maximum behind it.
    bn1: Option<BatchNorm>,
    maximum: Option<MaxPool2d>,
    dense1: Vec<DenseLayer>,
    trans1: Transition,
    dense2: Vec<DenseLayer>,
    trans2: Transition,
    dense3: Vec<DenseLayer>,
    trans3: Transition,
    dense4: Vec<DenseLayer>,
    bn: BatchNorm,
    linear: Linear,
}

impl DenseNetwork {
    pub(crate) fn new(
        blocks: [usize; 4],
        growth: usize,
        settings: &ImageSettings,
        device: &Device,
    ) -> Self {
        let large = settings.stem == Stem::ImageNet;
        let inputs = settings.image[0];
        let growth = (growth, large);
        let stem = 2 * growth.0;
        let mut channels = stem;
        let [block1, block2, block3, block4] = blocks;
        let (dense1, trans1) = halved(block1, &mut channels, growth, device);
        let (dense2, trans2) = halved(block2, &mut channels, growth, device);
        let (dense3, trans3) = halved(block3, &mut channels, growth, device);
        let dense4 = dense(block4, &mut channels, growth, device);
        DenseNetwork {
            conv1: match large {
                true => without_bias(conv7x7([inputs, stem]), device),
                false => without_bias(conv3x3([inputs, stem], 1), device),
            },
            bn1: large.then(|| batch_norm(stem, device)),
            maximum: large.then(large_pool),
            dense1,
            trans1,
            dense2,
            trans2,
            dense3,
            trans3,
            dense4,
            bn: batch_norm(channels, device),
            linear: linear(channels, settings.classes, device),
        }
    }
}

impl ImageNetwork for DenseNetwork {
    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let mut x = self.conv1.forward(x);
        if let (Some(bn1), Some(maximum)) = (&self.bn1, &self.maximum) {
            x = maximum.forward(relu(bn1.forward(x)));
        }
        let x = self.trans1.forward(through(&self.dense1, x));
        let x = self.trans2.forward(through(&self.dense2, x));
        let x = self.trans3.forward(through(&self.dense3, x));
        let x = relu(self.bn.forward(through(&self.dense4, x)));
        self.linear.forward(global_average(x))
    }
}

fn through(block: &[DenseLayer], x: Tensor<4>) -> Tensor<4> {
    block.iter().fold(x, |x, layer| layer.forward(x))
}

/// Channels that a layer adds, and whether they are put behind its input.
type Growth = (usize, bool);

/// A block, which widens `channels`.
fn dense(
    layers: usize,
    channels: &mut usize,
    (growth, behind): Growth,
    device: &Device,
) -> Vec<DenseLayer> {
    let mut layer = || {
        let layer = DenseLayer::new(*channels, growth, behind, device);
        *channels += growth;
        layer
    };
    (0..layers).map(|_| layer()).collect()
}

/// A block and the transition behind it.
fn halved(
    layers: usize,
    channels: &mut usize,
    growth: Growth,
    device: &Device,
) -> (Vec<DenseLayer>, Transition) {
    let block = dense(layers, channels, growth, device);
    let transition = Transition::new(*channels, device);
    *channels /= 2;
    (block, transition)
}
