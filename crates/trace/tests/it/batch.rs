//! Networks that fold samples into other axes, move them, or repeat what all share: they run sample by sample all the
//! same, with the standard error over the samples, whatever their number.

use crate::conv::filled;
use crate::mlp::{plane, targets};
use crate::reference::assert_close;
use burn::module::{Module, Param};
use burn::nn::attention::generate_autoregressive_mask;
use burn::nn::attention::{MhaInput, MultiHeadAttention, MultiHeadAttentionConfig};
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::MaxPool2dConfig;
use burn::nn::transformer::{
    TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::{gelu, log_softmax, relu};
use burn::tensor::{Device, Int, Tensor, TensorData};
use landscape_core::{Objective, Rng, Sample};
use landscape_trace::{BatchStatistics, DirectObjective, Loss, Runs, Trace, params_of};

const TOKENS: usize = 5;
const WIDTH: usize = 8;
const WORDS: usize = 11;

fn floats<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let mut rng = Rng::new(seed, 1);
    let n = shape.iter().product();
    let data: Vec<f32> = (0..n).map(|_| rng.normal() as f32).collect();
    Tensor::from_data(TensorData::new(data, shape), &Device::flex())
}

fn classes<const D: usize>(shape: [usize; D], below: u64, seed: u64) -> Tensor<D, Int> {
    let mut rng = Rng::new(seed, 2);
    let n = shape.iter().product();
    let data: Vec<i64> = (0..n).map(|_| rng.below(below) as i64).collect();
    Tensor::from_data(TensorData::new(data, shape), &Device::flex())
}

/// Compares every executor, for several numbers of samples, with the module itself at every point; `spread`: the loss
/// of each sample, from which the standard error follows.
#[track_caller]
fn check<M, I>(
    module: &M,
    data: impl Fn(usize) -> I,
    loss: fn(&M, &I) -> Loss,
    spread: fn(&M, &I) -> Tensor<1>,
) where
    M: Module + Clone + 'static,
    I: landscape_trace::Inputs + Send + Sync + Clone + 'static,
{
    check_sizes(&[2, 7, 33], module, data, loss, spread);
}

#[track_caller]
fn check_sizes<M, I>(
    sizes: &[usize],
    module: &M,
    data: impl Fn(usize) -> I,
    loss: fn(&M, &I) -> Loss,
    spread: fn(&M, &I) -> Tensor<1>,
) where
    M: Module + Clone + 'static,
    I: landscape_trace::Inputs + Send + Sync + Clone + 'static,
{
    for &n in sizes {
        let inputs = data(n);
        let plane = plane(&params_of(module).unwrap(), 2);
        let trace = Trace::capture(module, &inputs, loss).unwrap();
        assert_eq!(trace.mixes_samples(), None, "{n} samples");
        let mean = |t: &Tensor<1>| f64::from(t.clone().mean().into_scalar::<f32>());
        let truth = DirectObjective::new(module, &plane, vec![], move |m: &M| {
            let losses = spread(m, &inputs);
            let [n] = losses.dims();
            let deviation = f64::from(losses.clone().var(0).into_scalar::<f32>()).sqrt();
            Sample {
                loss: mean(&loss(m, &inputs).parts().0),
                loss_se: Some(deviation / (n as f64).sqrt()),
                accuracy: None,
                terms: vec![],
            }
        })
        .unwrap();
        let points = [[0.0; 3], [0.3, -0.4, 0.0], [-0.9, 0.2, 0.0]];
        let expected = truth.evaluate(&points).unwrap();
        for target in targets() {
            let objective = trace
                .objective(&plane, std::slice::from_ref(&target))
                .unwrap();
            let found = objective.evaluate(&points).unwrap();
            for (e, f) in expected.iter().zip(&found) {
                assert_close(f.loss, e.loss, 2e-5);
                let error = f
                    .loss_se
                    .unwrap_or_else(|| panic!("{n} samples: no standard error"));
                // Losses that nearly agree leave a spread of their own rounding.
                let expected = e.loss_se.unwrap();
                let allowed = 1e-3 * expected + 1e-6 * e.loss.abs();
                assert!(
                    (error - expected).abs() <= allowed,
                    "{error} and {expected}"
                );
            }
        }
        if n == 7 {
            crate::curvature::check_trace(&trace, &params_of(module).unwrap());
        }
    }
}

