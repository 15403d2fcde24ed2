//! The box about a surface: walls, ticks and labels.

use super::camera::{Vec3, View};
use super::space::Space;
use crate::layout::{Axis, GAP, LEADING, TICK};
use crate::style::{AXIS, INK, Style};
use crate::svg::{Anchor, Canvas, Path, Rect, Stroke, Text};
use crate::text;

const WALL: &str = "#f6f6f6";
const FLOOR: &str = "#fbfbfb";
const GRID: &str = "#d4d4d4";
/// Between two labels, in font sizes: nearer ones would read as one.
const APART: f64 = 1.0;

/// The box with its three axes.
pub(super) struct Frame<'a> {
    pub space: &'a Space,
    pub view: View,
    pub style: Style,
    pub axes: [Axis; 3],
    pub names: [String; 3],
}

/// A piece of text on the page: centre, size of its box, angle, words, font size.
pub(super) struct Piece {
    pub area: Rect,
    x: f64,
    y: f64,
    angle: f64,
    words: String,
    size: f64,
}

/// An edge of the box that carries an axis.
struct Edge {
    axis: usize,
    /// A point of the edge; the axis' own coordinate is replaced.
    base: Vec3,
    /// Direction of ticks on the page.
    outward: (f64, f64),
    /// Normal of the edge on the page, away from the box.
    normal: (f64, f64),
}

