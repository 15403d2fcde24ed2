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
    /// What to do about it, where the message does not say it already.
    pub fn help(&self) -> Option<String> {
        match self {
            FileError::Io(error) => Some(io_help(error).to_owned()),
            FileError::Corrupt(_) => Some("get the file again".to_owned()),
            FileError::Unsupported(_) => None,
            FileError::TooLarge(reason) => Some(reason.help()),
        }
    }

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

/// What to do about a file that cannot be read or written.
pub fn io_help(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "check the permissions of the file and of its folder",
        io::ErrorKind::NotFound => "check the path; its folders must exist",
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => "check the path",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "make space on the disk, or raise the limit (`ulimit -f`)"
        }
        io::ErrorKind::ReadOnlyFilesystem => "give a path on a file system that is writable",
        io::ErrorKind::UnexpectedEof => "get the file again",
        _ => "check the path",
    }
}
