//! Paths of training over a plane: one in ink, several told apart by colour, dash and mark.

use crate::display::obstacle;
use crate::error::PlotError;
use crate::isoline::label::TurnedBox;
use crate::layout::mark::{self, Mark};
use crate::layout::{Entry, Panel, Swatch};
use crate::lines::Line;
use crate::options::Options;
use crate::style::{DASHES, INK, LINES};
use crate::svg::{Canvas, Path, Stroke};
use crate::text::number::fixed;
use landscape_core::{Fidelity, Trajectory, TrajectoryPoint};

/// Paths with more points than this in all are drawn without a dot for each.
const DOTS: usize = 80;
/// Dots nearer to the last one than this, in points, are left out.
const APART: f64 = 2.6;
/// Width of a path, in points.
const PATH: f64 = 1.1;
/// Radius of the end marks of one path among several, in points.
const END: f64 = 2.3;

/// A path of training on a plane, and what it is called.
#[derive(Debug, Clone, Copy)]
pub struct PathOnPlane<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// Its coordinates on the plane of the surface.
    pub trajectory: &'a Trajectory,
}

/// How a path looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    color: &'static str,
    dash: &'static [f64],
    mark: Mark,
    alone: bool,
}

impl Look {
    /// The only path of a figure.
    pub const ALONE: Look = Look {
        color: INK,
        dash: DASHES[0],
        mark: Mark::Star,
        alone: true,
    };

    /// The `k`-th of several: each of ten has its colour; the mark turns first, then the dash, so that 25 differ, also
    /// without colour. Colours and marks are those of the `k`-th of [`super::losses`].
    pub fn nth(k: usize) -> Look {
        let turn = k / mark::CURVES.len();
        Look {
            color: LINES[k % LINES.len()],
            dash: DASHES[turn % DASHES.len()],
            mark: mark::CURVES[(k + turn) % mark::CURVES.len()],
            alone: false,
        }
    }

    /// The picture of the path in the legend; which of its ends have marks of their own.
    fn swatch(self, marked: [bool; 2]) -> Swatch {
        match self.alone {
            true => Swatch::Cased,
            false => Swatch::Path(self.color, self.dash, self.mark, marked),
        }
    }
}

/// A path on the page.
struct Drawn<'a> {
    look: Look,
    name: &'a str,
    /// All of its points, and those that are drawn.
    all: &'a [TrajectoryPoint],
    path: &'a [TrajectoryPoint],
    /// All of its points on the page; `None` where coordinates are not finite.
    points: Vec<Option<(f64, f64)>>,
}

impl Drawn<'_> {
    fn start(&self) -> Option<(f64, f64)> {
        self.points.first().copied().flatten()
    }

    /// The last point, of paths that have more than one.
    fn end(&self) -> Option<(f64, f64)> {
        self.shown()[1..].last().copied().flatten()
    }

    /// The points on the page that are drawn.
    fn shown(&self) -> &[Option<(f64, f64)>] {
        &self.points[..self.path.len()]
    }
}

/// The paths of one panel.
pub(super) struct Paths<'a> {
    drawn: Vec<Drawn<'a>>,
    /// Where all of several paths start.
    common: Option<(f64, f64)>,
    /// Where all of several paths end.
    goal: Option<(f64, f64)>,
}

