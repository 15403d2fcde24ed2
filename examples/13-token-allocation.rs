//! # Lesson 13: a landscape without directions
//!
//! A landscape is any function of one to three numbers. Here they are settings, not weights: a small
//! vision transformer cuts a digit into 16 patches, scores how relevant each of them is, and looks at
//! no more than `k` tokens, those of the highest relevance, and only where it is above a threshold.
//! Fewer tokens are cheaper and, at some point, worse.
//!
//! You learn
//!
//! - how anything becomes an objective: loss, its standard error, accuracy, and a cost as an extra term;
//! - that grids, sampling, metrics and figures are the same as for planes through weights;
//! - how to find the best setting, and how to ask what a miss costs: the region that is as good
//!   within the standard error, the worst neighbour, the most robust setting.
//!
//! ```sh
//! cargo run --release --example 13-token-allocation [FOLDER]
//! ```

mod common;

use burn::module::{Initializer, Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::{gelu, log_softmax, softmax};
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use common::Output;
use loss_landscape::core::{
    Axis, Goal, Grid, Objective, ObjectiveError, Optimum, OptimumParams, Point, Rng, Sample,
    Sampler, Surface, Term, Value, metrics_of, optimum,
};
use loss_landscape::models::{Split, Targets, load};
use loss_landscape::plot::{Aspect, Options, PlacedNetwork, Scale, contour, surface3d};
use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Patches of 7x7 pixels, 4 by 4 of them, each a token.
const PATCHES: usize = 16;
const PIXELS: usize = 49;
const WIDTH: usize = 32;
const HEADS: usize = 2;

/// Images that train; the rest of the thousand measures.
const TRAINING: usize = 700;
const EPOCHS: usize = 30;
const BATCH: usize = 50;

/// What all tokens together cost, in units of the loss.
const PRICE: f64 = 0.4;

fn main() -> Result<()> {
    let out = Output::of("13-token-allocation")?;
    let device = Device::flex();
    device.seed(13);

    // 1. A transformer that has learned to do with fewer tokens.
    let (training, testing) = digits(&device)?;
    let net = train(Transformer::new(&device), &training);

    // 2. Settings as coordinates: loss, accuracy and cost of every allocation.
    let allocation = Allocation::new(&net, &testing);
    let axes = vec![Axis::new(1.0, 16.0, 16)?, Axis::new(0.0, 1.6, 17)?];
    let mut surface = Surface::new(Grid::new(axes)?, allocation.terms().to_vec());
    Sampler::new().run(&allocation, &mut surface, &mut [])?;
    let all = surface
        .grid()
        .index([15, 0, 0])
        .and_then(|flat| surface.get(flat));
    let all = all.ok_or("the corner with all tokens is on the grid")?;
    println!(
        "all tokens: loss {:.3} +- {:.3}, accuracy {:.3}",
        all.loss,
        all.loss_se.unwrap_or(f64::NAN),
        all.accuracy.unwrap_or(f64::NAN)
    );

    // 3. The same metrics as of any landscape.
    let m = metrics_of(&surface, Value::Total)?;
    println!(
        "with the price of tokens: {:.3} to {:.3}, {} minima, convexity {:.2}",
        m.min_loss,
        m.max_loss,
        m.minima.len(),
        m.convexity.unwrap_or(f64::NAN)
    );

    // 4. The best setting, and what it is worth to hit it.
    let best = best(&surface).ok_or("some allocation has a finite loss")?;
    report(&surface, &best);

    // 5. Figures, with settings on the axes.
    for (name, value) in [
        ("loss", Value::Loss),
        ("accuracy", Value::Accuracy),
        ("total", Value::Total),
    ] {
        let options = look(value, &best);
        out.figure(&format!("{name}-contour"), contour(&surface, &options)?)?;
    }
    let options = look(Value::Total, &best);
    out.figure("total-surface", surface3d(&surface, &options)?)
}

/// The setting of the lowest total, as good within one standard error of the loss.
fn best(surface: &Surface) -> Option<Optimum> {
    let of = |tolerance| {
        let params = OptimumParams {
            goal: Goal::Lowest,
            tolerance,
            reach: 2,
        };
        optimum(surface, Value::Total, &params)
    };
    let error = surface.value(of(0.0)?.index, Value::LossSe)?;
    of(error)
}

fn report(surface: &Surface, best: &Optimum) {
    let number = |flat, value| surface.value(flat, value).unwrap_or(f64::NAN);
    let line = |what: &str, flat: usize, at: Point| {
        println!(
            "{what}: at most {} tokens above {:.1}: total {:.3}, loss {:.3}, accuracy {:.3}, {:.1} tokens used",
            at[0],
            at[1],
            number(flat, Value::Total),
            number(flat, Value::Loss),
            number(flat, Value::Accuracy),
            PATCHES as f64 * number(flat, Value::Term(0))
        );
    };
    line("best", best.index, best.at);
    println!(
        "as good within one standard error: {} to {} tokens, thresholds {:.1} to {:.1} ({:.0}% of the grid)",
        best.extent[0].0,
        best.extent[0].1,
        best.extent[1].0,
        best.extent[1].1,
        100.0 * best.share
    );
    println!(
        "missed by two steps, the best costs up to {:.3}",
        best.worst_near
    );
    line("robust", best.robust_index, best.robust_at);
    println!(
        "missed by two steps, the robust costs up to {:.3}",
        best.robust_worst
    );
}

fn look(value: Value, best: &Optimum) -> Options {
    let marked = |name: &str, at| PlacedNetwork {
        name: name.to_owned(),
        at,
    };
    let mut networks = vec![marked("best setting", best.at)];
    if best.robust_index != best.index {
        networks.push(marked("most robust setting", best.robust_at));
    }
    Options {
        value,
        // From the lowest to the highest value is a factor of two: no case for a logarithm.
        scale: Scale::Linear,
        axes: [
            Some("tokens kept at most".to_owned()),
            Some("relevance threshold".to_owned()),
            None,
        ],
        value_label: (value == Value::Total)
            .then(|| format!("loss + {PRICE} × share of tokens used")),
        aspect: Aspect::Free,
        origin: None,
        networks,
        ..Options::default()
    }
}

/// Self-attention with weighted keys, and a perceptron on each token.
#[derive(Module, Debug)]
struct Block {
    norm1: LayerNorm,
    qkv: Linear,
    proj: Linear,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
}

impl Block {
    fn new(device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let norm = || LayerNormConfig::new(WIDTH).init(device);
        Block {
            norm1: norm(),
            qkv: linear(WIDTH, 3 * WIDTH),
            proj: linear(WIDTH, WIDTH),
            norm2: norm(),
            fc1: linear(WIDTH, 2 * WIDTH),
            fc2: linear(2 * WIDTH, WIDTH),
        }
    }

    /// Tokens `[n, 1 + patches, width]`; `weight` is added to the scores of each key.
    fn forward(&self, x: Tensor<3>, weight: &Tensor<4>) -> Tensor<3> {
        let [n, tokens, _] = x.dims();
        let each = WIDTH / HEADS;
        let qkv = self.qkv.forward(self.norm1.forward(x.clone()));
        let qkv = qkv.reshape([n, tokens, 3 * HEADS, each]).swap_dims(1, 2);
        let part = |place: usize| qkv.clone().narrow(1, place * HEADS, HEADS);
        let scores = part(0).matmul(part(1).transpose());
        let scores = scores.div_scalar((each as f64).sqrt()) + weight.clone();
        let mixed = softmax(scores, 3).matmul(part(2)).swap_dims(1, 2);
        let x = x + self.proj.forward(mixed.reshape([n, tokens, WIDTH]));
        let inner = gelu(self.fc1.forward(self.norm2.forward(x.clone())));
        x + self.fc2.forward(inner)
    }
}

/// A class token and 16 patches through two blocks. Patches have a relevance, by which they may be
/// dropped.
#[derive(Module, Debug)]
struct Transformer {
    embed: Linear,
    score: Linear,
    class: Param<Tensor<3>>,
    place: Param<Tensor<3>>,
    first: Block,
    second: Block,
    norm: LayerNorm,
    head: Linear,
}

impl Transformer {
    fn new(device: &Device) -> Self {
        let small = Initializer::Normal {
            mean: 0.0,
            std: 0.02,
        };
        Transformer {
            embed: LinearConfig::new(PIXELS, WIDTH).init(device),
            score: LinearConfig::new(WIDTH, 1).init(device),
            class: small.init([1, 1, WIDTH], device),
            place: small.init([1, 1 + PATCHES, WIDTH], device),
            first: Block::new(device),
            second: Block::new(device),
            norm: LayerNormConfig::new(WIDTH).init(device),
            head: LinearConfig::new(WIDTH, 10).init(device),
        }
    }

    /// Tokens, and the relevance of each patch `[n, 16]`: 1 where all are alike, 16 in sum.
    fn begin(&self, patches: Tensor<3>) -> (Tensor<3>, Tensor<2>) {
        let [n, ..] = patches.dims();
        let class = self.class.val().expand([n, 1, WIDTH]);
        let tokens = Tensor::cat(vec![class, self.embed.forward(patches)], 1) + self.place.val();
        let scores = self.score.forward(tokens.clone().narrow(1, 1, PATCHES));
        let shares = softmax(scores.reshape([n, PATCHES]), 1);
        (tokens, shares.mul_scalar(PATCHES as f64))
    }

    /// Logarithms of the classes' probabilities. Attention to a patch is multiplied by its relevance,
    /// which is how scores are learned, and by 0 where the patch is dropped.
    fn end(&self, tokens: Tensor<3>, relevance: Tensor<2>, dropped: Tensor<2, Bool>) -> Tensor<2> {
        let [n, all, _] = tokens.dims();
        let class = Tensor::zeros([n, 1], &relevance.device());
        let weight = relevance.log().mask_fill(dropped, -1e9);
        let weight = Tensor::cat(vec![class, weight], 1).reshape([n, 1, 1, all]);
        let tokens = self
            .second
            .forward(self.first.forward(tokens, &weight), &weight);
        let read = self
            .norm
            .forward(tokens.narrow(1, 0, 1))
            .reshape([n, WIDTH]);
        log_softmax(self.head.forward(read), 1)
    }
}

/// Patches that are not among the `most` most relevant ones, or whose relevance is below the
/// threshold.
fn dropped(relevance: &Tensor<2>, most: f64, threshold: f64) -> Tensor<2, Bool> {
    let [n, t] = relevance.dims();
    let mine = relevance.clone().reshape([n, t, 1]).expand([n, t, t]);
    let others = relevance.clone().reshape([n, 1, t]).expand([n, t, t]);
    let rank = others.greater(mine).int().sum_dim(2).reshape([n, t]);
    let late = rank.float().greater_equal_elem(most);
    late.bool_or(relevance.clone().lower_elem(threshold))
}

/// The loss and accuracy of every allocation of tokens, and the share of tokens as its cost.
struct Allocation<'a> {
    net: &'a Transformer,
    /// What no setting changes.
    tokens: Tensor<3>,
    relevance: Tensor<2>,
    classes: Tensor<1, Int>,
    terms: Vec<Term>,
}

