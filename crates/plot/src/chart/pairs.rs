//! Norms of the blocks of a matrix between parts, as coloured cells with names.

use crate::error::PlotError;
use crate::figure::Figure;
use crate::layout::{Bar, GAP, LEADING, PAD, Sheet};
use crate::options::Options;
use crate::scale::{Clip, Scale, ValueScale};
use crate::style::{AXIS, INK, hex};
use crate::svg::{Anchor, Path, Rect, Stroke, Text};
use crate::text;
use crate::text::number::value;

/// Parts up to which the numbers stand in their cells.
const IN_WORDS: usize = 6;
/// The share of the width that names take at most.
const NAMES: f64 = 0.3;

/// Norms between parts: a symmetric table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PairNorms {
    /// The parts.
    pub names: Vec<String>,
    /// Norms, row by row, as many as the square of the parts; NaN where one is not known.
    pub norms: Vec<f64>,
}

/// Norms of the blocks of a matrix between all pairs of parts as colours on a logarithmic scale, with the names of the parts beside
/// and below; those of few parts as numbers too.
///
/// # Errors
/// When there is no part, there is not one norm a pair, or an option is not usable.
///
/// ```
/// use landscape_plot::{Options, PairNorms, pairs};
///
/// let found = PairNorms { names: vec!["fc1".into(), "fc2".into()], norms: vec![4.0, 0.5, 0.5, 9.0] };
/// let figure = pairs(&found, &Options::default())?;
/// assert!(figure.svg().contains(">fc2<"));
/// # Ok::<(), landscape_plot::PlotError>(())
/// ```
pub fn pairs(found: &PairNorms, options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    let count = found.names.len();
    if count == 0 {
        return Err(PlotError::Empty {
            figure: "pairs",
            what: "part",
        });
    }
    if found.norms.len() != count * count {
        return Err(PlotError::ValueCount {
            name: "norms between parts".to_owned(),
            places: count * count,
            values: found.norms.len(),
        });
    }
    let scale = ValueScale::of(&found.norms, Scale::Log, Clip::default(), None);
    let bar = Bar {
        scale: &scale,
        colormap: options.style.colormap,
        name: "Frobenius norm".to_owned(),
        levels: &[],
        ticks: &[],
        bands: false,
    };
    let mut sheet = Sheet::new(options);
    let (frame, below) = frame(found, &sheet, &bar);
    draw_cells(&mut sheet, found, frame, &scale);
    draw_names(&mut sheet, found, frame, below);
    bar.draw(&mut sheet.canvas, frame, &options.style);
    sheet.notes.extend(scale.notes.iter().cloned());
    let bottom = frame.bottom() + GAP + below + LEADING * sheet.style.small() * 0.5;
    Ok(sheet.finish(frame.x, bottom, "Norms between parts"))
}

/// The cells' square, and the height of the names below.
fn frame(found: &PairNorms, sheet: &Sheet<'_>, bar: &Bar<'_>) -> (Rect, f64) {
    let (small, width) = (sheet.style.small(), sheet.width());
    let names = found.names.iter().map(|name| text::width(name, small));
    let names = names.fold(0.0, f64::max).min(NAMES * width);
    let left = PAD + names + 2.0 * GAP;
    let side = width - left - PAD - bar.width(&sheet.style, 0.5 * width);
    (Rect::new(left, sheet.top + 2.0, side, side), names)
}

fn draw_cells(sheet: &mut Sheet<'_>, found: &PairNorms, frame: Rect, scale: &ValueScale) {
    let (count, small) = (found.names.len(), sheet.style.small());
    let side = frame.w / count as f64;
    let canvas = &mut sheet.canvas;
    canvas.group("norms");
    for (place, &norm) in found.norms.iter().enumerate() {
        let (row, column) = (place / count, place % count);
        let cell = Rect::new(
            frame.x + column as f64 * side,
            frame.y + row as f64 * side,
            side,
            side,
        );
        let share = scale.fraction(norm).clamp(0.0, 1.0);
        let paint = match norm.is_finite() {
            true => hex(sheet.options.style.colormap.color(share)),
            false => canvas.hatch().to_owned(),
        };
        canvas.fill(&Path::new().rect(cell), &paint);
        if count <= IN_WORDS && norm.is_finite() {
            let words = value(norm, 2);
            let middle = cell.y + 0.5 * side + 0.5 * text::CAP_HEIGHT * small;
            let number = Text::new(&words, cell.x + 0.5 * side, middle, small);
            canvas.text(&number.anchor(Anchor::Middle).halo("#ffffff"));
        }
    }
    canvas.end();
    canvas.line(&Path::new().rect(frame), Stroke::new(INK, AXIS));
}

/// Names left of the rows, and upright below the columns: of many parts every second, third... one.
fn draw_names(sheet: &mut Sheet<'_>, found: &PairNorms, frame: Rect, room: f64) {
    let (count, small) = (found.names.len(), sheet.style.small());
    let side = frame.w / count as f64;
    let every = libm::ceil(1.2 * small / side).max(1.0) as usize;
    let canvas = &mut sheet.canvas;
    canvas.group("names");
    for (place, name) in found.names.iter().enumerate().step_by(every) {
        let name = text::fit(name, small, room);
        let middle = (place as f64 + 0.5) * side + 0.5 * text::CAP_HEIGHT * small;
        let beside = Text::new(&name, frame.x - GAP, frame.y + middle, small);
        canvas.text(&beside.anchor(Anchor::End));
        let below = Text::new(&name, frame.x + middle, frame.bottom() + GAP, small);
        canvas.text(&below.angle(-90.0).anchor(Anchor::End));
    }
    canvas.end();
}
