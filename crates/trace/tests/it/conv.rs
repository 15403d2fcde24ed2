//! Convolutions, normalisations, pooling, attention: all executors against Burn's own layers.

use crate::mlp::targets;
use crate::reference::assert_close;
use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{
    AdaptiveAvgPool2dConfig, AvgPool2d, AvgPool2dConfig, MaxPool2d, MaxPool2dConfig,
};
use burn::nn::{
    BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear,
    LinearConfig, PaddingConfig2d,
};
use burn::tensor::activation::{gelu, log_softmax, relu, softmax};
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use landscape_core::{
    BiasMode, Direction, Distribution, Normalization, Objective, Params, Plane, Rng, Role, Sample,
};
use landscape_trace::{
    BatchStatistics, DirectObjective, Loss, Precision, Target, Trace, params_of, with_params,
};

pub type Inputs = (Tensor<2>, Tensor<1, Int>);

/// Random values for all parameters; variances positive.
pub fn filled<M: Module>(module: M, seed: u64) -> M {
    let mut rng = Rng::new(seed, 5);
    let mut params = params_of(&module).unwrap().into_inner();
    for p in &mut params {
        let fan: usize = p.shape.iter().skip(1).product();
        let scale = 1.5 / (fan as f64).sqrt();
        for x in &mut p.data {
            *x = match (p.role, p.name.ends_with("running_var")) {
                (_, true) => rng.uniform(0.3, 1.5) as f32,
                (Role::NormScale, _) => rng.uniform(0.5, 1.5) as f32,
                _ => (scale * rng.normal()) as f32,
            };
        }
    }
    with_params(module, &Params::new(params).unwrap()).unwrap()
}

pub fn inputs(samples: usize, features: usize, classes: u64) -> Inputs {
    let mut rng = Rng::new(3, 4);
    let device = Device::flex();
    let x: Vec<f32> = (0..samples * features)
        .map(|_| rng.normal() as f32)
        .collect();
    let y: Vec<i64> = (0..samples)
        .map(|_| (rng.uniform(0.0, 1.0) * classes as f64) as i64)
        .collect();
    (
        Tensor::from_data(TensorData::new(x, [samples, features]), &device),
        Tensor::from_data(TensorData::new(y, [samples]), &device),
    )
}

pub fn cross_entropy(logits: Tensor<2>, y: &Tensor<1, Int>) -> Loss {
    let picked = log_softmax(logits.clone(), 1).gather(1, y.clone().unsqueeze_dim(1));
    let correct = logits.argmax(1).squeeze_dim::<1>(1).equal(y.clone());
    Loss::new(picked.squeeze_dim::<1>(1).neg()).with_correct(correct)
}

/// Losses of every executor against the module itself, moved to every point.
#[track_caller]
fn check<M: Module + Sync>(
    module: &M,
    inputs: &Inputs,
    bias: BiasMode,
    loss: fn(&M, &Inputs) -> Loss,
) {
    let params = params_of(module).unwrap();
    let directions = (0..2).map(|stream| {
        let d = Direction::random(&params, Distribution::Gaussian, 7, stream);
        d.normalize(&params, Normalization::Filter, bias).unwrap()
    });
    let plane = Plane::new(params.clone(), directions.collect()).unwrap();
    let mean = |t: Tensor<1>| f64::from(t.mean().into_scalar::<f32>());
    let truth = DirectObjective::new(module, &plane, Vec::new(), |m: &M| {
        let parts = loss(m, inputs).parts();
        Sample {
            loss: mean(parts.0),
            loss_se: None,
            accuracy: parts.1.map(|c: Tensor<1, Bool>| mean(c.float())),
            terms: Vec::new(),
        }
    })
    .unwrap();
    let points = [[0.0; 3], [0.3, -0.4, 0.0], [-0.9, 0.2, 0.0]];
    let expected = truth.evaluate(&points).unwrap();
    let trace = Trace::capture(module, inputs, loss).unwrap();
    for target in targets() {
        let objective = trace
            .objective(&plane, std::slice::from_ref(&target))
            .unwrap();
        let found = objective.evaluate(&points).unwrap();
        for (e, f) in expected.iter().zip(&found) {
            assert_close(f.loss, e.loss, 2e-5);
            assert_close(f.accuracy.unwrap(), e.accuracy.unwrap(), 1e-6);
        }
    }
}

