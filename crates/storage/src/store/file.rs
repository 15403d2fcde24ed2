//! One database file: opened for an operation, kept open for the next one until it is idle, shared within the process.
//!
//! DuckDB lets one process write or many read. The lock it takes does not keep two connections of
//! one process apart, so that all stores of a file in this process share one [`File`], which lets
//! one operation through at a time. For the same reason nothing here opens the file in any other way
//! while a connection exists: closing it would give up the lock.

use super::keep::{JournalNote, Timeout};
use super::kept::{Kept, Slot};
use super::leftovers;
use super::words::{damage, explain, system_error};
use crate::connection::{Connection, READ_ONLY, READ_WRITE, settings};
use crate::error::Error;
use crate::owner;
use crate::query_memory;
use crate::schema::{self, Found};
use duckdb::{AccessMode, OptionalExt};
use landscape_core::files::Lock;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
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
    /// Takes in the journal, for one that only reads: a connection of its own to tables as they are.
    TakeIn,
}

impl Access {
    fn writes(self) -> bool {
        matches!(self, Access::Write | Access::TakeIn)
    }
}

/// A database file of this process.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
    /// The name by which stores of this process find it.
    key: PathBuf,
    slot: Slot,
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

/// The files of this process by their names. One that is being closed stays until it is.
static FILES: Mutex<BTreeMap<PathBuf, Weak<File>>> = Mutex::new(BTreeMap::new());

impl File {
    /// The file of that path, the same for every store of this process.
    pub(crate) fn shared(path: &Path) -> Arc<File> {
        let key = key(path);
        loop {
            let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
            match files.get(&key).map(Weak::upgrade) {
                Some(Some(file)) => return file,
                // Its connection has to be closed before another is opened.
                Some(None) => {
                    drop(files);
                    std::thread::sleep(Duration::from_millis(1));
                }
                None => {
                    let file = Arc::new(File {
                        path: path.to_owned(),
                        key: key.clone(),
                        slot: Slot::default(),
                        memory: Mutex::default(),
                    });
                    files.insert(key, Arc::downgrade(&file));
                    return file;
                }
            }
        }
    }

