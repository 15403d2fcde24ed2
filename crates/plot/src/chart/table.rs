//! A table as a figure and as Markdown.

use crate::error::PlotError;
use crate::figure::Figure;
use crate::layout::{LEADING, PAD, Sheet};
use crate::options::Options;
use crate::style::{AXIS, INK};
use crate::svg::{Anchor, Path, Stroke, Text};
use crate::text;

/// Between two columns, in points.
const BETWEEN: f64 = 9.0;
/// The least width of a column of words, in points.
const LEAST: f64 = 30.0;
/// The smallest type, in points.
const SMALLEST: f64 = 5.0;

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Numbers are aligned at their right end; words at their left, wrapped where they have no room.
    pub numbers: bool,
}

impl Column {
    /// A column of words.
    pub fn words(name: impl Into<String>) -> Self {
        Column {
            name: name.into(),
            numbers: false,
        }
    }

    /// A column of numbers.
    pub fn numbers(name: impl Into<String>) -> Self {
        Column {
            name: name.into(),
            numbers: true,
        }
    }
}

/// A table: what is compared, and the figures it is compared by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, a cell a column.
    pub rows: Vec<Vec<String>>,
    /// Sentences below it.
    pub notes: Vec<String>,
}

impl Table {
    /// The table in Markdown, its notes below.
    ///
    /// ```
    /// use landscape_plot::{Column, Table};
    ///
    /// let table = Table {
    ///     columns: vec![Column::words("optimiser"), Column::numbers("final loss")],
    ///     rows: vec![vec!["SGD".into(), "0.21".into()]],
    ///     notes: vec!["Losses on all data.".into()],
    /// };
    /// let text = table.markdown();
    /// assert!(text.starts_with("| optimiser | final loss |\n|---|---:|\n| SGD | 0.21 |\n"));
    /// ```
    pub fn markdown(&self) -> String {
        let line = |cells: Vec<&str>| {
            let cells: Vec<String> = cells.iter().map(|c| c.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule = |c: &Column| if c.numbers { "---:|" } else { "---|" };
        let header = line(self.columns.iter().map(|c| c.name.as_str()).collect());
        let rule: String = self.columns.iter().map(rule).collect();
        let rows = self
            .rows
            .iter()
            .map(|r| line(r.iter().map(String::as_str).collect()));
        let notes = self.notes.iter().map(|n| format!("\n{n}\n"));
        format!(
            "{header}|{rule}\n{}{}",
            rows.collect::<String>(),
            notes.collect::<String>()
        )
    }

    fn check(&self) -> Result<(), PlotError> {
        if self.rows.is_empty() || self.columns.is_empty() {
            return Err(PlotError::Empty {
                figure: "table",
                what: "row",
            });
        }
        match self.rows.iter().find(|r| r.len() != self.columns.len()) {
            None => Ok(()),
            Some(row) => Err(PlotError::ValueCount {
                name: row.first().cloned().unwrap_or_default(),
                places: self.columns.len(),
                values: row.len(),
            }),
        }
    }
}

/// A table as a figure: numbers right-aligned, words wrapped where they have no room. Where the
/// columns of numbers alone are too wide, type goes down to 5 pt, and what still has no room is cut.
///
/// # Errors
/// When there is no row, a row has not one cell a column, or an option is not usable.
pub fn table(table: &Table, options: &Options) -> Result<Figure, PlotError> {
    drawn(table, options, "Table")
}

/// A table with a title of its own in the metadata.
pub(super) fn drawn(table: &Table, options: &Options, title: &str) -> Result<Figure, PlotError> {
    options.check()?;
    table.check()?;
    let mut sheet = Sheet::new(options);
    let layout = Layout::of(table, &sheet);
    sheet.canvas.group("table");
    let names: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
    let top = sheet.top;
    let mut y = layout.row(&mut sheet, &names, top, true);
    rule(&mut sheet, layout.right(), y);
    for row in &table.rows {
        y = layout.row(&mut sheet, row, y, false);
    }
    rule(&mut sheet, layout.right(), y);
    sheet.canvas.end();
    sheet.notes.extend(table.notes.iter().cloned());
    Ok(sheet.finish(PAD, y, title))
}

/// Where the columns stand.
struct Layout {
    size: f64,
    columns: Vec<Place>,
}

struct Place {
    left: f64,
    width: f64,
    numbers: bool,
}

impl Layout {
    /// The largest type at which all columns fit.
    fn of(table: &Table, sheet: &Sheet<'_>) -> Self {
        let room = sheet.width() - 2.0 * PAD - BETWEEN * (table.columns.len() - 1) as f64;
        let mut size = sheet.style.small();
        let mut widths = widths(table, size, room);
        while widths.iter().sum::<f64>() > room && size > SMALLEST {
            size = (size - 0.25).max(SMALLEST);
            widths = self::widths(table, size, room);
        }
        // What is still too wide is cut.
        let share = (room / widths.iter().sum::<f64>()).min(1.0);
        let mut left = PAD;
        let mut columns = Vec::new();
        for (column, width) in table.columns.iter().zip(widths) {
            let width = width * share;
            columns.push(Place {
                left,
                width,
                numbers: column.numbers,
            });
            left += width + BETWEEN;
        }
        Layout { size, columns }
    }

    /// The right end of the last column.
    fn right(&self) -> f64 {
        self.columns.last().map_or(0.0, |c| c.left + c.width)
    }

    /// Writes a row from `y` down, its cells aligned at their first or (`low`) their last lines, and
    /// gives its lower end.
    fn row(&self, sheet: &mut Sheet<'_>, cells: &[String], y: f64, low: bool) -> f64 {
        let (size, height) = (self.size, LEADING * self.size);
        let cells = self.columns.iter().zip(cells);
        let lines: Vec<(&Place, Vec<String>)> = cells
            .map(|(c, cell)| (c, text::wrap(cell, size, c.width + 0.01)))
            .collect();
        let most = lines.iter().map(|(_, l)| l.len()).fold(1, usize::max);
        for (place, lines) in lines {
            let first = if low { most - lines.len() } else { 0 };
            for (line, words) in lines.iter().enumerate() {
                let base = y + 2.5 + (first + line) as f64 * height + text::ASCENT * size;
                let (x, anchor) = match place.numbers {
                    true => (place.left + place.width, Anchor::End),
                    false => (place.left, Anchor::Start),
                };
                sheet
                    .canvas
                    .text(&Text::new(words, x, base, size).anchor(anchor));
            }
        }
        y + 2.5 + most as f64 * height + 1.0
    }
}

/// Widths of the columns at a size of type: numbers take what they need, and the names above them
/// are wrapped; words share what is left, the most to the column that needs it most.
fn widths(table: &Table, size: f64, room: f64) -> Vec<f64> {
    let cells = |k: usize| table.rows.iter().map(move |row| text::width(&row[k], size));
    let name = |k: usize| table.columns[k].name.split_whitespace();
    let word = |k: usize| name(k).map(|w| text::width(w, size)).fold(0.0, f64::max);
    let needed = |k: usize| match table.columns[k].numbers {
        true => cells(k).fold(word(k), f64::max),
        false => cells(k).fold(text::width(&table.columns[k].name, size), f64::max),
    };
    let named = |k: usize| text::width(&table.columns[k].name, size).max(needed(k));
    let whole: Vec<f64> = (0..table.columns.len()).map(named).collect();
    if whole.iter().sum::<f64>() <= room {
        return whole;
    }
    let mut widths: Vec<f64> = (0..table.columns.len()).map(needed).collect();
    let words: Vec<usize> = (0..widths.len())
        .filter(|k| !table.columns[*k].numbers)
        .collect();
    // Words give way, the widest first.
    for _ in 0..words.len() {
        let over = widths.iter().sum::<f64>() - room;
        let widest = words
            .iter()
            .copied()
            .max_by(|a, b| widths[*a].total_cmp(&widths[*b]));
        let (Some(widest), true) = (widest, over > 0.0) else {
            break;
        };
        let next = words
            .iter()
            .filter(|k| **k != widest)
            .map(|k| widths[*k])
            .fold(LEAST, f64::max);
        widths[widest] = (widths[widest] - over).max(next.min(widths[widest]));
    }
    let over = widths.iter().sum::<f64>() - room;
    let each = over / words.len().max(1) as f64;
    for k in words.into_iter().filter(|_| over > 0.0) {
        widths[k] = (widths[k] - each).max(LEAST.min(widths[k]));
    }
    widths
}

fn rule(sheet: &mut Sheet<'_>, right: f64, y: f64) {
    let line = Path::segment(PAD, y, right, y);
    sheet.canvas.line(&line, Stroke::new(INK, AXIS));
}
