//! Paths of trainings, paths between networks, comparisons, and what they say.

use crate::task::{self, json};
use crate::values::Data;
use landscape_storage::Store;
use landscape_study::StudyError;
use landscape_study::compare::{
    Compared, ComparisonRequest, Selection, Sweep, SweepRequest, TrainingComparison,
    compare_landscapes,
};
use landscape_study::connect::{ConnectRequest, Connection};
use landscape_study::diagnose::{Diagnosed, DiagnosisRequest};
use landscape_study::report::Reporter;
use landscape_study::trajectory::{ProjectedPaths, TrajectoryRequest, plane_warnings};
use pyo3::prelude::*;
use std::path::PathBuf;

/// Projects checkpoints on the plane of their principal components; gives JSON, words, and warnings.
#[pyfunction]
#[pyo3(signature = (request, data, model, db, told))]
pub fn trajectory(
    py: Python<'_>,
    request: &str,
    data: Option<&Bound<'_, Data>>,
    model: Option<&str>,
    db: PathBuf,
    told: Py<PyAny>,
) -> PyResult<(String, String, Vec<String>)> {
    let mut request: TrajectoryRequest = task::request(py, request)?;
    request.data.memory = Data::of(data);
    let named = !request.runs.is_empty();
    let measured = task::run(py, told, |told| {
        request.check(told.as_ref())?;
        let store = task::open(&db, told)?;
        let trained = named.then_some(&store);
        let mut paths = ProjectedPaths::prepare(&request, trained, told.as_ref())?;
        task::call_model(&mut paths.spec, model);
        paths.run(&store, told.as_ref())
    })?;
    let summary = measured.summary();
    let warnings = plane_warnings(&measured.paths);
    Ok((json(&summary), summary.to_string(), warnings))
}

/// Measures paths between two networks.
#[pyfunction]
#[pyo3(signature = (request, data, db, told))]
pub fn connect(
    py: Python<'_>,
    request: &str,
    data: Option<&Bound<'_, Data>>,
    db: PathBuf,
    told: Py<PyAny>,
) -> PyResult<(String, String)> {
    let mut request: ConnectRequest = task::request(py, request)?;
    request.data.memory = Data::of(data);
    let found = task::run(py, told, |told| {
        request.check(told.as_ref())?;
        let store = task::open(&db, told)?;
        let connection = Connection::prepare(&request, Some(&store), told.as_ref())?;
        connection.run(&store, told.as_ref())
    })?;
    Ok((json(&found), found.to_string()))
}

/// Trains variants of a network, and puts them side by side.
#[pyfunction]
#[pyo3(signature = (request, comparison, data, db, told))]
pub fn sweep(
    py: Python<'_>,
    request: &str,
    comparison: &str,
    data: Option<&Bound<'_, Data>>,
    db: PathBuf,
    told: Py<PyAny>,
) -> PyResult<(String, String)> {
    let mut request: SweepRequest = task::request(py, request)?;
    let comparison: ComparisonRequest = task::request(py, comparison)?;
    request.data.memory = Data::of(data);
    task::run(py, told, |told| {
        let sweep = Sweep::prepare(&request, told.as_ref())?;
        let store = task::open(&db, told)?;
        let compared = sweep.run(&store, told.as_ref())?;
        if let Some(shard) = sweep.trained_shard(&compared) {
            return Ok((json(&shard), shard.to_string()));
        }
        let comparison = ComparisonRequest {
            name: sweep.name().to_owned(),
            factor: Some(sweep.factor()),
            ..comparison
        };
        side_by_side(&comparison, &compared, &store, told.as_ref())
    })
}

/// Puts stored runs side by side, all trainings or all landscapes.
#[pyfunction]
#[pyo3(signature = (runs, comparison, tolerance, db, told))]
pub fn compare(
    py: Python<'_>,
    runs: Vec<String>,
    comparison: &str,
    tolerance: Option<f64>,
    db: PathBuf,
    told: Py<PyAny>,
) -> PyResult<(String, String)> {
    let comparison: ComparisonRequest = task::request(py, comparison)?;
    task::run(py, told, |told| {
        let store = task::open(&db, told)?;
        match Selection::of(&runs, &store)? {
            Selection::Trainings(compared) => {
                side_by_side(&comparison, &compared, &store, told.as_ref())
            }
            Selection::Landscapes(runs) => {
                let found = compare_landscapes(&runs, tolerance, &store)?;
                Ok((json(&found), found.to_string()))
            }
        }
    })
}

fn side_by_side(
    request: &ComparisonRequest,
    compared: &[Compared],
    store: &Store,
    reporter: &dyn Reporter,
) -> Result<(String, String), StudyError> {
    let found = TrainingComparison::prepare(request, compared, store)?.run(store, reporter)?;
    Ok((json(&found), found.to_string()))
}

/// Answers the three questions about a run.
#[pyfunction]
#[pyo3(signature = (request, db, told))]
pub fn diagnose(
    py: Python<'_>,
    request: &str,
    db: PathBuf,
    told: Py<PyAny>,
) -> PyResult<(String, String)> {
    let request: DiagnosisRequest = task::request(py, request)?;
    let found = task::run(py, told, |told| {
        Diagnosed::of(&request, &task::open(&db, told)?, told.as_ref())
    })?;
    Ok((json(&found), found.to_string()))
}
