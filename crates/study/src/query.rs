//! Answers to queries in SQL, written as they are read.

use crate::words::{Align, Columns};
use landscape_storage::SqlTable;
use serde::Serialize;
use serde_json::Value;
use std::io::{self, Write};

/// An answer as JSON.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    answer: &'a SqlTable,
    schema: u32,
}

/// Writes an answer as JSON, with the version of its form.
///
/// # Errors
/// When it cannot be written.
pub fn write_json(answer: &SqlTable, schema: u32, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Printed { answer, schema })?;
    writeln!(out)
}

/// Writes an answer as a table; cells with more than `longest` characters are cut short.
///
/// # Errors
/// When it cannot be written.
pub fn write_table(
    answer: &SqlTable,
    longest: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
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
