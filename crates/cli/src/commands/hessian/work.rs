//! Work that is kept as soon as it is done, watched, and stopped by Ctrl-C.

use super::request::Request;
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::{Console, Meter};
use landscape_hessian::{Progress, State};
use landscape_storage::{ALL_PARAMETERS, Curvature, Hold, Run, Side, Status, Store};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// A file that is kept open longer than this would keep others from reading it.
const HOLD: Duration = Duration::from_millis(400);

/// A run under way: what is known at the point in work.
pub struct Work<'a> {
    pub store: &'a Store,
    pub run: Run,
    pub request: &'a Request,
    /// What is known at the point.
    pub at: Curvature,
    /// Products computed now, at all points.
    pub computed: u64,
    console: &'a Console,
    interrupt: Interrupt,
    hold: Option<Hold>,
    begun: Instant,
    /// Since when the work at this point goes on, and what it took before.
    since: Instant,
    before: f64,
}

impl<'a> Work<'a> {
    /// A run that was begun. `hold` is let go of when the work is long.
    pub fn new(
        store: &'a Store,
        run: Run,
        request: &'a Request,
        hold: Hold,
        console: &'a Console,
    ) -> Self {
        let now = Instant::now();
        Work {
            store,
            run,
            request,
            at: Curvature::default(),
            computed: 0,
            console,
            interrupt: Interrupt::listen(),
            hold: Some(hold),
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
    pub fn keep(&mut self, products: usize, results: Curvature) -> Result<(), CliError> {
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

    /// Does something that takes an observer: shows how far it is, and ends it on Ctrl-C.
    pub fn watch<T>(
        &mut self,
        what: &str,
        work: impl FnOnce(&mut dyn FnMut(&Progress) -> ControlFlow<()>) -> T,
    ) -> T {
        let mut meter = self.meter(what);
        let (hold, interrupt) = (&mut self.hold, &self.interrupt);
        let start = Instant::now();
        let (begun, mut first) = (self.begun, None);
        work(&mut |progress: &Progress| {
            if begun.elapsed() > HOLD {
                *hold = None;
            }
            let resumed = *first.get_or_insert(progress.products.saturating_sub(1));
            meter.update(landscape_core::Progress {
                done: progress.products,
                total: progress.limit.min(u32::MAX as usize),
                resumed,
                elapsed: start.elapsed(),
            });
            match interrupt.raised() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })
    }

    /// A meter for products that may not all be needed.
    fn meter(&self, what: &str) -> Meter {
        let name = match self.at.step {
            Some(step) => format!("{}: {what} of step {step}", self.run.name),
            None => format!("{}: {what}", self.run.name),
        };
        let mut meter = self.console.meter(&name);
        meter.at_most();
        meter
    }

    /// Something to know.
    pub fn note(&self, words: impl std::fmt::Display) {
        self.console
            .note(format_args!("{}: {words}", self.run.name));
    }

    /// A meter for a known number of points.
    pub fn points_meter(&self) -> Meter {
        self.console.meter(&self.run.name)
    }

    /// Lets go of the file where the work is long.
    pub fn release(&mut self) {
        if self.begun.elapsed() > HOLD {
            self.hold = None;
        }
    }

    /// Whether Ctrl-C was pressed.
    pub fn stopped(&self) -> bool {
        self.interrupt.raised()
    }

    /// Ends here where Ctrl-C was pressed; what is done is stored.
    pub fn go_on(&mut self) -> Result<(), CliError> {
        self.release();
        match self.stopped() {
            false => Ok(()),
            true => Err(self.interrupted()),
        }
    }

    /// Notes that the run is not complete, and says what is kept.
    pub fn interrupted(&self) -> CliError {
        if let Err(error) = self.store.finish(&self.run, Status::Interrupted) {
            return error.into();
        }
        CliError::Interrupted {
            saved: format!("what was done of run `{}` is stored", self.run.name),
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
    pub fn stored_state(&self, task: &str, dim: usize) -> Result<Option<State>, CliError> {
        let Some(stored) = self.store.lanczos_state(&self.run, task)? else {
            return Ok(None);
        };
        let state = super::state::unpack(stored)?.filter(|state| state.dim() == dim);
        if let Some(state) = &state {
            self.console.note(format_args!(
                "{}: goes on after {} products",
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
