//! What goes wrong when shards are handed to an engine, or looked after.

use landscape_core::{counted, counted_are, escaped, path_words};
use std::ffi::OsString;
use std::path::PathBuf;

/// Why shards are not handed to an engine, or not found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// All shards would be written to one file.
    #[error("`{}` is one database for all shards", path_words(database))]
    OneDatabase {
        /// The database.
        database: PathBuf,
    },
    /// A word that job files cannot hold.
    #[error(
        "{} is not UTF-8 or holds control characters, which job files cannot hold",
        escaped(word)
    )]
    NoText {
        /// The word.
        word: OsString,
    },
    /// Which points are computed follows from those that are there, so that shards of it have rounds.
    #[error(
        "adaptive sampling goes in rounds, with a merge after each, and cannot be submitted as one job"
    )]
    Adaptive,
    /// A job on Kubernetes has no image.
    #[error("a job on Kubernetes needs the image of a container that has `landscape`")]
    NoImage,
    /// The folder belongs to another request.
    #[error(
        "`{}` holds the shards of another command: `{planned}`",
        path_words(folder)
    )]
    OtherCommand {
        /// The folder.
        folder: PathBuf,
        /// The command that was divided there.
        planned: String,
    },
    /// A request that is divided already is to be divided otherwise.
    #[error(
        "`{}` is divided in {}, of which {} begun already, and not in {asked}",
        path_words(folder), counted(*planned, "shard"), counted_are(*begun, "shard")
    )]
    Redivided {
        /// The folder.
        folder: PathBuf,
        /// In how many shards it is divided.
        planned: usize,
        /// Shards that are begun.
        begun: usize,
        /// How many were asked for.
        asked: usize,
    },
    /// There is nothing to divide.
    #[error("there is nothing to divide: no point is left to compute")]
    NoUnits,
    /// Neither a database nor a folder.
    #[error("there is no database or folder `{}`", path_words(path))]
    Absent {
        /// What was named.
        path: PathBuf,
    },
    /// A folder without a plan.
    #[error("`{}` holds no plan of shards", path_words(folder))]
    NoPlan {
        /// The folder.
        folder: PathBuf,
    },
    /// A plan that cannot be read.
    #[error("`{}` is not a plan of shards: {reason}", path_words(path))]
    BadPlan {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A database without a shard.
    #[error("`{}` holds no shard", path_words(path))]
    NoShard {
        /// The database.
        path: PathBuf,
    },
    /// The engine is not on this machine.
    #[error("nothing was submitted: there is no `{program}` on this machine's PATH")]
    NoEngine {
        /// Its program.
        program: &'static str,
        /// What submits the shards.
        run: String,
    },
    /// The engine did not take the shards.
    #[error("`{program}` failed: {said}")]
    Failed {
        /// Its program.
        program: &'static str,
        /// What it said.
        said: String,
        /// What submits the shards.
        run: String,
    },
    /// Shards have ended without being complete, and none is left that could still end.
    #[error("{} not complete: {shards}", counted_are(*count, "shard"))]
    Incomplete {
        /// How many.
        count: usize,
        /// Which.
        shards: String,
    },
}

impl SubmitError {
    /// What to do about it.
    pub(super) fn help(&self) -> Option<String> {
        Some(match self {
            SubmitError::OneDatabase { .. } => {
                "put {K}, the number of the shard, into its name: shard-{K}.duckdb".to_owned()
            }
            SubmitError::NoText { .. } => "rename it".to_owned(),
            SubmitError::Adaptive => {
                "sample every point, or run and merge the shards of each round".to_owned()
            }
            SubmitError::NoImage => "name an image".to_owned(),
            SubmitError::OtherCommand { .. } => {
                "give the same command, or another folder".to_owned()
            }
            SubmitError::Redivided { planned, .. } => {
                format!("go on with {planned} shards, or divide it anew in another folder")
            }
            SubmitError::NoUnits => return None,
            SubmitError::Absent { .. } | SubmitError::NoPlan { .. } => {
                "name a folder that shards were submitted from, or databases of shards".to_owned()
            }
            SubmitError::BadPlan { .. } => {
                "remove the file; shards that are stored are not computed again".to_owned()
            }
            SubmitError::NoShard { .. } => "name databases of shards".to_owned(),
            SubmitError::NoEngine { run, .. } => format!("where it is, run `{run}`"),
            SubmitError::Failed { run, .. } => {
                format!("once that is mended, do the same again, or run `{run}`")
            }
            SubmitError::Incomplete { .. } => {
                "submit them again: only those are computed that are not complete".to_owned()
            }
        })
    }
}
