//! Sampling into a store: what is known stays, what is measured is kept, and stopping it saves.

use crate::StudyError;
use crate::report::{Reported, Reporter};
use crate::shard::{ShardPart, shards_of};
use landscape_core::{
    Adapted, Adaptive, AdaptiveReport, Grid, Objective, Observer, ObserverError, Outcome, Plane,
    Sampler, SamplerError, Shard, Surface, counted,
};
use landscape_storage::{Run, RunSpec, Status, Store};
use std::time::Instant;

/// What is sampled, and where it is kept.
pub struct StoredSampling<'a> {
    /// Where it is kept.
    pub store: &'a Store,
    /// As which run.
    pub spec: &'a RunSpec,
    /// The plane.
    pub plane: &'a Plane,
    /// Its points.
    pub grid: &'a Grid,
    /// The loss on the plane.
    pub objective: &'a dyn Objective,
    /// Points a batch; 0 adapts to the speed.
    pub batch: usize,
    /// Measure only where interpolation is not expected to hold.
    pub adaptive: Option<Adaptive>,
    /// Only this part of the points, which does not complete the run; with `adaptive`, of the points of the next round.
    pub shard: Option<Shard>,
    /// What shards of earlier rounds measured of an adaptive run, which is stored elsewhere.
    pub earlier: Option<Surface>,
    /// Whether the run is complete with its points: otherwise more is to be stored.
    pub last: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Sampled {
    /// The run.
    pub run: Run,
    /// All its points.
    pub surface: Surface,
    /// Points that were stored before.
    pub known: usize,
    /// Points that were computed now.
    pub computed: usize,
    /// The part of the points that was asked for, where it was not all of them.
    pub shard: Option<ShardPart>,
    /// What adaptive sampling did.
    pub adaptive: Option<AdaptiveReport>,
    /// Seconds that it took now.
    pub seconds: f64,
}

