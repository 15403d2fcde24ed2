//! Basins over contours: their borders, minima and passes.

use super::paths::along;
use crate::display::Placement;
use crate::isoline::label::TurnedBox;
use crate::layout::mark::{self, Mark};
use crate::layout::{Entry, Panel, Sheet, Swatch};
use crate::scale::finite_range;
use crate::style::{BORDER, INK, Style};
use crate::svg::{Anchor, Canvas, Path, Rect, Stroke, Text};
use crate::text;
use crate::text::number::value;
use landscape_core::{Grid, Merge, MergeTree, Surface, Value, basins, merge_tree};
use std::collections::BTreeMap;

/// Radius of the discs with the numbers of minima, in points.
const DISC: f64 = 3.9;
/// Radius of the marks of passes, in points.
const PASS: f64 = 2.0;
/// The most minima that are numbered.
const MOST: usize = 20;
/// The most minima whose values stand in the caption.
const TOLD: usize = 6;
type Place = (f64, f64);

/// The basins of a plane, in fractional indices of its grid.
pub(super) struct Terrain {
    share: f64,
    borders: Vec<Vec<Place>>,
    /// The minima from the lowest, with their values.
    minima: Vec<(Place, f64)>,
    /// The passes with the height of the barrier out of the higher basin.
    passes: Vec<(Place, f64)>,
}

impl Terrain {
    /// The basins of minima whose persistence is at least a share of the range.
    pub fn of(surface: &Surface, value: Value, share: f64) -> Self {
        let values = surface.values(value);
        let range = finite_range(&values).map_or(0.0, |(a, b)| b - a);
        let found = basins(surface, value, share * range);
        let place = |flat: usize| {
            let [i, j, _] = surface.grid().unravel(flat);
            (i as f64, j as f64)
        };
        let tree: MergeTree = merge_tree(surface, value);
        let kept = |m: &&Merge| m.persistence >= share * range && tree.is_decided(m.minimum);
        let passes = tree.merges.iter().filter(kept);
        Terrain {
            share,
            borders: borders(surface.grid(), &found.labels),
            minima: { found.minima.iter() }
                .filter(|&&minimum| tree.is_decided(minimum))
                .map(|&m| (place(m), values[m]))
                .collect(),
            passes: passes.map(|m| (place(m.saddle), m.persistence)).collect(),
        }
    }

    fn numbered(&self) -> impl Iterator<Item = (usize, Place)> {
        let places = self.minima.iter().map(|(place, _)| *place);
        places
            .take(MOST)
            .enumerate()
            .map(|(k, place)| (k + 1, place))
    }

    /// What contour labels keep clear of.
    pub fn obstacles(&self, at: Placement, style: &Style) -> Vec<TurnedBox> {
        let disc = |(_, place): (usize, Place)| {
            let (x, y) = at.at(place);
            Rect::new(
                x - DISC - 1.0,
                y - DISC - 1.0,
                2.0 * DISC + 2.0,
                2.0 * DISC + 2.0,
            )
        };
        let pass = |(place, height): &(Place, f64)| {
            let (x, y) = at.at(*place);
            let width = text::width(&value(*height, 2), style.tiny());
            let half = 0.5 * style.tiny() + 1.0;
            Rect::new(
                x - PASS - 1.0,
                y - half,
                2.0 * PASS + width + 4.0,
                2.0 * half,
            )
        };
        let discs = self.numbered().map(disc);
        let marks = discs.chain(self.passes.iter().take(MOST).map(pass));
        let sides = self.borders.iter().flat_map(|line| line.windows(2));
        let sides = sides.filter_map(|w| along(at.at(w[0]), at.at(w[1])));
        marks.map(TurnedBox::upright).chain(sides).collect()
    }

