//! # Lesson 14: the edge of stability
//!
//! Gradient descent with rate η is stable on a quadratic function as long as no eigenvalue of its Hessian is above 2/η. Networks
//! do not keep to that: with full batches the largest eigenvalue rises until it is there, and then stays about there, while
//! the loss goes on falling, though no longer at every step (Cohen et al. 2021, arXiv:2103.00065, figure 1).
//!
//! You learn
//!
//! - how a training keeps its path, and how curvature is computed at all of its checkpoints;
//! - that what is a limit for a quadratic function is where training of a network leads to;
//! - that the curvature at the end of a training tells its rate before it tells anything of the minimum.
//!
//! ```sh
//! cargo run --release --example 14-edge-of-stability [FOLDER [STEPS]]
//! ```

mod common;

use common::Output;
use loss_landscape::models::{LossKind, TrainConfig};
use loss_landscape::storage::{ALL_PARAMETERS, Curvature, Side, Store};
use loss_landscape::study::figures::{FigureKind, FigureRequest, Figures};
use loss_landscape::study::hessian::{CurvatureRequest, CurvatureStudy};
use loss_landscape::study::runs::{TrainRequest, Training};
use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Learning rates, whose limits are 6.67, 4 and 2.
const RATES: [f64; 3] = [0.3, 0.5, 1.0];
/// Steps of full batches.
const STEPS: usize = 3_000;
/// Checkpoints at which the curvature is computed, beside the first.
const CHECKPOINTS: usize = 30;

fn main() -> Result<()> {
    let out = Output::of("14-edge-of-stability")?;
    let steps = match std::env::args().nth(2) {
        Some(steps) => steps.parse()?,
        None => STEPS,
    };
    let store = Store::open(out.file("landscape.duckdb"))?;

    // 1. For each rate a training from the same weights, and the largest eigenvalue along it. What is stored is not
    //    computed again.
    let mut curvatures = Vec::new();
    for rate in RATES {
        let name = train(&store, rate, steps)?;
        let (run, points) = largest_eigenvalues(&store, &name)?;
        report(rate, &points);
        curvatures.push(run);
    }

    // 2. All of them as a figure: largest eigenvalues with their limits, losses below.
    let mut figure = FigureRequest::new(curvatures, out.file("stability.svg"));
    figure.kind = Some(FigureKind::Stability);
    figure.replace = true;
    for ending in ["svg", "png"] {
        figure.output.set_extension(ending);
        figure.look.dpi = (ending == "png").then_some(300.0);
        Figures::prepare(&figure, &store)?.run()?;
    }
    Ok(())
}

/// Gradient descent on all 1,000 images at once: a perceptron with tanh, squared error against the unit vectors of the classes.
fn train(store: &Store, rate: f64, steps: usize) -> Result<String> {
    let mut request = TrainRequest::new("mlp:784-64-64-10:tanh".parse()?);
    request.data.data = Some("mnist-1k".parse()?);
    request.data.loss = Some(LossKind::Mse);
    request.config = TrainConfig {
        epochs: steps,
        batch: TrainConfig::FULL_BATCH,
        lr: rate,
        every: (steps / CHECKPOINTS).max(20),
        ..TrainConfig::default()
    };
    request.keep.name = Some(format!("rate-{rate}"));
    Ok(Training::prepare(&request, &())?.run(store, &())?.run.name)
}

/// The largest eigenvalue of the Hessian at every checkpoint of a training, and the run that keeps them.
fn largest_eigenvalues(store: &Store, training: &str) -> Result<(String, Vec<Curvature>)> {
    let mut request = CurvatureRequest {
        top: Some(1),
        all_steps: true,
        ..CurvatureRequest::default()
    };
    request.network.run = Some(training.to_owned());
    request.keep.name = Some(format!("curvature-{training}"));
    let found = CurvatureStudy::prepare(&request, Some(store), &())?.run(store, &())?;
    Ok((found.run.name, found.points))
}

fn largest(point: &Curvature) -> f64 {
    let top = point.eigenvalues_of(ALL_PARAMETERS, Side::Top);
    top.first().map_or(f64::NAN, |pair| pair.value)
}

/// Says what a training did.
fn report(rate: f64, points: &[Curvature]) {
    let limit = 2.0 / rate;
    let values: Vec<f64> = points.iter().map(largest).collect();
    let reached = values.iter().position(|&value| value >= limit);
    let reached = reached.and_then(|place| points[place].step);
    let reached = reached.map_or("never".to_owned(), |step| format!("by step {step}"));
    let last = &values[values.len() * 2 / 3..];
    let mean = last.iter().sum::<f64>() / last.len() as f64;
    let first = values[0];
    println!(
        "rate {rate}: limit {limit:.2}, largest eigenvalue {first:.2} at first, at the limit {reached}"
    );
    println!(
        "last third at rate {rate}: {:.2} of the limit",
        mean / limit
    );
    let loss = points.last().and_then(|point| point.loss);
    println!("loss at rate {rate}: {:.4}", loss.unwrap_or(f64::NAN));
}
