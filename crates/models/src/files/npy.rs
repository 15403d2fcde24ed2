//! Arrays of NumPy's files.

use super::{Array, Element, Numbers, may_be_classes};
use crate::ModelsError;
use landscape_files::{Budget, FileError, Npy, Npz, Stored};
use std::io::{BufReader, Read};
use std::path::Path;

/// Inputs or targets in a `.npy` file.
pub(crate) fn read_npy(path: &Path, targets: bool) -> Result<(Array, Element), ModelsError> {
    let failed = |e| ModelsError::file(path, "the file", e);
    let (file, length) = landscape_files::open(path).map_err(|e| ModelsError::read(path, e))?;
    let budget = Budget::new(length);
    let npy = Npy::new(BufReader::new(file), length, &budget).map_err(failed)?;
    array(npy, targets).map_err(failed)
}

/// A `.npz` archive.
pub(super) fn open_npz(path: &Path) -> Result<Npz<BufReader<std::fs::File>>, ModelsError> {
    Npz::open(path).map_err(|e| ModelsError::file(path, "it is", e))
}

/// An array of an archive; `None` for one that is not there. Inputs become floating-point numbers as they are read.
pub(super) fn read_npz(
    archive: &mut Npz<BufReader<std::fs::File>>,
    path: &Path,
    name: &str,
    targets: bool,
) -> Result<Option<(Array, Element)>, ModelsError> {
    let failed = |e| ModelsError::file(path, &format!("array `{name}`"), e);
    let found = archive.array(name).map_err(failed)?;
    found
        .map(|npy| array(npy, targets).map_err(failed))
        .transpose()
}

/// The values, whole numbers as such where they may be classes.
fn array<R: Read>(npy: Npy<'_, R>, targets: bool) -> Result<(Array, Element), FileError> {
    let shape = npy.shape().to_vec();
    let element = match npy.kind() {
        Stored::U8 => Element::Byte,
        kind if kind.is_float() => Element::Float,
        _ => Element::Whole,
    };
    let whole = targets && element != Element::Float && may_be_classes(&shape);
    let values = match whole {
        true => Numbers::Int(npy.values()?),
        false => Numbers::Float(npy.values()?),
    };
    Ok((Array { shape, values }, element))
}
