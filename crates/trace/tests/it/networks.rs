//! Common networks, as Burn's users write them, against `tests/reference/networks.txt`, which PyTorch computed in f64:
//! losses and standard errors, gradients and Hessian products by every executor, for several numbers of samples.

use crate::mlp::targets;
use crate::reference::assert_close;
use burn::module::{Module, Param};
use burn::nn::activation::HardSwish;
use burn::nn::attention::{
    MhaInput, MultiHeadAttention, MultiHeadAttentionConfig, generate_autoregressive_mask,
};
use burn::nn::conv::*;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::{AdaptiveAvgPool2dConfig, AvgPool1dConfig, MaxPool2dConfig};
use burn::nn::transformer::*;
use burn::nn::*;
use burn::tensor::activation::{gelu, hard_sigmoid, relu, sigmoid, silu};
use burn::tensor::{Device, Int, Tensor, TensorData};
use landscape_core::{Direction, Objective, Parameter, Params, Plane, Role, Source};
use landscape_trace::{Curvature, Inputs, Loss, Target, Trace, params_of, with_params};
use std::collections::HashMap;

const SIZES: [usize; 4] = [1, 7, 140, 300];
const CLASS_WEIGHTS: [f32; 3] = [0.25, 1.0, 2.5];
const IGNORED: usize = 3;
const WORDS: usize = 11;
const TOKENS: usize = 5;
const WIDTH: usize = 8;

/// The script's numbers: SplitMix64, started by the FNV-1a hash of a name.
fn integers(name: &str, n: usize) -> impl Iterator<Item = u64> {
    let hash = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let state = name.bytes().fold(0xcbf2_9ce4_8422_2325, hash);
    (1..=n as u64).map(move |i| {
        let z = state.wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

/// Multiples of 2^-11 in [-1, 1).
fn numbers(name: &str, n: usize) -> Vec<f32> {
    let number = |z: u64| ((z >> 52) as f32 - 2048.0) / 2048.0;
    integers(name, n).map(number).collect()
}

pub fn floats<const D: usize>(name: &str, shape: [usize; D]) -> Tensor<D> {
    let data = TensorData::new(numbers(name, shape.iter().product()), shape);
    Tensor::from_data(data, &Device::flex())
}

pub fn classes<const D: usize>(name: &str, shape: [usize; D], below: usize) -> Tensor<D, Int> {
    let all = integers(name, shape.iter().product());
    let all: Vec<i64> = all.map(|z| ((z >> 33) % below as u64) as i64).collect();
    Tensor::from_data(TensorData::new(all, shape), &Device::flex())
}

/// The lines of the file: a name, and words.
pub struct Reference(HashMap<&'static str, Vec<&'static str>>);

impl Reference {
    pub fn read(text: &'static str) -> Self {
        let lines = text.lines();
        let words = |line: &'static str| {
            let (name, words) = line.split_once(' ').unwrap();
            (name, words.split(' ').collect())
        };
        Self(lines.filter(|l| !l.starts_with('#')).map(words).collect())
    }

    fn numbers(&self, name: &str) -> Vec<f64> {
        let words = self.0.get(name).unwrap_or_else(|| panic!("no {name}"));
        words.iter().map(|w| w.parse().unwrap()).collect()
    }

    /// Trained tensors, in the order of the file; all of them with their shapes, as words, sorted.
    fn layout(&self, name: &str) -> (Vec<&'static str>, Vec<&'static str>) {
        let mut all = self.0[format!("{name}.layout").as_str()].clone();
        let names = all.iter().map(|word| word.split_once(':').unwrap().0);
        let trained = names.filter(|n| !n.contains("running")).collect();
        all.sort_unstable();
        (trained, all)
    }
}

/// Parameters of the module's layout from the numbers of their names.
fn tensors(like: &Params, value: impl Fn(&Parameter) -> Vec<f32>) -> Params {
    let made = like
        .iter()
        .map(|p| Parameter::new(p.name.clone(), p.shape.clone(), value(p), p.role).unwrap());
    Params::new(made.collect()).unwrap()
}

fn start(network: &str, like: &Params) -> Params {
    tensors(like, |p| {
        let scale = p.name.ends_with("running_var")
            || p.name.contains("norm") && p.name.ends_with("weight");
        let around = if scale { 1.0 } else { 0.0 };
        let all = numbers(&format!("{network}.{}", p.name), p.data.len());
        all.iter().map(|x| x / 2.0 + around).collect()
    })
}

fn line(network: &str, origin: &Params) -> Plane {
    let moves = tensors(origin, |p| match p.role {
        Role::Buffer => vec![0.0; p.data.len()],
        _ => {
            let all = numbers(&format!("{network}.d.{}", p.name), p.data.len());
            all.iter().map(|x| x / 2.0).collect()
        }
    });
    let direction = Direction::from_tensors(moves, origin, Source::File).unwrap();
    Plane::new(origin.clone(), vec![direction]).unwrap()
}

/// For each trained tensor: what belongs to it of a vector.
fn each<'a>(
    curvature: &'a Curvature,
    names: &'a [&str],
    vector: &'a [f64],
) -> impl Iterator<Item = (&'a str, &'a [f64])> {
    names.iter().map(|name| {
        let block = curvature.blocks().iter().find(|b| b.name == *name);
        (*name, &vector[block.unwrap().range.clone()])
    })
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// What is 0, as the losses of one sample that is told from others, is so up to rounding.
#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    match expected.abs() < 1e-40 {
        true => assert!(found.abs() <= tolerance, "{found}"),
        false => assert_close(found, expected, tolerance),
    }
}

