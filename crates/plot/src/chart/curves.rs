//! Panels of curves, one above the other, over one horizontal axis.

use super::heights::{self, Height};
use super::plane::hole_entries;
use crate::error::PlotError;
use crate::field::Cell;
use crate::figure::Figure;
use crate::layout::{
    Axis, Entry, GAP, LEADING, PAD, Panel, Sheet, Swatch, TICK, Words, draw_axes, mark,
};
use crate::lines::{Frame, Line};
use crate::options::Options;
use crate::scale::{Clip, Scale};
use crate::scale::{Transform, ValueScale, finite_range};
use crate::style::{AXIS, CURVE, GREY, MISSING};
use crate::svg::{Anchor, Canvas, Path, Rect, Stroke, Text};
use crate::text;

/// Half widths of bands, in standard errors.
const BAND: f64 = 1.96;
/// Room above and below curves, as a share of the scale.
const MARGIN: f64 = 0.05;
/// About this many marks stand on a curve.
const MARKS: usize = 8;

/// One curve.
#[derive(Debug, Clone, Default)]
pub(super) struct Series {
    pub name: String,
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub color: &'static str,
    pub dash: &'static [f64],
    pub mark: Option<mark::Mark>,
    /// Standard errors, or nothing.
    pub error: Vec<f64>,
    /// Places of points that are marked with small dots.
    pub dots: Vec<usize>,
    /// Places of points that are marked with small open circles.
    pub open: Vec<usize>,
    /// Lower and upper ends of an area about the curve, or nothing.
    pub range: Vec<[f64; 2]>,
    /// Drawn with a thinner line, as one of many.
    pub thin: bool,
}

struct PanelSpec {
    name: String,
    scale: ValueScale,
    series: Vec<Series>,
}

/// A figure of curves in the making.
pub(super) struct Curves<'a> {
    sheet: Sheet<'a>,
    x_name: String,
    panels: Vec<PanelSpec>,
    holes: Vec<(f64, f64, Cell)>,
    cells: Vec<Cell>,
    pub legend: bool,
    pub mark_origin: bool,
    /// Whether the horizontal axis has ticks at whole numbers only.
    pub whole: bool,
    /// Heights marked in the first panel.
    pub heights: Vec<Height>,
    /// The whole horizontal axis; from the curves when absent.
    pub extent: Option<(f64, f64)>,
}

impl<'a> Curves<'a> {
    pub fn new(options: &'a Options, x_name: String) -> Self {
        Curves {
            sheet: Sheet::new(options),
            x_name,
            panels: Vec::new(),
            holes: Vec::new(),
            cells: Vec::new(),
            legend: false,
            mark_origin: false,
            whole: false,
            heights: Vec::new(),
            extent: None,
        }
    }

    /// Adds a panel below the others.
    pub fn panel(
        &mut self,
        name: String,
        scale: Scale,
        clip: Clip,
        range: Option<(f64, f64)>,
        series: Vec<Series>,
    ) {
        let ends = |s: &Series| s.range.iter().flatten().copied().collect::<Vec<f64>>();
        let values: Vec<f64> = series
            .iter()
            .flat_map(|s| [s.y.clone(), ends(s)].concat())
            .collect();
        let exact = ValueScale::of(&values, scale, clip, range);
        self.sheet.note_scale(&exact, &values);
        if series.iter().any(|s| !s.error.is_empty()) {
            self.sheet
                .notes
                .push("the band is the mean ± 1.96 standard errors".to_owned());
        }
        let scale = roomy(exact, &series, clip, range);
        self.panels.push(PanelSpec {
            name,
            scale,
            series,
        });
    }

    /// Adds a linear panel that begins at 0.
    pub fn panel_from_zero(&mut self, name: String, series: Vec<Series>) {
        let values: Vec<f64> = series.iter().flat_map(|s| s.y.iter().copied()).collect();
        let high = finite_range(&values).map_or(1.0, |r| r.1);
        let high = if high > 0.0 {
            high * (1.0 + MARGIN)
        } else {
            1.0
        };
        let scale = ValueScale::of(&values, Scale::Linear, Clip::default(), Some((0.0, high)));
        self.panels.push(PanelSpec {
            name,
            scale,
            series,
        });
    }

