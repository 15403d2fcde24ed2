//! Directories of zip archives, checked before they are read.

use crate::{Budget, FileError};
use std::io::{self, Read, Seek};
use zip::ZipArchive;
use zip::result::ZipError;

/// Bytes of memory for each entry of a directory beside its name.
const ENTRY: u64 = 768;
/// Bytes that are looked at at a time, and those that the next block begins with again.
const BLOCK: usize = 1 << 18;
const CARRY: usize = 64;

/// How the parts of a directory begin: an entry, the end of more than 65,535 entries, where that is, and
/// the end.
const HEADER: &[u8; 4] = b"PK\x01\x02";
const END64: &[u8; 4] = b"PK\x06\x06";
const LOCATOR: &[u8; 4] = b"PK\x06\x07";
const END: &[u8; 4] = b"PK\x05\x06";

/// Opens a zip archive whose directory, which is held in memory, takes no more than the budget has.
///
/// # Errors
/// [`FileError::Corrupt`] when it is not an archive; [`FileError::TooLarge`].
pub fn open_zip<R: Read + Seek>(
    mut reader: R,
    budget: &Budget,
) -> Result<ZipArchive<R>, FileError> {
    let found = EntryCounts::scan(&mut reader)?;
    reader.rewind()?;
    let entries = match found.has_locator {
        true => found.headers.max(found.claimed),
        false => found.headers,
    };
    budget.check(entries.saturating_mul(ENTRY))?;
    ZipArchive::new(reader).map_err(bad)
}

/// What a file says of entries, anywhere in it.
#[derive(Debug, Default, PartialEq, Eq)]
struct EntryCounts {
    /// Entries that are there.
    headers: u64,
    /// The most that an end says there are.
    claimed: u64,
    /// Whether such an end counts.
    has_locator: bool,
}

impl EntryCounts {
    fn scan(reader: &mut impl Read) -> io::Result<EntryCounts> {
        let mut found = EntryCounts::default();
        let mut block = Vec::with_capacity(BLOCK);
        loop {
            let wanted = (BLOCK - block.len()) as u64;
            let is_last = reader.by_ref().take(wanted).read_to_end(&mut block)? == 0;
            let end = match is_last {
                true => block.len(),
                false => block.len().saturating_sub(CARRY),
            };
            (0..end)
                .filter(|&at| block[at] == b'P')
                .for_each(|at| found.look(&block[at..]));
            if is_last {
                return Ok(found);
            }
            block.drain(..end);
        }
    }

    fn look(&mut self, bytes: &[u8]) {
        match bytes.first_chunk() {
            Some(HEADER) => self.headers += 1,
            Some(END64) => {
                let count = bytes.get(32..).and_then(<[u8]>::first_chunk);
                let count = count.map_or(0, |&count| u64::from_le_bytes(count));
                self.claimed = self.claimed.max(count);
            }
            Some(LOCATOR) if bytes.get(20..24) == Some(END) => self.has_locator = true,
            _ => {}
        }
    }
}

pub(crate) fn bad(error: ZipError) -> FileError {
    match error {
        ZipError::Io(error) => match FileError::reading(error) {
            FileError::Corrupt(_) => {
                FileError::Corrupt("not a valid archive: it is cut short".into())
            }
            error => error,
        },
        ZipError::UnsupportedArchive(what) => FileError::Unsupported(format!(
            "an archive of a kind that is not supported: {what}"
        )),
        error => FileError::Corrupt(format!("not a valid archive ({error})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_across_blocks() {
        for at in BLOCK - 70..BLOCK + 5 {
            let mut bytes = vec![0; at];
            bytes.extend(END64);
            bytes.extend([0; 28]);
            bytes.extend(9u64.to_le_bytes());
            bytes.extend(LOCATOR);
            bytes.extend([0; 16]);
            bytes.extend(END);
            bytes.extend(HEADER);
            let found = EntryCounts::scan(&mut &bytes[..]).unwrap();
            let expected = EntryCounts {
                headers: 1,
                claimed: 9,
                has_locator: true,
            };
            assert_eq!(found, expected, "{at}");
        }
    }
}