#[derive(Module, Debug)]
pub struct Net {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    conv3: Conv2d,
    bn3: BatchNorm,
    conv4: Conv2d,
    bn4: BatchNorm,
    pool: MaxPool2d,
    average: AvgPool2d,
    linear: Linear,
}

impl Net {
    pub fn new() -> Self {
        let device = Device::flex();
        let conv = |channels: [usize; 2], kernel: [usize; 2]| Conv2dConfig::new(channels, kernel);
        let norm = |n: usize| BatchNormConfig::new(n).init(&device);
        let pad = |y, x| PaddingConfig2d::Explicit(y, x, y, x);
        Self {
            conv1: conv([3, 8], [3, 3]).with_padding(pad(1, 1)).init(&device),
            bn1: norm(8),
            // Strided, in groups, without bias.
            conv2: conv([8, 12], [3, 3])
                .with_stride([2, 2])
                .with_padding(pad(1, 1))
                .with_groups(4)
                .with_bias(false)
                .init(&device),
            bn2: norm(12),
            conv3: conv([8, 12], [1, 1]).with_stride([2, 2]).init(&device),
            bn3: norm(12),
            // Wide and high, dilated, with more padding than the kernel reaches.
            conv4: conv([12, 7], [3, 5])
                .with_padding(pad(2, 4))
                .with_dilation([2, 1])
                .init(&device),
            bn4: norm(7),
            pool: MaxPool2dConfig::new([3, 2])
                .with_strides([2, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 0, 1, 0))
                .with_ceil_mode(true)
                .init(),
            average: AvgPool2dConfig::new([2, 2])
                .with_strides([1, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_count_include_pad(false)
                .init(),
            linear: LinearConfig::new(14 * 2 * 2, 5).init(&device),
        }
    }

    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.run(x, |norm, x| norm.forward(x))
    }

    /// As in training; `again`: and then with the means and unbiased variances that each layer met.
    fn with_batch_statistics(&self, x: Tensor<2>, again: bool) -> Tensor<2> {
        let met = std::cell::RefCell::new(std::collections::VecDeque::new());
        let normalised = |norm: &BatchNorm, x: Tensor<4>, mean, variance: Tensor<2>| {
            let channels = x.dims()[1];
            let along = |t: Tensor<2>| t.reshape([1, channels, 1, 1]);
            let scaled = (x - along(mean)) / (along(variance) + norm.epsilon).sqrt();
            let of = |p: &Param<Tensor<1>>| p.val().reshape([1, channels, 1, 1]);
            scaled * of(&norm.gamma) + of(&norm.beta)
        };
        let trained = self.run(x.clone(), |norm, x| {
            let [n, channels, height, width] = x.dims();
            let rows = x.clone().swap_dims(0, 1);
            let rows = rows.reshape([channels, n * height * width]);
            met.borrow_mut().push_back(rows.clone().var_mean(1));
            let (variance, mean) = rows.var_mean_bias(1);
            normalised(norm, x, mean, variance)
        });
        if !again {
            return trained;
        }
        self.run(x, |norm, x| {
            let (variance, mean) = met.borrow_mut().pop_front().unwrap();
            normalised(norm, x, mean, variance)
        })
    }

    fn run(&self, x: Tensor<2>, norm: impl Fn(&BatchNorm, Tensor<4>) -> Tensor<4>) -> Tensor<2> {
        let n = x.dims()[0];
        let x = x.reshape([n, 3, 9, 8]);
        let h = relu(norm(&self.bn1, self.conv1.forward(x)));
        let shortcut = norm(&self.bn3, self.conv3.forward(h.clone()));
        let h = relu(norm(&self.bn2, self.conv2.forward(h)) + shortcut);
        let h = self.conv4.forward(h);
        // Normalisation of a sum, which can't be folded.
        let h = relu(norm(&self.bn4, h.clone() + h.sign()));
        let pooled = self.pool.forward(h.clone());
        let small = AdaptiveAvgPool2dConfig::new([2, 2]).init();
        let a = small.forward(self.average.forward(h));
        let b = small.forward(pooled);
        self.linear
            .forward(Tensor::cat(vec![a, b], 1).reshape([n, 14 * 2 * 2]))
    }
}

#[test]
fn convolutional_network() {
    let net = filled(Net::new(), 1);
    // Partly filled and several tiles, biases and norms fixed or moving.
    for samples in [5, 40] {
        for bias in [BiasMode::Zero, BiasMode::Layer] {
            check(&net, &inputs(samples, 3 * 9 * 8, 5), bias, |m, (x, y)| {
                cross_entropy(m.forward(x.clone()), y)
            });
        }
    }
}

#[derive(Module, Debug)]
pub struct Attention {
    table: Embedding,
    norm: LayerNorm,
    query: Linear,
    key: Linear,
    value: Linear,
    last: LayerNorm,
    head: Linear,
}

impl Attention {
    pub fn new() -> Self {
        let device = Device::flex();
        let linear = |a, b| LinearConfig::new(a, b).init(&device);
        Self {
            table: EmbeddingConfig::new(11, 8).init(&device),
            norm: LayerNormConfig::new(8).init(&device),
            query: linear(8, 8),
            key: linear(8, 8),
            value: linear(8, 8),
            last: LayerNormConfig::new(8).init(&device),
            head: linear(8, 5),
        }
    }

    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let [n, t] = x.dims();
        let tokens = x.abs().clamp(0.0, 10.0).int();
        let h = self.norm.forward(self.table.forward(tokens));
        let heads = |h: Tensor<3>| h.reshape([n, t, 2, 4]).swap_dims(1, 2);
        let (q, k) = (
            heads(self.query.forward(h.clone())),
            heads(self.key.forward(h.clone())),
        );
        let scores = softmax(q.matmul(k.transpose()) / 2.0, 3);
        let mixed = scores.matmul(heads(self.value.forward(h.clone())));
        let h = gelu(h + mixed.swap_dims(1, 2).reshape([n, t, 8]));
        let pooled: Tensor<2> = self.last.forward(h).mean_dim(1).reshape([n, 8]);
        self.head.forward(pooled)
    }
}

