//! # Lesson 4: MNIST, before and after training
//!
//! A 784-20-10 network learns the first 1,000 training images of MNIST, which travel with the
//! library, by plain SGD (rate 0.01, batches of 64, 30 epochs).
//!
//! You learn
//!
//! - how the plane around a network changes by training: filter normalisation measures steps in
//!   units of the weights, so that both planes can be compared;
//! - that directions belong to parameters: the same random numbers, normalised against other
//!   weights, are other directions;
//! - how the path of 15,910 parameters looks in its own plane.
//!
//! ```sh
//! cargo run --release --example 04-mnist [FOLDER]
//! ```

mod common;

use burn::tensor::Device;
use common::Output;
use loss_landscape::core::{
    Axis, BiasMode, Checkpoint, Direction, Distribution, Grid, Normalization, Params, Pca, Plane,
    Projection, Sampler, Surface, Trajectory, metrics, orthogonalize,
};
use loss_landscape::models::{
    LossKind, Network, Record, Split, TrainConfig, load, trace_network, train,
};
use loss_landscape::plot::page::{PageData, PageRun};
use loss_landscape::plot::{
    LossCurve, Options, Scale, contour, losses, surface3d, trajectory, trajectory_losses,
    trajectory3d,
};
use loss_landscape::trace::Trace;
use std::error::Error;
use std::ops::ControlFlow;

const LOSS: LossKind = LossKind::CrossEntropy;

fn main() -> Result<(), Box<dyn Error>> {
    let out = Output::of("04-mnist")?;

    // 1. Train. The defaults of `TrainConfig` are this job's; a record every 4 steps keeps the path.
    //    `pixels=standard` shifts and scales the images to mean 0 and deviation 1.
    let images = "mnist-1k:pixels=standard".parse()?;
    let data = load(&images, None, Split::Train, None)?;
    let network = Network::init(&"mlp:784-20-10".parse()?, 42, &Device::flex());
    let start = network.params();
    let config = TrainConfig {
        every: 4,
        ..TrainConfig::default()
    };
    let mut records = Vec::new();
    let mut keep = |record: Record| {
        records.push(record);
        ControlFlow::Continue(())
    };
    let trained = train(network, &data, LOSS, &config, &mut keep)?;
    let end = trained.network.params();
    for epoch in trained.epochs.iter().step_by(10) {
        println!("epoch {}: loss {:.3}", epoch.epoch, epoch.loss);
    }
    let accuracy = trained.last.accuracy.unwrap_or(f64::NAN);
    println!("trained loss: {:.4}", trained.last.loss);
    println!("trained accuracy: {accuracy:.3}");

    // 2. The loss as a graph. It serves every plane: the parameters come from there.
    let trace = trace_network(&trained.network, &data, LOSS, &[])?;

    // 3. The plane around the initial point, and the one around the trained point.
    let mut runs = Vec::new();
    for (name, params) in [("initial", &start), ("trained", &end)] {
        let plane = random_plane(params)?;
        let surface = sample(&trace, &plane, Grid::square(51, 1.0, 2)?)?;
        let (m, length) = (metrics(&surface)?, params.norm());
        println!(
            "{name} weights: norm {length:.2}, directions {:.2?}",
            plane.norms()
        );
        println!("{name} plane: loss {:.3} to {:.3}", m.min_loss, m.max_loss);
        println!("{name} convexity: {:.3}", m.convexity.unwrap_or(f64::NAN));

        let mut options = Options::default().directions(plane.directions());
        options.origin = Some(format!("{name} point"));
        out.figure(&format!("{name}-contour"), contour(&surface, &options)?)?;
        out.figure(&format!("{name}-surface"), surface3d(&surface, &options)?)?;
        runs.push(PageRun::new(name, surface));
    }

    // 4. The path, on the plane of its first two principal components.
    let rows: Vec<&Params> = records.iter().map(|record| &record.params).collect();
    let pca = Pca::fit(&rows, &end, 2)?;
    let plane = Plane::new(end, pca.components)?;
    let mut path = project(&records, &plane)?;
    path.explained_variance = pca.explained_variance_ratio;
    println!("explained variance: {:.3?}", path.explained_variance);
    let grid = Grid::new(vec![around(&path, 0)?, around(&path, 1)?])?;
    let surface = sample(&trace, &plane, grid)?;
    path.interpolate_plane_loss(&surface);

    // 5. Its pictures.
    let log = Options {
        scale: Scale::Log,
        ..Options::default()
    };
    let on_axes = log.clone().directions(plane.directions());
    out.figure("path", trajectory(&surface, &path, &on_axes)?)?;
    out.figure("path-surface", trajectory3d(&surface, &path, &on_axes)?)?;
    out.figure("path-losses", trajectory_losses(&path, &log)?)?;
    let curve = LossCurve {
        name: "SGD, rate 0.01".into(),
        steps: records.iter().map(|r| r.epoch).collect(),
        losses: records.iter().map(|r| r.loss).collect(),
        accuracies: records.iter().filter_map(|r| r.accuracy).collect(),
    };
    let curves = [curve];
    let mut by_epoch = Options::default();
    by_epoch.axes[0] = Some("epoch".into());
    out.figure("losses", losses(&curves, &by_epoch)?)?;
    runs.push(PageRun {
        axis_labels: vec!["PCA component 1".into(), "PCA component 2".into()],
        trajectory: Some(path),
        curves: curves.to_vec(),
        ..PageRun::new("path", surface)
    });
    out.page(&PageData::new("MNIST, 784-20-10", runs))
}

/// Two random directions, filter-normalised, at a right angle. Biases keep their random direction.
fn random_plane(params: &Params) -> Result<Plane, Box<dyn Error>> {
    let draw = |stream| {
        let raw = Direction::random(params, Distribution::Gaussian, 42, stream);
        raw.normalize(params, Normalization::Filter, BiasMode::Raw)
    };
    let mut directions = vec![draw(0)?, draw(1)?];
    orthogonalize(&mut directions)?;
    Ok(Plane::new(params.clone(), directions)?)
}

/// The loss over all 1,000 images at every point of a plane.
fn sample(trace: &Trace, plane: &Plane, grid: Grid) -> Result<Surface, Box<dyn Error>> {
    let mut surface = Surface::new(grid, vec![]);
    Sampler::new().run(&trace.objective(plane, &[])?, &mut surface, &mut [])?;
    Ok(surface)
}

/// The recorded path on a plane, with its true losses.
fn project(records: &[Record], plane: &Plane) -> Result<Trajectory, Box<dyn Error>> {
    let checkpoint = |record: &Record| Checkpoint {
        step: record.step,
        params: record.params.clone(),
    };
    let checkpoints: Vec<Checkpoint> = records.iter().map(checkpoint).collect();
    let mut path = Trajectory::project(&checkpoints, plane, Projection::LeastSquares)?;
    for (point, record) in path.points.iter_mut().zip(records) {
        point.loss = Some(record.loss);
    }
    Ok(path)
}

/// 51 points along an axis: the extent of the path, and a quarter more on both sides.
fn around(path: &Trajectory, axis: usize) -> Result<Axis, Box<dyn Error>> {
    let coords = || path.points.iter().map(|point| point.coords[axis]);
    let low = coords().fold(f64::INFINITY, f64::min);
    let high = coords().fold(f64::NEG_INFINITY, f64::max);
    let margin = 0.25 * (high - low);
    Ok(Axis::new(low - margin, high + margin, 51)?)
}
