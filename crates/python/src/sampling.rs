//! Lines, planes and volumes of networks, and trainings.

use crate::task::{self, json};
use crate::values::{Data, bytes};
use landscape_core::{Surface, Value};
use landscape_study::runs::{Landscape, LandscapeRequest, Sampled, TrainRequest, Training};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict};
use std::path::PathBuf;

/// Samples a line, plane or volume of a network into a database; the same request continues what is stored. `model` is what a
/// network of a file that does not stay is called.
#[pyfunction]
#[pyo3(signature = (request, data, model, db, told))]
pub fn landscape<'py>(
    py: Python<'py>,
    request: &str,
    data: Option<&Bound<'py, Data>>,
    model: Option<&str>,
    db: PathBuf,
    told: Py<PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut request: LandscapeRequest = task::request(py, request)?;
    request.data.memory = Data::of(data);
    let named = request.network.run.is_some();
    let (landscape, found) = task::run(py, told, |told| {
        let trained = named.then(|| task::open(&db, told)).transpose()?;
        let mut landscape = Landscape::prepare(&request, trained.as_ref(), told.as_ref())?;
        task::call_model(&mut landscape.spec, model);
        // Where the request is wrong there is no database yet.
        let store = trained.map_or_else(|| task::open(&db, told), Ok)?;
        let found = landscape.run(&store, told.as_ref())?;
        Ok((landscape, found))
    })?;
    let summary = found.summary(&landscape);
    let result = sampled(py, &found.sampled)?;
    result.set_item("summary", json(&summary))?;
    result.set_item("words", summary.to_string())?;
    result.set_item("loss_kind", landscape.loss.kind.name())?;
    result.set_item("runs", landscape.summary.headline())?;
    Ok(result)
}

/// Trains a network into a database.
#[pyfunction]
#[pyo3(signature = (request, data, db, told))]
pub fn train(
    py: Python<'_>,
    request: &str,
    data: Option<&Bound<'_, Data>>,
    db: PathBuf,
    told: Py<PyAny>,
) -> PyResult<(String, String)> {
    let mut request: TrainRequest = task::request(py, request)?;
    request.data.memory = Data::of(data);
    let trained = task::run(py, told, |told| {
        let training = Training::prepare(&request, told.as_ref())?;
        training.run(&task::open(&db, told)?, told.as_ref())
    })?;
    let summary = trained.summary();
    Ok((json(&summary), summary.to_string()))
}

/// What came of sampling.
pub fn sampled<'py>(py: Python<'py>, sampled: &Sampled) -> PyResult<Bound<'py, PyDict>> {
    let result = surface(py, &sampled.surface)?;
    result.set_item("run", json(&sampled.run))?;
    result.set_item("computed", sampled.computed)?;
    result.set_item("stored_before", sampled.known)?;
    result.set_item("seconds", sampled.seconds)?;
    Ok(result)
}

/// A surface as bytes of arrays of f64: the coordinates of its axes, and its numbers in the order of the grid, the last axis fastest.
pub fn surface<'py>(py: Python<'py>, surface: &Surface) -> PyResult<Bound<'py, PyDict>> {
    let result = PyDict::new(py);
    let axes = surface.grid().axes().iter();
    let axes = axes.map(|axis| bytes(py, &axis.values()));
    let axes: Vec<Bound<'py, PyByteArray>> = axes.collect::<PyResult<_>>()?;
    result.set_item("axes", axes)?;
    result.set_item("loss", bytes(py, &surface.losses())?)?;
    for (name, value) in [("loss_se", Value::LossSe), ("accuracy", Value::Accuracy)] {
        let points = 0..surface.grid().len();
        let is_there = points.clone().any(|i| surface.value(i, value).is_some());
        let values = is_there.then(|| bytes(py, &surface.values(value)));
        result.set_item(name, values.transpose()?)?;
    }
    let terms = PyDict::new(py);
    for (place, term) in surface.terms().iter().enumerate() {
        terms.set_item(&term.name, bytes(py, &surface.values(Value::Term(place)))?)?;
    }
    result.set_item("terms", terms)?;
    let measured = (0..surface.grid().len()).map(|i| u8::from(surface.is_measured(i)));
    let measured: Vec<u8> = measured.collect();
    result.set_item("measured", PyByteArray::new(py, &measured))?;
    result.set_item("is_complete", surface.is_complete())?;
    Ok(result)
}
