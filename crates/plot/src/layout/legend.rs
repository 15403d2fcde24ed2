//! Legends: rows of swatches and words below or above a frame.

use super::LEADING;
use super::mark::{self, Mark};
use crate::style::{AXIS, BORDER, GREY, INK, MISSING, Style};
use crate::svg::{Canvas, Path, Rect, Stroke, Text};
use crate::text;

/// What an entry shows beside its words.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Swatch {
    Hatch,
    CrossHatch,
    Missing,
    Mark(Mark),
    /// A curve: colour, dash, mark.
    Curve(String, &'static [f64], Option<Mark>),
    /// A path from its start to its end: colour, dash, mark, and whether each of them is marked.
    Path(&'static str, &'static [f64], Mark, [bool; 2]),
    /// A line with a white casing.
    Cased,
    /// A thin dotted line.
    Dotted,
    /// An area of a curve's colour.
    Band(&'static str),
    /// A mark of a curve's colour.
    Point(Mark, &'static str),
    /// The border of a basin.
    Border,
    /// A number in a disc.
    Numbered,
    /// A line between two ends.
    Span,
    /// Ticks side by side.
    Rug(&'static str),
}

/// One entry of a legend.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub swatch: Swatch,
    pub words: String,
}

impl Entry {
    pub fn new(swatch: Swatch, words: impl Into<String>) -> Self {
        Entry {
            swatch,
            words: words.into(),
        }
    }

    fn swatch_width(&self) -> f64 {
        match self.swatch {
            Swatch::Mark(_) | Swatch::Point(..) | Swatch::Numbered => 7.0,
            Swatch::Hatch
            | Swatch::CrossHatch
            | Swatch::Missing
            | Swatch::Band(_)
            | Swatch::Span
            | Swatch::Rug(_) => 10.0,
            Swatch::Curve(..)
            | Swatch::Path(..)
            | Swatch::Cased
            | Swatch::Dotted
            | Swatch::Border => 17.0,
        }
    }

    fn width(&self, size: f64) -> f64 {
        self.swatch_width() + 3.0 + text::width(&self.words, size)
    }
}

/// Between two entries, in points.
const BETWEEN: f64 = 10.0;

/// Entries in rows no wider than `limit`.
fn rows(entries: &[Entry], size: f64, limit: f64) -> Vec<Vec<&Entry>> {
    let mut rows: Vec<Vec<&Entry>> = Vec::new();
    let mut used = f64::INFINITY;
    for entry in entries {
        let width = entry.width(size);
        match (used + BETWEEN + width <= limit, rows.last_mut()) {
            (true, Some(row)) => {
                row.push(entry);
                used += BETWEEN + width;
            }
            _ => {
                rows.push(vec![entry]);
                used = width;
            }
        }
    }
    rows
}

/// Draws a legend with its upper left corner at a point, and returns its lower end.
pub(crate) fn draw(
    canvas: &mut Canvas,
    entries: &[Entry],
    style: &Style,
    at: (f64, f64),
    limit: f64,
) -> f64 {
    let size = style.small();
    let row_height = (LEADING + 0.2) * size;
    let mut y = at.1;
    if entries.is_empty() {
        return y;
    }
    canvas.group("legend");
    for row in rows(entries, size, limit) {
        let mut x = at.0;
        let middle = y + row_height / 2.0;
        for entry in row {
            swatch(canvas, entry, x, middle);
            let words_x = x + entry.swatch_width() + 3.0;
            let words = text::fit(&entry.words, size, limit - entry.swatch_width() - 3.0);
            let base = middle + text::CAP_HEIGHT / 2.0 * size;
            canvas.text(&Text::new(&words, words_x, base, size));
            x += entry.width(size) + BETWEEN;
        }
        y += row_height;
    }
    canvas.end();
    y
}

fn swatch(canvas: &mut Canvas, entry: &Entry, x: f64, y: f64) {
    let w = entry.swatch_width();
    let area = Path::new().rect(Rect::new(x, y - 2.8, w, 5.6));
    let line = Path::segment(x, y, x + w, y);
    match &entry.swatch {
        Swatch::Hatch => {
            let paint = canvas.hatch();
            canvas.shape(&area, Some(paint), 1.0, Some(Stroke::new(GREY, 0.4)));
        }
        Swatch::CrossHatch => {
            let paint = canvas.cross_hatch();
            canvas.shape(&area, Some(paint), 1.0, Some(Stroke::new(GREY, 0.4)));
        }
        Swatch::Missing => canvas.shape(&area, Some(MISSING), 1.0, Some(missing_stroke())),
        Swatch::Mark(kind) => mark::place(canvas, *kind, x + w / 2.0, y),
        Swatch::Dotted => canvas.line(&line, Stroke::new(GREY, AXIS).dash(&[1.5, 1.5])),
        Swatch::Band(color) => canvas.shape(&area, Some(color), 0.3, None),
        Swatch::Point(kind, color) => mark::draw(canvas, *kind, x + w / 2.0, y, 1.9, color),
        Swatch::Rug(color) => {
            let ticks = [1.0, 2.2, 2.9, 5.0, 6.1, 8.7].into_iter();
            let path = ticks.fold(Path::new(), |path, at| {
                path.polyline(&[(x + at, y - 2.5), (x + at, y + 2.5)], false)
            });
            canvas.line(&path, Stroke::new(color, 0.4));
        }
        Swatch::Span => {
            let ends = [x, x + w].map(|x| [(x, y - 1.5), (x, y + 1.5)]);
            let path = line.polyline(&ends[0], false).polyline(&ends[1], false);
            canvas.line(&path, Stroke::new(INK, 0.8));
        }
        Swatch::Border => canvas.line(&line, Stroke::new(INK, 0.8).dash(&BORDER)),
        Swatch::Numbered => mark::number(canvas, (x + w / 2.0, y), 3.5, 1, 5.0),
        Swatch::Cased => {
            canvas.line(&line, Stroke::new("#ffffff", 2.4));
            canvas.line(&line, Stroke::new(INK, 1.1));
        }
        Swatch::Path(color, dash, kind, [start, end]) => {
            let r = 1.9;
            let line = Path::segment(x + r, y, x + w - r, y);
            canvas.line(&line, Stroke::new(color, crate::style::CURVE).dash(dash));
            if *start {
                mark::hollow(canvas, *kind, x + r, y, r, color);
            }
            if *end {
                mark::cased(canvas, *kind, x + w - r, y, r, color);
            }
        }
        Swatch::Curve(color, dash, kind) => {
            canvas.line(&line, Stroke::new(color, crate::style::CURVE).dash(dash));
            if let Some(kind) = kind {
                mark::draw(canvas, *kind, x + w / 2.0, y, 1.7, color);
            }
        }
    }
}

/// The rim of cells that were not computed.
pub(crate) fn missing_stroke() -> Stroke<'static> {
    Stroke::new("#999999", 0.4).dash(&[1.2, 1.2])
}
