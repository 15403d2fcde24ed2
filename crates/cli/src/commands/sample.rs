//! Lines, planes and volumes.

use crate::args::SampleArgs;
use crate::error::CliError;
use crate::inputs::{Place, begin, check_outputs, read_if};
use crate::output::{Added, Console, Typed, say_hidden};
use landscape_study::directions::{check_drawable, is_drawable, save_directions};
use landscape_study::figures::FigureFiles;
use landscape_study::runs::{Landscape, LandscapeRequest, LandscapeSummary};
use landscape_study::words::{duration, rate};

/// Samples a line, a plane or a volume.
pub fn sample<const DIMS: usize>(
    args: &SampleArgs<DIMS>,
    console: &Console,
) -> Result<(), CliError> {
    let place = Place::of(&args.shard, &args.store.db, &args.given, console)?;
    let (db, replace) = (&place.db, args.store.force);
    let files = FigureFiles::new(&args.output, args.log, replace);
    let landscape = prepare(args, &place, &files, console)?;
    if args.dry_run {
        let store = read_if(db.exists(), db, console)?;
        return console.tell(&landscape.estimate(store.as_ref())?);
    }
    let store = begin(db, console)?;
    let sampled = landscape.run(&store, console)?;
    if let Some(path) = &args.plane.save_directions {
        save_directions(path, &landscape.directions.plane, replace)?;
    }
    let name = &sampled.sampled.run.name;
    let drawn = files.draw(name, &store)?;
    say_hidden(&drawn.hidden, console);
    let summary = sampled.summary(&landscape);
    say_effort(&summary, console);
    let added = Added {
        loss: Some(landscape.loss),
        files: Some(&drawn.files),
    };
    console.tell_with(&summary, added)?;
    if place.shard.is_some() {
        console.suggest([place.merge().to_string()]);
        return Ok(());
    }
    let mut next = vec![Typed::new("metrics").name(name)];
    if drawn.files.is_empty() && is_drawable(&landscape.grid) {
        next.insert(0, Typed::plot(name, "svg"));
    }
    console.next(db, next);
    Ok(())
}

/// Everything that was asked for, checked before any file is read and then read.
fn prepare<const DIMS: usize>(
    args: &SampleArgs<DIMS>,
    place: &Place,
    files: &FigureFiles,
    console: &Console,
) -> Result<Landscape, CliError> {
    let request = LandscapeRequest {
        rounds: place.shard.map(|_| place.usual.clone()),
        ..args.request(console.command(), place.shard)
    };
    let asked = request.check(console)?;
    if !args.output.is_empty() {
        check_drawable(&asked)?;
    }
    let directions = args.plane.save_directions.as_ref();
    check_outputs(files, directions, &args.store, &place.db, args.dry_run)?;
    let store = place.runs(args.network.run.as_ref(), console)?;
    Ok(Landscape::prepare(&request, store.as_ref(), console)?)
}

fn say_effort(summary: &LandscapeSummary, console: &Console) {
    console.note(format_args!(
        "{}: {} points computed, {} were stored, in {} ({})",
        summary.run,
        summary.computed,
        summary.stored_before,
        duration(summary.seconds),
        rate(summary.computed as f64 / summary.seconds.max(1e-9))
    ));
}
