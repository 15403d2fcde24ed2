//! Arrays of NumPy's files.

use super::{Array, Numbers, may_be_classes};
use crate::ModelsError;
use landscape_files::{Budget, FileError, Npy, Npz};
use std::io::{BufReader, Read};
use std::path::Path;

/// Inputs and targets of a `.npz` archive; `None` for one that is not there. Inputs become
/// floating-point numbers as they are read.
pub(crate) fn read_npz(path: &Path, [x, y]: [&str; 2]) -> Result<[Option<Array>; 2], ModelsError> {
    let mut archive = Npz::open(path).map_err(|e| ModelsError::file(path, "it is", e))?;
    let mut read = |name: &str, targets: bool| {
        let failed = |e| ModelsError::file(path, &format!("array `{name}`"), e);
        let found = archive.array(name).map_err(failed)?;
        found
            .map(|npy| array(npy, targets).map_err(failed))
            .transpose()
    };
    Ok([read(x, false)?, read(y, true)?])
}

/// Inputs and targets in two `.npy` files.
pub(crate) fn read_npy(path: &Path, targets: bool) -> Result<Array, ModelsError> {
    let failed = |e| ModelsError::file(path, "the file", e);
    let (file, length) = landscape_files::open(path).map_err(|e| ModelsError::read(path, e))?;
    let budget = Budget::new(length);
    let npy = Npy::new(BufReader::new(file), length, &budget).map_err(failed)?;
    array(npy, targets).map_err(failed)
}

/// The values, whole numbers as such where they may be classes.
fn array<R: Read>(npy: Npy<'_, R>, targets: bool) -> Result<Array, FileError> {
    let shape = npy.shape().to_vec();
    let whole = targets && !npy.kind().is_float() && may_be_classes(&shape);
    let values = match whole {
        true => Numbers::Int(npy.values()?),
        false => Numbers::Float(npy.values()?),
    };
    Ok(Array { shape, values })
}
