//! How DuckDB is opened.
//!
//! To open a database of its own for a file takes DuckDB longer than all that is done with a small one, most of it for functions and
//! time zones. So a file is attached to a database in memory, an instance, which waits for the next file when this one is let go of: a
//! process opens DuckDB once.

use duckdb::{Appender, Config};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What the database of a file is called in the instance that it is attached to.
const NAME: &str = "store";

/// A connection to the database of a file, whose tables have their names as if there were no other.
#[derive(Debug)]
pub(crate) struct Connection {
    // Closed before the file is let go of.
    conn: duckdb::Connection,
    path: PathBuf,
    attached: Option<Attached>,
}

impl Connection {
    /// Attaches a file; `access` is a word of `ATTACH`, `READ_ONLY` or `READ_WRITE`.
    pub(crate) fn attach(path: &Path, access: &str) -> Result<Self, duckdb::Error> {
        let Some(text) = path.to_str() else {
            // Words of SQL are UTF-8, names of folders need not be.
            return Connection::open(path, direct(access)?);
        };
        let instance = IDLE.take(text)?;
        if let Err(error) =
            instance.execute_batch(&format!("ATTACH {} AS {NAME} ({access})", literal(text)))
        {
            // It is what it was before; in the end another process lets go of the file.
            IDLE.put(instance);
            return Err(error);
        }
        let attached = Attached(Some(instance));
        Ok(Connection {
            conn: attached.connect()?,
            path: path.to_owned(),
            attached: Some(attached),
        })
    }

    /// Opens a file as a database of its own.
    pub(crate) fn open(path: &Path, config: Config) -> Result<Self, duckdb::Error> {
        Ok(Connection {
            conn: duckdb::Connection::open_with_flags(path, config)?,
            path: path.to_owned(),
            attached: None,
        })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends to a table of the file.
    pub(crate) fn appender(&self, table: &str) -> Result<Appender<'_>, duckdb::Error> {
        match self.attached {
            Some(_) => self.conn.appender_to_catalog_and_db(table, NAME, "main"),
            None => self.conn.appender(table),
        }
    }

    /// Closes it together with its instance: after an error, which may have left that in any state.
    pub(crate) fn discard(mut self) {
        if let Some(Attached(instance)) = &mut self.attached {
            *instance = None;
        }
    }
}

impl Deref for Connection {
    type Target = duckdb::Connection;

    fn deref(&self) -> &duckdb::Connection {
        &self.conn
    }
}

/// The instance that a file is attached to; the file is let go of when this is dropped.
#[derive(Debug)]
struct Attached(Option<duckdb::Connection>);

impl Attached {
    /// A connection to the tables of the file.
    fn connect(&self) -> Result<duckdb::Connection, duckdb::Error> {
        let instance = self.0.as_ref().expect("an instance until it is dropped");
        let conn = instance.try_clone()?;
        conn.execute_batch(&format!("USE {NAME}"))?;
        Ok(conn)
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let Some(instance) = self.0.take() else {
            return;
        };
        // Memory that was written to disk stays there for as long as the instance, which then goes.
        let free = format!("DETACH {NAME}; SET temp_directory = ''");
        if instance.execute_batch(&free).is_ok() {
            IDLE.put(instance);
        }
    }
}

/// An instance that waits for a file.
struct Idle {
    state: Mutex<State>,
    opened: Condvar,
}

struct State {
    instance: Option<duckdb::Connection>,
    /// Whether a thread opens one.
    opening: bool,
}

static IDLE: Idle = Idle {
    state: Mutex::new(State {
        instance: None,
        opening: false,
    }),
    opened: Condvar::new(),
};

/// How long one that is being opened is waited for, at most: a process that was split off has no such thread.
const OPENING: Duration = Duration::from_millis(500);

impl Idle {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An instance for a file, as a new one is.
    fn take(&self, path: &str) -> Result<duckdb::Connection, duckdb::Error> {
        let spill = literal(&format!("{path}.tmp"));
        let spill = format!("SET temp_directory = {spill}");
        let (state, opened) = (self.lock(), &self.opened);
        let waited = opened.wait_timeout_while(state, OPENING, |state| state.opening);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let idle = state.instance.take();
        drop(state);
        if let Some(idle) = idle {
            let as_new = format!("{spill}; RESET max_vacuum_tasks");
            if idle.execute_batch(&as_new).is_ok() {
                return Ok(idle);
            }
        }
        let new = instance()?;
        new.execute_batch(&spill)?;
        Ok(new)
    }

    /// Keeps one for the next file; more than one are too many.
    fn put(&self, instance: duckdb::Connection) {
        let mut state = self.lock();
        let surplus = state.instance.replace(instance);
        drop(state);
        drop(surplus);
    }
}

/// Opens DuckDB in a thread of its own, where no file is open or was: whoever opens a file soon finds it open.
pub fn warm_up() {
    let mut state = IDLE.lock();
    if state.opening || state.instance.is_some() {
        return;
    }
    let open = || {
        let instance = instance();
        let mut state = IDLE.lock();
        state.opening = false;
        if let Ok(instance) = instance {
            state.instance.get_or_insert(instance);
        }
        IDLE.opened.notify_all();
    };
    let name = "landscape-duckdb".to_owned();
    state.opening = thread::Builder::new().name(name).spawn(open).is_ok();
}

/// A database in memory that files are attached to.
fn instance() -> Result<duckdb::Connection, duckdb::Error> {
    let config = settings()?.with("default_block_size", BLOCK.to_string())?;
    duckdb::Connection::open_in_memory_with_flags(config)
}

/// Bytes of a block of new files. Every table with rows and every key takes at least one, of which DuckDB's own size, four
/// times this one, made small databases large; large ones are read and written as fast.
pub(crate) const BLOCK: u64 = 1 << 16;

/// What `ATTACH` is told, for a database of its own.
fn direct(access: &str) -> Result<Config, duckdb::Error> {
    let mode = match access {
        READ_ONLY => duckdb::AccessMode::ReadOnly,
        _ => duckdb::AccessMode::ReadWrite,
    };
    { settings()?.access_mode(mode)? }.with("default_block_size", BLOCK.to_string())
}

/// The words of `ATTACH` for reading.
pub(crate) const READ_ONLY: &str = "READ_ONLY";
/// The words of `ATTACH` for writing.
pub(crate) const READ_WRITE: &str = "READ_WRITE";

/// A text as a word of SQL.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A database in memory, to convert files with.
pub(crate) fn in_memory() -> Result<duckdb::Connection, duckdb::Error> {
    duckdb::Connection::open_in_memory_with_flags(settings()?)
}

/// Nothing is ever downloaded; one thread, since starting more costs more than small tables gain.
pub(crate) fn settings() -> Result<Config, duckdb::Error> {
    Config::default()
        .enable_autoload_extension(false)?
        .threads(1)
}

/// The version of the DuckDB library that is used, for example `v1.5.6`; `unknown` where it does not tell.
pub fn duckdb_version() -> String {
    let told = in_memory().and_then(|connection| connection.version());
    told.unwrap_or_else(|_| "unknown".to_owned())
}
