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
mod kept;
mod lanczos;
mod leftovers;
mod list;
mod merge;
mod names;
mod records;
mod replacement;
mod runs;
mod sessions;
mod summary;
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
pub use merge::{Contribution, MergeFile, MergeSource, MissingPoints};
pub use sessions::host;
pub use trajectory::NamedTrajectory;

pub(crate) use keep::{Kept, Refused};

use crate::connection::Connection;
use crate::error::Error;
use crate::journal;
use crate::run::Run;
use fence::Writer;
use file::{Access, File};
use keep::Timeout;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long an operation waits for another process to let go of the file.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A database file with runs.
///
/// The file is opened by the first operation and closed when it is idle (0.4 s after it was opened, 20 ms after the last
/// operation later on, and with the last store), so that other processes get at it in
/// between. Every change is one transaction: a process
/// killed at any moment leaves a file that holds all changes made before. Clones, and all stores
/// of one file in a process, share the connection; operations of several threads run one after another.
/// Code of the same process that opens the file with DuckDB itself calls [`Store::close`] first: locks keep only
/// processes apart.
///
/// A run belongs to the store that began or continued it last, be it of this process or of another: earlier
/// ones can change it no more ([`Error::TakenOver`]). Clones are one store.
#[derive(Debug, Clone)]
pub struct Store {
    file: Arc<File>,
    timeout: Timeout,
    writable: bool,
    writer: Writer,
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

    /// Brings the tables of a file to [`crate::schema::SCHEMA_VERSION`], as [`Store::open`] does, and gives the
    /// version that they had. A file that is up to date stays as it is.
    ///
    /// # Errors
    /// As [`Store::open`], and when there is no file or it is empty.
    pub fn migrate(path: impl AsRef<Path>) -> Result<u64, Error> {
        let store = Store::of(path.as_ref(), true);
        let version = store.file.migrate(TIMEOUT)?;
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
        store.file.check(TIMEOUT)?;
        store.take_in_to_read()?;
        Ok(store)
    }

    /// The store in a file, for a look in passing: nothing is written, results that wait beside the file stay there, and
    /// each operation waits no longer than `wait` for another process.
    ///
    /// # Errors
    /// As [`Store::open_read`].
    pub fn peek(path: impl AsRef<Path>, wait: Duration) -> Result<Store, Error> {
        let store = Store::of(path.as_ref(), false).with_timeout(wait);
        store.file.check(wait)?;
        Ok(store)
    }

    fn prepare(&self) -> Result<(), Error> {
        let path = self.path();
        if journal::exists(path) && !path.exists() {
            return Err(Error::OtherJournal {
                path: journal::path_of(path),
            });
        }
        self.file.prepare(TIMEOUT)?;
        match journal::exists(path) {
            true => self.write(|_| Ok(())),
            false => Ok(()),
        }
    }

    fn of(path: &Path, writable: bool) -> Store {
        Store {
            file: File::shared(path),
            timeout: Timeout::new(TIMEOUT),
            writable,
            writer: Writer::new(),
        }
    }

    /// The same store with another time-out: how long an operation waits while another process
    /// has the file open, before it fails with [`Error::Locked`]. Five seconds unless changed.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Timeout::new(timeout);
        self
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Closes a file now where stores of this process have it open: before other code of the process opens, moves or
    /// copies it. The next operation opens it again.
    pub fn close(path: impl AsRef<Path>) {
        File::close(path.as_ref());
    }

    /// Reads.
    pub(crate) fn read<R>(
        &self,
        operation: impl FnOnce(&Connection) -> Result<R, Error>,
    ) -> Result<R, Error> {
        match self.writable && journal::exists(self.path()) {
            false => self.file.with(Access::Read, &self.timeout, operation),
            true => self.file.with(Access::Write, &self.timeout, |conn| {
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
        self.file.with(Access::Query, &self.timeout, operation)
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
        self.file.with(Access::Write, &self.timeout, |conn| {
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
