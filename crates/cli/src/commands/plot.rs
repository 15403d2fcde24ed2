//! Figures and pages of stored runs.

mod idle;

use crate::args::PlotArgs;
use crate::error::CliError;
use crate::inputs::read_store;
use crate::output::{Console, paths_json, say_hidden};
use landscape_core::path_words;
use landscape_study::figures::{Figures, Target};
use serde_json::json;

/// Draws runs.
pub fn plot(args: &PlotArgs, console: &Console) -> Result<(), CliError> {
    let request = args.request();
    Target::of(&request.output)?;
    let store = read_store(&args.db.db, console)?;
    let figures = Figures::prepare(&request, &store)?;
    idle::check(&figures, args)?;
    let drawn = figures.run()?;
    say_hidden(&drawn.hidden, console);
    let files = drawn.files;
    console.result(
        || json!({"files": paths_json(&files)}),
        || {
            { files.iter() }
                .map(|path| format!("{}\n", path_words(path)))
                .collect()
        },
    )
}
