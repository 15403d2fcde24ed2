//! Trainings and landscapes side by side.

mod figures;
mod related;
mod report;
mod study;
mod surfaces;

use super::plot::may_draw;
use crate::args::{CompareArgs, grid_request, no_effect};
use crate::error::CliError;
use crate::inputs::{open_store, read_store};
use crate::interrupt::Interrupt;
use crate::output::{Console, Typed};
use landscape_storage::{Run, RunKind, Store};
use landscape_study::compare::{Compared, ComparisonRequest, Factor, follow};
use landscape_study::directions::{check_drawable, is_drawable};
use landscape_study::files::{distinct, may_store};
use landscape_study::memory::plan_grid;
use landscape_study::record::{ProblemSettings, Settings};

/// Trains what is to be compared, or takes stored runs, and puts them side by side.
pub fn compare(args: &CompareArgs, console: &Console) -> Result<(), CliError> {
    // Wrong counts and files are found before any work.
    let drawn = !args.output.is_empty();
    for counts in [&args.grid, &args.end_grid] {
        let grid = grid_request(Some(counts), None).of(2)?;
        plan_grid(&grid, 0, console)?;
        if drawn {
            check_drawable(&grid)?;
        }
    }
    args.eval.request().targets()?;
    for path in &args.output {
        may_draw(path, args.store.force)?;
    }
    distinct(&args.output)?;
    match args.runs.len() {
        0 => studied(args, console),
        1 => Err(CliError::Conflict {
            what: format!(
                "one run, `{}`, cannot be compared with itself",
                args.runs[0]
            ),
            remedy: "name two or more runs; `landscape runs` lists them".to_owned(),
        }),
        _ => stored(args, console),
    }
}

/// Variants of one network.
fn studied(args: &CompareArgs, console: &Console) -> Result<(), CliError> {
    may_store(&args.store.db.db)?;
    let plan = study::Plan::new(args, console)?;
    for output in &args.output {
        figures::may_draw_all(output, plan.variants(), args.store.force)?;
    }
    Interrupt::listen();
    let store = open_store(&args.store.db.db, console)?;
    let compared = plan.train(&store, console)?;
    side_by_side(
        &plan.name,
        Some(plan.factor()),
        &compared,
        args,
        &store,
        console,
    )
}

/// Stored runs, all trainings or all landscapes.
fn stored(args: &CompareArgs, console: &Console) -> Result<(), CliError> {
    let store = read_store(&args.store.db.db, console)?;
    let runs = load(args, &store)?;
    if runs.iter().all(|run| run.kind != RunKind::Train) {
        check_landscapes(args)?;
        return surfaces::surfaces(&runs, args, &store, console);
    }
    comparable(&runs)?;
    if args.tolerance.is_some() {
        return Err(CliError::Conflict {
            what: "--tolerance compares landscapes, and these are trainings".to_owned(),
            remedy: "leave it out, or name runs of kind surface".to_owned(),
        });
    }
    for output in &args.output {
        figures::may_draw_all(output, runs.len(), args.store.force)?;
    }
    Interrupt::listen();
    let store = open_store(&args.store.db.db, console)?;
    let name = args.store.name.clone();
    let name = name.unwrap_or_else(|| args.runs.join("-"));
    let compared = runs.into_iter().map(Compared::stored).collect::<Vec<_>>();
    side_by_side(&name, None, &compared, args, &store, console)
}

/// Refuses what belongs to trainings, where landscapes are compared as they are stored.
fn check_landscapes(args: &CompareArgs) -> Result<(), CliError> {
    let trainings = [
        "grid",
        "end_grid",
        "no_curvature",
        "device",
        "threads",
        "name",
    ];
    let why = "the runs that are named are landscapes, which are compared as they are stored; it belongs to trainings";
    if args.output.is_empty() && args.given.has("force") {
        return Err(no_effect("force", "nothing is written", Some("-o FILE")));
    }
    let found = trainings.into_iter().find(|id| args.given.has(id));
    found.map_or(Ok(()), |id| Err(no_effect(id, why, None)))
}

/// The runs that are named, each once.
fn load(args: &CompareArgs, store: &Store) -> Result<Vec<Run>, CliError> {
    let mut runs: Vec<Run> = Vec::new();
    for name in &args.runs {
        let run = store.find(name)?;
        if runs.iter().any(|other| other.id == run.id) {
            return Err(CliError::Conflict {
                what: format!("run `{}` is named twice", run.name),
                remedy: "name every run once".to_owned(),
            });
        }
        runs.push(run);
    }
    Ok(runs)
}

/// Whether trainings can be held against each other: they are trainings, on the same data, with the
/// same loss.
fn comparable(runs: &[Run]) -> Result<(), CliError> {
    let first = &runs[0];
    if let Some(other) = runs.iter().find(|run| run.kind != first.kind) {
        return Err(CliError::Conflict {
            what: format!(
                "`{}` is a {} and `{}` is a {}: they have nothing to compare",
                first.name, first.kind, other.name, other.kind
            ),
            remedy: "name trainings alone, or landscapes alone; `landscape runs` lists them"
                .to_owned(),
        });
    }
    let all: Vec<ProblemSettings> = { runs.iter() }
        .map(|run| Settings::of(run).problem().clone())
        .collect();
    let data = |of: &ProblemSettings| of.data.as_ref().map(|data| data.sha256.clone());
    let loss = |of: &ProblemSettings| of.loss.clone();
    let differs = |what: &str, of: &dyn Fn(&ProblemSettings) -> Option<String>| {
        let other = all.iter().position(|settings| of(settings) != of(&all[0]));
        let other = other.map(|place| &runs[place]);
        other.map(|other| CliError::Conflict {
            what: format!(
                "`{}` and `{}` were trained {what}: their losses cannot be compared",
                first.name, other.name
            ),
            remedy: "compare surfaces of both on the same data: landscape surface --run NAME --data SPEC"
                .to_owned(),
        })
    };
    let error = differs("on other data", &data).or_else(|| differs("with other losses", &loss));
    error.map_or(Ok(()), Err)
}

fn side_by_side(
    name: &str,
    factor: Option<Factor>,
    compared: &[Compared],
    args: &CompareArgs,
    store: &Store,
    console: &Console,
) -> Result<(), CliError> {
    let request = ComparisonRequest {
        name: name.to_owned(),
        factor,
        counts: args.grid.0.clone(),
        end_counts: args.end_grid.0.clone(),
        curvature: !args.no_curvature,
        evaluation: args.eval.request(),
        keep: args.store.keep(console.command()),
    };
    let followed = follow(&request, compared, store, console)?;
    let files = figures::draw_all(&followed, args, store, console)?;
    report::print(&followed, factor, &files, console)?;
    let mut next = Vec::new();
    if let Some(plane) = { followed.plane.iter() }.find(|plane| is_drawable(plane.surface.grid())) {
        next.push(Typed::plot(&plane.run.name, "html").flag("--log"));
    }
    if let Some(first) = followed.rows.first() {
        next.push(Typed::new("show").name(&first.run.name));
        let metrics = |end| Typed::new("metrics").name(end);
        next.extend(first.end.as_ref().map(metrics));
    }
    let db = &args.store.db;
    let next: Vec<Typed> = next.into_iter().map(|typed| typed.db(&db.db)).collect();
    console.next(&next);
    Ok(())
}