    /// Points of the horizontal axis that have no value.
    pub fn holes(&mut self, axis: &landscape_core::Axis, cells: &[Cell]) {
        let half = axis.step() / 2.0;
        let (first, last) = (axis.value(0), axis.value(axis.count() - 1));
        self.cells = cells.to_vec();
        for (i, cell) in cells
            .iter()
            .enumerate()
            .filter(|(_, c)| **c != Cell::Finite)
        {
            let (a, b) = (
                (axis.value(i) - half).max(first),
                (axis.value(i) + half).min(last),
            );
            match self.holes.last_mut() {
                Some(hole) if hole.2 == *cell && a - hole.1 < half / 2.0 => hole.1 = b,
                _ => self.holes.push((a, b, *cell)),
            }
        }
    }

    /// An entry of the legend below the panels.
    pub fn entry(&mut self, entry: Entry) {
        self.sheet.legend.push(entry);
    }

    /// A sentence of the caption.
    pub fn note(&mut self, words: impl Into<String>) {
        self.sheet.notes.push(words.into());
    }

    /// Says that the curves are smoothed, where they are.
    pub fn note_smoothing(&mut self) {
        self.sheet.note_smoothing();
    }

    /// Says how many points of a surface are measured, where some are interpolated.
    pub fn note_sources(&mut self, surface: &landscape_core::Surface) {
        self.sheet.note_sources(surface);
    }

    /// Whether all places are whole numbers, as steps are.
    fn counts(&self) -> bool {
        let mut all = self
            .panels
            .iter()
            .flat_map(|p| &p.series)
            .flat_map(|s| &s.x);
        all.all(|x| *x == libm::round(*x))
    }

    fn x_range(&self) -> (f64, f64) {
        if let Some(extent) = self.extent {
            return extent;
        }
        let all = self
            .panels
            .iter()
            .flat_map(|p| &p.series)
            .flat_map(|s| s.x.iter().copied());
        let (a, b) = finite_range(&all.collect::<Vec<f64>>()).unwrap_or((0.0, 1.0));
        match b > a {
            true => {
                let room = 0.015 * b - 0.015 * a;
                ((a - room).max(-f64::MAX), (b + room).min(f64::MAX))
            }
            false => (a - 0.5, a + 0.5),
        }
    }

