//! A database file and what is done with it.

mod checkpoints;
mod columns;
mod compact;
mod curvature;
mod curvature_map;
mod deltas;
mod directions;
mod fence;
mod file;
mod keep;
mod lanczos;
mod leftovers;
mod list;
mod names;
mod records;
mod replacement;
mod runs;
mod sessions;
mod surface;
mod tensors;
mod training_states;
mod trajectory;
mod words;

pub use checkpoints::{Checkpoints, StoredCheckpoint, StoredRows};
pub use compact::Compacted;
pub use directions::StoredDirections;
pub use keep::JournalNote;
pub use list::{RunFilter, RunOrder};
pub use trajectory::NamedTrajectory;

pub(crate) use keep::{Kept, Refused};

use crate::error::Error;
use crate::journal;
use crate::run::Run;
use duckdb::Connection;
use fence::Writer;
use file::{Access, File};
use keep::Patience;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long an operation waits for another process to let go of the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// A database file with runs.
///
/// The file is opened for each operation and closed after it, so that other processes can read in
/// between; [`Store::hold`] keeps it open over several. Every change is one transaction: a process
/// killed at any moment leaves a file that holds all changes made before. Clones, and all stores
/// of one file in a process, share the file; operations of several threads run one after another.
///
/// A run belongs to the store that began or continued it last, be it of this process or of another: earlier
/// ones can change it no more ([`Error::TakenOver`]). Clones are one store.
#[derive(Debug, Clone)]
pub struct Store {
    file: Arc<File>,
    patience: Patience,
    writable: bool,
    writer: Writer,
}

/// Keeps a file open until it is dropped, see [`Store::hold`].
#[derive(Debug)]
pub struct Hold {
    file: Arc<File>,
}

impl Store {
    /// The store in a file, which is made where there is none; tables of older versions are
    /// brought up to date.
    ///
    /// # Errors
    /// When the file is not a database, is one of another program or of a newer version, cannot be
    /// made, or stays in use by another process.
    pub fn open(path: impl AsRef<Path>) -> Result<Store, Error> {
        let store = Store::of(path.as_ref(), true);
        store.prepare()?;
        Ok(store)
    }

    /// As [`Store::open`] and [`Store::hold`] in one opening of the file: the quickest way to open a
    /// store and begin a run in it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_and_hold(path: impl AsRef<Path>) -> Result<(Store, Hold), Error> {
        let store = Store::of(path.as_ref(), true);
        let hold = store.hold();
        store.prepare()?;
        Ok((store, hold))
    }

    /// Brings the tables of a file to [`crate::schema::SCHEMA_VERSION`], as [`Store::open`] does, and gives the
    /// version that they had. A file that is up to date stays as it is.
    ///
    /// # Errors
    /// As [`Store::open`], and when there is no file or it is empty.
    pub fn migrate(path: impl AsRef<Path>) -> Result<u64, Error> {
        let store = Store::of(path.as_ref(), true);
        let version = store.file.migrate(PATIENCE)?;
        match journal::exists(store.path()) {
            true => store.write(|_| Ok(version)),
            false => Ok(version),
        }
    }

    /// The store in a file, for reading only.
    ///
    /// # Errors
    /// As [`Store::open`], and when there is no file.
    pub fn open_read(path: impl AsRef<Path>) -> Result<Store, Error> {
        let store = Store::of(path.as_ref(), false);
        store.file.check(PATIENCE)?;
        store.take_in_to_read()?;
        Ok(store)
    }

    fn prepare(&self) -> Result<(), Error> {
        let path = self.path();
        if journal::exists(path) && !path.exists() {
            return Err(Error::OtherJournal {
                path: journal::path_of(path),
            });
        }
        self.file.prepare(PATIENCE)?;
        match journal::exists(path) {
            true => self.write(|_| Ok(())),
            false => Ok(()),
        }
    }

    fn of(path: &Path, writable: bool) -> Store {
        Store {
            file: File::shared(path),
            patience: Patience::new(PATIENCE),
            writable,
            writer: Writer::new(),
        }
    }

    /// The same store with another patience: how long an operation waits while another process
    /// keeps the file, before it fails with [`Error::Locked`]. Five seconds unless changed.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = Patience::new(patience);
        self
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Keeps the file open from the next operation on until the value is dropped: several
    /// operations in a row then cost one opening, and other processes have to wait.
    pub fn hold(&self) -> Hold {
        self.file.hold();
        Hold {
            file: Arc::clone(&self.file),
        }
    }

    /// Reads.
    pub(crate) fn read<R>(
        &self,
        operation: impl FnOnce(&Connection) -> Result<R, Error>,
    ) -> Result<R, Error> {
        match self.writable && journal::exists(self.path()) {
            false => self.file.with(Access::Read, &self.patience, operation),
            true => self.file.with(Access::Write, &self.patience, |conn| {
                self.take_in(conn)?;
                operation(conn)
            }),
        }
    }

    /// Reads what a run holds. Rows that cannot be what this program wrote are damage of the run.
    pub(crate) fn read_of<R>(
        &self,
        run: &Run,
        operation: impl FnOnce(&Connection) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.read(|conn| operation(conn).map_err(|error| error.of_run(&run.name)))
    }

    /// Reads with a connection that can do nothing else.
    pub(crate) fn query<R>(
        &self,
        operation: impl FnOnce(&Connection) -> Result<R, Error>,
    ) -> Result<R, Error> {
        if self.writable && journal::exists(self.path()) {
            self.read(|_| Ok(()))?;
        }
        self.file.with(Access::Query, &self.patience, operation)
    }

    /// Changes the file in one transaction.
    pub(crate) fn write<R>(
        &self,
        operation: impl FnOnce(&Connection) -> Result<R, Error>,
    ) -> Result<R, Error> {
        if !self.writable {
            return Err(Error::ReadOnly {
                path: self.path().to_owned(),
            });
        }
        self.file.with(Access::Write, &self.patience, |conn| {
            self.take_in(conn)?;
            file::transaction(conn, operation)
        })
    }
}

/// A run does not hold what was asked of it.
pub(crate) fn lacks(run: &Run, what: &'static str) -> Error {
    Error::Lacks {
        name: run.name.clone(),
        kind: run.kind.to_string(),
        what,
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.file.release();
    }
}