#[derive(Module, Debug)]
struct Tokens {
    token: Param<Tensor<3>>,
    place: Param<Tensor<3>>,
    fold: Linear,
    attention: MultiHeadAttention,
    norm: LayerNorm,
    head: Linear,
}

impl Tokens {
    fn new() -> Self {
        let device = Device::flex();
        let module = Self {
            token: Param::from_tensor(floats([1, 1, WIDTH], 3)),
            place: Param::from_tensor(floats([1, TOKENS + 1, WIDTH], 4)),
            fold: LinearConfig::new(WIDTH, WIDTH).init(&device),
            attention: MultiHeadAttentionConfig::new(WIDTH, 2)
                .with_dropout(0.0)
                .init(&device),
            norm: LayerNormConfig::new(WIDTH).init(&device),
            head: LinearConfig::new(WIDTH, 3).init(&device),
        };
        filled(module, 11)
    }

    /// A class token in front, rows folded for the linear layer, attention, and the token's logits.
    fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let [n, t, d] = x.dims();
        let token = self.token.val().expand([n, 1, d]);
        let x = Tensor::cat(vec![token, x], 1) + self.place.val().repeat_dim(0, 1);
        let rows = gelu(self.fold.forward(x.reshape([n * (t + 1), d])));
        let x = self.norm.forward(rows.reshape([n, t + 1, d]));
        let x = self.attention.forward(MhaInput::self_attn(x)).context;
        self.head.forward(x.slice([0..n, 0..1]).reshape([n, d]))
    }
}

type Labelled = (Tensor<3>, Tensor<1, Int>);

fn token_losses(m: &Tokens, (x, y): &Labelled) -> Tensor<1> {
    let picked = log_softmax(m.forward(x.clone()), 1).gather(1, y.clone().unsqueeze_dim(1));
    picked.neg().squeeze_dim(1)
}

#[test]
fn class_tokens_and_folded_rows() {
    let data = |n| (floats([n, TOKENS, WIDTH], 5), classes([n], 3, 6));
    check(
        &Tokens::new(),
        data,
        |m, i| Loss::new(token_losses(m, i)),
        token_losses,
    );
}

#[derive(Module, Debug)]
struct Words {
    word: Embedding,
    place: Embedding,
    body: TransformerEncoder,
    head: Linear,
}

impl Words {
    fn new() -> Self {
        let device = Device::flex();
        let body = TransformerEncoderConfig::new(WIDTH, 12, 2, 2)
            .with_dropout(0.0)
            .with_norm_first(true);
        let module = Self {
            word: EmbeddingConfig::new(WORDS, WIDTH).init(&device),
            place: EmbeddingConfig::new(TOKENS, WIDTH).init(&device),
            body: body.init(&device),
            head: LinearConfig::new(WIDTH, WORDS).init(&device),
        };
        filled(module, 12)
    }

    /// As in Burn's example of text generation: repeated positions, a mask for every sample, logits of all tokens.
    fn logits(&self, x: &Tensor<2, Int>) -> Tensor<3> {
        let [n, t] = x.dims();
        let device = x.device();
        let places = Tensor::arange(0..t as i64, &device)
            .reshape([1, t])
            .repeat_dim(0, n);
        let x = (self.word.forward(x.clone()) + self.place.forward(places)) / 2;
        let mask = generate_autoregressive_mask(n, t, &device);
        let input = TransformerEncoderInput::new(x).mask_attn(mask);
        self.head.forward(self.body.forward(input))
    }
}

type Texts = (Tensor<2, Int>, Tensor<2, Int>);

fn texts(n: usize) -> Texts {
    (
        classes([n, TOKENS], WORDS as u64, 7),
        classes([n, TOKENS], WORDS as u64, 8),
    )
}

