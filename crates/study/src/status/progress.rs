//! How far one shard is, from its database.

use super::{ShardPhase, ShardProgress};
use crate::StudyError;
use crate::shard::shards_of;
use landscape_core::Shard;
use landscape_storage::{Error, RunKind, RunSummary, Status, Store, host, timestamp};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A database that another machine writes has changed within this time.
const RECENT: Duration = Duration::from_secs(300);

/// What the database of a shard holds: of this one, with so many units, where it is known. Nothing where it holds no shard.
///
/// # Errors
/// None of a database that cannot be read: its shard has failed, and says why.
pub(super) fn read(
    path: &Path,
    planned: Option<(Shard, usize)>,
) -> Result<Option<ShardProgress>, StudyError> {
    let changed = fs::metadata(path).and_then(|file| file.modified()).ok();
    let mut found = ShardProgress {
        shard: planned.map(|(shard, _)| shard),
        file: path.to_owned(),
        phase: ShardPhase::Running,
        points: planned.map_or(0, |(_, units)| units),
        points_done: 0,
        host: None,
        device: None,
        rate: None,
        changed: changed.map(timestamp),
        why: None,
    };
    match fill(&mut found, path, planned.is_some(), changed) {
        Ok(true) => {}
        Ok(false) => return Ok(None),
        // Who has it open stores results just now.
        Err(StudyError::Store(Error::Locked { .. })) => {}
        Err(error) => {
            found.phase = ShardPhase::Failed;
            found.why = Some(error.in_full());
        }
    }
    Ok(Some(found))
}

/// Fills in what the runs of a database say; false where none of them is of a shard.
fn fill(
    found: &mut ShardProgress,
    path: &Path,
    is_planned: bool,
    changed: Option<SystemTime>,
) -> Result<bool, StudyError> {
    let store = Store::open_read(path)?;
    let mut runs = store.runs()?;
    // Trainings of a comparison are whole, each by itself.
    runs.retain(|run| {
        shards_of(&run.run).is_some() || (is_planned && run.run.kind == RunKind::Train)
    });
    let Some(last) = runs.last() else {
        return Ok(false);
    };
    let shards = shards_of(&last.run);
    found.shard = found.shard.or_else(|| shards?.iter().next());
    let sessions = store.contributions(&last.run)?;
    let own = sessions.last();
    found.host = own.and_then(|session| session.host.clone());
    found.device = own.and_then(|session| session.device.clone());
    let (points, done) = match last.run.kind {
        RunKind::Train => (found.points, of_trainings(&runs)),
        _ => counts(&store, last)?,
    };
    (found.points, found.points_done) = (points, done.min(points));
    // A run without a grid has not come to its points yet; one with a grid may have none of them in its shard.
    let is_whole = done >= points && (points > 0 || last.total() > 0);
    let here = found.host.is_none() || found.host == host();
    let recent = changed
        .and_then(|changed| changed.elapsed().ok())
        .is_some_and(|age| age < RECENT);
    let is_running = runs.iter().any(|run| run.run.status == Status::Running);
    found.phase = match (is_running, is_whole || last.run.status == Status::Complete) {
        (true, _) => ShardPhase::Running,
        (false, true) => ShardPhase::Done,
        (false, false) if !here && recent => ShardPhase::Running,
        (false, false) => ShardPhase::Failed,
    };
    if found.phase == ShardPhase::Running {
        let before: u64 = { sessions.iter().rev().skip(1) }
            .filter_map(|session| session.points)
            .sum();
        let seconds = own
            .and_then(|session| session.begun?.elapsed().ok())
            .map(|elapsed| elapsed.as_secs_f64());
        found.rate = seconds
            .filter(|&seconds| seconds > 0.0)
            .map(|seconds| found.points_done.saturating_sub(before as usize) as f64 / seconds);
    }
    Ok(true)
}

/// Trainings that are done.
fn of_trainings(runs: &[RunSummary]) -> usize {
    let done = { runs.iter() }.filter(|run| run.run.status == Status::Complete);
    done.count()
}

/// Points of the shard, and those that are stored: of its grid, and of its paths.
fn counts(store: &Store, run: &RunSummary) -> Result<(usize, usize), StudyError> {
    let shards = shards_of(&run.run);
    let part = |all: usize| shards.as_ref().map_or(all, |shards| shards.count(all));
    let measured = run.points.saturating_sub(run.interpolated) as usize;
    let grid = part(run.total() as usize);
    let (mut all, mut done) = (grid, measured.min(grid));
    if run.run.kind == RunKind::Trajectory {
        let paths = store.load_trajectories(&run.run)?;
        let points = || paths.iter().flat_map(|path| &path.trajectory.points);
        let own = part(points().count());
        // Until its paths are stored, how many checkpoints there are is not known, but there are some.
        all += own.max(1);
        let known = points().filter(|point| point.loss.is_some() && point.plane_loss.is_some());
        done += match own {
            0 if !paths.is_empty() => 1,
            _ => known.count().min(own),
        };
    }
    Ok((all, done))
}
