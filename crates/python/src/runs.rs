//! What databases hold.

use crate::sampling::surface;
use crate::task::{self, json};
use crate::values::bytes;
use landscape_core::{Parameter, Role};
use landscape_storage::{RunFilter, Store};
use landscape_study::StudyError;
use landscape_study::export::{Export, ExportRequest};
use landscape_study::list::RunList;
use landscape_study::merge::{Merge, MergeRequest};
use landscape_study::metrics::{LandscapeMetrics, ValueName};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict};
use std::path::PathBuf;

/// A tensor for Python: name, role, shape and the bytes of its values.
type Tensor<'py> = (String, &'static str, Vec<usize>, Bound<'py, PyByteArray>);

/// Adds what databases hold to another one; gives JSON, words, and whether nothing is missing.
#[pyfunction]
#[pyo3(signature = (request, told))]
pub fn merge(py: Python<'_>, request: &str, told: Py<PyAny>) -> PyResult<(String, String, bool)> {
    let request: MergeRequest = task::request(py, request)?;
    let merged = task::run(py, told, |told| {
        let merge = Merge::prepare(&request, told.as_ref())?;
        merge.run(&task::open(&request.into, told)?, told.as_ref())
    })?;
    Ok((json(&merged), merged.to_string(), merged.is_complete()))
}

/// The runs of a database, as JSON and in words.
#[pyfunction]
#[pyo3(signature = (db))]
pub fn runs(py: Python<'_>, db: PathBuf) -> PyResult<(String, String)> {
    let list = task::quietly(py, || {
        RunList::of(&RunFilter::default(), &Store::open_read(&db)?)
    })?;
    Ok((json(&list), list.to_string()))
}

/// A run and, where it has one, its landscape as arrays.
#[pyfunction]
#[pyo3(signature = (db, run))]
pub fn load<'py>(py: Python<'py>, db: PathBuf, run: &str) -> PyResult<Bound<'py, PyDict>> {
    let (run, found) = task::quietly(py, || {
        let store = Store::open_read(&db)?;
        let run = store.find(run)?;
        let is_sampled = !store.summary(&run.name)?.shape.is_empty();
        let found = is_sampled.then(|| store.load_surface(&run)).transpose()?;
        Ok((run, found))
    })?;
    let result = match &found {
        Some(found) => surface(py, found)?,
        None => PyDict::new(py),
    };
    result.set_item("run", json(&run))?;
    Ok(result)
}

/// The directions of a run, each as its tensors.
#[pyfunction]
#[pyo3(signature = (db, run))]
pub fn directions<'py>(py: Python<'py>, db: PathBuf, run: &str) -> PyResult<Vec<Vec<Tensor<'py>>>> {
    let plane = task::quietly(py, || {
        let store = Store::open_read(&db)?;
        Ok(store.plane(&store.find(run)?)?)
    })?;
    let each = plane.directions().iter();
    each.map(|direction| tensors(py, direction.tensors.iter()))
        .collect()
}

/// A checkpoint of a training, the last one where no step is given: its record as JSON, and its tensors.
#[pyfunction]
#[pyo3(signature = (db, run, step))]
pub fn checkpoint<'py>(
    py: Python<'py>,
    db: PathBuf,
    run: &str,
    step: Option<u64>,
) -> PyResult<(String, Vec<Tensor<'py>>)> {
    let found = task::quietly(py, || {
        let store = Store::open_read(&db)?;
        let run = store.find(run)?;
        let found = match step {
            Some(step) => store.checkpoint(&run, step)?,
            None => store.last_checkpoint(&run)?,
        };
        let steps = store.checkpoint_steps(&run)?;
        let run = run.name;
        found.ok_or(StudyError::NoCheckpoint { run, step, steps })
    })?;
    Ok((json(&found.record), tensors(py, found.params.iter())?))
}

fn tensors<'a, 'py>(
    py: Python<'py>,
    all: impl Iterator<Item = &'a Parameter>,
) -> PyResult<Vec<Tensor<'py>>> {
    let one = |tensor: &Parameter| {
        let role = match tensor.role {
            Role::Buffer => "buffer",
            _ => "parameter",
        };
        let values = bytes(py, &tensor.data)?;
        Ok((tensor.name.clone(), role, tensor.shape.clone(), values))
    };
    all.map(one).collect()
}

/// The records of a training, as JSON.
#[pyfunction]
#[pyo3(signature = (db, run))]
pub fn records(py: Python<'_>, db: PathBuf, run: &str) -> PyResult<String> {
    let records = task::quietly(py, || {
        let store = Store::open_read(&db)?;
        Ok(store.records(&store.find(run)?)?)
    })?;
    Ok(json(&records))
}

/// The figures of a stored landscape, as JSON and in words.
#[pyfunction]
#[pyo3(signature = (db, run, value))]
pub fn metrics(py: Python<'_>, db: PathBuf, run: &str, value: &str) -> PyResult<(String, String)> {
    let value: ValueName = task::request(py, &json(&value))?;
    let found = task::quietly(py, || {
        LandscapeMetrics::of(run, &value, &Store::open_read(&db)?)
    })?;
    Ok((json(&found), found.to_string()))
}

/// Writes a part of a run to a file for another program.
#[pyfunction]
#[pyo3(signature = (db, request))]
pub fn export(py: Python<'_>, db: PathBuf, request: &str) -> PyResult<()> {
    let request: ExportRequest = task::request(py, request)?;
    task::quietly(py, || {
        let store = Store::open_read(&db)?;
        Export::prepare(&request, &store)?.save().map(drop)
    })
}

/// Closes a database in this process, before other code of it opens the file.
#[pyfunction]
#[pyo3(signature = (db))]
pub fn close(py: Python<'_>, db: PathBuf) {
    py.detach(|| Store::close(db));
}
