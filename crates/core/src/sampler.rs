//! Carries points not yet known through an [`Objective`] to observers.

use crate::counted::counted;
use crate::objective::{DeviceShare, Objective, ObjectiveError, Sample, Term};
use crate::surface::{Surface, SurfaceError};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Points that are measured of those that the run is about, those of earlier runs included.
    pub done: usize,
    /// Points that the run is about, all of the surface or its part; an adaptive run is complete before all of them are measured.
    pub total: usize,
    /// Points that were measured before this run started.
    pub resumed: usize,
    /// Time since this run started.
    pub elapsed: Duration,
}

impl Progress {
    /// Points a second in this run.
    pub fn rate(&self) -> f64 {
        (self.done - self.resumed) as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// A point that has just been measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Its number in the grid.
    pub index: usize,
    /// What was measured.
    pub sample: Sample,
}

/// Receives each batch as soon as it is measured: storage, progress bars, live pictures.
///
/// Closures of the same form are observers.
pub trait Observer {
    /// Is told what is going to be measured, before anything is, and of the surface with the points
    /// that are known: an observer that keeps points can check that they are of this objective.
    ///
    /// # Errors
    /// An error ends the run before anything is measured.
    fn begin(&mut self, objective: &dyn Objective, surface: &Surface) -> Result<(), ObserverError> {
        let _ = (objective, surface);
        Ok(())
    }

    /// Takes a batch.
    ///
    /// # Errors
    /// An error ends the run; what was measured stays in the surface.
    fn batch(&mut self, batch: &[Measured], progress: Progress) -> Result<(), ObserverError>;

    /// Is told which devices computed the points of the batch that follows, and which failed meanwhile, where several share the
    /// points of the objective. Nothing is done with it unless the observer says so.
    ///
    /// # Errors
    /// As [`Observer::batch`].
    fn shared(&mut self, shares: &[DeviceShare]) -> Result<(), ObserverError> {
        let _ = shares;
        Ok(())
    }

    /// Takes the points that are interpolated at the end of an adaptive run, all of them at once.
    /// Nothing is done with them unless the observer says so.
    ///
    /// # Errors
    /// As [`Observer::batch`].
    fn interpolated(&mut self, points: &[Measured]) -> Result<(), ObserverError> {
        let _ = points;
        Ok(())
    }
}

impl<F> Observer for F
where
    F: FnMut(&[Measured], Progress) -> Result<(), ObserverError>,
{
    fn batch(&mut self, batch: &[Measured], progress: Progress) -> Result<(), ObserverError> {
        self(batch, progress)
    }
}

/// What went wrong inside an [`Observer`].
#[derive(Debug, thiserror::Error)]
#[error("a measured batch could not be taken")]
pub struct ObserverError(#[source] pub Box<dyn Error + Send + Sync>);

impl ObserverError {
    /// Wraps any error, or a message.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        ObserverError(source.into())
    }
}

/// A switch that ends a run after the batch in flight. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A switch that is off.
    pub fn new() -> Self {
        Cancel::default()
    }

    /// Turns the switch on, from any thread.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is on.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every point is known.
    Complete,
    /// It was cancelled; a later run continues it.
    Cancelled,
}

