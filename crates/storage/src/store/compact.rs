//! A database without the space that removed runs took: a copy of what it holds, put in its place.

use super::file;
use super::{Store, leftovers};
use crate::connection;
use crate::error::Error;
use duckdb::Connection;
use landscape_core::files::Lock;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// What compacting a database brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// Bytes of the file before.
    pub before: u64,
    /// Bytes of the file now.
    pub after: u64,
}

impl Store {
    /// Gives back the space that removed and replaced runs took: all that the file holds is copied into a new one
    /// beside it, which then takes its place. The file is locked for as long as that takes; whoever is killed
    /// meanwhile leaves the file as it was, or the new one whole. Needs as much space as the new file takes.
    ///
    /// # Errors
    /// When the file stays in use by another process, or the new one cannot be written.
    pub fn compact(&self) -> Result<Compacted, Error> {
        // Takes the journal in, and says where the file cannot be written.
        self.write(|_| Ok(()))?;
        let timeout = self.timeout.clone();
        self.file
            .alone(|path| timeout.open(|limit| compact(path, limit)))
    }
}

fn compact(path: &Path, timeout: Duration) -> Result<Compacted, Error> {
    // What a link leads to, not the link.
    let path = &fs::canonicalize(path).map_err(Error::io("open", path))?;
    let lock = Lock::wait(&leftovers::creation_lock(path)).map_err(Error::io("create", path))?;
    leftovers::remove_drafts(path);
    let done = replace(path, timeout);
    leftovers::remove_drafts(path);
    lock.remove();
    done
}

fn replace(path: &Path, timeout: Duration) -> Result<Compacted, Error> {
    let length = |path: &Path| fs::metadata(path).map(|data| data.len());
    let draft = leftovers::draft(path);
    let conn = connection::in_memory()?;
    let attach = format!("ATTACH {} AS old", quoted(path)?);
    file::retry(path, timeout, || conn.execute_batch(&attach))?;
    // Nothing is left beside it that would be applied to the new one.
    conn.execute_batch("FORCE CHECKPOINT old")?;
    let before = length(path).map_err(Error::io("read", path))?;
    conn.execute_batch(&format!(
        "ATTACH {} AS new (BLOCK_SIZE {}); COPY FROM DATABASE old TO new; CHECKPOINT new",
        quoted(&draft)?,
        connection::BLOCK
    ))?;
    let rights = fs::metadata(path).map_err(Error::io("read", path))?;
    fs::set_permissions(&draft, rights.permissions()).map_err(Error::io("create", path))?;
    put_in_place(&conn, &draft, path)?;
    let after = length(path).map_err(Error::io("read", path))?;
    Ok(Compacted { before, after })
}

/// The new file takes the place of the old one while both are locked; the lock of the old one goes first, so that
/// what closing it does beside the file comes before others can open the new one.
#[cfg(unix)]
fn put_in_place(conn: &Connection, draft: &Path, path: &Path) -> Result<(), Error> {
    fs::rename(draft, path).map_err(Error::io("replace", path))?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let synced = fs::File::open(folder.unwrap_or(Path::new("."))).and_then(|f| f.sync_all());
    synced.map_err(Error::io("replace", path))?;
    conn.execute_batch("DETACH old; DETACH new")?;
    Ok(())
}

/// Where open files can't be replaced.
#[cfg(not(unix))]
fn put_in_place(conn: &Connection, draft: &Path, path: &Path) -> Result<(), Error> {
    conn.execute_batch("DETACH new; DETACH old")?;
    fs::rename(draft, path).map_err(Error::io("replace", path))
}

/// A path as a word of SQL.
pub(super) fn quoted(path: &Path) -> Result<String, Error> {
    let text = path.to_str().ok_or_else(|| file::not_utf8(path))?;
    Ok(connection::literal(text))
}