fn text_losses(m: &Words, (x, y): &Texts) -> Tensor<1> {
    let picked = log_softmax(m.logits(x), 2).gather(2, y.clone().unsqueeze_dim(2));
    picked.neg().mean_dim(1).flatten(0, 2)
}

/// Burn's cross-entropy over all tokens at once.
fn over_tokens(m: &Words, (x, y): &Texts) -> Loss {
    let [n, t] = x.dims();
    let logits = m.logits(x).reshape([n * t, WORDS]);
    let loss = CrossEntropyLossConfig::new().init(&x.device());
    Loss::new(loss.forward(logits, y.clone().reshape([n * t])))
}

#[test]
fn a_language_model_as_burns_users_write_it() {
    check(&Words::new(), texts, over_tokens, text_losses);
}

#[test]
fn one_loss_a_token() {
    check(
        &Words::new(),
        texts,
        |m, (x, y)| {
            let picked = log_softmax(m.logits(x), 2).gather(2, y.clone().unsqueeze_dim(2));
            Loss::new(picked.neg().flatten(0, 2))
        },
        text_losses,
    );
}

#[derive(Module, Debug)]
struct Sequence {
    inner: Linear,
    head: Linear,
}

/// Tokens first, as recurrent networks have them, folded with the samples inside.
fn sequence_losses(m: &Sequence, (x, y): &Labelled) -> Tensor<1> {
    let [n, t, d] = x.dims();
    let x = x.clone().swap_dims(0, 1);
    let scale = Tensor::<3>::ones([1, n, 1], &x.device()) * 0.5;
    let h = relu(m.inner.forward((x * scale).reshape([t * n, d])));
    let h = h.reshape([t, n, d]).sum_dim(0).reshape([n, d]);
    let picked = log_softmax(m.head.forward(h), 1).gather(1, y.clone().unsqueeze_dim(1));
    picked.neg().squeeze_dim(1)
}

#[test]
fn samples_on_another_axis() {
    let device = Device::flex();
    let module = Sequence {
        inner: LinearConfig::new(WIDTH, WIDTH).init(&device),
        head: LinearConfig::new(WIDTH, 3).init(&device),
    };
    let data = |n| (floats([n, TOKENS, WIDTH], 5), classes([n], 3, 6));
    check(
        &module,
        data,
        |m, i| Loss::new(sequence_losses(m, i)),
        sequence_losses,
    );
}

/// What a sample adds to `sum a / sum w`, to first order: numbers that deviate as much as that ratio does.
fn influence(a: Tensor<1>, w: Tensor<1>) -> Tensor<1> {
    let (sum, n) = (w.clone().sum(), w.dims()[0] as f64);
    let ratio = a.clone().sum() / sum.clone();
    (a - w * ratio) / sum * n
}

const CLASS_WEIGHTS: [f32; 3] = [0.2, 1.0, 2.5];

#[test]
fn class_weights() {
    let data = |n| (floats([n, TOKENS, WIDTH], 5), classes([n], 3, 6));
    let loss = |m: &Tokens, (x, y): &Labelled| {
        let loss = CrossEntropyLossConfig::new().with_weights(Some(CLASS_WEIGHTS.to_vec()));
        Loss::new(
            loss.init(&x.device())
                .forward(m.forward(x.clone()), y.clone()),
        )
    };
    let spread = |m: &Tokens, i: &Labelled| {
        let weights = Tensor::<1>::from_floats(CLASS_WEIGHTS, &i.0.device()).gather(0, i.1.clone());
        influence(token_losses(m, i) * weights.clone(), weights)
    };
    check(&Tokens::new(), data, loss, spread);
}

