//! Losses written operation by operation: they equal what is recorded of a module that computes the same.

use crate::conv::filled;
use crate::mlp::{plane, targets};
use crate::reference::assert_close;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AvgPool2dConfig, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, LayerNorm};
use burn::nn::{LayerNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::{log_softmax, relu, softmax};
use burn::tensor::{Device, Int, Tensor, TensorData};
use landscape_core::{Objective, Parameter, Rng, Role, Term};
use landscape_trace::{
    Binary, Convolution, Loss, Reduction, Trace, TraceBuilder, TraceError, Unary,
};
use landscape_trace::{Value, Windows, params_of};

const SAMPLES: usize = 19;
const CLASSES: usize = 3;

#[derive(Module, Debug)]
struct Net {
    conv: Conv2d,
    norm: BatchNorm,
    place: Embedding,
    tokens: LayerNorm,
    head: Linear,
}

impl Net {
    fn new() -> Self {
        let device = Device::flex();
        let net = Net {
            conv: Conv2dConfig::new([2, 4], [3, 3])
                .with_stride([1, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_groups(2)
                .init(&device),
            norm: BatchNormConfig::new(4).init(&device),
            place: EmbeddingConfig::new(5, 4).init(&device),
            tokens: LayerNormConfig::new(4).init(&device),
            head: LinearConfig::new(4, CLASSES).init(&device),
        };
        filled(net, 21)
    }
}

struct Data {
    images: Vec<f32>,
    places: Vec<f32>,
    labels: Vec<f32>,
}

fn data() -> Data {
    let mut rng = Rng::new(31, 1);
    let mut whole = |n: usize, below: u64| (0..n).map(|_| rng.below(below) as f32).collect();
    let (places, labels) = (whole(SAMPLES * 6, 5), whole(SAMPLES, CLASSES as u64));
    Data {
        images: (0..SAMPLES * 72).map(|_| rng.normal() as f32).collect(),
        places,
        labels,
    }
}

type Inputs = (Tensor<4>, Tensor<2, Int>, Tensor<1, Int>);

fn recorded(net: &Net) -> Trace {
    let (data, device) = (data(), Device::flex());
    let whole = |x: &[f32]| x.iter().map(|&x| x as i64).collect::<Vec<_>>();
    let images = TensorData::new(data.images, [SAMPLES, 2, 6, 6]);
    let places = TensorData::new(whole(&data.places), [SAMPLES, 6]);
    let labels = TensorData::new(whole(&data.labels), [SAMPLES]);
    let inputs = (
        Tensor::from_data(images, &device),
        Tensor::from_data(places, &device),
        Tensor::from_data(labels, &device),
    );
    let loss = |net: &Net, (x, places, labels): &Inputs| {
        let h = relu(net.norm.forward(net.conv.forward(x.clone())));
        let highest = MaxPool2dConfig::new([2, 2]).with_strides([2, 1]).init();
        let mean = AvgPool2dConfig::new([3, 2])
            .with_strides([2, 1])
            .with_padding(PaddingConfig2d::Explicit(1, 0, 1, 0))
            .init();
        let h = highest.forward(h.clone()) + mean.forward(h);
        let rows = h.reshape([SAMPLES, 4, 6]).swap_dims(1, 2);
        let rows = net.tokens.forward(rows + net.place.forward(places.clone()));
        let scores = rows.clone().matmul(rows.clone().swap_dims(1, 2));
        let rows = softmax(scores, 2).matmul(rows);
        let mean = rows.mean_dim(1).reshape([SAMPLES, 4]);
        let logits = net.head.forward(mean);
        let picked = log_softmax(logits.clone(), 1).gather(1, labels.clone().unsqueeze_dim(1));
        let correct = logits.argmax(1).squeeze_dim::<1>(1).equal(labels.clone());
        let weight = net.head.weight.val();
        Loss::new(picked.squeeze_dim::<1>(1).neg())
            .with_correct(correct)
            .with_term("l2", 0.01, (weight.clone() * weight).sum())
    };
    Trace::capture(net, &inputs, loss).unwrap()
}

fn written(net: &Net) -> Result<Trace, TraceError> {
    let (mut p, data) = (TraceBuilder::new(SAMPLES), data());
    for parameter in params_of(net)?.into_inner() {
        p.parameter(parameter)?;
    }
    let of = |p: &TraceBuilder, name: &str| p.named(name).unwrap_or_else(|| panic!("{name}"));
    let x = p.data(&[SAMPLES, 2, 6, 6], data.images)?;
    let geometry = Convolution {
        stride: [1, 2],
        padding: [(1, 1); 2],
        groups: 2,
        ..Convolution::default()
    };
    let (w, b) = (of(&p, "conv.weight"), of(&p, "conv.bias"));
    let h = p.conv2d(x, w, Some(b), geometry)?;
    let of_norm = ["weight", "bias", "running_mean", "running_var"];
    let [gamma, beta, mean, variance] = of_norm.map(|n| of(&p, &format!("norm.{n}")));
    let h = p.batch_norm([h, gamma, beta, mean, variance], 1e-5, 0.1)?;
    let h = p.unary(Unary::Relu, h);
    let windows = |size, padding| Windows {
        stride: [2, 1],
        padding,
        ..Windows::new(size)
    };
    let highest = p.max_pool2d(h, windows([2, 2], [0, 0]))?;
    let mean = p.avg_pool2d(h, windows([3, 2], [1, 0]), true)?;
    let h = p.binary(Binary::Add, highest, mean)?;
    let rows = p.reshape(h, &[SAMPLES, 4, 6])?;
    let rows = p.permute(rows, &[0, 2, 1])?;
    let places = p.data(&[SAMPLES, 6], data.places)?;
    let table = of(&p, "place.weight");
    let places = p.embedding(table, places)?;
    let rows = p.binary(Binary::Add, rows, places)?;
    let (gamma, beta) = (of(&p, "tokens.weight"), of(&p, "tokens.bias"));
    let rows = p.layer_norm(rows, gamma, Some(beta), 1e-5)?;
    let turned = p.permute(rows, &[0, 2, 1])?;
    let scores = p.matmul(rows, turned)?;
    let shares = p.softmax(scores, 2, false)?;
    let rows = p.matmul(shares, rows)?;
    let mean = p.reduce(Reduction::Mean, rows, Some(1))?;
    let mean = p.reshape(mean, &[SAMPLES, 4])?;
    let (w, b) = (of(&p, "head.weight"), of(&p, "head.bias"));
    let logits = p.linear(mean, w, Some(b))?;
    let labels = p.data(&[SAMPLES, 1], data.labels)?;
    let logs = p.softmax(logits, 1, true)?;
    let picked = p.gather(logs, 1, labels)?;
    let losses = p.unary(Unary::Neg, picked);
    let best = p.reduce(Reduction::ArgMax, logits, Some(1))?;
    let correct = p.binary(Binary::Equal, best, labels)?;
    let squares = p.binary(Binary::Mul, w, w)?;
    let l2 = p.reduce(Reduction::Sum, squares, None)?;
    let term = Term {
        name: "l2".into(),
        weight: 0.01,
    };
    p.loss(losses, Some(correct), vec![(term, l2)])
}

#[test]
fn a_built_trace_equals_the_module_that_computes_the_same() {
    let net = Net::new();
    let (recorded, written) = (recorded(&net), written(&net).unwrap());
    assert_eq!(written.mixes_samples(), None);
    let params = params_of(&net).unwrap();
    let plane = plane(&params, 2);
    let points = [[0.0; 3], [0.3, -0.4, 0.0], [-0.9, 0.2, 0.0]];
    for target in targets() {
        let values = |trace: &Trace| {
            let objective = trace.objective(&plane, std::slice::from_ref(&target));
            objective.unwrap().evaluate(&points).unwrap()
        };
        for (e, f) in values(&recorded).iter().zip(&values(&written)) {
            assert_close(f.loss, e.loss, 1e-5);
            assert_close(f.loss_se.unwrap(), e.loss_se.unwrap(), 1e-4);
            assert_eq!(f.accuracy, e.accuracy);
            assert_close(f.terms[0], e.terms[0], 1e-5);
        }
    }
    crate::curvature::check_trace(&written, &params);
}

#[track_caller]
fn fails(found: Result<Value, TraceError>, words: &str) {
    let message = found.unwrap_err().to_string();
    assert!(message.contains(words), "{message}");
}

#[test]
fn what_does_not_fit_is_an_error_that_says_so() {
    let mut p = TraceBuilder::new(3);
    fails(p.data(&[2, 2], vec![0.0; 4]), "count the 3 samples");
    fails(p.data(&[], vec![0.0]), "count the 3 samples");
    fails(p.constant(&[2, 2], vec![0.0; 3]), "3 numbers do not fill");
    fails(p.constant(&[1; 9], vec![0.0]), "9 axes");
    let w = Parameter::new("w", [4, 2], vec![0.0; 8], Role::Weight).unwrap();
    fails(p.parameter(w.clone()).and(p.parameter(w)), "`w` is taken");
    let w = p.named("w").unwrap();
    let x = p.data(&[3, 5], vec![0.0; 15]).unwrap();
    fails(p.linear(x, w, None), "have no product");
    fails(p.matmul(x, x), "have no product");
    fails(p.binary(Binary::Add, x, w), "cannot be broadcast together");
    fails(p.choose(x, w, w), "cannot be broadcast together");
    fails(p.reduce(Reduction::Sum, x, Some(2)), "has no axis 2");
    fails(p.softmax(x, 7, true), "has no axis 7");
    fails(p.reshape(x, &[4, 4]), "different numbers");
    fails(p.permute(x, &[1, 1]), "not an order of 2 axes");
    fails(p.expand(x, &[3, 6]), "does not repeat");
    fails(p.expand(x, &[5]), "does not repeat");
    fails(p.slice(x, 1, 3, 3), "not all within");
    fails(p.slice(x, 1, usize::MAX, 2), "not all within");
    fails(p.concat(&[], 0), "no values");
    fails(p.concat(&[x, w], 1), "elsewhere than along axis 1");
    fails(p.concat(&[x], 3), "has no axis 3");
    fails(p.gather(w, 0, x), "are not indices");
    let cube = p.constant(&[1, 1, 1], vec![0.0]).unwrap();
    fails(p.embedding(cube, x), "is not a table");
}

#[test]
fn images_that_do_not_fit_are_errors() {
    let mut p = TraceBuilder::new(1);
    let image = p.data(&[1, 4, 5, 5], vec![0.0; 100]).unwrap();
    let weight = |p: &mut TraceBuilder, shape: [usize; 4]| {
        p.constant(&shape, vec![0.0; shape.iter().product()])
            .unwrap()
    };
    let geometry = Convolution::default();
    for (shape, words) in [
        ([2, 3, 3, 3], "not an input for weights"),
        ([2, 4, 6, 3], "no window"),
        ([2, 4, 0, 3], "no window"),
    ] {
        let w = weight(&mut p, shape);
        fails(p.conv2d(image, w, None, geometry), words);
    }
    let w = weight(&mut p, [2, 4, 3, 3]);
    fails(p.conv2d(w, image, None, geometry), "no window");
    let still = Convolution {
        stride: [0, 1],
        ..geometry
    };
    fails(p.conv2d(image, w, None, still), "no window");
    fails(p.conv2d(image, w, Some(image), geometry), "is not a bias");
    let groups = Convolution {
        groups: 0,
        ..geometry
    };
    fails(p.conv2d(image, w, None, groups), "in 0 groups");
    let windows = Windows {
        stride: [1, 1],
        ..Windows::new([6, 1])
    };
    fails(p.max_pool2d(image, windows), "does not fit");
    let row = p.constant(&[4], vec![1.0; 4]).unwrap();
    fails(p.max_pool2d(row, windows), "is not an image");
    fails(
        p.batch_norm([image, row, row, row, image], 1e-5, 0.1),
        "each channel",
    );
    fails(p.layer_norm(image, row, None, 1e-5), "last axis");
    let mut none = TraceBuilder::new(0);
    let zero = none.constant(&[1], vec![0.0]).unwrap();
    assert!(matches!(
        none.loss(zero, None, vec![]),
        Err(TraceError::Samples { .. })
    ));
}
