//! Runs of several databases that are one.

use super::result::{MergedRun, MissingShard, Share};
use crate::StudyError;
use crate::report::Reporter;
use crate::shard::shards_of;
use landscape_core::{Progress, Shard, Shards, path_words};
use landscape_storage::{
    Contribution, MergeSource, Run, RunKind, RunSpec, RunSummary, Status, Store, differences,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::Instant;

/// A request, and the runs of the sources that it was computed in.
#[derive(Debug)]
pub(super) struct MergedRequest {
    found: Vec<MergeSource>,
    /// The name that a new run gets; one is made up if none is given.
    name: Option<String>,
}

/// Puts runs of one kind and identity together, and checks that no name stands for several.
pub(super) fn group(
    found: Vec<MergeSource>,
    into: &Path,
    target: &[RunSummary],
) -> Result<Vec<MergedRequest>, StudyError> {
    let mut places: HashMap<(RunKind, String), usize> = HashMap::new();
    let mut groups: Vec<Vec<MergeSource>> = Vec::new();
    for one in found {
        let run = &one.run;
        let key = (run.kind, run.identity.clone());
        let place = *places.entry(key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    let mut named: HashMap<&str, (&Run, &Path)> = HashMap::new();
    for one in groups.iter().flatten() {
        let (run, path) = (&one.run, one.path.as_path());
        for name in &one.names {
            let (first, from) = *named.entry(name).or_insert((run, path));
            same_request(name, (first, from), (run, path))?;
        }
    }
    let mut taken: HashSet<String> = target
        .iter()
        .flat_map(|stored| stored.names.clone())
        .collect();
    let requests = groups.into_iter().map(|found| {
        let run = &found[0].run;
        if let Some(stored) = target
            .iter()
            .find(|stored| stored.names.contains(&run.name))
        {
            same_request(&run.name, (&stored.run, into), (run, &found[0].path))?;
        }
        let name = taken.insert(run.name.clone()).then(|| run.name.clone());
        Ok(MergedRequest { found, name })
    });
    requests.collect()
}

/// Checks that two runs of a name are of one request. A name that was made up may be that of two runs, of which one gets another,
/// unless both are shards: these were then to be of one request.
fn same_request(
    name: &str,
    (first, from): (&Run, &Path),
    (other, path): (&Run, &Path),
) -> Result<(), StudyError> {
    let same = first.kind == other.kind && first.identity == other.identity;
    let shards = shards_of(first).is_some() && shards_of(other).is_some();
    if same || (is_made_up(name, other.kind) && !shards) {
        return Ok(());
    }
    let differences = differences(&first.settings, &other.settings);
    Err(StudyError::OtherRequest {
        name: name.to_owned(),
        first: from.to_owned(),
        other: path.to_owned(),
        kinds: (first.kind, other.kind),
        differences,
    })
}

/// Whether a name is one like `surface-1`, as runs get that were given none.
fn is_made_up(name: &str, kind: RunKind) -> bool {
    let number = name
        .strip_prefix(kind.name())
        .and_then(|rest| rest.strip_prefix('-'));
    number.is_some_and(|number| number.parse::<u64>().is_ok())
}

impl MergedRequest {
    fn first(&self) -> &Run {
        &self.found[0].run
    }

    /// Merges its runs into one of the store.
    pub(super) fn merge(
        &self,
        store: &Store,
        reporter: &dyn Reporter,
    ) -> Result<MergedRun, StudyError> {
        let first = self.first();
        let mut spec = RunSpec::new(first.kind, first.settings.clone()).determined();
        spec.name.clone_from(&self.name);
        let run = store.begin_merge(&spec, first)?;
        self.say_running(reporter);
        let added = self.add(&run, store, reporter);
        let status = match &added {
            Ok(_) => self.status(&run, store)?,
            Err(_) => Status::Interrupted,
        };
        if run.status != Status::Complete {
            store.finish(&run, status)?;
        }
        let added = added?;
        self.keep_names(&run, store)?;
        self.result(&run, store, added)
    }

    /// Adds what is new, and counts its points.
    fn add(&self, run: &Run, store: &Store, reporter: &dyn Reporter) -> Result<usize, StudyError> {
        let all = &self.found;
        let mut meter = reporter.meter(&format!("{} files", run.name), false);
        let (start, mut added, mut stopped) = (Instant::now(), 0, false);
        store.merge(run, all, &mut |place, new| {
            added += new;
            meter.update(Progress {
                done: place + 1,
                total: all.len(),
                resumed: 0,
                elapsed: start.elapsed(),
            });
            stopped = place + 1 < all.len() && reporter.cancelled();
            !stopped
        })?;
        match stopped {
            false => Ok(added),
            true => Err(StudyError::Interrupted {
                saved: format!("{added} points were added to run `{}`", run.name),
                again: "the same command goes on",
            }),
        }
    }

    /// Says which of its runs are being computed now.
    fn say_running(&self, reporter: &dyn Reporter) {
        for one in &self.found {
            if one.run.status == Status::Running {
                reporter.note(format_args!(
                    "run `{}` in `{}` is being computed now: what it has so far is merged",
                    one.run.name,
                    path_words(&one.path)
                ));
            }
        }
    }

    /// Whether the run is complete: all points, and all losses of paths, are there; or one of the sources was.
    fn status(&self, run: &Run, store: &Store) -> Result<Status, StudyError> {
        let whole = |one: &MergeSource| one.run.status == Status::Complete;
        if self.found.iter().any(whole) {
            return Ok(Status::Complete);
        }
        let stored = store.summary(&run.id.to_string())?;
        let total = stored.total();
        let points = total > 0 && stored.points == total;
        let sampled = matches!(run.kind, RunKind::Line | RunKind::Surface | RunKind::Volume);
        let sharded = self.found.iter().all(|one| shards_of(&one.run).is_some());
        let complete = match run.kind {
            _ if sampled => points,
            RunKind::Hessian => points && sharded,
            RunKind::Trajectory => {
                sharded
                    && (points || total == 0)
                    && stored.trajectories > 0
                    && store.paths_are_whole(run)?
            }
            _ => false,
        };
        Ok(match complete {
            true => Status::Complete,
            false => Status::Interrupted,
        })
    }

    /// Gives the run the names that its sources have, where they are free.
    fn keep_names(&self, run: &Run, store: &Store) -> Result<(), StudyError> {
        let mut given: Vec<&String> = Vec::new();
        for name in self.found.iter().flat_map(|one| &one.names) {
            if !is_made_up(name, run.kind) && !given.contains(&name) {
                store.also_named(run, name)?;
                given.push(name);
            }
        }
        Ok(())
    }

    fn result(&self, run: &Run, store: &Store, added: usize) -> Result<MergedRun, StudyError> {
        let summary = store.summary(&run.id.to_string())?;
        let missing = (summary.total() - summary.points.min(summary.total())) as usize;
        let shards = self.shards(&summary.run);
        let contributions = store.contributions(run)?;
        Ok(MergedRun {
            run: summary.run.name.clone(),
            kind: run.kind,
            status: summary.run.status,
            shape: summary.shape.clone(),
            points: summary.points,
            total: summary.total(),
            files: self.found.len(),
            added,
            missing,
            missing_shards: match missing {
                0 => Vec::new(),
                _ => missing_shards(&summary.run, &shards, store)?,
            },
            divisions: shards.divisions(),
            shares: shares(&contributions),
        })
    }

    /// The shards of the run and of the sources.
    fn shards(&self, run: &Run) -> Shards {
        let of = self.found.iter().map(|one| &one.run).chain([run]);
        let mut all = Shards::default();
        of.filter_map(shards_of)
            .for_each(|shards| all.extend(&shards));
        all
    }
}

/// Which shards lack points: of the division that most of what is there was divided in.
fn missing_shards(
    run: &Run,
    shards: &Shards,
    store: &Store,
) -> Result<Vec<MissingShard>, StudyError> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    shards
        .iter()
        .for_each(|shard| *counts.entry(shard.of()).or_default() += 1);
    let Some((&of, _)) = counts.iter().max_by_key(|(of, count)| (**count, **of)) else {
        return Ok(Vec::new());
    };
    let missing = store.missing_points(run)?;
    let mut lacking = vec![0; of];
    for (place, index) in missing.grid.coarse_to_fine().into_iter().enumerate() {
        lacking[place % of] += usize::from(missing.is_missing[index]);
    }
    let all = missing.grid.len();
    let found = lacking
        .into_iter()
        .enumerate()
        .filter(|(_, lacking)| *lacking > 0);
    found
        .map(|(number, missing)| {
            let shard = Shard::new(number, of).map_err(crate::shard::ShardError::from)?;
            let units = shard.count(all);
            Ok(MissingShard {
                shard,
                missing,
                units,
            })
        })
        .collect()
}

/// Who computed how much: points by host and device.
fn shares(contributions: &[Contribution]) -> Vec<Share> {
    let mut all: BTreeMap<(&Option<String>, &Option<String>), Share> = BTreeMap::new();
    for one in contributions {
        let share = all
            .entry((&one.host, &one.device))
            .or_insert_with(|| Share {
                host: one.host.clone(),
                device: one.device.clone(),
                sessions: 0,
                points: 0,
            });
        share.sessions += 1;
        share.points += one.points.unwrap_or(0);
    }
    all.into_values().collect()
}