#[test]
fn ignored_tokens() {
    let loss = |m: &Words, (x, y): &Texts| {
        let [n, t] = x.dims();
        let logits = m.logits(x).reshape([n * t, WORDS]);
        let loss = CrossEntropyLossConfig::new().with_pad_tokens(Some(vec![3, 5]));
        let loss = loss
            .init(&x.device())
            .forward(logits, y.clone().reshape([n * t]));
        Loss::new(loss)
    };
    let spread = |m: &Words, (x, y): &Texts| {
        let picked = log_softmax(m.logits(x), 2).gather(2, y.clone().unsqueeze_dim(2));
        let kept = y
            .clone()
            .equal_elem(3)
            .bool_or(y.clone().equal_elem(5))
            .bool_not()
            .float();
        let of_sample = |x: Tensor<2>| x.sum_dim(1).squeeze_dim::<1>(1);
        influence(
            of_sample(picked.neg().squeeze_dim::<2>(2) * kept.clone()),
            of_sample(kept),
        )
    };
    check(&Words::new(), texts, loss, spread);
}

#[test]
fn weights_of_samples_and_a_limit_of_their_sum() {
    fn weights(x: &Tensor<3>) -> Tensor<1> {
        x.clone()
            .narrow(1, 0, 1)
            .narrow(2, 0, 1)
            .flatten::<1>(0, 2)
            .abs()
    }
    let data = |n| (floats([n, TOKENS, WIDTH], 5), classes([n], 3, 6));
    let loss = |m: &Tokens, i: &Labelled| {
        let w = weights(&i.0);
        Loss::new((token_losses(m, i) * w.clone()).sum() * 3.0 / w.sum().clamp_min(1e-3))
    };
    let spread = |m: &Tokens, i: &Labelled| {
        influence(token_losses(m, i) * weights(&i.0), weights(&i.0)) * 3.0
    };
    check(&Tokens::new(), data, loss, spread);
}

#[derive(Module, Debug)]
struct Frames {
    first: Conv2d,
    norm: BatchNorm,
    up: ConvTranspose2d,
    tokens: BatchNorm,
    head: Linear,
}

impl Frames {
    fn new() -> Self {
        let device = Device::flex();
        let norm = BatchNormConfig::new(4).init(&device);
        let module = Self {
            first: Conv2dConfig::new([2, 4], [3, 3])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_groups(2)
                .init(&device),
            norm,
            up: ConvTranspose2dConfig::new([4, 2], [3, 3])
                .with_stride([2, 2])
                .init(&device),
            tokens: BatchNormConfig::new(WIDTH).init(&device),
            head: LinearConfig::new(WIDTH, 3).init(&device),
        };
        filled(module, 13)
    }

    /// Images of `[rows, 2, 4, 4]`, whatever the rows are, as `[rows, WIDTH]`.
    fn rows(&self, x: Tensor<4>) -> Tensor<2> {
        let h = relu(self.norm.forward(self.first.forward(x)));
        let h = MaxPool2dConfig::new([2, 2]).init().forward(h);
        let h = self.up.forward(h).flatten::<2>(1, 3).narrow(1, 0, WIDTH);
        self.tokens.forward(h)
    }
}

type Films = (Tensor<5>, Tensor<1, Int>);

/// The frames of all films, one film after another or all first frames in front.
fn film_losses<const INSIDE: bool>(m: &Frames, (x, y): &Films) -> Tensor<1> {
    let [n, t, c, h, w] = x.dims();
    let rows = match INSIDE {
        true => x.clone().swap_dims(0, 1).reshape([t * n, c, h, w]),
        false => x.clone().reshape([n * t, c, h, w]),
    };
    let rows = m.rows(rows);
    let all = match INSIDE {
        true => rows.reshape([t, n, WIDTH]).sum_dim(0).reshape([n, WIDTH]),
        false => rows.reshape([n, t, WIDTH]).sum_dim(1).reshape([n, WIDTH]),
    };
    let picked = log_softmax(m.head.forward(all), 1).gather(1, y.clone().unsqueeze_dim(1));
    picked.neg().squeeze_dim(1)
}

fn films(n: usize) -> Films {
    (floats([n, 3, 2, 4, 4], 5), classes([n], 3, 6))
}

#[test]
fn images_on_folded_rows() {
    let loss = |m: &Frames, i: &Films| Loss::new(film_losses::<false>(m, i));
    check(&Frames::new(), films, loss, film_losses::<false>);
}

