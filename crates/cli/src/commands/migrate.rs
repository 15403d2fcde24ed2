//! Databases of earlier versions.

use crate::args::MigrateArgs;
use crate::error::CliError;
use crate::output::{Console, path_json};
use landscape_core::path_words;
use landscape_storage::{SCHEMA_VERSION, Store};
use serde_json::json;

/// Brings the tables of a database up to date.
pub fn migrate(args: &MigrateArgs, console: &Console) -> Result<(), CliError> {
    let file = &args.db.db;
    let from = Store::migrate(&args.db.db)?;
    console.result(
        || json!({"file": path_json(file), "from": from, "to": SCHEMA_VERSION}),
        || match from == SCHEMA_VERSION {
            true => format!(
                "{} has schema version {from}, the newest\n",
                path_words(file)
            ),
            false => format!(
                "{}: schema version {from} became {SCHEMA_VERSION}\n",
                path_words(file)
            ),
        },
    )
}