impl<'a> Allocation<'a> {
    fn new(net: &'a Transformer, (x, y): &Digits) -> Self {
        let (tokens, relevance) = net.begin(x.clone());
        let tokens_used = Term {
            name: "tokens".to_owned(),
            weight: PRICE,
        };
        Allocation {
            net,
            tokens,
            relevance,
            classes: y.clone(),
            terms: vec![tokens_used],
        }
    }

    fn measure(&self, [most, threshold, _]: Point) -> Sample {
        let dropped = dropped(&self.relevance, most, threshold);
        let used = 1.0 - mean(&numbers(dropped.clone().float().reshape([-1])));
        let log_p = self
            .net
            .end(self.tokens.clone(), self.relevance.clone(), dropped);
        let losses = numbers(cross_entropy(&log_p, &self.classes));
        let correct = log_p
            .argmax(1)
            .squeeze_dim::<1>(1)
            .equal(self.classes.clone());
        let (n, loss) = (losses.len() as f64, mean(&losses));
        let squares: f64 = losses.iter().map(|l| (l - loss).powi(2)).sum();
        Sample {
            loss,
            loss_se: Some((squares / (n - 1.0) / n).sqrt()),
            accuracy: Some(mean(&numbers(correct.float()))),
            terms: vec![used],
        }
    }
}

