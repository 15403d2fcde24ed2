//! # Lesson 17: fine-tunings of one network
//!
//! A network that has learnt digits from 200 images is tuned twice, each time on 300 others. Both tunings stay in one basin: the
//! line between them has no barrier, and their average, a 'soup', has a lower loss than both on images that none of them has seen
//! (Wortsman et al. 2022, arXiv:2203.05482). A network from another seed, trained on the images of the first tuning, is behind a
//! barrier, and its average with that tuning is worse than either. A third tuning trains low-rank adapters alone (LoRA; Hu et al.
//! 2021).
//!
//! You learn
//!
//! - how a plane goes through three networks, and where their average is on it;
//! - how wide the basins around base and tuned network are, and that the error is small although that of each loss is large: all
//!   points of a line are measured on the same images;
//! - how adapters become parameters of their own, with the weights below them fixed, and what they reach with seven percent of the
//!   parameters.
//!
//! ```sh
//! cargo run --release --example 17-fine-tuning [FOLDER [STEPS]]
//! ```

mod common;

use burn::tensor::Device;
use common::Output;
use loss_landscape::core::{
    Axis, Direction, Grid, Parameter, Params, Plane, Rise, Rng, Role, Sampler, Surface, Value,
    width_of_groups,
};
use loss_landscape::models::{
    Adapters, Dataset, LossKind, ModelSpec, Network, Split, Targets, load, trace_network,
};
use loss_landscape::plot::{self, LossProfile, Options, PlacedNetwork};
use loss_landscape::study::connect::{EvaluationContext, Soup};
use loss_landscape::trace::{LowRank, Target, Trace};
use std::error::Error;
use std::ops::Range;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const MODEL: &str = "mlp:784-64-10";
/// Images of the base, of both tunings, and those that none has seen.
const PARTS: [Range<usize>; 4] = [0..200, 200..500, 500..800, 800..1000];
/// Steps of gradient descent with all images of a part.
const STEPS: usize = 30;
const RATE: f64 = 0.05;
const MOMENTUM: f64 = 0.9;
/// Of the unseen images, for the errors of widths.
const GROUPS: usize = 10;
/// Of the adapters.
const RANK: usize = 4;
const SCALE: f64 = 2.0;
const LONGER: usize = 2;

