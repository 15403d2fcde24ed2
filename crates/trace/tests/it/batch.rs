//! Networks that fold samples into other axes, move them, or repeat what all share: they run sample by sample all the
//! same, with the standard error over the samples, whatever their number.

use crate::mlp::{plane, targets};
use crate::reference::assert_close;
use burn::module::{Module, Param};
use burn::nn::attention::generate_autoregressive_mask;
use burn::nn::attention::{MhaInput, MultiHeadAttention, MultiHeadAttentionConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::transformer::{
    TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::{gelu, log_softmax, relu};
use burn::tensor::{Device, Int, Tensor, TensorData};
use landscape_core::{Objective, Rng, Sample};
use landscape_trace::{DirectObjective, Loss, Trace, params_of};

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
    for n in [2, 7, 33] {
        let inputs = data(n);
        let plane = plane(&params_of(module).unwrap(), 2);
        let trace = Trace::capture(module, &inputs, loss).unwrap();
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
                assert_close(error, e.loss_se.unwrap(), 1e-3);
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
        Self {
            token: Param::from_tensor(floats([1, 1, WIDTH], 3)),
            place: Param::from_tensor(floats([1, TOKENS + 1, WIDTH], 4)),
            fold: LinearConfig::new(WIDTH, WIDTH).init(&device),
            attention: MultiHeadAttentionConfig::new(WIDTH, 2)
                .with_dropout(0.0)
                .init(&device),
            norm: LayerNormConfig::new(WIDTH).init(&device),
            head: LinearConfig::new(WIDTH, 3).init(&device),
        }
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
        Self {
            word: EmbeddingConfig::new(WORDS, WIDTH).init(&device),
            place: EmbeddingConfig::new(TOKENS, WIDTH).init(&device),
            body: body.init(&device),
            head: LinearConfig::new(WIDTH, WORDS).init(&device),
        }
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
}
