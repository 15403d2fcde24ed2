//! From segments inside cells to lines across the plane.
//!
//! A segment is a pair of grid edges. An edge belongs to two cells at most, so it has two
//! neighbours at most, and lines are chains of edges: whether they close is a matter of whole
//! numbers, not of rounding.

use super::Line;

const NONE: u32 = u32::MAX;

/// The number of an edge: 2 (i ny + j) from point (i, j) along the first axis, one more along the
/// second.
pub(super) fn edge(i: usize, j: usize, side: usize, ny: usize) -> usize {
    match side {
        0 => 2 * (i * ny + j),
        1 => 2 * ((i + 1) * ny + j) + 1,
        2 => 2 * (i * ny + j + 1),
        _ => 2 * (i * ny + j) + 1,
    }
}

/// The point where an edge starts, and whether it runs along the first axis.
pub(super) fn place(edge: usize, ny: usize) -> (usize, usize, bool) {
    let point = edge / 2;
    (point / ny, point % ny, edge.is_multiple_of(2))
}

/// The neighbours of each edge.
pub(super) struct Edges {
    next: Vec<[u32; 2]>,
    crossed: Vec<u32>,
}

impl Edges {
    pub fn new(nx: usize, ny: usize) -> Self {
        Edges {
            next: vec![[NONE; 2]; 2 * nx * ny],
            crossed: Vec::new(),
        }
    }

    pub fn join(&mut self, a: usize, b: usize) {
        for (from, to) in [(a, b), (b, a)] {
            let ways = &mut self.next[from];
            if ways[0] == NONE {
                ways[0] = to as u32;
                self.crossed.push(from as u32);
            } else {
                ways[1] = to as u32;
            }
        }
    }

    /// All chains: first those with ends, then closed ones.
    pub fn lines(mut self, point: impl Fn(usize) -> (f64, f64)) -> Vec<Line> {
        self.crossed.sort_unstable();
        let crossed = std::mem::take(&mut self.crossed);
        let mut lines = Vec::new();
        for ends_only in [true, false] {
            for start in &crossed {
                let ways = self.next[*start as usize];
                let loose = ways[0] != NONE && ways[1] == NONE;
                if ways[0] == NONE || (ends_only && !loose) {
                    continue;
                }
                lines.push(Line {
                    points: self.follow(*start, &point),
                    closed: !ends_only,
                });
            }
        }
        lines
    }

    /// Takes a chain away, from `start` on.
    fn follow(&mut self, start: u32, point: &impl Fn(usize) -> (f64, f64)) -> Vec<(f64, f64)> {
        let mut points: Vec<(f64, f64)> = Vec::new();
        let (mut at, mut from) = (start, NONE);
        loop {
            let here = point(at as usize);
            if points.last() != Some(&here) {
                points.push(here);
            }
            let ways = std::mem::replace(&mut self.next[at as usize], [NONE; 2]);
            let onward = ways.into_iter().find(|w| *w != NONE && *w != from);
            match onward {
                Some(next) if self.next[next as usize] != [NONE; 2] => {
                    (at, from) = (next, at);
                }
                _ => return points,
            }
        }
    }
}
