use super::{StudyObserver, Trained};
use crate::StudyError;
use crate::recording::TrainingRecorder;
use crate::report::{Meter, Reporter};
use landscape_core::{Outcome, Progress};
use landscape_models::{Record, Step, TrainState};
use landscape_storage::{CheckpointForm, Run, Store};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Stores each training of a sweep as it goes, tells how far they are, stops them where the reporter says so.
pub(super) struct SweepRecorder<'a> {
    store: &'a Store,
    runs: Vec<&'a Run>,
    /// Of each training that is under way.
    recorders: Vec<Mutex<Option<TrainingRecorder>>>,
    /// Steps that each has done.
    steps: Vec<AtomicUsize>,
    reporter: &'a dyn Reporter,
    meter: Mutex<Box<dyn Meter>>,
    start: Instant,
    failed: Mutex<Option<StudyError>>,
}

impl<'a> SweepRecorder<'a> {
    pub fn new(
        store: &'a Store,
        runs: Vec<&'a Run>,
        name: &str,
        reporter: &'a dyn Reporter,
    ) -> Self {
        SweepRecorder {
            store,
            recorders: runs.iter().map(|_| Mutex::new(None)).collect(),
            steps: runs.iter().map(|_| AtomicUsize::new(0)).collect(),
            runs,
            reporter,
            meter: Mutex::new(reporter.meter(name, false)),
            start: Instant::now(),
            failed: Mutex::new(None),
        }
    }

    /// The first failure.
    pub fn told(&self) -> Result<(), StudyError> {
        locked(&self.failed).take().map_or(Ok(()), Err)
    }

    fn with<R>(&self, variant: usize, of: impl FnOnce(&mut TrainingRecorder) -> R) -> Option<R> {
        locked(&self.recorders[variant]).as_mut().map(of)
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StudyObserver for SweepRecorder<'_> {
    fn begin(&self, variant: usize) -> Result<Option<TrainState>, StudyError> {
        let form = CheckpointForm::default();
        let (recorder, state) = TrainingRecorder::begin(self.store, self.runs[variant], form)?;
        *locked(&self.recorders[variant]) = Some(recorder);
        Ok(state)
    }

    fn record(&self, variant: usize, record: &Record) -> ControlFlow<()> {
        let flow = self.with(variant, |recorder| recorder.record(record));
        flow.unwrap_or(ControlFlow::Continue(()))
    }

    fn step(&self, variant: usize, step: Step) -> ControlFlow<()> {
        self.steps[variant].store(step.step as usize, Ordering::Relaxed);
        // Whoever finds the meter taken need not wait for it.
        if let Ok(mut meter) = self.meter.try_lock() {
            let done = self.steps.iter().map(|steps| steps.load(Ordering::Relaxed));
            meter.update(Progress {
                done: done.sum(),
                total: step.steps as usize * self.steps.len(),
                resumed: 0,
                elapsed: self.start.elapsed(),
            });
        }
        match self.reporter.cancelled() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn wants_state(&self, variant: usize, _: Step) -> bool {
        self.with(variant, TrainingRecorder::wants_state) == Some(true)
    }

    fn state(&self, variant: usize, state: TrainState) -> ControlFlow<()> {
        let flow = self.with(variant, |recorder| recorder.state(&state));
        flow.unwrap_or(ControlFlow::Continue(()))
    }

    fn trained(&self, variant: usize, trained: &Trained) -> ControlFlow<()> {
        let recorder = locked(&self.recorders[variant]).take();
        let finish =
            |recorder: TrainingRecorder| recorder.finish(self.store, trained.outcome, true);
        match recorder.map_or(Ok(()), finish) {
            Ok(()) if trained.outcome == Outcome::Complete => ControlFlow::Continue(()),
            Ok(()) => ControlFlow::Break(()),
            Err(error) => {
                locked(&self.failed).get_or_insert(error);
                ControlFlow::Break(())
            }
        }
    }
}
