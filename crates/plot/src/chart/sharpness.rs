//! Measures of sharpness: a table as a figure, and as Markdown.

use super::table::{Column, Table, drawn};
use crate::curvature::{SHARPNESS_NOTE, SharpnessRow};
use crate::error::PlotError;
use crate::figure::Figure;
use crate::options::Options;
use crate::text::number::value;

/// Measures of sharpness as a table, with the sentence that they do not predict generalisation by
/// themselves.
///
/// # Errors
/// When there is no measure, or an option is not usable.
pub fn sharpness_table(rows: &[SharpnessRow], options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    if rows.is_empty() {
        return Err(PlotError::Empty {
            figure: "sharpness",
            what: "measure",
        });
    }
    drawn(&table(rows), options, "Sharpness")
}

fn table(rows: &[SharpnessRow]) -> Table {
    let cells = |row: &SharpnessRow| {
        vec![
            row.measure.clone(),
            value(row.value, 4),
            row.se.map_or("–".to_owned(), |se| value(se, 2)),
            row.settings.clone(),
        ]
    };
    Table {
        columns: vec![
            Column::words("measure"),
            Column::numbers("value"),
            Column::numbers("std. error"),
            Column::words("settings"),
        ],
        rows: rows.iter().map(cells).collect(),
        notes: vec![SHARPNESS_NOTE.to_owned()],
    }
}

/// Measures of sharpness as a table in Markdown, with the sentence that belongs beside it.
///
/// ```
/// use landscape_plot::{SharpnessRow, sharpness_markdown};
///
/// let sam = SharpnessRow { measure: "sam".into(), value: 0.012, se: None, settings: "rho 0.05".into() };
/// let text = sharpness_markdown(&[sam]);
/// assert!(text.contains("| sam | 0.012 | – | rho 0.05 |"));
/// ```
pub fn sharpness_markdown(rows: &[SharpnessRow]) -> String {
    table(rows).markdown()
}
