//! # Lesson 18: what more data does to a landscape
//!
//! A loss is a mean over data, and a landscape is that of its data. Three networks leave one start and learn all of MNIST, a tenth of
//! it, and a hundredth. On the hundredth all three are minima; on all of it only the first one is (Fan, Sandlund and Ko 2025,
//! arXiv:2511.04808, figure 1). That minima which generalise are there does not make them easy to find: from where the hundredth led,
//! one can go furthest before its loss rises.
//!
//! You learn
//!
//! - how one plane through three networks is drawn for the loss of three data sets, on one scale;
//! - how wide a minimum is, in all its dimensions and not only in two: how far random directions lead before the loss reaches 0.1;
//! - that width belongs to the data as much as to the network.
//!
//! ```sh
//! landscape data get mnist --dir data
//! cargo run --release --example 18-data-size [FOLDER [DATA | PLANES]]
//! ```
//!
//! DATA is the folder with MNIST. Without it, the built-in images take its place: 800, 80 and 8 of them, and 200 to test with. What is
//! sampled is kept in FOLDER as `data-size-PERCENT.npz`; with PLANES, a folder of such files, it is drawn from them.

mod common;

use burn::tensor::Device;
use common::Output;
use common::digits::Digits;
use loss_landscape::core::{
    Axis, Direction, Distribution, Grid, Params, Plane, Sampler, Source, Surface,
};
use loss_landscape::hessian::stats::mean_and_error;
use loss_landscape::models::{
    Dataset, LossKind, ModelSpec, Network, OptimizerKind, Record, TrainConfig, evaluate,
    trace_network, train,
};
use loss_landscape::plot::{Options, PanelOf, PlacedNetwork, Scale, Size, Style, side_by_side};
use loss_landscape::storage::{Format, export_surface, import_surface};
use loss_landscape::trace::Trace;
use std::error::Error;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Shares of the data, in percent.
const PERCENT: [usize; 3] = [100, 10, 1];
/// A network is a minimum of a loss where that is below this, and as wide as the way to it.
const LEVEL: f64 = 0.1;

/// What is learned, and how finely it is looked at.
struct Setting {
    model: &'static str,
    /// Steps of Adam with rate 0.001, the same for all, and images in a batch.
    steps: usize,
    batch: usize,
    /// Points of the plane on an axis.
    points: usize,
    /// Random directions in each loss, how far they go, and points on each.
    directions: [u64; 3],
    reach: f64,
    along: usize,
}

/// The network of the paper's code.
const FULL: Setting = Setting {
    model: "mlp:784-256-128-10",
    steps: 1_800,
    batch: 1_000,
    points: 33,
    directions: [10, 30, 100],
    reach: 40.0,
    along: 41,
};

/// For the built-in images.
const SMALL: Setting = Setting {
    model: "mlp:784-32-10",
    steps: 400,
    batch: 100,
    points: 17,
    ..FULL
};

fn main() -> Result<()> {
    let out = Output::of("18-data-size")?;
    let folder = std::env::args_os().nth(2).map(PathBuf::from);
    let kept = folder.as_deref().filter(|f| file(f, PERCENT[0]).is_file());
    let surfaces = match kept {
        Some(folder) => stored(folder)?,
        None => sampled(&out, folder.as_deref())?,
    };
    let titles = ["(a) loss of 1% of the data", "(b) of 10%", "(c) of all"];
    let panels = surfaces.iter().rev().zip(titles);
    let panels: Vec<PanelOf> = panels
        .map(|(surface, title)| PanelOf {
            title,
            surface,
            paths: &[],
        })
        .collect();
    out.figure("planes", side_by_side(&panels, &look(&surfaces))?)
}

/// Where a plane is kept.
fn file(folder: &Path, percent: usize) -> PathBuf {
    folder.join(format!("data-size-{percent}.npz"))
}

