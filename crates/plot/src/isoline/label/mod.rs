//! Where the labels of contour lines stand.
//!
//! A label sits on its line, turned along it and never upside down (steep ones of a figure all read one way), where the line is straight,
//! level and far from other lines. It keeps clear of other labels, of the frame's border and of
//! everything else that is drawn (marks, trajectories); a line without such a place has none.

mod boxes;
mod curve;

pub(crate) use boxes::TurnedBox;
pub(crate) use curve::Curve;

use crate::svg::Rect;
use crate::text;

/// A line that wants a label.
#[derive(Debug, Clone)]
pub(crate) struct Labelled<'a> {
    /// Which curve.
    pub curve: usize,
    /// Which level it belongs to.
    pub level: usize,
    pub words: &'a str,
    /// Whether its level is to be labelled wherever there is room; others are where too few are.
    pub first: bool,
}

/// A label that found its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placed {
    pub curve: usize,
    pub level: usize,
    /// Way of its centre along the curve, and half of the gap that the curve gets there.
    pub gap: (f64, f64),
    pub area: TurnedBox,
    /// Degrees, clockwise.
    pub angle: f64,
}

/// Distance between tried places, in points.
const STEP: f64 = 1.5;
/// Distance between other things and a label, in points.
const CLEAR: f64 = 1.5;
/// Lines longer than this, in points, may get a second label.
const LONG: f64 = 420.0;
/// The most labels a level gets.
const MOST: usize = 4;
/// Labels of one level are this far apart, in points.
const APART: f64 = 70.0;
/// The most a line may leave the middle of its label, in font sizes.
const BEND: f64 = 0.3;
/// The most points (one a point of length) of other lines below a label: at first, where a level would
/// otherwise have no label, and where a figure would otherwise have fewer than [`LEAST`].
const CROWD: [usize; 3] = [0, 3, 14];
/// As many levels as this are labelled wherever there are as many.
const LEAST: usize = 2;

/// Sines of the angles from which a label leans, and is steep: 45 and 70 degrees.
const LEANS: f64 = 0.707;
const STEEP: f64 = 0.94;

/// Between a label and the frame, in font sizes.
const BORDER: f64 = 0.5;

/// A square of the page.
type Square = (i32, i32);

/// A point of a line, and the line's number.
type Member = (f64, f64, usize);

/// Points of all lines, sorted into squares of the page, row by row from the first.
struct Crowd {
    first: Square,
    columns: i32,
    rows: i32,
    squares: Vec<Vec<Member>>,
}

/// Side of a square, in points, and the most of them in a row or column: more than any page has.
const SQUARE: f64 = 8.0;
const WIDEST: i32 = 300;

impl Crowd {
    fn of(curves: &[Curve]) -> Self {
        let all: Vec<Member> = { curves.iter().enumerate() }
            .flat_map(|(id, curve)| curve.samples(1.0).into_iter().map(move |(x, y)| (x, y, id)))
            .collect();
        let ends = |get: fn(&Square) -> i32| {
            let each = || all.iter().map(|(x, y, _)| get(&square(*x, *y)));
            (each().min().unwrap_or(0), each().max().unwrap_or(0))
        };
        let ((i0, i1), (j0, j1)) = (ends(|s| s.0), ends(|s| s.1));
        let mut crowd = Crowd {
            first: (i0, j0),
            columns: i1.saturating_sub(i0).clamp(0, WIDEST) + 1,
            rows: j1.saturating_sub(j0).clamp(0, WIDEST) + 1,
            squares: Vec::new(),
        };
        let count = crowd.columns as usize * crowd.rows as usize;
        crowd.squares.resize(count, Vec::new());
        for member in all {
            if let Some(place) = crowd.place(square(member.0, member.1)) {
                crowd.squares[place].push(member);
            }
        }
        crowd
    }

