//! Heights above a line of reference, marked on curves.

use crate::layout::Panel;
use crate::svg::{Canvas, Path, Rect, Stroke, Text};
use crate::text;

/// Between a bar and its words, in points.
const ASIDE: f64 = 4.0;
/// Half the length of the strokes at the ends of a bar, in points.
const STROKE: f64 = 2.5;

/// A height above a line of reference at a place of the horizontal axis.
#[derive(Debug, Clone)]
pub(super) struct Height {
    pub x: f64,
    pub from: f64,
    pub to: f64,
    pub words: String,
    pub color: &'static str,
}

impl Height {
    /// The bar on the page: its place, upper and lower end.
    fn bar(&self, panel: &Panel) -> Rect {
        let within = |v: f64| panel.y.at(v).clamp(panel.frame.y, panel.frame.bottom());
        let (low, high) = (within(self.from), within(self.to));
        Rect::new(panel.x.at(self.x) - STROKE, high, 2.0 * STROKE, low - high)
    }
}

/// Bars between two short strokes.
pub(super) fn draw_bars(canvas: &mut Canvas, heights: &[Height], panel: &Panel) {
    for height in heights {
        let bar = height.bar(panel);
        let x = bar.x + STROKE;
        let path = Path::segment(x, bar.y, x, bar.bottom())
            .polyline(&[(bar.x, bar.y), (bar.right(), bar.y)], false)
            .polyline(&[(bar.x, bar.bottom()), (bar.right(), bar.bottom())], false);
        canvas.line(&path, Stroke::new(height.color, 0.6));
    }
}

/// Words beside the bars, where there is room between the other bars and words.
pub(super) fn draw_words(canvas: &mut Canvas, heights: &[Height], panel: &Panel, size: f64) {
    if heights.is_empty() {
        return;
    }
    canvas.group("heights");
    let mut taken: Vec<Rect> = heights.iter().map(|h| h.bar(panel)).collect();
    for height in heights {
        let places = places(&height.bar(panel), text::width(&height.words, size), size);
        let free = |r: &&Rect| inside(r, &panel.frame) && !taken.iter().any(|t| meet(r, t));
        let Some(room) = places.iter().find(free).copied() else {
            continue;
        };
        let base = room.y + (room.h + text::CAP_HEIGHT * size) / 2.0;
        let words = Text::new(&height.words, room.x, base, size).color(height.color);
        canvas.text(&words.halo("#ffffff"));
        taken.push(room);
    }
    canvas.end();
}

/// Where words may stand: right and left of a bar, at several heights.
fn places(bar: &Rect, width: f64, size: f64) -> Vec<Rect> {
    let high = 1.2 * size;
    let at = |share: f64| {
        let y = bar.y + share * bar.h - high / 2.0;
        let left = bar.x + STROKE - ASIDE - width;
        [
            Rect::new(bar.x + STROKE + ASIDE, y, width, high),
            Rect::new(left, y, width, high),
        ]
    };
    [0.5, 0.35, 0.65, 0.2, 0.8]
        .into_iter()
        .flat_map(at)
        .collect()
}

fn meet(a: &Rect, b: &Rect) -> bool {
    a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom()
}

fn inside(r: &Rect, frame: &Rect) -> bool {
    frame.holds(r.x, r.y) && frame.holds(r.right(), r.bottom())
}
