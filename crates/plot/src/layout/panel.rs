use super::{Axis, Bar, GAP, LEADING, MINOR_TICK, PAD, TICK};
use crate::lines::{Frame as DataFrame, Line};
use crate::options::Aspect;
use crate::scale::Transform;
use crate::scale::ticks::Tick;
use crate::style::{AXIS, INK, Style};
use crate::svg::{Anchor, Canvas, Path, Rect, Stroke, Text};
use crate::text;

/// A frame with its axes.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub frame: Rect,
    pub x: Axis,
    pub y: Axis,
    /// Lower end of the axis label.
    pub bottom: f64,
}

impl Panel {
    /// The frame with lines as data, a title and the labels of both axes.
    pub fn data(&self, title: &str, [x, y]: [String; 2], lines: Vec<Line>) -> DataFrame {
        DataFrame {
            title: title.to_owned(),
            area: self.frame,
            sides: [self.x.side(x), self.y.side(y)],
            lines,
            colors: None,
        }
    }
}

/// What the frame of a plane is made from.
pub(crate) struct PlaneSpec<'a> {
    pub x: (f64, f64),
    pub y: (f64, f64),
    pub labels: [&'a str; 2],
    /// Whether each axis has ticks at whole numbers only.
    pub whole: [bool; 2],
    /// Height over width.
    pub ratio: f64,
    pub bar: Option<&'a Bar<'a>>,
}

/// Height over width of the frame of a plane. An equal aspect gives way to a pleasant one where the
/// frame would be longer than 2.5 times its width, or the other way round.
pub(crate) fn ratio(aspect: Aspect, x: (f64, f64), y: (f64, f64)) -> f64 {
    let equal = (y.1 - y.0) / (x.1 - x.0);
    match aspect {
        Aspect::Equal if (0.4..=2.5).contains(&equal) => equal,
        _ => 0.8,
    }
}

/// The tallest frame, in points: 140 mm; none is taller than its figure is wide.
const TALLEST: f64 = 397.0;

/// Lays out and draws the axes of a plane, and its colour bar, on a sheet of the given width whose
/// free part begins at `top`.
pub(crate) fn plane(spec: &PlaneSpec<'_>, style: &Style, width: f64, top: f64) -> Panel {
    let small = style.small();
    let mut frame = Rect::new(
        0.0,
        top + 0.5 * small,
        0.6 * width,
        0.6 * width * spec.ratio,
    );
    let mut panel = panel_in(frame, spec, style);
    for _ in 0..3 {
        let lines = label_lines(spec.labels[1], style, frame.h).len() as f64;
        let left =
            PAD + lines * LEADING * style.font_pt + GAP + panel.y.label_width(small) + GAP + TICK;
        let overhang = panel.x.overhang(small);
        let right = PAD
            + spec
                .bar
                .map_or(overhang, |b| b.width(style, frame.h).max(overhang));
        let room = width - left - right;
        let tallest = TALLEST.min(width);
        frame.w = room.min(tallest / spec.ratio);
        frame.h = frame.w * spec.ratio;
        frame.x = left + (room - frame.w) / 2.0;
        panel = panel_in(frame, spec, style);
    }
    panel
}

fn panel_in(frame: Rect, spec: &PlaneSpec<'_>, style: &Style) -> Panel {
    let small = style.small();
    let linear = Transform::Linear;
    let lines = label_lines(spec.labels[0], style, frame.w).len() as f64;
    Panel {
        frame,
        x: Axis::horizontal(linear, spec.x.0, spec.x.1, (frame.x, frame.right()), small)
            .whole(spec.whole[0]),
        y: Axis::vertical(linear, spec.y.0, spec.y.1, (frame.bottom(), frame.y), small)
            .whole(spec.whole[1]),
        bottom: frame.bottom() + TICK + GAP + small + GAP + lines * LEADING * style.font_pt,
    }
}