    /// The place of a square that is on the page.
    fn place(&self, (i, j): Square) -> Option<usize> {
        let (i, j) = (
            i.saturating_sub(self.first.0),
            j.saturating_sub(self.first.1),
        );
        let inside = (0..self.columns).contains(&i) && (0..self.rows).contains(&j);
        inside.then(|| (j * self.columns + i) as usize)
    }

    /// How many points of other curves lie in a box.
    fn count(&self, area: &TurnedBox, own: usize) -> usize {
        let corners = area.corners().map(|(x, y)| square(x, y));
        let range = |get: fn(&Square) -> i32| {
            let all = corners.iter().map(get);
            (all.clone().min().unwrap_or(0), all.max().unwrap_or(0))
        };
        let ((i0, i1), (j0, j1)) = (range(|c| c.0), range(|c| c.1));
        (i0..=i1)
            .flat_map(|i| (j0..=j1).map(move |j| (i, j)))
            .filter_map(|key| Some(&self.squares[self.place(key)?]))
            .flatten()
            .filter(|(x, y, id)| *id != own && area.holds(*x, *y))
            .count()
    }
}

fn square(x: f64, y: f64) -> Square {
    (
        libm::floor(x / SQUARE) as i32,
        libm::floor(y / SQUARE) as i32,
    )
}

/// What labels have to keep clear of.
struct Scene<'a> {
    frame: Rect,
    size: f64,
    crowd: Crowd,
    obstacles: &'a [TurnedBox],
    placed: Vec<Placed>,
    /// The most points of other lines below a label.
    most: usize,
}

/// Finds places for labels of a font size inside a frame: first for the longest line of each level, then for the
/// others. Levels that need no label get one where fewer than two others did.
pub(crate) fn place(
    curves: &[Curve],
    wanted: &[Labelled<'_>],
    frame: Rect,
    size: f64,
    obstacles: &[TurnedBox],
) -> Vec<Placed> {
    let mut scene = Scene {
        frame: frame.inset(BORDER * size),
        size,
        crowd: Crowd::of(curves),
        obstacles,
        placed: Vec::new(),
        most: CROWD[0],
    };
    let mut order: Vec<&Labelled<'_>> = wanted.iter().collect();
    order.sort_by(|a, b| {
        curves[b.curve]
            .length()
            .total_cmp(&curves[a.curve].length())
    });
    let (first, rest): (Vec<_>, Vec<_>) = order.iter().copied().partition(|l| l.first);
    scene.pass(curves, &first, Pass::Levels, CROWD[0]);
    scene.pass(curves, &first, Pass::Levels, CROWD[1]);
    scene.pass(curves, &first, Pass::Lines, CROWD[0]);
    for crowd in CROWD {
        scene.pass(curves, &first, Pass::Least, crowd);
        scene.pass(curves, &rest, Pass::Least, crowd);
    }
    agree(&mut scene.placed);
    scene.placed
}

/// Turns steep labels over that read another way, up or down, than those that lean do for the most part: along one edge
/// of a figure lines often lean a little to both sides of the upright.
fn agree(placed: &mut [Placed]) {
    let leaning = placed.iter().map(|label| label.area.axis.1);
    let down: f64 = leaning.filter(|sine| sine.abs() > LEANS).sum();
    for label in placed {
        let (x, y) = label.area.axis;
        if y.abs() > STEEP && (y > 0.0) != (down > 0.0) {
            label.area.axis = (-x, -y);
            label.angle -= label.angle.signum() * 180.0;
        }
    }
}

/// Which lines get a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// One of each level that has none.
    Levels,
    /// Further lines of levels.
    Lines,
    /// One of each level that has none, until enough levels have one.
    Least,
}

