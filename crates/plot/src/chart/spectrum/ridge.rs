//! Several spectra on one axis, a row each.

use super::marks::{self, COLOR, RADIUS};
use super::window::{Window, within};
use super::{curve, eigenvalue_entries, height, limit_swatch, note, x_label};
use crate::curvature::Spectrum;
use crate::error::PlotError;
use crate::figure::Figure;
use crate::layout::{Axis, Entry, GAP, LEADING, PAD, Panel, Sheet, TICK, Words, draw_axes, mark};
use crate::options::Options;
use crate::scale::Transform;
use crate::style::{AXIS, Colormap, DASHES, INK, hex};
use crate::svg::{Anchor, Canvas, Path, Rect, Stroke, Text};
use crate::text;
use crate::text::number::value;

/// The most rows of a figure.
const ROWS: usize = 24;
/// Height of all rows together, in points, where they are neither too low nor too high.
const TOTAL: f64 = 420.0;
/// Share of the distance between two base lines that a row takes.
const SHARE: f64 = 0.9;
/// Between the last base line and the axis, in points.
const BELOW: f64 = 4.0;

/// Spectra of one run at several steps (or of several runs, or layers): a row each, the first at
/// the top, all on one eigenvalue axis and one logarithmic scale of the density. Single eigenvalues
/// are marked on the base of their row, hollow where they did not converge. Of more than 24 spectra,
/// 24 that are evenly spaced are shown, and the caption says so.
///
/// # Errors
/// As [`super::spectrum`]; spectra without a density need an exact one. When there is none at all.
pub fn spectra(spectra: &[Spectrum], options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    if spectra.is_empty() {
        return Err(PlotError::Empty {
            figure: "spectra",
            what: "spectrum",
        });
    }
    spectra.iter().try_for_each(Spectrum::check)?;
    let shown = thinned(spectra);
    let window = Window::of(&shown, options);
    let mut sheet = Sheet::new(options);
    let rows = layout(&sheet, &shown, &window);
    for (k, (row, spectrum)) in rows.iter().zip(&shown).enumerate() {
        let share = k as f64 / (rows.len() - 1).max(1) as f64;
        draw_row(&mut sheet.canvas, spectrum, &window, row, share);
        draw_name(&mut sheet.canvas, spectrum, row, options);
    }
    let axis = axis(&rows[rows.len() - 1]);
    let words = [Words::All(&x_label(options)), Words::Nothing];
    draw_axes(&mut sheet.canvas, &axis, words, &options.style, false);
    explain(&mut sheet, &shown, spectra.len(), &window);
    Ok(sheet.finish(axis.frame.x, axis.bottom, "Spectra"))
}

/// Evenly spaced spectra, the first and the last among them.
fn thinned(spectra: &[Spectrum]) -> Vec<Spectrum> {
    let n = spectra.len();
    if n <= ROWS {
        return spectra.to_vec();
    }
    let at = |k: usize| k * (n - 1) / (ROWS - 1);
    (0..ROWS).map(|k| spectra[at(k)].clone()).collect()
}

fn layout(sheet: &Sheet<'_>, spectra: &[Spectrum], window: &Window) -> Vec<Panel> {
    let style = sheet.style;
    let small = style.small();
    let names = spectra.iter().map(|s| text::width(&s.name, small));
    let left = PAD + names.fold(0.0, f64::max).min(0.3 * sheet.width()) + 2.0 * GAP;
    let pitch = (TOTAL / spectra.len() as f64).clamp(15.0, 38.0);
    let tall = pitch * SHARE;
    let mut right = PAD + 6.0;
    let mut rows = Vec::new();
    for _ in 0..2 {
        let w = sheet.width() - left - right;
        let top = sheet.top + 2.0;
        let frame = |k: usize| Rect::new(left, top + k as f64 * pitch, w, tall);
        rows = (0..spectra.len())
            .map(|k| row(frame(k), window, sheet))
            .collect();
        right = PAD + rows[0].x.overhang(small).max(4.0);
    }
    rows
}

fn row(frame: Rect, window: &Window, sheet: &Sheet<'_>) -> Panel {
    let style = sheet.style;
    let (across, up) = ((frame.x, frame.right()), (frame.bottom(), frame.y));
    let (lo, hi) = window.x;
    let below = TICK + GAP + style.small() + GAP + LEADING * style.font_pt;
    Panel {
        frame,
        x: Axis::horizontal(window.transform, lo, hi, across, style.small()),
        y: Axis::with_ticks(Transform::Log, window.y.0, window.y.1, up, Vec::new()),
        bottom: frame.bottom() + BELOW + below,
    }
}

