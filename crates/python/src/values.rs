//! Data and parameters that Python hands over as arrays.

use crate::errors::exception;
use landscape_core::{Parameter, Role};
use landscape_models::data::Input;
use landscape_models::{Dataset, Targets, save_weights};
use landscape_study::StudyError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes};
use std::path::PathBuf;

/// A tensor: its name, its shape, and its values in a row, in parts: bytes of numbers in the order of this machine.
type Named<'py> = (String, Vec<usize>, Bound<'py, PyAny>);

/// Numbers that are bytes in Python.
pub trait Number: Copy + Sized {
    /// From the bytes of one, in the order of this machine.
    fn of(bytes: &[u8]) -> Self;

    /// Writes its bytes.
    fn put(self, to: &mut [u8]);
}

macro_rules! numbers {
    ($($number:ty),+) => {
        $(impl Number for $number {
            fn of(bytes: &[u8]) -> Self {
                Self::from_ne_bytes(bytes.try_into().expect("the bytes of one number"))
            }

            fn put(self, to: &mut [u8]) {
                to.copy_from_slice(&self.to_ne_bytes());
            }
        })+
    };
}

numbers!(f32, f64, i64);

/// Numbers from parts, which an iterator of Python gives one after the other, so that nothing is held twice.
fn numbers<T: Number>(parts: &Bound<'_, PyAny>, count: usize) -> PyResult<Vec<T>> {
    let mut all = Vec::with_capacity(count);
    for part in parts.try_iter()? {
        let part = part?.cast_into::<PyBytes>()?;
        let each = part.as_bytes().chunks_exact(size_of::<T>());
        all.extend(each.map(T::of));
    }
    Ok(all)
}

/// Numbers as bytes that an array of Python can be made of.
pub fn bytes<'py, T: Number>(py: Python<'py>, values: &[T]) -> PyResult<Bound<'py, PyByteArray>> {
    let size = size_of::<T>();
    PyByteArray::new_with(py, size_of_val(values), |to| {
        for (to, value) in to.chunks_exact_mut(size).zip(values) {
            value.put(to);
        }
        Ok(())
    })
}

/// Samples with their targets, copied once.
#[pyclass(frozen, module = "loss_landscape._native")]
pub struct Data(Dataset);

impl Data {
    /// The samples; clones share the inputs.
    pub fn of(data: Option<&Bound<'_, Data>>) -> Option<Dataset> {
        data.map(|data| data.get().0.clone())
    }
}

#[pymethods]
impl Data {
    /// Inputs by name, each `(name, shape, values)`, and targets: `labels` of classes, or `values` of a shape, samples first.
    #[new]
    #[pyo3(signature = (name, inputs, labels=None, values=None))]
    fn new(
        py: Python<'_>,
        name: String,
        inputs: Vec<Named<'_>>,
        labels: Option<Bound<'_, PyAny>>,
        values: Option<(Vec<usize>, Bound<'_, PyAny>)>,
    ) -> PyResult<Self> {
        let samples = inputs.first().and_then(|input| input.1.first());
        let samples = samples.copied().unwrap_or(0);
        let mut shape = None;
        let targets = match (labels, values) {
            (Some(labels), _) => Targets::Classes(numbers(&labels, samples)?),
            (None, Some((own, values))) => {
                let width: usize = own[1..].iter().product();
                let data = numbers(&values, samples * width)?;
                shape = Some(own[1..].to_vec()).filter(|shape| !shape.is_empty());
                Targets::Values { data, width }
            }
            (None, None) => Targets::None(samples),
        };
        let inputs = inputs.into_iter().map(|(name, shape, values)| {
            let values = numbers(&values, shape.iter().product())?;
            Ok(Input::new(name, shape, values))
        });
        let inputs: Vec<Input> = inputs.collect::<PyResult<_>>()?;
        let made = py.detach(|| {
            let data = Dataset::with_inputs(name, inputs, targets)?;
            match shape {
                Some(shape) => data.with_target_shape(shape),
                None => Ok(data),
            }
        });
        made.map(Data)
            .map_err(|error| exception(py, &StudyError::from(error)))
    }

    /// SHA-256 of all numbers.
    fn digest(&self, py: Python<'_>) -> String {
        py.detach(|| self.0.digest())
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }
}

/// Named tensors, copied once.
#[pyclass(frozen, module = "loss_landscape._native")]
pub struct Params(pub landscape_core::Params);

#[pymethods]
impl Params {
    /// Tensors `(name, shape, values)` in their order; `buffers` are the names of those that are state, not parameters.
    #[new]
    #[pyo3(signature = (tensors, buffers=Vec::new()))]
    fn new(py: Python<'_>, tensors: Vec<Named<'_>>, buffers: Vec<String>) -> PyResult<Self> {
        let made = tensors.into_iter().map(|(name, shape, values)| {
            let values = numbers(&values, shape.iter().product())?;
            let role = match buffers.contains(&name) {
                true => Role::Buffer,
                false => Role::from_name(&name, &shape),
            };
            let made = Parameter::new(name, shape, values, role);
            made.map_err(|error| exception(py, &error.into()))
        });
        let tensors = made.collect::<PyResult<Vec<Parameter>>>()?;
        let params = landscape_core::Params::new(tensors);
        params
            .map(Params)
            .map_err(|error| exception(py, &error.into()))
    }

    /// SHA-256 of names, shapes and values.
    fn digest(&self, py: Python<'_>) -> String {
        py.detach(|| self.0.digest())
    }

    /// Writes them to a file of safetensors.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let saved = py.detach(|| save_weights(&path, &self.0));
        saved.map_err(|error| exception(py, &StudyError::from(error)))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }
}
