//! Landscapes into files and out of them.

use crate::args::{ExportArgs, ImportArgs};
use crate::error::CliError;
use crate::inputs::{open_store, read_store};
use crate::output::{self, Console, Typed, path_json};
use landscape_core::path_words;
use landscape_storage::Format;
use landscape_study::export::Export;
use landscape_study::files::may_store;
use serde_json::json;

/// Writes a run's landscape, its directions, a path on its plane, or a table of its curvature.
pub fn export(args: &ExportArgs, console: &Console) -> Result<(), CliError> {
    let request = args.request();
    request.check()?;
    let store = read_store(&args.db.db, console)?;
    let export = Export::prepare(&request, &store)?;
    if let Some((missing, all)) = export.missing() {
        console.note(format_args!("{missing} of {all} points are not known yet"));
    }
    let Some(path) = &args.output else {
        return output::stdout(|out| export.write(out));
    };
    let exported = export.save()?;
    let json = || {
        let mut all = json!(exported);
        all["file"] = path_json(path);
        all
    };
    console.result(json, || format!("{}\n", path_words(path)))
}

/// Keeps a landscape from a file.
pub fn import(args: &ImportArgs, console: &Console) -> Result<(), CliError> {
    let format = match args.format {
        Some(format) => format,
        None => Format::of_path(&args.file)?,
    };
    may_store(&args.store.db.db)?;
    // The file is read before a database is made.
    let (surface, notes) = landscape_storage::read_surface(&args.file, format)?;
    for note in notes {
        console.note(&note);
    }
    let store = open_store(&args.store.db.db, console)?;
    let run = store.import(
        &args.file,
        format,
        args.store.name.as_deref(),
        args.store.force,
    )?;
    console.result(
        || {
            json!({
                "run": run.name,
                "shape": surface.grid().shape(),
                "points": surface.grid().len() - surface.missing(),
            })
        },
        || {
            let points = surface.grid().len() - surface.missing();
            format!(
                "{}: {points} points from {}\n",
                run.name,
                path_words(&args.file)
            )
        },
    )?;
    console.next(&[Typed::new("metrics").name(&run.name).db(&args.store.db.db)]);
    Ok(())
}
