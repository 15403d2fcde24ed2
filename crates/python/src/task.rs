//! An operation from Python: with the interpreter free, stopped by Ctrl-C, its failure an exception.

use crate::errors::{exception, wrong};
use crate::told::Told;
use landscape_storage::{RunSpec, Store};
use landscape_study::StudyError;
use landscape_study::report::say_journal;
use pyo3::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// Runs an operation that tells a reporter of Python.
pub fn run<T: Send>(
    py: Python<'_>,
    told: Py<PyAny>,
    work: impl FnOnce(&Arc<Told>) -> Result<T, StudyError> + Send,
) -> PyResult<T> {
    let told = Arc::new(Told::new(told));
    let result = py.detach(|| work(&told));
    match (result, told.raised()) {
        (Ok(result), None) => Ok(result),
        // It came when everything was done, and is stored.
        (Ok(_), Some(raised)) => Err(raised),
        (Err(error), Some(raised)) => Err(noted(py, raised, &error)),
        (Err(error), None) => Err(exception(py, &error)),
    }
}

/// Runs what is short and tells nobody.
pub fn quietly<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, StudyError> + Send,
) -> PyResult<T> {
    py.detach(work).map_err(|error| exception(py, &error))
}

/// An exception that stopped an operation, with what was kept.
fn noted(py: Python<'_>, raised: PyErr, error: &StudyError) -> PyErr {
    if let StudyError::Interrupted { saved, .. } = error {
        // Python 3.10 has no notes.
        let note = format!("{saved}; the same call continues from there");
        let _ = raised.value(py).call_method1("add_note", (note,));
    }
    raised
}

/// The database that results are stored in. While another process has it open the operation waits, until it is stopped.
pub fn open(path: &Path, told: &Arc<Told>) -> Result<Store, StudyError> {
    let store = Store::open(path)?;
    say_journal(&store, told.as_ref());
    let told = Arc::clone(told);
    Ok(store.waiting(move |_| match told.is_stopped() {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    }))
}

/// Calls the network of a run by a name: it is from a file that is gone when the run is stored.
pub fn call_model(spec: &mut RunSpec, name: Option<&str>) {
    if let (Some(name), Value::Object(provenance)) = (name, &mut spec.provenance) {
        provenance.insert("model".to_owned(), json!({ "file": name }));
    }
}

/// A request from JSON.
pub fn request<T: DeserializeOwned>(py: Python<'_>, json: &str) -> PyResult<T> {
    serde_json::from_str(json).map_err(|error| {
        let what = error.to_string();
        // Where in the text it stands tells nothing to whoever did not write it.
        let what = what.split(" at line ").next().unwrap_or_default();
        wrong(py, what, "the arguments", "see help() of the function")
    })
}

/// A result as JSON.
pub fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
