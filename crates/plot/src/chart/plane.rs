//! What all figures of a plane share.

use crate::error::PlotError;
use crate::field::{self, Cell, Field};
use crate::layout::{Axis, Entry, Panel, PlaneSpec, Sheet, Swatch, mark, ratio};
use crate::options::{Options, PlacedNetwork};
use crate::scale::ValueScale;
use crate::scale::levels::{self, Level};
use crate::style::{GREY, INK, MISSING};
use crate::svg::{Canvas, Path, Stroke};
use landscape_core::Surface;

/// The values of a plane, their scale and their contour levels.
pub(super) struct Plane {
    pub field: Field,
    /// The field on a finer grid: what lines, colours and surfaces are drawn from.
    pub fine: Field,
    pub scale: ValueScale,
    pub values: Vec<f64>,
    pub levels: Vec<Level>,
    /// Measured points that are marked, by their indices.
    pub dots: Vec<(usize, usize)>,
}

impl Plane {
    pub fn of(surface: &Surface, options: &Options) -> Result<Self, PlotError> {
        let (values, _) = field::read(surface, options.value)?;
        let scale = super::value_scale(&values, options);
        Plane::on(surface, options, scale, values)
    }

    /// A plane on a scale that is given.
    pub fn on(
        surface: &Surface,
        options: &Options,
        scale: ValueScale,
        values: Vec<f64>,
    ) -> Result<Self, PlotError> {
        let field = Field::of(surface, &scale, options)?;
        let levels = match &options.levels {
            Some(values) => levels::custom(values),
            None => levels::levels(scale.transform, scale.lo, scale.hi),
        };
        Ok(Plane {
            fine: field.refined(),
            field,
            scale,
            values,
            levels,
            dots: dots(surface, options),
        })
    }

    /// Whether there is anything to put on a colour bar.
    pub fn has_values(&self) -> bool {
        self.field.count(Cell::Finite) > 0
    }
}

/// The ends of an axis whose cells reach `margin` of a step beyond its points.
pub(super) fn extent(axis: &landscape_core::Axis, margin: f64) -> (f64, f64) {
    let step = match axis.count() > 1 {
        true => axis.step(),
        false => (axis.max() - axis.min()).max(f64::MIN_POSITIVE),
    };
    let (a, b) = (
        axis.value(0) - margin * step,
        axis.value(axis.count() - 1) + margin * step,
    );
    match b - a > 1e-300 {
        true => (a, b),
        false => (a - 0.5, b + 0.5),
    }
}

/// Whether all points of an axis are whole numbers, as counts are.
pub(super) fn is_whole(axis: &landscape_core::Axis) -> bool {
    axis.count() > 1 && axis.values().iter().all(|v| *v == libm::round(*v))
}

/// From fractional indices of a field to the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placement {
    x: (f64, f64),
    y: (f64, f64),
}

impl Placement {
    pub fn new(panel: &Panel, field: &Field) -> Self {
        Placement {
            x: along(&panel.x, &field.x),
            y: along(&panel.y, &field.y),
        }
    }

    pub fn at(&self, (u, v): (f64, f64)) -> (f64, f64) {
        (self.x.0 + u * self.x.1, self.y.0 + v * self.y.1)
    }
}

/// Position of index 0, and distance between indices.
fn along(page: &Axis, axis: &landscape_core::Axis) -> (f64, f64) {
    let first = page.at(axis.value(0));
    match axis.count() {
        1 => (first, page.at(page.hi()) - page.at(page.lo())),
        n => (first, (page.at(axis.value(n - 1)) - first) / (n - 1) as f64),
    }
}

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

/// The measured points, where they are to be marked and others are interpolated.
fn dots(surface: &Surface, options: &Options) -> Vec<(usize, usize)> {
    if !options.measured || surface.interpolated() == 0 {
        return Vec::new();
    }
    let measured = (0..surface.grid().len()).filter(|&flat| surface.is_measured(flat));
    measured
        .map(|flat| {
            let [i, j, _] = surface.grid().unravel(flat);
            (i, j)
        })
        .collect()
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

/// Whether the point 0 is marked, and what it is called.
pub(super) fn origin<'a>(options: &'a Options, panel: &Panel) -> Option<&'a str> {
    let name = options.origin.as_deref()?;
    (panel.x.holds(0.0) && panel.y.holds(0.0)).then_some(name)
}

/// The models apart from the one at 0 that are inside a frame, with their marks.
pub(super) fn models<'a>(
    options: &'a Options,
    panel: &Panel,
) -> Vec<(mark::Mark, &'a PlacedNetwork)> {
    let inside = |(_, network): &(mark::Mark, &PlacedNetwork)| {
        panel.x.holds(network.at[0]) && panel.y.holds(network.at[1])
    };
    marked(options).into_iter().filter(inside).collect()
}

/// The models apart from the one at 0 with their marks; those of one name have one mark.
pub(super) fn marked(options: &Options) -> Vec<(mark::Mark, &PlacedNetwork)> {
    let mut names: Vec<&str> = Vec::new();
    for network in &options.networks {
        if !names.contains(&network.name.as_str()) {
            names.push(&network.name);
        }
    }
    let nth = |name: &str| names.iter().position(|n| *n == name).unwrap_or(0);
    let mark = |network: &PlacedNetwork| mark::NETWORKS[nth(&network.name) % mark::NETWORKS.len()];
    let networks = options.networks.iter();
    networks.map(|network| (mark(network), network)).collect()
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
    sheet.legend.push(entry);
}
