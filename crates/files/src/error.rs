use crate::TooLarge;
use std::io;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The operating system failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file contradicts itself, or is cut short.
    #[error("{0}")]
    Corrupt(String),
    /// A sound file holds what is not read.
    #[error("{0}")]
    Unsupported(String),
    /// The file holds more than its length lets expect.
    #[error("{0}")]
    TooLarge(#[from] TooLarge),
}

impl FileError {
    /// What reading gave: decoders tell damage by these kinds.
    pub(crate) fn reading(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => FileError::Corrupt("ends early".to_owned()),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                FileError::Corrupt(format!("cannot be unpacked ({error})"))
            }
            _ => FileError::Io(error),
        }
    }
}
