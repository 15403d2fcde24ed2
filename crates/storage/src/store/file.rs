//! One database file: opened for an operation, closed after it, shared within the process.
//!
//! DuckDB lets one process write or many read. The lock it takes does not keep two connections of
//! one process apart, so that all stores of a file in this process share one [`File`], which lets
//! one operation through at a time. For the same reason nothing here opens the file in any other way
//! while a connection exists: closing it would give up the lock.

use super::keep::{JournalNote, Patience};
use super::leftovers;
use super::words::{damage, explain, system_error};
use crate::connection::settings;
use crate::error::Error;
use crate::owner;
use crate::query_memory;
use crate::schema::{self, Found};
use duckdb::{AccessMode, Connection, OptionalExt};
use landscape_core::files::Lock;
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// What an operation needs of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    /// Reads with a text that others wrote: a connection of its own that can do nothing else.
    Query,
}

/// A database file of this process.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
    state: Mutex<State>,
    memory: Mutex<Memory>,
}

/// What this process knows of the database without opening it.
#[derive(Debug, Default)]
struct Memory {
    /// See [`database_id`].
    id: Option<String>,
    /// Since when another process was found to have it.
    locked: Option<Instant>,
    /// Provenances of this process that runs may not have yet, by the numbers of the runs.
    sessions: HashMap<i64, Value>,
    notes: Vec<JournalNote>,
}

/// The connection that is kept while somebody holds the file open.
#[derive(Debug, Default)]
struct State {
    holds: usize,
    kept: Option<Kept>,
}

#[derive(Debug)]
struct Kept {
    conn: Connection,
    access: Access,
    /// What the file system calls the file that is open.
    at: Option<FileId>,
}

impl Kept {
    fn new(conn: Connection, access: Access, path: &Path) -> Self {
        let at = file_id(path);
        Kept { conn, access, at }
    }

    /// Whether the file of that name is still the one that is open.
    fn is_at(&self, path: &Path) -> bool {
        self.at == file_id(path)
    }

    fn serves(&self, access: Access) -> bool {
        match access {
            Access::Read => true,
            Access::Write => self.access == Access::Write,
            Access::Query => false,
        }
    }
}