/// The horizontal axis below the last row.
fn axis(last: &Panel) -> Panel {
    let frame = last.frame;
    Panel {
        frame: Rect::new(frame.x, frame.bottom() + BELOW, frame.w, 0.0),
        ..last.clone()
    }
}

/// One spectrum: the area under its density, its eigenvalues on the base line.
fn draw_row(canvas: &mut Canvas, spectrum: &Spectrum, window: &Window, row: &Panel, share: f64) {
    let color = hex(Colormap::Viridis.color(0.82 * share));
    let base = row.frame.bottom();
    canvas.group("row");
    canvas.clipped(row.frame.inset(-0.5));
    let points = points(spectrum, window);
    let mut area: Vec<(f64, f64)> = { points.iter() }
        .filter(|(x, d)| x.is_finite() && d.is_finite())
        .map(|(x, d)| (row.x.at(*x), height(row, *d).min(base)))
        .collect();
    if let (Some(first), Some(last)) = (area.first().copied(), area.last().copied()) {
        area.extend([(last.0, base), (first.0, base)]);
    }
    let path = Path::new().polyline(&area, true);
    canvas.shape(&path, Some(&color), 0.45, None);
    canvas.line(&curve(points.into_iter(), row), Stroke::new(&color, 0.8));
    canvas.end();
    let line = Path::segment(row.frame.x, base, row.frame.right(), base);
    canvas.line(&line, Stroke::new("#999999", 0.3));
    draw_marks(canvas, spectrum, row);
    canvas.end();
}

/// The density, or the histogram of an exact spectrum as a curve of steps.
fn points(spectrum: &Spectrum, window: &Window) -> Vec<(f64, f64)> {
    match &spectrum.density {
        Some(density) => {
            let (low, high) = within(spectrum);
            let places = density.grid.iter().copied();
            let points = places.zip(density.density.iter().copied());
            points.filter(|(at, _)| *at >= low && *at <= high).collect()
        }
        None => {
            let bins = window.histogram(&spectrum.exact);
            bins.iter()
                .flat_map(|(a, b, d)| [(*a, *d), (*b, *d)])
                .collect()
        }
    }
}

fn draw_marks(canvas: &mut Canvas, spectrum: &Spectrum, row: &Panel) {
    let base = row.frame.bottom();
    if let Some(limit) = spectrum
        .stability_limit
        .as_ref()
        .filter(|l| row.x.holds(l.value))
    {
        let x = row.x.at(limit.value);
        let line = Path::segment(x, base - row.frame.h / SHARE, x, base);
        canvas.line(&line, Stroke::new(INK, 0.8).dash(DASHES[3]));
    }
    for v in spectrum
        .eigenvalues
        .iter()
        .rev()
        .filter(|v| v.value.is_finite())
    {
        let x = row.x.at(v.value);
        mark::draw(
            canvas,
            marks::kind(v.converged),
            x,
            base,
            0.8 * RADIUS,
            COLOR,
        );
    }
}

fn draw_name(canvas: &mut Canvas, spectrum: &Spectrum, row: &Panel, options: &Options) {
    let size = options.style.small();
    let room = row.frame.x - PAD - 2.0 * GAP + 0.1;
    let name = text::fit(&spectrum.name, size, room);
    let words = Text::new(&name, row.frame.x - 2.0 * GAP, row.frame.bottom(), size);
    canvas.text(&words.anchor(Anchor::End));
    let tick = Path::segment(
        row.frame.x - TICK,
        row.frame.bottom(),
        row.frame.x,
        row.frame.bottom(),
    );
    canvas.line(&tick, Stroke::new(INK, AXIS));
}

fn explain(sheet: &mut Sheet<'_>, shown: &[Spectrum], all: usize, window: &Window) {
    let mut legend = eigenvalue_entries(shown);
    if let Some(limit) = shown.iter().find_map(|s| s.stability_limit.as_ref()) {
        legend.push(Entry::new(limit_swatch(), limit.name.clone()));
    }
    sheet.legend.extend(legend);
    let (low, high) = (value(window.y.0, 2), value(window.y.1, 2));
    sheet.notes.push(format!(
        "rows show the logarithm of the density, from {low} (base line) to {high}"
    ));
    if shown.len() < all {
        let n = shown.len();
        sheet.notes.push(format!("{n} of {all} spectra are shown"));
    }
    note(sheet, shown, window);
}
