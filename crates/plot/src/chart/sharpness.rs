//! Measures of sharpness: marks on an axis, and a table as Markdown.

use super::table::{Column, Table};
use crate::curvature::{SHARPNESS_NOTE, SharpnessRow};
use crate::error::PlotError;
use crate::figure::Figure;
use crate::layout::{
    Axis, Entry, GAP, LEADING, PAD, Panel, Sheet, Swatch, TICK, Words, draw_axes, mark,
};
use crate::options::Options;
use crate::scale::{Clip, Scale, Transform, ValueScale};
use crate::style::{AXIS, GREY, LINES};
use crate::svg::{Anchor, Path, Rect, Stroke, Text};
use crate::text;
use crate::text::number::value;

/// Room at both ends of the axis, as a share of it.
const MARGIN: f64 = 0.06;
/// Height of a row, in sizes of small type.
const ROW: f64 = 2.0;

/// The measures of sharpness of one network.
#[derive(Debug, Clone, Copy)]
pub struct SharpnessOf<'a> {
    /// Its name, for the legend where there are several.
    pub name: &'a str,
    /// Its measures.
    pub rows: &'a [SharpnessRow],
}

/// Measures of sharpness as marks on a logarithmic axis, a row each, with one standard error where it is known; those of
/// one network with their values beside them, those of several with a legend.
///
/// # Errors
/// When there is no measure, or an option is not usable.
///
/// ```
/// use landscape_plot::{Options, SharpnessOf, SharpnessRow, sharpness};
///
/// let sam = SharpnessRow { measure: "sam".into(), value: 0.012, se: None, settings: "rho 0.05".into() };
/// let figure = sharpness(&[SharpnessOf { name: "net", rows: &[sam] }], &Options::default())?;
/// assert!(figure.svg().contains("rho 0.05"));
/// # Ok::<(), landscape_plot::PlotError>(())
/// ```
pub fn sharpness(of: &[SharpnessOf<'_>], options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    let measures = measures(of);
    if measures.is_empty() {
        return Err(PlotError::Empty {
            figure: "sharpness",
            what: "measure",
        });
    }
    let (mut sheet, panel) = marks(of, &measures, options);
    sheet.notes.extend(settings(&measures));
    sheet.notes.push(SHARPNESS_NOTE.to_owned());
    let left = panel.frame.x;
    Ok(sheet.finish(left, panel.bottom, "Measures of sharpness"))
}

/// A row for each measure, with the marks of all that have it.
pub(super) fn marks<'a>(
    of: &[SharpnessOf<'_>],
    measures: &[(String, String)],
    options: &'a Options,
) -> (Sheet<'a>, Panel) {
    let mut sheet = Sheet::new(options);
    let panel = panel(of, measures, &sheet);
    draw_axes(
        &mut sheet.canvas,
        &panel,
        [Words::All("value"), Words::Nothing],
        &sheet.style,
        false,
    );
    for (k, (name, _)) in measures.iter().enumerate() {
        let y = panel.frame.y + (k as f64 + 0.5) * ROW * sheet.style.small();
        draw_name(&mut sheet, &panel, y, name);
        draw_marks(&mut sheet, &panel, y, name, of);
    }
    if of.len() > 1 {
        let entry = |(k, one): (usize, &SharpnessOf<'_>)| {
            Entry::new(Swatch::Point(shape(k), color(k)), one.name)
        };
        sheet.legend.extend(of.iter().enumerate().map(entry));
    }
    (sheet, panel)
}

/// The measures that any of them has, in the order in which they come, with the settings that they share.
pub(super) fn measures(of: &[SharpnessOf<'_>]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for row in of.iter().flat_map(|one| one.rows) {
        match found.iter_mut().find(|(name, _)| *name == row.measure) {
            Some((_, settings)) if *settings != row.settings => settings.clear(),
            Some(_) => {}
            None => found.push((row.measure.clone(), row.settings.clone())),
        }
    }
    found
}

/// What the measures were computed with, those of the same settings together.
fn settings(measures: &[(String, String)]) -> Vec<String> {
    let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, settings) in measures.iter().filter(|(_, settings)| !settings.is_empty()) {
        match all
            .iter_mut()
            .find(|(known, _)| *known == settings.as_str())
        {
            Some((_, names)) => names.push(name),
            None => all.push((settings.as_str(), vec![name.as_str()])),
        }
    }
    let words = |(settings, names): (&str, Vec<&str>)| format!("{}: {settings}", names.join("; "));
    all.into_iter().map(words).collect()
}

