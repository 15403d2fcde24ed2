//! Queries.

use crate::args::SqlArgs;
use crate::error::CliError;
use crate::inputs::read_store;
use crate::output::{Align, Console, Table};
use landscape_storage::SqlTable;
use serde_json::{Value, json};
use std::io::{IsTerminal, stdout};

/// Characters of a cell that a terminal shows.
const SHOWN: usize = 100;

/// Prints the answer to a query.
pub fn sql(args: &SqlArgs, console: &Console) -> Result<(), CliError> {
    let answer = read_store(&args.db.db, console)?.sql(&args.query)?;
    console.result(
        || json!({"columns": answer.columns, "rows": answer.rows}),
        || table(&answer),
    )
}

fn table(answer: &SqlTable) -> String {
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
    let mut table = Table::new(columns);
    for row in 0..answer.rows.len() {
        table.row((0..answer.columns.len()).map(|column| answer.text(row, column)));
    }
    table.cut_to(longest).text()
}
