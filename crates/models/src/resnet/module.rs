//! Stages of residual blocks behind a stem.

use crate::layers::{
    ImageLayer, ImageNetwork, ImageSettings, Stem, batch_norm, conv1x1, conv3x3, conv7x7,
    global_average, in_sequence, large_pool, linear, without_bias,
};
use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::pool::MaxPool2d;
use burn::nn::{BatchNorm, Linear};
use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};

/// How much wider a bottleneck's output is than its inside.
const EXPANSION: usize = 4;

/// What distinguishes the networks.
pub(crate) struct Shape {
    /// Channels of the first convolution.
    pub stem: usize,
    /// Three or four; each after the first halves the image.
    pub stages: Vec<Stage>,
    /// Whether blocks are 1x1, 3x3, 1x1 instead of 3x3, 3x3.
    pub bottleneck: bool,
    /// What carries the input of a block past it.
    pub shortcut: Shortcut,
    /// Classes, images and how it begins.
    pub settings: ImageSettings,
}

/// What carries the input of a block past it where the block changes its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shortcut {
    /// A 1x1 convolution and a normalisation: option B of He et al., arXiv:1512.03385.
    Projection,
    /// Every second place, with channels of zeros before and behind: option A, which has no parameters.
    Padding,
    /// Nothing, and nothing elsewhere either.
    None,
}

/// Blocks of one width.
pub(crate) struct Stage {
    pub channels: usize,
    pub blocks: usize,
}

/// Convolutions with a shortcut around them, or without one.
///
/// `relu(f(x) + s(x))`, where `s` is the identity, a projection (a 1x1 convolution and a
/// normalisation), or every second place of `x` between channels of zeros. Without a shortcut it is `relu(f(x))`, and `f(x)` for a bottleneck, which is how
/// tomgoldstein/loss-landscape has them.
#[derive(Module, Debug)]
pub struct Block {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    /// Of bottlenecks only.
    conv3: Option<Conv2d>,
    bn3: Option<BatchNorm>,
    /// No layers are the identity; none at all is a block without such a shortcut.
    shortcut: Option<Vec<ImageLayer>>,
    /// Whether the shortcut is one of zeros.
    padded: bool,
    stride: usize,
}

impl Block {
    fn basic([inputs, channels]: [usize; 2], stride: usize, device: &Device) -> Self {
        Block {
            conv1: without_bias(conv3x3([inputs, channels], stride), device),
            bn1: batch_norm(channels, device),
            conv2: without_bias(conv3x3([channels, channels], 1), device),
            bn2: batch_norm(channels, device),
            conv3: None,
            bn3: None,
            shortcut: None,
            padded: false,
            stride,
        }
    }

    fn bottleneck([inputs, channels]: [usize; 2], stride: usize, device: &Device) -> Self {
        let outputs = EXPANSION * channels;
        Block {
            conv1: without_bias(conv1x1([inputs, channels], 1), device),
            bn1: batch_norm(channels, device),
            conv2: without_bias(conv3x3([channels, channels], stride), device),
            bn2: batch_norm(channels, device),
            conv3: Some(without_bias(conv1x1([channels, outputs], 1), device)),
            bn3: Some(batch_norm(outputs, device)),
            shortcut: None,
            padded: false,
            stride,
        }
    }

    /// Images `[samples, channels, height, width]` of images.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let out = relu(self.bn1.forward(self.conv1.forward(x.clone())));
        let mut out = self.bn2.forward(self.conv2.forward(out));
        if let (Some(conv3), Some(bn3)) = (&self.conv3, &self.bn3) {
            out = bn3.forward(conv3.forward(relu(out)));
        }
        match &self.shortcut {
            Some(shortcut) => relu(out + in_sequence(shortcut, x)),
            None if self.padded => {
                let [_, channels, _, _] = out.dims();
                relu(out + padded(x, channels, self.stride))
            }
            None if self.conv3.is_some() => out,
            None => relu(out),
        }
    }
}

/// A residual network, with or without its shortcuts.
#[derive(Module, Debug)]
pub struct ResidualNet {
    conv1: Conv2d,
    bn1: BatchNorm,
    /// Of the stem for ImageNet.
    maximum: Option<MaxPool2d>,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
    /// Of the networks with four stages.
    layer4: Option<Vec<Block>>,
    linear: Linear,
}

