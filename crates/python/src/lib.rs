//! The compiled part of the Python package `loss_landscape`: operations of `landscape-study` on what Python hands over.
//!
//! Requests come as JSON, in the form in which `landscape-study` reads them; data and parameters, and what is sampled, as
//! bytes that NumPy's arrays are made of; all else goes back as the JSON that the command prints. While an operation computes, the interpreter is free.

mod curvature;
mod errors;
mod figures;
mod function;
mod paths;
mod recorder;
mod runs;
mod sampling;
mod task;
mod told;
mod values;

use pyo3::prelude::*;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<values::Data>()?;
    module.add_class::<values::Params>()?;
    module.add_class::<recorder::Recorder>()?;
    module.add_function(wrap_pyfunction!(sampling::landscape, module)?)?;
    module.add_function(wrap_pyfunction!(sampling::train, module)?)?;
    module.add_function(wrap_pyfunction!(function::function, module)?)?;
    module.add_function(wrap_pyfunction!(curvature::curvature, module)?)?;
    module.add_function(wrap_pyfunction!(paths::trajectory, module)?)?;
    module.add_function(wrap_pyfunction!(paths::connect, module)?)?;
    module.add_function(wrap_pyfunction!(paths::sweep, module)?)?;
    module.add_function(wrap_pyfunction!(paths::compare, module)?)?;
    module.add_function(wrap_pyfunction!(paths::diagnose, module)?)?;
    module.add_function(wrap_pyfunction!(runs::merge, module)?)?;
    module.add_function(wrap_pyfunction!(runs::runs, module)?)?;
    module.add_function(wrap_pyfunction!(runs::load, module)?)?;
    module.add_function(wrap_pyfunction!(runs::directions, module)?)?;
    module.add_function(wrap_pyfunction!(runs::checkpoint, module)?)?;
    module.add_function(wrap_pyfunction!(runs::records, module)?)?;
    module.add_function(wrap_pyfunction!(runs::metrics, module)?)?;
    module.add_function(wrap_pyfunction!(runs::export, module)?)?;
    module.add_function(wrap_pyfunction!(runs::close, module)?)?;
    module.add_function(wrap_pyfunction!(figures::figure, module)?)?;
    module.add_function(wrap_pyfunction!(figures::draw, module)?)?;
    module.add_function(wrap_pyfunction!(figures::figures, module)?)?;
    module.add_function(wrap_pyfunction!(figures::page, module)?)?;
    Ok(())
}
