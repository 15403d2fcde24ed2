//! Numbers in files beside the model.

use super::message::Tensor;
use landscape_files::{Budget, FileError};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

/// The folder of a model, in which its files of numbers are; `None` for a model that is not a file.
#[derive(Debug)]
pub(super) struct External {
    folder: Option<PathBuf>,
}

impl External {
    /// The folder of a model's file.
    pub fn beside(model: Option<&Path>) -> Self {
        let folder = model.map(|path| match path.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        });
        External { folder }
    }

    /// What `numbers` makes of the bytes of a tensor, within a budget of their file.
    pub fn read<T>(
        &self,
        tensor: &Tensor,
        bytes: usize,
        numbers: impl FnOnce(&[u8], &Budget) -> Result<T, FileError>,
    ) -> Result<T, FileError> {
        let wrong = |problem: String| {
            FileError::Corrupt(format!("the numbers of `{}` {problem}", tensor.name))
        };
        let given = |key: &str| tensor.external.iter().find(|(k, _)| *k == key);
        let (_, location) = given("location").ok_or_else(|| wrong("are missing".into()))?;
        let number = |key: &str| match given(key) {
            None => Ok(None),
            Some((_, text)) => text.trim().parse::<u64>().map(Some).map_err(|_| {
                wrong(format!(
                    "have a `{key}` that is not a whole number: `{text}`"
                ))
            }),
        };
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        if length.is_some_and(|length| length != bytes as u64) {
            let length = length.unwrap_or(0);
            return Err(wrong(format!(
                "are {length} bytes long according to the model, but its shape needs {bytes}"
            )));
        }
        let path = self.inside(location)?;
        let (mut file, there) = landscape_files::open(&path).map_err(|error| {
            let path = path.display();
            wrong(format!(
                "are in {path}, which cannot be read ({error}); keep the files of a model together"
            ))
        })?;
        if offset
            .checked_add(bytes as u64)
            .is_none_or(|end| end > there)
        {
            let path = path.display();
            return Err(wrong(format!(
                "reach beyond the end of {path}: is it complete?"
            )));
        }
        file.seek(SeekFrom::Start(offset))?;
        let budget = Budget::new(bytes as u64);
        budget.spend(bytes as u64)?;
        let mut data = vec![0; bytes];
        file.read_exact(&mut data)?;
        numbers(&data, &budget)
    }

    /// The file of a location, which is in the model's folder.
    fn inside(&self, location: &str) -> Result<PathBuf, FileError> {
        let refused = |why: &str| {
            FileError::Unsupported(format!(
                "its numbers are in `{location}`, {why}; only files in the model's own folder are read: \
                 save the model again, with those files beside it"
            ))
        };
        let Some(folder) = &self.folder else {
            return Err(refused("but the model was not read from a file"));
        };
        let relative = Path::new(location);
        let plain = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
        // Windows' separators are not separators elsewhere, and no names that a writer chooses.
        if location.is_empty() || location.contains('\\') || !relative.components().all(plain) {
            return Err(refused("which is not a place in the model's folder"));
        }
        let path = folder.join(relative);
        let Ok(real) = path.canonicalize() else {
            // Opening it says what is wrong.
            return Ok(path);
        };
        match real.starts_with(folder.canonicalize()?) {
            true => Ok(path),
            false => Err(refused("which leads out of the model's folder")),
        }
    }
}
