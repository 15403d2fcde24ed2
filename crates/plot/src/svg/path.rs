use super::{Rect, num};
use std::fmt::Write;

/// The data of a path.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Path {
    data: String,
}

/// How far a circle's handles lie from its quarter points.
const KAPPA: f64 = 0.552_284_749_830_793_6;

impl Path {
    pub fn new() -> Self {
        Path::default()
    }

    pub fn segment(x0: f64, y0: f64, x1: f64, y1: f64) -> Self {
        Path::new().polyline(&[(x0, y0), (x1, y1)], false)
    }

    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    pub fn data(&self) -> &str {
        &self.data
    }

    fn put(&mut self, command: char, x: f64, y: f64) {
        // Writing to a string cannot fail.
        let _ = write!(self.data, "{command}{} {}", num(x), num(y));
    }

    /// Adds a line through points.
    pub fn polyline(mut self, points: &[(f64, f64)], closed: bool) -> Self {
        if points.len() < 2 {
            return self;
        }
        for (i, (x, y)) in points.iter().enumerate() {
            self.put(if i == 0 { 'M' } else { 'L' }, *x, *y);
        }
        if closed {
            self.data.push('Z');
        }
        self
    }

    pub fn rect(self, r: Rect) -> Self {
        let corners = [
            (r.x, r.y),
            (r.right(), r.y),
            (r.right(), r.bottom()),
            (r.x, r.bottom()),
        ];
        self.polyline(&corners, true)
    }

    pub fn circle(mut self, x: f64, y: f64, r: f64) -> Self {
        let k = KAPPA * r;
        self.put('M', x + r, y);
        let quarters = [
            [(x + r, y + k), (x + k, y + r), (x, y + r)],
            [(x - k, y + r), (x - r, y + k), (x - r, y)],
            [(x - r, y - k), (x - k, y - r), (x, y - r)],
            [(x + k, y - r), (x + r, y - k), (x + r, y)],
        ];
        for [a, b, c] in quarters {
            self.put('C', a.0, a.1);
            self.put(' ', b.0, b.1);
            self.put(' ', c.0, c.1);
        }
        self.data.push('Z');
        self
    }
}