/// Compares the inner products with `u` of every tensor of a vector.
#[track_caller]
fn compare(
    curvature: &Curvature,
    (network, names): (&str, &[&str]),
    vector: &[f64],
    expected: &[f64],
    tolerance: f64,
) {
    assert_eq!(names.len(), expected.len());
    for ((name, part), expected) in each(curvature, names, vector).zip(expected) {
        let u = numbers(&format!("{network}.u.{name}"), part.len());
        let u: Vec<f64> = u.into_iter().map(f64::from).collect();
        let found: f64 = part.iter().zip(&u).map(|(a, b)| a * b).sum();
        let error = match *expected {
            // Of one sample, that is all that there is.
            0.0 if norm(vector) <= tolerance => 0.0,
            _ => (found - expected).abs() / (norm(vector) * norm(&u)),
        };
        assert!(
            error <= tolerance,
            "{network} {name}: {found} and {expected}, {error:e}"
        );
    }
}

#[track_caller]
fn derivatives(
    reference: &Reference,
    curvature: &Curvature,
    (network, names): (&str, &[&str]),
    n: usize,
    tolerance: f64,
) {
    let of = |part: &str| reference.numbers(&format!("{network}.{n}.{part}"));
    let gradient = curvature.gradient().unwrap();
    close(gradient.loss, of("loss")[0], tolerance);
    let names = (network, names);
    compare(
        curvature,
        names,
        &gradient.gradient,
        &of("gradient"),
        tolerance,
    );
    let mut v = vec![0.0; curvature.dim()];
    for block in curvature.blocks() {
        let all = numbers(&format!("{network}.v.{}", block.name), block.range.len());
        v[block.range.clone()]
            .iter_mut()
            .zip(all)
            .for_each(|(v, x)| *v = f64::from(x));
    }
    let product = &curvature.hessian(&[v]).unwrap()[0];
    compare(curvature, names, product, &of("hessian"), tolerance);
}

#[track_caller]
fn check<M: Module, I: Inputs>(
    network: &str,
    module: M,
    data: impl Fn(usize) -> I,
    loss: fn(&M, &I) -> Loss,
) {
    let reference = Reference::read(include_str!("../reference/networks.txt"));
    check_with(&reference, true, network, module, data, |m, data| {
        Trace::capture(m, data, loss).unwrap()
    });
}

