//! What keeps a database in order: tables of this version, and no more space than it needs.

use crate::StudyError;
use crate::files::serialize_path;
use crate::words::size;
use landscape_core::path_words;
use landscape_storage::{SCHEMA_VERSION, Store};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// A database whose tables are those of this version. As JSON it is what `landscape migrate --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Migration {
    /// The database.
    #[serde(serialize_with = "serialize_path")]
    pub file: PathBuf,
    /// The version that its tables had.
    pub from: u64,
    /// The version that they have.
    pub to: u64,
}

impl Migration {
    /// Brings the tables of a database up to date.
    ///
    /// # Errors
    /// Those of [`Store::migrate`].
    pub fn run(path: &Path) -> Result<Self, StudyError> {
        Ok(Migration {
            from: Store::migrate(path)?,
            file: path.to_owned(),
            to: SCHEMA_VERSION,
        })
    }
}

impl fmt::Display for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, from, to) = (path_words(&self.file), self.from, self.to);
        match from == to {
            true => writeln!(f, "{file} has schema version {from}, the newest"),
            false => writeln!(f, "{file}: schema version {from} became {to}"),
        }
    }
}

/// A database without the space of runs that were removed. As JSON it is what `landscape compact --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compaction {
    /// The database.
    #[serde(serialize_with = "serialize_path")]
    pub file: PathBuf,
    /// Bytes that it took.
    pub before: u64,
    /// Bytes that it takes.
    pub after: u64,
}

impl Compaction {
    /// Gives the space back.
    ///
    /// # Errors
    /// Those of [`Store::compact`].
    pub fn run(store: &Store) -> Result<Self, StudyError> {
        let done = store.compact()?;
        Ok(Compaction {
            file: store.path().to_owned(),
            before: done.before,
            after: done.after,
        })
    }
}

impl fmt::Display for Compaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = (size(self.before), size(self.after));
        writeln!(f, "{}: {before} became {after}", path_words(&self.file))
    }
}
