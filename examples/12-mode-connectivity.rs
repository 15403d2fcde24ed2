//! # Lesson 12: are two minima connected?
//!
//! Two 784-64-10 networks that started from different seeds both learn 1,000 digits. Between them
//! lies a barrier, or so the straight line says.
//!
//! You learn
//!
//! - what the straight line shows, and what its barrier is measured from;
//! - that much of the barrier is a matter of names: hidden units of one network put in the order of
//!   the other's, by their weights or by what they do on the data, are the same function and lie much
//!   nearer;
//! - that a curve found by training passes around the rest: a Bézier curve with one control point,
//!   and a chain of two straight pieces;
//! - how the plane through both minima and the control point shows the path around.
//!
//! ```sh
//! cargo run --release --example 12-mode-connectivity [FOLDER]
//! ```

mod common;

use burn::tensor::Device;
use common::Output;
use loss_landscape::core::{
    Axis, Curve, CurveKind, Grid, Objective, Params, Sampler, Surface, Trajectory, ranges,
};
use loss_landscape::models::{
    LossKind, ModelSpec, Network, OptimizerKind, Record, Split, TrainConfig, load, train,
};
use loss_landscape::plot::{self, Options, PathOnPlane, PlacedNetwork, Scale, trajectories};
use loss_landscape::study::connect::{
    CurveConfig, CurveStep, EvaluationContext, LossProfile, Matching, train_curve, trajectory_on,
};
use std::error::Error;
use std::ops::ControlFlow;

/// Points that are measured on each path.
const POINTS: usize = 61;

fn main() -> Result<(), Box<dyn Error>> {
    let out = Output::of("12-mode-connectivity")?;

    // 1. Two networks of one kind, from two seeds.
    let spec: ModelSpec = "mlp:784-64-10".parse()?;
    let data = load(&"mnist-1k".parse()?, None, Split::Train, None)?;
    let context = EvaluationContext::new(&spec, data, LossKind::CrossEntropy)?;
    let (a, b) = (trained(&context, 1)?, trained(&context, 2)?);

    // 2. The straight line between them.
    let line = context.line(&a, &b, POINTS)?;
    let mut found = vec![("straight line", line.clone())];

    // 3. The same line after the units of b were put in the order of a's. The function of b is what it was.
    for (name, by) in [
        ("aligned by weights", Matching::Weights),
        ("aligned by activations", Matching::Activations),
    ] {
        let aligned = context.align(&a, &b, by, 0)?;
        found.push((name, context.line(&a, &aligned.params, POINTS)?));
    }

    // 4. Paths around, between the networks as they were trained.
    let bezier = curve(&context, &a, &b, CurveKind::Bezier)?;
    let chain = curve(&context, &a, &b, CurveKind::Chain)?;
    let around = context.profile(&bezier, POINTS)?;
    found.push(("Bézier curve", around.clone()));
    found.push(("chain", context.profile(&chain, POINTS)?));

    // 5. What they come to.
    for (name, profile) in &found {
        let barrier = profile.barrier().ok_or("a loss is not a number")?;
        let highest = profile.losses().into_iter().fold(0.0, f64::max);
        println!(
            "{name}: barrier {:.4}, highest loss {highest:.4}, length {:.2}",
            barrier.height, profile.length
        );
    }
    let drawn = found.iter().map(|(name, profile)| drawn(name, profile));
    let figure = plot::loss_profiles(&drawn.collect::<Vec<_>>(), &Options::default())?;
    out.figure("paths", figure)?;

    // 6. The plane through both networks and the control point of the Bézier curve.
    let shown = bezier.plane()?;
    let straight = Curve::straight(CurveKind::Chain, &a, &b, 0)?;
    let paths = [
        trajectory_on(&shown.plane, &straight, &line)?,
        trajectory_on(&shown.plane, &bezier, &around)?,
    ];
    let objective = context
        .between()?
        .objective(&shown.plane, context.targets())?;
    let surface = sampled(&objective, &paths, shown.marks[1])?;
    let named: Vec<PathOnPlane> = ["straight line", "Bézier curve"]
        .into_iter()
        .zip(&paths)
        .map(|(name, trajectory)| PathOnPlane { name, trajectory })
        .collect();
    let options = Options {
        scale: Scale::Log,
        axes: [
            Some("from network to network".into()),
            Some("towards the control point".into()),
            None,
        ],
        networks: vec![PlacedNetwork {
            name: "control point".into(),
            at: [shown.marks[1][0], shown.marks[1][1], 0.0],
        }],
        training: false,
        ..Options::default()
    };
    out.figure("plane", trajectories(&surface, &named, &options)?)
}

/// A network that has learnt the digits.
fn trained(context: &EvaluationContext, seed: u64) -> Result<Params, Box<dyn Error>> {
    let network = Network::init(context.model().family()?, seed, &Device::flex());
    let config = TrainConfig {
        epochs: 20,
        optimizer: OptimizerKind::Momentum,
        lr: 0.05,
        seed,
        ..TrainConfig::default()
    };
    let mut quiet = |_: Record| ControlFlow::Continue(());
    let report = train(network, context.data(), context.loss(), &config, &mut quiet)?;
    println!("seed {seed}: loss {:.4}", report.last.loss);
    Ok(report.network.params())
}

/// A curve of low loss with one inner control point.
fn curve(
    context: &EvaluationContext,
    a: &Params,
    b: &Params,
    kind: CurveKind,
) -> Result<Curve, Box<dyn Error>> {
    let config = CurveConfig {
        kind,
        ..CurveConfig::default()
    };
    let mut quiet = |_: CurveStep| ControlFlow::Continue(());
    Ok(train_curve(context, a, b, &config, &mut quiet)?.curve)
}

/// A path as figures take it.
fn drawn(name: &str, profile: &LossProfile) -> plot::LossProfile {
    plot::LossProfile {
        name: name.to_owned(),
        t: profile.t(),
        loss: profile.losses(),
    }
}

/// The plane around paths and the control point.
fn sampled(
    objective: &dyn Objective,
    paths: &[Trajectory],
    bend: [f64; 2],
) -> Result<Surface, Box<dyn Error>> {
    let around = ranges(paths, 2, 0.25);
    let axes = [(around[0], bend[0]), (around[1], 1.2 * bend[1])]
        .map(|((low, high), bend)| Axis::new(low.min(bend), high.max(bend), 51));
    let [x, y] = axes;
    let mut surface = Surface::new(Grid::new(vec![x?, y?])?, Vec::new());
    Sampler::new().run(objective, &mut surface, &mut [])?;
    Ok(surface)
}
