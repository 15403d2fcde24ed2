//! The loss along several paths between two networks.

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

/// The loss along a path between two networks: the straight line, a curve, a chain.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LossProfile {
    /// Name in the legend.
    pub name: String,
    /// Positions along the path, ascending, 0 at one network and 1 at the other.
    pub t: Vec<f64>,
    /// One loss a position.
    pub loss: Vec<f64>,
}

impl LossProfile {
    /// The largest excess of the loss over the chord between the ends of the path, see
    /// [`Barrier`]: 0 where no point lies above the chord. `None` where the path has fewer than two
    /// positions, an end is not finite, or a loss is NaN.
    ///
    /// ```
    /// use landscape_plot::LossProfile;
    ///
    /// let profile = LossProfile { name: "straight".into(), t: vec![0.0, 0.5, 1.0], loss: vec![0.1, 1.4, 0.3] };
    /// let barrier = profile.barrier().unwrap();
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

/// The value of the chord at a share of the path.
fn chord(ends: &[f64; 2], share: f64) -> f64 {
    (1.0 - share) * ends[0] + share * ends[1]
}

/// The loss along several paths between two networks, each with the height of its barrier: the
/// largest excess over the chord between its ends. Barriers that can be seen are marked where they
/// are.
///
/// # Errors
/// When there is no path, one has fewer than two positions or not one loss a position, or an option is not
/// usable.
///
/// ```
/// use landscape_plot::{Options, LossProfile, loss_profiles};
///
/// let t: Vec<f64> = (0..=20).map(|k| f64::from(k) / 20.0).collect();
/// let hill = |height: f64| t.iter().map(|t| 0.1 + 4.0 * height * t * (1.0 - t)).collect();
/// let straight = LossProfile { name: "straight".into(), t: t.clone(), loss: hill(1.5) };
/// let bezier = LossProfile { name: "Bézier curve".into(), t: t.clone(), loss: hill(0.0) };
/// let figure = loss_profiles(&[straight, bezier], &Options::default())?;
/// assert!(figure.svg().contains("straight (barrier 1.5)"));
/// assert!(figure.svg().contains("Bézier curve (no barrier)"));
/// # Ok::<(), landscape_plot::PlotError>(())
/// ```
pub fn loss_profiles(profiles: &[LossProfile], options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    check(profiles)?;
    let place = "position along the path (0 and 1: the networks)";
    let x_name = options.axes[0].clone().unwrap_or_else(|| place.to_owned());
    let mut figure = Curves::new(options, x_name);
    let series = profiles
        .iter()
        .enumerate()
        .map(|(k, profile)| series(k, profile));
    let name = options
        .value_label
        .clone()
        .unwrap_or_else(|| "loss".to_owned());
    let series = series.collect();
    figure.panel(name, options.scale, options.clip, options.range, series);
    figure.heights = heights(profiles);
    figure.note(
        "a barrier is the largest excess of the loss over the chord between the ends of its path",
    );
    figure.legend = true;
    figure.draw("Loss along paths between two networks")
}

fn check(profiles: &[LossProfile]) -> Result<(), PlotError> {
    if profiles.is_empty() {
        return Err(PlotError::Empty {
            figure: "loss-profile",
            what: "path",
        });
    }
    for profile in profiles {
        if profile.t.len() != profile.loss.len() {
            return Err(PlotError::ValueCount {
                name: profile.name.clone(),
                places: profile.t.len(),
                values: profile.loss.len(),
            });
        }
        if profile.t.len() < 2 {
            return Err(PlotError::Empty {
                figure: "loss-profile",
                what: "path of two positions",
            });
        }
    }
    Ok(())
}

fn series(k: usize, profile: &LossProfile) -> Series {
    let barrier = match profile.barrier() {
        Some(b) if b.height > ROUNDING * largest(profile) => {
            format!("barrier {}", value(b.height, 3))
        }
        Some(_) => "no barrier".to_owned(),
        None => "barrier unknown".to_owned(),
    };
    Series {
        name: format!("{} ({barrier})", profile.name),
        x: profile.t.clone(),
        y: profile.loss.clone(),
        color: LINES[k % LINES.len()],
        dash: DASHES[(k / mark::CURVES.len()) % DASHES.len()],
        mark: Some(mark::CURVES[k % mark::CURVES.len()]),
        ..Series::default()
    }
}

/// The largest size of a finite loss.
fn largest(profile: &LossProfile) -> f64 {
    let finite = profile.loss.iter().filter(|l| l.is_finite());
    finite.fold(0.0, |a, l| a.max(l.abs()))
}

/// The barriers that can be seen.
fn heights(profiles: &[LossProfile]) -> Vec<Height> {
    let losses: Vec<f64> = profiles
        .iter()
        .flat_map(|w| w.loss.iter().copied())
        .collect();
    let range = crate::scale::finite_range(&losses).map_or(0.0, |(a, b)| b - a);
    let seen = |(k, profile): (usize, &LossProfile)| {
        let b = profile.barrier()?;
        let (first, last) = (profile.t.first()?, profile.t.last()?);
        let from = chord(&b.ends, (b.at - first) / (last - first));
        (b.height.is_finite() && b.height > LEAST * range).then(|| Height {
            x: b.at,
            from,
            to: from + b.height,
            words: value(b.height, 3),
            color: LINES[k % LINES.len()],
        })
    };
    profiles.iter().enumerate().filter_map(seen).collect()
}