fn main() -> Result<()> {
    let out = Output::of("17-fine-tuning")?;
    let steps = match std::env::args().nth(2) {
        Some(steps) => steps.parse()?,
        None => STEPS,
    };

    // 1. A network, two fine-tunings of it, and one that starts elsewhere.
    let spec: ModelSpec = MODEL.parse()?;
    let whole = load(&"mnist-1k".parse()?, None, Split::Train, None)?;
    let [first, second, third, unseen] = PARTS.map(|part| images(&whole, part));
    let base = trained(&spec, &first?, initial(&spec, 1), steps)?;
    let second = second?;
    let a = trained(&spec, &second, base.clone(), steps)?;
    let b = trained(&spec, &third?, base.clone(), steps)?;
    let other = trained(&spec, &second, initial(&spec, 2), 2 * steps)?;
    let unseen = unseen?;
    let context = EvaluationContext::new(&spec, unseen.clone(), LossKind::CrossEntropy)?;
    say_loss("base", context.trace(), &base)?;

    // 2. Their averages, on images that none has seen.
    let named = |name: &str, params: &Params| (name.to_owned(), params.clone());
    let soup = context.soup(&[named("tuned a", &a), named("tuned b", &b)])?;
    say("soup of fine-tunings", &soup);
    let strange = context.soup(&[named("tuned a", &a), named("another seed", &other)])?;
    say("soup of strangers", &strange);

    // 3. What lies between them.
    let ways = [
        ("base to tuned a", &base, &a),
        ("tuned a to tuned b", &a, &b),
        ("tuned a to another seed", &a, &other),
    ];
    let mut profiles = Vec::new();
    for (name, from, to) in ways {
        let line = context.line(from, to, 61)?;
        let barrier = line.barrier().ok_or("a loss is not a number")?;
        println!(
            "{name}: barrier {:.4}, length {:.2}",
            barrier.height, line.length
        );
        profiles.push(LossProfile {
            name: name.to_owned(),
            t: line.t(),
            loss: line.losses(),
        });
    }
    out.figure(
        "lines",
        plot::loss_profiles(&profiles, &Options::default())?,
    )?;

    // 4. How wide the basins around base and tuned network are on the line through both, up to a rise of 0.1.
    let towards = Direction::between(&base, &a)?;
    let through = Plane::new(base.clone(), vec![towards.clone()])?;
    let groups = groups(&unseen, |part| traced(&spec, part, &base), &through)?;
    for (name, at) in [("base", 0.0), ("tuned a", 1.0)] {
        say_width(name, &groups, at);
    }

    // 5. The plane of the three, their average at (0.5, 0.5).
    let plane = Plane::new(base.clone(), vec![towards, Direction::between(&base, &b)?])?;
    let axis = Axis::new(-0.75, 1.75, 41)?;
    let surface = sampled(context.trace(), &plane, &[axis, axis])?;
    let marks = [
        ("tuned a", [1.0, 0.0, 0.0]),
        ("tuned b", [0.0, 1.0, 0.0]),
        ("soup", [0.5, 0.5, 0.0]),
    ];
    let options = Options {
        origin: Some("base".into()),
        axes: [
            Some("base to tuned a".into()),
            Some("base to tuned b".into()),
            None,
        ],
        networks: marks
            .map(|(name, at)| PlacedNetwork {
                name: name.into(),
                at,
            })
            .into(),
        ..Options::default()
    };
    out.figure("plane", plot::contour(&surface, &options)?)?;

    // 6. A tuning of low-rank adapters, on the images of the first: the weights below them are fixed.
    adapters(&spec, [&second, &unseen], &base, steps)
}

/// A part of the images.
fn images(of: &Dataset, part: Range<usize>) -> Result<Dataset> {
    let labels = of.y().integers().ok_or("images have labels")?;
    let pixels = of.features();
    let shape = [&[part.len()], &of.shape()[1..]].concat();
    let x = of.x()[part.start * pixels..part.end * pixels].to_vec();
    let y = Targets::Classes(labels[part].to_vec());
    Ok(Dataset::new("mnist-1k", shape, x, y)?)
}

fn initial(spec: &ModelSpec, seed: u64) -> Params {
    Network::init(spec, seed, &Device::flex()).params()
}

fn traced(spec: &ModelSpec, data: &Dataset, params: &Params) -> Result<Trace> {
    let network = Network::from_params(spec, params, &Device::flex())?;
    Ok(trace_network(&network, data, LossKind::CrossEntropy, &[])?)
}

fn trained(spec: &ModelSpec, data: &Dataset, from: Params, steps: usize) -> Result<Params> {
    descend(&traced(spec, data, &from)?, from, steps)
}

/// Gradient descent with momentum in what is free of the parameters, with all samples in each step.
fn descend(trace: &Trace, from: Params, steps: usize) -> Result<Params> {
    let curvature = trace.curvature(&from, &Target::default())?;
    let mut point = curvature.point().to_vec();
    let mut velocity = vec![0.0; point.len()];
    for _ in 0..steps {
        let gradient = curvature.gradient_at(&point)?.gradient;
        for ((x, v), g) in point.iter_mut().zip(&mut velocity).zip(gradient) {
            *v = MOMENTUM * *v - RATE * g;
            *x += *v;
        }
    }
    let point: Vec<f32> = point.into_iter().map(|x| x as f32).collect();
    Ok(from.unflatten(&point)?)
}

fn sampled(trace: &Trace, plane: &Plane, axes: &[Axis]) -> Result<Surface> {
    let objective = trace.objective(plane, &[])?;
    let mut surface = Surface::new(Grid::new(axes.to_vec())?, Vec::new());
    Sampler::new().run(&objective, &mut surface, &mut [])?;
    Ok(surface)
}

