//! What is drawn on the floor below a surface, and on the surface itself.

use super::camera::{Vec3, View, dot};
use super::render::Picture;
use super::space::Space;
use crate::display::{Plane, marked};
use crate::field::{Cell, Field};
use crate::isoline::{coordinate, thinned, trace};
use crate::layout::{Entry, Sheet, Swatch, mark};
use crate::options::Options;
use crate::style::{GREY, INK, MISSING, hex};
use crate::svg::{Canvas, Path, Stroke};
use landscape_core::Trajectory;

/// Points of a line that lie this close to the line without them, in points, are left out.
const OFF: f64 = 0.05;
/// Heights that are tried for the mark of a hidden point, and how far above the first that is seen it stands, in points.
const RAISED: usize = 60;
const CLEAR: f64 = 5.0;

/// Contours and cells without a value, on the floor.
pub(super) fn floor(
    canvas: &mut Canvas,
    data: &Plane,
    space: &Space,
    view: &View,
    options: &Options,
) {
    let place = |field: &Field, (u, v): (f64, f64)| {
        let u = u.clamp(0.0, (field.nx() - 1) as f64);
        let v = v.clamp(0.0, (field.ny() - 1) as f64);
        view.at(space.floor(coordinate(&field.x, u), coordinate(&field.y, v)))
    };
    canvas.group("floor");
    for kind in [Cell::Broken, Cell::Missing] {
        let mut path = Path::new();
        for outline in data.field.outlines(kind) {
            let at = |p| place(&data.field, p);
            let points: Vec<(f64, f64)> = outline.into_iter().map(at).collect();
            path = path.polyline(&points, true);
        }
        if !path.is_empty() {
            let paint = if kind == Cell::Broken {
                canvas.hatch()
            } else {
                MISSING
            };
            canvas.shape(&path, Some(paint), 1.0, Some(Stroke::new(GREY, 0.3)));
        }
    }
    for level in &data.levels {
        let mut path = Path::new();
        for line in trace(&data.fine, data.scale.transform.forward(level.value)) {
            let at = |p| place(&data.fine, p);
            let points: Vec<(f64, f64)> = line.points.into_iter().map(at).collect();
            path = path.polyline(&thinned(&points, OFF), line.closed);
        }
        let color = hex(options
            .style
            .colormap
            .color(data.scale.fraction(level.value)));
        canvas.line(&path, Stroke::new(&color, 0.6));
    }
    canvas.end();
}

/// A surface that things lie on.
pub(super) struct Scene<'a> {
    pub data: &'a Plane,
    pub space: &'a Space,
    pub view: &'a View,
    pub picture: &'a Picture,
}

/// A point on the page, and whether the surface hides it.
type Seen = ((f64, f64), bool);

