//! Opening files: regular ones alone.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Opens a file and gives its length in bytes.
///
/// # Errors
/// Those of the system; [`io::ErrorKind::IsADirectory`] for a folder, and
/// [`io::ErrorKind::InvalidInput`] for pipes, sockets and devices, which have no length and may never
/// end.
pub fn open(path: &Path) -> io::Result<(File, u64)> {
    // Before it is opened: a pipe without a writer would wait.
    check(&path.metadata()?)?;
    let file = File::open(path)?;
    let found = file.metadata()?;
    check(&found)?;
    Ok((file, found.len()))
}

fn check(found: &std::fs::Metadata) -> io::Result<()> {
    let wrong = |kind, reason: &str| Err(io::Error::new(kind, reason));
    match (found.is_file(), found.is_dir()) {
        (true, _) => Ok(()),
        (_, true) => wrong(io::ErrorKind::IsADirectory, "it is a folder; give a file"),
        _ => wrong(
            io::ErrorKind::InvalidInput,
            "it is a pipe, a socket or a device; write its contents to a file, and give that file",
        ),
    }
}

/// The whole of a file.
///
/// # Errors
/// Those of [`open`], and when the file grows or shrinks while it is read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let (file, length) = open(path)?;
    let mut bytes = Vec::new();
    let room = usize::try_from(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes
        .try_reserve_exact(room)
        .map_err(|_| io::ErrorKind::OutOfMemory)?;
    file.take(length.saturating_add(1))
        .read_to_end(&mut bytes)?;
    match bytes.len() == room {
        true => Ok(bytes),
        false => Err(io::Error::other(
            "its length changed while it was read; try again when it is complete",
        )),
    }
}
