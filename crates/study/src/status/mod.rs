//! How far the shards of a request are, as their databases say it.
//!
//! A shard runs while the process that computes it lives: that is seen on the machine where it runs, and on others as long as
//! its database has changed within the last five minutes. It has failed where it is not whole and nobody computes it.

mod plan;
mod progress;
mod result;

pub use plan::ShardPlan;
pub use result::{ShardPhase, ShardProgress, ShardStatus};

use crate::StudyError;
use crate::error::SubmitError;
use crate::merge::own_name;
use landscape_core::Shard;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Shards that are looked after.
///
/// ```
/// use landscape_core::Shard;
/// use landscape_storage::Store;
/// use landscape_study::runs::{Landscape, LandscapeRequest};
/// use landscape_study::status::{ShardStatus, StatusRequest};
///
/// let folder = tempfile::tempdir()?;
/// let mut request = LandscapeRequest { shard: Some(Shard::new(1, 4)?), ..LandscapeRequest::default() };
/// request.network.model = Some("mlp:2-8-1".parse()?);
/// request.data.data = Some("moons:n=50".parse()?);
/// request.grid.counts = Some(vec![5]);
/// let file = folder.path().join("1.duckdb");
/// Landscape::prepare(&request, None, &())?.run(&Store::open(&file)?, &())?;
/// // A file that is named twice counts once.
/// let status = ShardStatus::of(&StatusRequest { sources: vec![file.clone(), file] })?;
/// assert_eq!((status.done, status.points, status.points_done), (1, 6, 6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRequest {
    /// Databases of shards, and folders from which shards were submitted.
    #[serde(with = "landscape_core::as_words::path::list")]
    pub sources: Vec<PathBuf>,
}

impl ShardStatus {
    /// Looks at the databases, each once, whatever its names; nothing in them is changed.
    ///
    /// # Errors
    /// [`SubmitError::Absent`], [`SubmitError::NoPlan`] and [`SubmitError::BadPlan`] of a folder, [`SubmitError::NoShard`] of a database. One
    /// that cannot be read is a shard that has failed.
    pub fn of(request: &StatusRequest) -> Result<Self, StudyError> {
        let mut shards = Vec::new();
        for source in &request.sources {
            match source.is_dir() {
                true => shards.extend(ShardPlan::load(source)?.look()?),
                false => shards.push(named(source)?),
            }
        }
        let mut seen = HashSet::new();
        shards.retain(|shard: &ShardProgress| seen.insert(own_name(&shard.file)));
        Ok(ShardStatus::sum(shards))
    }
}

/// A database that was named.
fn named(path: &Path) -> Result<ShardProgress, StudyError> {
    if !path.exists() {
        let path = path.to_owned();
        return Err(SubmitError::Absent { path }.into());
    }
    match progress::read(path, None)? {
        Some(found) => Ok(found),
        None => Err(SubmitError::NoShard {
            path: path.to_owned(),
        }
        .into()),
    }
}

impl ShardPlan {
    /// Every shard of the plan, as it is now.
    ///
    /// # Errors
    /// Those of reading databases that are there.
    pub fn look(&self) -> Result<Vec<ShardProgress>, StudyError> {
        let one = |number| -> Result<_, StudyError> {
            let shard = Shard::new(number, self.shards).map_err(crate::shard::ShardError::from)?;
            let path = self.file(shard);
            let units = shard.count(self.units);
            let found = match path.exists() {
                true => progress::read(&path, Some((shard, units)))?,
                false => None,
            };
            Ok(found.unwrap_or_else(|| ShardProgress::waiting(shard, path, units)))
        };
        (0..self.shards).map(one).collect()
    }
}
