//! Work that is kept as soon as it is done, watched, and stopped by its reporter.

use super::request::Wanted;
use crate::StudyError;
use crate::report::{Meter, Reporter};
use landscape_hessian::{Progress, State};
use landscape_storage::{ALL_PARAMETERS, Curvature, Run, Side, Status, Store};
use std::ops::ControlFlow;
use std::time::Instant;

/// Leading eigenvectors, and the parameters that they belong to.
pub struct Leading {
    pub point: Vec<f64>,
    pub vectors: Vec<Vec<f64>>,
}

/// A run under way: what is known at the point in work.
pub struct Work<'a> {
    pub store: &'a Store,
    pub run: Run,
    pub wanted: &'a Wanted,
    /// What is known at the point.
    pub at: Curvature,
    /// Products computed now, at all points.
    pub computed: u64,
    /// Eigenvectors that were just found, where shares in their space are wanted.
    pub found: Option<Leading>,
    reporter: &'a dyn Reporter,
    begun: Instant,
    /// Since when the work at this point goes on, and what it took before.
    since: Instant,
    before: f64,
}

impl<'a> Work<'a> {
    /// A run that was begun.
    pub fn new(store: &'a Store, run: Run, wanted: &'a Wanted, reporter: &'a dyn Reporter) -> Self {
        let now = Instant::now();
        Work {
            store,
            run,
            wanted,
            at: Curvature::default(),
            computed: 0,
            found: None,
            reporter,
            begun: now,
            since: now,
            before: 0.0,
        }
    }

    /// Goes to a point of which something may be known.
    pub fn go_to(&mut self, known: Curvature) {
        self.before = known.seconds;
        self.since = Instant::now();
        self.at = known;
    }

    /// Seconds since the run went on.
    pub fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Keeps results of the point, and what they cost.
    pub fn keep(&mut self, products: usize, results: Curvature) -> Result<(), StudyError> {
        self.computed += products as u64;
        self.at.products += products as u64;
        let all = Curvature {
            eigenvalues: results.eigenvalues,
            traces: results.traces,
            densities: results.densities,
            sharpness: results.sharpness,
            ..self.counts()
        };
        self.store.put_curvature(&self.run, &all)?;
        self.at.eigenvalues.extend(all.eigenvalues);
        self.at.traces.extend(all.traces);
        self.at.densities.extend(all.densities);
        self.at.sharpness.extend(all.sharpness);
        Ok(())
    }

    /// What the work at the point has cost so far, in all sessions, without its results.
    pub fn counts(&mut self) -> Curvature {
        self.at.seconds = self.before + self.since.elapsed().as_secs_f64();
        Curvature {
            step: self.at.step,
            parameters: self.at.parameters,
            loss: self.at.loss,
            gradient_norm: self.at.gradient_norm,
            stability_limit: self.at.stability_limit,
            products: self.at.products,
            seconds: self.at.seconds,
            ..Curvature::default()
        }
    }

    /// Does something that takes an observer: shows how far it is, and ends it where the reporter says so.
    pub fn watch<T>(
        &mut self,
        what: &str,
        work: impl FnOnce(&mut dyn FnMut(&Progress) -> ControlFlow<()>) -> T,
    ) -> T {
        let mut meter = self.meter(what);
        let reporter = self.reporter;
        let start = Instant::now();
        let mut first = None;
        work(&mut |progress: &Progress| {
            let resumed = *first.get_or_insert(progress.products.saturating_sub(1));
            meter.update(landscape_core::Progress {
                done: progress.products,
                total: progress.limit.min(u32::MAX as usize),
                resumed,
                elapsed: start.elapsed(),
            });
            match reporter.cancelled() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })
    }

    /// A meter for products that may not all be needed.
    fn meter(&self, what: &str) -> Box<dyn Meter> {
        let name = match self.at.step {
            Some(step) => format!("{}: {what} of step {step}", self.run.name),
            None => format!("{}: {what}", self.run.name),
        };
        self.reporter.meter(&name, true)
    }

    /// Something to know.
    pub fn note(&self, words: impl std::fmt::Display) {
        self.reporter
            .note(format_args!("{}: {words}", self.run.name));
    }

    /// A meter for a known number of points.
    pub fn points_meter(&self) -> Box<dyn Meter> {
        self.reporter.meter(&self.run.name, false)
    }

    /// Whether it is to stop.
    pub fn stopped(&self) -> bool {
        self.reporter.cancelled()
    }

    /// Ends here where it is to stop; what is done is stored.
    pub fn go_on(&mut self) -> Result<(), StudyError> {
        match self.stopped() {
            false => Ok(()),
            true => Err(self.interrupted()),
        }
    }

    /// Notes that the run is not complete, and says what is kept.
    pub fn interrupted(&self) -> StudyError {
        if let Err(error) = self.store.finish(&self.run, Status::Interrupted) {
            return error.into();
        }
        StudyError::Interrupted {
            saved: format!("what was computed of run `{}` is stored", self.run.name),
            again: "the same command continues from there",
        }
    }

    /// The name under which an iteration at this point is kept.
    pub fn task(&self, what: &str) -> String {
        match self.at.step {
            Some(step) => format!("{what}, step {step}"),
            None => what.to_owned(),
        }
    }

    /// A stored iteration of this point.
    pub fn stored_state(&self, task: &str, dim: usize) -> Result<Option<State>, StudyError> {
        let Some(stored) = self.store.lanczos_state(&self.run, task)? else {
            return Ok(None);
        };
        let state = super::state::unpack(stored)?.filter(|state| state.dim() == dim);
        if let Some(state) = &state {
            self.reporter.note(format_args!(
                "{}: continues after {} products",
                self.run.name,
                state.products()
            ));
        }
        Ok(state)
    }

    /// Whether eigenvalues of a part are known at this point.
    pub fn has_eigenvalues(&self, part: &str) -> bool {
        let ends = [Side::Top, Side::Bottom];
        ends.iter()
            .any(|&side| !self.at.eigenvalues_of(part, side).is_empty())
    }

    /// Whether the trace of a part is known at this point.
    pub fn has_trace(&self, part: &str) -> bool {
        self.at.traces.iter().any(|trace| trace.part == part)
    }

    /// Whether the density is known at this point.
    pub fn has_density(&self) -> bool {
        self.at.densities.iter().any(|d| d.part == ALL_PARAMETERS)
    }
}
