//! Databases of earlier versions.

use crate::args::MigrateArgs;
use crate::error::CliError;
use crate::output::Console;
use landscape_study::upkeep::Migration;

/// Brings the tables of a database up to date.
pub fn migrate(args: &MigrateArgs, console: &Console) -> Result<(), CliError> {
    console.tell(&Migration::run(&args.db.db)?)
}