/// An axis label in lines that fit beside its axis.
pub(crate) fn label_lines(label: &str, style: &Style, length: f64) -> Vec<String> {
    text::axis_lines(label, style.font_pt, length.max(30.0))
}

/// What is written along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words<'a> {
    Nothing,
    Ticks,
    /// Ticks and a label.
    All(&'a str),
}

impl Words<'_> {
    fn on_ticks(self) -> bool {
        self != Words::Nothing
    }
}

/// Draws frame, ticks, tick labels and axis labels of a panel.
pub(crate) fn draw_axes(
    canvas: &mut Canvas,
    panel: &Panel,
    words: [Words<'_>; 2],
    style: &Style,
    closed: bool,
) {
    let f = panel.frame;
    canvas.group("axes");
    let frame = match closed {
        true => Path::new().rect(f),
        false => Path::new().polyline(
            &[(f.x, f.y), (f.x, f.bottom()), (f.right(), f.bottom())],
            false,
        ),
    };
    canvas.line(&frame, Stroke::new(INK, AXIS));
    for tick in &panel.x.ticks {
        x_tick(
            canvas,
            tick,
            panel.x.at(tick.value),
            f.bottom(),
            words[0].on_ticks(),
            style,
        );
    }
    for tick in &panel.y.ticks {
        y_tick(
            canvas,
            tick,
            f.x,
            panel.y.at(tick.value),
            words[1].on_ticks(),
            style,
        );
    }
    if let Words::All(label) = words[0] {
        x_label(canvas, panel, label, style);
    }
    if let Words::All(label) = words[1] {
        y_label(canvas, panel, label, style);
    }
    canvas.end();
}

fn length(tick: &Tick) -> f64 {
    match tick.label.is_some() {
        true => TICK,
        false => MINOR_TICK,
    }
}

fn x_tick(canvas: &mut Canvas, tick: &Tick, x: f64, y: f64, words: bool, style: &Style) {
    canvas.line(
        &Path::segment(x, y, x, y + length(tick)),
        Stroke::new(INK, AXIS),
    );
    if let (Some(label), true) = (&tick.label, words) {
        let base = y + TICK + GAP + text::ASCENT * style.small();
        canvas.text(&Text::new(label, x, base, style.small()).anchor(Anchor::Middle));
    }
}

fn y_tick(canvas: &mut Canvas, tick: &Tick, x: f64, y: f64, words: bool, style: &Style) {
    canvas.line(
        &Path::segment(x, y, x - length(tick), y),
        Stroke::new(INK, AXIS),
    );
    if let (Some(label), true) = (&tick.label, words) {
        let base = y + text::CAP_HEIGHT / 2.0 * style.small();
        canvas.text(&Text::new(label, x - TICK - GAP, base, style.small()).anchor(Anchor::End));
    }
}

fn x_label(canvas: &mut Canvas, panel: &Panel, label: &str, style: &Style) {
    let f = panel.frame;
    let size = style.font_pt;
    let mut y = f.bottom() + TICK + GAP + style.small() + GAP;
    for line in label_lines(label, style, f.w) {
        let base = y + text::ASCENT * size;
        canvas.text(&Text::new(&line, f.x + f.w / 2.0, base, size).anchor(Anchor::Middle));
        y += LEADING * size;
    }
}

fn y_label(canvas: &mut Canvas, panel: &Panel, label: &str, style: &Style) {
    let f = panel.frame;
    let size = style.font_pt;
    let lines = label_lines(label, style, f.h);
    let inner = f.x - TICK - GAP - panel.y.label_width(style.small()) - GAP;
    for (k, line) in lines.iter().rev().enumerate() {
        let x = inner - k as f64 * LEADING * size - text::DESCENT * size;
        let middle = f.y + f.h / 2.0;
        canvas.text(
            &Text::new(line, x, middle, size)
                .anchor(Anchor::Middle)
                .angle(-90.0),
        );
    }
}
