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

/// How often a signal is looked for between two looks at the shards.
const BLINK: Duration = Duration::from_millis(100);

/// The times of waiting.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// How often shards are looked at.
    pause: Duration,
    /// An engine runs a shard again that has failed: no sooner than after this time it is given up.
    patience: Duration,
}

const PACE: Pace = Pace {
    pause: Duration::from_secs(2),
    patience: Duration::from_secs(60),
};

/// Since when nobody computes a shard although some have failed.
#[derive(Default)]
struct Standstill {
    since: Option<Instant>,
    is_told: bool,
}

impl Standstill {
    /// Whether it has lasted.
    fn lasts(&mut self, status: &ShardStatus, patience: Duration) -> bool {
        if status.failed == 0 || status.running > 0 {
            *self = Standstill::default();
            return false;
        }
        self.since.get_or_insert_with(Instant::now).elapsed() >= patience
    }

    /// What is to be known of one that has lasted: an error where no shard waits to be started, and else, once, a warning, since an engine
    /// may start it after hours.
    fn told(&mut self, status: &ShardStatus, reporter: &dyn Reporter) -> Result<(), SubmitError> {
        let shards = status.in_phase(ShardPhase::Failed).to_string();
        if status.waiting == 0 {
            let count = status.failed;
            return Err(SubmitError::Incomplete { count, shards });
        }
        if !std::mem::replace(&mut self.is_told, true) {
            reporter.warn(format_args!(
                "warning: no shard is running: {} failed ({shards}), {} waiting; if the job was cancelled, submit it \
                 again, which keeps what is done",
                status.failed, status.waiting,
            ));
        }
        Ok(())
    }
}

impl ShardPlan {
    /// Waits until all shards are done, and merges them into a store as they end. The reporter can stop it, which stops no shard, and
    /// is warned once where shards have failed, nobody computes one, and others have never begun: a job that was cancelled looks so.
    ///
    /// # Errors
    /// [`SubmitError::Incomplete`] where shards have failed, all others are done, and nobody runs them again within a minute;
    /// [`StudyError::Interrupted`], and those of merging.
    pub fn follow(&self, store: &Store, reporter: &dyn Reporter) -> Result<Merged, StudyError> {
        self.follow_at(PACE, store, reporter)
    }

    fn follow_at(
        &self,
        pace: Pace,
        store: &Store,
        reporter: &dyn Reporter,
    ) -> Result<Merged, StudyError> {
        let mut meter = reporter.meter("points of all shards", false);
        let (start, mut first) = (Instant::now(), None);
        let mut standstill = Standstill::default();
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
            if standstill.lasts(&status, pace.patience) {
                standstill.told(&status, reporter)?;
            }
            pause(pace.pause, reporter)?;
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

fn pause(length: Duration, reporter: &dyn Reporter) -> Result<(), StudyError> {
    let end = Instant::now() + length;
    while Instant::now() < end {
        if reporter.cancelled() {
            return Err(StudyError::Interrupted {
                saved: "the shards that had ended are merged; the others go on".to_owned(),
                again: "the same command waits for them again",
            });
        }
        sleep(BLINK.min(length));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Level;
    use std::fmt::Display;
    use std::fs;
    use std::path::Path;
    use std::sync::Mutex;

    const AT_ONCE: Pace = Pace {
        pause: Duration::ZERO,
        patience: Duration::ZERO,
    };

    /// Keeps the warnings, and stops at the third look after the first.
    #[derive(Default)]
    struct Heard(Mutex<(Vec<String>, usize)>);

    impl Reporter for Heard {
        fn say(&self, level: Level, words: &dyn Display) {
            assert_eq!(level, Level::Warning);
            self.0.lock().unwrap().0.push(words.to_string());
        }

        fn cancelled(&self) -> bool {
            let (said, looks) = &mut *self.0.lock().unwrap();
            *looks += usize::from(!said.is_empty());
            *looks > 3
        }
    }

    /// Shards of which the first ones have left a file that cannot be read.
    fn plan(folder: &Path, shards: usize, failed: usize) -> ShardPlan {
        let plan = ShardPlan {
            command: vec![],
            shards,
            units: 9,
            seconds: 1.0,
            preparation: 0.0,
            cpus: 1,
            gpus: 0,
            database: folder.join("{K}-{N}.duckdb"),
            into: folder.join("all.duckdb"),
        };
        for number in 0..failed {
            let shard = landscape_core::Shard::new(number, shards).unwrap();
            fs::write(plan.file(shard), "cut short").unwrap();
        }
        plan
    }

    #[test]
    fn shards_that_nobody_computes_are_told_once_or_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("all.duckdb")).unwrap();
        let heard = Heard::default();
        let pace = Pace {
            pause: BLINK / 50,
            ..AT_ONCE
        };
        let error = { plan(folder.path(), 3, 2) }
            .follow_at(pace, &store, &heard)
            .unwrap_err();
        assert!(matches!(error, StudyError::Interrupted { .. }), "{error}");
        let (said, _) = heard.0.into_inner().unwrap();
        assert_eq!(said.len(), 1, "{said:?}");
        for words in ["2 failed (0-1/3)", "1 waiting", "submit it again"] {
            assert!(said[0].contains(words), "{}", said[0]);
        }
        let error = { plan(folder.path(), 2, 2) }
            .follow_at(AT_ONCE, &store, &())
            .unwrap_err();
        assert!(error.to_string().contains("0-1/2"), "{error}");
    }
}