/// `has_error`: whether the loss is a mean of what samples have by themselves, and so has a standard error.
#[track_caller]
pub fn check_with<M: Module, I: Inputs>(
    reference: &Reference,
    has_error: bool,
    network: &str,
    module: M,
    data: impl Fn(usize) -> I,
    capture: impl Fn(&M, &I) -> Trace,
) {
    let origin = start(network, &params_of(&module).unwrap());
    let module = with_params(module, &origin).unwrap();
    let (names, all) = reference.layout(network);
    let dims = |p: &Parameter| p.shape.iter().map(usize::to_string).collect::<Vec<_>>();
    let own = origin
        .iter()
        .map(|p| format!("{}:{}", p.name, dims(p).join("x")));
    let mut own: Vec<String> = own.collect();
    own.sort_unstable();
    assert_eq!(own, all);
    let plane = line(network, &origin);
    for n in SIZES {
        let trace = capture(&module, &data(n));
        if has_error {
            assert_eq!(trace.mixes_samples(), None, "{n} samples");
        }
        let expected = reference.numbers(&format!("{network}.{n}.loss"));
        for target in targets() {
            let objective = trace
                .objective(&plane, std::slice::from_ref(&target))
                .unwrap();
            let found = objective.evaluate(&[[0.0; 3], [0.5, 0.0, 0.0]]).unwrap();
            for (sample, expected) in found.iter().zip(expected.chunks(2)) {
                close(sample.loss, expected[0], 1e-5);
                match sample.loss_se {
                    Some(error) => assert_close(error, expected[1], 1e-5),
                    None => assert!(!has_error || n == 1, "no standard error: {target:?}"),
                }
            }
            let curvature = trace.curvature(&origin, &target).unwrap();
            derivatives(reference, &curvature, (network, &names), n, 1e-5);
        }
        let double = trace
            .curvature(&origin, &Target::default())
            .unwrap()
            .in_f64();
        derivatives(reference, &double, (network, &names), n, 1e-10);
    }
}

pub type Labelled<const D: usize> = (Tensor<D>, Tensor<1, Int>);

pub fn labels(n: usize) -> Tensor<1, Int> {
    classes("y", [n], 3)
}

fn cross_entropy(logits: Tensor<2>, y: &Tensor<1, Int>) -> Loss {
    let loss = CrossEntropyLossConfig::new().init(&y.device());
    Loss::new(loss.forward(logits, y.clone()))
}

fn weighted(logits: Tensor<2>, y: &Tensor<1, Int>) -> Loss {
    let loss = CrossEntropyLossConfig::new().with_weights(Some(CLASS_WEIGHTS.to_vec()));
    Loss::new(loss.init(&y.device()).forward(logits, y.clone()))
}

fn squares<const D: usize>(found: Tensor<D>, wanted: Tensor<D>) -> Loss {
    Loss::new((found - wanted).powi_scalar(2).mean())
}

pub fn images(n: usize) -> Labelled<4> {
    (floats("image", [n, 1, 8, 8]), labels(n))
}

pub fn linear(i: usize, o: usize) -> Linear {
    LinearConfig::new(i, o).init(&Device::flex())
}

fn same(i: usize, o: usize, size: usize, groups: usize) -> Conv2d {
    let around = size / 2;
    Conv2dConfig::new([i, o], [size, size])
        .with_padding(PaddingConfig2d::Explicit(around, around, around, around))
        .with_groups(groups)
        .init(&Device::flex())
}

fn strided(i: usize, o: usize, size: usize, stride: usize, around: usize) -> Conv2d {
    Conv2dConfig::new([i, o], [size, size])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(around, around, around, around))
        .init(&Device::flex())
}

fn layer_norm(width: usize) -> LayerNorm {
    LayerNormConfig::new(width).init(&Device::flex())
}

#[derive(Module, Debug)]
pub struct Vit {
    token: Option<Param<Tensor<3>>>,
    place: Param<Tensor<3>>,
    patch: Conv2d,
    attention: MultiHeadAttention,
    norm_1: LayerNorm,
    norm_2: LayerNorm,
    inner: Linear,
    outer: Linear,
    norm_3: LayerNorm,
    head: Linear,
}

impl Vit {
    pub fn new(token: bool) -> Self {
        let attention = MultiHeadAttentionConfig::new(WIDTH, 2).with_dropout(0.0);
        Self {
            token: token.then(|| Param::from_tensor(floats("t", [1, 1, WIDTH]))),
            place: Param::from_tensor(floats("p", [1, 4 + usize::from(token), WIDTH])),
            patch: strided(1, WIDTH, 4, 4, 0),
            attention: attention.init(&Device::flex()),
            norm_1: layer_norm(WIDTH),
            norm_2: layer_norm(WIDTH),
            inner: linear(WIDTH, 12),
            outer: linear(12, WIDTH),
            norm_3: layer_norm(WIDTH),
            head: linear(WIDTH, 3),
        }
    }

