//! # Lesson 19: large and small batches, and what filter normalisation is for
//!
//! Large batches are said to end in sharp minima (Keskar et al. 2017, arXiv:1609.04836). How sharp a minimum looks depends on the size
//! of its weights, which batch size and weight decay change: a step of one length is small for large weights. Where the function does
//! not depend on the size of the weights, as behind normalisation layers, that says nothing about it. Directions normalised filter by
//! filter take the size out (Li et al. 2018, arXiv:1712.09913, figures 2 to 4).
//!
//! You learn
//!
//! - how a module of your own, with BatchNorm, is trained and looked at;
//! - that the line between two minima, and random directions of one length, show the size of the weights before they show a shape;
//! - what is left of the difference where directions are normalised, and how far measures of sharpness agree with the test error.
//!
//! ```sh
//! landscape data get mnist --dir data
//! cargo run --release --example 19-batch-sizes [FOLDER [DATA | EPOCHS]]
//! ```
//!
//! DATA is the folder with MNIST. Without it, the built-in images take its place: 800, and 200 to test with.

mod common;

use burn::module::Module;
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::{Device, Int, Tensor, TensorData};
use common::Output;
use common::digits::Digits;
use loss_landscape::core::{
    Axis, BiasMode, Direction, Distribution, Grid, Normalization, Params, Plane, Rng, Sampler,
    Surface,
};
use loss_landscape::hessian::sharpness::{KeskarParams, Metric, Point, SamParams};
use loss_landscape::hessian::stats::mean_and_error;
use loss_landscape::hessian::{Lanczos, LanczosParams, unobserved};
use loss_landscape::models::{Dataset, OptimizerKind, Targets, TrainConfig};
use loss_landscape::plot::{LossProfile, Options, Scale, SlicePanel, loss_slices};
use loss_landscape::study::MeanLoss;
use loss_landscape::trace::{BatchStatistics, Loss, Target, Trace, params_of};
use std::error::Error;
use std::path::PathBuf;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Images that are learned, where there are as many.
const IMAGES: usize = 5_000;
/// Passes over them.
const EPOCHS: usize = 100;
/// Images in a small batch, and how many large batches there are, as in Keskar et al.: a tenth of the images in each.
const SMALL: usize = 20;
const LARGE: usize = 10;
/// The rate of the first step, which falls to 0 along a straight line.
const RATE: f64 = 0.005;
const DECAY: f64 = 5e-3;
/// Length of the directions that are not normalised: about that of the weights.
const LENGTH: f64 = 10.0;
/// Random directions, and points on each.
const DIRECTIONS: u64 = 10;
const POINTS: usize = 41;

/// Two hidden layers with BatchNorm: what these weights are multiplied by does not matter.
#[derive(Module, Debug)]
struct Net {
    fc1: Linear,
    bn1: BatchNorm,
    fc2: Linear,
    bn2: BatchNorm,
    fc3: Linear,
}

