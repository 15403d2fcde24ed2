//! Queries.

use crate::args::SqlArgs;
use crate::error::CliError;
use crate::inputs::read_store;
use crate::limits::MemoryLimit;
use crate::output::{Console, SCHEMA};
use landscape_storage::{SqlTable, query_memory};
use landscape_study::words::{Align, Columns};
use serde::Serialize;
use serde_json::Value;
use std::io::{self, IsTerminal, Write, stdout};

/// Characters of a cell that a terminal shows.
const SHOWN: usize = 100;

/// Prints the answer to a query.
pub fn sql(args: &SqlArgs, console: &Console) -> Result<(), CliError> {
    let store = read_store(&args.db.db, console)?;
    let limit = MemoryLimit::new(query_memory());
    let answer = store.sql(&args.query);
    drop(limit);
    let answer = answer?;
    console.large_result(&|out| json(&answer, out), &|out| table(&answer, out))
}

/// An answer as JSON.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    answer: &'a SqlTable,
    schema: u32,
}

fn json(answer: &SqlTable, out: &mut dyn Write) -> io::Result<()> {
    let schema = SCHEMA;
    serde_json::to_writer_pretty(&mut *out, &Printed { answer, schema })?;
    writeln!(out)
}

fn table(answer: &SqlTable, out: &mut dyn Write) -> io::Result<()> {
    let longest = stdout().is_terminal().then_some(SHOWN);
    let numeric = |column: usize| {
        let mut values = answer.rows.iter().map(|row| &row[column]);
        values.any(Value::is_number)
    };
    let columns = answer.columns.iter().enumerate().map(|(place, name)| {
        let align = match numeric(place) {
            true => Align::Right,
            false => Align::Left,
        };
        (name.as_str(), align)
    });
    let columns = Columns::new(columns).cut_to(longest);
    columns.write(
        answer.rows.len(),
        |row, column| answer.text(row, column),
        out,
    )
}