    /// Borders, passes and minima.
    pub fn draw(&self, sheet: &mut Sheet<'_>, panel: &Panel, at: Placement) {
        let canvas = &mut sheet.canvas;
        canvas.group("basins");
        canvas.clipped(panel.frame);
        let path = self.borders.iter().fold(Path::new(), |path, line| {
            let points: Vec<Place> = line.iter().map(|p| at.at(*p)).collect();
            path.polyline(&points, false)
        });
        canvas.line(&path, Stroke::new("#ffffff", 1.8));
        canvas.line(&path, Stroke::new(INK, 0.8).dash(&BORDER));
        canvas.end();
        canvas.end();
        canvas.group("passes");
        for (place, height) in self.passes.iter().take(MOST) {
            draw_pass(canvas, at.at(*place), *height, panel, &sheet.style);
        }
        canvas.end();
        canvas.group("minima");
        for (number, place) in self.numbered() {
            draw_number(canvas, at.at(place), number, panel, &sheet.style);
        }
        canvas.end();
    }

    /// What the marks mean.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        if !self.borders.is_empty() {
            entries.push(Entry::new(Swatch::Border, "border of basins"));
        }
        if !self.minima.is_empty() {
            entries.push(Entry::new(Swatch::Numbered, "minimum"));
        }
        if !self.passes.is_empty() {
            let words = "pass, with its barrier";
            entries.push(Entry::new(Swatch::Mark(Mark::Diamond), words));
        }
        entries
    }

    /// How many minima there are, and how low.
    pub fn notes(&self) -> Vec<String> {
        let percent = value(100.0 * self.share, 3);
        let of = format!("persistence ≥ {percent}% of the range");
        let told = self.minima.iter().take(TOLD).enumerate();
        let list: Vec<String> = told
            .map(|(k, (_, low))| format!("{} at {}", k + 1, value(*low, 3)))
            .collect();
        let rest = match self.minima.len().saturating_sub(TOLD) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        match self.minima.len() {
            0 => vec![],
            1 => vec![format!("one minimum of {of}: {}", list.join(", "))],
            n => vec![format!("{n} minima of {of}: {}{rest}", list.join(", "))],
        }
    }
}

/// A pass as a diamond with the height of its barrier, right of it where there is room.
fn draw_pass(canvas: &mut Canvas, (x, y): Place, height: f64, panel: &Panel, style: &Style) {
    let size = style.tiny();
    mark::cased(canvas, Mark::Diamond, x, y, PASS, INK);
    let words = value(height, 2);
    let right = x + PASS + 2.0 + text::width(&words, size) < panel.frame.right();
    let (side, anchor) = match right {
        true => (PASS + 2.0, Anchor::Start),
        false => (-PASS - 2.0, Anchor::End),
    };
    let base = y + text::CAP_HEIGHT / 2.0 * size;
    let words = Text::new(&words, x + side, base, size).anchor(anchor);
    canvas.text(&words.halo("#ffffff"));
}

/// A number in a disc that stays within the frame, and beside the point 0 where that is the place.
fn draw_number(canvas: &mut Canvas, (x, y): Place, number: usize, panel: &Panel, style: &Style) {
    let zero = (panel.x.at(0.0), panel.y.at(0.0));
    let beside = libm::hypot(x - zero.0, y - zero.1) < DISC + mark::RADIUS;
    let (x, y) = match beside {
        true => (x + 1.7 * DISC, y - 1.7 * DISC),
        false => (x, y),
    };
    let f = panel.frame.inset(DISC + 0.5);
    let (x, y) = (x.clamp(f.x, f.right()), y.clamp(f.y, f.bottom()));
    mark::number(canvas, (x, y), DISC, number, style.tiny());
}

/// The lines between basins, from junction to junction, smoothed.
fn borders(grid: &Grid, labels: &[Option<usize>]) -> Vec<Vec<Place>> {
    let mut links = links(grid, labels);
    let junctions: Vec<Corner> = { links.iter() }
        .filter(|(_, next)| next.len() != 2)
        .map(|(corner, _)| *corner)
        .collect();
    let mut lines = Vec::new();
    for start in junctions {
        while links.get(&start).is_some_and(|next| !next.is_empty()) {
            lines.push(smoothed(&walk(&mut links, start)));
        }
    }
    while let Some(start) = links
        .iter()
        .find(|(_, next)| !next.is_empty())
        .map(|(c, _)| *c)
    {
        lines.push(smoothed(&walk(&mut links, start)));
    }
    lines
}

/// A corner between cells; cell `(i, j)` has the corners `(i, j)` to `(i + 1, j + 1)`.
type Corner = (usize, usize);