    pub fn loss(&self, (x, y): &Labelled<4>) -> Loss {
        let n = x.dims()[0];
        let mut x = self
            .patch
            .forward(x.clone())
            .flatten::<3>(2, 3)
            .swap_dims(1, 2);
        if let Some(token) = &self.token {
            x = Tensor::cat(vec![token.val().expand([n, 1, WIDTH]), x], 1);
        }
        let x = x + self.place.val();
        let own = self.norm_1.forward(x.clone());
        let x = x + self.attention.forward(MhaInput::self_attn(own)).context;
        let inner = gelu(self.inner.forward(self.norm_2.forward(x.clone())));
        let x = self.norm_3.forward(x + self.outer.forward(inner));
        let pooled = match self.token {
            Some(_) => x.slice([0..n, 0..1]),
            None => x.mean_dim(1),
        };
        cross_entropy(self.head.forward(pooled.squeeze_dim(1)), y)
    }
}

#[test]
fn vision_transformer_with_the_mean() {
    check("vit-mean", Vit::new(false), images, Vit::loss);
}

#[test]
fn vision_transformer_with_a_class_token() {
    check("vit-cls", Vit::new(true), images, Vit::loss);
}

#[derive(Module, Debug)]
pub struct Gpt {
    word: Embedding,
    position: Embedding,
    body: TransformerEncoder,
    head: Linear,
}

pub type Texts = (Tensor<2, Int>, Tensor<2, Int>);

impl Gpt {
    /// For up to so many tokens.
    pub fn new(tokens: usize) -> Self {
        let device = Device::flex();
        let body = TransformerEncoderConfig::new(WIDTH, 12, 2, 1)
            .with_dropout(0.0)
            .with_norm_first(true);
        Self {
            word: EmbeddingConfig::new(WORDS, WIDTH).init(&device),
            position: EmbeddingConfig::new(tokens, WIDTH).init(&device),
            body: body.init(&device),
            head: linear(WIDTH, WORDS),
        }
    }

    /// As in Burn's example of text generation: repeated positions, a mask for every sample, one loss over all tokens.
    pub fn loss(&self, (x, y): &Texts, ignored: Option<Vec<usize>>) -> Loss {
        let ([n, t], device) = (x.dims(), x.device());
        let places = Tensor::arange(0..t as i64, &device)
            .reshape([1, t])
            .repeat_dim(0, n);
        let x = (self.word.forward(x.clone()) + self.position.forward(places)) / 2;
        let mask = generate_autoregressive_mask(n, t, &device);
        let x = self
            .body
            .forward(TransformerEncoderInput::new(x).mask_attn(mask));
        let logits = self.head.forward(x).reshape([n * t, WORDS]);
        let loss = CrossEntropyLossConfig::new().with_pad_tokens(ignored);
        Loss::new(
            loss.init(&device)
                .forward(logits, y.clone().reshape([n * t])),
        )
    }
}

fn texts(n: usize) -> Texts {
    (
        classes("words", [n, TOKENS], WORDS),
        classes("next", [n, TOKENS], WORDS),
    )
}

#[test]
fn language_model() {
    check("gpt", Gpt::new(TOKENS), texts, |m, i| m.loss(i, None));
}

#[test]
fn language_model_with_ignored_tokens() {
    check("gpt-ignoring", Gpt::new(TOKENS), texts, |m, i| {
        m.loss(i, Some(vec![IGNORED]))
    });
}

#[derive(Module, Debug)]
pub struct Recurrent<C: Module> {
    cell: C,
    head: Linear,
}

pub fn sequences(n: usize) -> Labelled<3> {
    (floats("sequence", [n, 6, 4]), labels(n))
}

impl Recurrent<Lstm> {
    pub fn lstm() -> Self {
        Self {
            cell: LstmConfig::new(4, 5, true).init(&Device::flex()),
            head: linear(5, 3),
        }
    }

    pub fn loss(&self, (x, y): &Labelled<3>) -> Loss {
        let (_, state) = self.cell.forward(x.clone(), None);
        weighted(self.head.forward(state.hidden), y)
    }
}

