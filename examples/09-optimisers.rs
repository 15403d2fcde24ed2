//! # Lesson 9: optimisers side by side
//!
//! SGD, SGD with momentum, and Adam leave the same initial weights of a 784-20-10 network, see the
//! same images in the same order, and go their own ways.
//!
//! You learn
//!
//! - how several trainings become one study, and their paths one picture: the plane of their joint
//!   principal components through the start that they share;
//! - that the loss they end with is one number, and where they end another: the curvature there,
//!   and the surface around it on the same kind of plane for all;
//! - what such a table does not say: the learning rates are not tuned, and sharpness in units of
//!   the weights does not compare networks whose weights differ in size.
//!
//! ```sh
//! cargo run --release --example 09-optimisers [FOLDER]
//! ```

mod common;

use common::Output;
use loss_landscape::core::{Cancel, Fidelity, Origin, PathOptions};
use loss_landscape::models::{LossKind, ModelSpec, OptimizerKind, Split, TrainConfig, load};
use loss_landscape::plot::{
    LossCurve, Options, PanelOf, PathOnPlane, Scale, Size, Style, losses, side_by_side,
    trajectories,
};
use loss_landscape::study::compare::{
    Base, Paths, Row, Study, TableOptions, Trained, joint_plane, markdown,
};
use std::error::Error;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let out = Output::of("09-optimisers")?;

    // 1. The same network, data, batches and seed; each optimiser with a rate that is usual for it.
    let base = Base {
        model: "mlp:784-20-10".parse::<ModelSpec>()?.into(),
        data: load(
            &"mnist-1k:pixels=standard".parse()?,
            None,
            Split::Train,
            None,
        )?,
        loss: LossKind::CrossEntropy,
        init: Default::default(),
        config: TrainConfig {
            epochs: 15,
            every: 4,
            ..TrainConfig::default()
        },
        initial: None,
    };
    let rates = [
        (OptimizerKind::Sgd, 0.05),
        (OptimizerKind::Momentum, 0.01),
        (OptimizerKind::Adam, 0.001),
    ];
    let study = Study::optimizers(base, &rates)?;
    let paths = Paths::default();
    let trained = study.train(0, &paths)?;

    // 2. One plane through the start that all share, and the loss on it.
    let begin = Instant::now();
    let options = PathOptions {
        origin: Origin::First,
        ..PathOptions::default()
    };
    let paths = joint_plane(&trained, &paths.into_inner(), &options)?;
    let grid = paths.grid(&[51, 51], 0.15)?;
    let model = &trained[0].model;
    let surface = study.sample(model, &paths.plane, &grid, 0, &Cancel::new())?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("joint plane of 51x51 points: {seconds:.2} s after training");
    let share = &paths.pca.explained_variance_ratio;
    println!("explained variance: {:.3} + {:.3}", share[0], share[1]);

    // 3. How far to trust the picture: each path's distance from the plane, and the loss there.
    for (one, path) in trained.iter().zip(&paths.trajectories) {
        let mut path = path.clone();
        path.interpolate_plane_loss(&surface);
        let fidelity = Fidelity::of(&path);
        println!(
            "{}: off the plane by {:.2} of its way, losses disagree by {:.2} of their range",
            one.label,
            fidelity.off_plane.unwrap_or(f64::NAN),
            fidelity.disagreement.unwrap_or(f64::NAN)
        );
    }

    // 4. The table: what they came to, and what it looks like there.
    let rows = study.table(&trained, &TableOptions::default())?;
    println!("{}", markdown(&rows));

    // 5. Pictures: the paths on their plane, the losses, the surfaces around the ends on one scale.
    let named = trained.iter().zip(&paths.trajectories);
    let named: Vec<PathOnPlane> = named
        .map(|(one, trajectory)| PathOnPlane {
            name: &one.label,
            trajectory,
        })
        .collect();
    let log = Options {
        scale: Scale::Log,
        ..Options::default()
    };
    let on_axes = log.clone().directions(paths.directions());
    out.figure("paths", trajectories(&surface, &named, &on_axes)?)?;
    let curves: Vec<LossCurve> = trained.iter().map(curve).collect();
    let mut by_epoch = log.clone();
    by_epoch.axes[0] = Some("epoch".into());
    out.figure("losses", losses(&curves, &by_epoch)?)?;
    let lettered = rows.iter().zip('a'..='z');
    let titles = lettered.map(|(row, letter)| format!("({letter}) {}", row.label));
    let titles: Vec<String> = titles.collect();
    let panels: Vec<PanelOf> = rows.iter().zip(&titles).filter_map(panel).collect();
    let page = Options {
        style: Style::of(Size::Double),
        axes: [1, 2, 3].map(|k| Some(format!("direction {k} (filter-normalised)"))),
        ..log
    };
    out.figure("ends", side_by_side(&panels, &page)?)
}

fn curve(one: &Trained) -> LossCurve {
    LossCurve {
        name: one.label.clone(),
        steps: one.records.iter().map(|r| r.epoch).collect(),
        losses: one.records.iter().filter_map(|r| r.loss).collect(),
        accuracies: one.records.iter().filter_map(|r| r.accuracy).collect(),
    }
}

/// The surface around an end; a training that diverged has none.
fn panel<'a>((row, title): (&'a Row, &'a String)) -> Option<PanelOf<'a>> {
    Some(PanelOf {
        title,
        surface: row.surface.as_ref()?,
        paths: &[],
    })
}
