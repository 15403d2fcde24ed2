//! Files of named arrays.

use super::{Array, Element, npy, safe};
use crate::ModelsError;
use landscape_files::Npz;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// An open file of named arrays.
pub(crate) struct Arrays {
    path: PathBuf,
    form: Form,
}

enum Form {
    Npz(Npz<BufReader<File>>),
    Safe(Vec<u8>),
}

impl Arrays {
    /// Opens a `.npz` or `.safetensors` file.
    pub(crate) fn open(path: &Path) -> Result<Self, ModelsError> {
        let is_npz = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("npz"));
        let form = match is_npz {
            true => Form::Npz(npy::open_npz(path)?),
            false => Form::Safe(super::read_bytes(path)?),
        };
        let path = path.to_owned();
        Ok(Arrays { path, form })
    }

    /// The names of the arrays, in the order of the file.
    pub(crate) fn names(&self) -> Result<Vec<String>, ModelsError> {
        match &self.form {
            Form::Npz(archive) => Ok(archive.names()),
            Form::Safe(bytes) => safe::names(bytes, &self.path),
        }
    }

    /// An array that holds inputs, or targets, whose whole numbers stay such where they may be classes.
    pub(crate) fn read(
        &mut self,
        name: &str,
        targets: bool,
    ) -> Result<Option<(Array, Element)>, ModelsError> {
        match &mut self.form {
            Form::Npz(archive) => npy::read_npz(archive, &self.path, name, targets),
            Form::Safe(bytes) => safe::read_one(bytes, &self.path, name, targets),
        }
    }
}