#[test]
fn lstm_classifier() {
    check(
        "lstm",
        Recurrent::lstm(),
        sequences,
        Recurrent::<Lstm>::loss,
    );
}

#[test]
fn gru_classifier() {
    let cell = GruConfig::new(4, 5, true).init(&Device::flex());
    let module = Recurrent {
        cell,
        head: linear(5, 3),
    };
    let loss = |m: &Recurrent<Gru>, (x, y): &Labelled<3>| {
        let last = m
            .cell
            .forward(x.clone(), None)
            .narrow(1, 5, 1)
            .squeeze_dim(1);
        weighted(m.head.forward(last), y)
    };
    check("gru", module, sequences, loss);
}

#[derive(Module, Debug)]
pub struct UNet {
    down: Conv2d,
    bottom: Conv2d,
    up: ConvTranspose2d,
    merge: Conv2d,
    head: Conv2d,
}

pub type Segmented = (Tensor<4>, Tensor<4>);

impl UNet {
    pub fn new() -> Self {
        let up = ConvTranspose2dConfig::new([4, 3], [2, 2]).with_stride([2, 2]);
        Self {
            down: same(1, 3, 3, 1),
            bottom: same(3, 4, 3, 1),
            up: up.init(&Device::flex()),
            merge: same(6, 3, 3, 1),
            head: same(3, 1, 1, 1),
        }
    }

    pub fn loss(&self, (x, mask): &Segmented) -> Loss {
        let a = relu(self.down.forward(x.clone()));
        let pool = MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
        let b = relu(self.bottom.forward(pool.forward(a.clone())));
        let both = Tensor::cat(vec![a, self.up.forward(b)], 1);
        let out = self.head.forward(relu(self.merge.forward(both)));
        squares(out, mask.clone())
    }
}

pub fn segmented(n: usize) -> Segmented {
    (floats("image", [n, 1, 8, 8]), floats("mask", [n, 1, 8, 8]))
}

#[test]
fn unet() {
    check("unet", UNet::new(), segmented, UNet::loss);
}

#[derive(Module, Debug)]
struct Autoencoder {
    first: Conv2d,
    second: Conv2d,
    third: ConvTranspose2d,
    fourth: ConvTranspose2d,
}

#[test]
fn autoencoder() {
    let up = |i, o| {
        ConvTranspose2dConfig::new([i, o], [3, 3])
            .with_stride([2, 2])
            .with_padding([1, 1])
            .with_padding_out([1, 1])
            .init(&Device::flex())
    };
    let module = Autoencoder {
        first: strided(1, 3, 3, 2, 1),
        second: strided(3, 4, 3, 2, 1),
        third: up(4, 3),
        fourth: up(3, 1),
    };
    let loss = |m: &Autoencoder, x: &Tensor<4>| {
        let h = relu(m.second.forward(relu(m.first.forward(x.clone()))));
        let h = m.fourth.forward(relu(m.third.forward(h)));
        squares(sigmoid(h), x.clone())
    };
    check(
        "autoencoder",
        module,
        |n| floats("image", [n, 1, 8, 8]),
        loss,
    );
}

/// The block of MobileNetV3 and EfficientNet.
#[derive(Module, Debug)]
struct Inverted {
    stem: Conv2d,
    expand: Conv2d,
    norm_1: BatchNorm,
    depthwise: Conv2d,
    norm_2: BatchNorm,
    squeeze: Conv2d,
    excite: Conv2d,
    project: Conv2d,
    norm_3: BatchNorm,
    head: Linear,
}

impl Inverted {
    fn new() -> Self {
        let norm = |width| BatchNormConfig::new(width).init(&Device::flex());
        Self {
            stem: strided(1, 3, 3, 2, 1),
            expand: same(3, 6, 1, 1),
            norm_1: norm(6),
            depthwise: same(6, 6, 3, 6),
            norm_2: norm(6),
            squeeze: same(6, 2, 1, 1),
            excite: same(2, 6, 1, 1),
            project: same(6, 3, 1, 1),
            norm_3: norm(3),
            head: linear(3, 3),
        }
    }

