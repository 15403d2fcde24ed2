//! What DuckDB's errors mean: it tells them apart by their words alone.

use crate::error::{Error, Holder};
use std::io;
use std::path::Path;
use std::time::Duration;

/// DuckDB tells errors apart by their words alone.
pub(super) fn explain(error: duckdb::Error, path: &Path, waited: Duration) -> Error {
    let message = error.to_string();
    let path = path.to_owned();
    if message.contains("Could not set lock on file") {
        let holder = holder(&message);
        Error::Locked {
            path,
            holder,
            waited,
        }
    } else if message.contains("not a valid DuckDB database file") {
        Error::NotADatabase { path }
    } else if message.contains("database file with version number") {
        let detail = message.lines().next().unwrap_or_default();
        let detail = detail.trim_start_matches("IO Error: ").to_owned();
        Error::NewerDuckDb { path, detail }
    } else if let Some(source) = system_error(&message) {
        Error::io("open", &path)(source)
    } else if let Some(what) = damage(&message) {
        Error::damaged(what).in_file(&path)
    } else {
        Error::Database {
            path,
            source: error,
        }
    }
}

/// The error of the operating system that DuckDB speaks of.
pub(super) fn system_error(message: &str) -> Option<io::Error> {
    use io::ErrorKind as Kind;
    const WORDS: [(&str, Kind); 6] = [
        ("Permission denied", Kind::PermissionDenied),
        ("Operation not permitted", Kind::PermissionDenied),
        ("Read-only file system", Kind::ReadOnlyFilesystem),
        ("No space left on device", Kind::StorageFull),
        ("Disk quota exceeded", Kind::QuotaExceeded),
        ("File too large", Kind::FileTooLarge),
    ];
    let (words, kind) = { WORDS.iter() }.find(|(words, _)| message.contains(words))?;
    let line = { message.lines() }.find(|line| line.contains(words))?;
    // What DuckDB was about to do comes before it.
    let starts = ["Could not", "Cannot"].map(|start| line.find(start));
    let start = starts.into_iter().flatten().min().unwrap_or(0);
    Some(io::Error::new(
        *kind,
        line[start..].trim_start_matches("IO Error: "),
    ))
}

/// What is wrong with the bytes of a file, as far as DuckDB says so.
pub(super) fn damage(message: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 4] = [
        (
            "Could not read enough bytes",
            "it ends too early: part of it is missing",
        ),
        (
            "Corrupt database file",
            "one of its checksums does not match",
        ),
        (
            "Failed to deserialize",
            "its description of itself cannot be read",
        ),
        (
            "Serialization Error",
            "its description of itself cannot be read",
        ),
    ];
    let found = WORDS.iter().find(|(words, _)| message.contains(words));
    found.map(|(_, what)| *what)
}

/// Reads `Conflicting lock is held in /usr/bin/python3.11 (PID 17234)`.
fn holder(message: &str) -> Option<Holder> {
    let (before, after) = message.split_once(" (PID ")?;
    let pid = after.split(')').next()?.trim().parse().ok()?;
    let program = before
        .split_once("held in ")
        .map(|(_, program)| program.trim().to_owned())
        .filter(|program| !program.is_empty());
    Some(Holder { program, pid })
}
