//! The loss along several ways between two networks.

use super::curves::{Curves, Series};
use super::heights::Height;
use crate::error::PlotError;
use crate::figure::Figure;
use crate::layout::mark;
use crate::options::Options;
use crate::style::{DASHES, LINES};
use crate::text::number::value;
use landscape_core::Barrier;

/// Barriers below this share of the range of the losses are not marked.
const LEAST: f64 = 0.02;
/// Excesses below this share of the largest loss are rounding.
const ROUNDING: f64 = 1e-12;

/// The loss along a way between two networks: the straight line, a curve, a chain.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Way {
    /// Name in the legend.
    pub name: String,
    /// Places on the way, ascending, 0 at one network and 1 at the other.
    pub t: Vec<f64>,
    /// One loss a place.
    pub loss: Vec<f64>,
}

impl Way {
    /// The largest excess of the loss over the chord between the ends of the way, see
    /// [`Barrier`]: 0 where no point lies above the chord. `None` where the way has fewer than two
    /// places, an end is not finite, or a loss is NaN.
    ///
    /// ```
    /// use landscape_plot::Way;
    ///
    /// let way = Way { name: "straight".into(), t: vec![0.0, 0.5, 1.0], loss: vec![0.1, 1.4, 0.3] };
    /// let barrier = way.barrier().unwrap();
    /// assert!((barrier.height - 1.2).abs() < 1e-12 && barrier.at == 0.5);
    /// ```
    pub fn barrier(&self) -> Option<Barrier> {
        let (from, to) = (*self.t.first()?, *self.t.last()?);
        let ends = [*self.loss.first()?, *self.loss.last()?];
        let known = ends.iter().all(|l| l.is_finite()) && self.loss.iter().all(|l| !l.is_nan());
        if !known || to <= from {
            return None;
        }
        let start = Barrier {
            height: 0.0,
            at: from,
            ends,
        };
        let higher = |best: Barrier, (t, loss): (&f64, &f64)| {
            let height = loss - chord(&best.ends, (t - from) / (to - from));
            match height > best.height {
                true => Barrier {
                    height,
                    at: *t,
                    ..best
                },
                false => best,
            }
        };
        Some(self.t.iter().zip(&self.loss).fold(start, higher))
    }
}

/// The value of the chord at a share of the way.
fn chord(ends: &[f64; 2], share: f64) -> f64 {
    (1.0 - share) * ends[0] + share * ends[1]
}

/// The loss along several ways between two networks, each with the height of its barrier: the
/// largest excess over the chord between its ends. Barriers that can be seen are marked where they
/// are.
///
/// # Errors
/// When there is no way, one has fewer than two places or not one loss a place, or an option is not
/// usable.
///
/// ```
/// use landscape_plot::{Options, Way, ways};
///
/// let t: Vec<f64> = (0..=20).map(|k| f64::from(k) / 20.0).collect();
/// let hill = |height: f64| t.iter().map(|t| 0.1 + 4.0 * height * t * (1.0 - t)).collect();
/// let straight = Way { name: "straight".into(), t: t.clone(), loss: hill(1.5) };
/// let bezier = Way { name: "Bezier curve".into(), t: t.clone(), loss: hill(0.0) };
/// let figure = ways(&[straight, bezier], &Options::default())?;
/// assert!(figure.svg().contains("straight (barrier 1.5)"));
/// assert!(figure.svg().contains("Bezier curve (no barrier)"));
/// # Ok::<(), landscape_plot::PlotError>(())
/// ```
pub fn ways(ways: &[Way], options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    check(ways)?;
    let place = "place on the way (0 and 1: the networks)";
    let x_name = options.axes[0].clone().unwrap_or_else(|| place.to_owned());
    let mut figure = Curves::new(options, x_name);
    let series = ways.iter().enumerate().map(|(k, way)| series(k, way));
    let name = options
        .value_label
        .clone()
        .unwrap_or_else(|| "loss".to_owned());
    let series = series.collect();
    figure.panel(name, options.scale, options.clip, options.range, series);
    figure.heights = heights(ways);
    figure.note("barrier: largest excess of the loss over the chord between the ends");
    figure.legend = true;
    figure.draw("Losses along ways between two networks")
}

fn check(ways: &[Way]) -> Result<(), PlotError> {
    if ways.is_empty() {
        return Err(PlotError::Empty {
            figure: "way",
            what: "way",
        });
    }
    for way in ways {
        if way.t.len() != way.loss.len() {
            return Err(PlotError::ValueCount {
                name: way.name.clone(),
                places: way.t.len(),
                values: way.loss.len(),
            });
        }
        if way.t.len() < 2 {
            return Err(PlotError::Empty {
                figure: "way",
                what: "piece of two places",
            });
        }
    }
    Ok(())
}

fn series(k: usize, way: &Way) -> Series {
    let barrier = match way.barrier() {
        Some(b) if b.height > ROUNDING * largest(way) => format!("barrier {}", value(b.height, 3)),
        Some(_) => "no barrier".to_owned(),
        None => "barrier unknown".to_owned(),
    };
    Series {
        name: format!("{} ({barrier})", way.name),
        x: way.t.clone(),
        y: way.loss.clone(),
        color: LINES[k % LINES.len()],
        dash: DASHES[(k / LINES.len()) % DASHES.len()],
        mark: Some(mark::CURVES[k % mark::CURVES.len()]),
        ..Series::default()
    }
}

/// The largest size of a finite loss.
fn largest(way: &Way) -> f64 {
    let finite = way.loss.iter().filter(|l| l.is_finite());
    finite.fold(0.0, |a, l| a.max(l.abs()))
}

/// The barriers that can be seen.
fn heights(ways: &[Way]) -> Vec<Height> {
    let losses: Vec<f64> = ways.iter().flat_map(|w| w.loss.iter().copied()).collect();
    let range = crate::scale::finite_range(&losses).map_or(0.0, |(a, b)| b - a);
    let seen = |(k, way): (usize, &Way)| {
        let b = way.barrier()?;
        let (first, last) = (way.t.first()?, way.t.last()?);
        let from = chord(&b.ends, (b.at - first) / (last - first));
        (b.height.is_finite() && b.height > LEAST * range).then(|| Height {
            x: b.at,
            from,
            to: from + b.height,
            words: value(b.height, 3),
            color: LINES[k % LINES.len()],
        })
    };
    ways.iter().enumerate().filter_map(seen).collect()
}
