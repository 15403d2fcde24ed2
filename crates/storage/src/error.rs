//! What can go wrong with a store, and what to do about it.

use crate::disagreement::Disagreement;
use crate::format::Format;
use crate::identity::Difference;
use crate::owner::Owner;
use landscape_core::{GridError, ParamsError, SurfaceError, UnknownName};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything that can go wrong in this crate. Each message says what happened, where, and the
/// remedy where there is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such file.
    #[error("there is no database `{}`", path.display())]
    NotFound {
        /// The file asked for.
        path: PathBuf,
    },
    /// The file was there before.
    #[error(
        "`{}` is no longer there: it was deleted or moved while this process used it, and results \
         since then are not stored; put it back, or repeat the command", path.display()
    )]
    Vanished {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("`{}` is not a DuckDB database; give another file", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// A file with the name of a database's log that is not one.
    #[error(
        "`{}` has the name of the write-ahead log of `{}`, but is not one, and DuckDB would overwrite it; move it \
         elsewhere (if it is a damaged log, the changes in it are lost)",
        log.display(),
        path.display()
    )]
    NotALog {
        /// The file.
        log: PathBuf,
        /// The database.
        path: PathBuf,
    },
    /// The file is a DuckDB database of another program.
    #[error(
        "`{}` is a DuckDB database, but holds no landscapes (it has no table `meta` with a \
         schema_version); give another file",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version of this program.
    #[error(
        "`{}` has schema version {found}, but this program knows versions only up to {known}; use a newer \
         version of the program",
        path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The newest version this program knows.
        known: u64,
    },
    /// The file was written by a newer DuckDB.
    #[error(
        "`{}` was written by a newer DuckDB than this program contains: {detail}",
        path.display()
    )]
    NewerDuckDb {
        /// The file.
        path: PathBuf,
        /// What DuckDB says.
        detail: String,
    },
    /// Another process keeps the file open.
    #[error(
        "`{}` is still in use by {} after {:.1} s; wait for it, or close it there",
        path.display(), describe_holder(holder), waited.as_secs_f64()
    )]
    Locked {
        /// The file.
        path: PathBuf,
        /// Who keeps it, where DuckDB tells.
        holder: Option<Holder>,
        /// How long this process tried.
        waited: Duration,
    },
    /// Another process keeps the file open; what was to be stored is safe beside it.
    #[error(
        "`{}` is still in use by {} after {:.1} s; what could not be stored is kept in `{}`, and the \
         next command that opens the database stores it",
        path.display(), describe_holder(holder), waited.as_secs_f64(), journal.display()
    )]
    Journaled {
        /// The file.
        path: PathBuf,
        /// The file beside it.
        journal: PathBuf,
        /// Who keeps it, where DuckDB tells.
        holder: Option<Holder>,
        /// How long this process tried.
        waited: Duration,
    },
    /// A journal lies beside a database that is not the one it belongs to.
    #[error(
        "`{}` holds results of another database that was in this place; put that one back, or move \
         this file away",
        path.display()
    )]
    OtherJournal {
        /// The journal.
        path: PathBuf,
    },
    /// A change was asked of a store that was opened for reading.
    #[error("`{}` was opened read-only", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// DuckDB failed.
    #[error("database `{}`", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What DuckDB says.
        #[source]
        source: duckdb::Error,
    },
    /// A query given by the user is wrong.
    #[error("{message}")]
    Query {
        /// What DuckDB says, with the place in the query.
        message: String,
    },
    /// A file of directions where one of a landscape is expected.
    #[error("`{}` holds no `xcoordinates`: these are directions, not a landscape", path.display())]
    HoldsDirections {
        /// The file.
        path: PathBuf,
    },
    /// More memory is needed than a query, or a file of this length, may take.
    #[error("{what}")]
    Memory {
        /// What needs it, and how much it may take.
        what: String,
        /// Whether it is a query.
        is_query: bool,
        /// What to allow, see [`landscape_files::allow_memory`].
        enough: String,
    },
    /// The file holds something this program did not write.
    #[error("`{}` is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// No run has that name or number.
    #[error("`{}` has no run `{name}`{}", path.display(), describe_known(known))]
    UnknownRun {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A name belongs to a run with other settings.
    #[error(
        "run `{name}` in `{}` was made with other settings:{}",
        path.display(), describe_differences(differences)
    )]
    Differs {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
        /// Every setting that differs.
        differences: Vec<Difference>,
    },
    /// Another run has the name already.
    #[error("`{}` has a run `{name}` already; give another name, or remove that one first", path.display())]
    NameTaken {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// A name cannot name a run.
    #[error("`{name}` cannot be the name of a run: {reason}")]
    BadName {
        /// The name.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// Another process works on the run.
    #[error(
        "process {} is working on run `{name}` in `{}`; wait for it or end it, or give another \
         name", owner.pid, path.display()
    )]
    Busy {
        /// The file.
        path: PathBuf,
        /// The run.
        name: String,
        /// The process.
        owner: Owner,
    },
    /// The stored points of a run are not those of what is sampled.
    #[error(
        "run `{name}` was made with another network, other data or another loss: at {at:?} its loss is \
         {stored}, but {measured} now; give another name, or record the difference in the settings"
    )]
    OtherObjective {
        /// The run.
        name: String,
        /// Coordinates of the point.
        at: Vec<f64>,
        /// The loss that is stored.
        stored: f64,
        /// The loss that was measured.
        measured: f64,
    },
    /// A point of a run is known with two values.
    #[error("{0}; leave out the files that are wrong, or remove the run and merge anew")]
    PointsDisagree(Box<Disagreement>),
    /// A process of another container may work on the run, and what would tell is not there.
    #[error(
        "run `{name}` in `{}` may be in use by process {} of another container, which cannot be seen \
         from here; wait for it or end it, or give another name, which begins with a copy of what \
         is stored", path.display(), owner.pid
    )]
    UnknownOwner {
        /// The file.
        path: PathBuf,
        /// The run.
        name: String,
        /// The process.
        owner: Owner,
    },
    /// Another writer took a run over that this one had begun.
    #[error(
        "{} has taken over run `{name}` in `{}`, which this process worked on; what it had \
         stored before is there", describe_owner(owner.as_ref()), path.display()
    )]
    TakenOver {
        /// The file.
        path: PathBuf,
        /// The run.
        name: String,
        /// The process that works on it now; none where it has ended since, or is this one.
        owner: Option<Owner>,
    },
    /// A run was removed or replaced while it was in use.
    #[error("run `{name}` is no longer in `{}`: another process removed or replaced it", path.display())]
    Gone {
        /// The file.
        path: PathBuf,
        /// The run.
        name: String,
    },
    /// A run that is to take the place of another is not complete.
    #[error("run `{name}` is not complete, and cannot replace another yet")]
    Unfinished {
        /// The run.
        name: String,
    },
    /// A run does not hold what was asked of it.
    #[error("run `{name}` ({kind}) has no {what}")]
    Lacks {
        /// The run.
        name: String,
        /// Its kind.
        kind: String,
        /// What is missing, for example `surface`.
        what: &'static str,
    },
    /// A run already has another grid.
    #[error("run `{name}` already has a grid of {stored}, not of {asked}")]
    OtherGrid {
        /// The run.
        name: String,
        /// The grid it has.
        stored: String,
        /// The grid that was given.
        asked: String,
    },
    /// Extra terms cannot be told apart.
    #[error("two terms are named `{name}`")]
    DuplicateTerm {
        /// The name.
        name: String,
    },
    /// The lists of a spectral density have different lengths.
    #[error(
        "the spectral density of `{part}` has {} values on its grid, {} densities, {} standard \
         errors and {} and {} edges of intervals; give one of each for every point",
        lengths[0], lengths[1], lengths[2], lengths[3], lengths[4]
    )]
    DensityLength {
        /// The part of the parameters.
        part: String,
        /// Lengths of grid, densities, standard errors, lower and upper edges.
        lengths: [usize; 5],
    },
    /// A word is none of the tables of curvature.
    #[error("unknown table `{given}`; one of: eigenvalues, traces, spectrum, sharpness, map")]
    UnknownTable {
        /// What was given.
        given: String,
    },
    /// The vectors of a Lanczos basis would have a gap.
    #[error(
        "run `{name}` has {stored} vectors of the Lanczos basis `{task}`, so none can be stored from \
         {from} on; store all from 0 on"
    )]
    BasisGap {
        /// The run.
        name: String,
        /// The task.
        task: String,
        /// Vectors that are stored.
        stored: usize,
        /// The place of the first vector given.
        from: usize,
    },
    /// Checkpoints of another network than the run's.
    #[error(
        "the checkpoints of run `{name}` have tensors with other names or shapes; record another \
         network in its own run"
    )]
    OtherLayout {
        /// The run.
        name: String,
    },
    /// A grid is not valid.
    #[error("the grid is not valid")]
    Grid(#[from] GridError),
    /// A sample does not fit its surface.
    #[error("a sample does not fit the surface")]
    Surface(#[from] SurfaceError),
    /// Tensors are not valid.
    #[error("the tensors are not valid")]
    Params(#[from] ParamsError),
    /// A word names none of the choices.
    #[error(transparent)]
    Name(#[from] UnknownName),
    /// A format is unknown.
    #[error("unknown format `{given}`; one of: csv, json, parquet, npz, h5, vtk")]
    UnknownFormat {
        /// What was given.
        given: String,
    },
    /// A format does not hold landscapes of so many directions.
    #[error(
        "{format} files hold lines and planes, not a landscape of {dims} directions; use npz or vtk"
    )]
    Dimensions {
        /// The format.
        format: Format,
        /// Directions of the landscape.
        dims: usize,
    },
    /// A format does not hold this kind of thing.
    #[error("{format} files do not hold {what}; use {instead}")]
    NotHeld {
        /// The format.
        format: Format,
        /// What should be written.
        what: &'static str,
        /// Formats that hold it.
        instead: &'static str,
    },
    /// A format is written and not read.
    #[error(
        "{format} files are written for other programs and cannot be read back; use csv, json, parquet, npz or h5"
    )]
    NotRead {
        /// The format.
        format: Format,
    },
    /// The ending of a file's name does not say what the file will hold.
    #[error(
        "`{}` does not end as a {format} file of this kind does; give a name that ends in .{} or .{}",
        path.display(), endings[0], endings[1]
    )]
    Ending {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: Format,
        /// Endings that fit.
        endings: [&'static str; 2],
    },
    /// A word is none of the heights.
    #[error("unknown height `{given}`; one of: loss, log, flat")]
    UnknownHeight {
        /// What was given.
        given: String,
    },
    /// A file to be imported cannot be understood.
    #[error("`{}`{place}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where in it.
        place: Place,
        /// What is wrong there.
        reason: String,
    },
    /// A file to be imported holds more than its length lets expect.
    #[error("`{}`: {source}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How much, and the remedy.
        source: landscape_files::TooLarge,
    },
    /// A file would be overwritten.
    #[error("`{}` exists", path.display())]
    OutputExists {
        /// The file.
        path: PathBuf,
    },
    /// The operating system failed.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, for example `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
}

