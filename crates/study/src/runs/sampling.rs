//! Sampling into a store: what is known stays, what is measured is kept, and stopping it saves.

use crate::StudyError;
use crate::report::{Reported, Reporter};
use landscape_core::{
    Adapted, Adaptive, AdaptiveReport, Grid, Objective, Observer, ObserverError, Outcome, Plane,
    Sampler, SamplerError, Surface,
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
    /// What adaptive sampling did.
    pub adaptive: Option<AdaptiveReport>,
    /// Seconds that it took now.
    pub seconds: f64,
}

impl StoredSampling<'_> {
    /// Continues the stored run until every point is known. The reporter can stop it.
    ///
    /// What an adaptive run says of its end is worked out from the measured points, so that it says
    /// the same when there was nothing left to do.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`] when it was stopped, and those of store and objective.
    pub fn run(&self, reporter: &dyn Reporter) -> Result<Sampled, StudyError> {
        let (run, mut surface) = self.begin()?;
        let known = surface.measured();
        if known > 0 {
            let all = surface.grid().len();
            reporter.note(format_args!(
                "{}: {known} of {all} points are stored already",
                run.name
            ));
        }
        let start = Instant::now();
        let outcome = match (run.status, surface.is_complete()) {
            (Status::Complete, true) => Outcome::Complete,
            _ => self.fill(&run, &mut surface, reporter)?,
        };
        if outcome == Outcome::Cancelled {
            return Err(interrupted(&run, &surface));
        }
        Ok(Sampled {
            computed: surface.measured() - known,
            adaptive: self.adaptive.and_then(|adaptive| adaptive.report(&surface)),
            run,
            surface,
            known,
            seconds: start.elapsed().as_secs_f64(),
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
        reporter: &dyn Reporter,
    ) -> Result<Outcome, StudyError> {
        let mut reported = Reported::new(reporter, &run.name, self.adaptive.is_some());
        let mut observer = self.store.observer(run);
        let sampler = Sampler {
            batch: self.batch,
            cancel: reported.cancel.clone(),
        };
        let mut observers: [&mut dyn Observer; 2] = [&mut reported, &mut observer];
        let outcome = self.sample(&sampler, surface, &mut observers);
        let stored = match (&outcome, surface.is_complete()) {
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
        observers: &mut [&mut dyn Observer],
    ) -> Result<Outcome, SamplerError> {
        let Some(adaptive) = self.adaptive else {
            return sampler.run(self.objective, surface, observers);
        };
        let adapted = adaptive.run(sampler, self.objective, surface, observers)?;
        Ok(match adapted {
            Adapted::Complete(_) => Outcome::Complete,
            Adapted::Cancelled => Outcome::Cancelled,
        })
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