impl File {
    /// The file of that path, the same for every store of this process.
    pub(crate) fn shared(path: &Path) -> Arc<File> {
        static FILES: Mutex<Option<HashMap<PathBuf, Weak<File>>>> = Mutex::new(None);
        let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
        let files = files.get_or_insert_default();
        files.retain(|_, file| file.strong_count() > 0);
        let key = key(path);
        if let Some(file) = files.get(&key).and_then(Weak::upgrade) {
            return file;
        }
        let file = Arc::new(File {
            path: path.to_owned(),
            state: Mutex::default(),
            memory: Mutex::default(),
        });
        files.insert(key, Arc::downgrade(&file));
        file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets an operation use a connection. A connection that has seen an error is not kept.
    pub(crate) fn with<R>(
        &self,
        access: Access,
        patience: &Patience,
        operation: impl FnOnce(&Connection) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut state = self.state();
        let kept = match state.kept.take() {
            Some(kept) if kept.serves(access) && kept.is_at(&self.path) => kept,
            other => {
                drop(other);
                // DuckDB would make an empty one.
                if !exists(&self.path)? {
                    return Err(self.vanished());
                }
                let conn = patience.open(|limit| open_at(&self.path, access, limit))?;
                if access != Access::Write {
                    schema::see_as_newest(&conn).map_err(|error| self.explain(error, access))?;
                }
                self.learn(&conn);
                Kept::new(conn, access, &self.path)
            }
        };
        let mut result = operation(&kept.conn).map_err(|error| self.explain(error, access));
        if result.is_ok() && access == Access::Write && !kept.is_at(&self.path) {
            result = Err(self.vanished());
        }
        if result.is_ok() && state.holds > 0 && access != Access::Query {
            state.kept = Some(kept);
        }
        result
    }

    /// The file is no longer there, and with it all that this process works on in it.
    fn vanished(&self) -> Error {
        owner::abandon(&self.path);
        let path = self.path.clone();
        Error::Vanished { path }
    }

    /// Says which file an operation failed in, and what the operating system said to DuckDB.
    fn explain(&self, error: Error, access: Access) -> Error {
        match error {
            Error::Database { source, path } if path.as_os_str().is_empty() => {
                let action = match access {
                    Access::Write => "write",
                    Access::Read | Access::Query => "read",
                };
                let message = source.to_string();
                match (system_error(&message), damage(&message)) {
                    (Some(source), _) => Error::io(action, &self.path)(source),
                    (None, Some(what)) => Error::damaged(what).in_file(&self.path),
                    (None, None) => Error::Database { source, path }.in_file(&self.path),
                }
            }
            error => error.in_file(&self.path),
        }
    }

    /// Keeps the connection of the next operation until [`File::release`].
    pub(crate) fn hold(&self) {
        self.state().holds += 1;
    }

    pub(crate) fn release(&self) {
        let mut state = self.state();
        state.holds -= 1;
        if state.holds == 0 {
            state.kept = None;
        }
    }

    /// Makes the file where there is none, and brings its tables up to date. While the file is
    /// held, the connection for that is kept.
    pub(crate) fn prepare(&self, patience: Duration) -> Result<(), Error> {
        let mut state = self.state();
        if state
            .kept
            .as_ref()
            .is_some_and(|kept| kept.is_at(&self.path))
        {
            return Ok(());
        }
        state.kept = None;
        let access = match state.holds > 0 {
            true => Access::Write,
            false => Access::Read,
        };
        let conn = prepare(&self.path, access, patience);
        let conn = conn.map_err(|error| error.in_file(&self.path))?;
        self.learn(&conn);
        if access == Access::Write {
            state.kept = Some(Kept::new(conn, access, &self.path));
        }
        Ok(())
    }

    /// Brings the tables of a file that is there up to date, and gives the version that they had.
    pub(crate) fn migrate(&self, patience: Duration) -> Result<u64, Error> {
        let mut state = self.state();
        state.kept = None;
        migrate(&self.path, patience).map_err(|error| error.in_file(&self.path))
    }

    /// Lets an operation have the file, that no connection of this process is open to.
    pub(crate) fn alone<R>(
        &self,
        operation: impl FnOnce(&Path) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut state = self.state();
        state.kept = None;
        operation(&self.path).map_err(|error| error.in_file(&self.path))
    }

    /// Checks that the file is there and can be read as it is.
    pub(crate) fn check(&self, patience: Duration) -> Result<(), Error> {
        let state = self.state();
        match state.kept {
            Some(_) => Ok(()),
            None => check(&self.path, patience).map_err(|error| error.in_file(&self.path)),
        }
    }

    fn learn(&self, conn: &Connection) {
        let mut memory = self.memory();
        if memory.id.is_none() {
            memory.id = database_id(conn).ok().flatten();
        }
    }

    /// Which database it is, see [`database_id`]; nothing before it was opened.
    pub(crate) fn id(&self) -> Option<String> {
        self.memory().id.clone()
    }

    /// How long it has been known that another process has the file.
    pub(crate) fn locked_for(&self) -> Duration {
        { self.memory() }
            .locked
            .get_or_insert_with(Instant::now)
            .elapsed()
    }

    pub(crate) fn is_free(&self) {
        self.memory().locked = None;
    }

    pub(crate) fn session(&self, run: i64) -> Option<Value> {
        self.memory().sessions.get(&run).cloned()
    }

    pub(crate) fn remember_session(&self, run: i64, provenance: Value) {
        self.memory().sessions.insert(run, provenance);
    }

    pub(crate) fn forget_session(&self, run: i64) {
        self.memory().sessions.remove(&run);
    }

    pub(crate) fn note(&self, note: JournalNote) {
        self.memory().notes.push(note);
    }

    /// The notes, which are then forgotten.
    pub(crate) fn notes(&self) -> Vec<JournalNote> {
        std::mem::take(&mut self.memory().notes)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tells a database from others that were in its place: a number drawn when it was made, or, in
/// files of older versions, when that was.
pub(crate) fn database_id(conn: &Connection) -> Result<Option<String>, Error> {
    let id = conn.query_row(
        "SELECT key || ' ' || value FROM meta WHERE key IN ('id', 'created') ORDER BY key DESC LIMIT 1",
        [],
        |row| row.get(0),
    );
    Ok(id.optional()?)
}

/// Runs an operation in one transaction: all of it is stored, or nothing.
pub(crate) fn transaction<R>(
    conn: &Connection,
    operation: impl FnOnce(&Connection) -> Result<R, Error>,
) -> Result<R, Error> {
    conn.execute_batch("BEGIN TRANSACTION")?;
    let result = operation(conn).and_then(|value| {
        conn.execute_batch("COMMIT")?;
        Ok(value)
    });
    if result.is_err() {
        // The first error is the one to report; after some the transaction is gone already.
        let _ = conn.execute_batch("ROLLBACK");
    }
    result
}

/// The one name of a file, whether or not it exists yet.
fn key(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| {
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
        let parent = fs::canonicalize(parent.unwrap_or(Path::new("."))).unwrap_or_default();
        parent.join(path.file_name().unwrap_or_default())
    })
}

/// A connection to a file that is there and up to date.
fn prepare(path: &Path, access: Access, patience: Duration) -> Result<Connection, Error> {
    check_name(path)?;
    if !exists(path)? {
        create(path)?;
        return open(path, access, patience);
    }
    leftovers::sweep(path);
    check_header(path)?;
    let conn = open(path, access, patience)?;
    if schema::outdated(&conn, path)?.is_none() {
        return Ok(conn);
    }
    drop(conn);
    let conn = open(path, Access::Write, patience)?;
    schema::migrate(&conn, path)?;
    Ok(conn)
}

/// Brings a file that is there up to date, and gives the version that it had. One that needs nothing is read alone.
fn migrate(path: &Path, patience: Duration) -> Result<u64, Error> {
    match version(path, patience)? {
        Found::Empty => Err(Error::Foreign {
            path: path.to_owned(),
        }),
        Found::Version(version) if version < schema::SCHEMA_VERSION => {
            let conn = open(path, Access::Write, patience)?;
            schema::migrate(&conn, path)
        }
        found @ Found::Version(version) => schema::check(found, path).map(|()| version),
    }
}

fn check(path: &Path, patience: Duration) -> Result<(), Error> {
    schema::check(version(path, patience)?, path)
}

fn version(path: &Path, patience: Duration) -> Result<Found, Error> {
    if !exists(path)? {
        return Err(Error::NotFound {
            path: path.to_owned(),
        });
    }
    check_name(path)?;
    check_header(path)?;
    let conn = open(path, Access::Read, patience)?;
    schema::inspect(&conn, path)
}

/// Bytes of a block of new files. Every table with rows and every key takes at least one, of which DuckDB's own size, four
/// times this one, made small databases large; large ones are read and written as fast.
pub(super) const BLOCK: u64 = 1 << 16;

/// What tells a file from another one of the same name.
type FileId = (u64, u64);

#[cfg(unix)]
fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    let data = fs::metadata(path).ok()?;
    Some((data.dev(), data.ino()))
}

/// Where open files can be neither removed nor replaced.
#[cfg(not(unix))]
fn file_id(_: &Path) -> Option<FileId> {
    None
}

fn exists(path: &Path) -> Result<bool, Error> {
    path.try_exists().map_err(Error::io("open", path))
}

/// DuckDB takes the name of the file, not its folders, for the name of the database.
fn check_name(path: &Path) -> Result<(), Error> {
    let reason = "DuckDB opens no file whose name is not UTF-8; rename it";
    match path.file_name().is_none_or(|name| name.to_str().is_some()) {
        true => Ok(()),
        false => Err(Error::io("open", path)(io::Error::new(
            io::ErrorKind::InvalidInput,
            reason,
        ))),
    }
}

/// DuckDB's files have `DUCK` after a checksum of eight bytes.
fn check_header(path: &Path) -> Result<(), Error> {
    let failed = || Error::io("open", path);
    let wrong = Error::NotADatabase {
        path: path.to_owned(),
    };
    // A pipe without a writer would wait.
    if !path.metadata().map_err(failed())?.is_file() {
        return Err(wrong);
    }
    let mut header = [0u8; 12];
    let mut file = fs::File::open(path).map_err(failed())?;
    match file.read_exact(&mut header) {
        Ok(()) if &header[8..] == b"DUCK" => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            Err(Error::io("read", path)(error))
        }
        _ => Err(wrong),
    }
}