impl Scene<'_> {
    fn on_surface(&self, x: f64, y: f64) -> Option<Vec3> {
        on_surface(self.data, self.space, x, y)
    }

    fn seen(&self, p: Vec3) -> Seen {
        let page = self.view.at(p);
        (page, self.picture.hides(page, dot(p, self.view.eye), 0.012))
    }

    /// The trained point, and a path with its ends.
    pub fn marks(&self, sheet: &mut Sheet<'_>, path: Option<&Trajectory>) {
        let mut end_at_zero = false;
        if let Some(path) = path {
            end_at_zero = self.path(sheet, path);
        }
        let Some(name) = sheet.options.origin.clone().filter(|_| !end_at_zero) else {
            return;
        };
        self.model(sheet, mark::Mark::Cross, (0.0, 0.0), &name);
    }

    /// The models apart from the one at 0.
    pub fn models(&self, sheet: &mut Sheet<'_>) {
        for (kind, network) in marked(sheet.options) {
            self.model(sheet, kind, (network.at[0], network.at[1]), &network.name);
        }
    }

    /// A model. Where the surface hides it, its mark stands above it on a dotted line, and the legend says so.
    fn model(&self, sheet: &mut Sheet<'_>, kind: mark::Mark, (x, y): (f64, f64), name: &str) {
        let Some(place) = self.on_surface(x, y) else {
            return;
        };
        let ((x, y), hidden) = self.seen(place);
        let (mut at, mut words) = ((x, y), name.to_owned());
        if hidden {
            at = self.above(place);
            words = format!("{name} (hidden, at the foot of the dotted line)");
            let line = Path::segment(x, y, at.0, at.1);
            sheet.canvas.line(&line, Stroke::new("#ffffff", 1.6));
            sheet
                .canvas
                .line(&line, Stroke::new(INK, 0.7).dash(&[0.8, 1.4]));
        }
        mark::draw(&mut sheet.canvas, kind, at.0, at.1, mark::RADIUS, INK);
        let entry = Entry::new(Swatch::Mark(kind), words);
        if !sheet.legend.contains(&entry) {
            sheet.legend.push(entry);
        }
    }

    /// Draws a path, and says whether its end is named as the point 0.
    fn path(&self, sheet: &mut Sheet<'_>, path: &Trajectory) -> bool {
        let shown = sheet.options.shown(path);
        let points: Vec<(f64, f64)> = shown.iter().map(|p| (p.coords[0], p.coords[1])).collect();
        let mut seen = Path::new();
        let mut hidden = Path::new();
        for run in self.runs(&points) {
            let line: Vec<(f64, f64)> = run.iter().map(|s| s.0).collect();
            match run[0].1 {
                true => hidden = hidden.polyline(&line, false),
                false => seen = seen.polyline(&line, false),
            }
        }
        sheet.canvas.group("trajectory");
        sheet
            .canvas
            .line(&hidden, Stroke::new(INK, 0.6).dash(&[0.8, 1.6]));
        sheet.canvas.line(&seen, Stroke::new("#ffffff", 2.4));
        sheet.canvas.line(&seen, Stroke::new(INK, 1.1));
        sheet
            .legend
            .push(Entry::new(Swatch::Cased, "training path"));
        let last = points.len() - 1;
        let zero = points[last].0.abs() < 1e-9 && points[last].1.abs() < 1e-9;
        let mut end = match shown.len() < path.points.len() {
            true => format!("step {}", shown[last].step),
            false => format!("end (step {})", shown[last].step),
        };
        let name = sheet.options.origin.as_ref().filter(|_| zero);
        if let Some(name) = name {
            end = format!("{end} = {name}");
        }
        let start = format!("start (step {})", path.points[0].step);
        for (k, kind, words) in [(0, mark::Mark::Ring, start), (last, mark::Mark::Star, end)] {
            if let Some(p) = self.on_surface(points[k].0, points[k].1) {
                let (x, y) = self.view.at(p);
                mark::place(&mut sheet.canvas, kind, x, y);
                sheet.legend.push(Entry::new(Swatch::Mark(kind), words));
            }
        }
        sheet.canvas.end();
        zero
    }

    /// Where the line straight up from a hidden point comes into sight, and a little higher; the top of the box where it
    /// never does.
    fn above(&self, p: Vec3) -> (f64, f64) {
        let top = self.space.half[2];
        let at = |k: usize| [p[0], p[1], p[2] + (top - p[2]) * k as f64 / RAISED as f64];
        let seen = (0..=RAISED).find(|&k| !self.seen(at(k)).1);
        let step = (top - p[2]) / RAISED as f64;
        let clear = libm::ceil(CLEAR / (self.view.zoom * step.max(1e-9))) as usize;
        self.view
            .at(at((seen.unwrap_or(RAISED) + clear).min(RAISED)))
    }

    /// The path in runs that are all seen or all hidden; neighbouring runs share a point.
    fn runs(&self, points: &[(f64, f64)]) -> Vec<Vec<Seen>> {
        let mut runs: Vec<Vec<Seen>> = Vec::new();
        let mut last: Option<Seen> = None;
        for (x, y) in finely(points) {
            let here = self.on_surface(x, y).map(|p| self.seen(p));
            match (here, last) {
                (Some(now), Some(before)) if now.1 == before.1 => {
                    if let Some(run) = runs.last_mut() {
                        run.push(now);
                    }
                }
                (Some(now), Some(before)) => runs.push(vec![(before.0, now.1), now]),
                (Some(now), None) => runs.push(vec![now]),
                (None, _) => {}
            }
            last = here;
        }
        runs
    }
}

/// The point of the surface at coordinates; `None` outside, in holes and beyond the scale.
pub(super) fn on_surface(data: &Plane, space: &Space, x: f64, y: f64) -> Option<Vec3> {
    let field = &data.fine;
    let index = |v: f64, axis: &landscape_core::Axis| {
        let u = (v - axis.min()) / axis.step();
        (u > -1e-9 && u < (axis.count() - 1) as f64 + 1e-9).then_some(u)
    };
    let (u, v) = (index(x, &field.x)?, index(y, &field.y)?);
    let place = field.sample(u, v)?;
    let (lo, hi) = space.ends;
    let slack = 1e-9 * (hi - lo);
    (place >= lo - slack && place <= hi + slack).then(|| space.at(x, y, place))
}

/// Points close enough together that the line between them follows the surface.
pub(super) fn finely(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut fine = Vec::new();
    let n = (2000 / points.len().max(1)).clamp(1, 40);
    for w in points.windows(2) {
        for k in 0..n {
            let t = k as f64 / n as f64;
            fine.push((
                w[0].0 + t * (w[1].0 - w[0].0),
                w[0].1 + t * (w[1].1 - w[0].1),
            ));
        }
    }
    fine.extend(points.last());
    fine
}
