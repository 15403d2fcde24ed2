//! Landscapes into files and out of them.

use crate::args::{ExportArgs, ImportArgs};
use crate::error::CliError;
use crate::inputs::may_write;
use crate::output::{self, Console};
use landscape_storage::{Format, Store, write_surface};
use serde_json::json;
use std::path::Path;

/// Formats that a later version writes.
const LATER: &[&str] = &["vtk", "h5"];

/// Writes a run's landscape.
pub fn export(args: &ExportArgs, console: &Console) -> Result<(), CliError> {
    let format = format(
        args.format.as_deref(),
        args.output.as_deref(),
        Some(Format::Csv),
    )?;
    if let Some(path) = &args.output {
        may_write(path, args.force)?;
    } else if !format.is_text() {
        return Err(CliError::Conflict {
            what: format!("{format} is not text, and no file is given"),
            remedy: format!("give a file, for example -o {}.{format}", args.name),
        });
    }
    let store = Store::open_read(&args.db.db)?;
    let hold = store.hold();
    let run = store.find(&args.name)?;
    let surface = store.load_surface(&run)?;
    drop(hold);
    if !surface.is_complete() {
        console.note(format_args!(
            "{} of {} points are not measured yet",
            surface.missing(),
            surface.grid.len()
        ));
    }
    let Some(path) = &args.output else {
        return output::stdout(|out| write_surface(&surface, format, out));
    };
    landscape_storage::export_surface(&surface, format, path, args.force)?;
    console.result(
        || json!({"run": run.name, "format": format.name(), "file": path, "points": surface.grid.len() - surface.missing()}),
        || format!("{}\n", path.display()),
    )
}

fn format(
    asked: Option<&str>,
    path: Option<&Path>,
    default: Option<Format>,
) -> Result<Format, CliError> {
    let ending = path
        .and_then(Path::extension)
        .map(|e| e.to_string_lossy().to_lowercase());
    let word = asked.map(str::to_owned).or(ending);
    match (word, default) {
        (Some(word), _) if LATER.contains(&word.as_str()) => Err(CliError::Later {
            what: format!("the format {word}"),
            instead: "use csv, json, parquet or npz",
        }),
        (Some(word), _) => Ok(word.parse()?),
        (None, Some(default)) => Ok(default),
        (None, None) => Ok(Format::of_path(path.unwrap_or(Path::new("")))?),
    }
}

/// Keeps a landscape from a file.
pub fn import(args: &ImportArgs, console: &Console) -> Result<(), CliError> {
    let format = format(args.format.as_deref(), Some(&args.file), None)?;
    // The file is read before a database is made.
    let surface = landscape_storage::import_surface(&args.file, format)?;
    let store = Store::open(&args.store.db.db)?;
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
                "shape": surface.grid.shape(),
                "points": surface.grid.len() - surface.missing(),
            })
        },
        || {
            let points = surface.grid.len() - surface.missing();
            format!(
                "{}: {points} points from {}\n",
                run.name,
                args.file.display()
            )
        },
    )?;
    console.next(&[format!("landscape metrics {}", run.name)]);
    Ok(())
}