#[test]
fn images_on_rows_with_the_samples_inside() {
    let loss = |m: &Frames, i: &Films| Loss::new(film_losses::<true>(m, i));
    check(&Frames::new(), films, loss, film_losses::<true>);
}

/// Statistics of a batch are over all rows of all samples.
#[test]
fn batch_statistics_of_folded_rows() {
    let module = Frames::new();
    let trace = Trace::capture(&module, &films(7), |m: &Frames, i: &Films| {
        Loss::new(film_losses::<false>(m, i))
    });
    let trace = trace.unwrap().with_batch_norm(BatchStatistics::Batch);
    let normal = |x: Tensor<4>| {
        let rows = x.clone().swap_dims(0, 1).flatten::<2>(1, 3);
        let mean = rows.clone().mean_dim(1).reshape([1, 4, 1, 1]);
        let deviation = (rows.var_bias(1) + 1e-5).sqrt().reshape([1, 4, 1, 1]);
        let [gamma, beta] =
            [&module.norm.gamma, &module.norm.beta].map(|p| p.val().reshape([1, 4, 1, 1]));
        (x - mean) / deviation * gamma + beta
    };
    let (x, y) = films(7);
    let x = x.reshape([21, 2, 4, 4]);
    let h = relu(normal(module.first.forward(x)));
    let h = MaxPool2dConfig::new([2, 2]).init().forward(h);
    let h = module.up.forward(h).flatten::<2>(1, 3).narrow(1, 0, WIDTH);
    let h = (h.clone() - h.clone().mean_dim(0)) / (h.var_bias(0) + 1e-5).sqrt();
    let [gamma, beta] = [&module.tokens.gamma, &module.tokens.beta].map(|p| p.val().unsqueeze());
    let h = h * gamma + beta;
    let all = h.reshape([7, 3, WIDTH]).sum_dim(1).reshape([7, WIDTH]);
    let picked = log_softmax(module.head.forward(all), 1).gather(1, y.unsqueeze_dim(1));
    let expected = f64::from(picked.neg().mean().into_scalar::<f32>());
    let plane = plane(&params_of(&module).unwrap(), 1);
    for target in targets() {
        let objective = trace
            .as_ref()
            .unwrap()
            .objective(&plane, &[target])
            .unwrap();
        let found = objective.evaluate(&[[0.0; 3]]).unwrap();
        assert_close(found[0].loss, expected, 2e-5);
    }
}

/// As many samples as there are columns.
const SQUARE: usize = 7;

#[derive(Module, Debug)]
struct Square {
    inner: Linear,
    own: Param<Tensor<2>>,
}

impl Square {
    fn new() -> Self {
        let module = Self {
            inner: LinearConfig::new(SQUARE, SQUARE).init(&Device::flex()),
            own: Param::from_tensor(floats([SQUARE, SQUARE], 3)),
        };
        filled(module, 14)
    }
}

fn squares(n: usize) -> Tensor<2> {
    floats([n, SQUARE], 5)
}

/// Numbers of which every row is the same.
fn same_rows(x: &Tensor<2>) -> Tensor<2> {
    let row: Vec<f32> = (0..SQUARE).map(|i| 0.3 * i as f32 - 0.7).collect();
    let all: Vec<f32> = row.repeat(SQUARE);
    Tensor::from_data(TensorData::new(all, [SQUARE, SQUARE]), &x.device())
}

#[test]
fn a_matrix_with_as_many_equal_rows_as_there_are_samples() {
    fn losses(m: &Square, x: &Tensor<2>) -> Tensor<1> {
        let fixed = same_rows(x);
        let h = m.inner.forward(x.clone()).matmul(fixed.clone());
        let turned = relu(h + fixed.clone().transpose()) - fixed.clone().cumsum(0);
        let both = Tensor::cat(vec![turned.sin(), fixed], 1);
        both.powi_scalar(2).mean_dim(1).squeeze_dim(1)
    }
    let (data, loss) = (squares, |m: &_, x: &_| Loss::new(losses(m, x)));
    check_sizes(&[SQUARE], &Square::new(), data, loss, losses);
}

