//! Reading and writing files of numbers.

mod arrays;
mod listing;
mod npy;
mod safe;

pub(crate) use arrays::Arrays;
pub(crate) use landscape_files::pickle::is_named_so as is_named_as_pickle;
pub(crate) use landscape_files::{Array, Numbers, Stored, pickle, product};
pub(crate) use listing::{Listed, Listing};
pub(crate) use npy::read_npy;

use crate::ModelsError;
use std::path::Path;

/// As what the values of an array are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    Float,
    /// Whole numbers, and booleans.
    Whole,
    /// Bytes, as those of images.
    Byte,
}

/// The whole file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, ModelsError> {
    landscape_files::read(path).map_err(|source| ModelsError::read(path, source))
}

/// Writes a file that is either complete or not there: to a temporary name beside it, then renamed.
///
/// A failure leaves an existing file of that name as it was.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), ModelsError> {
    landscape_core::files::write_whole(path, bytes, true).map_err(|source| ModelsError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    })
}

/// Whether targets of this shape may be classes, which are read as the whole numbers that they are.
pub(crate) fn may_be_classes(shape: &[usize]) -> bool {
    matches!(shape, [_] | [_, 1])
}
