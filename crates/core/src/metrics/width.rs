//! The width of the basin around a network on a line, at a stated rise of the loss.

use crate::objective::Sample;
use crate::short;
use crate::surface::{Surface, Value};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// A rise of the value above that at a network. In words `0.1`, or `10%` of the value there.
///
/// ```
/// use landscape_core::Rise;
///
/// assert_eq!("10%".parse(), Ok(Rise::Relative(0.1)));
/// assert_eq!("0.1".parse(), Ok(Rise::Absolute(0.1)));
/// assert!("-1".parse::<Rise>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rise {
    /// By so much.
    Absolute(f64),
    /// By this share of the value at the network.
    Relative(f64),
}

/// The rises at which widths are measured unless asked otherwise: by a tenth of the value, and by a tenth.
pub const USUAL_RISES: [Rise; 2] = [Rise::Relative(0.1), Rise::Absolute(0.1)];

/// A word that is no rise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{given}` is not a rise of the loss; give a number above 0, or a percentage of the loss, as in 0.1 or 10%"
)]
pub struct RiseError {
    given: String,
}

impl FromStr for Rise {
    type Err = RiseError;

    fn from_str(given: &str) -> Result<Self, RiseError> {
        let (number, is_share) = match given.trim().strip_suffix('%') {
            Some(number) => (number, true),
            None => (given.trim(), false),
        };
        let value = number.trim().parse::<f64>().ok();
        let value = value.filter(|value| value.is_finite() && *value > 0.0);
        match (value, is_share) {
            (Some(value), true) => Ok(Rise::Relative(value / 100.0)),
            (Some(value), false) => Ok(Rise::Absolute(value)),
            (None, _) => Err(RiseError {
                given: given.to_owned(),
            }),
        }
    }
}

impl fmt::Display for Rise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rise::Absolute(value) => write!(f, "{value}"),
            // 0.07 * 100 is not 7.
            Rise::Relative(share) => write!(f, "{}%", (share * 1e14).round() / 1e12),
        }
    }
}

impl Rise {
    /// What is reached above `value`, and by how much it moves where `value` does.
    fn above(self, value: f64) -> (f64, f64) {
        match self {
            Rise::Absolute(rise) => (value + rise, 1.0),
            Rise::Relative(share) => (value + share * value.abs(), 1.0 + share.copysign(value)),
        }
    }
}

/// How far a value stays below a level around a network: the first crossings on both sides, between points of the grid by
/// linear interpolation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Width {
    /// The coordinate of the network.
    pub at: f64,
    /// The rise.
    #[serde(with = "crate::as_words")]
    pub rise: Rise,
    /// The value at the network.
    pub value: f64,
    /// The value that is reached at the crossings.
    pub level: f64,
    /// From the network to the crossing at smaller coordinates; `None` where the line ends before.
    pub below: Option<Reach>,
    /// The same at larger ones.
    pub above: Option<Reach>,
    /// Both together; `None` where one is.
    pub width: Option<Reach>,
}

/// A length along a line, in its coordinate, with the errors of its ends.
///
/// `se` follows from the standard errors of the values at the points between which a crossing is, and at the network, over the
/// slope there; they are taken to be independent. Losses on the same data rise and fall together, so that it is then an
/// upper estimate; [`width_of_groups`] knows better. `grid` bounds what linear interpolation leaves out, `|f''| h^2 / 8` over the slope, for the spacing `h`, with
/// second differences at the crossing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reach {
    /// The length.
    pub length: f64,
    /// Its standard error over the samples of the data; `None` where the values have none.
    pub se: Option<f64>,
    /// What the grid leaves open.
    pub grid: f64,
}

impl Reach {
    /// The root of the sum of both squares.
    pub fn error(&self) -> f64 {
        self.se.unwrap_or(0.0).hypot(self.grid)
    }
}

/// `0.21 +- 0.02`
impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} +- {}", short(self.length), short(self.error()))
    }
}