/// Planes that were sampled before.
fn stored(folder: &Path) -> Result<Vec<Surface>> {
    let read = |percent| Ok(import_surface(&file(folder, percent), Format::Npz)?);
    PERCENT.into_iter().map(read).collect()
}

/// Three networks from one start, the losses of three data sets, and what they come to.
fn sampled(out: &Output, folder: Option<&Path>) -> Result<Vec<Surface>> {
    let setting = if folder.is_some() { FULL } else { SMALL };
    let digits = Digits::load(folder, None)?;
    let part = |percent| {
        digits
            .train
            .clone()
            .take(digits.train.len() * percent / 100)
    };
    let sets = PERCENT.into_iter().map(part);
    let sets: Vec<Dataset> = sets.collect::<std::result::Result<_, _>>()?;
    let spec: ModelSpec = setting.model.parse()?;
    let networks = sets.iter().map(|data| learned(&spec, data, &setting));
    let networks: Vec<Network> = networks.collect::<Result<_>>()?;
    let losses = |data| trace_network(&networks[0], data, LossKind::CrossEntropy, &[]);
    let losses = sets.iter().map(losses);
    let losses: Vec<Trace> = losses.collect::<std::result::Result<_, _>>()?;

    say_losses(&networks, &losses, &digits.test)?;
    let all: Vec<Params> = networks.iter().map(Network::params).collect();
    let surfaces = planes(out, &all, &losses, &setting)?;
    say_ways(&all, &losses, &setting)?;
    Ok(surfaces)
}

/// 1. What each network is on each data set, and on images that none has seen.
fn say_losses(networks: &[Network], losses: &[Trace], test: &Dataset) -> Result<()> {
    println!("| learned | test accuracy | loss of 100% | of 10% | of 1% |");
    println!("|---|---|---|---|---|");
    for (network, percent) in networks.iter().zip(PERCENT) {
        let test = evaluate(network, test, LossKind::CrossEntropy)?;
        let accuracy = 100.0 * test.accuracy.unwrap_or(f64::NAN);
        let found = losses.iter().map(|l| l.sample_at(&network.params(), &[]));
        let found: Vec<_> = found.collect::<std::result::Result<_, _>>()?;
        let cells = found.iter().map(|sample| format!("{:.5}", sample.loss));
        let cells = cells.collect::<Vec<_>>().join(" | ");
        println!("| {percent}% | {accuracy:.2}% | {cells} |");
    }
    Ok(())
}

/// 2. The plane through the three, on which they are at (0, 0), (1, 0) and (0, 1).
fn planes(
    out: &Output,
    networks: &[Params],
    losses: &[Trace],
    setting: &Setting,
) -> Result<Vec<Surface>> {
    let towards = |k: usize| Direction::between(&networks[0], &networks[k]);
    let plane = Plane::new(networks[0].clone(), vec![towards(1)?, towards(2)?])?;
    let axis = Axis::new(-0.5, 1.5, setting.points)?;
    let grid = Grid::new(vec![axis, axis])?;
    let mut surfaces = Vec::new();
    for (loss, percent) in losses.iter().zip(PERCENT) {
        let mut surface = Surface::new(grid.clone(), vec![]);
        Sampler::new().run(&loss.objective(&plane, &[])?, &mut surface, &mut [])?;
        export_surface(&surface, Format::Npz, &file(out.folder(), percent), true)?;
        let low = surface.losses().into_iter().filter(|loss| *loss < LEVEL);
        let share = 100.0 * low.count() as f64 / grid.len() as f64;
        println!("loss of {percent}% below {LEVEL}: {share:.1}% of the plane");
        surfaces.push(surface);
    }
    Ok(surfaces)
}

