//! Curvature at a point, along a training, over a plane.

pub mod report;

use super::plot::{draw, is_page, may_draw};
use crate::args::{Given, HessianArgs, LookArgs, PlotArgs};
use crate::error::CliError;
use crate::inputs::{open_store, read_store};
use crate::interrupt::Interrupt;
use crate::output::{self, Console, Typed};
use landscape_core::path_words;
use landscape_study::directions::{check_drawable, is_drawable, save_directions};
use landscape_study::files::{distinct, may_save, may_store};
use landscape_study::hessian::{CurvatureStudy, Wanted};
use report::Report;
use std::path::PathBuf;

/// Computes curvature into the store.
pub fn hessian(args: &HessianArgs, console: &Console) -> Result<(), CliError> {
    let request = args.request(console.command());
    check(args, &request.check()?)?;
    let store = match args.network.run {
        Some(_) => Some(read_store(&args.store.db.db, console)?),
        None => None,
    };
    let mut study = CurvatureStudy::prepare(&request, store.as_ref(), console)?;
    if args.dry_run {
        return output::estimate(
            &study.estimate(store.as_ref())?,
            console,
            Default::default(),
        );
    }
    // From here on, stopping it saves what is done.
    Interrupt::listen();
    let store = open_store(&args.store.db.db, console)?;
    let found = study.run(&store, console)?;
    if let (Some(path), Some(directions)) = (&args.plane.save_directions, study.directions()) {
        save_directions(path, &directions.plane, args.store.force)?;
    }
    let wanted = study.wanted.clone();
    let report = Report { found, wanted };
    let name = report.found.run.name.clone();
    let files = figures(args, &name, console)?;
    report.print(&files, console)?;
    let db = &args.store.db;
    let mut next = vec![Typed::new("show").name(&name).db(&db.db)];
    let drawable = study.grid().is_none_or(is_drawable);
    if files.is_empty() && report.is_drawable() && drawable {
        next.insert(0, Typed::plot(&name, "svg").db(&db.db));
    }
    // Of a map or a training another figure would be drawn.
    let wanted = &study.wanted;
    if !wanted.density && !wanted.map && !wanted.all_steps {
        let again = console
            .again(&["--name", "--output", "-o"])
            .flag("--density");
        next.push(again.option("-o", "spectrum.svg"));
    }
    console.next(&next);
    Ok(())
}

/// Draws the run as is asked for; gives the files that are written.
fn figures(args: &HessianArgs, name: &str, console: &Console) -> Result<Vec<PathBuf>, CliError> {
    let one = |output: &PathBuf| {
        let plot = PlotArgs {
            names: vec![name.to_owned()],
            given: Given::default(),
            kind: None,
            output: output.clone(),
            look: LookArgs::default(),
            path: None,
            force: args.store.force,
            db: args.store.db.clone(),
        };
        draw(&plot, console)
    };
    let files: Vec<_> = args.output.iter().map(one).collect::<Result<_, _>>()?;
    Ok(files.concat())
}

/// What can be checked of the files that are to be written before any is read.
fn check(args: &HessianArgs, wanted: &Wanted) -> Result<(), CliError> {
    if wanted.map && !args.output.is_empty() {
        check_drawable(&args.plane.grid_request().of(2)?)?;
    }
    for path in &args.output {
        may_draw(path, args.store.force)?;
    }
    if let Some(path) = &args.plane.save_directions {
        may_save(path, args.store.force)?;
    }
    distinct(args.output.iter().chain(&args.plane.save_directions))?;
    if !args.dry_run {
        may_store(&args.store.db.db)?;
    }
    match args.output.iter().find(|path| !is_page(path)) {
        Some(path) if !wanted.is_drawable() => Err(CliError::Conflict {
            what: format!(
                "-o {}: nothing that is asked for makes a figure; eigenvalues and traces are numbers",
                path_words(path)
            ),
            remedy: "add --density for the spectrum, --map, --all-steps with --top 1, or --sharpness; or leave -o out"
                .to_owned(),
        }),
        _ => Ok(()),
    }
}