#[test]
fn attention() {
    let net = filled(Attention::new(), 2);
    let (x, y) = inputs(21, 6, 5);
    check(&net, &(x * 4.0, y), BiasMode::Layer, |m, (x, y)| {
        cross_entropy(m.forward(x.clone()), y)
    });
}

/// Batch statistics against a module that computes them itself.
#[test]
fn batch_statistics() {
    let net = filled(Net::new(), 3);
    let inputs = inputs(40, 3 * 9 * 8, 5);
    let params = params_of(&net).unwrap();
    let direction = Direction::random(&params, Distribution::Gaussian, 7, 0)
        .normalize(&params, Normalization::Filter, BiasMode::Layer)
        .unwrap();
    let plane = Plane::new(params, vec![direction]).unwrap();
    let points = [[0.0; 3], [0.4, 0.0, 0.0], [-0.7, 0.0, 0.0]];
    let loss = |m: &Net, (x, y): &Inputs| cross_entropy(m.forward(x.clone()), y);
    let frozen = Trace::capture(&net, &inputs, loss).unwrap();
    for (again, statistics) in [
        (false, BatchStatistics::Batch),
        (true, BatchStatistics::Reestimated),
    ] {
        let mean = |t: Tensor<1>| f64::from(t.mean().into_scalar::<f32>());
        let truth = DirectObjective::new(&net, &plane, Vec::new(), |m: &Net| {
            let logits = m.with_batch_statistics(inputs.0.clone(), again);
            let parts = cross_entropy(logits, &inputs.1).parts();
            Sample {
                loss: mean(parts.0),
                loss_se: None,
                accuracy: parts.1.map(|c: Tensor<1, Bool>| mean(c.float())),
                terms: Vec::new(),
            }
        })
        .unwrap();
        let expected = truth.evaluate(&points).unwrap();
        let trace = frozen.with_batch_norm(statistics).unwrap();
        for target in targets() {
            let objective = trace
                .objective(&plane, std::slice::from_ref(&target))
                .unwrap();
            let found = objective.evaluate(&points).unwrap();
            for (e, f) in expected.iter().zip(&found) {
                assert_close(f.loss, e.loss, 2e-5);
                assert_close(f.accuracy.unwrap(), e.accuracy.unwrap(), 1e-6);
                assert!(f.loss_se.is_some());
            }
        }
    }
}

