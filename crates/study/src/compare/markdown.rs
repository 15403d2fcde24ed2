//! Rows as a table to read.

use super::{Fate, Row};
use crate::words::{or_dash_by, percent};
use landscape_plot::{Column, Table};

const COLUMNS: [&str; 10] = [
    "training",
    "parameters",
    "steps",
    "first loss",
    "final loss",
    "accuracy",
    "lambda_max",
    "SAM sharpness",
    "convexity",
    "basin width",
];

/// Rows as a table in Markdown: losses, accuracy, the largest eigenvalue (with `?` where it is not
/// converged), SAM's sharpness, convexity and basin width (with `>` where the basin reaches the edge
/// of the grid). A training that did not learn is marked as such.
pub fn markdown(rows: &[Row]) -> String {
    let [first, others @ ..] = COLUMNS;
    let columns = std::iter::once(Column::words(first)).chain(others.map(Column::numbers));
    let table = Table {
        columns: columns.collect(),
        rows: rows.iter().map(|row| cells(row).to_vec()).collect(),
        notes: Vec::new(),
    };
    table.markdown()
}

fn cells(row: &Row) -> [String; 10] {
    let label = match row.fate {
        Fate::Learnt => row.label.clone(),
        other => format!("{} ({})", row.label, other.name()),
    };
    let unsure = |converged| if converged { "" } else { "?" };
    let eigenvalue = { row.lambda_max }.map(|l| format!("{:.4}{}", l.value, unsure(l.converged)));
    let metrics = row.metrics.as_ref();
    let convexity = metrics.and_then(|m| m.convexity);
    let width = metrics.map(|m| {
        let open = if m.basin_open { ">" } else { "" };
        format!("{open}{:.2}", m.basin_width)
    });
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        label,
        row.parameters.to_string(),
        row.steps.to_string(),
        format!("{:.4}", row.first_loss),
        format!("{:.4}", row.loss),
        or_dash_by(row.accuracy, percent),
        or_dash(eigenvalue),
        or_dash_by(row.sharpness, |s| format!("{s:.5}")),
        or_dash_by(convexity, percent),
        or_dash(width),
    ]
}
