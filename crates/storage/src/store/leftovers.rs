//! Files beside a database that a process makes while it works, and that stay where it is killed.

use landscape_core::files::{self, Lock, Seen};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// A database that is being made.
pub(super) fn draft(database: &Path) -> PathBuf {
    beside(database, ".new")
}

/// What keeps others from making the same database.
pub(super) fn creation_lock(database: &Path) -> PathBuf {
    beside(database, ".new.lock")
}

fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(database.file_name().unwrap_or_default());
    name.push(ending);
    database.with_file_name(name)
}

/// Removes databases that were being made, by whoever has the lock of creation.
pub(super) fn remove_drafts(database: &Path) {
    for file in drafts(database) {
        let _ = fs::remove_file(file);
    }
}

/// Removes what a killed process left when it made the database.
pub(super) fn sweep(database: &Path) {
    let lock = creation_lock(database);
    let left = !drafts(database).is_empty() || files::look(&lock) == Seen::Left;
    if left && let Ok(Some(lock)) = Lock::try_new(&lock) {
        remove_drafts(database);
        lock.remove();
    }
}

/// Drafts, also those with a process number, as earlier versions named them.
fn drafts(database: &Path) -> Vec<PathBuf> {
    let folder = database.parent().filter(|p| !p.as_os_str().is_empty());
    let Ok(entries) = fs::read_dir(folder.unwrap_or(Path::new("."))) else {
        return Vec::new();
    };
    let start = beside(database, ".");
    let start = start.file_name().unwrap_or_default().as_encoded_bytes();
    let is_draft = |name: &[u8]| {
        let Some(middle) = name.strip_prefix(start) else {
            return false;
        };
        let middle = middle.strip_suffix(b".wal").unwrap_or(middle);
        let number = middle.strip_suffix(b".new");
        middle == b"new" || number.is_some_and(|n| n.iter().all(u8::is_ascii_digit))
    };
    { entries.flatten() }
        .filter(|file| is_draft(file.file_name().as_encoded_bytes()))
        .map(|file| file.path())
        .collect()
}