impl ResidualNet {
    pub(crate) fn new(shape: &Shape, device: &Device) -> Self {
        let mut channels = shape.stem;
        let stage = |(place, stage): (usize, &Stage)| {
            let stride = if place == 0 { 1 } else { 2 };
            blocks(shape, stage, stride, &mut channels, device)
        };
        let stages: Vec<_> = shape.stages.iter().enumerate().map(stage).collect();
        let mut stages = stages.into_iter();
        let mut next = || stages.next().unwrap_or_default();
        let (layer1, layer2, layer3) = (next(), next(), next());
        let ImageSettings {
            classes,
            image,
            stem,
        } = shape.settings;
        let (conv1, maximum) = match stem {
            Stem::Cifar => (conv3x3([image[0], shape.stem], 1), None),
            Stem::ImageNet => (conv7x7([image[0], shape.stem]), Some(large_pool())),
        };
        ResidualNet {
            conv1: without_bias(conv1, device),
            maximum,
            bn1: batch_norm(shape.stem, device),
            layer1,
            layer2,
            layer3,
            layer4: stages.next(),
            linear: linear(channels, classes, device),
        }
    }
}

impl ImageNetwork for ResidualNet {
    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let mut out = relu(self.bn1.forward(self.conv1.forward(x)));
        if let Some(maximum) = &self.maximum {
            out = maximum.forward(out);
        }
        let stages = [&self.layer1, &self.layer2, &self.layer3];
        let blocks = stages.into_iter().chain(&self.layer4).flatten();
        let out = blocks.fold(out, |x, block| block.forward(x));
        self.linear.forward(global_average(out))
    }
}

/// The blocks of a stage; the first takes the stride and the change of `channels`.
fn blocks(
    shape: &Shape,
    stage: &Stage,
    stride: usize,
    channels: &mut usize,
    device: &Device,
) -> Vec<Block> {
    let mut block = |stride| {
        let widths = [*channels, stage.channels];
        let (new, outputs) = match shape.bottleneck {
            true => (
                Block::bottleneck as fn(_, _, &_) -> _,
                EXPANSION * stage.channels,
            ),
            false => (Block::basic as fn(_, _, &_) -> _, stage.channels),
        };
        let mut block: Block = new(widths, stride, device);
        match shape.shortcut {
            Shortcut::Projection => {
                block.shortcut = Some(projection([*channels, outputs], stride, device));
            }
            Shortcut::Padding => block.padded = true,
            Shortcut::None => {}
        }
        *channels = outputs;
        block
    };
    (0..stage.blocks)
        .map(|place| block(if place == 0 { stride } else { 1 }))
        .collect()
}

/// What carries the input past a block: nothing, unless the block changes the shape.
fn projection([inputs, outputs]: [usize; 2], stride: usize, device: &Device) -> Vec<ImageLayer> {
    if stride == 1 && inputs == outputs {
        return Vec::new();
    }
    vec![
        ImageLayer::Conv(without_bias(conv1x1([inputs, outputs], stride), device)),
        ImageLayer::BatchNorm(batch_norm(outputs, device)),
    ]
}

/// Every `stride`-th place of `x` as the middle one of `channels` channels, the others 0: a convolution with a matrix
/// of ones and zeros, so that nothing depends on the number of samples.
fn padded(x: Tensor<4>, channels: usize, stride: usize) -> Tensor<4> {
    let [_, inputs, _, _] = x.dims();
    if inputs == channels && stride == 1 {
        return x;
    }
    let before = (channels - inputs) / 2;
    let mut weight = vec![0.0f32; channels * inputs];
    for channel in 0..inputs {
        weight[(before + channel) * inputs + channel] = 1.0;
    }
    let weight = TensorData::new(weight, [channels, inputs, 1, 1]);
    let weight = Tensor::<4>::from_data(weight, &x.device());
    let options = ConvOptions::new([stride, stride], [0, 0], [1, 1], 1);
    conv2d(x, weight, None, options)
}