/// The width of the basin around the coordinate `at` of a line.
///
/// `None` where the surface is not a line, `at` is outside of it, the value there is not known or not finite, or the rise is 0
/// (a share of 0). A side on which a point is missing or NaN before the level is reached has none; beyond a crossing nothing
/// matters, so that a basin behind a barrier does not count.
///
/// ```
/// use landscape_core::{Axis, Grid, Rise, Sampler, Surface, Value, from_fn, width};
///
/// let grid = Grid::new(vec![Axis::new(-1.0, 1.0, 101).unwrap()]).unwrap();
/// let mut line = Surface::new(grid, Vec::new());
/// Sampler::new().run(&from_fn(|[a]: [f64; 1]| 2.0 + a * a), &mut line, &mut []).unwrap();
/// let found = width(&line, Value::Loss, 0.0, Rise::Absolute(0.25)).unwrap();
/// let both = found.width.unwrap();
/// assert!((both.length - 1.0).abs() <= both.grid && both.grid < 1e-3);
/// ```
pub fn width(surface: &Surface, value: Value, at: f64, rise: Rise) -> Option<Width> {
    if surface.grid().dims() != 1 {
        return None;
    }
    let points = points(surface, value);
    let center = center(surface, value, at, &points)?;
    let (level, moves) = rise.above(center.value);
    if level <= center.value {
        return None;
    }
    let (below, above): (Vec<Knot>, Vec<Knot>) = points.into_iter().partition(|p| p.at < at);
    let below: Vec<Knot> = below.into_iter().rev().collect();
    let above: Vec<Knot> = above.into_iter().filter(|p| p.at > at).collect();
    let level_of = Level {
        center,
        level,
        moves,
    };
    let sides = [below, above].map(|side| level_of.crossing(&side));
    let [below, above] = &sides;
    let both = below.as_ref().zip(above.as_ref());
    Some(Width {
        at,
        rise,
        value: center.value,
        level,
        width: both.map(|(a, b)| level_of.reach(&[a, b])),
        below: below.as_ref().map(|side| level_of.reach(&[side])),
        above: above.as_ref().map(|side| level_of.reach(&[side])),
    })
}

/// The widths around each of these coordinates at each of these rises, where there are such.
pub fn widths(surface: &Surface, value: Value, at: &[f64], rises: &[Rise]) -> Vec<Width> {
    let around = |at: f64| {
        rises
            .iter()
            .filter_map(move |&rise| width(surface, value, at, rise))
    };
    at.iter().flat_map(|&at| around(at)).collect()
}

/// The same as [`width`] of the mean over groups of samples, each with its number of samples and its own values on the line, with standard
/// errors that know that all points are measured on the same samples: those of a jackknife, which leaves each group out once
/// (Efron and Stein 1981). With ten groups such an error has 9 degrees of freedom, so that 95% of the intervals of 2.26 errors hold.
///
/// `None` as of [`width`], and with fewer than two groups or different grids. A side that is not reached without some group has no
/// error.
///
/// ```
/// use landscape_core::{Axis, Grid, Rise, Sampler, Surface, Value, from_fn, width_of_groups};
///
/// let grid = Grid::new(vec![Axis::new(-1.0, 1.0, 101).unwrap()]).unwrap();
/// let group = |level: f64, curvature: f64| {
///     let mut line = Surface::new(grid.clone(), Vec::new());
///     let loss = from_fn(move |[a]: [f64; 1]| level + curvature * a * a);
///     Sampler::new().run(&loss, &mut line, &mut []).unwrap();
///     (50, line)
/// };
/// // The level is none of the basin's.
/// let groups = [group(1.0, 2.0), group(3.0, 2.0)];
/// let found = width_of_groups(&groups, Value::Loss, 0.0, Rise::Absolute(0.5)).unwrap();
/// assert!(found.width.unwrap().se.unwrap() < 1e-9);
/// ```
pub fn width_of_groups(
    groups: &[(usize, Surface)],
    value: Value,
    at: f64,
    rise: Rise,
) -> Option<Width> {
    let of = |left_out: Option<usize>| {
        let kept = groups.iter().enumerate();
        let kept = kept.filter(|(group, _)| Some(*group) != left_out);
        let kept: Vec<&(usize, Surface)> = kept.map(|(_, group)| group).collect();
        width(&mean(&kept, value)?, Value::Loss, at, rise)
    };
    let whole = of(None)?;
    let others: Option<Vec<Width>> = (0..groups.len()).map(|group| of(Some(group))).collect();
    let others = others?;
    let with_error = |reach: Option<Reach>, side: fn(&Width) -> Option<Reach>| {
        let lengths = others.iter().map(|other| Some(side(other)?.length));
        let lengths: Option<Vec<f64>> = lengths.collect();
        reach.map(|reach| Reach {
            se: lengths.map(|lengths| jackknife(&lengths)),
            ..reach
        })
    };
    Some(Width {
        below: with_error(whole.below, |width| width.below),
        above: with_error(whole.above, |width| width.above),
        width: with_error(whole.width, |width| width.width),
        ..whole
    })
}

/// The mean over the samples of all groups.
fn mean(groups: &[&(usize, Surface)], value: Value) -> Option<Surface> {
    let grid = groups.first()?.1.grid();
    let count: usize = groups.iter().map(|(count, _)| count).sum();
    let mut mean = Surface::new(grid.clone(), Vec::new());
    for flat in 0..grid.len() {
        let parts = groups.iter().map(|(count, line)| {
            let found = line.value(flat, value).filter(|_| line.grid() == grid)?;
            Some(*count as f64 * found)
        });
        let sum: Option<f64> = parts.sum();
        let sample = Sample {
            loss: sum? / count as f64,
            loss_se: None,
            accuracy: None,
            terms: Vec::new(),
        };
        mean.set(flat, sample).ok()?;
    }
    Some(mean)
}

