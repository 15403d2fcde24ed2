//! # Lesson 3: the path of training
//!
//! Random directions hardly see the path that training took: in 65 dimensions it is nearly at a
//! right angle to all of them. The plane that shows it best is spanned by its first two *principal
//! components*.
//!
//! You learn
//!
//! - how to record checkpoints while training, and how to fit a PCA plane to them;
//! - how to draw the path on the contours and on the surface of that plane;
//! - why the loss in the picture is not the loss of the training run: a checkpoint lies *beside*
//!   the plane, and the picture shows its shadow. The distance says how far to trust it.
//!
//! ```sh
//! cargo run --release --example 03-trajectory [FOLDER]
//! ```

mod common;

use burn::tensor::Device;
use common::Output;
use loss_landscape::core::{
    Axis, Checkpoint, Grid, Objective, Params, Pca, Plane, Point, Projection, Sampler, Surface,
    Trajectory, metrics,
};
use loss_landscape::models::{
    LossKind, Network, OptimizerKind, Record, Split, TrainConfig, load, trace_network, train,
};
use loss_landscape::plot::page::{PageData, PageRun};
use loss_landscape::plot::{
    LossCurve, Options, Scale, losses, trajectory, trajectory_losses, trajectory3d,
};
use std::error::Error;
use std::ops::ControlFlow;

const LOSS: LossKind = LossKind::BceWithLogits;

fn main() -> Result<(), Box<dyn Error>> {
    let out = Output::of("03-trajectory")?;

    // 1. Train, and keep the parameters and the true loss of every eighth step.
    let moons = "moons:n=200,noise=0.15,seed=42".parse()?;
    let data = load(&moons, None, Split::Train, None)?;
    let network = Network::init(&"mlp:2-8-4-1".parse()?, 42, &Device::flex());
    let config = TrainConfig {
        optimizer: OptimizerKind::Momentum,
        lr: 0.1,
        epochs: 300,
        every: 8,
        ..TrainConfig::default()
    };
    let mut records = Vec::new();
    let mut keep = |record: Record| {
        records.push(record);
        ControlFlow::Continue(())
    };
    let trained = train(network, &data, LOSS, &config, &mut keep)?;
    let accuracy = trained.last.accuracy.unwrap_or(f64::NAN);
    println!("checkpoints: {} of {} steps", records.len(), trained.steps);
    println!("trained accuracy: {accuracy:.3}");

    // 2. The principal components of the path, and the plane that they span through its end.
    let rows: Vec<&Params> = records.iter().map(|record| &record.params).collect();
    let last = trained.network.params();
    let pca = Pca::fit(&rows, &last, 2)?;
    let share = pca.explained_variance_ratio;
    println!("explained variance: {:.3} + {:.3}", share[0], share[1]);
    let plane = Plane::new(last, pca.components)?;

    // 3. Each checkpoint's nearest point on the plane, and its distance from the plane.
    let checkpoint = |record: &Record| Checkpoint {
        step: record.step,
        params: record.params.clone(),
    };
    let checkpoints: Vec<Checkpoint> = records.iter().map(checkpoint).collect();
    let mut path = Trajectory::project(&checkpoints, &plane, Projection::LeastSquares)?;
    path.explained_variance = share;

    // 4. Two losses a checkpoint: its own, and that of its shadow on the plane.
    let trace = trace_network(&trained.network, &data, LOSS, &[])?;
    let objective = trace.objective(&plane, &[])?;
    let shadows: Vec<Point> = path.points.iter().map(|point| point.coords).collect();
    let on_plane = objective.evaluate(&shadows)?;
    for ((point, record), shadow) in path.points.iter_mut().zip(&records).zip(&on_plane) {
        point.loss = Some(record.loss);
        point.plane_loss = Some(shadow.loss);
    }
    let apart = |i: &usize| (records[*i].loss - on_plane[*i].loss).abs();
    let widest = (0..records.len()).max_by(|i, j| apart(i).total_cmp(&apart(j)));
    for index in [Some(0), widest, Some(records.len() - 1)]
        .into_iter()
        .flatten()
    {
        let (step, own, shadow) = (
            records[index].step,
            records[index].loss,
            on_plane[index].loss,
        );
        let distance = path.points[index].residual;
        println!("step {step}: true loss {own:.4}, plane loss {shadow:.4}, distance {distance:.3}");
    }

    // 5. The surface around the path.
    let grid = Grid::new(vec![around(&path, 0)?, around(&path, 1)?])?;
    let mut surface = Surface::new(grid, vec![]);
    Sampler::new().run(&objective, &mut surface, &mut [])?;
    let m = metrics(&surface)?;
    println!("plane loss: {:.4} to {:.4}", m.min_loss, m.max_loss);

    // 6. Pictures: the path on the contours and on the surface; both losses of each checkpoint and
    //    its distance; the losses as training knows them.
    let log = Options {
        scale: Scale::Log,
        ..Options::default()
    };
    let on_axes = log.clone().directions(plane.directions());
    out.figure("path", trajectory(&surface, &path, &on_axes)?)?;
    out.figure("path-surface", trajectory3d(&surface, &path, &on_axes)?)?;
    out.figure("path-losses", trajectory_losses(&path, &log)?)?;
    let curve = LossCurve {
        name: "SGD with momentum".into(),
        steps: records.iter().map(|r| r.step as f64).collect(),
        losses: records.iter().map(|r| r.loss).collect(),
        accuracies: records.iter().filter_map(|r| r.accuracy).collect(),
    };
    let curves = [curve];
    out.figure("losses", losses(&curves, &log)?)?;

    // 7. A page that shows surface and path together.
    let run = PageRun {
        axis_labels: vec!["PCA component 1".into(), "PCA component 2".into()],
        trajectory: Some(path),
        curves: curves.to_vec(),
        ..PageRun::new("two moons", surface)
    };
    out.page(&PageData::new("The path of training", vec![run]))
}

/// 61 points along an axis: the extent of the path, and a quarter more on both sides.
fn around(path: &Trajectory, axis: usize) -> Result<Axis, Box<dyn Error>> {
    let coords = || path.points.iter().map(|point| point.coords[axis]);
    let low = coords().fold(f64::INFINITY, f64::min);
    let high = coords().fold(f64::NEG_INFINITY, f64::max);
    let margin = 0.25 * (high - low);
    Ok(Axis::new(low - margin, high + margin, 61)?)
}
