//! # Lesson 16: does training happen in tiny subspaces?
//!
//! Most of a network's gradient lies in the space of a few leading eigenvectors of the Hessian, about as many as there are classes
//! (Gur-Ari, Roberts and Dyer 2018). One might think that training happens there. Cut every update to that space, and the loss stops
//! to fall; take that space out of every update, and it falls as before (Song, Ahn and Yun 2024, arXiv:2405.16002, figure 1).
//!
//! You learn
//!
//! - how much of gradient, updates and path lies in the leading eigenspace along a training, and how fast that space turns;
//! - how a training is cut to that space, or to the rest;
//! - that where most of the gradient lies is not where most of the progress is made.
//!
//! ```sh
//! cargo run --release --example 16-tiny-subspaces [FOLDER [EPOCHS]]
//! ```

mod common;

use common::Output;
use loss_landscape::models::{LossKind, TrainConfig, save_weights};
use loss_landscape::plot::{LossCurve, Options, losses};
use loss_landscape::storage::{Store, TrainRecord};
use loss_landscape::study::figures::{FigureKind, FigureRequest, Figures};
use loss_landscape::study::hessian::{CurvatureRequest, CurvatureStudy, SubspaceSummary};
use loss_landscape::study::runs::{TrainRequest, TrainedRun, Training};
use std::error::Error;
use std::path::Path;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// As many leading eigenvectors as there are digits.
const SPACE: usize = 10;
/// Passes over the data before the three trainings part: until most of the gradient lies in the space.
const WARM_UP: usize = 20;
/// Passes over the data of each of the three.
const EPOCHS: usize = 40;

fn main() -> Result<()> {
    let out = Output::of("16-tiny-subspaces")?;
    let epochs = match std::env::args().nth(2) {
        Some(epochs) => epochs.parse()?,
        None => EPOCHS,
    };
    let store = Store::open(out.file("landscape.duckdb"))?;

    // 1. A training to begin with, and from its end three: with all of each update, what of it lies in the leading eigenspace, and
    //    what does not. What is stored is not computed again.
    let start = out.file("start.safetensors");
    let warm = train(&store, "warm-up", WARM_UP, None, None)?;
    let end = store.last_checkpoint(&warm.run)?.ok_or("no checkpoint")?;
    save_weights(&start, &end.params)?;
    let parts = [
        ("SGD", None),
        ("dominant", Some(format!("dominant:{SPACE}"))),
        ("bulk", Some(format!("bulk:{SPACE}"))),
    ];
    let mut curves = Vec::new();
    for (name, projected) in parts {
        let trained = train(&store, name, epochs, Some(&start), projected)?;
        curves.push(curve(name, &trained.records));
    }
    out.figure("losses", losses(&curves, &Options::default())?)?;

    // 2. What of the first of them lies in the space, and how far that space stays the same.
    let (run, shares) = shares(&store, "SGD")?;
    let mut figure = FigureRequest::new([run], out.file("subspace.svg"));
    figure.kind = Some(FigureKind::Subspace);
    figure.replace = true;
    for ending in ["svg", "png"] {
        figure.output.set_extension(ending);
        figure.look.dpi = (ending == "png").then_some(300.0);
        Figures::prepare(&figure, &store)?.run()?;
    }
    report(&curves, &shares);
    Ok(())
}

/// SGD with batches of 50 of 1,000 images: a perceptron with tanh, squared error against the unit vectors of the classes.
fn train(
    store: &Store,
    name: &str,
    epochs: usize,
    from: Option<&Path>,
    projected: Option<String>,
) -> Result<TrainedRun> {
    let mut request = TrainRequest::new("mlp:784-20-10:tanh".parse()?);
    request.data.data = Some("mnist-1k".parse()?);
    request.data.loss = Some(LossKind::Mse);
    request.weights = from.map(Path::to_owned);
    request.projected = projected.map(|words| words.parse()).transpose()?;
    request.config = TrainConfig {
        epochs,
        batch: 50,
        lr: 0.5,
        ..TrainConfig::default()
    };
    request.keep.name = Some(name.to_owned());
    Ok(Training::prepare(&request, &())?.run(store, &())?)
}

fn curve(name: &str, records: &[TrainRecord]) -> LossCurve {
    let loss = |record: &TrainRecord| record.loss.unwrap_or(f64::NAN);
    LossCurve {
        name: name.to_owned(),
        steps: records.iter().map(|record| record.step as f64).collect(),
        losses: records.iter().map(loss).collect(),
        accuracies: Vec::new(),
    }
}

/// What of a training lies in the leading eigenspace at each of its checkpoints, and the run that keeps it.
fn shares(store: &Store, training: &str) -> Result<(String, Vec<SubspaceSummary>)> {
    let mut request = CurvatureRequest {
        subspace: Some(SPACE),
        all_steps: true,
        tolerance: 1e-2,
        ..CurvatureRequest::default()
    };
    request.network.run = Some(training.to_owned());
    request.keep.name = Some(format!("space-of-{training}"));
    let mut study = CurvatureStudy::prepare(&request, Some(store), &())?;
    let found = study.run(store, &())?.summary(&study.wanted);
    let steps = found.steps.unwrap_or_default().into_iter();
    Ok((found.run, steps.filter_map(|step| step.subspace).collect()))
}

/// Says where the losses end, and the mean shares.
fn report(curves: &[LossCurve], shares: &[SubspaceSummary]) {
    for curve in curves {
        let ends = [curve.losses.first(), curve.losses.last()];
        let [first, last] = ends.map(|loss| loss.copied().unwrap_or(f64::NAN));
        let share = last / first;
        println!(
            "{}: loss {first:.5} to {last:.5}, {share:.3} of it",
            curve.name
        );
    }
    let mean = |of: fn(&SubspaceSummary) -> Option<f64>| {
        let known: Vec<f64> = shares.iter().filter_map(of).collect();
        known.iter().sum::<f64>() / known.len() as f64
    };
    println!("gradient in the space: {:.3}", mean(|s| Some(s.gradient)));
    println!("updates in the space: {:.3}", mean(|s| s.update));
    println!("path in the space: {:.3}", mean(|s| s.path));
    println!("overlap from epoch to epoch: {:.3}", mean(|s| s.overlap));
}
