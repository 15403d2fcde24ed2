//! Contour lines: marching squares between the points of a plane.
//!
//! A line crosses a side of a cell where the linear interpolation between its two points (in the
//! drawn scale: of the logarithms in a log figure) meets the level. Cells whose diagonal corners lie
//! on the same side are told apart by the value at the saddle of the bilinear interpolation, the
//! asymptotic decider of Nielson and Hamann (Visualization 1991). In a cell with one corner
//! that is not finite, only the line about the opposite corner is known; with more, none.

mod join;
pub(crate) mod label;
mod thin;

use crate::field::{self, Field};
use crate::options::Options;
use crate::scale::Scale;
use crate::scale::ValueScale;
use crate::{Clip, PlotError};
use landscape_core::{Axis, Surface, Value};
pub(crate) use thin::thinned;

/// A contour line.
#[derive(Debug, Clone, PartialEq)]
pub struct Isoline {
    /// Points `(x, y)` in coordinates of the plane: `x` along the first axis, `y` along the second.
    pub points: Vec<(f64, f64)>,
    /// Whether the last point is joined to the first. Other lines end at the border of the plane,
    /// or of a hole in it.
    pub closed: bool,
}

/// The contour lines of one level of a plane, interpolated linearly between points, or, with
/// [`Scale::Log`], linearly in the logarithm.
///
/// # Errors
/// When the surface has not two directions, or an axis has one point only.
///
/// ```
/// use landscape_core::{from_fn, Grid, Sampler, Surface, Value};
/// use landscape_plot::{isolines, Scale};
///
/// let mut surface = Surface::new(Grid::square(101, 1.0, 2)?, vec![]);
/// Sampler::default().run(&from_fn(|[x, y]| x * x + y * y), &mut surface, &mut [])?;
/// let circle = &isolines(&surface, Value::Loss, Scale::Linear, 0.25)?[0];
/// assert!(circle.closed);
/// assert!(circle.points.iter().all(|(x, y)| (x.hypot(*y) - 0.5).abs() < 1e-4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn isolines(
    surface: &Surface,
    value: Value,
    scale: Scale,
    level: f64,
) -> Result<Vec<Isoline>, PlotError> {
    field::expect_dims(surface, 2, "contour")?;
    field::expect_lines(surface, "contour")?;
    let options = Options {
        value,
        scale,
        ..Options::default()
    };
    options.check()?;
    let (values, _) = field::read(surface, value)?;
    let scale = ValueScale::of(&values, scale, Clip::default(), None);
    let field = Field::of(surface, &scale, &options)?;
    let data = |line: Line| Isoline {
        points: line
            .points
            .iter()
            .map(|(u, v)| (coordinate(&field.x, *u), coordinate(&field.y, *v)))
            .collect(),
        closed: line.closed,
    };
    let found = trace(&field, scale.transform.forward(level));
    Ok(found.into_iter().map(data).collect())
}

/// The coordinate at a fractional index.
pub(crate) fn coordinate(axis: &Axis, u: f64) -> f64 {
    let i = (libm::floor(u).max(0.0) as usize).min(axis.count() - 1);
    let share = u - i as f64;
    match share == 0.0 || i + 1 == axis.count() {
        true => axis.value(i),
        false => axis.value(i) + share * (axis.value(i + 1) - axis.value(i)),
    }
}

/// A contour line in fractional indices.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub points: Vec<(f64, f64)>,
    pub closed: bool,
}

/// The sides of a cell: below, right, above, left.
type Side = usize;

/// Which sides the lines of a cell join. `above` says for each corner, anticlockwise from (i, j),
/// whether it lies at or above the level; `middle` says so of the saddle.
fn segments(above: [bool; 4], middle: impl Fn() -> bool) -> ([(Side, Side); 2], usize) {
    let code = above
        .iter()
        .enumerate()
        .map(|(k, a)| usize::from(*a) << k)
        .sum();
    let one = |a, b| ([(a, b), (0, 0)], 1);
    match code {
        0 | 15 => ([(0, 0); 2], 0),
        1 | 14 => one(3, 0),
        2 | 13 => one(0, 1),
        4 | 11 => one(1, 2),
        8 | 7 => one(2, 3),
        3 | 12 => one(3, 1),
        6 | 9 => one(0, 2),
        5 if middle() => ([(0, 1), (2, 3)], 2),
        5 => ([(3, 0), (1, 2)], 2),
        _ if middle() => ([(3, 0), (1, 2)], 2),
        _ => ([(0, 1), (2, 3)], 2),
    }
}

/// Which sides the lines of a cell join. With one corner that is not finite, only lines about the
/// opposite corner are known; with more, none.
fn cell(corners: [f64; 4], level: f64) -> ([(Side, Side); 2], usize) {
    let above = corners.map(|v| v >= level);
    // A corner that is not finite is not above; most cells end here.
    if above.iter().all(|a| *a) || !above.iter().any(|a| *a) {
        return ([(0, 0); 2], 0);
    }
    let mut broken = (0..4).filter(|k| !corners[*k].is_finite());
    match (broken.next(), broken.next()) {
        (None, _) => segments(above, || saddle(corners) >= level),
        (Some(hole), None) => {
            let k = (hole + 2) % 4;
            let before = (k + 3) % 4;
            let cut = above[k] != above[before] && above[k] != above[(k + 1) % 4];
            ([(before, k), (0, 0)], usize::from(cut))
        }
        _ => ([(0, 0); 2], 0),
    }
}

/// Value of the bilinear interpolation at its saddle.
fn saddle([a, b, c, d]: [f64; 4]) -> f64 {
    (a * c - b * d) / (a + c - b - d)
}

/// All lines of one level, in an order that depends on nothing but the values.
pub(crate) fn trace(field: &Field, level: f64) -> Vec<Line> {
    let (nx, ny) = (field.nx(), field.ny());
    let mut edges = join::Edges::new(nx, ny);
    for i in 0..nx - 1 {
        for j in 0..ny - 1 {
            let (found, n) = cell(field.corners(i, j), level);
            for (a, b) in &found[..n] {
                edges.join(join::edge(i, j, *a, ny), join::edge(i, j, *b, ny));
            }
        }
    }
    edges.lines(|edge| crossing(field, edge, level))
}

/// Where the level crosses an edge of the grid.
fn crossing(field: &Field, edge: usize, level: f64) -> (f64, f64) {
    let (i, j, along_x) = join::place(edge, field.ny());
    let a = field.place(i, j);
    let b = match along_x {
        true => field.place(i + 1, j),
        false => field.place(i, j + 1),
    };
    let share = match a == b {
        true => 0.5,
        false => ((level - a) / (b - a)).clamp(0.0, 1.0),
    };
    match along_x {
        true => (i as f64 + share, j as f64),
        false => (i as f64, j as f64 + share),
    }
}
