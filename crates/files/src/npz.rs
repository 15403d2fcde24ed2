//! NumPy's archives of arrays.

use crate::archive::bad;
use crate::{Budget, FileError, Npy, open_zip};
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;
use zip::ZipArchive;
use zip::result::ZipError;

/// An archive of arrays. All that is read of it comes out of one budget.
pub struct Npz<R> {
    archive: ZipArchive<R>,
    budget: Budget,
}

impl Npz<BufReader<File>> {
    /// Opens a file.
    ///
    /// # Errors
    /// Those of [`crate::open`], and when the file is not an archive.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let (file, length) = crate::open(path)?;
        Npz::new(BufReader::new(file), length)
    }
}

impl<R: Read + Seek> Npz<R> {
    /// Reads the directory of an archive of `length` bytes.
    ///
    /// # Errors
    /// When it is not an archive.
    pub fn new(reader: R, length: u64) -> Result<Self, FileError> {
        let budget = Budget::new(length);
        Ok(Npz {
            archive: open_zip(reader, &budget)?,
            budget,
        })
    }

    /// The memory that reading may take.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The names of the arrays, in the order of the archive.
    pub fn names(&self) -> Vec<String> {
        let names = (0..self.archive.len()).filter_map(|at| self.archive.name_for_index(at));
        names
            .map(|name| name.strip_suffix(".npy").unwrap_or(name).to_owned())
            .collect()
    }

    /// An array by its name; `None` where there is none.
    ///
    /// # Errors
    /// When the archive or the array's header is damaged.
    pub fn array(&mut self, name: &str) -> Result<Option<Npy<'_, impl Read + '_>>, FileError> {
        let full = format!("{name}.npy");
        let place = self.archive.index_for_name(&full);
        let Some(place) = place.or_else(|| self.archive.index_for_name(name)) else {
            return Ok(None);
        };
        let entry = self.archive.by_index(place).map_err(|error| match error {
            ZipError::UnsupportedArchive(_) => FileError::Unsupported(
                "is compressed or encrypted in a way that is not read; write it with numpy.savez or numpy.savez_compressed".into(),
            ),
            error => bad(error),
        })?;
        let length = entry.size();
        Npy::new(entry, length, &self.budget).map(Some)
    }
}
