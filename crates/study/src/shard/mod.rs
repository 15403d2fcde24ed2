//! Shards of a request: parts that processes compute by themselves, each into a file of its own, which [`crate::merge`] brings together.
//!
//! A shard is every N-th unit of a request in the order in which it is worked off, so that each is a coarse map of the whole. Its
//! run has the settings, and so the identity, of the whole; which shard it is stands in its provenance alone. So shards of one
//! division and of another can be merged, and a shard's file can be continued to the whole.
//!
//! How many units a request has, its prepared form says, for example [`crate::runs::Landscape::units`].

mod launcher;

pub use launcher::FoundShard;

use landscape_core::{self as core, Shard, Shards, counted};
use landscape_storage::{Run, RunSummary, Status};
use serde::{Serialize, Serializer};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Which shard is asked for: one, or that of a launcher, `auto` or `auto/N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardChoice {
    /// This one.
    Given(Shard),
    /// The one that the launcher of the process says.
    Auto {
        /// Of how many, where the launcher does not say it.
        of: Option<usize>,
    },
}

/// Why there is no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// The words are none.
    #[error(transparent)]
    Words(#[from] core::ShardError),
    /// A variable of a launcher is no number.
    #[error("the variable {name} is `{value}`, which is not a whole number from 0 on")]
    Variable {
        /// Its name.
        name: &'static str,
        /// What it is.
        value: String,
    },
    /// No launcher says anything.
    #[error(
        "no launcher says which shard this process is: none of HQ_TASK_ID, SLURM_ARRAY_TASK_ID, SLURM_PROCID, \
         OMPI_COMM_WORLD_RANK, PMI_RANK and JOB_COMPLETION_INDEX is set"
    )]
    NoLauncher,
    /// The launcher does not say how many shards there are.
    #[error("{words} says which shard this process is, but nothing says of how many")]
    NoCount {
        /// What it says.
        words: String,
    },
    /// The launcher says another number of shards.
    #[error("shards of {asked} are asked for, but there are {of} processes ({words})")]
    Count {
        /// What the launcher says.
        words: String,
        /// What was asked for.
        asked: usize,
        /// Processes.
        of: usize,
    },
    /// The number is none of the division.
    #[error("{words}: {source}")]
    Outside {
        /// What the launcher says.
        words: String,
        /// What is wrong with it.
        source: core::ShardError,
    },
    /// Several launchers say different things.
    #[error("launchers disagree: {first}, but {other}")]
    Disagree {
        /// What the first says.
        first: String,
        /// What another one says.
        other: String,
    },
}

impl ShardError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            ShardError::Words(_) => return None,
            ShardError::NoCount { .. } => "give the number of shards as well: auto/N".to_owned(),
            ShardError::Count { of, .. } => format!("start as many processes, or give auto/{of}"),
            _ => "say which one it is: K/N, K from 0".to_owned(),
        })
    }
}

impl ShardChoice {
    /// The shard, by the variables of this process where a launcher is to say it.
    ///
    /// # Errors
    /// Where the launcher says nothing, too little, or several say different things.
    pub fn find(
        self,
        variables: &dyn Fn(&str) -> Option<String>,
    ) -> Result<FoundShard, ShardError> {
        match self {
            ShardChoice::Given(shard) => Ok(FoundShard {
                shard,
                words: "what was asked for".to_owned(),
            }),
            ShardChoice::Auto { of } => launcher::find(variables, of),
        }
    }

    /// Whether a launcher is to say it.
    pub fn is_auto(self) -> bool {
        matches!(self, ShardChoice::Auto { .. })
    }
}

impl FromStr for ShardChoice {
    type Err = ShardError;

    fn from_str(given: &str) -> Result<Self, ShardError> {
        if given == "auto" {
            return Ok(ShardChoice::Auto { of: None });
        }
        match given.strip_prefix("auto/") {
            Some(of) => {
                let last: Shard = format!("0/{of}").parse()?;
                Ok(ShardChoice::Auto {
                    of: Some(last.of()),
                })
            }
            None => Ok(ShardChoice::Given(given.parse()?)),
        }
    }
}

/// The file of a shard beside a database: `landscape.duckdb` has `landscape-shard-3-of-16.duckdb`.
pub fn file_beside(database: &Path, shard: Shard) -> PathBuf {
    let mut name = OsString::from(database.file_stem().unwrap_or_default());
    name.push(format!("-shard-{}-of-{}", shard.number(), shard.of()));
    if let Some(ending) = database.extension() {
        name.push(".");
        name.push(ending);
    }
    database.with_file_name(name)
}

/// A file whose name may have the places `{K}` and `{N}`, which become the number of the shard and how many there are.
pub fn file_of(pattern: &Path, shard: Shard) -> PathBuf {
    let Some(text) = pattern.to_str() else {
        return pattern.to_owned();
    };
    let named = text.replace("{K}", &shard.number().to_string());
    PathBuf::from(named.replace("{N}", &shard.of().to_string()))
}

/// How far a shard is, or several that are stored in one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShardState {
    /// Which, for example `3/16`, or `0-3/16` of several.
    #[serde(serialize_with = "words")]
    pub shards: Shards,
    /// Units of them: points of a grid.
    pub units: usize,
    /// Those that are stored.
    pub done: usize,
}

fn words<S: Serializer>(shards: &Shards, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(shards)
}

impl ShardState {
    /// That of a run which is not complete; nothing where it is one, was not computed in shards alone, or is adaptive: how many
    /// points its shards have is known round by round.
    pub fn of(summary: &RunSummary) -> Option<Self> {
        let shards = shards_of(&summary.run)?;
        let adaptive = summary.run.settings.get("adaptive").is_some();
        if summary.run.status == Status::Complete || adaptive {
            return None;
        }
        let units = shards.count(summary.total() as usize);
        let measured = (summary.points - summary.interpolated) as usize;
        Some(ShardState {
            shards,
            units,
            done: measured.min(units),
        })
    }

    /// Whether nothing of them is left.
    pub fn is_done(&self) -> bool {
        self.done == self.units
    }
}

impl fmt::Display for ShardState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let several = if self.shards.iter().nth(1).is_some() {
            "s"
        } else {
            ""
        };
        write!(f, "shard{several} {}", self.shards)
    }
}

/// The shards that a run was computed in, where it was in nothing else.
pub fn shards_of(run: &Run) -> Option<Shards> {
    let words = run.provenance.get("shard")?.as_str()?;
    words
        .parse()
        .ok()
        .filter(|shards: &Shards| !shards.is_empty())
}

/// The shard that was computed, and how much of it there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShardPart {
    /// Which.
    #[serde(serialize_with = "shard_words")]
    pub shard: Shard,
    /// Its units: points of a grid.
    pub units: usize,
    /// Those that were stored before.
    pub stored_before: usize,
}

fn shard_words<S: Serializer>(shard: &Shard, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(shard)
}

impl fmt::Display for ShardPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = counted(self.units, "point");
        write!(f, "shard {}, {units} of the whole", self.shard)
    }
}