/// Why a run ended early. Everything delivered before stays in the surface.
#[derive(Debug, thiserror::Error)]
pub enum SamplerError {
    /// The objective and the grid have different numbers of dimensions.
    #[error("an objective of {objective} dimensions does not fit a grid of {grid}")]
    Dimensions {
        /// Dimensions of the objective.
        objective: usize,
        /// Dimensions of the grid.
        grid: usize,
    },
    /// The objective and the surface have different extra terms.
    #[error(
        "the objective's terms {} are not the surface's {}",
        describe_terms(objective),
        describe_terms(surface)
    )]
    Terms {
        /// Terms of the objective.
        objective: Vec<Term>,
        /// Terms of the surface.
        surface: Vec<Term>,
    },
    /// The objective gave another number of samples than there were points.
    #[error("the objective gave {} for {}", counted(*given, "sample"), counted(*expected, "point"))]
    Count {
        /// Points it was given.
        expected: usize,
        /// Samples it gave.
        given: usize,
    },
    /// The objective failed.
    #[error("evaluating {} failed", counted(*points, "point"))]
    Objective {
        /// Size of the batch.
        points: usize,
        /// What went wrong.
        #[source]
        source: ObjectiveError,
    },
    /// A sample does not fit the surface.
    #[error("a sample does not fit the surface")]
    Surface(#[from] SurfaceError),
    /// An observer failed.
    #[error(transparent)]
    Observer(#[from] ObserverError),
}

fn describe_terms(terms: &[Term]) -> String {
    let words: Vec<String> = terms
        .iter()
        .map(|term| format!("{} x {}", term.weight, term.name))
        .collect();
    format!("[{}]", words.join(", "))
}

/// Evaluates the unknown points of a surface, coarse to fine, in batches.
#[derive(Debug, Clone, Default)]
pub struct Sampler {
    /// Points a batch. 0 adapts the batch to the speed: about ten a second of 16 to 16,384 points,
    /// and fewer points, down to one, or to [`Objective::at_once`], where 16 take longer than two seconds. It changes no result.
    pub batch: usize,
    /// Ends the run between batches.
    pub cancel: Cancel,
}

/// Points and seconds of automatic batches: a batch has the observers' overhead once, and is what is
/// lost when a run is killed.
const LARGEST_BATCH: usize = 16_384;
const BATCH_SECONDS: f64 = 0.1;
/// Batches of so many points may take longer.
const SMALL_BATCH: usize = 16;
const SMALL_BATCH_SECONDS: f64 = 2.0;

impl Sampler {
    /// Automatic batches and a fresh switch.
    pub fn new() -> Self {
        Sampler::default()
    }

    /// Measures every point that is not measured yet. Each batch enters the surface first and then
    /// goes to every observer. NaN and infinite losses are kept as they are.
    ///
    /// # Errors
    /// When objective and surface do not fit, before any work; when the objective fails or panics, or an observer
    /// fails. The surface keeps everything measured before.
    pub fn run(
        &self,
        objective: &dyn Objective,
        surface: &mut Surface,
        observers: &mut [&mut dyn Observer],
    ) -> Result<Outcome, SamplerError> {
        let order = surface.grid().coarse_to_fine();
        self.run_on(&order, objective, surface, observers)
    }

    /// As [`Sampler::run`], but only those of these points, by their numbers in the grid, and in their order. Progress counts
    /// these alone.
    ///
    /// # Errors
    /// As [`Sampler::run`]; [`SamplerError::Surface`] where a number is none of the grid.
    pub fn run_on(
        &self,
        points: &[usize],
        objective: &dyn Objective,
        surface: &mut Surface,
        observers: &mut [&mut dyn Observer],
    ) -> Result<Outcome, SamplerError> {
        let len = surface.grid().len();
        if let Some(&index) = points.iter().find(|&&index| index >= len) {
            return Err(SurfaceError::Index { index, len }.into());
        }
        let mut feed = Feed::new(self, objective, surface, observers)?.only(points, surface);
        feed.measure(surface, points, observers)
    }

    fn first_batch(&self) -> usize {
        match self.batch {
            0 => 1,
            fixed => fixed,
        }
    }

    /// The least size of automatic batches.
    fn at_once(&self, objective: &dyn Objective) -> usize {
        match self.batch {
            0 => objective.at_once(),
            _ => 1,
        }
    }

    /// As many points as fit the target time, at most sixteen times as many as before.
    fn next_batch(&self, size: usize, took: Duration) -> usize {
        if self.batch > 0 {
            return self.batch;
        }
        let rate = size as f64 / took.as_secs_f64().max(1e-9);
        let fitting = (rate * BATCH_SECONDS) as usize;
        let small = SMALL_BATCH.min((rate * SMALL_BATCH_SECONDS) as usize);
        fitting
            .max(small)
            .min(size.saturating_mul(16))
            .clamp(1, LARGEST_BATCH)
    }
}

/// Points on their way through an objective: the clock, the batch size and the progress of a run,
/// over any number of lists of points.
pub(crate) struct Feed<'a> {
    sampler: &'a Sampler,
    objective: &'a dyn Objective,
    start: Instant,
    /// Points a batch, as they are now.
    size: usize,
    resumed: usize,
    done: usize,
    total: usize,
    /// What devices had computed before the next batch.
    shares: Vec<DeviceShare>,
}

