//! Losses that mix their samples against `tests/reference/mixing.txt`, which PyTorch computed in f64: by every executor, for
//! several numbers of samples; and how they run.

use crate::networks::{Reference, check_with, floats, images, labels, linear};
use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{BatchNorm, BatchNormConfig, Linear};
use burn::tensor::activation::{log_softmax, relu, softmax, softplus};
use burn::tensor::{Bool, Device, Int, Tensor};
use landscape_trace::{BatchStatistics, Inputs, Loss, Runs, Summary, Trace};

const SIZES: [usize; 3] = [7, 140, 300];

/// Two layers, and a third that some losses have after what mixes the samples.
#[derive(Module, Debug)]
struct Encoder {
    fc1: Linear,
    fc2: Linear,
    fc3: Option<Linear>,
}

impl Encoder {
    fn new() -> Self {
        Self {
            fc1: linear(6, 8),
            fc2: linear(8, 5),
            fc3: None,
        }
    }

    fn forward(&self, x: &Tensor<2>) -> Tensor<2> {
        self.fc2.forward(self.fc1.forward(x.clone()).tanh())
    }
}

type Views = (Tensor<2>, Tensor<2>);
type Labelled = (Tensor<2>, Tensor<1, Int>);

fn views(n: usize) -> Views {
    (floats("left", [n, 6]), floats("right", [n, 6]))
}

fn labelled(n: usize) -> Labelled {
    (floats("left", [n, 6]), labels(n))
}

fn unit(x: Tensor<2>) -> Tensor<2> {
    x.clone() / x.powi_scalar(2).sum_dim(1).sqrt()
}

fn numbers(n: std::ops::Range<usize>, device: &Device) -> Tensor<1, Int> {
    Tensor::arange(n.start as i64..n.end as i64, device)
}

fn same_class(y: &Tensor<1, Int>) -> Tensor<2, Bool> {
    y.clone()
        .unsqueeze_dim::<2>(1)
        .equal(y.clone().unsqueeze_dim(0))
}

fn infonce(m: &Encoder, (a, b): &Views) -> Loss {
    let logits = unit(m.forward(a)).matmul(unit(m.forward(b)).transpose()) * 2.0;
    let same = numbers(0..logits.dims()[0], &logits.device());
    let loss = CrossEntropyLossConfig::new().init(&logits.device());
    let rows = loss.forward(logits.clone(), same.clone());
    Loss::new((rows + loss.forward(logits.transpose(), same)) / 2.0)
}

/// A layer on the means of a convolution.
#[derive(Module, Debug)]
struct Images {
    conv: Conv2d,
    head: Linear,
}

impl Images {
    fn new() -> Self {
        let conv = Conv2dConfig::new([1, 4], [3, 3])
            .with_stride([2, 2])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
        Self {
            conv: conv.init(&Device::flex()),
            head: linear(4, 5),
        }
    }

    fn forward(&self, x: &Tensor<4>) -> Tensor<2> {
        let h = relu(self.conv.forward(x.clone()));
        self.head
            .forward(h.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2))
    }
}

fn ntxent(m: &Images, (a, b): &(Tensor<4>, Tensor<4>)) -> Loss {
    let z = unit(Tensor::cat(vec![m.forward(a), m.forward(b)], 0));
    let n = a.dims()[0];
    let logits = z.clone().matmul(z.transpose()) * 2.0;
    let logits = logits.mask_fill(Tensor::<2>::eye(2 * n, &a.device()).greater_elem(0.5), -1e9);
    let other = Tensor::cat(
        [n..2 * n, 0..n].map(|own| numbers(own, &a.device())).into(),
        0,
    );
    let picked = log_softmax(logits, 1).gather(1, other.unsqueeze_dim(1));
    Loss::new(picked.neg().mean())
}