impl Scene<'_> {
    fn pass(&mut self, curves: &[Curve], order: &[&Labelled<'_>], pass: Pass, crowd: usize) {
        self.most = crowd;
        for label in order {
            let has = self.placed.iter().filter(|p| p.level == label.level);
            let (count, own) = (
                has.clone().count(),
                has.filter(|p| p.curve == label.curve).count(),
            );
            let most_own = 1 + usize::from(curves[label.curve].length() > LONG);
            let full = count >= MOST || own >= most_own;
            let enough = pass == Pass::Least && self.levels() >= LEAST;
            if full || enough || (pass != Pass::Lines && count > 0) {
                continue;
            }
            self.add(&curves[label.curve], label);
        }
    }

    /// How many levels have a label.
    fn levels(&self) -> usize {
        let mut levels: Vec<usize> = self.placed.iter().map(|p| p.level).collect();
        levels.sort_unstable();
        levels.dedup();
        levels.len()
    }
}

impl Scene<'_> {
    /// Puts the label at the best place of its curve, if there is one.
    fn add(&mut self, curve: &Curve, label: &Labelled<'_>) {
        let half = text::width(label.words, self.size) / 2.0 + 1.2;
        let least = if curve.closed() { 9.0 } else { 3.0 } * half;
        if curve.length() < least {
            return;
        }
        let tries = libm::floor(curve.length() / STEP) as usize;
        let best = (0..tries)
            .map(|k| k as f64 * STEP)
            .filter(|s| curve.closed() || (*s > half && *s < curve.length() - half))
            .filter_map(|s| self.judge(curve, label, s, half))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, placed)) = best {
            self.placed.push(placed);
        }
    }

    /// How bad a place is; `None` where a label cannot stand.
    fn judge(
        &self,
        curve: &Curve,
        label: &Labelled<'_>,
        s: f64,
        half: f64,
    ) -> Option<(f64, Placed)> {
        let (a, b) = (curve.at(s - half), curve.at(s + half));
        let chord = libm::hypot(b.0 - a.0, b.1 - a.1);
        if chord < 1.8 * half {
            return None;
        }
        let forward = if b.0 >= a.0 { 1.0 } else { -1.0 };
        let axis = (forward * (b.0 - a.0) / chord, forward * (b.1 - a.1) / chord);
        let (x, y, bend) = middle(curve, s, half, axis);
        let area = TurnedBox {
            x,
            y,
            half_length: half,
            half_width: 0.5 * self.size,
            axis,
        };
        let bent = bend / self.size;
        if bent > BEND || !area.within(self.frame) || self.blocked(&area, label.level) {
            return None;
        }
        let crowd = self.crowd.count(&area, label.curve);
        if crowd > self.most {
            return None;
        }
        let angle = libm::atan2(axis.1, axis.0).to_degrees();
        let score = 0.8 * angle.abs() / 90.0 + 2.0 * bent + 0.2 * crowd as f64;
        let placed = Placed {
            curve: label.curve,
            level: label.level,
            gap: (s, half),
            area,
            angle,
        };
        Some((score, placed))
    }

    fn blocked(&self, area: &TurnedBox, level: usize) -> bool {
        let grown = area.grown(CLEAR);
        let near = |p: &Placed| {
            p.level == level && libm::hypot(p.area.x - area.x, p.area.y - area.y) < APART
        };
        self.obstacles.iter().any(|o| grown.meets(o))
            || self.placed.iter().any(|p| grown.meets(&p.area) || near(p))
    }
}