impl Frame<'_> {
    /// Walls turned away from the eye, with lines at the ticks.
    pub fn draw_walls(&self, canvas: &mut Canvas) {
        let back = self.space.back(&self.view);
        canvas.group("walls");
        for (fixed, sign) in [(2, -1.0), (0, back[0]), (1, back[1])] {
            let (a, b) = ((fixed + 1) % 3, (fixed + 2) % 3);
            let corner = |s: f64, t: f64| {
                let mut signs = [sign; 3];
                (signs[a], signs[b]) = (s, t);
                self.view.at(self.space.corner(signs))
            };
            let outline = [
                corner(-1.0, -1.0),
                corner(1.0, -1.0),
                corner(1.0, 1.0),
                corner(-1.0, 1.0),
            ];
            let path = Path::new().polyline(&outline, true);
            let color = if fixed == 2 { FLOOR } else { WALL };
            canvas.shape(&path, Some(color), 1.0, Some(Stroke::new(GRID, AXIS)));
            let lines = self.wall_lines(fixed, sign, a).polyline(&[], false);
            canvas.line(&lines, Stroke::new(GRID, 0.3));
            canvas.line(&self.wall_lines(fixed, sign, b), Stroke::new(GRID, 0.3));
        }
        canvas.end();
    }

    /// Lines on a wall at the ticks of one of its axes.
    fn wall_lines(&self, fixed: usize, sign: f64, along: usize) -> Path {
        let across = 3 - fixed - along;
        let mut path = Path::new();
        for tick in self.axes[along].ticks.iter().filter(|t| t.label.is_some()) {
            let end = |s: f64| {
                let mut p = self.space.corner([sign; 3]);
                p[along] = self.axes[along].at(tick.value);
                p[across] = s * self.space.half[across];
                self.view.at(p)
            };
            path = path.polyline(&[end(-1.0), end(1.0)], false);
        }
        path
    }

    /// The edges that carry the axes: the lower front ones, and the upright one at the left.
    fn edges(&self) -> [Edge; 3] {
        let front = self.space.back(&self.view).map(|s| -s);
        let corner = |x: f64, y: f64| self.space.corner([x, y, -1.0]);
        let left = |x: f64, y: f64| self.view.at(corner(x, y)).0;
        let upright = [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)]
            .into_iter()
            .min_by(|a, b| left(a.0, a.1).total_cmp(&left(b.0, b.1)))
            .unwrap_or((-1.0, -1.0));
        [
            self.floor_edge(0, corner(0.0, front[1])),
            self.floor_edge(1, corner(front[0], 0.0)),
            Edge {
                axis: 2,
                base: corner(upright.0, upright.1),
                outward: (-1.0, 0.0),
                normal: (-1.0, 0.0),
            },
        ]
    }

    /// An edge of the floor. Its ticks point halfway between its normal and the other axis, so that
    /// the labels of two edges keep clear of each other at their corner.
    fn floor_edge(&self, axis: usize, base: Vec3) -> Edge {
        let normal = self.normal(axis, base);
        let mut away = [0.0; 3];
        away[1 - axis] = base[1 - axis];
        let d = self.view.direction(away);
        let (x, y) = (normal.0 + d.0, normal.1 + d.1);
        let length = libm::hypot(x, y).max(1e-9);
        Edge {
            axis,
            base,
            outward: (x / length, y / length),
            normal,
        }
    }

    /// The normal on the page of an edge along an axis, away from the box.
    fn normal(&self, axis: usize, base: Vec3) -> (f64, f64) {
        let mut along = [0.0; 3];
        along[axis] = 1.0;
        let d = self.view.direction(along);
        let (centre, p) = (self.view.at([0.0; 3]), self.view.at(base));
        let n = (-d.1, d.0);
        match n.0 * (p.0 - centre.0) + n.1 * (p.1 - centre.1) < 0.0 {
            true => (-n.0, -n.1),
            false => n,
        }
    }

    /// The left border of the box on the page.
    pub fn left(&self) -> f64 {
        let corners = self.space.corners().into_iter();
        corners.map(|c| self.view.at(c).0).fold(f64::MAX, f64::min)
    }

    fn point(&self, edge: &Edge, value: f64) -> (f64, f64) {
        let mut p = edge.base;
        p[edge.axis] = self.axes[edge.axis].at(value);
        self.view.at(p)
    }

    /// All text, placed; a tick label that would touch an earlier one, or read as one with it, is left out.
    pub fn pieces(&self) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for edge in self.edges() {
            let (labels, farthest) = self.tick_pieces(&edge);
            for label in labels {
                if !pieces.iter().any(|p| p.touches(&label, APART)) {
                    pieces.push(label);
                }
            }
            pieces.extend(self.name_pieces(&edge, farthest));
        }
        pieces
    }

    /// Tick labels, and how far they reach along the edge's normal.
    fn tick_pieces(&self, edge: &Edge) -> (Vec<Piece>, f64) {
        let size = self.style.small();
        let reach =
            |d: (f64, f64), w: f64| (d.0.abs() * w + d.1.abs() * text::CAP_HEIGHT * size) / 2.0;
        let cosine = edge.outward.0 * edge.normal.0 + edge.outward.1 * edge.normal.1;
        let mut pieces = Vec::new();
        let mut farthest = 0.0_f64;
        for tick in &self.axes[edge.axis].ticks {
            let Some(label) = &tick.label else { continue };
            let width = text::width(label, size);
            let away = TICK + GAP + reach(edge.outward, width);
            farthest = farthest.max(away * cosine + reach(edge.normal, width));
            let (x, y) = self.point(edge, tick.value);
            let at = (x + away * edge.outward.0, y + away * edge.outward.1);
            pieces.push(Piece::new(label.clone(), at, 0.0, size));
        }
        (pieces, farthest)
    }

    /// The name of an axis, along its edge, in as many lines as that takes.
    fn name_pieces(&self, edge: &Edge, farthest: f64) -> Vec<Piece> {
        let axis = &self.axes[edge.axis];
        let size = self.style.font_pt;
        let (a, b) = (self.point(edge, axis.lo()), self.point(edge, axis.hi()));
        let mut angle = libm::atan2(b.1 - a.1, b.0 - a.0).to_degrees();
        if angle.abs() > 90.0 {
            angle -= 180.0 * angle.signum();
        }
        if edge.axis == 2 {
            angle = -90.0;
        }
        let middle = ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
        let name = &self.names[edge.axis];
        let words = name.split_whitespace().map(|w| text::width(w, size));
        let room = words.fold(libm::hypot(b.0 - a.0, b.1 - a.1), f64::max);
        let mut lines = text::wrap_label(name, size, room);
        if edge.axis == 2 {
            // Lines of upright text follow one another to the right: the last is nearest.
            lines.reverse();
        }
        let away = |k: usize| farthest + GAP + (k as f64 + 0.5) * LEADING * size;
        lines
            .into_iter()
            .enumerate()
            .map(|(k, line)| {
                let at = (
                    middle.0 + away(k) * edge.normal.0,
                    middle.1 + away(k) * edge.normal.1,
                );
                Piece::new(line, at, angle, size)
            })
            .collect()
    }

    /// Axes, ticks and words.
    pub fn draw_axes(&self, canvas: &mut Canvas) {
        canvas.group("axes");
        for edge in self.edges() {
            let axis = &self.axes[edge.axis];
            // The height begins where the scale does, above the floor.
            let line = [axis.lo(), axis.hi()].map(|end| self.point(&edge, end));
            canvas.line(&Path::new().polyline(&line, false), Stroke::new(INK, AXIS));
            for tick in &axis.ticks {
                let (x, y) = self.point(&edge, tick.value);
                let long = if tick.label.is_some() {
                    TICK
                } else {
                    TICK / 2.0
                };
                let end = (x + long * edge.outward.0, y + long * edge.outward.1);
                canvas.line(&Path::segment(x, y, end.0, end.1), Stroke::new(INK, AXIS));
            }
        }
        for piece in self.pieces() {
            piece.draw(canvas);
        }
        canvas.end();
    }
}

impl Piece {
    fn new(words: String, (x, y): (f64, f64), angle: f64, size: f64) -> Self {
        let (w, h) = (text::width(&words, size), LEADING * size);
        let (s, c) = libm::sincos(angle.to_radians());
        let (bw, bh) = (w * c.abs() + h * s.abs(), w * s.abs() + h * c.abs());
        Piece {
            area: Rect::new(x - bw / 2.0, y - bh / 2.0, bw, bh),
            x,
            y,
            angle,
            words,
            size,
        }
    }

    /// Whether the rectangles about two pieces overlap, or stand side by side as near as a share of the font size.
    fn touches(&self, other: &Piece, apart: f64) -> bool {
        let (a, b, apart) = (self.area, other.area, apart * self.size);
        a.x < b.right() + apart && b.x < a.right() + apart && a.y < b.bottom() && b.y < a.bottom()
    }

    fn draw(&self, canvas: &mut Canvas) {
        let drop = text::CAP_HEIGHT / 2.0 * self.size;
        let (s, c) = libm::sincos(self.angle.to_radians());
        let (x, y) = (self.x - s * drop, self.y + c * drop);
        canvas.text(
            &Text::new(&self.words, x, y, self.size)
                .anchor(Anchor::Middle)
                .angle(self.angle),
        );
    }
}
