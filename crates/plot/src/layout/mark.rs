//! Marks of points, each with a white casing that keeps it visible on any ground.

use crate::style::INK;
use crate::svg::{Anchor, Canvas, Path, Stroke, Text};
use crate::text;

/// The shape of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A white disc with a dark rim.
    Ring,
    /// A dark star.
    Star,
    /// A dark upright cross.
    Cross,
    Disc,
    Square,
    Triangle,
    Diamond,
    Down,
    /// An open circle.
    Circle,
    /// A dark oblique cross.
    Saltire,
    Hexagon,
    Pentagon,
}

/// Marks of curves, in the order of use.
pub(crate) const CURVES: [Mark; 5] = [
    Mark::Disc,
    Mark::Square,
    Mark::Triangle,
    Mark::Diamond,
    Mark::Down,
];

/// Marks of models apart from the one at 0, in the order of use: none of those of curves.
pub(crate) const NETWORKS: [Mark; 3] = [Mark::Saltire, Mark::Hexagon, Mark::Pentagon];

/// Radius of the marks of places, in points.
pub(crate) const RADIUS: f64 = 2.6;

impl Mark {
    /// What pgfplots calls it, or what is near to it there.
    pub fn plot_name(self) -> &'static str {
        match self {
            Mark::Ring | Mark::Circle => "o",
            Mark::Star => "star",
            Mark::Cross => "+",
            Mark::Saltire => "x",
            Mark::Disc => "*",
            Mark::Square => "square*",
            Mark::Triangle => "triangle*",
            Mark::Down => "otimes*",
            Mark::Diamond => "diamond*",
            Mark::Pentagon => "pentagon*",
            Mark::Hexagon => "oplus*",
        }
    }
}

fn polygon(x: f64, y: f64, corners: &[(f64, f64)]) -> Path {
    let points: Vec<(f64, f64)> = corners.iter().map(|(a, b)| (x + a, y + b)).collect();
    Path::new().polyline(&points, true)
}

fn star(x: f64, y: f64, r: f64) -> Path {
    let points: Vec<(f64, f64)> = (0..10)
        .map(|k| {
            let angle = f64::from(k) * std::f64::consts::PI / 5.0;
            let r = if k % 2 == 0 { r } else { 0.45 * r };
            (x + r * libm::sin(angle), y - r * libm::cos(angle))
        })
        .collect();
    Path::new().polyline(&points, true)
}

/// A polygon with equal sides and a corner at the top.
fn regular(x: f64, y: f64, r: f64, corners: u32) -> Path {
    let corner = |k: u32| {
        let angle = f64::from(k) / f64::from(corners) * 2.0 * std::f64::consts::PI;
        (x + r * libm::sin(angle), y - r * libm::cos(angle))
    };
    Path::new().polyline(&(0..corners).map(corner).collect::<Vec<_>>(), true)
}

fn outline(mark: Mark, x: f64, y: f64, r: f64) -> Path {
    match mark {
        Mark::Ring | Mark::Disc | Mark::Circle => Path::new().circle(x, y, r),
        Mark::Star => star(x, y, 1.35 * r),
        Mark::Hexagon => regular(x, y, 1.15 * r, 6),
        Mark::Pentagon => regular(x, y, 1.2 * r, 5),
        Mark::Saltire => {
            let d = 0.8 * r;
            let down = [(x - d, y + d), (x + d, y - d)];
            Path::segment(x - d, y - d, x + d, y + d).polyline(&down, false)
        }
        Mark::Cross => Path::segment(x - r, y, x + r, y).polyline(&[(x, y - r), (x, y + r)], false),
        Mark::Square => polygon(
            x,
            y,
            &[
                (-0.9 * r, -0.9 * r),
                (0.9 * r, -0.9 * r),
                (0.9 * r, 0.9 * r),
                (-0.9 * r, 0.9 * r),
            ],
        ),
        Mark::Triangle => polygon(x, y, &[(0.0, -1.15 * r), (r, 0.75 * r), (-r, 0.75 * r)]),
        Mark::Down => polygon(x, y, &[(0.0, 1.15 * r), (r, -0.75 * r), (-r, -0.75 * r)]),
        Mark::Diamond => polygon(
            x,
            y,
            &[
                (0.0, -1.25 * r),
                (1.1 * r, 0.0),
                (0.0, 1.25 * r),
                (-1.1 * r, 0.0),
            ],
        ),
    }
}

/// Draws a mark of radius `r` about a point.
pub(crate) fn draw(canvas: &mut Canvas, mark: Mark, x: f64, y: f64, r: f64, color: &str) {
    let path = outline(mark, x, y, r);
    match mark {
        Mark::Ring => {
            canvas.shape(
                &path,
                Some("#ffffff"),
                1.0,
                Some(Stroke::new("#ffffff", 2.4)),
            );
            canvas.shape(&path, Some("#ffffff"), 1.0, Some(Stroke::new(color, 1.0)));
        }
        Mark::Circle => {
            canvas.shape(&path, Some("#ffffff"), 1.0, Some(Stroke::new(color, 0.8)));
        }
        Mark::Cross | Mark::Saltire => {
            canvas.line(&path, Stroke::new("#ffffff", 2.6));
            canvas.line(&path, Stroke::new(color, 1.2));
        }
        Mark::Star => {
            canvas.shape(
                &path,
                Some("#ffffff"),
                1.0,
                Some(Stroke::new("#ffffff", 1.6)),
            );
            canvas.fill(&path, color);
        }
        _ => canvas.shape(&path, Some(color), 1.0, Some(Stroke::new("#ffffff", 0.4))),
    }
}

/// Draws the outline of a mark, white inside, that stays visible on any ground.
pub(crate) fn hollow(canvas: &mut Canvas, mark: Mark, x: f64, y: f64, r: f64, color: &str) {
    let path = outline(mark, x, y, r);
    canvas.line(&path, Stroke::new("#ffffff", 2.4));
    canvas.shape(&path, Some("#ffffff"), 1.0, Some(Stroke::new(color, 1.0)));
}

/// Draws a filled mark with a white casing that stays visible on any ground.
pub(crate) fn cased(canvas: &mut Canvas, mark: Mark, x: f64, y: f64, r: f64, color: &str) {
    canvas.line(&outline(mark, x, y, r), Stroke::new("#ffffff", 2.0));
    canvas.fill(&outline(mark, x, y, r), color);
}

/// Draws a number in a white disc.
pub(crate) fn number(canvas: &mut Canvas, (x, y): (f64, f64), r: f64, number: usize, size: f64) {
    let disc = Path::new().circle(x, y, r);
    canvas.line(&disc, Stroke::new("#ffffff", 2.2));
    canvas.shape(&disc, Some("#ffffff"), 1.0, Some(Stroke::new(INK, 0.7)));
    let (words, base) = (number.to_string(), y + text::CAP_HEIGHT / 2.0 * size);
    let size = text::narrow(&words, size, 1.6 * r);
    canvas.text(&Text::new(&words, x, base, size).anchor(Anchor::Middle));
}

/// Draws a mark of a place in the figure's ink.
pub(crate) fn place(canvas: &mut Canvas, mark: Mark, x: f64, y: f64) {
    draw(canvas, mark, x, y, RADIUS, INK);
}