/// Makes a new file beside its place and moves it there once it is complete, so that whoever is
/// interrupted finds either no file or a whole one. Of several that make the same file one works at a
/// time, and the others find it there.
fn create(path: &Path) -> Result<(), Error> {
    let lock = Lock::wait(&leftovers::creation_lock(path)).map_err(Error::io("create", path))?;
    leftovers::remove_drafts(path);
    let made = match exists(path) {
        Ok(false) => draft(path),
        Ok(true) => Ok(()),
        Err(error) => Err(error),
    };
    leftovers::remove_drafts(path);
    lock.remove();
    made
}

fn draft(path: &Path) -> Result<(), Error> {
    let draft = leftovers::draft(path);
    open(&draft, Access::Write, Duration::ZERO)
        .and_then(|conn| schema::migrate(&conn, &draft).map(drop))
        .map_err(|error| name_creation(error, path))
        .and_then(|()| place(&draft, path))
}

/// Says that the file asked for could not be made, not its draft.
fn name_creation(error: Error, path: &Path) -> Error {
    let reason = match &error {
        Error::Database { source, .. } => source.to_string(),
        other => other.to_string(),
    };
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty());
    let kind = match directory.map(fs::metadata) {
        Some(Err(missing)) => return Error::io("create", path)(missing),
        _ => io::ErrorKind::Other,
    };
    Error::io("create", path)(io::Error::new(kind, reason))
}