impl Net {
    fn new(device: &Device) -> Self {
        let layer = |from, to| LinearConfig::new(from, to).init(device);
        let norm = |width| BatchNormConfig::new(width).init(device);
        Net {
            fc1: layer(784, 64),
            bn1: norm(64),
            fc2: layer(64, 64),
            bn2: norm(64),
            fc3: layer(64, 10),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x = relu(self.bn1.forward(self.fc1.forward(x)));
        let x = relu(self.bn2.forward(self.fc2.forward(x)));
        self.fc3.forward(x)
    }
}

type Data = (Tensor<2>, Tensor<1, Int>);

/// Cross-entropy, one number a sample.
fn loss(net: &Net, (x, y): &Data) -> Loss {
    let log_p = log_softmax(net.forward(x.clone()), 1);
    let right = log_p.clone().argmax(1).squeeze_dim::<1>(1).equal(y.clone());
    let of_class = log_p.gather(1, y.clone().unsqueeze_dim(1));
    Loss::new(of_class.squeeze_dim::<1>(1).neg()).with_correct(right)
}

fn main() -> Result<()> {
    let out = Output::of("19-batch-sizes")?;
    let given = std::env::args().nth(2);
    let epochs = given.as_ref().and_then(|words| words.parse().ok());
    let folder = given.filter(|_| epochs.is_none()).map(PathBuf::from);

    // 1. Small and large batches, without weight decay and with it, from one start and for as many passes.
    let digits = Digits::load(folder.as_deref(), Some(IMAGES))?;
    let device = Device::flex();
    let [learned, tested] = [&digits.train, &digits.test].map(|data| tensors(data, &device));
    let (learned, tested) = (learned?, tested?);
    let large = digits.train.len() / LARGE;
    let mut found = Vec::new();
    for (decay, words) in [(0.0, ""), (DECAY, ", weight decay")] {
        for (batch, size) in [(SMALL, "small batches"), (large, "large batches")] {
            device.seed(19);
            let how = (batch, decay, epochs.unwrap_or(EPOCHS));
            let net = train(Net::new(&device), &learned, how);
            found.push(Found::of(
                format!("{size}{words}"),
                &net,
                &learned,
                &tested,
            )?);
        }
    }

    // 2. What they come to.
    report(&found);
    agreement(&found);

    // 3. Losses along random directions, of one length and normalised; and on the line from small to large batches.
    let panel = |name: String, of: fn(&Found) -> &Slices| SlicePanel {
        name,
        slices: found.iter().map(|one| of(one).mean(&one.name)).collect(),
    };
    let panels = [
        panel(format!("loss, length {LENGTH}"), |one| &one.raw),
        panel("loss, normalised".into(), |one| &one.filter),
    ];
    let options = look("step along random directions");
    out.figure("slices", loss_slices(&panels, &options)?)?;
    let panels = [("without decay", &found[..2]), ("with decay", &found[2..])];
    let panels = panels.map(|(words, pair)| between(words, pair, &learned, &tested));
    let panels: Vec<SlicePanel> = panels.into_iter().collect::<Result<_>>()?;
    let options = look("from small (0) to large batches (1)");
    out.figure("between", loss_slices(&panels, &options)?)
}

fn look(axis: &str) -> Options {
    Options {
        scale: Scale::Log,
        axes: [Some(axis.to_owned()), None, None],
        ..Options::default()
    }
}

fn report(found: &[Found]) {
    println!(
        "| network | training loss | test error | length of the weights | largest eigenvalue | Keskar | SAM | ASAM |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    found.iter().for_each(Found::say);
    println!("| network | rise at length {LENGTH} | rise, filter-normalised |");
    println!("|---|---|---|");
    for one in found {
        let [raw, filter] = [&one.raw, &one.filter].map(Slices::rise);
        println!("| rise: {} | {raw} | {filter} |", one.name);
    }
}

/// Images and classes on a device.
fn tensors(data: &Dataset, device: &Device) -> Result<Data> {
    let Targets::Classes(labels) = data.y().clone() else {
        return Err("digits have classes".into());
    };
    let y = TensorData::new(labels, [data.len()]);
    Ok((data.inputs(device), Tensor::from_data(y, device)))
}

/// SGD with Nesterov's momentum on whole batches, with a rate that falls to 0.
fn train(net: Net, (x, y): &Data, (batch, decay, epochs): (usize, f64, usize)) -> Net {
    let config = TrainConfig {
        optimizer: OptimizerKind::Nesterov,
        weight_decay: Some(decay),
        ..TrainConfig::default()
    };
    let (mut net, mut optimizer) = (net.train(), config.optimizer());
    let mut rng = Rng::new(19, 0);
    let mut places: Vec<i64> = (0..x.dims()[0] as i64).collect();
    let mut left = (epochs * (places.len() / batch)) as f64;
    let step = RATE / left;
    for _ in 0..epochs {
        rng.shuffle(&mut places);
        for places in places.chunks_exact(batch) {
            let places = TensorData::new(places.to_vec(), [batch]);
            let places = Tensor::<1, Int>::from_data(places, &x.device());
            let part = (
                x.clone().select(0, places.clone()),
                y.clone().select(0, places),
            );
            let (each, _, _) = loss(&net, &part).parts();
            let gradients = GradientsParams::from_grads(each.mean().backward(), &net);
            net = optimizer.step(step * left, net, gradients);
            left -= 1.0;
        }
    }
    net.valid()
}

/// A network, and how sharp it is.
struct Found {
    name: String,
    net: Net,
    loss: f64,
    test_error: f64,
    length: f64,
    /// Largest eigenvalue, Keskar's, SAM's, ASAM's.
    sharpness: [f64; 4],
    raw: Slices,
    filter: Slices,
}

impl Found {
    fn of(name: String, net: &Net, train: &Data, test: &Data) -> Result<Self> {
        let (trace, params) = (Trace::capture(net, train, loss)?, params_of(net)?);
        let tested = Trace::capture(net, test, loss)?.sample_at(&params, &[])?;
        let weights = params.weights().filter(|tensor| tensor.shape.len() > 1);
        let squares = weights.map(|tensor| tensor.norm().powi(2));
        Ok(Found {
            name,
            net: net.clone(),
            loss: trace.sample_at(&params, &[])?.loss,
            test_error: 1.0 - tested.accuracy.unwrap_or(f64::NAN),
            length: squares.sum::<f64>().sqrt(),
            sharpness: sharpness(&trace, &params)?,
            raw: Slices::of(&trace, &params, Normalization::None)?,
            filter: Slices::of(&trace, &params, Normalization::Filter)?,
        })
    }

    fn say(&self) {
        let [lambda, keskar, sam, asam] = self.sharpness;
        println!(
            "| {} | {:.5} | {:.2}% | {:.2} | {lambda:.3} | {keskar:.3} | {sam:.5} | {asam:.5} |",
            self.name,
            self.loss,
            100.0 * self.test_error,
            self.length,
        );
    }
}

/// The largest eigenvalue of the Hessian; Keskar's sharpness in a box, in percent; SAM's and ASAM's.
fn sharpness(trace: &Trace, params: &Params) -> Result<[f64; 4]> {
    let curvature = trace.curvature(params, &Target::default())?;
    let lanczos = Lanczos::new(LanczosParams {
        floor: 1e-6,
        ..LanczosParams::default()
    })?;
    let top = lanczos.solve(&curvature)?.top;
    let mean = MeanLoss::new(&curvature);
    let point = Point::new(&mean, curvature.point().to_vec())?;
    let keskar = point.keskar(&KeskarParams::default(), &mut unobserved)?;
    let asam = SamParams {
        rho: 0.5,
        metric: Metric::Adaptive { eta: 0.01 },
    };
    let lambda = top.first().map_or(f64::NAN, |pair| pair.value);
    let sam = point.sam(&SamParams::default())?.rise;
    Ok([lambda, keskar.value, sam, point.sam(&asam)?.rise])
}

/// Losses along random directions from one network.
struct Slices {
    t: Vec<f64>,
    losses: Vec<Vec<f64>>,
}

impl Slices {
    fn of(trace: &Trace, params: &Params, norm: Normalization) -> Result<Self> {
        let grid = Grid::square(POINTS, 1.0, 1)?;
        let mut losses = Vec::new();
        for stream in 0..DIRECTIONS {
            let direction = direction(params, norm, stream)?;
            let plane = Plane::new(params.clone(), vec![direction])?;
            let mut line = Surface::new(grid.clone(), vec![]);
            Sampler::new().run(&trace.objective(&plane, &[])?, &mut line, &mut [])?;
            losses.push(line.losses());
        }
        let t = grid.axes()[0].values();
        Ok(Slices { t, losses })
    }

    /// The mean over the directions.
    fn mean(&self, name: &str) -> LossProfile {
        let n = self.losses.len() as f64;
        let mean = |k| self.losses.iter().map(|line| line[k]).sum::<f64>() / n;
        LossProfile {
            name: name.to_owned(),
            t: self.t.clone(),
            loss: (0..self.t.len()).map(mean).collect(),
        }
    }

    /// How much the loss rises to the ends, of each direction.
    fn rises(&self) -> Vec<f64> {
        let rise = |line: &Vec<f64>| 0.5 * (line[0] + line[POINTS - 1]) - line[POINTS / 2];
        self.losses.iter().map(rise).collect()
    }

    fn mean_rise(&self) -> f64 {
        mean_and_error(&self.rises()).0
    }

    /// Its mean and standard error in words.
    fn rise(&self) -> String {
        let (mean, error) = mean_and_error(&self.rises());
        format!("{mean:.4} +- {error:.4}")
    }
}

/// A random direction in the weights: of one length for all networks, or normalised filter by filter.
fn direction(params: &Params, norm: Normalization, stream: u64) -> Result<Direction> {
    let drawn = Direction::random(params, Distribution::Gaussian, 19, stream);
    let drawn = drawn.normalize(params, norm, BiasMode::Zero)?;
    if norm != Normalization::None {
        return Ok(drawn);
    }
    let (factor, source) = ((LENGTH / drawn.norm()) as f32, drawn.source.clone());
    let mut tensors = drawn.tensors.into_inner();
    for tensor in &mut tensors {
        tensor.data.iter_mut().for_each(|x| *x *= factor);
    }
    Ok(Direction::from_tensors(
        Params::new(tensors)?,
        params,
        source,
    )?)
}

/// Of the pairs of networks with different test errors, how many each way of looking puts in the order of these.
fn agreement(found: &[Found]) {
    type Look = fn(&Found) -> f64;
    let looks: [(&str, Look); 6] = [
        ("directions of one length", |one| one.raw.mean_rise()),
        ("filter-normalised directions", |one| one.filter.mean_rise()),
        ("largest eigenvalue", |one| one.sharpness[0]),
        ("Keskar", |one| one.sharpness[1]),
        ("SAM", |one| one.sharpness[2]),
        ("ASAM", |one| one.sharpness[3]),
    ];
    for (name, of) in looks {
        let pairs = (0..found.len()).flat_map(|i| (0..i).map(move |k| (&found[i], &found[k])));
        let apart = pairs.filter(|(a, b)| a.test_error != b.test_error);
        let orders = apart.map(|(a, b)| (a.test_error < b.test_error) == (of(a) < of(b)));
        let orders: Vec<bool> = orders.collect();
        let agree = orders.iter().filter(|same| **same).count();
        println!(
            "order of the test error, {name}: {agree} of {}",
            orders.len()
        );
    }
}

/// Losses on the line between the two of a pair. Statistics of BatchNorm are estimated anew at every point: those between are no network's.
fn between(words: &str, pair: &[Found], train: &Data, test: &Data) -> Result<SlicePanel> {
    let [small, large] = [params_of(&pair[0].net)?, params_of(&pair[1].net)?];
    let towards = Direction::between(&small, &large)?.without_buffers();
    let plane = Plane::new(small, vec![towards])?;
    let grid = Grid::new(vec![Axis::new(-0.5, 1.5, POINTS)?])?;
    let mut slices = Vec::new();
    for (name, data) in [("training images", train), ("test images", test)] {
        let trace = Trace::capture(&pair[0].net, data, loss)?;
        let trace = trace.with_batch_norm(BatchStatistics::Reestimated)?;
        let mut line = Surface::new(grid.clone(), vec![]);
        Sampler::new().run(&trace.objective(&plane, &[])?, &mut line, &mut [])?;
        slices.push(LossProfile {
            name: name.to_owned(),
            t: grid.axes()[0].values(),
            loss: line.losses(),
        });
    }
    let name = format!("loss {words}");
    Ok(SlicePanel { name, slices })
}