    /// Draws everything.
    pub fn draw(mut self, title: &str) -> Result<Figure, PlotError> {
        let style = self.sheet.style;
        if self.legend {
            let left = self.layout().first().map_or(PAD, |panel| panel.frame.x);
            self.draw_legend(left);
        }
        let frames = self.layout();
        for (k, panel) in frames.iter().enumerate() {
            self.draw_panel(k, panel, k + 1 == frames.len());
        }
        let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
            return Err(PlotError::Empty {
                figure: "curve",
                what: "panel",
            });
        };
        let names: Vec<String> = self.panels.iter().map(|p| p.name.clone()).collect();
        self.sheet.frames = self.data(&frames);
        self.draw_names(&frames, &names);
        if self.mark_origin {
            self.draw_origin(&frames);
        }
        self.sheet.legend.extend(hole_entries(&self.cells));
        self.sheet.notes.dedup();
        let bottom =
            last.frame.bottom() + TICK + GAP + style.small() + GAP + LEADING * style.font_pt;
        Ok(self.sheet.finish(first.frame.x, bottom, title))
    }

    /// The curves as data, those of one name named once.
    fn data(&self, frames: &[Panel]) -> Vec<Frame> {
        let line = |series: &Series, named: bool| Line {
            name: if named {
                series.name.clone()
            } else {
                String::new()
            },
            color: series.color.to_owned(),
            width: width(series),
            dash: series.dash,
            mark: series.mark.map(mark::Mark::plot_name),
            points: series
                .x
                .iter()
                .copied()
                .zip(series.y.iter().copied())
                .collect(),
        };
        let last = frames.len() - 1;
        let frame = |(k, (panel, spec)): (usize, (&Panel, &PanelSpec))| {
            let lines = spec
                .series
                .iter()
                .map(|s| line(s, self.legend && k == last));
            let below = if k == last { self.x_name.as_str() } else { "" };
            panel.data("", [below.to_owned(), spec.name.clone()], lines.collect())
        };
        let all = frames.iter().zip(&self.panels).enumerate();
        all.map(frame).collect()
    }

    /// The legend of curves stands above the panels, flush with their left border.
    fn draw_legend(&mut self, left: f64) {
        let style = self.sheet.style;
        let several = self.panels.iter().any(|p| p.series.len() > 1);
        let named = self
            .panels
            .iter()
            .filter(|p| !several || p.series.len() > 1);
        let mut entries: Vec<Entry> = Vec::new();
        for series in named.flat_map(|p| &p.series).filter(|s| !s.name.is_empty()) {
            let swatch = Swatch::Curve(series.color.to_owned(), series.dash, series.mark);
            let entry = Entry::new(swatch, series.name.clone());
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        let room = self.sheet.width() - left - PAD;
        let at = (left, self.sheet.top);
        self.sheet.top = crate::layout::legend(&mut self.sheet.canvas, &entries, &style, at, room);
    }

    /// Frames that share their left and right borders.
    fn layout(&self) -> Vec<Panel> {
        let style = self.sheet.style;
        let small = style.small();
        let (width, n) = (self.sheet.width(), self.panels.len());
        let share = if n == 1 { 0.66 } else { 0.42 };
        let (mut left, mut right) = (40.0, 10.0);
        let mut frames = Vec::new();
        for _ in 0..3 {
            let w = width - left - right;
            let h = (share * w).min(190.0);
            let mut y = self.sheet.top + 0.5 * small;
            if self.mark_origin && !self.sheet.options.networks.is_empty() {
                // The names of models.
                y += LEADING * small;
            }
            frames.clear();
            for panel in &self.panels {
                frames.push(self.frame(Rect::new(left, y, w, h), panel));
                y += h + 7.0;
            }
            let labels = frames
                .iter()
                .map(|f| f.y.label_width(small))
                .fold(0.0, f64::max);
            left = PAD + LEADING * style.font_pt + GAP + labels + GAP + TICK;
            right = PAD
                + frames
                    .iter()
                    .map(|f| f.x.overhang(small))
                    .fold(2.0, f64::max);
        }
        frames
    }

    fn frame(&self, frame: Rect, panel: &PanelSpec) -> Panel {
        let small = self.sheet.style.small();
        let (lo, hi) = self.x_range();
        let ValueScale {
            transform,
            lo: a,
            hi: b,
            ..
        } = panel.scale;
        Panel {
            frame,
            x: Axis::horizontal(Transform::Linear, lo, hi, (frame.x, frame.right()), small)
                .whole(self.whole || self.counts()),
            y: Axis::vertical(transform, a, b, (frame.bottom(), frame.y), small),
            bottom: frame.bottom(),
        }
    }

    fn draw_panel(&mut self, k: usize, panel: &Panel, last: bool) {
        let style = self.sheet.style;
        let canvas = &mut self.sheet.canvas;
        for (a, b, cell) in &self.holes {
            let f = panel.frame;
            let (x0, x1) = (panel.x.at(*a), panel.x.at(*b));
            let path = Path::new().rect(Rect::new(x0, f.y, x1 - x0, f.h));
            let paint = match cell {
                Cell::Broken => canvas.hatch(),
                _ => MISSING,
            };
            canvas.fill(&path, paint);
        }
        canvas.group(&format!("curves-{}", k + 1));
        canvas.clipped(panel.frame.inset(-0.5));
        if k == 0 {
            heights::draw_bars(canvas, &self.heights, panel);
        }
        for series in &self.panels[k].series {
            draw_series(canvas, series, panel);
        }
        canvas.end();
        canvas.end();
        if k == 0 {
            heights::draw_words(canvas, &self.heights, panel, style.small());
        }
        let below = match last {
            true => Words::All(&self.x_name),
            false => Words::Nothing,
        };
        draw_axes(canvas, panel, [below, Words::Ticks], &style, false);
    }

    /// Names of vertical axes, aligned with one another.
    fn draw_names(&mut self, frames: &[Panel], names: &[String]) {
        let size = self.sheet.style.font_pt;
        for (panel, name) in frames.iter().zip(names) {
            let x = PAD + text::ASCENT * size;
            let y = panel.frame.y + panel.frame.h / 2.0;
            let name = text::fit(name, size, panel.frame.h + 4.0);
            let words = Text::new(&name, x, y, size)
                .anchor(Anchor::Middle)
                .angle(-90.0);
            self.sheet.canvas.text(&words);
        }
    }

    fn draw_origin(&mut self, frames: &[Panel]) {
        let Some(name) = self.sheet.options.origin.clone() else {
            return;
        };
        if !self.sheet.options.networks.is_empty() {
            return self.draw_models(frames, &name);
        }
        for panel in frames.iter().filter(|p| p.x.holds(0.0)) {
            let (x, f) = (panel.x.at(0.0), panel.frame);
            let line = Path::segment(x, f.y, x, f.bottom());
            self.sheet
                .canvas
                .line(&line, Stroke::new(GREY, AXIS).dash(&[1.5, 1.5]));
        }
        if frames.iter().any(|p| p.x.holds(0.0)) {
            self.sheet.legend.push(Entry::new(Swatch::Dotted, name));
        }
    }
}