    fn loss(
        &self,
        (x, y): &Labelled<4>,
        act: fn(Tensor<4>) -> Tensor<4>,
        gate: fn(Tensor<4>) -> Tensor<4>,
    ) -> Loss {
        let x = self.stem.forward(x.clone());
        let h = act(self.norm_1.forward(self.expand.forward(x.clone())));
        let h = act(self.norm_2.forward(self.depthwise.forward(h)));
        let mean = AdaptiveAvgPool2dConfig::new([1, 1])
            .init()
            .forward(h.clone());
        let share = gate(self.excite.forward(relu(self.squeeze.forward(mean))));
        let x = x + self.norm_3.forward(self.project.forward(h * share));
        let mean = x.mean_dim(3).mean_dim(2).flatten::<2>(1, 3);
        cross_entropy(self.head.forward(mean), y)
    }
}

#[test]
fn mobilenet_block() {
    let loss = |m: &Inverted, i: &Labelled<4>| {
        m.loss(
            i,
            |x| HardSwish::new().forward(x),
            |x| hard_sigmoid(x, 1.0 / 6.0, 0.5),
        )
    };
    check("mobilenet", Inverted::new(), images, loss);
}

#[test]
fn efficientnet_block() {
    let loss = |m: &Inverted, i: &Labelled<4>| m.loss(i, silu, sigmoid);
    check("efficientnet", Inverted::new(), images, loss);
}

#[derive(Module, Debug)]
struct ConvNext {
    stem: Conv2d,
    depthwise: Conv2d,
    norm: LayerNorm,
    inner: Linear,
    outer: Linear,
    scale: Param<Tensor<1>>,
    head: Linear,
}

#[test]
fn convnext_block() {
    let module = ConvNext {
        stem: strided(1, 4, 2, 2, 0),
        depthwise: same(4, 4, 7, 4),
        norm: layer_norm(4),
        inner: linear(4, 8),
        outer: linear(8, 4),
        scale: Param::from_tensor(floats("s", [4])),
        head: linear(4, 3),
    };
    let loss = |m: &ConvNext, (x, y): &Labelled<4>| {
        let x = m.stem.forward(x.clone());
        let h = m.depthwise.forward(x.clone()).permute([0, 2, 3, 1]);
        let h = m.outer.forward(gelu(m.inner.forward(m.norm.forward(h))));
        let x = x + (h * m.scale.val().unsqueeze()).permute([0, 3, 1, 2]);
        let mean = x.mean_dim(3).mean_dim(2).flatten::<2>(1, 3);
        cross_entropy(m.head.forward(mean), y)
    };
    check("convnext", module, images, loss);
}

#[derive(Module, Debug)]
struct Signals {
    first: Conv1d,
    second: Conv1d,
    head: Linear,
}

#[test]
fn convolutions_in_one_dimension() {
    let first = Conv1dConfig::new(2, 4, 3).with_padding(PaddingConfig1d::Explicit(1, 1));
    let module = Signals {
        first: first.init(&Device::flex()),
        second: Conv1dConfig::new(4, 5, 3)
            .with_dilation(2)
            .init(&Device::flex()),
        head: linear(5, 3),
    };
    let data = |n| (floats("signal", [n, 2, 12]), labels(n));
    let loss = |m: &Signals, (x, y): &Labelled<3>| {
        let h = relu(m.first.forward(x.clone()));
        let h = AvgPool1dConfig::new(2).with_stride(2).init().forward(h);
        let h = relu(m.second.forward(h)).mean_dim(2).squeeze_dim(2);
        cross_entropy(m.head.forward(h), y)
    };
    check("conv1d", module, data, loss);
}

#[derive(Module, Debug)]
struct Waves {
    first: Linear,
    second: Linear,
    third: Linear,
}

#[test]
fn perceptron_with_sines() {
    let module = Waves {
        first: linear(2, 8),
        second: linear(8, 8),
        third: linear(8, 1),
    };
    let loss = |m: &Waves, x: &Tensor<2>| {
        let x = x.clone() * 3;
        let h = m.second.forward(m.first.forward(x.clone()).sin()).sin();
        squares(m.third.forward(h), x.sin().prod_dim(1))
    };
    check("pinn", module, |n| floats("point", [n, 2]), loss);
}