impl StoredSampling<'_> {
    /// Continues the stored run until every point, or every one of the shard, is known. The reporter can stop it.
    ///
    /// What an adaptive run says of its end is worked out from the measured points, so that it says
    /// the same when there was nothing left to do.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`] when it was stopped, and those of store and objective.
    pub fn run(&self, reporter: &dyn Reporter) -> Result<Sampled, StudyError> {
        let (run, mut surface) = self.begin()?;
        let known = surface.measured();
        self.take_earlier(&mut surface)?;
        let before = surface.measured();
        let points = self.points(&surface, reporter);
        let part = self.part(points.as_deref(), &surface);
        say_known(&run, &surface, part.as_ref(), reporter);
        let start = Instant::now();
        let outcome = match (run.status, surface.is_complete()) {
            (Status::Complete, true) => Outcome::Complete,
            _ => self.fill(&run, &mut surface, points.as_deref(), reporter)?,
        };
        if outcome == Outcome::Cancelled {
            return Err(interrupted(&run, &surface));
        }
        Ok(Sampled {
            computed: surface.measured() - before,
            adaptive: { self.adaptive.filter(|_| self.shard.is_none()) }
                .and_then(|adaptive| adaptive.report(&surface)),
            run,
            surface,
            known,
            shard: part,
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// Adds what earlier rounds measured.
    fn take_earlier(&self, surface: &mut Surface) -> Result<(), StudyError> {
        let Some(earlier) = &self.earlier else {
            return Ok(());
        };
        for index in 0..self.grid.len() {
            let known = earlier.get(index).filter(|_| earlier.is_measured(index));
            if let (Some(sample), false) = (known, surface.is_measured(index)) {
                surface
                    .set(index, sample.clone())
                    .map_err(SamplerError::from)?;
            }
        }
        Ok(())
    }

    /// The points of the shard: of the whole, or of the round that an adaptive run is at.
    fn points(&self, surface: &Surface, reporter: &dyn Reporter) -> Option<Vec<usize>> {
        let shard = self.shard?;
        let Some(adaptive) = self.adaptive else {
            let part = shard.part(&self.grid.coarse_to_fine());
            if part.is_empty() {
                reporter.warn(format_args!(
                    "warning: shard {shard} has no points, the grid has only {}",
                    self.grid.len()
                ));
            }
            return Some(part);
        };
        let round = adaptive.round(surface).unwrap_or_default();
        match round.len() {
            0 => reporter
                .note("nothing more is to be measured: merging the shards completes the run"),
            points => reporter.note(format_args!(
                "a round of {} is measured in shards, after {} of earlier ones",
                counted(points, "point"),
                surface.measured()
            )),
        }
        Some(shard.part(&round))
    }

    /// What the shard has, by its points.
    fn part(&self, points: Option<&[usize]>, surface: &Surface) -> Option<ShardPart> {
        let (shard, points) = self.shard.zip(points)?;
        let stored = points.iter().filter(|&&index| surface.is_measured(index));
        Some(ShardPart {
            shard,
            units: points.len(),
            stored_before: stored.count(),
        })
    }

    fn begin(&self) -> Result<(Run, Surface), StudyError> {
        let terms = self.objective.terms();
        let begun = self
            .store
            .begin_surface(self.spec, self.grid, terms, Some(self.plane));
        Ok(begun?)
    }

    fn fill(
        &self,
        run: &Run,
        surface: &mut Surface,
        points: Option<&[usize]>,
        reporter: &dyn Reporter,
    ) -> Result<Outcome, StudyError> {
        let mut reported = Reported::new(
            reporter,
            &run.name,
            self.adaptive.is_some() && points.is_none(),
        );
        let mut observer = self.store.observer(run);
        let sampler = Sampler {
            batch: self.batch,
            cancel: reported.cancel.clone(),
        };
        let mut observers: [&mut dyn Observer; 2] = [&mut reported, &mut observer];
        let outcome = self.sample(&sampler, surface, points, &mut observers);
        let whole = surface.is_complete() && self.earlier.is_none();
        let stored = match (&outcome, whole) {
            (Ok(Outcome::Complete), true) if self.last => observer.finish(Status::Complete),
            (Ok(Outcome::Complete), true) => observer.finish(Status::Running),
            _ => observer.finish(Status::Interrupted),
        };
        // The first error is the one to report.
        let outcome = outcome.map_err(unwrapped)?;
        stored?;
        Ok(outcome)
    }

    fn sample(
        &self,
        sampler: &Sampler,
        surface: &mut Surface,
        points: Option<&[usize]>,
        observers: &mut [&mut dyn Observer],
    ) -> Result<Outcome, SamplerError> {
        match (points, self.adaptive) {
            (Some(points), _) => sampler.run_on(points, self.objective, surface, observers),
            (None, None) => sampler.run(self.objective, surface, observers),
            (None, Some(adaptive)) => {
                let adapted = adaptive.run(sampler, self.objective, surface, observers)?;
                Ok(match adapted {
                    Adapted::Complete(_) => Outcome::Complete,
                    Adapted::Cancelled => Outcome::Cancelled,
                })
            }
        }
    }
}

/// Says what is stored already, and what becomes of a shard that is continued as a whole.
fn say_known(run: &Run, surface: &Surface, part: Option<&ShardPart>, reporter: &dyn Reporter) {
    let name = &run.name;
    let (known, all) = match part {
        Some(part) => (part.stored_before, part.units),
        None => (surface.measured(), surface.grid().len()),
    };
    let of = part.map_or(String::new(), |part| format!(" of shard {}", part.shard));
    if known > 0 {
        reporter.note(format_args!(
            "{name}: {known} of {all} points{of} are stored already"
        ));
    }
    if let (Some(stored), None, false) = (shards_of(run), part, surface.is_complete()) {
        reporter.note(format_args!(
            "{name}: what is stored are shards {stored}; now all other points are computed too, and the run becomes the whole"
        ));
    }
}

fn interrupted(run: &Run, surface: &Surface) -> StudyError {
    StudyError::Interrupted {
        saved: format!(
            "{} of {} points of run `{}` are stored",
            surface.measured(),
            surface.grid().len(),
            run.name
        ),
        again: "the same command continues from there",
    }
}

/// Errors of the store arrive inside those of the sampler.
fn unwrapped(error: SamplerError) -> StudyError {
    match error {
        SamplerError::Observer(ObserverError(inner)) => {
            match inner.downcast::<landscape_storage::Error>() {
                Ok(error) => StudyError::Store(*error),
                Err(inner) => SamplerError::Observer(ObserverError(inner)).into(),
            }
        }
        other => other.into(),
    }
}