/// Adapters of all layers: `A` at random, `B` 0, so that they begin where the base is.
fn fresh(base: &Params) -> Result<Adapters> {
    let mut rng = Rng::new(3, 0);
    let mut adapters = Adapters::default();
    for weight in base.iter().filter(|tensor| tensor.shape.len() == 2) {
        let (outputs, inputs) = (weight.shape[0], weight.shape[1]);
        let layer = weight.name.trim_end_matches(".weight");
        let factors = ["A", "B"].map(|factor| format!("{layer}.lora_{factor}.weight"));
        let spread = 1.0 / (inputs as f64).sqrt();
        let random = (0..RANK * inputs).map(|_| (spread * rng.normal()) as f32);
        let [a, b] = factors.clone();
        let zeros = vec![0.0; outputs * RANK];
        adapters.factors.extend([
            Parameter::new(a, [RANK, inputs], random.collect(), Role::Weight)?,
            Parameter::new(b, [outputs, RANK], zeros, Role::Weight)?,
        ]);
        adapters.list.push(LowRank {
            weight: weight.name.clone(),
            factors,
            rank: RANK,
            scale: SCALE,
            across: false,
        });
    }
    Ok(adapters)
}

fn adapters(
    spec: &ModelSpec,
    [data, unseen]: [&Dataset; 2],
    base: &Params,
    steps: usize,
) -> Result<()> {
    let adapters = fresh(base)?;
    let adapted = |data: &Dataset| -> Result<Trace> {
        Ok(traced(spec, data, base)?.with_low_rank(&adapters.list)?)
    };
    let fixed = base.iter().cloned().map(|tensor| Parameter {
        fixed: true,
        ..tensor
    });
    let start = adapters.beside(Params::new(fixed.collect())?)?;
    // B is 0 at first, and no change of A is felt: it takes longer.
    let tuned = descend(&adapted(data)?, start.clone(), LONGER * steps)?;
    println!("adapters: {} of {} parameters", start.numel(), base.numel());
    say_loss("adapters", &adapted(unseen)?, &tuned)?;
    // Merged, it is the same network.
    let merged = adapters.merged(&tuned);
    say_loss("merged", &traced(spec, unseen, base)?, &merged)?;
    // In the trainable subspace: the way leads through the factors.
    let way = Plane::new(start.clone(), vec![Direction::between(&start, &tuned)?])?;
    say_width("adapters", &groups(unseen, adapted, &way)?, 1.0);
    Ok(())
}

/// A line's losses on each group of images.
fn groups(
    of: &Dataset,
    traced: impl Fn(&Dataset) -> Result<Trace>,
    line: &Plane,
) -> Result<Vec<(usize, Surface)>> {
    let size = of.len() / GROUPS;
    let groups = (0..GROUPS).map(|group| {
        let part = images(of, group * size..(group + 1) * size)?;
        let losses = sampled(&traced(&part)?, line, &[Axis::new(-3.0, 4.0, 281)?])?;
        Ok((size, losses))
    });
    groups.collect()
}

fn say(name: &str, soup: &Soup) {
    println!("{name}:\n{soup}");
    let best = soup.ingredients.iter().map(|one| one.measured.loss);
    let best = best.fold(f64::INFINITY, f64::min);
    println!(
        "{name}, over its best part: {:.4}",
        soup.uniform.loss - best
    );
}

fn say_loss(name: &str, trace: &Trace, params: &Params) -> Result<()> {
    let found = trace.sample_at(params, &[])?;
    let right = 100.0 * found.accuracy.unwrap_or(f64::NAN);
    println!("{name}: loss {:.4}, {right:.1}% right", found.loss);
    Ok(())
}

/// How far the loss stays below a rise of 0.1 around a network on a line.
fn say_width(name: &str, groups: &[(usize, Surface)], at: f64) {
    let found = width_of_groups(groups, Value::Loss, at, Rise::Absolute(0.1));
    match found.and_then(|found| found.width) {
        Some(both) => println!("width around {name}: {both}"),
        None => println!("width around {name}: beyond the line"),
    }
}
