//! Landscapes into files and out of them.

use crate::args::{ExportArgs, ImportArgs};
use crate::error::CliError;
use crate::inputs::{open_store, read_store};
use crate::output::{self, Console, Typed, path_json};
use landscape_core::path_words;
use landscape_study::export::Export;
use landscape_study::files::may_store;
use landscape_study::import::{Import, ImportRequest};
use serde_json::json;

/// Writes a run's landscape, its directions, a path on its plane, or a table of its curvature.
pub fn export(args: &ExportArgs, console: &Console) -> Result<(), CliError> {
    let request = args.request();
    request.check()?;
    let store = read_store(&args.db.db, console)?;
    let export = Export::prepare(&request, &store)?;
    if let Some((missing, all)) = export.missing() {
        console.note(format_args!(
            "{missing} of {all} points are not measured yet"
        ));
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
    let db = &args.store.db.db;
    may_store(db)?;
    let request = ImportRequest {
        file: args.file.clone(),
        format: args.format,
        keep: args.store.keep(console.command()),
    };
    // The file is read before a database is made.
    let import = Import::prepare(&request, console)?;
    let imported = import.run(&open_store(db, console)?)?;
    console.tell(&imported)?;
    let metrics = Typed::new("metrics").name(&imported.run);
    let metrics = match &imported.instead {
        Some(value) => metrics.option("--value", value),
        None => metrics,
    };
    console.next(db, [metrics]);
    Ok(())
}
