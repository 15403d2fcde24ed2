//! Any pair of tensors `x` and `y` in a file.

use super::Dataset;
use crate::files::{self, Array, Numbers};
use crate::{DataSpec, ModelsError, Targets};
use landscape_core::counted;
use std::path::Path;

/// Tensors `x` and `y` of a `.safetensors` or `.npz` file.
pub(super) fn load(path: &Path) -> Result<Dataset, ModelsError> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    let (x, y) = match extension.to_ascii_lowercase().as_str() {
        "npz" => from_npz(path)?,
        "safetensors" => from_safetensors(path)?,
        _ => {
            return Err(ModelsError::UnknownData {
                spec: path.display().to_string(),
                known: DataSpec::KNOWN,
            });
        }
    };
    let found = |array: Option<Array>, name: &str| {
        array.ok_or_else(|| {
            let reason =
                format!("it has no tensor `{name}`; store the inputs as x, the targets as y");
            ModelsError::unsupported(path, reason)
        })
    };
    dataset(path.display().to_string(), found(x, "x")?, found(y, "y")?)
}

/// `x` and `y` in two `.npy` files.
pub(super) fn load_pair(x: &Path, y: &Path) -> Result<Dataset, ModelsError> {
    let name = format!("{},{}", x.display(), y.display());
    dataset(name, files::read_npy(x, false)?, files::read_npy(y, true)?)
}

type Found = (Option<Array>, Option<Array>);

fn from_npz(path: &Path) -> Result<Found, ModelsError> {
    let [x, y] = files::read_npz(path, ["x", "y"])?;
    Ok((x, y))
}

fn from_safetensors(path: &Path) -> Result<Found, ModelsError> {
    let [x, y] = files::read_safetensors(path, ["x", "y"])?;
    Ok((x, y))
}

/// Inputs `[n, ...]` as they are; whole-number targets `[n]` or `[n, 1]` are classes, all others
/// `[n]` or `[n, width]` values.
fn dataset(name: String, x: Array, y: Array) -> Result<Dataset, ModelsError> {
    let shape_error = |reason| ModelsError::DataShape {
        name: name.clone(),
        reason,
    };
    if x.shape.is_empty() {
        return Err(shape_error(
            "x is a scalar; its first axis must be the samples".into(),
        ));
    }
    let width = match y.shape[..] {
        [_] => 1,
        [_, width] if width > 0 => width,
        _ => {
            let reason = format!("y has shape {:?}; it must be [n] or [n, width]", y.shape);
            return Err(shape_error(reason));
        }
    };
    if x.shape[0] != y.shape[0] {
        let (inputs, targets) = (x.shape[0], y.shape[0]);
        let reason = format!(
            "x has {}, y has {targets}; each needs one target",
            counted(inputs, "sample")
        );
        return Err(shape_error(reason));
    }
    let targets = match y.values {
        Numbers::Int(labels) if width == 1 => Targets::Classes(labels),
        values => Targets::Values {
            data: values.into_floats(),
            width,
        },
    };
    Dataset::new(name, x.shape, x.values.into_floats(), targets)
}
