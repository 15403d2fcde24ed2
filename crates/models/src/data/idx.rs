//! The IDX format of the MNIST files.

use crate::ModelsError;
use landscape_files::{FileError, Unpacked, product};
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
    let failed = |error| ModelsError::file(path, "it", error);
    parse(Unpacked::open(path).map_err(failed)?, path)
}

/// The array in a file, unpacked as it is read.
pub(super) fn parse(mut file: Unpacked<'_>, path: &Path) -> Result<IdxArray, ModelsError> {
    let failed = |error| ModelsError::file(path, "it", error);
    let corrupt = |reason: String| ModelsError::corrupt(path, reason);
    let in_header = |error| match error {
        FileError::Corrupt(reason) if reason == "ends early" => {
            corrupt("it ends inside its header".to_owned())
        }
        error => failed(error),
    };
    let mut start = [0; 4];
    let foreign = || corrupt("it does not begin like IDX data".to_owned());
    file.fill(&mut start).map_err(|error| match error {
        FileError::Corrupt(reason) if reason == "ends early" => foreign(),
        error => failed(error),
    })?;
    let [0, 0, kind, axes] = start else {
        return Err(foreign());
    };
    if kind != 8 {
        let reason = format!(
            "its values have the IDX type {kind:#04x}; only unsigned bytes (0x08) can be read"
        );
        return Err(ModelsError::unsupported(path, reason));
    }
    let mut lengths = vec![0; 4 * usize::from(axes)];
    file.fill(&mut lengths).map_err(in_header)?;
    let (lengths, _) = lengths.as_chunks::<4>();
    let shape: Vec<usize> = lengths
        .iter()
        .map(|&length| u32::from_be_bytes(length) as usize)
        .collect();
    let count = product(&shape);
    let data = file.rest(count).map_err(|error| match error {
        FileError::Corrupt(found) => {
            let says = count.map_or("more than there can be".to_owned(), |n| n.to_string());
            corrupt(format!("it {found}, but its header {shape:?} says {says}"))
        }
        error => failed(error),
    })?;
    Ok(IdxArray { shape, data })
}
