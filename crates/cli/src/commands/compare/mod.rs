//! Trainings and landscapes side by side.

mod report;
mod surfaces;

use crate::args::{CompareArgs, no_effect};
use crate::error::CliError;
use crate::inputs::{open_store, read_store, stored_before};
use crate::interrupt::Interrupt;
use crate::output::{self, Console, Typed};
use landscape_storage::Store;
use landscape_study::compare::{Compared, ComparisonRequest, Factor, Selection, Sweep, follow};
use landscape_study::device::DeviceName;
use landscape_study::directions::{GridRequest, check_drawable, is_drawable};
use landscape_study::figures::FigureFiles;
use landscape_study::files::{distinct, may_store};
use landscape_study::memory::plan_grid;

/// Trains what is to be compared, or takes stored runs, and puts them side by side.
pub fn compare(args: &CompareArgs, console: &Console) -> Result<(), CliError> {
    // Wrong counts and files are found before any work.
    let drawn = !args.output.is_empty();
    for counts in [&args.grid, &args.end_grid] {
        let grid = GridRequest::counts(&counts.0).of(2)?;
        plan_grid(&grid, 0, console)?;
        if drawn {
            check_drawable(&grid)?;
        }
    }
    args.eval.request().targets()?;
    files(args).check()?;
    distinct(&args.output)?;
    match args.runs.len() {
        0 => swept(args, console),
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

/// What is drawn.
fn files(args: &CompareArgs) -> FigureFiles {
    FigureFiles {
        output: args.output.clone(),
        log: args.log,
        replace: args.store.force,
    }
}

/// Variants of one network.
fn swept(args: &CompareArgs, console: &Console) -> Result<(), CliError> {
    if !args.dry_run {
        may_store(&args.store.db.db)?;
    }
    let sweep = Sweep::prepare(&args.request(console.command())?, console)?;
    let host = [DeviceName::Cpu, DeviceName::Flex];
    if !args.eval.device.iter().all(|name| host.contains(name)) {
        console.note(
            "networks are trained on the CPU; losses and curvature are evaluated on the device",
        );
    }
    files(args).check_trainings(sweep.variants().len())?;
    let varied = Some(sweep.factor());
    if args.dry_run {
        let store = stored_before(&args.store.db.db, console)?;
        let request = comparison(sweep.name(), varied, args, console);
        let estimate = sweep.estimate(&request, store.as_ref())?;
        return output::estimate(&estimate, console, Default::default());
    }
    Interrupt::listen();
    let store = open_store(&args.store.db.db, console)?;
    let compared = sweep.run(&store, console)?;
    side_by_side(sweep.name(), varied, &compared, args, &store, console)
}

/// Stored runs, all trainings or all landscapes.
fn stored(args: &CompareArgs, console: &Console) -> Result<(), CliError> {
    let store = read_store(&args.store.db.db, console)?;
    let compared = match Selection::of(&args.runs, &store)? {
        Selection::Trainings(compared) => compared,
        Selection::Landscapes(runs) => {
            check_landscapes(args)?;
            return surfaces::surfaces(&runs, args, &store, console);
        }
    };
    if args.tolerance.is_some() {
        return Err(CliError::Conflict {
            what: "--tolerance compares landscapes, and these are trainings".to_owned(),
            remedy: "leave it out, or name runs of kind surface".to_owned(),
        });
    }
    files(args).check_trainings(compared.len())?;
    Interrupt::listen();
    let store = open_store(&args.store.db.db, console)?;
    let name = args.store.name.clone();
    let name = name.unwrap_or_else(|| args.runs.join("-"));
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

/// How trainings are put side by side.
fn comparison(
    name: &str,
    factor: Option<Factor>,
    args: &CompareArgs,
    console: &Console,
) -> ComparisonRequest {
    ComparisonRequest {
        name: name.to_owned(),
        factor,
        counts: args.grid.0.clone(),
        end_counts: args.end_grid.0.clone(),
        curvature: !args.no_curvature,
        evaluation: args.eval.request(),
        keep: args.store.keep(console.command()),
    }
}

fn side_by_side(
    name: &str,
    factor: Option<Factor>,
    compared: &[Compared],
    args: &CompareArgs,
    store: &Store,
    console: &Console,
) -> Result<(), CliError> {
    let request = comparison(name, factor, args, console);
    let comparison = follow(&request, compared, store, console)?;
    let files = files(args).draw_trainings(&comparison, store)?;
    report::print(&comparison, factor, &files, console)?;
    let mut next = Vec::new();
    if let Some(plane) = { comparison.plane.iter() }.find(|plane| is_drawable(plane.surface.grid()))
    {
        next.push(Typed::plot(&plane.run.name, "html").flag("--log"));
    }
    if let Some(first) = comparison.rows.first() {
        next.push(Typed::new("show").name(&first.run.name));
        let metrics = |end| Typed::new("metrics").name(end);
        next.extend(first.end.as_ref().map(metrics));
    }
    let db = &args.store.db;
    let next: Vec<Typed> = next.into_iter().map(|typed| typed.db(&db.db)).collect();
    console.next(&next);
    Ok(())
}