/// The sides between cells of different basins, from both of their corners.
fn links(grid: &Grid, labels: &[Option<usize>]) -> BTreeMap<Corner, Vec<Corner>> {
    let (nx, ny) = (grid.axes()[0].count(), grid.axes()[1].count());
    let label = |i: usize, j: usize| labels[i * ny + j];
    let apart = |a: Option<usize>, b: Option<usize>| a.zip(b).is_some_and(|(a, b)| a != b);
    let mut links: BTreeMap<Corner, Vec<Corner>> = BTreeMap::new();
    let mut add = |a: Corner, b: Corner| {
        links.entry(a).or_default().push(b);
        links.entry(b).or_default().push(a);
    };
    for i in 0..nx {
        for j in 0..ny {
            if i + 1 < nx && apart(label(i, j), label(i + 1, j)) {
                add((i + 1, j), (i + 1, j + 1));
            }
            if j + 1 < ny && apart(label(i, j), label(i, j + 1)) {
                add((i, j + 1), (i + 1, j + 1));
            }
        }
    }
    links
}

/// Takes a line away, from a corner to the next junction or back to the corner.
fn walk(links: &mut BTreeMap<Corner, Vec<Corner>>, start: Corner) -> Vec<Corner> {
    let mut line = vec![start];
    let mut at = start;
    while let Some(next) = links.get_mut(&at).and_then(Vec::pop) {
        if let Some(back) = links.get_mut(&next) {
            back.retain(|c| *c != at);
        }
        line.push(next);
        at = next;
        if at == start || links.get(&at).is_none_or(|rest| rest.len() != 1) {
            break;
        }
    }
    line
}

/// A staircase as a line through the middles of its steps, its ends kept, in fractional indices.
fn smoothed(corners: &[Corner]) -> Vec<Place> {
    let index = |c: &Corner| (c.0 as f64 - 0.5, c.1 as f64 - 0.5);
    let middle = |w: &[Corner]| {
        let (a, b) = (index(&w[0]), index(&w[1]));
        ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0)
    };
    let ends = [corners.first().map(index), corners.last().map(index)];
    let inner = corners.windows(2).map(middle);
    let mut line: Vec<Place> = ends[0].into_iter().chain(inner).chain(ends[1]).collect();
    for _ in 0..2 {
        let last = line.clone();
        for (k, w) in last.windows(3).enumerate() {
            line[k + 1] = (
                (w[0].0 + 2.0 * w[1].0 + w[2].0) / 4.0,
                (w[0].1 + 2.0 * w[1].1 + w[2].1) / 4.0,
            );
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use landscape_core::Axis;

    fn grid(nx: usize, ny: usize) -> Grid {
        let axis = |n| Axis::new(-1.0, 1.0, n).unwrap();
        Grid::new(vec![axis(nx), axis(ny)]).unwrap()
    }

    #[test]
    fn two_halves_have_one_straight_border() {
        let labels: Vec<Option<usize>> = (0..6 * 4).map(|k| Some(usize::from(k / 4 > 2))).collect();
        let lines = borders(&grid(6, 4), &labels);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].iter().all(|p| p.0 == 2.5));
        assert_eq!((lines[0][0].1, lines[0].last().unwrap().1), (-0.5, 3.5));
    }

    #[test]
    fn an_island_is_a_closed_line_and_holes_have_none() {
        let labels: Vec<Option<usize>> = (0..25).map(|k| Some(usize::from(k == 12))).collect();
        let lines = borders(&grid(5, 5), &labels);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].first(), lines[0].last());
        let holes: Vec<Option<usize>> = (0..25).map(|k| (k != 12).then_some(0)).collect();
        assert!(borders(&grid(5, 5), &holes).is_empty());
    }

    #[test]
    fn four_quarters_meet_in_a_junction() {
        let label = |k: usize| Some(usize::from(k / 6 > 2) * 2 + usize::from(k % 6 > 2));
        let labels: Vec<Option<usize>> = (0..36).map(label).collect();
        let lines = borders(&grid(6, 6), &labels);
        assert_eq!(lines.len(), 4);
        let meets = |line: &Vec<Place>| line.contains(&(2.5, 2.5));
        assert!(lines.iter().all(meets));
    }
}