/// The standard error by what is found without each of the groups.
fn jackknife(found: &[f64]) -> f64 {
    let count = found.len() as f64;
    let mean = found.iter().sum::<f64>() / count;
    let squares: f64 = found.iter().map(|x| (x - mean).powi(2)).sum();
    ((count - 1.0) / count * squares).sqrt()
}

/// A point of the line.
#[derive(Clone, Copy)]
struct Knot {
    at: f64,
    value: f64,
    variance: Option<f64>,
}

/// The measured points, by their coordinates.
fn points(surface: &Surface, value: Value) -> Vec<Knot> {
    let has_errors = matches!(value, Value::Loss | Value::Total);
    let coordinates = surface.grid().axes()[0].values().into_iter().enumerate();
    let known =
        coordinates.filter(|(flat, _)| surface.get(*flat).is_none() || surface.is_measured(*flat));
    let mut points: Vec<Knot> = known
        .map(|(flat, at)| Knot {
            at,
            value: surface.value(flat, value).unwrap_or(f64::NAN),
            variance: surface
                .value(flat, Value::LossSe)
                .filter(|se| has_errors && se.is_finite())
                .map(|se| se * se),
        })
        .collect();
    points.sort_by(|a, b| a.at.total_cmp(&b.at));
    points
}

/// The value at the network, with the error of the point that is nearest.
fn center(surface: &Surface, value: Value, at: f64, points: &[Knot]) -> Option<Knot> {
    let found = surface.interpolate(value, [at, 0.0, 0.0])?;
    let distance = |point: &&Knot| (point.at - at).abs();
    let nearest = points
        .iter()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    found.is_finite().then_some(Knot {
        at,
        value: found,
        variance: nearest.variance,
    })
}

/// The level that is looked for around a network.
#[derive(Clone, Copy)]
struct Level {
    center: Knot,
    level: f64,
    /// By how much the level moves where the value at the network does.
    moves: f64,
}

/// Where the level is reached on one side.
struct Crossing {
    length: f64,
    /// Of the points around it, over the square of the slope.
    variance: Option<f64>,
    /// By how much it moves where the value at the network does.
    moves: f64,
    grid: f64,
}

impl Level {
    /// The first crossing, outward; nothing where a point before it is not known, or there is none.
    fn crossing(&self, side: &[Knot]) -> Option<Crossing> {
        let first = side
            .iter()
            .position(|p| p.value.is_nan() || p.value > self.level)?;
        let outer = side[first];
        let inner = if first == 0 {
            self.center
        } else {
            side[first - 1]
        };
        let step = (outer.at - inner.at).abs();
        if outer.value.is_nan() {
            return None;
        }
        let from = (inner.at - self.center.at).abs();
        if outer.value.is_infinite() {
            return Some(Crossing {
                length: from + step / 2.0,
                variance: Some(0.0),
                moves: 0.0,
                grid: step / 2.0,
            });
        }
        let t = (self.level - inner.value) / (outer.value - inner.value);
        let slope = (outer.value - inner.value) / step;
        // The value at the network is part of the level, and of the first piece.
        let (own, shared) = match first {
            0 => (Some(0.0), 1.0 - t),
            _ => (inner.variance, 0.0),
        };
        let variance = own.zip(outer.variance);
        let variance = variance.map(|(a, b)| ((1.0 - t).powi(2) * a + t * t * b) / slope.powi(2));
        let curvature = self.curvature(side, first);
        Some(Crossing {
            length: from + t * step,
            variance,
            moves: (self.moves - shared) / slope,
            grid: (curvature * step * step / 8.0 / slope).min(step),
        })
    }

    /// The larger second derivative at the ends of the piece that leads to a point.
    fn curvature(&self, side: &[Knot], outer: usize) -> f64 {
        let mut near = vec![self.center];
        near.extend(side.iter().take(outer + 2));
        let last = near.len().saturating_sub(4);
        let second = |three: &[Knot]| {
            let slope = |a: Knot, b: Knot| (b.value - a.value) / (b.at - a.at);
            let bend = slope(three[1], three[2]) - slope(three[0], three[1]);
            (2.0 * bend / (three[2].at - three[0].at)).abs()
        };
        let all = near[last..].windows(3).map(second);
        all.filter(|bend| bend.is_finite()).fold(0.0, f64::max)
    }

    /// The length of one or both sides: what both have from the value at the network adds up.
    fn reach(&self, sides: &[&Crossing]) -> Reach {
        let moves: f64 = sides.iter().map(|side| side.moves).sum();
        let own: Option<f64> = sides.iter().map(|side| side.variance).sum();
        let variance = own.zip(self.center.variance);
        Reach {
            length: sides.iter().map(|side| side.length).sum(),
            se: variance.map(|(own, center)| (own + moves * moves * center).sqrt()),
            grid: sides.iter().map(|side| side.grid).sum(),
        }
    }
}
