//! # Lesson 10: ten initialisations
//!
//! One network, one data set, one optimiser; only the seed differs, which draws the initial weights
//! and the order of the samples. How much of a result is luck?
//!
//! You learn
//!
//! - how to train a study of several networks at once, and that its results do not depend on the
//!   number of threads;
//! - how ten paths look on the plane of their joint principal components, and why such a plane
//!   explains much less than that of one path: ten starts at random are nearly at right angles to
//!   each other;
//! - to say of final losses what belongs to them: their spread, and how many got stuck.
//!
//! ```sh
//! cargo run --release --example 10-ten-initialisations [FOLDER]
//! ```

mod common;

use common::Output;
use loss_landscape::core::{Cancel, Origin, PathOptions};
use loss_landscape::models::{LossKind, ModelSpec, Split, TrainConfig, load};
use loss_landscape::plot::{
    LossCurve, Options, PathOnPlane, Scale, Size, Style, losses, trajectories,
};
use loss_landscape::study::compare::{Base, Paths, Statistics, Study, Trained, joint_plane};
use std::error::Error;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let out = Output::of("10-ten-initialisations")?;

    // 1. What all have in common, and the seeds 0 to 9. Everything is checked here.
    let base = Base {
        model: "mlp:2-8-4-1".parse::<ModelSpec>()?.into(),
        data: load(
            &"moons:n=200,noise=0.2,seed=42".parse()?,
            None,
            Split::Train,
            None,
        )?,
        loss: LossKind::BceWithLogits,
        init: Default::default(),
        config: TrainConfig {
            epochs: 100,
            batch: 32,
            lr: 0.1,
            ..TrainConfig::default()
        },
        initial: None,
    };
    let study = Study::seeds(base, 0..10)?;

    // 2. Train them, one network a thread on all cores; a checkpoint an epoch.
    let paths = Paths::default();
    let trained = study.train(0, &paths)?;
    let training = begin.elapsed().as_secs_f64();

    // 3. Final losses. A mean without a spread would say nothing.
    for one in &trained {
        let (last, accuracy) = (&one.last, one.last.accuracy.unwrap_or(f64::NAN));
        println!(
            "{}: loss {:.4}, accuracy {accuracy:.3}",
            one.label, last.loss
        );
    }
    let s = Statistics::of(&trained);
    println!(
        "final loss: mean {:.4}, deviation {:.4}, standard error {:.4}",
        s.mean, s.std, s.standard_error
    );
    println!(
        "final loss: min {:.4}, median {:.4}, max {:.4}",
        s.min, s.median, s.max
    );
    println!("diverged: {}, stuck: {}", s.diverged, s.stuck);

    // 4. One plane for all paths, through the mean of all checkpoints.
    let options = PathOptions {
        origin: Origin::Mean,
        ..PathOptions::default()
    };
    let paths = joint_plane(&trained, &paths.into_inner(), &options)?;
    let share = &paths.pca.explained_variance_ratio;
    println!("explained variance: {:.3} + {:.3}", share[0], share[1]);

    // 5. The surface on that plane. The networks lie beside it, each in directions of its own, so
    //    that what is low here need not be where they ended.
    let grid = paths.grid(&[30, 30], 0.15)?;
    let model = &trained[0].model;
    let surface = study.sample(model, &paths.plane, &grid, 0, &Cancel::new())?;

    // 6. Pictures.
    let curves: Vec<LossCurve> = trained.iter().map(curve).collect();
    let mut by_epoch = Options {
        scale: Scale::Log,
        ..Options::default()
    };
    by_epoch.axes[0] = Some("epoch".into());
    out.figure("losses", losses(&curves, &by_epoch)?)?;
    let named = trained.iter().zip(&paths.trajectories);
    let named: Vec<PathOnPlane> = named
        .map(|(one, trajectory)| PathOnPlane {
            name: &one.label,
            trajectory,
        })
        .collect();
    let mut on_axes = Options {
        scale: Scale::Log,
        style: Style::of(Size::Double),
        ..Options::default()
    }
    .directions(paths.directions());
    on_axes.origin = Some("mean of all checkpoints".into());
    out.figure("paths", trajectories(&surface, &named, &on_axes)?)?;

    let all = begin.elapsed().as_secs_f64();
    println!("time: {all:.2} s, of which training {training:.2} s");
    Ok(())
}

fn curve(one: &Trained) -> LossCurve {
    LossCurve {
        name: one.label.clone(),
        steps: one.records.iter().map(|r| r.epoch).collect(),
        losses: one.records.iter().filter_map(|r| r.loss).collect(),
        accuracies: vec![],
    }
}
