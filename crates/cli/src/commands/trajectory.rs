//! The path of training on the plane of its principal components.

use crate::args::TrajectoryArgs;
use crate::error::CliError;
use crate::inputs::{Place, begin};
use crate::output::{Added, Console, Typed};
use landscape_study::StudyError;
use landscape_study::directions::is_drawable;
use landscape_study::files::may_store;
use landscape_study::trajectory::{PathSummary, ProjectedPaths, plane_warnings};
use std::path::Path;

/// Projects paths, and samples their plane where that is asked for.
pub fn trajectory(args: &TrajectoryArgs, console: &Console) -> Result<(), CliError> {
    let place = Place::of(&args.shard, &args.store.db, &args.given, console)?;
    let db = &place.db;
    let request = args.request(console.command(), place.shard);
    // What needs no file is checked before any is read.
    request.check(console)?;
    if !args.dry_run {
        may_store(db)?;
    }
    let reading = place.runs(args.run.first(), console)?;
    let paths = ProjectedPaths::prepare(&request, reading.as_ref(), console);
    let paths = paths.map_err(|error| flat(error, args))?;
    if args.dry_run {
        return console.tell(&paths.estimate()?);
    }
    let measured = paths.run(&begin(db, console)?, console)?;
    let summary = measured.summary();
    let added = Added {
        loss: Some(measured.loss),
        files: None,
    };
    console.tell_with(&summary, added)?;
    if place.shard.is_some() {
        console.suggest([place.merge().to_string()]);
        return Ok(());
    }
    for warning in plane_warnings(&measured.paths) {
        console.note(format_args!("warning: {warning}"));
    }
    if summary.paths.iter().any(PathSummary::is_shown_in_part) {
        console.note("--json has all checkpoints");
    }
    let name = &summary.run;
    if paths.grid.as_ref().is_some_and(is_drawable) {
        let svg = Typed::plot(name, "svg").flag("--log");
        console.next(db, [svg, Typed::plot(name, "html")]);
        return Ok(());
    }
    let mut plot = Typed::plot(name, "svg").option("--kind", "plane-losses");
    if let [first, _, ..] = summary.paths.as_slice() {
        plot = plot.option("--path", &first.run);
    }
    let sampled = console.again(&["--name", "--grid"]).option("--grid", "51");
    console.next(
        db,
        [plot, sampled.remark("samples the plane around the path")],
    );
    Ok(())
}

/// What to do about files that lie on one line: to sample it.
fn flat(error: StudyError, args: &TrajectoryArgs) -> CliError {
    let StudyError::FlatPath {
        files: 2..,
        wanted: 2,
        rank: 1..,
        ends: (first, last),
    } = &error
    else {
        return error.into();
    };
    CliError::Conflict {
        remedy: format!("sample the line: `{}`", line(first, last, args)),
        what: error.to_string(),
    }
}

/// The command that samples the line between two files.
fn line(first: &Path, last: &Path, args: &TrajectoryArgs) -> Typed {
    let mut line = Typed::new("line");
    if let Some(model) = &args.model {
        line = line.option("--model", model.to_string());
    }
    line = line.option("--weights", first).option("--to", last);
    if let Ok(source) = args.data.request().source(None) {
        line = line.data(&source);
    }
    match args.data.loss {
        Some(loss) => line.option("--loss", loss.name()),
        None => line,
    }
}