/// The process that keeps a database file open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its program, where known.
    pub program: Option<String>,
    /// Its process number.
    pub pid: u32,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)?;
        match &self.program {
            Some(program) => write!(f, " ({program})"),
            None => Ok(()),
        }
    }
}

/// A place in a file that is imported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Line of a text, from 1; row of a table, from 1.
    pub line: Option<usize>,
    /// Row of data below a header, from 1.
    pub row: Option<usize>,
    /// Character of the line, from 1; not known beyond what it can count.
    pub character: Option<u32>,
    /// Column or array by name.
    pub column: Option<String>,
}

impl Place {
    /// A line.
    pub fn line(line: usize) -> Self {
        Place {
            line: Some(line),
            ..Place::default()
        }
    }

    /// A named column or array.
    pub fn column(name: impl Into<String>) -> Self {
        Place {
            column: Some(name.into()),
            ..Place::default()
        }
    }

    /// A named column of a line.
    pub fn cell(line: usize, column: impl Into<String>) -> Self {
        Place {
            line: Some(line),
            ..Place::column(column)
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        if let Some(character) = self.character {
            write!(f, ", character {character}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", `{column}`")?;
        }
        Ok(())
    }
}

impl Error {
    /// Wraps an error of the operating system.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    }

    /// A file that holds more than its length lets expect.
    pub(crate) fn too_large(path: &Path) -> impl Fn(landscape_files::TooLarge) -> Error + '_ {
        |source| Error::TooLarge {
            path: path.to_owned(),
            source,
        }
    }

    /// What is wrong with a file, or with the array of it that has a name.
    pub(crate) fn file(path: &Path, place: Place, error: landscape_files::FileError) -> Error {
        use landscape_files::FileError;
        match error {
            FileError::Io(source) => Error::io("read", path)(source),
            FileError::TooLarge(source) => Error::too_large(path)(source),
            error => {
                let part = match place.column {
                    Some(_) => "the array",
                    None => "this is",
                };
                Error::malformed(path, place, format!("{part} {error}"))
            }
        }
    }

    /// Something in a file that is imported.
    pub(crate) fn malformed(path: &Path, place: Place, reason: impl Into<String>) -> Error {
        Error::Malformed {
            path: path.to_owned(),
            place,
            reason: reason.into(),
        }
    }

    /// Adds the file to errors that come from DuckDB without it.
    pub(crate) fn in_file(self, file: &Path) -> Error {
        match self {
            Error::Database { source, path } if path.as_os_str().is_empty() => Error::Database {
                path: file.to_owned(),
                source,
            },
            Error::Damaged { what, path } if path.as_os_str().is_empty() => Error::Damaged {
                path: file.to_owned(),
                what,
            },
            other => other,
        }
    }

    /// Says whose rows were read when they were found not to be valid.
    pub(crate) fn of_run(self, run: &str) -> Error {
        let invalid = matches!(
            self,
            Error::Grid(_) | Error::Surface(_) | Error::Params(_) | Error::Name(_)
        );
        let what = match &self {
            Error::Damaged { what, path } if path.as_os_str().is_empty() => what.clone(),
            Error::Database { source, .. } => match unreadable(source) {
                Some(what) => what,
                None => return self,
            },
            other if invalid => reasons(other),
            _ => return self,
        };
        match what.contains(&format!("`{run}`")) {
            true => Error::damaged(what),
            false => Error::damaged(format!("run `{run}`: {what}")),
        }
    }

    /// Something in the database that this program did not write.
    pub(crate) fn damaged(what: impl Into<String>) -> Error {
        Error::Damaged {
            path: PathBuf::new(),
            what: what.into(),
        }
    }
}

impl From<duckdb::Error> for Error {
    fn from(source: duckdb::Error) -> Self {
        Error::Database {
            path: PathBuf::new(),
            source,
        }
    }
}

/// An error and what is below it.
fn reasons(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", reasons(source)),
        None => error.to_string(),
    }
}

