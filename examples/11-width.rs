//! # Lesson 11: width
//!
//! Wide networks are said to have smooth surfaces and to find low losses from any start. Three
//! perceptrons 2-h-h-1 with h = 2, 8 and 32 learn two half moons.
//!
//! You learn
//!
//! - that networks of different sizes share no plane: each gets one of its own, drawn in the same
//!   way, with directions as long as its own weights, filter by filter;
//! - that pictures are compared on one scale of colours;
//! - what the numbers beside them say, and that one start of each width is an anecdote: ask lesson
//!   10 for ten of them.
//!
//! ```sh
//! cargo run --release --example 11-width [FOLDER]
//! ```

mod common;

use common::Output;
use loss_landscape::core::{Grid, Surface};
use loss_landscape::models::{LossKind, ModelSpec, Split, TrainConfig, load};
use loss_landscape::plot::page::{PageData, PageRun};
use loss_landscape::plot::{LossCurve, Options, PanelOf, Scale, Size, Style, losses, side_by_side};
use loss_landscape::study::compare::{
    Base, Row, Study, TableOptions, Trained, Unobserved, markdown,
};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let out = Output::of("11-width")?;

    // 1. The hidden layers of the base get 2, 8 and 32 units; all else is the same.
    let base = Base {
        model: "mlp:2-8-8-1".parse::<ModelSpec>()?.into(),
        data: load(
            &"moons:n=200,noise=0.2,seed=42".parse()?,
            None,
            Split::Train,
            None,
        )?,
        loss: LossKind::BceWithLogits,
        init: Default::default(),
        config: TrainConfig {
            epochs: 200,
            batch: 32,
            lr: 0.1,
            ..TrainConfig::default()
        },
        initial: None,
    };
    let study = Study::widths(base, &[2, 8, 32])?;
    let trained = study.train(0, &Unobserved)?;

    // 2. The same kind of plane around each end, curvature there, and all of it in a table.
    let options = TableOptions {
        grid: Grid::square(41, 1.0, 2)?,
        ..TableOptions::default()
    };
    let rows = study.table(&trained, &options)?;
    println!("{}", markdown(&rows));

    // 3. Side by side, on one scale.
    let log = Options {
        scale: Scale::Log,
        ..Options::default()
    };
    let shown = rows.into_iter().zip('a'..='z').filter_map(titled);
    let shown: Vec<(String, Surface)> = shown.collect();
    let panels: Vec<PanelOf> = { shown.iter() }
        .map(|(title, surface)| PanelOf {
            title,
            surface,
            paths: &[],
        })
        .collect();
    let page = Options {
        style: Style::of(Size::Double),
        origin: Some("trained point".into()),
        axes: [1, 2, 3].map(|k| Some(format!("direction {k} (filter-normalised)"))),
        ..log.clone()
    };
    out.figure("widths", side_by_side(&panels, &page)?)?;
    let curves: Vec<LossCurve> = trained.iter().map(curve).collect();
    let mut by_epoch = log;
    by_epoch.axes[0] = Some("epoch".into());
    out.figure("losses", losses(&curves, &by_epoch)?)?;

    // 4. The same to turn around.
    let runs = shown.into_iter();
    let runs = runs.map(|(title, surface)| PageRun::new(title, surface));
    out.page(&PageData::new("Width", runs.collect()))
}

fn curve(one: &Trained) -> LossCurve {
    LossCurve {
        name: one.label.clone(),
        steps: one.records.iter().map(|r| r.epoch).collect(),
        losses: one.records.iter().filter_map(|r| r.loss).collect(),
        accuracies: vec![],
    }
}

/// The surface around an end, with a letter and what it is called; a training that diverged has none.
fn titled((row, letter): (Row, char)) -> Option<(String, Surface)> {
    let title = format!("({letter}) {} ({})", row.label, row.model);
    Some((title, row.surface?))
}
