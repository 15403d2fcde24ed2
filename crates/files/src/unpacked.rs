//! Files that may be packed with gzip.

use crate::{Budget, FileError};
use flate2::read::MultiGzDecoder;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;

/// How gzip begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What is in a file, unpacked as it is read when the file begins as gzip does.
pub struct Unpacked<'a> {
    reader: Box<dyn Read + 'a>,
    /// Bytes that are left, where they are not packed.
    left: Option<u64>,
    budget: Budget,
}

impl Unpacked<'_> {
    /// Opens a file.
    ///
    /// # Errors
    /// Those of [`crate::open`].
    pub fn open(path: &Path) -> Result<Unpacked<'static>, FileError> {
        let (file, length) = crate::open(path)?;
        Unpacked::new(BufReader::new(file), length)
    }

    /// From bytes in memory.
    ///
    /// # Errors
    /// None that bytes in memory give.
    pub fn bytes(bytes: &[u8]) -> Result<Unpacked<'_>, FileError> {
        Unpacked::new(Cursor::new(bytes), bytes.len() as u64)
    }

    fn new<'a>(mut source: impl Read + Seek + 'a, length: u64) -> Result<Unpacked<'a>, FileError> {
        let mut start = Vec::new();
        source.by_ref().take(2).read_to_end(&mut start)?;
        source.rewind()?;
        let (reader, left): (Box<dyn Read + 'a>, _) = match start == GZIP {
            true => (Box::new(MultiGzDecoder::new(source)), None),
            false => (Box::new(source), Some(length)),
        };
        let budget = Budget::new(length);
        Ok(Unpacked {
            reader,
            left,
            budget,
        })
    }

    /// The next bytes, as many as `into` takes.
    ///
    /// # Errors
    /// [`FileError::Corrupt`] when there are fewer, or when they cannot be unpacked.
    pub fn fill(&mut self, into: &mut [u8]) -> Result<(), FileError> {
        self.reader
            .read_exact(into)
            .map_err(|error| match self.left {
                Some(_) => FileError::reading(error),
                None if error.to_string() == SHORT => FileError::reading(error),
                None => packed(&error),
            })?;
        self.left = self.left.map(|left| left.saturating_sub(into.len() as u64));
        Ok(())
    }

    /// The rest, which has to be `count` bytes; `None` is more than there can be. The budget has to hold the
    /// bytes and the numbers of four bytes that they become.
    ///
    /// # Errors
    /// [`FileError::Corrupt`] with the number of bytes found when there are fewer or more;
    /// [`FileError::TooLarge`].
    pub fn rest(mut self, count: Option<usize>) -> Result<Vec<u8>, FileError> {
        let found = |found: u64| FileError::Corrupt(format!("has {found} values"));
        let count = match (count, self.left) {
            (Some(count), Some(left)) if left != count as u64 => return Err(found(left)),
            (None, Some(left)) => return Err(found(left)),
            (None, None) => return Err(FileError::Corrupt("is packed".to_owned())),
            (Some(count), _) => count,
        };
        self.budget.spend_bytes(count, 5)?;
        let mut bytes = Vec::with_capacity(count);
        let limit = (count as u64).saturating_add(1);
        let read = self.reader.by_ref().take(limit).read_to_end(&mut bytes);
        read.map_err(|error| match self.left {
            Some(_) => FileError::reading(error),
            None => packed(&error),
        })?;
        match bytes.len() {
            len if len == count => Ok(bytes),
            len if len < count => Err(found(len as u64)),
            _ => Err(FileError::Corrupt("has more values".to_owned())),
        }
    }
}

/// What a read says that meets a sound end too early.
const SHORT: &str = "failed to fill whole buffer";

fn packed(error: &std::io::Error) -> FileError {
    FileError::Corrupt(format!("has bad gzip data ({error})"))
}
