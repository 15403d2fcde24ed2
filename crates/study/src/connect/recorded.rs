//! Curves whose training is stored as it goes.

use super::{
    CurveConfig, CurveObserver, CurveStep, EvaluationContext, TrainedCurve, resume_curve,
    train_curve,
};
use crate::StudyError;
use crate::recording::{RecordingObserver, TrainingRecorder};
use landscape_core::{Outcome, Params};
use landscape_models::TrainState;
use landscape_storage::{CheckpointForm, Run, Store};
use std::ops::ControlFlow;

/// Trains a curve into a run that was begun, from its state where it was stopped; the end is bit for bit that of an
/// undisturbed training. The run holds the state until it is complete; control points are the caller's to store.
/// `observer` is told of each step; `Break` ends the training after it, with its state stored and the run interrupted.
///
/// # Errors
/// As [`train_curve`] and [`resume_curve`]; what keeps it from being stored.
pub fn train_stored_curve(
    context: &EvaluationContext,
    [a, b]: [&Params; 2],
    config: &CurveConfig,
    (store, run): (&Store, &Run),
    observer: &mut dyn FnMut(CurveStep) -> ControlFlow<()>,
) -> Result<TrainedCurve, StudyError> {
    let (recorder, state) = TrainingRecorder::begin(store, run, CheckpointForm::default())?;
    let mut observer = RecordingObserver {
        recorder,
        observer,
        ends: false,
    };
    let found = match &state {
        None => train_curve(context, a, b, config, &mut observer),
        Some(state) => resume_curve(context, a, b, config, state, &mut observer),
    };
    let stored = match &found {
        Ok(found) if found.outcome == Outcome::Complete => observer.recorder.told(),
        _ => observer.recorder.finish(store, Outcome::Cancelled, false),
    };
    match found {
        Ok(found) => stored.map(|()| found),
        error => error,
    }
}

impl CurveObserver for RecordingObserver<'_, CurveStep> {
    fn step(&mut self, step: CurveStep) -> ControlFlow<()> {
        let flow = (self.observer)(step);
        self.ends = flow.is_break();
        flow
    }

    fn wants_state(&mut self, _: u64) -> bool {
        self.ends || self.recorder.wants_state()
    }

    fn state(&mut self, state: TrainState) -> ControlFlow<()> {
        self.recorder.state(&state)
    }
}
