//! Landscapes that other programs computed.

use crate::StudyError;
use crate::report::Reporter;
use crate::runs::Keep;
use landscape_core::{Surface, path_words};
use landscape_storage::{Format, Store, read_surface};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// A landscape in a file.
///
/// ```
/// use landscape_storage::Store;
/// use landscape_study::import::{Import, ImportRequest};
///
/// let folder = tempfile::tempdir()?;
/// let file = folder.path().join("line.csv");
/// std::fs::write(&file, "alpha,loss\n0,1\n0.5,0.25\n1,0\n")?;
/// let import = Import::prepare(&ImportRequest::new(file), &())?;
/// let store = Store::open(folder.path().join("landscape.duckdb"))?;
/// assert_eq!(import.run(&store)?.points, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRequest {
    /// The file.
    #[serde(with = "landscape_core::as_words::path")]
    pub file: PathBuf,
    /// Its format; that of its ending where absent.
    #[serde(default, with = "landscape_core::as_words::option")]
    pub format: Option<Format>,
    /// How it is kept.
    #[serde(default)]
    pub keep: Keep,
}

impl ImportRequest {
    /// A landscape in a file, with everything else as it is usual.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        ImportRequest {
            file: file.into(),
            format: None,
            keep: Keep::default(),
        }
    }
}

/// A landscape that was read, and is not stored yet.
#[derive(Debug)]
pub struct Import {
    request: ImportRequest,
    format: Format,
    surface: Surface,
}

/// A landscape that is stored. As JSON it is what `landscape import --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// The run.
    pub run: String,
    /// Points on each axis.
    pub shape: Vec<usize>,
    /// Points that are known.
    pub points: usize,
    /// The first of its other values, where no loss is finite, as in a map of eigenvalues.
    #[serde(skip)]
    pub instead: Option<String>,
    /// The file.
    #[serde(skip)]
    pub file: PathBuf,
}

impl Import {
    /// Reads the file, and says what of it is not kept; stores nothing.
    ///
    /// # Errors
    /// Another ending where no format is given, and what is wrong with the file.
    pub fn prepare(request: &ImportRequest, reporter: &dyn Reporter) -> Result<Self, StudyError> {
        let format = match request.format {
            Some(format) => format,
            None => Format::of_path(&request.file)?,
        };
        let (surface, notes) = read_surface(&request.file, format)?;
        notes.iter().for_each(|note| reporter.note(note));
        Ok(Import {
            request: request.clone(),
            format,
            surface,
        })
    }

    /// Stores it.
    ///
    /// # Errors
    /// Those of the store.
    pub fn run(&self, store: &Store) -> Result<Imported, StudyError> {
        let (file, keep) = (&self.request.file, &self.request.keep);
        let run = store.import(file, self.format, keep.name.as_deref(), keep.replace)?;
        Ok(Imported {
            run: run.name,
            shape: self.surface.grid().shape(),
            points: self.surface.grid().len() - self.surface.missing(),
            instead: self.instead(),
            file: file.clone(),
        })
    }

    fn instead(&self) -> Option<String> {
        let losses = self.surface.losses();
        let first = self.surface.terms().first();
        let first = first.filter(|_| !losses.iter().any(|loss| loss.is_finite()));
        first.map(|term| term.name.clone())
    }
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = path_words(&self.file);
        writeln!(f, "{}: {} points from {file}", self.run, self.points)
    }
}
