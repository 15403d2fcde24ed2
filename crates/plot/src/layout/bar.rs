//! The colour bar.

use super::{Axis, GAP, TICK};
use crate::scale::ValueScale;
use crate::scale::levels::{LABELS, Level};
use crate::scale::ticks::Tick;
use crate::style::{AXIS, Colormap, INK, Style, hex};
use crate::svg::{Anchor, Canvas, Path, Rect, Stroke, Text};
use crate::text;

/// Width of the bar, in points.
const WIDTH: f64 = 7.0;
/// Height of an arrow end, in points.
const ARROW: f64 = 5.0;
/// Between the frame and the bar, in points.
pub(super) const DISTANCE: f64 = 7.0;
/// Between the bar's tick labels and its name, in points.
const NAME_GAP: f64 = 3.0;

/// What a colour bar shows.
pub(crate) struct Bar<'a> {
    pub scale: &'a ValueScale,
    pub colormap: Colormap,
    /// What the values are; empty where an axis beside the bar says it.
    pub name: String,
    /// Contour levels that the bar marks; ticks are the labelled ones.
    pub levels: &'a [Level],
    /// Ticks in place of those of the levels and of the scale, for a bar beside an axis of the same values.
    pub ticks: &'a [Tick],
    /// Whether the bar has one colour between two levels.
    pub bands: bool,
}

