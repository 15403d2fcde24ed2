//! PyTorch's exported programs.

use crate::source::Source;
use landscape_files::{Budget, FileError};

/// Whether bytes are an archive of `torch.export.save`.
pub(crate) fn is_program(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// The program in an archive.
pub(crate) fn read(_bytes: &[u8], _budget: &Budget) -> Result<Source, FileError> {
    Err(FileError::Unsupported("not yet".into()))
}
