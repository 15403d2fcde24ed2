//! Runs and their names: removed, renamed; the space that is given back.

use crate::args::{CompactArgs, RenameArgs, RmArgs};
use crate::error::CliError;
use crate::inputs::{open_store, read_store};
use crate::output::Console;
use landscape_study::list::Removal;
use landscape_study::upkeep::Compaction;
use serde_json::json;

/// Removes runs, or says what would be removed.
pub fn rm(args: &RmArgs, console: &Console) -> Result<(), CliError> {
    let removal = Removal::prepare(&args.names, &read_store(&args.db.db, console)?)?;
    console.tell(&match args.dry_run {
        true => removal,
        false => removal.run(&open_store(&args.db.db, console)?)?,
    })
}

/// Gives a run another name.
pub fn rename(args: &RenameArgs, console: &Console) -> Result<(), CliError> {
    read_store(&args.db.db, console)?.find(&args.name)?;
    let run = open_store(&args.db.db, console)?.rename(&args.name, &args.to)?;
    console.result(
        || json!({"id": run.id, "from": args.name, "to": run.name}),
        || format!("{} is now {}\n", args.name, run.name),
    )
}

/// Gives back the space of removed runs.
pub fn compact(args: &CompactArgs, console: &Console) -> Result<(), CliError> {
    drop(read_store(&args.db.db, console)?);
    console.tell(&Compaction::run(&open_store(&args.db.db, console)?)?)
}
