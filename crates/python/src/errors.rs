//! Failures as exceptions of Python, with what happened, where, and what to do.

use landscape_core::in_full;
use landscape_study::StudyError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use std::error::Error;

/// Where the classes are defined.
const MODULE: &str = "loss_landscape._errors";

/// The exception for an error: that of a function of the user's where one is below it, an interruption, or one of ours.
pub fn exception(py: Python<'_>, error: &StudyError) -> PyErr {
    if let Some(raised) = raised(error) {
        return raised.clone_ref(py);
    }
    let class = match error {
        StudyError::Interrupted { .. } => "Interrupted",
        error if error.is_unsupported() => "Unsupported",
        error if error.is_wrong_input() => "InputError",
        _ => "LandscapeError",
    };
    let what = in_full(error);
    let place = error.place().or_else(|| first_quoted(&what));
    made(py, class, &what, place.as_deref(), error.help().as_deref())
}

/// A wrong argument that is found here.
pub fn wrong(py: Python<'_>, what: &str, place: &str, remedy: &str) -> PyErr {
    made(py, "InputError", what, Some(place), Some(remedy))
}

fn made(
    py: Python<'_>,
    class: &str,
    what: &str,
    place: Option<&str>,
    remedy: Option<&str>,
) -> PyErr {
    static CLASSES: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = CLASSES.get_or_try_init(py, || PyModule::import(py, MODULE).map(Bound::unbind));
    let made = module.and_then(|module| {
        let class = module.bind(py).getattr(class)?;
        class.call1((what, place, remedy))
    });
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// The exception of Python that an error comes from.
fn raised(error: &StudyError) -> Option<&PyErr> {
    let mut below: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = below {
        if let Some(raised) = error.downcast_ref::<PyErr>() {
            return Some(raised);
        }
        below = error.source();
    }
    None
}

/// What a message names first in backticks.
fn first_quoted(what: &str) -> Option<String> {
    let mut parts = what.split('`');
    parts.next()?;
    parts.next().map(str::to_owned)
}