    /// Closes the file of that path where this process has it open.
    pub(crate) fn close(path: &Path) {
        let files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
        let file = files.get(&key(path)).and_then(Weak::upgrade);
        drop(files);
        if let Some(file) = file {
            file.slot.lock().close();
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets an operation use a connection. A connection that has seen an error is not kept.
    pub(crate) fn with<R>(
        &self,
        access: Access,
        timeout: &Timeout,
        operation: impl FnOnce(&Connection) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut state = self.slot.lock();
        let kept = match state.take(access, &self.path) {
            Some(kept) => kept,
            None => self.connect(access, timeout)?,
        };
        let mut result = operation(&kept.conn).map_err(|error| self.explain(error, access));
        if result.is_ok() && access.writes() && !kept.is_at(&self.path) {
            result = Err(self.vanished());
        }
        match &result {
            Ok(_) => self.slot.keep(&mut state, kept),
            Err(_) => kept.conn.discard(),
        }
        result
    }

    fn connect(&self, access: Access, timeout: &Timeout) -> Result<Kept, Error> {
        // DuckDB would make an empty one.
        if !exists(&self.path)? {
            return Err(self.vanished());
        }
        let conn = timeout.open(|limit| open_at(&self.path, access, limit))?;
        if !access.writes() {
            schema::see_as_newest(&conn).map_err(|error| self.explain(error, access))?;
        }
        self.learn(&conn);
        Ok(Kept::new(conn, access, &self.path))
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
                let action = if access.writes() { "write" } else { "read" };
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

    /// Makes the file where there is none, and brings its tables up to date.
    pub(crate) fn prepare(&self, timeout: Duration) -> Result<(), Error> {
        let mut state = self.slot.lock();
        let kept = match state.take(Access::Write, &self.path) {
            Some(kept) => kept,
            None => {
                let opened = prepare(&self.path, timeout);
                let (conn, access) = opened.map_err(|error| error.in_file(&self.path))?;
                self.learn(&conn);
                Kept::new(conn, access, &self.path)
            }
        };
        self.slot.keep(&mut state, kept);
        Ok(())
    }

    /// Brings the tables of a file that is there up to date, and gives the version that they had.
    pub(crate) fn migrate(&self, timeout: Duration) -> Result<u64, Error> {
        self.alone(|path| migrate(path, timeout))
    }

    /// Lets an operation have the file, that no connection of this process is open to.
    pub(crate) fn alone<R>(
        &self,
        operation: impl FnOnce(&Path) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut state = self.slot.lock();
        state.close();
        operation(&self.path).map_err(|error| self.explain(error, Access::Write))
    }

    /// Checks that the file is there and can be read as it is.
    pub(crate) fn check(&self, timeout: Duration) -> Result<(), Error> {
        let mut state = self.slot.lock();
        let kept = match state.take(Access::Read, &self.path) {
            Some(kept) => kept,
            None => {
                let conn = open_to_read(&self.path, timeout);
                let conn = conn.map_err(|error| error.in_file(&self.path))?;
                self.learn(&conn);
                Kept::new(conn, Access::Read, &self.path)
            }
        };
        self.slot.keep(&mut state, kept);
        Ok(())
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
}

impl Drop for File {
    /// Closes the connection, and only then lets another be opened.
    fn drop(&mut self) {
        self.slot.lock().close();
        let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
        files.remove(&self.key);
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

/// Links that are followed to a file that does not exist yet.
const LINKS: usize = 40;

/// The one name of a file, whether or not it exists yet.
fn key(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match (fs::canonicalize(&path), fs::read_link(&path)) {
            (Ok(found), _) => return found,
            (_, Ok(to)) => path = folder_of(&path).join(to),
            _ => break,
        }
    }
    let folder = folder_of(&path);
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    folder.join(path.file_name().unwrap_or_default())
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// A connection to a file, which is made where there is none and brought up to date. It writes; where that cannot be, since
/// others read the file just now or it is read-only, it reads, if nothing has to be changed.
fn prepare(path: &Path, timeout: Duration) -> Result<(Connection, Access), Error> {
    check_name(path)?;
    let made = match exists(path)? {
        // What a link leads to, not the link.
        false => create(&if path.is_symlink() {
            key(path)
        } else {
            path.to_owned()
        })?,
        true => {
            leftovers::sweep(path);
            check_header(path)?;
            false
        }
    };
    let conn = match open(path, Access::Write, Duration::ZERO) {
        Ok(conn) => conn,
        Err(error) => {
            let conn = open(path, Access::Read, timeout).map_err(|second| match second {
                Error::Locked { .. } => second,
                _ => error,
            })?;
            if schema::outdated(&conn, path)?.is_none() {
                return Ok((conn, Access::Read));
            }
            drop(conn);
            open(path, Access::Write, timeout)?
        }
    };
    if !made {
        schema::migrate(&conn, path)?;
    }
    // Also one that whoever made it did not come to sign.
    if database_id(&conn)?.is_none() {
        schema::sign(&conn)?;
    }
    Ok((conn, Access::Write))
}

/// Brings a file that is there up to date, and gives the version that it had. One that needs nothing is read alone.
fn migrate(path: &Path, timeout: Duration) -> Result<u64, Error> {
    let conn = found(path, timeout)?;
    let found = schema::inspect(&conn, path)?;
    drop(conn);
    match found {
        Found::Version(version) if version < schema::SCHEMA_VERSION => {
            let conn = open(path, Access::Write, timeout)?;
            schema::migrate(&conn, path)
        }
        Found::Version(version) => schema::check(found, path).map(|()| version),
        Found::Empty => Err(Error::Foreign {
            path: path.to_owned(),
        }),
    }
}

/// A connection that reads a file which is there and can be read as it is.
fn open_to_read(path: &Path, timeout: Duration) -> Result<Connection, Error> {
    let conn = found(path, timeout)?;
    schema::check(schema::inspect(&conn, path)?, path)?;
    schema::see_as_newest(&conn)?;
    Ok(conn)
}

/// A connection that reads a file which is there, whatever it holds.
fn found(path: &Path, timeout: Duration) -> Result<Connection, Error> {
    check_found(path)?;
    open(path, Access::Read, timeout)
}

/// Checks what can be seen of a file that is to be there before DuckDB opens it.
pub(super) fn check_found(path: &Path) -> Result<(), Error> {
    if !exists(path)? {
        return Err(Error::NotFound {
            path: path.to_owned(),
        });
    }
    check_name(path)?;
    check_header(path)?;
    check_log(path)
}

/// What tells a file from another one of the same name.
pub(super) type FileId = (u64, u64);

#[cfg(unix)]
pub(super) fn file_id(path: &Path) -> Option<FileId> {
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
    match path.file_name().is_none_or(|name| name.to_str().is_some()) {
        true => Ok(()),
        false => Err(not_utf8(path)),
    }
}

/// What DuckDB is told in words has to be some.
pub(super) fn not_utf8(path: &Path) -> Error {
    let reason = "DuckDB opens no file whose name is not UTF-8; rename it";
    Error::io("open", path)(io::Error::new(io::ErrorKind::InvalidInput, reason))
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

/// What DuckDB's write-ahead logs begin with: the type and the version of the log as the first fields of its first entry.
const LOG: [u8; 5] = [0x64, 0x00, 0x62, 0x65, 0x00];

/// DuckDB passes over a file that has the name of the database's log and is not one, and then overwrites it. A log that
/// ends within these bytes holds no change yet.
fn check_log(path: &Path) -> Result<(), Error> {
    let log = log_of(path);
    let mut file = match fs::File::open(&log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(Error::io("open", &log))?,
    };
    let mut begins = Vec::new();
    let read = file
        .by_ref()
        .take(LOG.len() as u64)
        .read_to_end(&mut begins);
    read.map_err(Error::io("read", &log))?;
    match LOG.starts_with(&begins) {
        true => Ok(()),
        false => Err(Error::NotALog {
            log,
            path: path.to_owned(),
        }),
    }
}

/// Makes a new file beside its place and moves it there once it is complete, so that whoever is
/// interrupted finds either no file or a whole one. Of several that make the same file one works at a
/// time, and the others find it there: says whether this one made it.
fn create(path: &Path) -> Result<bool, Error> {
    let lock = Lock::wait(&leftovers::creation_lock(path)).map_err(Error::io("create", path))?;
    leftovers::remove_drafts(path);
    let made = match exists(path) {
        Ok(false) => draft(path),
        Ok(true) => Ok(false),
        Err(error) => Err(error),
    };
    leftovers::remove_drafts(path);
    lock.remove();
    made
}

/// Makes a draft and puts it in its place; says whether it is there now.
fn draft(path: &Path) -> Result<bool, Error> {
    let draft = leftovers::draft(path);
    let written = schema::new_file().and_then(|bytes| {
        let mut file = fs::File::create(&draft)?;
        io::Write::write_all(&mut file, &bytes)?;
        file.sync_all()
    });
    written.map_err(Error::io("create", path))?;
    place(&draft, path)
}

/// Gives the finished draft its name, where no other file has it. No other process makes the file meanwhile.
fn place(draft: &Path, path: &Path) -> Result<bool, Error> {
    check_log(path)?;
    // A log left over from a database that was deleted must not be applied to the new one.
    match fs::remove_file(log_of(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Error::io("remove", &log_of(path))(error));
        }
        _ => {}
    }
    match fs::hard_link(draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        // File systems without links.
        Err(_) => fs::rename(draft, path)
            .map(|()| true)
            .map_err(Error::io("create", path)),
        Ok(()) => Ok(true),
    }
}

fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push(".wal");
    PathBuf::from(log)
}

/// Opens the file that has the name, and not one that was replaced meanwhile (see [`super::Store::compact`]).
fn open_at(path: &Path, access: Access, timeout: Duration) -> Result<Connection, Error> {
    loop {
        let before = file_id(path);
        let conn = open(path, access, timeout)?;
        if before == file_id(path) {
            return Ok(conn);
        }
    }
}

/// Opens the file, again and again while another process has it, for as long as `timeout`.
fn open(path: &Path, access: Access, timeout: Duration) -> Result<Connection, Error> {
    check_log(path)?;
    retry(path, timeout, || open_once(path, access))
}

/// Does what another process that has the file keeps from being done, again and again for as long as `timeout`.
pub(super) fn retry<T>(
    path: &Path,
    timeout: Duration,
    attempt: impl Fn() -> Result<T, duckdb::Error>,
) -> Result<T, Error> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        let error = match attempt() {
            Ok(done) => return Ok(done),
            Err(error) => explain(error, path, start.elapsed()),
        };
        let left = timeout.saturating_sub(start.elapsed());
        if !matches!(error, Error::Locked { .. }) || left.is_zero() {
            return Err(error);
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

fn open_once(path: &Path, access: Access) -> Result<Connection, duckdb::Error> {
    match access {
        Access::Read => Connection::attach(path, READ_ONLY),
        Access::Write | Access::TakeIn => Connection::attach(path, READ_WRITE),
        Access::Query => {
            let config = settings()?
                .access_mode(AccessMode::ReadOnly)?
                .enable_external_access(false)?
                .max_memory(&query_memory::database_memory())?;
            let conn = Connection::open(path, config)?;
            conn.execute_batch(
                "SET max_temp_directory_size = '0B'; SET lock_configuration = true",
            )?;
            Ok(conn)
        }
    }
}
