//! Files that an operation writes: checked before the work, whole or not there after it.

use crate::StudyError;
use landscape_core::files::Lock;
use landscape_core::path_text;
use serde::Serializer;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A path as text in a result: see [`path_text`].
pub(crate) fn serialize_path<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&path_text(path))
}

/// Checks, before work starts, that a file may and can be written.
///
/// # Errors
/// [`StudyError::Exists`] where there is one that is not to be replaced, and [`StudyError::Io`].
pub fn may_write(path: &Path, replace: bool) -> Result<(), StudyError> {
    if path.symlink_metadata().is_ok() && !replace {
        return Err(StudyError::Exists {
            path: path.to_owned(),
        });
    }
    let failed = |source| unwritten(path, source);
    if path.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    match fs::metadata(folder).map_err(failed)?.is_dir() {
        true => takes_files(folder).map_err(failed),
        false => Err(failed(io::ErrorKind::NotADirectory.into())),
    }
}

/// Checks, before work starts, that a file of tensors may and can be written.
///
/// # Errors
/// As [`may_write`], and for endings of other formats.
pub fn may_save(path: &Path, replace: bool) -> Result<(), StudyError> {
    landscape_models::may_be_safetensors(path)?;
    may_write(path, replace)
}

/// Makes a file in a folder and takes it away again: permissions alone do not tell.
fn takes_files(folder: &Path) -> io::Result<()> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let place = COUNT.fetch_add(1, Ordering::Relaxed);
    let probe = folder.join(format!(".{}-{place}.landscape-part", std::process::id()));
    if let Some(lock) = Lock::try_new(&probe)? {
        lock.remove();
    }
    Ok(())
}

/// Checks, before work starts, that a database can be written.
///
/// # Errors
/// [`StudyError::Io`].
pub fn may_store(database: &Path) -> Result<(), StudyError> {
    match database.is_file() {
        false => may_write(database, true),
        true => fs::OpenOptions::new()
            .append(true)
            .open(database)
            .map(drop)
            .map_err(|source| unwritten(database, source)),
    }
}

/// Checks that no file is to be written twice.
///
/// # Errors
/// [`StudyError::WrittenTwice`].
pub fn distinct<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<(), StudyError> {
    let mut seen: Vec<&PathBuf> = Vec::new();
    for path in paths {
        if seen.contains(&path) {
            return Err(StudyError::WrittenTwice { path: path.clone() });
        }
        seen.push(path);
    }
    Ok(())
}

/// A file beside another: `all-ends.svg` beside `all.svg`.
pub fn beside(path: &Path, part: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(part);
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

/// The name of a run as a part of the name of a file.
pub fn as_file(name: &str) -> String {
    name.replace(['/', '\\'], "-")
}

/// Writes a file that is complete or not there: beside its place, then renamed.
///
/// # Errors
/// As [`may_write`].
pub fn write_new(path: &Path, bytes: &[u8], replace: bool) -> Result<(), StudyError> {
    may_write(path, replace)?;
    landscape_core::files::write_whole(path, bytes, true).map_err(|source| unwritten(path, source))
}

fn unwritten(path: &Path, source: io::Error) -> StudyError {
    StudyError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    }
}