/// What is wrong with a value of a row that has another type than its column should have.
fn unreadable(error: &duckdb::Error) -> Option<String> {
    use duckdb::Error as E;
    Some(match error {
        E::InvalidColumnType(_, name, kind) => {
            format!("column `{name}` holds a value of type {kind}")
        }
        E::FromSqlConversionFailure(place, _, reason) => {
            format!("column {} cannot be read: {reason}", place + 1)
        }
        E::IntegralValueOutOfRange(place, value) => {
            format!("column {} holds {value}, which is out of range", place + 1)
        }
        E::UnsignedIntegralValueOutOfRange(place, value) => {
            format!("column {} holds {value}, which is out of range", place + 1)
        }
        _ => return None,
    })
}

fn describe_owner(owner: Option<&Owner>) -> String {
    match owner {
        None => "another writer".to_owned(),
        Some(owner) => format!("process {}", owner.pid),
    }
}

fn describe_holder(holder: &Option<Holder>) -> String {
    match holder {
        None => "another process".to_owned(),
        Some(holder) => holder.to_string(),
    }
}

fn describe_known(known: &[String]) -> String {
    const SHOWN: usize = 12;
    if known.is_empty() {
        return "; it holds no runs yet".to_owned();
    }
    let more = match known.len() > SHOWN {
        true => format!(" and {} more", known.len() - SHOWN),
        false => String::new(),
    };
    let shown = &known[..known.len().min(SHOWN)];
    format!("; it has: {}{more}", shown.join(", "))
}

fn describe_differences(differences: &[Difference]) -> String {
    differences.iter().map(|d| format!("\n  {d}")).collect()
}
