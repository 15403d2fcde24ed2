//! # Lesson 20: the free energy of minima of equal loss
//!
//! Where the loss is a negative log likelihood, a minimum has a local free energy: the loss, and temperature times half the
//! log-determinant of its curvature, which is what the volume around it adds (docs/theory.md says under which assumptions). Six
//! trainings end at the same training loss and in different places; the loss does not tell them apart, and the free energy does.
//!
//! You learn
//!
//! - how a training is stopped at a loss, and not after so many steps;
//! - how the log-determinant of a large matrix is estimated with an error: leading eigenvalues exactly, the rest by Lanczos quadrature;
//! - how far free energy, trace, largest eigenvalue and SAM's sharpness agree with each other, and with the loss on other images.
//!
//! ```sh
//! landscape data get mnist --dir data
//! cargo run --release --example 20-free-energy [FOLDER [DATA | MINIMA]]
//! ```
//!
//! DATA is the folder with MNIST. Without it, the built-in images take its place: 800, and 200 to test with. MINIMA is how many of the
//! six there are.

mod common;

use burn::tensor::Device;
use common::Output;
use common::digits::Digits;
use loss_landscape::core::{Params, Role};
use loss_landscape::hessian::{
    Density, DensityParams, Estimate, Lanczos, LanczosParams, Method, OperatorError,
    Trace as TraceOf, TraceParams, try_from_fn, unobserved,
};
use loss_landscape::models::{
    Dataset, LossKind, ModelSpec, Network, OptimizerKind, Record, TrainConfig, evaluate,
    trace_network, train,
};
use loss_landscape::plot::{Options, SharpnessOf, SharpnessRow, sharpness};
use loss_landscape::study::compare::{TableOptions, curved};
use loss_landscape::trace::{Curvature, Matrix, Target};
use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Images that are learned, where there are as many.
const IMAGES: usize = 2_000;
/// The training loss at which each training ends.
const LOSS: f64 = 0.05;
/// What is known of each weight beforehand: a Gaussian of this width around 0.
const WIDTH: f64 = 0.3;
/// Random vectors of the quadrature, Lanczos steps from each, and leading eigenvalues that enter exactly.
const PROBES: usize = 16;
const STEPS: usize = 80;
const LEADING: usize = 10;

/// How a minimum is looked for.
struct Way {
    name: &'static str,
    optimizer: OptimizerKind,
    batch: usize,
    lr: f64,
    decay: f64,
    seed: u64,
}

const WAYS: [Way; 6] = {
    use OptimizerKind::{Adam, Sgd};
    [
        of("small batches", Sgd, 10, 0.05, 0.0, 1),
        of("the same, another start", Sgd, 10, 0.05, 0.0, 2),
        of("large batches", Sgd, 400, 0.2, 0.0, 1),
        of("small rate", Sgd, 10, 0.005, 0.0, 1),
        of("weight decay", Sgd, 10, 0.05, 2e-3, 1),
        of("Adam", Adam, 50, 0.002, 0.0, 1),
    ]
};

const fn of(
    name: &'static str,
    optimizer: OptimizerKind,
    batch: usize,
    lr: f64,
    decay: f64,
    seed: u64,
) -> Way {
    Way {
        name,
        optimizer,
        batch,
        lr,
        decay,
        seed,
    }
}