impl Bar<'_> {
    /// All that the bar needs to the right of the frame.
    pub fn width(&self, style: &Style, height: f64) -> f64 {
        let labels = self.axis(style, 0.0, height).label_width(style.small());
        let name = match self.name.is_empty() {
            true => 0.0,
            false => NAME_GAP + style.font_pt,
        };
        DISTANCE + WIDTH + TICK + GAP + labels + name
    }

    /// The part of the bar between its arrow ends.
    fn body(&self, y: f64, height: f64) -> (f64, f64) {
        let top = if self.scale.above { ARROW } else { 0.0 };
        let bottom = if self.scale.below { ARROW } else { 0.0 };
        (y + height - bottom, y + top)
    }

    fn axis(&self, style: &Style, y: f64, height: f64) -> Axis {
        let ValueScale {
            transform, lo, hi, ..
        } = *self.scale;
        let span = self.body(y, height);
        let mut axis = Axis::vertical(transform, lo, hi, span, style.small());
        if !self.ticks.is_empty() {
            axis.ticks = self.ticks.to_vec();
        } else if self.levels.iter().filter(|l| l.labelled).count() > 1 {
            axis.ticks = self.level_ticks(&axis, style.small());
        }
        axis.ticks.retain(|tick| tick.label.is_some());
        axis
    }

    /// Ticks at the labelled levels on the bar: every second, third... of them where there is no room for all.
    fn level_ticks(&self, axis: &Axis, size: f64) -> Vec<Tick> {
        let tick = |value: f64, label: &str| Tick {
            value,
            label: Some(label.to_owned()),
        };
        let zero = (axis.lo() == 0.0).then(|| tick(0.0, "0"));
        let inside = { self.levels.iter() }.filter(|l| l.labelled && axis.holds(l.value));
        let levels = inside.map(|l| tick(l.value, &l.text));
        let all: Vec<Tick> = zero.into_iter().chain(levels).collect();
        let fits = |ticks: &[Tick]| {
            let room = |w: &[Tick]| (axis.at(w[0].value) - axis.at(w[1].value)).abs();
            ticks.len() <= LABELS && ticks.windows(2).all(|w| room(w) >= 1.25 * size)
        };
        let every = |stride: usize| -> Vec<Tick> { all.iter().step_by(stride).cloned().collect() };
        let mut strides = (1..=all.len().max(1)).map(every);
        strides.find(|ticks| fits(ticks)).unwrap_or_default()
    }

    /// The ticks of a bar of a height that is drawn elsewhere.
    pub fn ticks_of(scale: &ValueScale, levels: &[Level], style: &Style, height: f64) -> Vec<Tick> {
        let bar = Bar {
            scale,
            colormap: Colormap::default(),
            name: String::new(),
            levels,
            ticks: &[],
            bands: false,
        };
        bar.axis(style, 0.0, height).ticks
    }

    /// Draws the bar to the right of a frame.
    pub fn draw(&self, canvas: &mut Canvas, frame: Rect, style: &Style) {
        let x = frame.right() + DISTANCE;
        let axis = self.axis(style, frame.y, frame.h);
        let (bottom, top) = self.body(frame.y, frame.h);
        let body = Rect::new(x, top, WIDTH, bottom - top);
        canvas.group("colour-bar");
        self.paint(canvas, body);
        self.arrows(canvas, body, frame);
        canvas.line(&self.outline(body, frame), Stroke::new(INK, AXIS));
        self.ticks(canvas, &axis, body.right(), style);
        let name_x = body.right()
            + TICK
            + GAP
            + axis.label_width(style.small())
            + NAME_GAP
            + text::ASCENT * style.font_pt;
        if !self.name.is_empty() {
            let name = text::fit(&self.name, style.font_pt, frame.h + 20.0);
            let words = Text::new(&name, name_x, frame.y + frame.h / 2.0, style.font_pt);
            canvas.text(&words.anchor(Anchor::Middle).angle(-90.0));
        }
        canvas.end();
    }

    fn paint(&self, canvas: &mut Canvas, body: Rect) {
        if !self.bands || self.levels.is_empty() {
            let paint = canvas.gradient(&self.colormap.table(65));
            canvas.fill(&Path::new().rect(body), &paint);
            return;
        }
        // From the top down, each band over the rest of the bar: no seams between bands.
        for (fraction, color) in bands(self.scale, self.levels, self.colormap).iter().rev() {
            let h = fraction * body.h;
            let rest = Rect::new(body.x, body.bottom() - h, body.w, h);
            canvas.fill(&Path::new().rect(rest), &hex(*color));
        }
    }

    fn arrows(&self, canvas: &mut Canvas, body: Rect, frame: Rect) {
        let (left, right, middle) = (body.x, body.right(), body.x + WIDTH / 2.0);
        let mut arrow = |base: f64, tip: f64, t: f64| {
            let corners = [(left, base), (middle, tip), (right, base)];
            let path = Path::new().polyline(&corners, true);
            canvas.fill(&path, &hex(self.colormap.color(t)));
        };
        if self.scale.above {
            arrow(body.y + 0.2, frame.y, 1.0);
        }
        if self.scale.below {
            arrow(body.bottom() - 0.2, frame.bottom(), 0.0);
        }
    }

    fn outline(&self, body: Rect, frame: Rect) -> Path {
        let middle = body.x + WIDTH / 2.0;
        let mut corners = vec![(body.x, body.bottom()), (body.x, body.y)];
        if self.scale.above {
            corners.push((middle, frame.y));
        }
        corners.extend([(body.right(), body.y), (body.right(), body.bottom())]);
        if self.scale.below {
            corners.push((middle, frame.bottom()));
        }
        Path::new().polyline(&corners, true)
    }

    fn ticks(&self, canvas: &mut Canvas, axis: &Axis, x: f64, style: &Style) {
        for tick in &axis.ticks {
            let y = axis.at(tick.value);
            canvas.line(&Path::segment(x, y, x + TICK, y), Stroke::new(INK, AXIS));
            if let Some(label) = &tick.label {
                let base = y + text::CAP_HEIGHT / 2.0 * style.small();
                canvas.text(&Text::new(label, x + TICK + GAP, base, style.small()));
            }
        }
    }
}

/// The upper end (as a share of the scale) and the colour of each band between levels, upwards.
pub(crate) fn bands(
    scale: &ValueScale,
    levels: &[Level],
    colormap: Colormap,
) -> Vec<(f64, [u8; 3])> {
    let inner = levels
        .iter()
        .map(|l| scale.fraction(l.value))
        .filter(|f| *f > 0.0 && *f < 1.0);
    let mut from = 0.0;
    inner
        .chain([1.0])
        .map(|to| {
            let color = colormap.color((from + to) / 2.0);
            from = to;
            (to, color)
        })
        .collect()
}