fn panel(of: &[SharpnessOf<'_>], measures: &[(String, String)], sheet: &Sheet<'_>) -> Panel {
    let (style, small) = (&sheet.style, sheet.style.small());
    let rows = || of.iter().flat_map(|one| one.rows);
    let values: Vec<f64> = rows().map(|row| row.value).collect();
    let scale = ValueScale::of(&values, Scale::Log, Clip::default(), None);
    let (a, b) = scale.ends();
    let room = MARGIN * (b - a);
    let (lo, hi) = (
        scale.transform.inverse(a - room),
        scale.transform.inverse(b + room),
    );
    let wide = |words: &str, size: f64| text::width(words, size);
    let labels = measures.iter().map(|(name, _)| wide(name, small));
    let labels = labels.fold(0.0, f64::max);
    let left = PAD + labels.min(0.45 * sheet.width()) + 2.0 * GAP;
    let beside = match of {
        [_] => rows()
            .map(|row| wide(&words(row), small))
            .fold(0.0, f64::max),
        _ => 0.0,
    };
    let width = (sheet.width() - left - beside - 3.0 * GAP - PAD).max(40.0);
    let high = measures.len() as f64 * ROW * small;
    let frame = Rect::new(left, sheet.top + 2.0, width, high);
    Panel {
        frame,
        x: Axis::horizontal(scale.transform, lo, hi, (frame.x, frame.right()), small),
        y: Axis::with_ticks(
            Transform::Linear,
            0.0,
            1.0,
            (frame.bottom(), frame.y),
            Vec::new(),
        ),
        bottom: frame.bottom() + TICK + GAP + small + GAP + LEADING * style.font_pt,
    }
}

/// A value with its standard error.
fn words(row: &SharpnessRow) -> String {
    match row.se {
        Some(se) => format!("{} ± {}", value(row.value, 4), value(se, 2)),
        None => value(row.value, 4),
    }
}

/// The name of a measure, left of its row.
fn draw_name(sheet: &mut Sheet<'_>, panel: &Panel, y: f64, name: &str) {
    let small = sheet.style.small();
    let x = panel.frame.x - 2.0 * GAP;
    let middle = y + text::CAP_HEIGHT / 2.0 * small;
    // The longest name has exactly this room, but for rounding.
    let name = text::fit(name, small, x - PAD + 1e-6);
    let words = Text::new(&name, x, middle, small).anchor(Anchor::End);
    sheet.canvas.text(&words);
}

/// The values of a measure, each with its error; that of one network also in words.
fn draw_marks(sheet: &mut Sheet<'_>, panel: &Panel, y: f64, measure: &str, of: &[SharpnessOf<'_>]) {
    let small = sheet.style.small();
    let canvas = &mut sheet.canvas;
    let frame = panel.frame;
    let line = Path::segment(frame.x, y, frame.right(), y);
    canvas.line(&line, Stroke::new(GREY, AXIS / 2.0).dash(&[0.8, 1.6]));
    for (k, one) in of.iter().enumerate() {
        let Some(row) = one.rows.iter().find(|row| row.measure == measure) else {
            continue;
        };
        if row.value.is_finite() {
            let error = row.se.filter(|se| se.is_finite() && *se > 0.0);
            if let Some(se) = error {
                let at = |v: f64| panel.x.at(v.clamp(panel.x.lo(), panel.x.hi()));
                let bar = Path::segment(at(row.value - se), y, at(row.value + se), y);
                canvas.line(&bar, Stroke::new(color(k), 1.2));
            }
            mark::draw(canvas, shape(k), panel.x.at(row.value), y, 2.2, color(k));
        }
        if of.len() == 1 {
            let (x, middle) = (
                frame.right() + 2.0 * GAP,
                y + text::CAP_HEIGHT / 2.0 * small,
            );
            canvas.text(&Text::new(&words(row), x, middle, small));
        }
    }
}

fn shape(k: usize) -> mark::Mark {
    mark::CURVES[k % mark::CURVES.len()]
}

fn color(k: usize) -> &'static str {
    LINES[k % LINES.len()]
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
