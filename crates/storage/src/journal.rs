//! What could not be stored because another process kept the database, in a file beside it.
//!
//! `NAME.duckdb.journal` begins with [`MAGIC`]. Entries follow: the length of the content as u32, little
//! endian, its SHA-256, the content. The first content says which database the journal belongs to and
//! has a number of its own; every other one is [`Changes`]. All are MessagePack. A process locks the file
//! (`flock`) while it adds an entry or takes all of them in; when they are stored the file is removed. The
//! database notes in `meta`, in the transaction that stores them, the journal and how far it was taken
//! in, so that a process that is killed in between leaves nothing that is taken in twice.

use crate::change::Changes;
use crate::error::Error;
use crate::identity::unique;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"LLJRNL1\n";
/// Bytes of an entry before its content.
const FRAME: u64 = 4 + 32;

/// The first entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The database, see `File::id`.
    pub(crate) database: String,
    /// This journal.
    pub(crate) journal: String,
}

/// Where the journal of a database is.
pub(crate) fn path_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".journal");
    PathBuf::from(path)
}

/// Whether there is one.
pub(crate) fn exists(database: &Path) -> bool {
    path_of(database).symlink_metadata().is_ok()
}

/// Adds an entry, and makes the file where there is none.
pub(crate) fn append(database: &Path, id: &str, changes: &Changes) -> Result<(), Error> {
    let path = path_of(database);
    let content = rmp_serde::to_vec_named(changes)
        .map_err(|error| Error::io("write", &path)(io::Error::other(error)))?;
    let mut file = locked(&path)?;
    let written = add(&mut file, id, &content);
    match written {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::OtherJournal { path }),
        Err(error) => Err(Error::io("write", &path)(error)),
    }
}

/// Opens and locks the file that has the name, and not one that was removed meanwhile.
fn locked(path: &Path) -> Result<File, Error> {
    loop {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(Error::io("write", path))?;
        file.lock().map_err(Error::io("lock", path))?;
        if is_at(&file, path) {
            return Ok(file);
        }
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => open.dev() == named.dev() && open.ino() == named.ino(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Adds an entry behind the last whole one; `false` where the journal is another database's.
fn add(file: &mut File, id: &str, content: &[u8]) -> io::Result<bool> {
    let (header, end) = scan(file)?;
    let mut bytes = Vec::with_capacity(content.len() + 256);
    match header {
        Some(header) if header.database != id => return Ok(false),
        Some(_) => {}
        None => {
            let header = Header {
                database: id.to_owned(),
                journal: unique(),
            };
            let header = rmp_serde::to_vec_named(&header).map_err(io::Error::other)?;
            bytes.extend_from_slice(MAGIC);
            push(&mut bytes, &header)?;
        }
    }
    push(&mut bytes, content)?;
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    file.write_all(&bytes)?;
    file.sync_data()?;
    Ok(true)
}

fn push(bytes: &mut Vec<u8>, content: &[u8]) -> io::Result<()> {
    let length = u32::try_from(content.len()).map_err(io::Error::other)?;
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&Sha256::digest(content));
    bytes.extend_from_slice(content);
    Ok(())
}

/// The header, and where the last whole entry ends. Entries are followed by their lengths alone; what
/// they hold is checked when they are taken in.
fn scan(file: &mut File) -> io::Result<(Option<Header>, u64)> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(0))?;
    let mut magic = Vec::new();
    Read::take(&mut *file, MAGIC.len() as u64).read_to_end(&mut magic)?;
    if !MAGIC.starts_with(&magic) {
        return Err(io::Error::other("it is not a journal of this program"));
    }
    if magic.len() < MAGIC.len() {
        return Ok((None, 0));
    }
    let start = MAGIC.len() as u64;
    let Some((header, mut end)) = entry(file, start, length)? else {
        return Ok((None, 0));
    };
    let header = rmp_serde::from_slice(&header).map_err(io::Error::other)?;
    while let Some(next) = skip(file, end, length)? {
        end = next;
    }
    Ok((Some(header), end))
}

/// Where the entry at a place ends; nothing where it is not whole.
fn skip(file: &mut File, at: u64, length: u64) -> io::Result<Option<u64>> {
    if length.saturating_sub(at) < FRAME {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(at))?;
    let mut size = [0; 4];
    file.read_exact(&mut size)?;
    let end = at + FRAME + u64::from(u32::from_le_bytes(size));
    Ok((end <= length).then_some(end))
}

/// The content of the entry at a place and where it ends; nothing where it is not whole.
fn entry(file: &mut File, at: u64, length: u64) -> io::Result<Option<(Vec<u8>, u64)>> {
    let Some(end) = skip(file, at, length)? else {
        return Ok(None);
    };
    let mut sum = [0; 32];
    file.read_exact(&mut sum)?;
    let mut content = vec![0; (end - at - FRAME) as usize];
    file.read_exact(&mut content)?;
    let whole = Sha256::digest(&content).as_slice() == sum;
    Ok(whole.then_some((content, end)))
}

/// A journal that is being taken in.
#[derive(Debug)]
pub(crate) struct Reading {
    file: File,
    path: PathBuf,
    length: u64,
    /// Where the next entry begins.
    pub(crate) at: u64,
    pub(crate) header: Header,
}

impl Reading {
    /// The journal of a database, locked; nothing where there is none, or none with an entry.
    pub(crate) fn open(database: &Path) -> Result<Option<Reading>, Error> {
        let path = path_of(database);
        if !exists(database) {
            return Ok(None);
        }
        let mut file = locked(&path)?;
        let length = file.metadata().map_err(Error::io("read", &path))?.len();
        let (header, _) = scan(&mut file).map_err(Error::io("read", &path))?;
        let start = MAGIC.len() as u64;
        let Some(header) = header else {
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
            return Ok(None);
        };
        let at = skip(&mut file, start, length).map_err(Error::io("read", &path))?;
        Ok(Some(Reading {
            at: at.unwrap_or(length),
            file,
            path,
            length,
            header,
        }))
    }

    /// The next entry; nothing at the end, or where what follows is torn.
    pub(crate) fn next(&mut self) -> Result<Option<Changes>, Error> {
        let found = entry(&mut self.file, self.at, self.length);
        let Some((content, end)) = found.map_err(Error::io("read", &self.path))? else {
            return Ok(None);
        };
        let changes = rmp_serde::from_slice(&content)
            .map_err(|error| Error::io("read", &self.path)(io::Error::other(error)))?;
        self.at = end;
        Ok(Some(changes))
    }

    /// Bytes behind the last entry that was read.
    pub(crate) fn torn(&self) -> u64 {
        self.length - self.at
    }

    /// Removes the file, the content of which is stored.
    pub(crate) fn remove(self) -> Result<(), Error> {
        let failed = Error::io("remove", &self.path);
        fs::remove_file(&self.path).map_err(failed)
    }
}