impl Objective for Allocation<'_> {
    fn dims(&self) -> usize {
        2
    }

    fn terms(&self) -> &[Term] {
        &self.terms
    }

    fn evaluate(&self, points: &[Point]) -> std::result::Result<Vec<Sample>, ObjectiveError> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = points.len().div_ceil(threads).max(1);
        let part =
            |points: &[Point]| -> Vec<Sample> { points.iter().map(|&p| self.measure(p)).collect() };
        std::thread::scope(|scope| {
            let parts: Vec<_> = points
                .chunks(share)
                .map(|p| scope.spawn(move || part(p)))
                .collect();
            let joined = parts.into_iter().map(|p| p.join());
            let samples: std::result::Result<Vec<_>, _> = joined.collect();
            let samples = samples.map_err(|_| ObjectiveError::new("a thread panicked"))?;
            Ok(samples.concat())
        })
    }
}

fn cross_entropy(log_p: &Tensor<2>, classes: &Tensor<1, Int>) -> Tensor<1> {
    let of_class = log_p.clone().gather(1, classes.clone().unsqueeze_dim(1));
    of_class.squeeze_dim::<1>(1).neg()
}

fn numbers(values: Tensor<1>) -> Vec<f64> {
    values.into_data().iter::<f64>().collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Adam with a linear fall of its rate. Each batch keeps a number of tokens drawn at random, so that
/// the network learns to do with any.
fn train(net: Transformer, (x, y): &Digits) -> Transformer {
    let mut net = net.train();
    let mut optimizer = AdamConfig::new().init();
    let device = x.device();
    let mut rng = Rng::new(13, 0);
    let mut places: Vec<i64> = (0..TRAINING as i64).collect();
    for epoch in 0..EPOCHS {
        rng.shuffle(&mut places);
        for batch in places.chunks(BATCH) {
            let batch = TensorData::new(batch.to_vec(), [batch.len()]);
            let batch = Tensor::<1, Int>::from_data(batch, &device);
            let most = 1.0 + rng.below(PATCHES as u64) as f64;
            let (tokens, relevance) = net.begin(x.clone().select(0, batch.clone()));
            let dropped = dropped(&relevance.clone().detach(), most, 0.0);
            let log_p = net.end(tokens, relevance, dropped);
            let loss = cross_entropy(&log_p, &y.clone().select(0, batch)).mean();
            let gradients = GradientsParams::from_grads(loss.backward(), &net);
            let rate = 4e-3 * (1.0 - epoch as f64 / EPOCHS as f64);
            net = optimizer.step(rate, net, gradients);
        }
    }
    net.valid()
}

/// Patches `[n, 16, 49]` and classes.
type Digits = (Tensor<3>, Tensor<1, Int>);

/// The thousand digits that travel with the library: images to train on, and others.
fn digits(device: &Device) -> Result<(Digits, Digits)> {
    let data = load(&"mnist-1k".parse()?, None, Split::Train, None)?;
    let n = data.len();
    let Targets::Classes(labels) = data.y().clone() else {
        return Err("digits have classes".into());
    };
    let classes = TensorData::new(labels, [n]);
    let classes = Tensor::<1, Int>::from_data(classes, device);
    // Rows and columns of patches before rows and columns within them.
    let images = data.inputs(device).reshape([n, 4, 7, 4, 7]).swap_dims(2, 3);
    let patches = images.reshape([n, PATCHES, PIXELS]);
    let part = |from: usize, count: usize| {
        (
            patches.clone().narrow(0, from, count),
            classes.clone().narrow(0, from, count),
        )
    };
    Ok((part(0, TRAINING), part(TRAINING, n - TRAINING)))
}
