//! Curvature of parts of a network, or of several matrices: trace and largest eigenvalue of each.

use super::sharpness::{SharpnessOf, marks, measures};
use crate::curvature::SharpnessRow;
use crate::error::PlotError;
use crate::figure::Figure;
use crate::options::Options;
use crate::scale::{Clip, Scale, ValueScale};

/// What is known of a part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PartRow {
    /// The layer, the block, or the matrix.
    pub name: String,
    /// Its trace.
    pub trace: f64,
    /// The standard error of that, where there is one.
    pub se: Option<f64>,
    /// Its largest eigenvalue, where that was computed.
    pub top: Option<f64>,
}

/// Traces and largest eigenvalues of parts, a row each, on one logarithmic axis (through zero where one is not positive); bars are one
/// standard error.
///
/// # Errors
/// When there is no part, or an option is not usable.
///
/// ```
/// use landscape_plot::{Options, PartRow, parts};
///
/// let row = |name: &str, trace| PartRow { name: name.into(), trace, se: Some(0.1), top: Some(0.5 * trace) };
/// let figure = parts(&[row("fc1", 3.0), row("fc2", 12.0)], &Options::default())?;
/// assert!(figure.svg().contains("largest eigenvalue"));
/// # Ok::<(), landscape_plot::PlotError>(())
/// ```
pub fn parts(rows: &[PartRow], options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    if rows.is_empty() {
        return Err(PlotError::Empty {
            figure: "parts",
            what: "part",
        });
    }
    let row = |row: &PartRow, value, se| SharpnessRow {
        measure: row.name.clone(),
        value,
        se,
        settings: String::new(),
    };
    let traces: Vec<SharpnessRow> = rows.iter().map(|r| row(r, r.trace, r.se)).collect();
    let top = rows.iter().filter_map(|r| Some(row(r, r.top?, None)));
    let top: Vec<SharpnessRow> = top.collect();
    let of = [("trace", &traces), ("largest eigenvalue", &top)];
    let of = of.map(|(name, rows)| SharpnessOf { name, rows });
    let (mut sheet, panel) = marks(&of, &measures(&of), options);
    let values = traces.iter().chain(&top).map(|row| row.value);
    let values: Vec<f64> = values.collect();
    let scale = ValueScale::of(&values, Scale::Log, Clip::default(), None);
    sheet.notes.extend(scale.notes);
    if traces.iter().any(|row| row.se.is_some()) {
        sheet.notes.push("bars are one standard error".to_owned());
    }
    let left = panel.frame.x;
    Ok(sheet.finish(left, panel.bottom, "Curvature of parts"))
}