/// Refuses paths without points.
pub(super) fn check(paths: &[PathOnPlane<'_>]) -> Result<(), PlotError> {
    match paths.iter().find(|p| p.trajectory.points.is_empty()) {
        None => Ok(()),
        Some(path) if path.name.is_empty() => Err(PlotError::Empty {
            figure: "trajectory",
            what: "checkpoint",
        }),
        Some(path) => Err(PlotError::EmptyPath {
            name: path.name.to_owned(),
        }),
    }
}

/// Where the plane misleads about the paths, in words.
pub(super) fn warnings(paths: &[PathOnPlane<'_>]) -> Vec<String> {
    Fidelity::warnings_of(paths.iter().map(|p| (p.name, p.trajectory)))
}

/// Labels of both axes with the share of the paths' variance along them, where the paths agree on it.
pub(super) fn labels(paths: &[PathOnPlane<'_>], options: &Options) -> [String; 2] {
    [0, 1].map(|i| {
        let share = |p: &PathOnPlane<'_>| p.trajectory.explained_variance.get(i).copied();
        let first = paths.first().and_then(share);
        let agree = |p| {
            share(p)
                .zip(first)
                .is_some_and(|(a, b)| (a - b).abs() < 1e-3)
        };
        axis_label(i, first.filter(|_| paths.iter().all(agree)), options)
    })
}

/// The label of an axis with the share of a path's variance along it.
pub(super) fn axis_label(i: usize, share: Option<f64>, options: &Options) -> String {
    let label = options.axis(i);
    match share {
        Some(share) if share.is_finite() => {
            format!("{label} ({}% of variance)", fixed(100.0 * share, 1))
        }
        _ => label,
    }
}

pub(super) fn near(a: (f64, f64), b: (f64, f64)) -> bool {
    libm::hypot(a.0 - b.0, a.1 - b.1) < 1.0
}

/// The point where several paths all have one of their ends.
fn together(
    drawn: &[Drawn<'_>],
    end: impl Fn(&Drawn<'_>) -> Option<(f64, f64)>,
) -> Option<(f64, f64)> {
    let first = drawn.first().and_then(&end)?;
    let there = |d: &Drawn<'_>| end(d).is_some_and(|p| near(first, p));
    (drawn.len() > 1 && drawn.iter().all(there)).then_some(first)
}

impl<'a> Paths<'a> {
    /// Paths, each with its look, in a frame. Paths without points are left out.
    pub fn on(paths: &[(Look, PathOnPlane<'a>)], panel: &Panel, options: &Options) -> Self {
        let at = |p: &TrajectoryPoint| {
            let (x, y) = (panel.x.at(p.coords[0]), panel.y.at(p.coords[1]));
            (x.is_finite() && y.is_finite()).then_some((x, y))
        };
        let known = paths
            .iter()
            .filter(|(_, p)| !p.trajectory.points.is_empty());
        let drawn: Vec<Drawn<'a>> = known
            .map(|(look, p)| Drawn {
                look: *look,
                name: p.name,
                all: &p.trajectory.points,
                path: options.shown(p.trajectory),
                points: p.trajectory.points.iter().map(at).collect(),
            })
            .collect();
        let common = together(&drawn, |d| d.start());
        let ended = drawn.iter().all(|d| d.path.len() == d.all.len());
        let goal = together(&drawn, |d| d.end()).filter(|_| ended);
        Paths {
            drawn,
            common,
            goal,
        }
    }

    /// Whether the start and the end of each path have marks of their own.
    fn own(&self) -> [bool; 2] {
        let alone = self.drawn.first().is_none_or(|d| d.look.alone);
        [self.common, self.goal].map(|p| p.is_none() && !alone)
    }

    /// What contour labels keep clear of.
    pub fn obstacles(&self) -> Vec<TurnedBox> {
        let mut boxes = Vec::new();
        for drawn in &self.drawn {
            let known: Vec<(f64, f64)> = drawn.points.iter().flatten().copied().collect();
            boxes.extend(known.first().map(|p| obstacle(p.0, p.1)));
            boxes.extend(known.last().map(|p| obstacle(p.0, p.1)));
            boxes.extend(known.windows(2).filter_map(|w| along(w[0], w[1])));
        }
        boxes
    }

    /// Whether a path starts or ends at a point of the page, where no other mark is to stand.
    pub fn marks(&self, at: (f64, f64)) -> bool {
        let ends = self.drawn.iter().flat_map(|d| [d.start(), d.end()]);
        ends.flatten().any(|p| near(p, at))
    }

    /// The lines, each with a white casing, and dots for the checkpoints when there are few.
    pub fn draw(&self, canvas: &mut Canvas, panel: &Panel) {
        if self.drawn.is_empty() {
            return;
        }
        canvas.group("trajectory");
        canvas.clipped(panel.frame);
        let all: usize = self.drawn.iter().map(|d| d.all.len()).sum();
        for drawn in &self.drawn {
            draw_line(canvas, drawn);
            if all <= DOTS {
                draw_dots(canvas, drawn);
            }
        }
        canvas.end();
        canvas.end();
    }

    /// The paths as data, each with the marks of its ends.
    pub fn lines(&self, training: bool) -> Vec<Line> {
        let named = self.drawn.iter().zip(self.entries(training));
        let of = |(drawn, entry): (&Drawn<'_>, Entry)| {
            let Look {
                color,
                dash,
                mark,
                alone,
            } = drawn.look;
            let points = drawn.path.iter().map(|p| (p.coords[0], p.coords[1]));
            let points: Vec<(f64, f64)> = points.collect();
            let kind = if alone { Mark::Ring } else { mark };
            let start = Line::mark(kind.plot_name(), points[0], "", color);
            let end = Line::mark(mark.plot_name(), points[points.len() - 1], "", color);
            let line = Line {
                name: entry.words,
                color: color.to_owned(),
                width: PATH,
                dash,
                mark: None,
                points,
            };
            [line, start, end]
        };
        named.flat_map(of).collect()
    }

    /// Marks where several paths start (hollow) and end (filled), once where that is one point.
    pub fn draw_ends(&self, canvas: &mut Canvas, panel: &Panel) {
        if self.drawn.is_empty() {
            return;
        }
        let frame = panel.frame.inset(-0.01);
        let inside = |p: Option<(f64, f64)>| p.filter(|p| frame.holds(p.0, p.1));
        canvas.group("ends");
        for drawn in self.drawn.iter().filter(|_| self.common.is_none()) {
            match inside(drawn.start()) {
                Some((x, y)) if drawn.look.alone => mark::place(canvas, Mark::Ring, x, y),
                Some((x, y)) => {
                    mark::hollow(canvas, drawn.look.mark, x, y, END, drawn.look.color);
                }
                None => {}
            }
        }
        if let Some((x, y)) = inside(self.common) {
            mark::place(canvas, Mark::Ring, x, y);
        }
        if let Some((x, y)) = inside(self.goal) {
            mark::place(canvas, Mark::Star, x, y);
        }
        for drawn in self.drawn.iter().filter(|_| self.goal.is_none()) {
            match inside(drawn.end()) {
                Some((x, y)) if drawn.look.alone => mark::place(canvas, Mark::Star, x, y),
                Some((x, y)) => mark::cased(canvas, drawn.look.mark, x, y, END, drawn.look.color),
                None => {}
            }
        }
        canvas.end();
    }

    /// Legend entries of the paths, without the marks of their ends.
    pub fn entries(&self, training: bool) -> Vec<Entry> {
        let name = |d: &Drawn<'_>| match (d.look.alone, training) {
            (true, true) => "training path".to_owned(),
            (true, false) => "curve".to_owned(),
            (false, _) => d.name.to_owned(),
        };
        let marked = self.own();
        let entry = |d: &Drawn<'_>| Entry::new(d.look.swatch(marked), name(d));
        self.drawn.iter().map(entry).collect()
    }

    /// Legend entries of ends that one mark stands for, with their steps where these are of training.
    pub fn end_entries(&self, training: bool) -> Vec<Entry> {
        let alone = self.drawn.first().is_some_and(|d| d.look.alone);
        let [start, end] = match alone && self.drawn.len() == 1 {
            true => ["start", "end"],
            false => ["common start", "common end"],
        };
        let shown = [alone || self.common.is_some(), alone || self.goal.is_some()];
        let entries = [
            (Mark::Ring, start, self.step(0, training)),
            (Mark::Star, end, self.step(usize::MAX, training)),
        ];
        let shown = entries.into_iter().zip(shown).filter(|(_, shown)| *shown);
        shown
            .map(|((kind, name, step), _)| Entry::new(Swatch::Mark(kind), format!("{name}{step}")))
            .collect()
    }

    /// What the marks of several paths stand for, in words.
    pub fn ends_note(&self, training: bool) -> Option<String> {
        let (first, last) = (self.step(0, training), self.step(usize::MAX, training));
        match self.own() {
            [true, true] => Some(format!(
                "paths run from hollow marks{first} to filled ones{last}"
            )),
            [true, false] => Some(format!("hollow marks are starts{first}")),
            [false, true] => Some(format!("each path ends at its mark{last}")),
            [false, false] => None,
        }
    }

    /// The step of a checkpoint of all paths, where they agree on it; of the last one for a place beyond it.
    fn step(&self, place: usize, training: bool) -> String {
        let of = |d: &Drawn<'_>| d.path[place.min(d.path.len() - 1)].step;
        match self.drawn.first().map(of) {
            Some(step) if training && self.drawn.iter().all(|d| of(d) == step) => {
                format!(" (step {step})")
            }
            _ => String::new(),
        }
    }

    /// How many checkpoints the frame does not show.
    pub fn outside(&self, panel: &Panel) -> Option<String> {
        let shown = |p: &&TrajectoryPoint| panel.x.holds(p.coords[0]) && panel.y.holds(p.coords[1]);
        let missing = |d: &Drawn<'_>| d.all.len() - d.all.iter().filter(shown).count();
        let all: usize = self.drawn.iter().map(|d| d.all.len()).sum();
        let outside: usize = self.drawn.iter().map(missing).sum();
        let names: Vec<&str> = self
            .drawn
            .iter()
            .filter(|d| missing(d) > 0)
            .map(|d| d.name)
            .collect();
        let whose = match names.len() {
            _ if self.drawn.len() < 2 => String::new(),
            1..=3 => format!(" ({})", names.join(", ")),
            n => format!(" (of {n} paths)"),
        };
        (outside > 0)
            .then(|| format!("{outside} of {all} checkpoints lie outside the plane shown{whose}"))
    }
}

/// The room of a piece of a line.
pub(super) fn along(a: (f64, f64), b: (f64, f64)) -> Option<TurnedBox> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = libm::hypot(dx, dy);
    (length > 0.0).then(|| TurnedBox {
        x: (a.0 + b.0) / 2.0,
        y: (a.1 + b.1) / 2.0,
        half_length: length / 2.0,
        half_width: 1.2,
        axis: (dx / length, dy / length),
    })
}

/// A line with a white casing.
fn draw_line(canvas: &mut Canvas, drawn: &Drawn<'_>) {
    let mut line = Path::new();
    for run in drawn.shown().split(Option::is_none) {
        let run: Vec<(f64, f64)> = run.iter().flatten().copied().collect();
        line = line.polyline(&run, false);
    }
    canvas.line(&line, Stroke::new("#ffffff", 2.6));
    canvas.line(
        &line,
        Stroke::new(drawn.look.color, PATH).dash(drawn.look.dash),
    );
}

fn draw_dots(canvas: &mut Canvas, drawn: &Drawn<'_>) {
    let mut last = (f64::MIN, f64::MIN);
    for (x, y) in drawn.shown().iter().flatten() {
        if libm::hypot(x - last.0, y - last.1) < APART {
            continue;
        }
        last = (*x, *y);
        let dot = Path::new().circle(*x, *y, 1.3);
        let rim = Stroke::new("#ffffff", 0.4);
        canvas.shape(&dot, Some(drawn.look.color), 1.0, Some(rim));
    }
}
