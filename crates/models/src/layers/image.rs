//! Layers of convolutional networks.

use super::transparent;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AvgPool2dConfig, MaxPool2d, MaxPool2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Initializer, Linear, LinearConfig, PaddingConfig2d, Relu,
};
use burn::tensor::{Device, Tensor};

/// A layer on images `[samples, channels, height, width]`; in a `Vec` its place is its name, as in
/// PyTorch's `nn.Sequential`.
#[derive(Debug, Clone)]
pub enum ImageLayer {
    /// A convolution.
    Conv(Conv2d),
    /// Batch normalisation of each channel.
    BatchNorm(BatchNorm),
    /// `max(x, 0)`
    Relu(Relu),
    /// Maxima of windows.
    MaxPool(MaxPool2d),
}

transparent!(ImageLayer {
    Conv,
    BatchNorm,
    Relu,
    MaxPool,
});

impl ImageLayer {
    /// Images of images.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            ImageLayer::Conv(layer) => layer.forward(x),
            ImageLayer::BatchNorm(layer) => layer.forward(x),
            ImageLayer::Relu(layer) => layer.forward(x),
            ImageLayer::MaxPool(layer) => layer.forward(x),
        }
    }
}

/// A layer on vectors `[samples, values]`; in a `Vec` its place is its name.
#[derive(Debug, Clone)]
pub enum VectorLayer {
    /// `W x + b`
    Linear(Linear),
    /// Batch normalisation of each value.
    BatchNorm(BatchNorm),
    /// `max(x, 0)`
    Relu(Relu),
}

transparent!(VectorLayer {
    Linear,
    BatchNorm,
    Relu,
});

impl VectorLayer {
    /// Vectors of vectors.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            VectorLayer::Linear(layer) => layer.forward(x),
            VectorLayer::BatchNorm(layer) => layer.forward(x),
            VectorLayer::Relu(layer) => layer.forward(x),
        }
    }
}

/// The layers one after the other; no layer leaves the images as they are.
pub(crate) fn in_sequence(layers: &[ImageLayer], x: Tensor<4>) -> Tensor<4> {
    layers.iter().fold(x, |x, layer| layer.forward(x))
}

/// A 3x3 convolution that keeps the size of the image (divided by the stride).
pub(crate) fn conv3x3(channels: [usize; 2], stride: usize) -> Conv2dConfig {
    Conv2dConfig::new(channels, [3, 3])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .with_initializer(Initializer::Zeros)
}

/// The first convolution behind a stem for ImageNet.
pub(crate) fn conv7x7(channels: [usize; 2]) -> Conv2dConfig {
    Conv2dConfig::new(channels, [7, 7])
        .with_stride([2, 2])
        .with_padding(PaddingConfig2d::Explicit(3, 3, 3, 3))
        .with_initializer(Initializer::Zeros)
}

/// The maximum behind it.
pub(crate) fn large_pool() -> MaxPool2d {
    MaxPool2dConfig::new([3, 3])
        .with_strides([2, 2])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .init()
}

/// A convolution of single pixels.
pub(crate) fn conv1x1(channels: [usize; 2], stride: usize) -> Conv2dConfig {
    Conv2dConfig::new(channels, [1, 1])
        .with_stride([stride, stride])
        .with_initializer(Initializer::Zeros)
}

/// The convolution without a bias, as one has it in front of a normalisation.
pub(crate) fn without_bias(config: Conv2dConfig, device: &Device) -> Conv2d {
    config.with_bias(false).init(device)
}

/// PyTorch's defaults: epsilon 1e-5, momentum 0.1.
pub(crate) fn batch_norm(channels: usize, device: &Device) -> BatchNorm {
    BatchNormConfig::new(channels).init(device)
}

/// A linear layer with a bias.
pub(crate) fn linear(inputs: usize, outputs: usize, device: &Device) -> Linear {
    LinearConfig::new(inputs, outputs)
        .with_initializer(Initializer::Zeros)
        .init(device)
}

/// The mean of every channel, `[samples, channels]`.
pub(crate) fn global_average(x: Tensor<4>) -> Tensor<2> {
    let [samples, channels, height, width] = x.dims();
    let pool = AvgPool2dConfig::new([height, width]).init();
    pool.forward(x).reshape([samples, channels])
}
