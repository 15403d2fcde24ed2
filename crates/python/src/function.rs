//! Lines, planes and volumes of any function of Python.

use crate::sampling::sampled;
use crate::task;
use crate::values::{Params, bytes};
use landscape_core::{Objective, ObjectiveError, Plane, Point, Sample};
use landscape_storage::Store;
use landscape_study::StudyError;
use landscape_study::runs::{FunctionLandscape, FunctionRequest};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;

/// Bytes of parameters that a function is given together, where it takes several points.
const TOGETHER: usize = 64 << 20;

/// What a function gives for some points: losses, their standard errors and accuracies, where it has them.
type Given = (Vec<f64>, Option<Vec<f64>>, Option<Vec<f64>>);

/// Samples a line, plane or volume of a function into a database. `call(values, count)` is given the parameters of `count` points one after
/// the other, as bytes of f32, and gives `(losses, standard errors or None, accuracies or None)`; `at_once` is how many points it is given at most.
#[pyfunction]
#[pyo3(signature = (request, params, call, at_once, db, told))]
pub fn function<'py>(
    py: Python<'py>,
    request: &str,
    params: &Bound<'py, Params>,
    call: Py<PyAny>,
    at_once: usize,
    db: PathBuf,
    told: Py<PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut request: FunctionRequest = task::request(py, request)?;
    request.params = params.get().0.clone();
    let found = task::run(py, told, |told| {
        let landscape = FunctionLandscape::prepare(&request, told.as_ref())?;
        let store = task::open(&db, told)?;
        let function = Function {
            plane: &landscape.directions.plane,
            call,
            at_once: at_once.max(1),
        };
        let is_new = store.stored(&landscape.spec)?.is_none();
        let found = landscape.run(&function, &store, told.as_ref());
        if found.is_err() && is_new {
            forget_empty(&landscape, &store)?;
        }
        found
    })?;
    sampled(py, &found)
}

/// Removes a run that ended before its first point: a function that gives what it should not is wrong input, which stores nothing.
fn forget_empty(landscape: &FunctionLandscape, store: &Store) -> Result<(), StudyError> {
    if let Some(run) = store.stored(&landscape.spec)?
        && store.summary(&run.name)?.points == 0
    {
        store.remove(&run.name)?;
    }
    Ok(())
}

/// A function of Python on a plane.
struct Function<'a> {
    plane: &'a Plane,
    call: Py<PyAny>,
    at_once: usize,
}

impl Function<'_> {
    /// Points whose parameters are handed over together.
    fn group(&self) -> usize {
        let values: usize = self.plane.origin().iter().map(|t| t.numel()).sum();
        let fitting = TOGETHER / (values * size_of::<f32>()).max(1);
        self.at_once.min(fitting.max(1))
    }

    fn values(&self, points: &[Point]) -> Vec<f32> {
        let mut values = Vec::new();
        for &point in points {
            for tensor in &self.plane.at(point) {
                values.extend_from_slice(&tensor.data);
            }
        }
        values
    }

    fn call(&self, points: &[Point]) -> PyResult<Vec<Sample>> {
        let values = self.values(points);
        Python::attach(|py| {
            let values = bytes(py, &values)?;
            let given = self.call.bind(py).call1((values, points.len()))?;
            let (losses, errors, accuracies): Given = given.extract()?;
            let sample = |place: usize| Sample {
                loss: losses[place],
                loss_se: errors.as_ref().map(|e| e[place]),
                accuracy: accuracies.as_ref().map(|a| a[place]),
                terms: Vec::new(),
            };
            Ok((0..losses.len()).map(sample).collect())
        })
    }
}

impl Objective for Function<'_> {
    fn dims(&self) -> usize {
        self.plane.dims()
    }

    fn evaluate(&self, points: &[Point]) -> Result<Vec<Sample>, ObjectiveError> {
        let mut samples = Vec::with_capacity(points.len());
        for group in points.chunks(self.group()) {
            // A signal is looked for between calls by Python itself.
            samples.extend(self.call(group).map_err(ObjectiveError::new)?);
        }
        Ok(samples)
    }

    fn at_once(&self) -> usize {
        self.group()
    }
}
