//! Trainings that are stored as they go, and go on after they were stopped.

use crate::StudyError;
use landscape_core::Outcome;
use landscape_models::{
    Record, Step, TrainConfig, TrainObserver, TrainReport, TrainState, Trainee, resume_with,
    train_with,
};
use landscape_storage::{CheckpointForm, Recorder, Run, RunSpec, Status, Store, TrainRecord};
use std::ops::ControlFlow;

/// Stores what one training records, and from time to time its state. The first failure ends the training and is told at
/// its end.
#[derive(Debug)]
pub struct TrainingRecorder {
    recorder: Recorder,
    failed: Option<landscape_storage::Error>,
}

impl TrainingRecorder {
    /// For a run of training, from its beginning or from the state that is stored, which is given too.
    ///
    /// # Errors
    /// [`StudyError::Store`] when the file cannot be read, [`StudyError::Models`] when the state is none of this version.
    pub fn begin(
        store: &Store,
        run: &Run,
        form: CheckpointForm,
    ) -> Result<(Self, Option<TrainState>), StudyError> {
        let mut recorder = store.recorder(run).form(form);
        let mut state = None;
        if let Some(stored) = store.training_state(run)? {
            state = Some(TrainState::from_bytes(&stored.bytes)?);
            recorder.resume_from(&stored)?;
        }
        let failed = None;
        Ok((TrainingRecorder { recorder, failed }, state))
    }

    /// Seconds of training so far, those before it was stopped included.
    pub fn seconds(&self) -> f64 {
        self.recorder.seconds()
    }

    /// Stores a record with its checkpoint; ends the training where that fails.
    pub fn record(&mut self, record: &Record) -> ControlFlow<()> {
        let stored = train_record(record, Some(self.seconds()));
        let kept = self.recorder.push(stored, Some(&record.params));
        self.flow(kept)
    }

    /// Whether it is time for a state, see [`Recorder::wants_state`].
    pub fn wants_state(&mut self) -> bool {
        self.recorder.wants_state()
    }

    /// Stores a state; ends the training where that fails.
    pub fn state(&mut self, state: &TrainState) -> ControlFlow<()> {
        let bytes = state.to_bytes();
        let kept = self.recorder.state(state.step, state.next_record, bytes);
        self.flow(kept)
    }

    fn flow(&mut self, kept: Result<(), landscape_storage::Error>) -> ControlFlow<()> {
        match kept {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed.get_or_insert(error);
                ControlFlow::Break(())
            }
        }
    }

    /// The first failure; of a training that is done, and whose end another stores.
    pub(crate) fn told(mut self) -> Result<(), StudyError> {
        self.recorder.forget_state();
        Ok(self.failed.map_or(Ok(()), Err)?)
    }

    /// Stores all that is left. A complete run that replaces another takes its place, unless it is only to be `settled`
    /// (see [`Store::settle`]).
    ///
    /// # Errors
    /// The first failure of all.
    pub fn finish(
        mut self,
        store: &Store,
        outcome: Outcome,
        settled: bool,
    ) -> Result<(), StudyError> {
        let outcome = match self.failed {
            None => outcome,
            Some(_) => Outcome::Cancelled,
        };
        let stored = match (outcome, settled) {
            (Outcome::Cancelled, _) => self.recorder.finish(Status::Interrupted),
            (Outcome::Complete, false) => self.recorder.finish(Status::Complete),
            (Outcome::Complete, true) => {
                let run = self.recorder.run().clone();
                { self.recorder.flush() }.and_then(|()| store.settle(&run))
            }
        };
        Ok(self.failed.map_or(stored, Err)?)
    }
}

/// A training that is to be stored.
pub struct StoredTraining<'a> {
    /// What is trained, where it starts.
    pub trainee: Box<dyn Trainee>,
    /// How: the settings that it was made with.
    pub config: &'a TrainConfig,
    /// How checkpoints are stored.
    pub form: CheckpointForm,
}

