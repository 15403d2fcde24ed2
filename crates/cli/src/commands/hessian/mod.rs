//! Curvature at a point, along a training, over a plane.

mod report;

use crate::args::HessianArgs;
use crate::error::CliError;
use crate::inputs::{open_store, read_store};
use crate::interrupt::Interrupt;
use crate::output::{self, Console, Typed};
use landscape_core::path_words;
use landscape_study::directions::{check_drawable, is_drawable, save_directions};
use landscape_study::figures::FigureFiles;
use landscape_study::files::{distinct, may_save, may_store};
use landscape_study::hessian::{CurvatureStudy, Wanted};

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
    let name = found.run.name.clone();
    let drawn = files(args).draw(&name, &store)?;
    let files = drawn.files;
    report::print(&found, &study.wanted, &files, console)?;
    let db = &args.store.db;
    let mut next = vec![Typed::new("show").name(&name).db(&db.db)];
    let drawable = study.grid().is_none_or(is_drawable);
    if files.is_empty() && study.wanted.is_drawable() && drawable {
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

/// What is drawn.
fn files(args: &HessianArgs) -> FigureFiles {
    FigureFiles {
        output: args.output.clone(),
        log: false,
        replace: args.store.force,
    }
}

/// What can be checked of the files that are to be written before any is read.
fn check(args: &HessianArgs, wanted: &Wanted) -> Result<(), CliError> {
    if wanted.map && !args.output.is_empty() {
        check_drawable(&args.plane.grid.request().of(2)?)?;
    }
    files(args).check()?;
    if let Some(path) = &args.plane.save_directions {
        may_save(path, args.store.force)?;
    }
    distinct(args.output.iter().chain(&args.plane.save_directions))?;
    if !args.dry_run {
        may_store(&args.store.db.db)?;
    }
    match files(args).picture() {
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
