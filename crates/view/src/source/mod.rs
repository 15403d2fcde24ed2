//! What is shown: databases, files and folders.

mod files;
mod row;

pub use files::{Seen, name_of};
pub use row::Row;

use files::seen;
use landscape_core::{Diagnosis, path_text, path_words};
use landscape_plot::page::PlotCommand;
use landscape_storage::{Error, RunFilter, RunOrder, Store};
use landscape_study::StudyError;
use landscape_study::figures::{RunContents, diagnoses_of};
use landscape_study::list::RunList;
use landscape_study::words::quoted;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a list waits for another process that has the database.
const GLANCE: Duration = Duration::from_millis(50);
/// How long the page of a run does.
const PATIENCE: Duration = Duration::from_secs(1);

/// Something that holds runs or landscapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A database.
    Database(PathBuf),
    /// Landscapes in the files of a folder.
    Folder(PathBuf),
    /// A landscape in a file.
    File(PathBuf),
}

/// Everything of a run that can be drawn (what is said of its trainings comes by itself: [`Source::diagnoses`]), and what the reader should know of how it was read.
#[derive(Debug)]
pub struct Loaded {
    pub contents: RunContents,
    pub notes: Vec<String>,
}

impl Source {
    /// What a path is: a database by its ending, or another file, or a folder. Of a folder its databases too, each a
    /// source of its own.
    pub fn of(path: &Path) -> Vec<Source> {
        if !path.is_dir() {
            return vec![match files::is_database(path) {
                true => Source::Database(path.to_owned()),
                false => Source::File(path.to_owned()),
            }];
        }
        let (databases, landscapes) = files::of_folder(path);
        let folder = (!landscapes.is_empty()).then(|| Source::Folder(path.to_owned()));
        let databases = databases.into_iter().map(Source::Database);
        databases.chain(folder).collect()
    }

    pub fn path(&self) -> &Path {
        match self {
            Source::Database(path) | Source::Folder(path) | Source::File(path) => path,
        }
    }

    /// The path in words.
    pub fn label(&self) -> String {
        path_words(self.path())
    }

    /// What tells, without opening it, whether anything in it may have changed.
    pub fn seen(&self) -> Seen {
        match self {
            Source::Database(path) => seen([path.clone(), beside(path, ".wal")]),
            Source::Folder(path) => seen(files::of_folder(path).1),
            Source::File(path) => seen([path.clone()]),
        }
    }

    /// What it holds, as it is now.
    ///
    /// # Errors
    /// Those of the database; where another process has it, at once.
    pub fn list(&self) -> Result<Vec<Row>, StudyError> {
        match self {
            Source::Database(path) => {
                let newest = RunFilter {
                    order: RunOrder::Newest,
                    ..RunFilter::default()
                };
                let runs = RunList::of(&newest, &Store::peek(path, GLANCE)?)?.runs;
                Ok(runs.into_iter().map(Row::of_run).collect())
            }
            Source::Folder(path) => {
                let landscapes = files::of_folder(path).1;
                Ok(landscapes.iter().map(|file| Row::of_file(file)).collect())
            }
            Source::File(path) if path.exists() => Ok(vec![Row::of_file(path)]),
            Source::File(path) => Err(gone(path)),
        }
    }

    /// A run by its name or number, or a landscape by the name of its file.
    ///
    /// # Errors
    /// An unknown name, and those of the database and the file.
    pub fn load(&self, name: &str) -> Result<Loaded, StudyError> {
        let (contents, notes) = match self {
            Source::Database(path) => {
                let store = Store::peek(path, PATIENCE)?;
                (RunContents::load(&store, name)?, Vec::new())
            }
            _ => RunContents::read(&self.file(name)?)?,
        };
        Ok(Loaded { contents, notes })
    }

    /// What is said of the trainings of a run, by name; nothing of landscapes in files.
    ///
    /// # Errors
    /// As [`Source::load`].
    pub fn diagnoses(&self, name: &str) -> Result<Vec<(String, Diagnosis)>, StudyError> {
        let Source::Database(path) = self else {
            return Ok(Vec::new());
        };
        let store = Store::peek(path, PATIENCE)?;
        diagnoses_of(&store, &store.find(name)?)
    }

    /// The file of that name: one that is listed, and no way out of the folder.
    fn file(&self, name: &str) -> Result<PathBuf, StudyError> {
        let all = match self {
            Source::Folder(path) => files::of_folder(path).1,
            _ => vec![self.path().to_owned()],
        };
        let found = all.iter().find(|file| name_of(file) == name);
        let unknown = || Error::UnknownRun {
            path: self.path().to_owned(),
            name: name.to_owned(),
            known: all.iter().map(|file| name_of(file)).collect(),
        };
        Ok(found.cloned().ok_or_else(unknown)?)
    }

    /// What the command that draws a run is told.
    pub fn plot(&self, key: String, name: &str) -> PlotCommand {
        match self {
            Source::Database(path) => PlotCommand {
                key,
                run: quoted(OsStr::new(name)),
                database: Some(quoted(path.as_os_str())),
            },
            Source::Folder(path) => PlotCommand {
                key,
                run: quoted(path.join(name).as_os_str()),
                database: None,
            },
            Source::File(path) => PlotCommand {
                key,
                run: quoted(path.as_os_str()),
                database: None,
            },
        }
    }
}

/// Why a source shows nothing, or nothing new, in a sentence.
pub fn trouble(error: &StudyError) -> String {
    match error {
        StudyError::Store(Error::Vanished { path } | Error::NotFound { path }) => {
            format!("`{}` is no longer there", path_text(path))
        }
        StudyError::Store(Error::Locked { path, holder, .. }) => {
            let who = holder
                .as_ref()
                .map_or("another process".to_owned(), ToString::to_string);
            format!(
                "`{}` is in use by {who}: what it held before is shown until it is free",
                path_text(path)
            )
        }
        error => landscape_core::in_full(error),
    }
}

/// Whether another process has the database just now.
pub fn is_locked(error: &StudyError) -> bool {
    matches!(error, StudyError::Store(Error::Locked { .. }))
}

fn gone(path: &Path) -> StudyError {
    Error::Vanished {
        path: path.to_owned(),
    }
    .into()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