/// Gives the finished draft its name. No other process makes the file meanwhile.
fn place(draft: &Path, path: &Path) -> Result<(), Error> {
    // A log left over from a database that was deleted must not be applied to the new one.
    match fs::remove_file(log_of(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Error::io("remove", &log_of(path))(error));
        }
        _ => {}
    }
    match fs::hard_link(draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // File systems without links.
        Err(_) => fs::rename(draft, path).map_err(Error::io("create", path)),
        Ok(()) => Ok(()),
    }
}

fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push(".wal");
    PathBuf::from(log)
}

/// Opens the file that has the name, and not one that was replaced meanwhile (see [`super::Store::compact`]).
fn open_at(path: &Path, access: Access, patience: Duration) -> Result<Connection, Error> {
    loop {
        let before = file_id(path);
        let conn = open(path, access, patience)?;
        if before == file_id(path) {
            return Ok(conn);
        }
    }
}

/// Opens the file, again and again while another process has it, for as long as `patience`.
fn open(path: &Path, access: Access, patience: Duration) -> Result<Connection, Error> {
    retry(path, patience, || open_once(path, access))
}

/// Does what another process that has the file keeps from being done, again and again for as long as `patience`.
pub(super) fn retry<T>(
    path: &Path,
    patience: Duration,
    attempt: impl Fn() -> Result<T, duckdb::Error>,
) -> Result<T, Error> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        let error = match attempt() {
            Ok(done) => return Ok(done),
            Err(error) => explain(error, path, start.elapsed()),
        };
        let left = patience.saturating_sub(start.elapsed());
        if !matches!(error, Error::Locked { .. }) || left.is_zero() {
            return Err(error);
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

fn open_once(path: &Path, access: Access) -> Result<Connection, duckdb::Error> {
    let read_only = || settings()?.access_mode(AccessMode::ReadOnly);
    match access {
        Access::Read => Connection::open_with_flags(path, read_only()?),
        Access::Write => {
            let config = settings()?
                .access_mode(AccessMode::ReadWrite)?
                .with("default_block_size", BLOCK.to_string())?;
            Connection::open_with_flags(path, config)
        }
        Access::Query => {
            let config = read_only()?
                .enable_external_access(false)?
                .max_memory(&query_memory::database_memory())?;
            let conn = Connection::open_with_flags(path, config)?;
            conn.execute_batch(
                "SET max_temp_directory_size = '0B'; SET lock_configuration = true",
            )?;
            Ok(conn)
        }
    }
}
