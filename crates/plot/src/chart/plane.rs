//! What all figures of a plane share.

use crate::display::{Placement, Plane, extent, is_whole, models, origin};
use crate::field::{Cell, Field};
use crate::layout::{Entry, Panel, PlaneSpec, Sheet, Swatch, mark, ratio};
use crate::lines::Line;
use crate::options::{Options, PlacedNetwork};
use crate::style::{GREY, INK, MISSING};
use crate::svg::{Canvas, Path, Stroke};

/// The layout of a plane's frame.
pub(super) fn spec<'a>(
    field: &Field,
    margin: f64,
    labels: [&'a str; 2],
    options: &Options,
    bar: Option<&'a crate::layout::Bar<'a>>,
) -> PlaneSpec<'a> {
    let (x, y) = (extent(&field.x, margin), extent(&field.y, margin));
    PlaneSpec {
        x,
        y,
        labels,
        whole: [is_whole(&field.x), is_whole(&field.y)],
        ratio: ratio(options.aspect, x, y),
        bar,
    }
}

/// Marks measured points with dots of a sixth of a step.
pub(super) fn draw_dots(canvas: &mut Canvas, data: &Plane, at: Placement) {
    if data.dots.is_empty() {
        return;
    }
    let (x0, y0) = at.at((0.0, 0.0));
    let (x1, y1) = at.at((1.0, 1.0));
    let step = (x1 - x0).abs().min((y1 - y0).abs());
    let radius = (step / 6.0).clamp(0.3, 0.9);
    let path = data.dots.iter().fold(Path::new(), |path, &(i, j)| {
        let (x, y) = at.at((i as f64, j as f64));
        path.circle(x, y, radius)
    });
    canvas.group("measured");
    let rim = Stroke::new("#ffffff", radius / 2.0);
    canvas.shape(&path, Some(INK), 1.0, Some(rim));
    canvas.end();
}

/// Hatches cells that are not finite and rims those that were not computed.
pub(super) fn draw_holes(canvas: &mut Canvas, field: &Field, at: Placement) {
    for (kind, id) in [
        (Cell::Broken, "not-finite"),
        (Cell::Missing, "not-computed"),
        (Cell::Unsettled, "not-converged"),
    ] {
        let outlines = field.outlines(kind);
        if outlines.is_empty() {
            continue;
        }
        let mut path = Path::new();
        for outline in outlines {
            let points: Vec<(f64, f64)> = outline.into_iter().map(|p| at.at(p)).collect();
            path = path.polyline(&points, true);
        }
        canvas.group(id);
        let paint = match kind {
            Cell::Broken => canvas.hatch(),
            Cell::Unsettled => canvas.cross_hatch(),
            _ => MISSING,
        };
        let stroke = match kind {
            Cell::Broken | Cell::Unsettled => Stroke::new(GREY, 0.4),
            _ => Stroke::new("#999999", 0.4).dash(&[1.2, 1.2]),
        };
        canvas.shape(&path, Some(paint), 1.0, Some(stroke));
        canvas.end();
    }
}

/// Legend entries of the cells without a value.
pub(super) fn hole_entries(cells: &[Cell]) -> Vec<Entry> {
    let count = |kind: Cell| cells.iter().filter(|c| **c == kind).count();
    let mut entries = Vec::new();
    if count(Cell::Broken) > 0 {
        let words = format!("NaN or ∞ ({})", count(Cell::Broken));
        entries.push(Entry::new(Swatch::Hatch, words));
    }
    if count(Cell::Missing) > 0 {
        let words = format!("not computed ({})", count(Cell::Missing));
        entries.push(Entry::new(Swatch::Missing, words));
    }
    if count(Cell::Unsettled) > 0 {
        let words = format!("not converged ({})", count(Cell::Unsettled));
        entries.push(Entry::new(Swatch::CrossHatch, words));
    }
    entries
}

/// Marks all models, the one at 0 where asked, and says so in the legend.
pub(super) fn draw_models(sheet: &mut Sheet<'_>, panel: &Panel, zero: bool) {
    if zero {
        draw_origin(sheet, panel);
    }
    let models = models(sheet.options, panel);
    if models.is_empty() {
        return;
    }
    sheet.canvas.group("models");
    for &(kind, network) in &models {
        let (x, y) = (panel.x.at(network.at[0]), panel.y.at(network.at[1]));
        mark::place(&mut sheet.canvas, kind, x, y);
    }
    sheet.canvas.end();
    let at = |network: &PlacedNetwork| (network.at[0], network.at[1]);
    let marks = models
        .iter()
        .map(|(kind, network)| Line::mark(kind.plot_name(), at(network), &network.name, INK));
    sheet.add_lines(marks);
    for (kind, network) in models {
        let entry = Entry::new(Swatch::Mark(kind), &network.name);
        if !sheet.legend.contains(&entry) {
            sheet.legend.push(entry);
        }
    }
}

/// Marks the point 0 and says so in the legend.
pub(super) fn draw_origin(sheet: &mut Sheet<'_>, panel: &Panel) {
    let Some(name) = origin(sheet.options, panel) else {
        return;
    };
    sheet.canvas.group("origin");
    mark::place(
        &mut sheet.canvas,
        mark::Mark::Cross,
        panel.x.at(0.0),
        panel.y.at(0.0),
    );
    sheet.canvas.end();
    let entry = Entry::new(Swatch::Mark(mark::Mark::Cross), name);
    sheet.add_lines([Line::mark(
        mark::Mark::Cross.plot_name(),
        (0.0, 0.0),
        name,
        INK,
    )]);
    sheet.legend.push(entry);
}
