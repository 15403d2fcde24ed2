//! Curvature.

use crate::task::{self, json};
use crate::values::Data;
use landscape_study::hessian::{CurvatureRequest, CurvatureStudy};
use pyo3::prelude::*;
use std::path::PathBuf;

/// Computes curvature into a database; gives what the command prints, as JSON and in words.
#[pyfunction]
#[pyo3(signature = (request, data, model, db, told))]
pub fn curvature(
    py: Python<'_>,
    request: &str,
    data: Option<&Bound<'_, Data>>,
    model: Option<&str>,
    db: PathBuf,
    told: Py<PyAny>,
) -> PyResult<(String, String)> {
    let mut request: CurvatureRequest = task::request(py, request)?;
    request.data.memory = Data::of(data);
    let named = request.network.run.is_some();
    let summary = task::run(py, told, |told| {
        let store = task::open(&db, told)?;
        let trained = named.then_some(&store);
        let mut study = CurvatureStudy::prepare(&request, trained, told.as_ref())?;
        task::call_model(&mut study.spec, model);
        let found = study.run(&store, told.as_ref())?;
        Ok(found.summary(&study.wanted))
    })?;
    Ok((json(&summary), summary.to_string()))
}