impl Curves<'_> {
    /// Lines through the models at 0 and elsewhere, each with its name above the first panel.
    fn draw_models(&mut self, frames: &[Panel], origin: &str) {
        let size = self.sheet.style.small();
        let options = self.sheet.options;
        let mut models = vec![(0.0, origin)];
        models.extend(options.networks.iter().map(|p| (p.at[0], p.name.as_str())));
        models.retain(|(a, _)| frames.iter().any(|panel| panel.x.holds(*a)));
        let canvas = &mut self.sheet.canvas;
        canvas.group("models");
        for (a, name) in models {
            for panel in frames {
                let (x, f) = (panel.x.at(a), panel.frame);
                let line = Path::segment(x, f.y, x, f.bottom());
                canvas.line(&line, Stroke::new(GREY, AXIS).dash(&[1.5, 1.5]));
            }
            let Some(panel) = frames.first() else { break };
            let (x, f) = (panel.x.at(a), panel.frame);
            let name = text::fit(name, size, 0.45 * f.w);
            // At the borders of the frame it stays between them.
            let anchor = match (x - f.x) / f.w {
                share if share < 0.2 => Anchor::Start,
                share if share > 0.8 => Anchor::End,
                _ => Anchor::Middle,
            };
            canvas.text(&Text::new(&name, x, f.y - GAP, size).anchor(anchor));
        }
        canvas.end();
    }
}

/// The scale with room for bands and a margin at both ends, unless an end is given.
fn roomy(
    exact: ValueScale,
    series: &[Series],
    clip: Clip,
    range: Option<(f64, f64)>,
) -> ValueScale {
    let (a, b) = exact.ends();
    let t = exact.transform;
    let (mut low, mut high) = (a, b);
    for s in series.iter().filter(|s| !s.error.is_empty()) {
        for (y, e) in
            s.y.iter()
                .zip(&s.error)
                .filter(|(y, e)| y.is_finite() && e.is_finite())
        {
            let end = |v: f64| t.forward(v.clamp(-f64::MAX, f64::MAX));
            let (down, up) = (end(y - BAND * e), end(y + BAND * e));
            // On a log scale a band may reach down for ever; it gets a tenth of the height.
            low = low.min(down.max(a - 0.1 * (b - a)));
            high = high.max(up);
        }
    }
    let margin = MARGIN * (high - low);
    let given = |end: Option<f64>, r: Option<f64>| r.or(end);
    let lo = given(clip.low, range.map(|r| r.0)).unwrap_or_else(|| t.inverse(low - margin));
    let hi = given(clip.high, range.map(|r| r.1)).unwrap_or_else(|| t.inverse(high + margin));
    ValueScale { lo, hi, ..exact }
}