/// 3. How wide they are.
fn say_ways(networks: &[Params], losses: &[Trace], setting: &Setting) -> Result<()> {
    println!("| learned | length of the parameters | way in the loss of 100% | of 10% | of 1% |");
    println!("|---|---|---|---|---|");
    for (params, percent) in networks.iter().zip(PERCENT) {
        let ways = losses.iter().zip(setting.directions);
        let ways = ways.map(|(loss, directions)| way(loss, params, directions, setting));
        let ways: Vec<String> = ways.collect::<Result<_>>()?;
        let (length, ways) = (params.norm(), ways.join(" | "));
        println!("| way {percent}% | {length:.2} | {ways} |");
    }
    Ok(())
}

/// A network that has learned some images, from the start that all share.
fn learned(spec: &ModelSpec, data: &Dataset, setting: &Setting) -> Result<Network> {
    let batch = setting.batch.min(data.len());
    let config = TrainConfig {
        epochs: setting.steps.div_ceil(data.len().div_ceil(batch)),
        batch,
        optimizer: OptimizerKind::Adam,
        lr: 1e-3,
        every: setting.steps,
        ..TrainConfig::default()
    };
    let network = Network::init(spec, 18, &Device::flex());
    let mut quiet = |_: Record| ControlFlow::Continue(());
    let report = train(network, data, LossKind::CrossEntropy, &config, &mut quiet)?;
    Ok(report.network)
}

/// How far random directions lead before the loss is at [`LEVEL`]: mean and standard error, or nothing where the network is not a
/// minimum of the loss.
fn way(loss: &Trace, params: &Params, directions: u64, setting: &Setting) -> Result<String> {
    if loss.sample_at(params, &[])?.loss >= LEVEL {
        return Ok("none".into());
    }
    let grid = Grid::new(vec![Axis::new(0.0, setting.reach, setting.along)?])?;
    let mut ways = Vec::new();
    for stream in 0..directions {
        let plane = Plane::new(params.clone(), vec![random(params, stream)?])?;
        let mut line = Surface::new(grid.clone(), vec![]);
        Sampler::new().run(&loss.objective(&plane, &[])?, &mut line, &mut [])?;
        ways.push(crossing(&line).unwrap_or(setting.reach));
    }
    let (mean, error) = mean_and_error(&ways);
    Ok(format!("{mean:.3} +- {error:.3}"))
}

/// A random direction of length 1 in all parameters, the same for all networks.
fn random(params: &Params, stream: u64) -> Result<Direction> {
    let drawn = Direction::random(params, Distribution::Gaussian, 18, stream);
    let norm = drawn.norm() as f32;
    let mut tensors = drawn.tensors.into_inner();
    for tensor in &mut tensors {
        tensor.data.iter_mut().for_each(|x| *x /= norm);
    }
    let source = Source::Custom("random, of length 1".into());
    Ok(Direction::from_tensors(
        Params::new(tensors)?,
        params,
        source,
    )?)
}

/// The first place on a line at which the loss is at [`LEVEL`], between points in a straight line.
fn crossing(line: &Surface) -> Option<f64> {
    let (losses, axis) = (line.losses(), &line.grid().axes()[0]);
    let after = losses.iter().position(|loss| *loss >= LEVEL)?;
    let (low, high) = (losses[after.checked_sub(1)?], losses[after]);
    let part = (LEVEL - low) / (high - low);
    Some(axis.value(after - 1) + part * axis.step())
}

/// One logarithmic scale for all planes, and where the networks are.
fn look(surfaces: &[Surface]) -> Options {
    let network = |percent: usize, at| PlacedNetwork {
        name: format!("learned {percent}%"),
        at,
    };
    let options = Options {
        scale: Scale::Log,
        style: Style::of(Size::Double),
        origin: Some("learned all of the data".into()),
        networks: vec![network(10, [1.0, 0.0, 0.0]), network(1, [0.0, 1.0, 0.0])],
        axes: [
            Some("towards the network of 10%".into()),
            Some("towards that of 1%".into()),
            None,
        ],
        ..Options::default()
    };
    options.share(&surfaces.iter().collect::<Vec<_>>())
}