fn main() -> Result<()> {
    let out = Output::of("20-free-energy")?;
    let given = std::env::args().nth(2);
    let count = given.as_ref().and_then(|words| words.parse().ok());
    let folder = given.filter(|_| count.is_none()).map(PathBuf::from);
    let ways = WAYS.iter().take(count.unwrap_or(WAYS.len()));

    // 1. Six ways to one training loss.
    let digits = Digits::load(folder.as_deref(), Some(IMAGES))?;
    let temperature = 1.0 / digits.train.len() as f64;
    let damping = temperature / WIDTH.powi(2);
    println!("temperature {temperature:.2e}, damping {damping:.4}");
    let mut minima = Vec::new();
    for way in ways {
        let (network, steps) = learned(way, &digits.train)?;
        minima.push(Minimum::of(way.name, steps, &network, &digits)?);
    }

    // 2. What they come to. The free energy without and with what the weights themselves cost.
    println!(
        "| minimum | steps | loss | half log-determinant | free energy | with the weights | trace | largest eigenvalue | SAM | test loss | test error |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    minima.iter().for_each(Minimum::say);

    // 3. How far each of them puts the minima in the order of the test loss.
    for (k, (name, _)) in minima[0].measures().iter().enumerate() {
        let of = |m: &Minimum| m.measures()[k].1.0;
        println!(
            "rank correlation with the test loss, {name}: {:.2}",
            rank(&minima, &of)
        );
    }
    out.figure("minima", picture(&minima)?)
}

/// Trains until the loss over all images is at [`LOSS`], which is looked at every few steps.
fn learned(way: &Way, data: &Dataset) -> Result<(Network, u64)> {
    let spec: ModelSpec = "mlp:784-32-10".parse()?;
    let config = TrainConfig {
        epochs: 1_000,
        batch: way.batch,
        optimizer: way.optimizer,
        lr: way.lr,
        weight_decay: Some(way.decay),
        every: 5,
        seed: way.seed,
        ..TrainConfig::default()
    };
    let network = Network::init(&spec, way.seed, &Device::flex());
    let mut until = |record: Record| match record.loss <= LOSS {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let report = train(network, data, LossKind::CrossEntropy, &config, &mut until)?;
    Ok((report.network, report.steps))
}

/// A value and its standard error.
type Measured = (f64, f64);

/// Where a training ended, and how wide it is there.
struct Minimum {
    name: &'static str,
    steps: u64,
    loss: f64,
    /// Half of `log det (1 + G / damping)` of the Gauss-Newton matrix.
    volume: Measured,
    free_energy: Measured,
    /// What the Gaussian of the weights adds to it.
    weights: f64,
    trace: Measured,
    lambda: f64,
    sam: f64,
    test_loss: Measured,
    test_error: Measured,
}

impl Minimum {
    fn of(name: &'static str, steps: u64, network: &Network, digits: &Digits) -> Result<Self> {
        let (params, kind) = (network.params(), LossKind::CrossEntropy);
        let trace = trace_network(network, &digits.train, kind, &[])?;
        let curvature = trace.curvature(&params, &Target::default())?;
        let loss = curvature.gradient()?.loss;
        let temperature = 1.0 / digits.train.len() as f64;
        let volume = volume(&curvature, temperature / WIDTH.powi(2))?;
        let hutchpp = TraceOf::new(TraceParams {
            method: Method::HutchPlusPlus,
            ..TraceParams::default()
        })?;
        let whole = hutchpp.solve(&curvature)?;
        let sharp = curved(&trace, &params, &TableOptions::default())?;
        let test = evaluate(network, &digits.test, kind)?;
        let wrong = 1.0 - test.accuracy.unwrap_or(f64::NAN);
        let tested = digits.test.len() as f64;
        Ok(Minimum {
            name,
            steps,
            loss,
            volume: (volume.mean, volume.standard_error),
            free_energy: (
                loss + temperature * volume.mean,
                temperature * volume.standard_error,
            ),
            weights: temperature * squares(&params) / (2.0 * WIDTH.powi(2)),
            trace: (whole.mean, whole.standard_error),
            lambda: sharp.lambda_max.map_or(f64::NAN, |pair| pair.value),
            sam: sharp.sharpness,
            test_loss: (test.loss, test.loss_se.unwrap_or(f64::NAN)),
            test_error: (wrong, (wrong * (1.0 - wrong) / tested).sqrt()),
        })
    }

    /// What is drawn, and compared with the test loss.
    fn measures(&self) -> [(&'static str, Measured); 6] {
        let (free, error) = self.free_energy;
        [
            ("half log-determinant", self.volume),
            ("free energy", (free, error)),
            ("free energy with the weights", (free + self.weights, error)),
            ("trace", self.trace),
            ("largest eigenvalue", (self.lambda, 0.0)),
            ("SAM", (self.sam, 0.0)),
        ]
    }

    fn say(&self) {
        let words = |(value, error): Measured| format!("{value:.4} +- {error:.4}");
        println!(
            "| {} | {} | {:.4} | {:.2} +- {:.2} | {} | {:.4} | {:.3} +- {:.3} | {:.3} | {:.5} | {} | {:.2}% |",
            self.name,
            self.steps,
            self.loss,
            self.volume.0,
            self.volume.1,
            words(self.free_energy),
            self.free_energy.0 + self.weights,
            self.trace.0,
            self.trace.1,
            self.lambda,
            self.sam,
            words(self.test_loss),
            100.0 * self.test_error.0,
        );
    }
}

/// Half of `log det (1 + G / damping)` of the Gauss-Newton matrix: its leading eigenvalues as they are, the rest by Lanczos quadrature,
/// whose standard error is over the random vectors.
fn volume(curvature: &Curvature, damping: f64) -> Result<Estimate> {
    let operator = try_from_fn(curvature.dim(), |block: &[Vec<f64>]| {
        let products = curvature.products(Matrix::GaussNewton, block);
        products.map_err(OperatorError::new)
    });
    let lanczos = Lanczos::new(LanczosParams {
        top: LEADING,
        floor: 1e-6,
        ..LanczosParams::default()
    })?;
    let leading = lanczos.solve(&operator)?.top;
    let density = Density::new(DensityParams {
        probes: PROBES,
        steps: STEPS,
        ..DensityParams::default()
    })?;
    let found = density.run_beside(&operator, &leading, &[], &mut unobserved)?;
    let whole = found.log_determinant(damping).ok_or("not a minimum")?;
    Ok(Estimate {
        mean: 0.5 * (whole.mean - curvature.dim() as f64 * damping.ln()),
        standard_error: 0.5 * whole.standard_error,
        ..whole
    })
}

/// The squared length of all parameters.
fn squares(params: &Params) -> f64 {
    let free = params.iter().filter(|tensor| tensor.role != Role::Buffer);
    free.map(|tensor| tensor.norm().powi(2)).sum()
}

/// Spearman's rank correlation with the test loss.
fn rank(minima: &[Minimum], of: &dyn Fn(&Minimum) -> f64) -> f64 {
    let places = |of: &dyn Fn(&Minimum) -> f64| -> Vec<f64> {
        let place = |m: &Minimum| minima.iter().filter(|o| of(o) < of(m)).count() as f64;
        minima.iter().map(place).collect()
    };
    let (a, b) = (places(of), places(&|m| m.test_loss.0));
    let n = minima.len() as f64;
    let gaps: f64 = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum();
    1.0 - 6.0 * gaps / (n * (n * n - 1.0))
}

/// Each measure relative to its mean over the minima.
fn picture(minima: &[Minimum]) -> Result<loss_landscape::plot::Figure> {
    let all = |m: &Minimum| -> Vec<(&'static str, Measured)> {
        let tested = [("test loss", m.test_loss), ("test error", m.test_error)];
        let loss = [("training loss", (m.loss, 0.0))];
        [&loss[..], &m.measures()[..], &tested[..]].concat()
    };
    let n = minima.len() as f64;
    let rows = |m: &Minimum| -> Vec<SharpnessRow> {
        let row = |(k, (name, (value, error))): (usize, (&str, Measured))| {
            let mean = minima.iter().map(|m| all(m)[k].1.0).sum::<f64>() / n;
            SharpnessRow {
                measure: name.to_owned(),
                value: value / mean,
                se: (error > 0.0).then_some(error / mean),
                settings: String::new(),
            }
        };
        all(m).into_iter().enumerate().map(row).collect()
    };
    let rows: Vec<Vec<SharpnessRow>> = minima.iter().map(rows).collect();
    let of = minima.iter().zip(&rows);
    let of: Vec<SharpnessOf> = of
        .map(|(m, rows)| SharpnessOf { name: m.name, rows })
        .collect();
    let options = Options {
        caption: Some(format!(
            "Each row relative to its mean over the {} minima, with one standard error where it is estimated.",
            minima.len()
        )),
        ..Options::default()
    };
    Ok(sharpness(&of, &options)?)
}