#[test]
fn parameters_with_a_row_for_each_sample() {
    fn losses(m: &Square, x: &Tensor<2>) -> Tensor<1> {
        let rows = relu(m.inner.forward(x.clone()) + m.own.val());
        let columns = x.clone().transpose() * m.own.val().exp();
        let both = rows.matmul(m.own.val()) + columns.transpose();
        both.powi_scalar(2).mean_dim(1).squeeze_dim(1)
    }
    let (data, loss) = (squares, |m: &_, x: &_| Loss::new(losses(m, x)));
    check_sizes(&[SQUARE], &Square::new(), data, loss, losses);
}

#[test]
fn what_mixes_samples_is_named() {
    let module = LinearConfig::new(WIDTH, WIDTH).init(&Device::flex());
    let x: Tensor<2> = floats([7, WIDTH], 5);
    let trace = Trace::capture(&module, &x, |m: &Linear, x: &Tensor<2>| {
        let h = m.forward(x.clone());
        Loss::new(h.clone().matmul(h.transpose()).mean())
    });
    let trace = trace.unwrap();
    assert_eq!(trace.mixes_samples(), Some("matmul"));
    let plane = plane(&params_of(&module).unwrap(), 1);
    let samples = trace
        .objective(&plane, &[])
        .unwrap()
        .evaluate(&[[0.5, 0.0, 0.0]])
        .unwrap();
    assert!(samples[0].loss.is_finite() && samples[0].loss_se.is_none());
    let summary = trace.summary();
    assert_eq!((summary.tile, summary.mixes), (7, Some("matmul")));
    let [warning] = &summary.warnings()[..] else {
        panic!("{summary:?}")
    };
    assert!(
        warning.contains("`matmul` mixes the 7 samples"),
        "{warning}"
    );
}

#[test]
fn a_summary_says_what_runs_how_often() {
    let module = Tokens::new();
    let data = (floats([40, TOKENS, WIDTH], 5), classes([40], 3, 6));
    let trace = Trace::capture(&module, &data, |m, i| Loss::new(token_losses(m, i))).unwrap();
    let summary = trace.summary();
    assert_eq!((summary.samples, summary.passes), (40, 1));
    assert!(summary.tile >= 16 && summary.has_error && summary.warnings().is_empty());
    let part = |runs: Runs, name: &str| {
        let found = summary
            .parts
            .iter()
            .find(|p| p.runs == runs && p.operation == name);
        found
            .unwrap_or_else(|| panic!("no {name} {runs:?} in\n{summary}"))
            .clone()
    };
    // On 40 samples of 6 rows: a layer and the four of attention; and the head.
    let rows = (40 * (TOKENS + 1) * WIDTH * WIDTH) as f64;
    let linear = part(Runs::Tile, "linear");
    assert_eq!(linear.work, 2.0 * (5.0 * rows + (40 * WIDTH * 3) as f64));
    // Scores and sums of attention: every token by every token.
    let attention = part(Runs::Tile, "matmul");
    assert_eq!(attention.count, 2);
    assert_eq!(
        attention.work,
        2.0 * 2.0 * (40 * (TOKENS + 1).pow(2) * WIDTH) as f64
    );
    assert!(summary.to_string().starts_with("40 samples in tiles of "));
    assert!(summary.memory > 0 && summary.work_a_point() > linear.work);
}

#[test]
fn a_loss_that_is_no_mean_is_told() {
    let module = LinearConfig::new(WIDTH, 1).init(&Device::flex());
    let trace = Trace::capture(
        &module,
        &floats([7, WIDTH], 5),
        |m: &Linear, x: &Tensor<2>| Loss::new(m.forward(x.clone()).powi_scalar(2).mean().sqrt()),
    );
    let summary = trace.unwrap().summary();
    assert!(!summary.has_error && summary.mixes.is_none());
    assert!(summary.warnings()[0].contains("no standard error"));
}