/// The centre of a label, halfway between the extremes of the line across it, and half of that
/// distance.
fn middle(curve: &Curve, s: f64, half: f64, axis: (f64, f64)) -> (f64, f64, f64) {
    let (x, y) = curve.at(s);
    let across = |p: (f64, f64)| (p.1 - y) * axis.0 - (p.0 - x) * axis.1;
    let along = |p: (f64, f64)| (p.0 - x) * axis.0 + (p.1 - y) * axis.1;
    let (low, high) = (0..=8)
        .map(|k| across(curve.at(s + half * (f64::from(k) / 4.0 - 1.0))))
        .fold((f64::MAX, f64::MIN), |(a, b), d| (a.min(d), b.max(d)));
    let ends = (along(curve.at(s - half)) + along(curve.at(s + half))) / 2.0;
    let off = (low + high) / 2.0;
    (
        x + ends * axis.0 - off * axis.1,
        y + ends * axis.1 + off * axis.0,
        (high - low) / 2.0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rings(radii: &[f64]) -> Vec<Curve> {
        radii
            .iter()
            .map(|r| {
                let at = |k: i32| f64::from(k) / 90.0 * std::f64::consts::TAU;
                let points = (0..90).map(|k| (100.0 + r * at(k).cos(), 100.0 + r * at(k).sin()));
                Curve::new(points.collect(), true)
            })
            .collect()
    }

    #[test]
    fn labels_keep_clear_of_each_other_and_of_the_border() {
        let curves = rings(&[20.0, 32.0, 44.0, 56.0, 68.0, 80.0, 92.0]);
        let wanted: Vec<Labelled<'_>> = (0..curves.len())
            .map(|curve| Labelled {
                curve,
                level: curve,
                words: "0.125",
                first: true,
            })
            .collect();
        let frame = Rect::new(0.0, 0.0, 200.0, 200.0);
        let obstacle = [TurnedBox::upright(Rect::new(0.0, 0.0, 200.0, 60.0))];
        let placed = place(&curves, &wanted, frame, 6.0, &obstacle);
        assert!(placed.len() >= 5, "{}", placed.len());
        for (k, a) in placed.iter().enumerate() {
            assert!(a.area.within(frame) && !a.area.meets(&obstacle[0]));
            assert!(a.angle.abs() <= 110.0, "{}", a.angle);
            assert!(placed[k + 1..].iter().all(|b| !a.area.meets(&b.area)));
        }
    }

    #[test]
    fn labels_on_steep_lines_read_one_way() {
        let line = |x: f64, lean: f64, down: bool| {
            let at = |k: i32| (x + lean * f64::from(k), 20.0 + 2.0 * f64::from(k));
            let points: Vec<(f64, f64)> = (0..80).map(at).collect();
            let turned = points.iter().rev().copied().collect();
            Curve::new(if down { points } else { turned }, false)
        };
        let curves = [(40.0, 0.3), (80.0, -0.3), (120.0, 0.0)];
        for down in [true, false] {
            let curves = curves.map(|(x, lean)| line(x, lean, down));
            let of = |curve: usize| Labelled {
                curve,
                level: curve,
                words: "0.125",
                first: true,
            };
            let frame = Rect::new(0.0, 0.0, 200.0, 200.0);
            let placed = place(&curves, &[0, 1, 2].map(of), frame, 6.0, &[]);
            assert_eq!(placed.len(), 3);
            let way = placed[0].angle.signum();
            for label in placed {
                assert!((label.angle - 90.0 * way).abs() < 10.0, "{}", label.angle);
            }
        }
        // Two that lean to one side decide for the third.
        let curves = [(40.0, 1.5), (80.0, 1.5), (140.0, -0.2)].map(|(x, lean)| line(x, lean, true));
        let of = |curve: usize| Labelled {
            curve,
            level: curve,
            words: "0.125",
            first: true,
        };
        let frame = Rect::new(0.0, 0.0, 300.0, 200.0);
        let placed = place(&curves, &[0, 1, 2].map(of), frame, 6.0, &[]);
        assert!(
            placed.len() == 3 && placed.iter().all(|label| label.angle > 45.0),
            "{placed:?}"
        );
    }

    #[test]
    fn short_lines_get_no_label() {
        let curves = rings(&[3.0]);
        let wanted = [Labelled {
            curve: 0,
            level: 0,
            words: "1.5",
            first: true,
        }];
        let frame = Rect::new(0.0, 0.0, 200.0, 200.0);
        assert!(place(&curves, &wanted, frame, 6.0, &[]).is_empty());
    }
}
