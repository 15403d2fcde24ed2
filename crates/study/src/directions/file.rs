//! Directions in files.

use crate::StudyError;
use crate::files::may_save;
use landscape_core::{Direction, Parameter, Params, Plane, Source};
use landscape_models::{load_weights, save_weights};
use landscape_storage::{Format, import_directions};
use std::fmt::Display;
use std::path::Path;

/// `count` directions of a file, behind the first ones, of parameters that messages call by a name.
pub(super) fn load_directions(
    path: &Path,
    first: usize,
    count: usize,
    origin: &Params,
    name: &dyn Display,
) -> Result<Vec<Direction>, StudyError> {
    if !path.exists() && path.extension().is_none() {
        return Err(StudyError::NoDirection {
            word: path.to_owned(),
        });
    }
    if matches!(Format::of_path(path), Ok(Format::H5)) {
        return from_h5(path, first, count, origin);
    }
    let all = load_weights(path)?;
    let wrong = |reason: String| StudyError::Directions {
        path: path.to_owned(),
        reason,
    };
    let one = |number: usize| -> Result<_, StudyError> {
        let prefix = format!("d{number}.");
        let tensors = with_prefix(&all, &prefix);
        if tensors.is_empty() {
            return Err(wrong(format!(
                "it has no tensors named `{prefix}PARAMETER`, and {count} direction(s) are needed"
            )));
        }
        let tensors = Params::new(tensors).map_err(|error| wrong(error.to_string()))?;
        Direction::from_tensors(tensors, origin, Source::File).map_err(|error| {
            let reason = std::error::Error::source(&error).map(ToString::to_string);
            wrong(format!(
                "direction {number} does not fit {name}: {}",
                reason.unwrap_or_else(|| error.to_string())
            ))
        })
    };
    (first + 1..=first + count).map(one).collect()
}

/// From a file in the layout of tomgoldstein/loss-landscape.
fn from_h5(
    path: &Path,
    first: usize,
    count: usize,
    origin: &Params,
) -> Result<Vec<Direction>, StudyError> {
    let all = import_directions(path, origin)?;
    if all.len() < first + count {
        return Err(StudyError::FewDirections {
            path: path.to_owned(),
            given: all.len(),
            needed: first + count,
        });
    }
    let one = |tensors| Direction::from_tensors(tensors, origin, Source::File);
    let chosen = all.into_iter().skip(first).take(count).map(one);
    Ok(chosen.collect::<Result<_, _>>()?)
}

fn with_prefix(all: &Params, prefix: &str) -> Vec<Parameter> {
    let stripped = |tensor: &Parameter| {
        let name = tensor.name.strip_prefix(prefix)?.to_owned();
        Some(Parameter {
            name,
            ..tensor.clone()
        })
    };
    all.iter().filter_map(stripped).collect()
}

/// Writes the directions of a plane to a file that can be given as directions: tensors `d1.<parameter>`, ...
///
/// # Errors
/// As [`may_save`], and those of [`save_weights`].
pub fn save_directions(path: &Path, plane: &Plane, replace: bool) -> Result<(), StudyError> {
    may_save(path, replace)?;
    let mut tensors = Vec::new();
    for (place, direction) in plane.directions().iter().enumerate() {
        let named = |tensor: &Parameter| Parameter {
            name: format!("d{}.{}", place + 1, tensor.name),
            ..tensor.clone()
        };
        tensors.extend(direction.tensors.iter().map(named));
    }
    Ok(save_weights(path, &Params::new(tensors)?)?)
}
