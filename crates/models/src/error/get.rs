//! What can go wrong with a download.

use landscape_core::path_words;
use std::path::{Path, PathBuf};

/// Why a data set's files are not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GetError {
    /// The address makes no sense.
    #[error(
        "`{url}` is not an address: {reason}; give the folder of the files on a server, as in \
         https://example.org/mnist"
    )]
    Address {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server has no such file, or does not give it.
    #[error("{url}: the server answers {status}; give another server that has the file")]
    Status {
        /// The file's address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server cannot be reached, or the connection broke and could not be taken up again.
    #[error(
        "{url}: {reason} after {done} bytes; the same request continues there, also from another server"
    )]
    Connection {
        /// The file's address.
        url: String,
        /// What happened.
        reason: String,
        /// Bytes that are there.
        done: u64,
    },
    /// More came than the files can be.
    #[error(
        "{url} is longer than the {limit} bytes that {archive} can have; what was received was \
         discarded: give another server"
    )]
    TooLong {
        /// The file's address.
        url: String,
        /// The archive.
        archive: String,
        /// The most that is taken.
        limit: u64,
    },
    /// What came cannot be unpacked.
    #[error(
        "{url} is corrupt ({reason}); what was received was discarded: try again, or give another server"
    )]
    Corrupt {
        /// The archive's address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An unpacked file is not the one that was published.
    #[error(
        "{file} from {url} has the SHA-256 {found}, expected {expected}; it was discarded: try \
         again, or give another server"
    )]
    Checksum {
        /// The file.
        file: String,
        /// The archive's address.
        url: String,
        /// The sum that it has.
        found: String,
        /// The sum that it must have.
        expected: String,
    },
    /// A file could not be read or written.
    #[error(
        "cannot {action} {}: {source}; check the path, its permissions and the space on the disk",
        path_words(path)
    )]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl GetError {
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        GetError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    /// Whether what came is not what it should be.
    pub(crate) fn is_wrong_content(&self) -> bool {
        matches!(self, GetError::Corrupt { .. } | GetError::Checksum { .. })
    }
}
