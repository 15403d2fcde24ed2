//! How a request was divided: kept beside its shards, so that what is submitted later goes on with the same division.

use crate::StudyError;
use crate::error::SubmitError;
use crate::files::write_new;
use crate::shard::file_of;
use landscape_core::Shard;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The file of a plan in its folder.
const FILE: &str = "plan.json";

/// How a request is divided in shards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShardPlan {
    /// The command, without the name of the program.
    pub command: Vec<String>,
    /// In how many shards it is divided.
    pub shards: usize,
    /// What is divided: points of a grid, checkpoints, trainings.
    pub units: usize,
    /// Seconds that a shard takes, as far as that was measured, its preparation included.
    pub seconds: f64,
    /// Seconds of them before the first point.
    pub preparation: f64,
    /// Cores that a shard runs on.
    pub cpus: usize,
    /// GPUs that a shard runs on.
    pub gpus: usize,
    /// The databases of the shards, with the places `{K}` and `{N}`.
    #[serde(with = "landscape_core::as_words::path")]
    pub database: PathBuf,
    /// The database that they are merged into.
    #[serde(with = "landscape_core::as_words::path")]
    pub into: PathBuf,
}

impl ShardPlan {
    /// The plan in a folder.
    ///
    /// # Errors
    /// [`SubmitError::NoPlan`], [`SubmitError::BadPlan`].
    pub fn load(folder: &Path) -> Result<Self, StudyError> {
        ShardPlan::find(folder)?.ok_or_else(|| {
            let folder = folder.to_owned();
            SubmitError::NoPlan { folder }.into()
        })
    }

    /// The same, where there is one.
    ///
    /// # Errors
    /// [`SubmitError::BadPlan`].
    pub fn find(folder: &Path) -> Result<Option<Self>, StudyError> {
        let path = folder.join(FILE);
        let bad = |reason: String| SubmitError::BadPlan {
            path: path.clone(),
            reason,
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error)
                if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(bad(error.to_string()).into()),
        };
        let plan: ShardPlan =
            serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        Shard::new(0, plan.shards).map_err(|error| bad(error.to_string()))?;
        Ok(Some(plan))
    }

    /// Keeps the plan in a folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), StudyError> {
        let text = format!("{:#}\n", serde_json::json!(self));
        write_new(&folder.join(FILE), text.as_bytes(), true)
    }

    /// The database of a shard.
    pub fn file(&self, shard: Shard) -> PathBuf {
        file_of(&self.database, shard)
    }
}
