//! Curvature at a point, along a training, over a plane.

use crate::args::HessianArgs;
use crate::error::CliError;
use crate::inputs::{Place, begin, check_outputs};
use crate::output::{Added, Console, Typed};
use landscape_study::directions::{check_drawable, is_drawable, save_directions};
use landscape_study::figures::FigureFiles;
use landscape_study::hessian::{CurvatureStudy, Wanted};

/// Computes curvature into the store.
pub fn hessian(args: &HessianArgs, console: &Console) -> Result<(), CliError> {
    let place = Place::of(&args.shard, &args.store.db, &args.given, console)?;
    let (db, replace) = (&place.db, args.store.force);
    let files = FigureFiles::new(&args.output, false, replace);
    let request = args.request(console.command(), place.shard);
    check(args, &place, &files, &request.check()?)?;
    let store = place.runs(args.network.run.as_ref(), console)?;
    let mut study = CurvatureStudy::prepare(&request, store.as_ref(), console)?;
    if args.dry_run {
        return console.tell(&study.estimate(store.as_ref())?);
    }
    let store = begin(db, console)?;
    let found = study.run(&store, console)?;
    if let (Some(path), Some(directions)) = (&args.plane.save_directions, study.directions()) {
        save_directions(path, &directions.plane, replace)?;
    }
    let files = files.draw(&found.run.name, &store)?.files;
    let summary = found.summary(&study.wanted);
    let name = &summary.run;
    console.note(summary.cost());
    let added = Added {
        loss: Some(found.loss),
        files: Some(&files),
    };
    console.tell_with(&summary, added)?;
    if place.shard.is_some() {
        console.suggest([place.merge().to_string()]);
        return Ok(());
    }
    console.next(db, next(name, &study, files.is_empty(), console));
    Ok(())
}

fn next(name: &str, study: &CurvatureStudy, undrawn: bool, console: &Console) -> Vec<Typed> {
    let wanted = &study.wanted;
    let mut next = vec![Typed::new("show").name(name)];
    if undrawn && wanted.is_drawable() && study.grid().is_none_or(is_drawable) {
        next.insert(0, Typed::plot(name, "svg"));
    }
    // Of a map or a training another figure would be drawn.
    if !wanted.asked.density && !wanted.asked.map && !wanted.asked.all_steps {
        let again = console.again(&["--name", "--output", "-o"]);
        next.push(again.flag("--density").option("-o", "spectrum.svg"));
    }
    next
}

/// What can be checked of the files that are to be written before any is read.
fn check(
    args: &HessianArgs,
    place: &Place,
    files: &FigureFiles,
    wanted: &Wanted,
) -> Result<(), CliError> {
    if wanted.asked.map && !args.output.is_empty() {
        check_drawable(&args.plane.grid.request().of(2)?)?;
    }
    let directions = args.plane.save_directions.as_ref();
    check_outputs(files, directions, &args.store, &place.db, args.dry_run)?;
    Ok(wanted.check_picture(files.picture())?)
}
