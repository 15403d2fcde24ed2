//! Databases of earlier versions.

use crate::args::MigrateArgs;
use crate::error::CliError;
use crate::output::Console;
use landscape_storage::{SCHEMA_VERSION, Store};
use serde_json::json;

/// Brings the tables of a database up to date.
pub fn migrate(args: &MigrateArgs, console: &Console) -> Result<(), CliError> {
    let file = args.db.db.display().to_string();
    let from = Store::migrate(&args.db.db)?;
    console.result(
        || json!({"file": file, "from": from, "to": SCHEMA_VERSION}),
        || match from == SCHEMA_VERSION {
            true => format!("{file} has schema version {from}, the newest\n"),
            false => format!("{file}: schema version {from} became {SCHEMA_VERSION}\n"),
        },
    )
}
