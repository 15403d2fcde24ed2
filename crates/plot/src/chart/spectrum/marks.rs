//! Single eigenvalues above a frame: marks, and their values where there is room.

use crate::curvature::Eigenvalue;
use crate::layout::{GAP, Panel, mark};
use crate::style::{GREY, LINES, Style};
use crate::svg::{Anchor, Canvas, Path, Stroke, Text};
use crate::text;
use crate::text::number::value;

/// The colour of single eigenvalues.
pub(super) const COLOR: &str = LINES[1];
/// The colour of the exact spectrum.
pub(super) const EXACT: &str = LINES[2];
/// The most values that are written: those furthest from 0 of which none touches another.
const MOST: usize = 14;
/// Radius of the marks.
pub(super) const RADIUS: f64 = 1.9;
/// Between the frame and the middle of the marks.
const LIFT: f64 = 4.0;
/// Length of the lines between marks and values.
const LEADER: f64 = 2.0;
/// Height of the exact spectrum's ticks.
pub(super) const RUG: f64 = 5.0;

/// What stands above the frame.
#[derive(Debug)]
pub(super) struct Marks {
    values: Vec<Eigenvalue>,
    labels: Vec<String>,
    rug: bool,
}

impl Marks {
    /// The marks of eigenvalues: values are written for those furthest from 0.
    pub fn new(given: &[Eigenvalue], rug: bool) -> Self {
        let mut values: Vec<Eigenvalue> = given.to_vec();
        values.retain(|v| v.value.is_finite());
        values.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
        let labels = values
            .iter()
            .take(MOST)
            .map(|v| value(v.value, 3))
            .collect();
        Marks {
            values,
            labels,
            rug,
        }
    }

    /// The height that they need above the frame.
    pub fn height(&self, style: &Style) -> f64 {
        let rug = if self.rug { RUG + 1.5 } else { 0.0 };
        let widths = self.labels.iter().map(|l| text::width(l, style.tiny()));
        match self.values.is_empty() {
            true => rug,
            false => rug + 2.0 * LIFT + LEADER + GAP + widths.fold(0.0, f64::max),
        }
    }

    /// The height of the marks' middle.
    fn middle(&self, panel: &Panel) -> f64 {
        let rug = if self.rug { RUG + 1.5 } else { 0.0 };
        panel.frame.y - rug - LIFT
    }

    /// Hairlines from the marks down through the frame.
    pub fn stems(&self, canvas: &mut Canvas, panel: &Panel) {
        let (top, bottom) = (self.middle(panel), panel.frame.bottom());
        for v in &self.values {
            let x = panel.x.at(v.value);
            let dash: &[f64] = if v.converged { &[] } else { &[1.5, 1.5] };
            let stroke = Stroke::new(COLOR, 0.4).opacity(0.55).dash(dash);
            canvas.line(&Path::segment(x, top, x, bottom), stroke);
        }
    }

    /// Marks and values.
    pub fn draw(&self, canvas: &mut Canvas, panel: &Panel, style: &Style) {
        let y = self.middle(panel);
        canvas.group("eigenvalues");
        // The largest comes last and lies above the others.
        for v in self.values.iter().rev() {
            let kind = kind(v.converged);
            mark::draw(canvas, kind, panel.x.at(v.value), y, RADIUS, COLOR);
        }
        self.write(canvas, panel, y, style);
        canvas.end();
    }

    /// The values of the largest eigenvalues, each straight above its mark.
    fn write(&self, canvas: &mut Canvas, panel: &Panel, y: f64, style: &Style) {
        let size = style.tiny();
        let shown = { self.values.iter().zip(&self.labels) }
            .map(|(v, label)| (panel.x.at(v.value), label.as_str()));
        let shown: Vec<(f64, &str)> = shown.collect();
        let places: Vec<f64> = shown.iter().map(|(x, _)| *x).collect();
        let (start, end) = (y - LIFT + 1.0, y - LIFT - LEADER);
        for k in apart(&places, 1.12 * size) {
            let (x, label) = shown[k];
            canvas.line(&Path::segment(x, start, x, end), Stroke::new(GREY, 0.3));
            let base = x + text::CAP_HEIGHT / 2.0 * size;
            let words = Text::new(label, base, end - GAP, size);
            canvas.text(&words.anchor(Anchor::Start).angle(-90.0));
        }
    }
}

/// Filled where an eigenvalue converged, else open.
pub(super) fn kind(converged: bool) -> mark::Mark {
    match converged {
        true => mark::Mark::Disc,
        false => mark::Mark::Circle,
    }
}

/// Of places in the order of importance, those that are `apart` from the ones before.
fn apart(places: &[f64], apart: f64) -> Vec<usize> {
    let mut kept: Vec<usize> = Vec::new();
    for (k, place) in places.iter().enumerate() {
        if kept
            .iter()
            .all(|other| (places[*other] - place).abs() >= apart)
        {
            kept.push(k);
        }
    }
    kept
}

/// A tick for every exact eigenvalue in the strip above the frame.
pub(super) fn rug(canvas: &mut Canvas, panel: &Panel, exact: &[f64]) {
    canvas.group("exact-eigenvalues");
    let bottom = panel.frame.y - 1.5;
    let mut last = f64::NEG_INFINITY;
    let mut places: Vec<f64> = exact.iter().map(|v| panel.x.at(*v)).collect();
    places.sort_by(f64::total_cmp);
    let mut path = Path::new();
    for x in places.into_iter().filter(|x| x.is_finite()) {
        // Ticks on top of one another need to be drawn once.
        if x - last >= 0.15 {
            path = path.polyline(&[(x, bottom), (x, bottom - RUG)], false);
            last = x;
        }
    }
    canvas.line(&path, Stroke::new(EXACT, 0.4));
    canvas.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_would_touch_a_larger_one_are_left_out() {
        assert_eq!(apart(&[50.0, 48.0, 10.0, 44.0, 14.9], 5.0), [0, 2, 3]);
    }
}
