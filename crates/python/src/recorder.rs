//! Training that another program does, recorded as it goes.

use crate::errors::{exception, wrong};
use crate::task;
use crate::values::Params;
use landscape_storage::{
    CheckpointForm, Recorder as Stored, Run, RunKind, RunSpec, Status, Store, TrainRecord, When,
};
use landscape_study::StudyError;
use landscape_study::record::Provenance;
use pyo3::prelude::*;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Records steps of a training into a run.
#[pyclass(frozen, module = "loss_landscape._native")]
pub struct Recorder {
    state: Mutex<State>,
    run: Run,
    /// The last step that was stored before.
    last: Option<u64>,
}

struct State {
    recorder: Stored,
    when: When,
    /// Epochs at the last step that was told of.
    epoch: Option<f64>,
}

#[pymethods]
impl Recorder {
    /// A run of that name with these settings, as JSON; where it is stored already it goes on. `every` steps, so many steps
    /// `per_decade`, or `at` these are recorded.
    #[new]
    #[pyo3(signature = (db, name, settings, form, every, per_decade, at, replace))]
    #[allow(clippy::too_many_arguments)] // each a word of Python
    fn new(
        py: Python<'_>,
        db: PathBuf,
        name: Option<String>,
        settings: &str,
        form: &str,
        every: Option<u64>,
        per_decade: Option<u32>,
        at: Option<Vec<u64>>,
        replace: bool,
    ) -> PyResult<Self> {
        let form: CheckpointForm = form.parse().map_err(|_| {
            wrong(
                py,
                &format!("`{form}` is not a form of checkpoints"),
                form,
                "give raw, f32 or f16",
            )
        })?;
        let when = match (at, per_decade, every) {
            (Some(steps), ..) => When::at(steps),
            (None, Some(count), _) => When::logarithmic(count),
            (None, None, Some(every)) => When::every(every),
            (None, None, None) => When::EpochEnds,
        };
        let settings: Value = task::request(py, settings)?;
        let (recorder, run, last) = task::quietly(py, || begin(db, name, settings, form, replace))?;
        let state = State {
            recorder,
            when,
            epoch: None,
        };
        let state = Mutex::new(state);
        Ok(Recorder { state, run, last })
    }

    /// The name of the run.
    #[getter]
    fn name(&self) -> &str {
        &self.run.name
    }

    /// The last step that was stored before this recorder was made.
    #[getter]
    fn last_step(&self) -> Option<u64> {
        self.last
    }

    /// Tells of a step, and says whether it is to be recorded.
    fn is_due(&self, step: u64, epoch: f64) -> bool {
        let mut state = self.state();
        let before = state.epoch.replace(epoch);
        state.when.is_due(step, before, epoch)
    }

    /// Records a step, with its facts as JSON.
    #[pyo3(signature = (facts, params))]
    fn push(
        &self,
        py: Python<'_>,
        facts: &str,
        params: Option<&Bound<'_, Params>>,
    ) -> PyResult<()> {
        let mut facts: TrainRecord = task::request(py, facts)?;
        let params = params.map(|params| &params.get().0);
        task::quietly(py, || {
            let mut state = self.state();
            facts.seconds = facts.seconds.or(Some(state.recorder.seconds()));
            Ok(state.recorder.push(facts, params)?)
        })
    }

    /// Stores all that waits.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        task::quietly(py, || Ok(self.state().recorder.flush()?))
    }

    /// Stores all that waits, and that the training is done, or was stopped.
    fn finish(&self, py: Python<'_>, is_complete: bool) -> PyResult<()> {
        let status = match is_complete {
            true => Status::Complete,
            false => Status::Interrupted,
        };
        let done = py.detach(|| self.state().recorder.finish(status));
        done.map_err(|error| exception(py, &StudyError::from(error)))
    }
}

impl Recorder {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begin(
    db: PathBuf,
    name: Option<String>,
    settings: Value,
    form: CheckpointForm,
    replace: bool,
) -> Result<(Stored, Run, Option<u64>), StudyError> {
    let store = Store::open(db)?;
    let provenance = Provenance::now().to_json();
    let mut spec = RunSpec::new(RunKind::Train, settings).with_provenance(provenance);
    spec.name = name;
    spec.replace = replace;
    let run = store.begin(&spec)?;
    let mut recorder = store.recorder(&run).form(form);
    let last = recorder.resume()?.map(|last| last.record.step);
    Ok((recorder, run, last))
}
