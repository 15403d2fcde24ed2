//! Shards that are waited for, and merged as they end.

use crate::StudyError;
use crate::error::SubmitError;
use crate::merge::{Merge, MergeRequest, Merged};
use crate::report::{Quiet, Reporter};
use crate::status::{ShardPhase, ShardPlan, ShardProgress, ShardStatus};
use landscape_core::Progress;
use landscape_storage::{Error, Store};
use std::collections::HashSet;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often shards are looked at.
const PAUSE: Duration = Duration::from_secs(2);
/// How often a signal is looked for meanwhile.
const BLINK: Duration = Duration::from_millis(100);
/// An engine runs a shard again that has failed: no sooner than after this time it is given up.
const PATIENCE: Duration = Duration::from_secs(60);

impl ShardPlan {
    /// Waits until all shards are done, and merges them into a store as they end. The reporter can stop it, which stops no shard.
    ///
    /// # Errors
    /// [`SubmitError::Incomplete`] where shards have failed, all others are done, and nobody runs them again within a minute;
    /// [`StudyError::Interrupted`], and those of merging.
    pub fn follow(&self, store: &Store, reporter: &dyn Reporter) -> Result<Merged, StudyError> {
        let mut meter = reporter.meter("points of all shards", false);
        let (start, mut first, mut stuck) = (Instant::now(), None, None);
        let (mut merged, mut last) = (HashSet::new(), None);
        loop {
            let status = ShardStatus::sum(self.look()?);
            meter.update(Progress {
                done: status.points_done,
                total: status.points,
                resumed: *first.get_or_insert(status.points_done),
                elapsed: start.elapsed(),
            });
            let new: Vec<PathBuf> = { ended(&status) }
                .filter(|file| !merged.contains(file))
                .collect();
            if !new.is_empty() {
                match self.merge(&new, store, &Quiet(reporter)) {
                    Ok(found) => {
                        last = Some(found);
                        merged.extend(new);
                    }
                    // The engine's own merge is at it.
                    Err(StudyError::Store(Error::Busy { .. } | Error::UnknownOwner { .. })) => {}
                    Err(error) => return Err(error),
                }
            }
            let is_merged = ended(&status).all(|file| merged.contains(&file));
            match last {
                Some(last) if status.is_done() && is_merged => return Ok(last),
                other => last = other,
            }
            let is_stuck = status.failed > 0 && status.running + status.waiting == 0;
            match stuck {
                _ if !is_stuck => stuck = None,
                None => stuck = Some(Instant::now()),
                Some(since) if since.elapsed() < PATIENCE => {}
                Some(_) => {
                    return Err(SubmitError::Incomplete {
                        count: status.failed,
                        shards: status.in_phase(ShardPhase::Failed).to_string(),
                    }
                    .into());
                }
            }
            pause(reporter)?;
        }
    }

    fn merge(
        &self,
        files: &[PathBuf],
        store: &Store,
        reporter: &dyn Reporter,
    ) -> Result<Merged, StudyError> {
        let request = MergeRequest {
            sources: files.to_vec(),
            into: self.into.clone(),
        };
        Merge::prepare(&request, reporter)?.run(store, reporter)
    }
}

/// Databases of shards that are done; those without points have none.
fn ended(status: &ShardStatus) -> impl Iterator<Item = PathBuf> {
    let is_ended = |one: &&ShardProgress| one.phase == ShardPhase::Done && one.file.exists();
    let ended = status.shards.iter().filter(is_ended);
    ended.map(|one| one.file.clone())
}

fn pause(reporter: &dyn Reporter) -> Result<(), StudyError> {
    let end = Instant::now() + PAUSE;
    while Instant::now() < end {
        if reporter.cancelled() {
            return Err(StudyError::Interrupted {
                saved: "the shards that had ended are merged; the others go on".to_owned(),
                again: "the same command waits for them again",
            });
        }
        sleep(BLINK);
    }
    Ok(())
}
