//! Measures only where interpolation is not yet expected to hold to a tolerance, and interpolates the rest.
//!
//! The grid is walked coarse to fine, on the nested levels of [`crate::Grid::coarse_to_fine`]: 3, 5,
//! 9, 17, ... points an axis. A point of the next level is predicted from the levels below it by
//! cubic interpolation between the four nearest nodes of each axis; where the point is measured,
//! the difference
//!
//! ```text
//! d(p) = | f(p) - prediction(p) |
//! ```
//!
//! is its *hierarchical surplus*, the coefficient of an interpolating wavelet (Donoho 1992; Harten
//! 1996): large where the function is not yet resolved, and smaller by 16 a level where it is
//! smooth. With `s` the largest surplus in a cell and `t` that in the cell one level coarser which it
//! is part of, all levels below may still add the rest of a geometric series,
//!
//! ```text
//! E = s q / (1 - q),   q = s / t, not below 1/3 and not above 2/3
//! ```
//!
//! between half the surplus (smooth functions, for which it would be a fifteenth, were the series
//! known to have begun) and twice the surplus (noise; kinks, for which `q = 1/2`, are between). A cell is *open*, which means that its points of the next level are measured, when
//!
//! - it belongs to a coarse level (fewer than 9 points an axis, 5 in a volume), or
//! - the cell that it is part of is unresolved, `E > tolerance x range`, or touches a loss that is
//!   NaN or infinite, or
//! - a neighbour of the same level (diagonal ones included) is unresolved, or
//! - a part of it is open, so that every measured region is embedded in coarser ones (a graded
//!   tree; Cohen, Kaber, Müller and Postel 2003).
//!
//! The range is that of all finite losses measured so far.
//!
//! **The tolerance is verified.** A feature that falls between all points looked at leaves no
//! surplus. When nothing is open any more, points that were never measured are drawn at random, at
//! least 59 and so that all rows and columns of the grid are visited, and measured. When each is
//! within the tolerance, at least 95% of the interpolated points are, with 95% confidence
//! (Wilks 1941: `0.95^59 < 0.05`); otherwise the cells around the misses are opened, down from the
//! coarsest, and new points are drawn. When more than one in twenty miss, the surplus says too
//! little about this function, and `E` counts twice from then on. A function of noise is so
//! measured at nearly all its points. On small grids at most a quarter of the points left is drawn
//! and the statement is weaker; [`AdaptiveReport::checks`] says how many they were, and
//! [`AdaptiveReport::missed_share`] which share of the interpolated points may be beyond the tolerance. Where a
//! needle stands between all points looked at, it is among these: nothing but measuring every point finds it.
//!
//! The neighbourhoods of the origin and of the lowest point are always measured, for the sake of
//! the curvature there, and so is what interpolation takes beyond the range of the measured losses:
//! the extremes of a surface are measured points. Accuracy and extra terms are interpolated in the same
//! way, without a tolerance of their own; a standard error belongs to a measurement and is left out.
//!
//! What is asked for depends on measured losses alone, whole waves of them, never on batches or
//! time: a run that was interrupted replays its points from the surface and goes on as if nothing
//! had happened, and [`Adaptive::report`] says of a finished surface what its run said.
//!
//! ```
//! use landscape_core::{from_fn, Adapted, Adaptive, Grid, Sampler, Surface};
//!
//! let valley = from_fn(|[x, y]: [f64; 2]| (y - x * x).powi(2) + 0.1 * (1.0 - x).powi(2));
//! let mut surface = Surface::new(Grid::square(51, 1.0, 2)?, vec![]);
//! let adaptive = Adaptive::new(0.01)?;
//! let adapted = adaptive.run(&Sampler::new(), &valley, &mut surface, &mut [])?;
//! let Adapted::Complete(report) = adapted else { unreachable!("nobody cancels it") };
//! assert!(surface.is_complete() && report.measured < 2601 / 4);
//! assert!(report.max_error.is_some_and(|error| error <= 0.01));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # References
//! - D. L. Donoho, *Interpolating wavelet transforms*, Stanford, 1992.
//! - A. Harten, *Multiresolution representation of data: a general framework*, SIAM J. Numer.
//!   Anal. 33, 1996.
//! - A. Cohen, S. M. Kaber, S. Müller, M. Postel, *Fully adaptive multiresolution finite volume
//!   schemes for conservation laws*, Math. Comp. 72, 2003.
//! - S. S. Wilks, *Determination of sample sizes for setting tolerance limits*, Ann. Math. Statist.
//!   12, 1941.

mod cells;
mod check;
mod error;
mod hierarchy;
mod params;
mod plan;
mod report;

pub use error::AdaptiveError;
pub use params::Adaptive;
pub use report::AdaptiveReport;

use crate::objective::{Objective, Sample};
use crate::sampler::{Feed, Measured, Observer, Outcome, Sampler, SamplerError};
use crate::surface::{PointSource, Surface, Value};
use hierarchy::{Hierarchy, extremes};
use plan::Plan;

/// How an adaptive run ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Adapted {
    /// Every point is known, by measurement or interpolation.
    Complete(AdaptiveReport),
    /// It was cancelled; nothing is interpolated, and a later run continues it.
    Cancelled,
}

