//! Everything about one run.

use crate::args::ShowArgs;
use crate::error::CliError;
use crate::inputs::read_store;
use crate::output::Console;
use landscape_study::details::RunDetails;

/// Prints what is known about a run.
pub fn show(args: &ShowArgs, console: &Console) -> Result<(), CliError> {
    let store = read_store(&args.db.db, console)?;
    console.tell(&RunDetails::load(&store, &args.name)?)
}
