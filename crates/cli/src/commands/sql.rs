//! Queries.

use crate::args::SqlArgs;
use crate::error::CliError;
use crate::inputs::read_store;
use crate::limits::MemoryLimit;
use crate::output::{Console, SCHEMA};
use landscape_storage::query_memory;
use landscape_study::query::{write_json, write_table};
use std::io::{IsTerminal, stdout};

/// Characters of a cell that a terminal shows.
const SHOWN: usize = 100;

/// Prints the answer to a query.
pub fn sql(args: &SqlArgs, console: &Console) -> Result<(), CliError> {
    let store = read_store(&args.db.db, console)?;
    let limit = MemoryLimit::new(query_memory());
    let answer = store.sql(&args.query);
    drop(limit);
    let (answer, longest) = (answer?, stdout().is_terminal().then_some(SHOWN));
    console.large_result(&|out| write_json(&answer, SCHEMA, out), &|out| {
        write_table(&answer, longest, out)
    })
}
