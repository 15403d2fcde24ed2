//! The standard files of MNIST, CIFAR-10 and CIFAR-100 from the net.
//!
//! An archive is downloaded beside its place as `ARCHIVE.part`, unpacked file by file under a
//! temporary name, compared with its SHA-256, and only then given its name: what stands under a
//! file's name is either that file or what was there before. A download that stops is continued
//! where it stopped, with an HTTP range request; what does not have the right sum is discarded.

mod fetch;
mod sets;
mod unpack;

pub use crate::error::GetError;
pub use sets::{Archive, Expected, Packing, StandardSet};

use fetch::Client;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetProgress<'a> {
    /// The archive's name.
    pub archive: &'a str,
    /// Bytes that are there.
    pub done: u64,
    /// Bytes of the archive, where the server says so.
    pub total: Option<u64>,
    /// Bytes that were there before.
    pub resumed: u64,
}

/// What [`get`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// Where the files are.
    pub folder: PathBuf,
    /// Files that were there already, and are right.
    pub kept: Vec<String>,
    /// Files that are there now.
    pub fetched: Vec<String>,
    /// Bytes that came over the net.
    pub bytes: u64,
}

/// Puts a set's files into its folder below `dir`, from its archives at `url` (a folder on a server;
/// the set's own where it is `None`).
///
/// Files that are there and have the right sum are kept, and an archive all of whose files are kept
/// is not downloaded. `observe` hears of progress. A connection that breaks is taken up again a few
/// times; then the part stays for the next call.
///
/// # Errors
/// [`GetError`] with the file, the address and the remedy. Nothing wrong is left in place.
pub fn get(
    set: &StandardSet,
    dir: &Path,
    url: Option<&str>,
    observe: &mut dyn FnMut(GetProgress<'_>),
) -> Result<Got, GetError> {
    let folder = dir.join(&set.folder);
    let mut got = Got {
        folder: folder.clone(),
        kept: Vec::new(),
        fetched: Vec::new(),
        bytes: 0,
    };
    let base = url.unwrap_or(&set.url).trim_end_matches('/');
    let client = Client::new();
    for archive in &set.archives {
        let names = archive.files.iter().map(|file| file.name.clone());
        if is_complete(&folder, archive)? {
            got.kept.extend(names);
            continue;
        }
        let address = format!("{base}/{}", archive.name);
        got.bytes += get_archive(&client, archive, &folder, &address, observe)?;
        got.fetched.extend(names);
    }
    Ok(got)
}

/// Whether every file is there with the right sum.
fn is_complete(folder: &Path, archive: &Archive) -> Result<bool, GetError> {
    for file in &archive.files {
        let path = folder.join(&file.name);
        let right_length = fs::metadata(&path).is_ok_and(|found| found.len() == file.bytes);
        if !right_length {
            return Ok(false);
        }
        let failed = |e| GetError::io("read", &path, e);
        let sum = unpack::sum(File::open(&path).map_err(failed)?).map_err(failed)?;
        if sum != file.sha256 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Downloads and unpacks; gives the bytes that came over the net.
fn get_archive(
    client: &Client,
    archive: &Archive,
    folder: &Path,
    address: &str,
    observe: &mut dyn FnMut(GetProgress<'_>),
) -> Result<u64, GetError> {
    let part = folder.join(format!("{}.part", archive.name));
    let resumed = fs::metadata(&part).is_ok_and(|found| found.len() > 0);
    let mut bytes = client.download(archive, &part, address, observe)?;
    let mut unpacked = unpack::unpack(archive, &part, folder, address);
    if resumed && unpacked.as_ref().is_err_and(GetError::is_wrong_content) {
        // The server's file may have changed since the first part of it came.
        remove(&part)?;
        bytes += client.download(archive, &part, address, observe)?;
        unpacked = unpack::unpack(archive, &part, folder, address);
    }
    match &unpacked {
        // It stays for when there is space again.
        Err(error) if !error.is_wrong_content() => {}
        _ => remove(&part)?,
    }
    unpacked.map(|()| bytes)
}

fn remove(path: &Path) -> Result<(), GetError> {
    fs::remove_file(path).map_err(|e| GetError::io("remove", path, e))
}