fn supervised(m: &Encoder, (x, y): &Labelled) -> Loss {
    let z = unit(m.forward(x));
    let others = Tensor::<2>::eye(x.dims()[0], &x.device()).neg() + 1.0;
    let positive = same_class(y).float() * others.clone();
    let logits = z.clone().matmul(z.transpose()) * 2.0;
    let sum = (logits.clone().exp() * others).sum_dim(1) + 1.0;
    let each = (positive.clone() * (logits - sum.log())).sum_dim(1);
    Loss::new((each / (positive.sum_dim(1) + 1.0)).neg().mean())
}

fn triplet(m: &Encoder, (x, y): &Labelled) -> Loss {
    let z = m.forward(x);
    let apart = z.clone().unsqueeze_dim::<3>(1) - z.unsqueeze_dim::<3>(0);
    let distances: Tensor<2> = apart.powi_scalar(2).sum_dim(2).squeeze_dim(2);
    let same = same_class(y).float();
    let furthest = (distances.clone() * same.clone()).max_dim(1);
    let nearest = (distances + same * 100.0).min_dim(1);
    Loss::new(softplus(furthest - nearest, 1.0).mean())
}

fn sorting(m: &Encoder, (a, b): &Views) -> Loss {
    let [a, b] = [a, b].map(|x| m.forward(x).slice_dim(1, 0..2).sort(0));
    Loss::new((a - b).powi_scalar(2).mean())
}

fn cumulative(m: &Encoder, x: &Tensor<2>) -> Loss {
    let z: Tensor<1> = m.forward(x).slice_dim(1, 0..1).squeeze_dim(1);
    Loss::new((z.clone().exp().cumsum(0).log() - z).mean())
}

fn covariance(m: &Encoder, (a, b): &Views) -> Loss {
    let standard = |x: Tensor<2>| {
        let centred = x.clone() - x.mean_dim(0);
        let variance = centred.clone().powi_scalar(2).mean_dim(0);
        centred / (variance + 0.1).sqrt()
    };
    let n = a.dims()[0] as f64;
    let [a, b] = [a, b].map(|x| standard(m.forward(x)));
    let c = a.transpose().matmul(b) / n;
    let eye = Tensor::<2>::eye(5, &c.device());
    let weights = eye.clone() * 0.95 + 0.05;
    Loss::new(((c - eye).powi_scalar(2) * weights).sum())
}

fn pooled(m: &Encoder, (x, y): &Labelled) -> Loss {
    let z = m.forward(x);
    let shares = softmax(z.clone().slice_dim(1, 0..1), 0);
    let context = (shares * z.clone()).sum_dim(0);
    let h = m.fc3.as_ref().unwrap().forward(z - context).tanh();
    let loss = CrossEntropyLossConfig::new().init(&h.device());
    Loss::new(loss.forward(h, y.clone()))
}

fn after() -> Encoder {
    Encoder {
        fc3: Some(linear(5, 3)),
        ..Encoder::new()
    }
}

fn pairs(n: usize) -> (Tensor<4>, Tensor<4>) {
    (images(n).0, floats("mask", [n, 1, 8, 8]))
}

#[track_caller]
fn check<M: Module, I: Inputs>(
    network: &str,
    module: M,
    data: impl Fn(usize) -> I,
    loss: fn(&M, &I) -> Loss,
) {
    let reference = Reference::read(include_str!("../reference/mixing.txt"));
    check_with(&reference, false, network, module, data, |m, data| {
        Trace::capture(m, data, loss).unwrap()
    });
}

#[test]
fn similarities_of_two_views() {
    check("infonce", Encoder::new(), views, infonce);
}

/// Both views are one batch of data, whose halves the loss takes.
fn halves(m: &Encoder, x: &Tensor<2>) -> Loss {
    let n = x.dims()[0] / 2;
    let [a, b] = [0..n, n..2 * n].map(|part| x.clone().slice_dim(0, part));
    infonce(m, &(a, b))
}

fn both_views(n: usize) -> Tensor<2> {
    let (a, b) = views(n);
    Tensor::cat(vec![a, b], 0)
}