/// Runs of neighbouring points that are on the page.
fn runs(series: &Series, panel: &Panel) -> Vec<Vec<usize>> {
    let far = 1e5;
    let known = |k: &usize| {
        series.x[*k].is_finite() && series.y[*k].is_finite() && panel.x.at(series.x[*k]).abs() < far
    };
    let all: Vec<usize> = (0..series.x.len().min(series.y.len())).collect();
    all.split(|k| !known(k))
        .filter(|r| !r.is_empty())
        .map(<[usize]>::to_vec)
        .collect()
}

fn draw_series(canvas: &mut Canvas, series: &Series, panel: &Panel) {
    // Far beyond the frame lines are cut, so that no renderer meets huge coordinates.
    let (top, bottom) = (
        panel.frame.y - 2.0 * panel.frame.h,
        panel.frame.bottom() + 2.0 * panel.frame.h,
    );
    let at = |k: usize, y: f64| (panel.x.at(series.x[k]), panel.y.at(y).clamp(top, bottom));
    let (mut line, mut band) = (Path::new(), Path::new());
    for run in runs(series, panel) {
        let points: Vec<(f64, f64)> = run.iter().map(|k| at(*k, series.y[*k])).collect();
        if let [(x, y)] = points[..] {
            mark::draw(canvas, mark::Mark::Disc, x, y, 1.0, series.color);
        }
        line = line.polyline(&points, false);
        if !series.error.is_empty() {
            let edge = |sign: f64| {
                move |k: &usize| at(*k, series.y[*k] + sign * BAND * finite(series.error[*k]))
            };
            let outline: Vec<(f64, f64)> = run
                .iter()
                .map(edge(1.0))
                .chain(run.iter().rev().map(edge(-1.0)))
                .collect();
            band = band.polyline(&outline, true);
        }
    }
    canvas.shape(&band, Some(series.color), 0.25, None);
    canvas.shape(&range_of(series, panel, at), Some(series.color), 0.2, None);
    canvas.line(
        &line,
        Stroke::new(series.color, width(series)).dash(series.dash),
    );
    for &k in series.dots.iter().filter(|&&k| series.y[k].is_finite()) {
        let (x, y) = at(k, series.y[k]);
        mark::draw(canvas, mark::Mark::Disc, x, y, 1.2, series.color);
    }
    for &k in series.open.iter().filter(|&&k| series.y[k].is_finite()) {
        let (x, y) = at(k, series.y[k]);
        mark::draw(canvas, mark::Mark::Circle, x, y, 1.6, series.color);
    }
    draw_marks(canvas, series, panel);
}

/// The area between the lower and the upper ends of a curve's range.
fn range_of(series: &Series, panel: &Panel, at: impl Fn(usize, f64) -> (f64, f64)) -> Path {
    let mut area = Path::new();
    for run in runs(series, panel) {
        let edge = |end: usize| {
            let at = &at;
            move |k: &usize| Some(at(*k, series.range.get(*k)?[end]))
        };
        let upper = run.iter().filter_map(edge(1));
        let lower = run.iter().rev().filter_map(edge(0));
        area = area.polyline(&upper.chain(lower).collect::<Vec<_>>(), true);
    }
    area
}

fn width(series: &Series) -> f64 {
    if series.thin { 0.7 * CURVE } else { CURVE }
}

fn finite(v: f64) -> f64 {
    if v.is_finite() { v } else { 0.0 }
}

/// A mark about every eighth of the axis, shifted from curve to curve by the colour's place.
fn draw_marks(canvas: &mut Canvas, series: &Series, panel: &Panel) {
    let Some(kind) = series.mark else { return };
    let known: Vec<usize> = runs(series, panel).into_iter().flatten().collect();
    let every = known.len().div_ceil(MARKS).max(1);
    let shift = crate::style::LINES
        .iter()
        .position(|c| *c == series.color)
        .unwrap_or(0);
    for k in known
        .iter()
        .skip((shift * every / 5).min(known.len() / 2))
        .step_by(every)
    {
        let (x, y) = (panel.x.at(series.x[*k]), panel.y.at(series.y[*k]));
        if panel.frame.inset(-0.5).holds(x, y) {
            mark::draw(canvas, kind, x, y, 1.7, series.color);
        }
    }
}
