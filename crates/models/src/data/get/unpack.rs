//! Files out of an archive, each compared with what was published before it gets its name.

use super::{Archive, Expected, GetError, Packing};
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

/// Unpacks the wanted files into a folder.
pub(super) fn unpack(
    archive: &Archive,
    part: &Path,
    folder: &Path,
    address: &str,
) -> Result<(), GetError> {
    let file = File::open(part).map_err(|e| GetError::io("read", part, e))?;
    let unpacked = MultiGzDecoder::new(BufReader::new(file));
    let target = Target { folder, address };
    match archive.packing {
        Packing::Gzip => target.only(archive, unpacked),
        Packing::TarGzip => target.members(archive, unpacked),
    }
}

/// SHA-256 in hexadecimal digits.
pub(super) fn sum(mut reader: impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer)? {
            0 => break,
            count => hash.update(&buffer[..count]),
        }
    }
    Ok(hex(hash))
}

fn hex(hash: Sha256) -> String {
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Target<'a> {
    folder: &'a Path,
    address: &'a str,
}

impl Target<'_> {
    fn corrupt(&self, reason: impl std::fmt::Display) -> GetError {
        GetError::Corrupt {
            url: self.address.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// The archive is one file.
    fn only(&self, archive: &Archive, reader: impl Read) -> Result<(), GetError> {
        match &archive.files[..] {
            [file] => self.place(file, reader),
            _ => Err(self.corrupt("it holds one file, but several are needed")),
        }
    }

    /// The wanted ones among an archive's files, whatever their folder in it: no path of the archive
    /// is ever used.
    fn members(&self, archive: &Archive, reader: impl Read) -> Result<(), GetError> {
        let mut missing: Vec<&Expected> = archive.files.iter().collect();
        let limit = archive.limit();
        let mut tar = tar::Archive::new(reader.take(limit));
        // Raw: long names would be read into memory, however long they are, and none is wanted.
        for entry in tar.entries().map_err(|e| self.corrupt(e))?.raw(true) {
            if missing.is_empty() {
                break;
            }
            let entry = entry.map_err(|e| self.corrupt(e))?;
            let path = entry.path_bytes();
            let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
            let wanted = missing.iter().position(|file| file.name.as_bytes() == name);
            let Some(place) = wanted.filter(|_| entry.header().entry_type().is_file()) else {
                continue;
            };
            drop(path);
            self.place(missing.swap_remove(place), entry)?;
        }
        match missing[..] {
            [] => Ok(()),
            [file, ..] if tar.into_inner().limit() == 0 => Err(self.corrupt(format_args!(
                "{} is not in its first {limit} bytes, unpacked",
                file.name
            ))),
            [file, ..] => Err(self.corrupt(format_args!("{} is not in it", file.name))),
        }
    }

    /// Writes a file beside its place, and gives it its name when it is right.
    fn place(&self, file: &Expected, reader: impl Read) -> Result<(), GetError> {
        let draft = self.folder.join(format!("{}.unpacking", file.name));
        let placed = self.write(file, reader, &draft).and_then(|()| {
            let path = self.folder.join(&file.name);
            fs::rename(&draft, &path).map_err(|e| GetError::io("write", &path, e))
        });
        if placed.is_err() {
            // The first error is the one to report.
            let _ = fs::remove_file(&draft);
        }
        placed
    }

    fn write(&self, file: &Expected, reader: impl Read, draft: &Path) -> Result<(), GetError> {
        let failed = |e| GetError::io("write", draft, e);
        let mut out = File::create(draft).map_err(failed)?;
        // One byte more than there should be shows that there is more.
        let mut reader = reader.take(file.bytes + 1);
        let (mut hash, mut length) = (Sha256::new(), 0);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = reader.read(&mut buffer).map_err(|e| self.corrupt(e))?;
            if count == 0 {
                break;
            }
            length += count as u64;
            hash.update(&buffer[..count]);
            out.write_all(&buffer[..count]).map_err(failed)?;
        }
        out.sync_all().map_err(failed)?;
        if length != file.bytes {
            let more = if length > file.bytes {
                "more than "
            } else {
                ""
            };
            let found = length.min(file.bytes);
            let expected = file.bytes;
            return Err(self.corrupt(format_args!(
                "{} has {more}{found} bytes, expected {expected}",
                file.name
            )));
        }
        let found = hex(hash);
        if found != file.sha256 {
            return Err(GetError::Checksum {
                file: file.name.clone(),
                url: self.address.to_owned(),
                found,
                expected: file.sha256.clone(),
            });
        }
        Ok(())
    }
}
