//! The IDX format of the MNIST files.

use crate::ModelsError;
use crate::files::{product, read_maybe_gzip};
use std::path::Path;

/// An array of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdxArray {
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// The values, row-major.
    pub data: Vec<u8>,
}

/// Reads an IDX file of unsigned bytes, packed with gzip or not.
///
/// The format: two zero bytes, the type (8 for unsigned bytes), the number of axes, each axis'
/// length as a big-endian 32-bit number, the values row-major.
///
/// # Errors
/// [`ModelsError::Io`]; [`ModelsError::Corrupt`] when the header is not one of IDX or the file has
/// fewer or more values than its header says; [`ModelsError::Unsupported`] for other types.
pub fn read_idx(path: impl AsRef<Path>) -> Result<IdxArray, ModelsError> {
    let path = path.as_ref();
    parse(read_maybe_gzip(path)?, path)
}

/// The array in the unpacked bytes of a file.
pub(super) fn parse(mut bytes: Vec<u8>, path: &Path) -> Result<IdxArray, ModelsError> {
    let (kind, axes) = match bytes[..] {
        [0, 0, kind, axes, ..] => (kind, usize::from(axes)),
        _ => {
            return Err(ModelsError::corrupt(
                path,
                "it does not begin as IDX data does",
            ));
        }
    };
    if kind != 8 {
        let reason =
            format!("its values are of IDX type {kind:#04x}; unsigned bytes (0x08) are read");
        return Err(ModelsError::unsupported(path, reason));
    }
    let start = 4 + 4 * axes;
    let Some(header) = bytes.get(4..start) else {
        return Err(ModelsError::corrupt(path, "it ends inside its header"));
    };
    let shape: Vec<usize> = header
        .chunks_exact(4)
        .map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize)
        .collect();
    let found = bytes.len() - start;
    if product(&shape) != Some(found) {
        let needed = product(&shape).map_or("more than can be".to_owned(), |n| n.to_string());
        return Err(ModelsError::corrupt(
            path,
            format!("it has {found} values, its header {shape:?} says {needed}"),
        ));
    }
    bytes.drain(..start);
    Ok(IdxArray { shape, data: bytes })
}
