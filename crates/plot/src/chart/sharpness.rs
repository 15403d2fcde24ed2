//! Measures of sharpness: a table as a figure, and as Markdown.

use crate::curvature::{SHARPNESS_NOTE, SharpnessRow};
use crate::error::PlotError;
use crate::figure::Figure;
use crate::layout::{LEADING, PAD, Sheet};
use crate::options::Options;
use crate::style::{AXIS, INK};
use crate::svg::{Anchor, Path, Stroke, Text};
use crate::text;
use crate::text::number::value;

/// Between two columns, in points.
const BETWEEN: f64 = 10.0;
const HEADER: [&str; 4] = ["measure", "value", "std. error", "settings"];

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
    let mut sheet = Sheet::new(options);
    let table: Vec<[String; 4]> = rows.iter().map(words).collect();
    let columns = Columns::of(&table, &sheet);
    sheet.canvas.group("table");
    let mut y = sheet.top;
    y = columns.row(&mut sheet, &HEADER.map(str::to_owned), y);
    y = rule(&mut sheet, y);
    for row in &table {
        y = columns.row(&mut sheet, row, y);
    }
    y = rule(&mut sheet, y);
    sheet.canvas.end();
    sheet.notes.push(SHARPNESS_NOTE.to_owned());
    Ok(sheet.finish(PAD, y, "Sharpness"))
}

/// The cells of a row.
fn words(row: &SharpnessRow) -> [String; 4] {
    [
        row.measure.clone(),
        value(row.value, 4),
        row.se.map_or("–".to_owned(), |se| value(se, 2)),
        row.settings.clone(),
    ]
}

/// Where the columns stand; numbers are aligned at their right end.
struct Columns {
    measure: f64,
    ends: [f64; 2],
    settings: f64,
    /// Width of the settings, which are wrapped.
    room: f64,
}

impl Columns {
    fn of(table: &[[String; 4]], sheet: &Sheet<'_>) -> Self {
        let size = sheet.style.small();
        let width = |at: usize| {
            let cells = table.iter().map(|row| text::width(&row[at], size));
            cells.fold(text::width(HEADER[at], size), f64::max)
        };
        let measure = width(0).min(0.35 * sheet.width());
        let value = PAD + measure + BETWEEN + width(1);
        let se = value + BETWEEN + width(2);
        let settings = se + BETWEEN;
        Columns {
            measure,
            ends: [value, se],
            settings,
            room: (sheet.width() - PAD - settings).max(30.0),
        }
    }

    /// Writes a row from `y` down and gives its lower end.
    fn row(&self, sheet: &mut Sheet<'_>, cells: &[String; 4], y: f64) -> f64 {
        let size = sheet.style.small();
        let height = LEADING * size;
        let base = |line: usize| y + 2.5 + line as f64 * height + text::ASCENT * size;
        let measure = text::wrap(&cells[0], size, self.measure);
        let settings = text::wrap(&cells[3], size, self.room);
        for (line, words) in measure.iter().enumerate() {
            sheet.canvas.text(&Text::new(words, PAD, base(line), size));
        }
        for (end, words) in self.ends.iter().zip(&cells[1..3]) {
            let words = Text::new(words, *end, base(0), size).anchor(Anchor::End);
            sheet.canvas.text(&words);
        }
        for (line, words) in settings.iter().enumerate() {
            let words = Text::new(words, self.settings, base(line), size);
            sheet.canvas.text(&words);
        }
        let lines = measure.len().max(settings.len()).max(1) as f64;
        y + 2.5 + lines * height + 1.0
    }
}

fn rule(sheet: &mut Sheet<'_>, y: f64) -> f64 {
    let line = Path::segment(PAD, y, sheet.width() - PAD, y);
    sheet.canvas.line(&line, Stroke::new(INK, AXIS));
    y
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
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let header = line(&HEADER.map(str::to_owned));
    let body: String = rows.iter().map(|row| line(&words(row))).collect();
    format!("{header}|---|---:|---:|---|\n{body}\n{SHARPNESS_NOTE}\n")
}