impl<'a> Feed<'a> {
    /// Checks that objective and surface fit, and tells the observers.
    pub(crate) fn new(
        sampler: &'a Sampler,
        objective: &'a dyn Objective,
        surface: &Surface,
        observers: &mut [&mut dyn Observer],
    ) -> Result<Self, SamplerError> {
        check(objective, surface)?;
        for observer in observers {
            { observer.begin(objective, surface) }.map_err(SamplerError::Observer)?;
        }
        let measured = surface.measured();
        Ok(Feed {
            sampler,
            objective,
            start: Instant::now(),
            size: sampler.first_batch().max(sampler.at_once(objective)),
            shares: objective.shares(),
            resumed: measured,
            done: measured,
            total: surface.grid().len(),
        })
    }

    /// The same of some points alone.
    fn only(self, points: &[usize], surface: &Surface) -> Self {
        let measured = points.iter().filter(|&&flat| surface.is_measured(flat));
        let measured = measured.count();
        Feed {
            resumed: measured,
            done: measured,
            total: points.len(),
            ..self
        }
    }

    /// Measures those of the points that are not measured, in their order.
    pub(crate) fn measure(
        &mut self,
        surface: &mut Surface,
        points: &[usize],
        observers: &mut [&mut dyn Observer],
    ) -> Result<Outcome, SamplerError> {
        let new = |flat: &usize| !surface.is_measured(*flat);
        let todo: Vec<usize> = points.iter().copied().filter(new).collect();
        let mut rest = todo.as_slice();
        while !rest.is_empty() {
            if self.sampler.cancel.is_cancelled() {
                return Ok(Outcome::Cancelled);
            }
            let (indices, later) = rest.split_at(self.size.min(rest.len()));
            rest = later;
            let batch_start = Instant::now();
            let batch = measure(self.objective, surface, indices)?;
            self.done += batch.len();
            let progress = self.progress();
            let shares = self.shares();
            for observer in observers.iter_mut() {
                if !shares.is_empty() {
                    observer.shared(&shares)?;
                }
                observer.batch(&batch, progress)?;
            }
            let next = self.sampler.next_batch(self.size, batch_start.elapsed());
            self.size = next.max(self.sampler.at_once(self.objective));
        }
        Ok(Outcome::Complete)
    }

    /// What devices computed since the last call.
    fn shares(&mut self) -> Vec<DeviceShare> {
        let now = self.objective.shares();
        let before = std::mem::replace(&mut self.shares, now.clone());
        DeviceShare::since(now, &before)
    }

    fn progress(&self) -> Progress {
        Progress {
            done: self.done,
            total: self.total,
            resumed: self.resumed,
            elapsed: self.start.elapsed(),
        }
    }
}

fn check(objective: &dyn Objective, surface: &Surface) -> Result<(), SamplerError> {
    if objective.dims() != surface.grid().dims() {
        return Err(SamplerError::Dimensions {
            objective: objective.dims(),
            grid: surface.grid().dims(),
        });
    }
    if objective.terms() != surface.terms() {
        return Err(SamplerError::Terms {
            objective: objective.terms().to_vec(),
            surface: surface.terms().to_vec(),
        });
    }
    Ok(())
}

fn measure(
    objective: &dyn Objective,
    surface: &mut Surface,
    indices: &[usize],
) -> Result<Vec<Measured>, SamplerError> {
    let points: Vec<_> = indices.iter().map(|&i| surface.grid().point(i)).collect();
    // What an objective's own code, in whatever thread, does wrong ends the run and not the program.
    let found = catch_unwind(AssertUnwindSafe(|| objective.evaluate(&points)));
    let found = found.unwrap_or_else(|panic| Err(ObjectiveError::of_panic(panic.as_ref())));
    let samples = found.map_err(|source| SamplerError::Objective {
        points: points.len(),
        source,
    })?;
    if samples.len() != points.len() {
        return Err(SamplerError::Count {
            expected: points.len(),
            given: samples.len(),
        });
    }
    let mut batch = Vec::with_capacity(samples.len());
    for (&index, sample) in indices.iter().zip(samples) {
        surface.set(index, sample.clone())?;
        batch.push(Measured { index, sample });
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn automatic_batches_follow_the_speed() {
        let next =
            |size, seconds| Sampler::new().next_batch(size, Duration::from_secs_f64(seconds));
        assert_eq!(Sampler::new().first_batch(), 1);
        assert_eq!(next(1, 0.0), 16, "not too fast");
        assert_eq!(next(16, 0.016), 100, "a tenth of a second");
        assert_eq!(next(16, 1.0), 16, "small batches may take longer");
        assert_eq!(next(16, 8.0), 4, "but not longer than two seconds");
        assert_eq!(next(1, 20.0), 1);
        assert_eq!(next(16_384, 1e-3), 16_384);
    }
}