/// Where a running variance has become negative the root does not exist: the loss is NaN, and no
/// ReLU, pooling or sum hides it. Statistics that are measured at the point do not mind.
#[test]
fn running_variances_below_zero() {
    let net = filled(Net::new(), 3);
    let inputs = inputs(20, 3 * 9 * 8, 5);
    let params = params_of(&net).unwrap();
    let mut other = params.clone().into_inner();
    for p in &mut other {
        if p.name.ends_with("running_var") {
            p.data[1] *= 0.25;
        }
    }
    let other = Params::new(other).unwrap();
    // Twice the way, of three quarters a unit: 1 - 1.5 is below zero.
    let mut direction = Direction::between(&params, &other).unwrap();
    let drawn = Direction::random(&params, Distribution::Gaussian, 7, 0)
        .normalize(&params, Normalization::Filter, BiasMode::Layer)
        .unwrap();
    let moved = direction.tensors.iter().map(|p| match p.role {
        Role::Buffer => p.clone(),
        _ => drawn.tensors.get(&p.name).unwrap().clone(),
    });
    direction.tensors = Params::new(moved.collect()).unwrap();
    let plane = Plane::new(params, vec![direction]).unwrap();
    let points = [[0.0; 3], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]];
    let loss = |m: &Net, (x, y): &Inputs| cross_entropy(m.forward(x.clone()), y);
    let frozen = Trace::capture(&net, &inputs, loss).unwrap();
    for target in targets() {
        let on = |trace: &Trace| {
            let objective = trace
                .objective(&plane, std::slice::from_ref(&target))
                .unwrap();
            let found = objective.evaluate(&points).unwrap();
            found.iter().map(|s| s.loss).collect::<Vec<_>>()
        };
        let losses = on(&frozen);
        assert!(losses[..2].iter().all(|l| l.is_finite()), "{losses:?}");
        assert!(losses[2].is_nan(), "{losses:?} on {target:?}");
        let losses = on(&frozen.with_batch_norm(BatchStatistics::Batch).unwrap());
        assert!(losses.iter().all(|l| l.is_finite()), "{losses:?}");
    }
}

/// Convolutions in bf16: near f32, and not the same.
#[test]
fn convolutions_in_bf16() {
    let net = filled(Net::new(), 3);
    let inputs = inputs(40, 3 * 9 * 8, 5);
    let params = params_of(&net).unwrap();
    let direction = Direction::random(&params, Distribution::Gaussian, 7, 0)
        .normalize(&params, Normalization::Filter, BiasMode::Layer)
        .unwrap();
    let plane = Plane::new(params, vec![direction]).unwrap();
    let loss = |m: &Net, (x, y): &Inputs| cross_entropy(m.forward(x.clone()), y);
    let trace = Trace::capture(&net, &inputs, loss).unwrap();
    let target = Target::Device {
        device: Device::flex(),
        batch: 0,
    };
    let [exact, rounded] = [Precision::F32, Precision::Bf16].map(|precision| {
        let trace = trace.clone().with_precision(precision);
        let objective = trace
            .objective(&plane, std::slice::from_ref(&target))
            .unwrap();
        objective.evaluate(&[[0.0; 3], [0.5, 0.0, 0.0]]).unwrap()
    });
    for (a, b) in exact.iter().zip(&rounded) {
        let error = (a.loss - b.loss).abs() / a.loss;
        assert!(error > 1e-7 && error < 2e-2, "{} and {}", a.loss, b.loss);
    }
}

/// Images smaller than their kernels, channels alone, and pixels alone.
#[derive(Module, Debug)]
struct Small {
    pixels: Conv2d,
    channels: Conv2d,
    strided: Conv2d,
    one: Conv2d,
    dilated: Conv2d,
    linear: Linear,
}