#[test]
fn similarities_of_two_halves_of_the_data() {
    check("infonce", Encoder::new(), both_views, halves);
    let trace = Trace::capture(&Encoder::new(), &both_views(140), halves).unwrap();
    assert_eq!((trace.samples(), trace.summary().samples), (280, 140));
}

#[test]
fn similarities_within_one_batch_of_both_views() {
    check("ntxent", Images::new(), pairs, ntxent);
}

#[test]
fn similarities_of_one_class() {
    check("supervised", Encoder::new(), labelled, supervised);
}

#[test]
fn distances_within_the_batch() {
    check("triplet", Encoder::new(), labelled, triplet);
}

#[test]
fn samples_in_order() {
    check("sorting", Encoder::new(), views, sorting);
}

#[test]
fn sums_of_the_samples_before() {
    let left = |n| floats("left", [n, 6]);
    check("cumulative", Encoder::new(), left, cumulative);
}

#[test]
fn covariances_are_sums_over_the_samples() {
    check("covariance", Encoder::new(), views, covariance);
}

#[test]
fn attention_over_the_samples_before_a_layer_on_each() {
    check("pooled", after(), labelled, pooled);
}

/// A normalisation with the statistics of the batch between a convolution and a layer.
#[derive(Module, Debug)]
struct Normalised {
    conv: Conv2d,
    norm: BatchNorm,
    head: Linear,
}

#[test]
fn derivatives_through_the_statistics_of_the_batch() {
    let Images { conv, .. } = Images::new();
    let module = Normalised {
        conv,
        norm: BatchNormConfig::new(4).init(&Device::flex()),
        head: linear(4, 3),
    };
    let loss = |m: &Normalised, (x, y): &(Tensor<4>, Tensor<1, Int>)| {
        let h = relu(m.norm.forward(m.conv.forward(x.clone())));
        let mean = h.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2);
        let loss = CrossEntropyLossConfig::new().init(&y.device());
        Loss::new(loss.forward(m.head.forward(mean), y.clone()))
    };
    let reference = Reference::read(include_str!("../reference/mixing.txt"));
    check_with(&reference, true, "normalised", module, images, |m, data| {
        let trace = Trace::capture(m, data, loss).unwrap();
        trace.with_batch_norm(BatchStatistics::Batch).unwrap()
    });
}

fn summary<M: Module, I: Inputs>(module: &M, data: &I, loss: fn(&M, &I) -> Loss) -> Summary {
    Trace::capture(module, data, loss).unwrap().summary()
}

#[test]
fn what_mixes_samples_is_named() {
    let named = [
        (summary(&Encoder::new(), &views(7), infonce), Some("matmul")),
        (summary(&Encoder::new(), &labelled(7), triplet), Some("sub")),
        (summary(&after(), &labelled(7), pooled), Some("softmax")),
        (summary(&Encoder::new(), &views(7), covariance), None),
    ];
    for (summary, mixes) in named {
        assert!(summary.mixes == mixes && !summary.has_error, "{summary}");
    }
}

/// What is computed once a point is little: products, and functions of every pair of samples, are computed in tiles.
#[test]
fn what_mixes_samples_runs_in_tiles() {
    for n in SIZES {
        let all = [
            summary(&Encoder::new(), &views(n), infonce),
            summary(&Encoder::new(), &labelled(n), supervised),
            summary(&Encoder::new(), &labelled(n), triplet),
            summary(&Encoder::new(), &views(n), covariance),
            summary(&Encoder::new(), &both_views(n), halves),
            summary(&Images::new(), &pairs(n), ntxent),
        ];
        for summary in all {
            assert!(summary.passes > 1, "{summary}");
            let whole = summary.parts.iter().filter(|p| p.runs == Runs::Point);
            let whole: Vec<_> = whole.filter(|p| p.numbers > n * 8).collect();
            let names: Vec<_> = whole.iter().map(|p| p.operation).collect();
            let moved = |name: &&str| ["collect", "permute"].contains(name);
            assert!(names.iter().all(moved), "{n}: {summary}");
        }
    }
}