impl Adaptive {
    /// Measures what is needed and interpolates the rest. Points that are measured already are not
    /// measured again; what was interpolated before is forgotten first. Batches, cancellation and
    /// observers are the sampler's; observers see measured points, and
    /// at the end those that are interpolated.
    ///
    /// # Errors
    /// As [`Sampler::run`]. The surface keeps everything measured before.
    pub fn run(
        &self,
        sampler: &Sampler,
        objective: &dyn Objective,
        surface: &mut Surface,
        observers: &mut [&mut dyn Observer],
    ) -> Result<Adapted, SamplerError> {
        let mut feed = Feed::new(sampler, objective, surface, observers)?;
        surface.forget_interpolated();
        let hierarchy = Hierarchy::new(surface.grid());
        let mut plan = Plan::new(&hierarchy, self.tolerance());
        while let Some(wave) = plan.next(surface) {
            if feed.measure(surface, &wave, observers)? == Outcome::Cancelled {
                return Ok(Adapted::Cancelled);
            }
        }
        interpolate(&hierarchy, surface)?;
        let points = interpolated(surface);
        for observer in observers {
            { observer.interpolated(&points) }.map_err(SamplerError::Observer)?;
        }
        Ok(Adapted::Complete(plan.report(surface)))
    }

    /// The round that a run which had measured these points would be at: points of which some are not measured yet, in a fixed order;
    /// `None` once nothing more is to be measured. Which points a round has depends on the losses of earlier rounds alone, so that
    /// several processes can measure it in parts ([`crate::Shard`]), bring them together, and go on with the next one.
    ///
    /// ```
    /// use landscape_core::{from_fn, Adaptive, Grid, Sampler, Shard, Surface};
    ///
    /// let bowl = from_fn(|[x, y]: [f64; 2]| x * x + y * y);
    /// let mut surface = Surface::new(Grid::square(51, 1.0, 2)?, vec![]);
    /// let adaptive = Adaptive::new(0.01)?;
    /// while let Some(round) = adaptive.round(&surface) {
    ///     for number in 0..3 {
    ///         let part = Shard::new(number, 3)?.part(&round);
    ///         Sampler::new().run_on(&part, &bowl, &mut surface, &mut [])?;
    ///     }
    /// }
    /// adaptive.interpolate(&mut surface)?;
    /// assert!(surface.is_complete());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn round(&self, surface: &Surface) -> Option<Vec<usize>> {
        let hierarchy = Hierarchy::new(surface.grid());
        self.replay(&hierarchy, surface).err()
    }

    /// Interpolates all points that are not measured, once nothing more is to be measured; gives the report of the run, and `None`
    /// before that.
    ///
    /// # Errors
    /// [`SamplerError::Surface`], of terms that do not fit.
    pub fn interpolate(
        &self,
        surface: &mut Surface,
    ) -> Result<Option<AdaptiveReport>, SamplerError> {
        let hierarchy = Hierarchy::new(surface.grid());
        let Ok(plan) = self.replay(&hierarchy, surface) else {
            return Ok(None);
        };
        surface.forget_interpolated();
        interpolate(&hierarchy, surface)?;
        Ok(Some(plan.report(surface)))
    }

    /// What the run that made this surface said at its end, worked out again from the measured
    /// points; `None` when they are not those of a complete run with this tolerance.
    pub fn report(&self, surface: &Surface) -> Option<AdaptiveReport> {
        let hierarchy = Hierarchy::new(surface.grid());
        let plan = self.replay(&hierarchy, surface).ok()?;
        Some(plan.report(surface))
    }

    /// Follows a run over the points that are measured, to its end or to the first round that is not whole.
    fn replay<'a>(
        &self,
        hierarchy: &'a Hierarchy,
        surface: &Surface,
    ) -> Result<Plan<'a>, Vec<usize>> {
        let mut plan = Plan::new(hierarchy, self.tolerance());
        while let Some(round) = plan.next(surface) {
            if !round.iter().all(|&flat| surface.is_measured(flat)) {
                return Err(round);
            }
        }
        Ok(plan)
    }
}

/// The points of a surface that are interpolated.
fn interpolated(surface: &Surface) -> Vec<Measured> {
    let point = |index: usize| {
        let sample = surface.get(index)?.clone();
        Some(Measured { index, sample })
    };
    (0..surface.grid().len())
        .filter(|&index| surface.source(index) == Some(PointSource::Interpolated))
        .filter_map(point)
        .collect()
}

/// Makes every point known.
fn interpolate(hierarchy: &Hierarchy, surface: &mut Surface) -> Result<(), SamplerError> {
    let known: Vec<bool> = (0..surface.grid().len())
        .map(|flat| surface.is_measured(flat))
        .collect();
    if known.iter().all(|&known| known) {
        return Ok(());
    }
    let filled = |value: Value| {
        let mut values = surface.values(value);
        hierarchy.fill(&mut values, &known);
        if let Some((low, high)) = extremes(&values, &known) {
            values.iter_mut().for_each(|v| *v = inside(*v, low, high));
        }
        values
    };
    let losses = filled(Value::Loss);
    let accuracies = filled(Value::Accuracy);
    let terms: Vec<Vec<f64>> = (0..surface.terms().len())
        .map(|term| filled(Value::Term(term)))
        .collect();
    for flat in (0..known.len()).filter(|&flat| !known[flat]) {
        let sample = Sample {
            loss: losses[flat],
            loss_se: None,
            accuracy: Some(accuracies[flat]).filter(|a| a.is_finite()),
            terms: terms.iter().map(|values| values[flat]).collect(),
        };
        surface.set_interpolated(flat, sample)?;
    }
    Ok(())
}

/// The value, not outside the range; losses that are not finite are measured and stay.
fn inside(value: f64, low: f64, high: f64) -> f64 {
    match value.is_finite() {
        true => value.clamp(low, high),
        false => value,
    }
}
