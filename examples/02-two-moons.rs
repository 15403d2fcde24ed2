//! # Lesson 2: the landscape around a trained network
//!
//! A network with 65 parameters learns two interleaving half circles. Its loss is a function of 65
//! numbers; two random directions cut a plane out of it that can be drawn.
//!
//! You learn
//!
//! - how to train a network of the library and get its parameters;
//! - how to make a plane: random directions, *filter-normalised* (Li et al. 2018) so that a step of
//!   1 is as large, for every neuron, as the neuron's own weights;
//! - how to sample the plane and read its contours, its surface and its metrics;
//! - how to keep it in a DuckDB file, so that an interrupted run goes on where it was, from here or from
//!   the command line.
//!
//! ```sh
//! cargo run --release --example 02-two-moons [FOLDER]
//! ```

mod common;

use burn::tensor::Device;
use common::Output;
use loss_landscape::core::{
    BiasMode, Cancel, Direction, Distribution, Grid, Measured, Normalization, Objective, Params,
    Plane, Progress, Sampler, Surface, metrics, orthogonalize,
};
use loss_landscape::models::{
    LossKind, ModelSpec, Network, OptimizerKind, Record, Split, TrainConfig, load, save_weights,
    trace_network, train,
};
use loss_landscape::plot::{Options, Scale, contour, surface3d};
use loss_landscape::storage::{Run, RunKind, Status, Store};
use loss_landscape::study::record::{self, DirectionsSettings, LandscapeSettings, ProblemSettings};
use serde_json::json;
use std::error::Error;
use std::ops::ControlFlow;

/// Seed of the initial weights, of the order of the samples and of the directions.
const SEED: u64 = 3;
const LOSS: LossKind = LossKind::BceWithLogits;

fn main() -> Result<(), Box<dyn Error>> {
    let out = Output::of("02-two-moons")?;

    // 1. Data, network, training. Names say what they are; a seed makes the numbers repeatable.
    let moons = "moons:n=200,noise=0.15,seed=42".parse()?;
    let data = load(&moons, None, Split::Train, None)?;
    let model: ModelSpec = "mlp:2-8-4-1".parse()?;
    let network = Network::init(&model, SEED, &Device::flex());
    let config = TrainConfig {
        optimizer: OptimizerKind::Adam,
        lr: 0.02,
        epochs: 100,
        seed: SEED,
        ..TrainConfig::default()
    };
    let mut ignore = |_: Record| ControlFlow::Continue(()); // lesson 3 keeps the path
    let trained = train(network, &data, LOSS, &config, &mut ignore)?;
    let accuracy = trained.last.accuracy.unwrap_or(f64::NAN);
    println!("trained loss: {:.4}", trained.last.loss);
    println!("trained accuracy: {accuracy:.3}");

    // 2. A plane through the trained parameters.
    let params = trained.network.params();
    let plane = random_plane(&params)?;
    let (length, cosine) = (params.norm(), plane.cosines()[0][1]);
    println!("parameters: {} of norm {length:.3}", params.numel());
    println!(
        "directions: norms {:.3?}, cosine {cosine:.1e}",
        plane.norms()
    );

    // 3. The objective: the network and its loss are recorded once as a graph, which is then
    //    evaluated at many points of the plane together.
    let trace = trace_network(&trained.network, &data, LOSS, &[])?;
    let objective = trace.objective(&plane, &[])?;

    // 4. Sample and store. The settings are all that determines the numbers: a run with the same
    //    settings is the same run, and is continued.
    let grid = Grid::square(51, 1.0, 2)?;
    let problem = ProblemSettings::new(&model, Some(params.digest()), &data, LOSS);
    let directions = DirectionsSettings::new(plane.directions(), true);
    let settings = LandscapeSettings::new(problem, directions, &grid);
    let spec = record::request(RunKind::Surface, &settings).named("two-moons");
    let store = Store::open(out.file("landscape.duckdb"))?;
    let (run, empty) = store.begin_surface(&spec, &grid, &[], Some(&plane))?;
    sample(&store, &run, &objective, empty, grid.len() / 2)?; // someone presses Ctrl-C half-way
    let (run, begun) = store.begin_surface(&spec, &grid, &[], Some(&plane))?; // ... and again
    let surface = sample(&store, &run, &objective, begun, grid.len())?;
    let lowest = store.sql("SELECT alpha, beta, loss FROM landscape ORDER BY loss LIMIT 1")?;
    println!("lowest point, by SQL: {}", json!(lowest.rows[0]));

    //    The command line makes the same settings of its options: it finds this run, and would go on with it.
    let weights = out.file("weights.safetensors");
    save_weights(&weights, &params)?;
    println!(
        "the same run: landscape surface --model {model} --weights {} --data {moons} --orthogonal --seed {SEED} --db {}",
        weights.display(),
        out.file("landscape.duckdb").display()
    );

    // 5. What the surface says. `None` would mean that the grid is too small for a figure.
    let m = metrics(&surface)?;
    println!("plane loss: {:.4} to {:.4}", m.min_loss, m.max_loss);
    println!("convexity: {:.3}", m.convexity.unwrap_or(f64::NAN));
    println!("sharpness: {:.3}", m.sharpness.unwrap_or(f64::NAN));
    let share = 100.0 * m.basin_share;
    println!(
        "basin: width {:.2}, {share:.1}% of the plane",
        m.basin_width
    );

    // 6. Pictures. The axis labels come from the directions.
    let mut options = Options::default().directions(plane.directions());
    options.scale = Scale::Log;
    out.figure("contour", contour(&surface, &options)?)?;
    out.figure("surface", surface3d(&surface, &options)?)
}

/// Two random directions, filter-normalised, at a right angle. Biases stay where they are.
fn random_plane(params: &Params) -> Result<Plane, Box<dyn Error>> {
    let draw = |stream| {
        let raw = Direction::random(params, Distribution::Gaussian, SEED, stream);
        raw.normalize(params, Normalization::Filter, BiasMode::Zero)
    };
    let mut directions = vec![draw(0)?, draw(1)?];
    orthogonalize(&mut directions)?; // after the normalisation, which would undo it
    Ok(Plane::new(params.clone(), directions)?)
}

/// Computes what the surface does not have yet, until at least `enough` points are known.
fn sample(
    store: &Store,
    run: &Run,
    objective: &dyn Objective,
    mut surface: Surface,
    enough: usize,
) -> Result<Surface, Box<dyn Error>> {
    let before = surface.grid().len() - surface.missing();
    // Two observers: one stores each batch, one ends the run.
    let cancel = Cancel::new();
    let mut keep = store.observer(run);
    let mut stop = |_: &[Measured], progress: Progress| {
        if progress.done >= enough {
            cancel.cancel();
        }
        Ok(())
    };
    let sampler = Sampler {
        batch: 100,
        cancel: cancel.clone(),
    };
    sampler.run(objective, &mut surface, &mut [&mut keep, &mut stop])?;

    let status = match surface.is_complete() {
        true => Status::Complete,
        false => Status::Interrupted,
    };
    let computed = keep.finish(status)?;
    println!("stored {before} points before, {computed} now: {status}");
    Ok(surface)
}