impl Small {
    fn new() -> Self {
        let device = Device::flex();
        let conv = |channels: [usize; 2], kernel: [usize; 2]| {
            let [y, x] = kernel.map(|k| k / 2);
            Conv2dConfig::new(channels, kernel).with_padding(PaddingConfig2d::Explicit(y, x, y, x))
        };
        Self {
            pixels: conv([3, 20], [1, 1]).init(&device),
            channels: conv([20, 40], [5, 3]).with_groups(20).init(&device),
            strided: conv([40, 18], [3, 3]).with_stride([2, 2]).init(&device),
            one: conv([18, 17], [3, 3]).init(&device),
            dilated: conv([17, 9], [3, 3])
                .with_dilation([2, 1])
                .with_padding(PaddingConfig2d::Explicit(2, 1, 2, 1))
                .init(&device),
            linear: LinearConfig::new(9, 4).init(&device),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let n = x.dims()[0];
        let x = relu(self.pixels.forward(x.reshape([n, 3, 2, 2])));
        let x = relu(self.channels.forward(x));
        let x = relu(self.strided.forward(x));
        let x = x.clone() + self.one.forward(x).narrow(1, 0, 1);
        self.linear
            .forward(self.dilated.forward(x.narrow(1, 0, 17)).flatten(1, 3))
    }
}

#[test]
fn images_smaller_than_kernels() {
    let net = filled(Small::new(), 3);
    let loss = |m: &Small, (x, y): &Inputs| cross_entropy(m.forward(x.clone()), y);
    check(&net, &inputs(40, 12, 4), BiasMode::Layer, loss);
    let trace = Trace::capture(&net, &inputs(20, 12, 4), loss).unwrap();
    crate::curvature::check_trace(&trace, &params_of(&net).unwrap());
}

/// Large images first, then layers of few pixels and many weights, which run on more samples at a time; a shortcut leads from
/// before to behind them.
#[derive(Module, Debug)]
struct Deep {
    stem: Conv2d,
    norm: BatchNorm,
    layers: Vec<Conv2d>,
    norms: Vec<BatchNorm>,
    hidden: Linear,
    linear: Linear,
}

impl Deep {
    fn new() -> Self {
        let device = Device::flex();
        let conv = |[from, to]: [usize; 2], stride| {
            let conv = Conv2dConfig::new([from, to], [3, 3]).with_stride([stride, stride]);
            conv.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_bias(false)
                .init(&device)
        };
        // On 12x12, 4x4, 4x4, 2x2, 2x2 and 1x1 pixels.
        let sizes = [
            (16, 12, 1),
            (12, 128, 3),
            (128, 128, 1),
            (128, 130, 2),
            (130, 136, 1),
            (136, 140, 2),
        ];
        Self {
            stem: conv([3, 16], 1),
            norm: BatchNormConfig::new(16).init(&device),
            layers: sizes
                .iter()
                .map(|&(from, to, stride)| conv([from, to], stride))
                .collect(),
            norms: sizes
                .iter()
                .map(|&(_, to, _)| BatchNormConfig::new(to).init(&device))
                .collect(),
            hidden: LinearConfig::new(140, 300).init(&device),
            linear: LinearConfig::new(300, 5).init(&device),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let n = x.dims()[0];
        let x = x.reshape([n, 3, 12, 12]);
        let mut x = relu(self.norm.forward(self.stem.forward(x)));
        let shortcut = x.clone().mean_dim(3).mean_dim(2).flatten::<2>(1, 3);
        for (layer, norm) in self.layers.iter().zip(&self.norms) {
            x = relu(norm.forward(layer.forward(x)));
        }
        let x = Tensor::cat(vec![x.flatten(1, 3).narrow(1, 0, 124), shortcut], 1);
        self.linear.forward(relu(self.hidden.forward(x)))
    }
}

#[test]
fn deep_layers_of_few_pixels() {
    let net = filled(Deep::new(), 2);
    let loss = |m: &Deep, (x, y): &Inputs| cross_entropy(m.forward(x.clone()), y);
    for (samples, bias) in [
        (1, BiasMode::Zero),
        (40, BiasMode::Layer),
        (140, BiasMode::Layer),
    ] {
        check(&net, &inputs(samples, 432, 5), bias, loss);
    }
    let summary = |n: usize| {
        Trace::capture(&net, &inputs(n, 432, 5), loss)
            .unwrap()
            .summary()
    };
    assert_eq!(summary(16).tile, 16);
    let wide = summary(300);
    assert!(wide.tile >= 100, "{wide}");
    assert!(!wide.to_string().contains("stretch"), "{wide}");
}
