//! The path of training on the plane of its principal components.

mod report;

use crate::args::TrajectoryArgs;
use crate::error::CliError;
use crate::inputs::{open_store, read_store};
use crate::interrupt::Interrupt;
use crate::output::{self, Console, Typed};
use landscape_study::StudyError;
use landscape_study::directions::is_drawable;
use landscape_study::files::may_store;
use landscape_study::trajectory::ProjectedPaths;
use std::path::Path;

/// Projects paths, and samples their plane where that is asked for.
pub fn trajectory(args: &TrajectoryArgs, console: &Console) -> Result<(), CliError> {
    let request = args.request(console.command());
    // What needs no file is checked before any is read.
    request.check(console)?;
    if !args.dry_run {
        may_store(&args.store.db.db)?;
    }
    let reading = match args.run.is_empty() {
        true => None,
        false => Some(read_store(&args.store.db.db, console)?),
    };
    let paths = ProjectedPaths::prepare(&request, reading.as_ref(), console);
    let paths = paths.map_err(|error| flat(error, args))?;
    if args.dry_run {
        return output::estimate(&paths.estimate()?, console, Default::default());
    }
    // From here on, stopping it saves what is done.
    Interrupt::listen();
    let store = open_store(&args.store.db.db, console)?;
    let measured = paths.run(&store, console)?;
    report::print(&measured, console)?;
    report::warn(&measured.paths, console);
    let name = &measured.run.name;
    let db = &args.store.db;
    if paths.grid.as_ref().is_some_and(is_drawable) {
        console.next(&[
            Typed::plot(name, "svg").flag("--log").db(&db.db),
            Typed::plot(name, "html").db(&db.db),
        ]);
        return Ok(());
    }
    let mut plot = Typed::plot(name, "svg").option("--kind", "plane-losses");
    if let [first, _, ..] = measured.paths.as_slice() {
        plot = plot.option("--path", &first.label);
    }
    let sampled = console.again(&["--name", "--grid"]).option("--grid", "51");
    console.next(&[
        plot.db(&db.db).to_string(),
        format!("{sampled}    # samples the plane around the path"),
    ]);
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