impl StoredTraining<'_> {
    /// Trains into a run that was begun, from its state where it was stopped; the end is bit for bit that of an undisturbed
    /// training. `observer` is told of each step; `Break` ends the training after it, with its state stored.
    ///
    /// # Errors
    /// As [`train_with`] and [`resume_with`]; what keeps it from being stored.
    pub fn run(
        self,
        store: &Store,
        run: &Run,
        observer: &mut dyn FnMut(Step) -> ControlFlow<()>,
    ) -> Result<TrainReport<Box<dyn Trainee>>, StudyError> {
        let (recorder, state) = TrainingRecorder::begin(store, run, self.form)?;
        let mut observer = RecordingObserver {
            recorder,
            observer,
            ends: false,
        };
        let StoredTraining {
            trainee, config, ..
        } = self;
        let report = match &state {
            None => train_with(trainee, config, &mut observer),
            Some(state) => resume_with(trainee, config, state, &mut observer),
        };
        let outcome = { report.as_ref() }.map_or(Outcome::Cancelled, |report| report.outcome);
        let stored = observer.recorder.finish(store, outcome, false);
        match report {
            // What could not be stored ended it.
            Ok(report) => stored.map(|()| report),
            Err(error) => Err(error.into()),
        }
    }
}

/// Records a training and passes on its steps.
pub(crate) struct RecordingObserver<'a, S> {
    pub recorder: TrainingRecorder,
    pub observer: &'a mut dyn FnMut(S) -> ControlFlow<()>,
    /// Whether the observer has ended it.
    pub ends: bool,
}

impl TrainObserver for RecordingObserver<'_, Step> {
    fn record(&mut self, record: Record) -> ControlFlow<()> {
        self.recorder.record(&record)
    }

    fn step(&mut self, step: Step) -> ControlFlow<()> {
        let flow = (self.observer)(step);
        self.ends = flow.is_break();
        flow
    }

    fn wants_state(&mut self, _: Step) -> bool {
        self.ends || self.recorder.wants_state()
    }

    fn state(&mut self, state: TrainState) -> ControlFlow<()> {
        self.recorder.state(&state)
    }
}

/// What is stored of a training that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredBefore {
    /// Nothing that work could go on from, and nothing to lose.
    Nothing,
    /// A training that was stopped after these steps, and goes on from there.
    Stopped(u64),
    /// Checkpoints of a training that was stopped before states were stored.
    WithoutState {
        /// The run's name.
        name: String,
        /// The last step that is stored.
        step: u64,
        /// How many there are.
        checkpoints: usize,
    },
    /// All of it.
    Complete,
}

impl StoredBefore {
    /// Steps that need not be done again, of so many in all.
    pub(crate) fn steps(&self, all: usize) -> u64 {
        match self {
            StoredBefore::Complete => all as u64,
            StoredBefore::Stopped(step) => *step,
            StoredBefore::Nothing | StoredBefore::WithoutState { .. } => 0,
        }
    }
}

/// What [`Store::begin`] would go on with for a training.
///
/// # Errors
/// As [`Store::stored`].
pub fn stored_before(store: &Store, spec: &RunSpec) -> Result<StoredBefore, StudyError> {
    let Some(run) = store.stored(spec)? else {
        return Ok(StoredBefore::Nothing);
    };
    if run.status == Status::Complete {
        return Ok(StoredBefore::Complete);
    }
    if let Some(state) = store.training_state(&run)? {
        return Ok(StoredBefore::Stopped(state.step));
    }
    // The first state may not have come to be stored with the initial checkpoint.
    let last = store.records(&run)?.last().map_or(0, |last| last.step);
    if last == 0 {
        return Ok(StoredBefore::Nothing);
    }
    Ok(StoredBefore::WithoutState {
        checkpoints: store.checkpoint_steps(&run)?.len(),
        name: run.name,
        step: last,
    })
}

/// A record as it is stored, without the parameters; so many seconds after the training began, where that is known.
pub(crate) fn train_record(record: &Record, seconds: Option<f64>) -> TrainRecord {
    TrainRecord {
        step: record.step,
        epoch: record.epoch,
        loss: Some(record.loss),
        accuracy: record.accuracy,
        batch_loss: record.batch_loss,
        lr: Some(record.lr),
        gradient_norm: record.gradient_norm,
        seconds,
    }
}
