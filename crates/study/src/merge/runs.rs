//! Runs of several databases that are one.

use super::result::{MergedRun, MissingShard, Share};
use crate::StudyError;
use crate::record::Settings;
use crate::report::Reporter;
use crate::shard::shards_of;
use landscape_core::{Adaptive, Progress, Shard, Shards, path_words};
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
        if run.status != Status::Complete {
            match &added {
                Ok(_) => self.finish(&run, store)?,
                Err(_) => store.finish(&run, Status::Interrupted)?,
            }
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

    /// Says how far the run is now. An adaptive one of which all is measured that it takes is interpolated.
    fn finish(&self, run: &Run, store: &Store) -> Result<(), StudyError> {
        let status = self.status(run, store)?;
        if let (Some(adaptive), false) = (adaptive_of(run), status == Status::Complete) {
            let mut surface = store.load_surface(run)?;
            if adaptive.interpolate(&mut surface)?.is_some() {
                store.observer(run).complete(&surface)?;
                return Ok(());
            }
        }
        Ok(store.finish(run, status)?)
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
        let shards = self.shards(&summary.run);
        let lacking = Lacking::of(&summary, store)?;
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
            missing: lacking.count(),
            missing_shards: lacking.shards(&shards)?,
            round: lacking.round,
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

/// The adaptive sampling that a run asks for, where it does.
fn adaptive_of(run: &Run) -> Option<Adaptive> {
    Adaptive::new(Settings::of(run).adaptive()?).ok()
}

/// What a run lacks: units in the order that shards are parts of, and whether each is missing.
struct Lacking {
    is_missing: Vec<bool>,
    /// Points of the round that an adaptive run is at.
    round: Option<usize>,
}

impl Lacking {
    fn of(summary: &RunSummary, store: &Store) -> Result<Self, StudyError> {
        let run = &summary.run;
        let (complete, adaptive) = (run.status == Status::Complete, adaptive_of(run));
        if complete || summary.points >= summary.total() {
            return Ok(Lacking {
                is_missing: Vec::new(),
                round: None,
            });
        }
        let Some(adaptive) = adaptive else {
            let missing = store.missing_points(run)?;
            let order = missing.grid.coarse_to_fine().into_iter();
            return Ok(Lacking {
                is_missing: order.map(|index| missing.is_missing[index]).collect(),
                round: None,
            });
        };
        let surface = store.load_surface(run)?;
        let round = adaptive.round(&surface).unwrap_or_default();
        Ok(Lacking {
            is_missing: round
                .iter()
                .map(|&index| !surface.is_measured(index))
                .collect(),
            round: Some(round.len()),
        })
    }

    fn count(&self) -> usize {
        self.is_missing.iter().filter(|missing| **missing).count()
    }

    /// Which shards lack points: of the division that most of what is there was divided in. Of a round that nothing is there of
    /// none is told.
    fn shards(&self, shards: &Shards) -> Result<Vec<MissingShard>, StudyError> {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        shards
            .iter()
            .for_each(|shard| *counts.entry(shard.of()).or_default() += 1);
        let most = counts.iter().max_by_key(|(of, count)| (**count, **of));
        let Some((&of, _)) = most.filter(|_| self.round != Some(self.count())) else {
            return Ok(Vec::new());
        };
        let mut lacking = vec![0; of];
        for (place, missing) in self.is_missing.iter().enumerate() {
            lacking[place % of] += usize::from(*missing);
        }
        let found = { lacking.into_iter().enumerate() }.filter(|(_, lacking)| *lacking > 0);
        found
            .map(|(number, missing)| {
                let shard = Shard::new(number, of).map_err(crate::shard::ShardError::from)?;
                let units = shard.count(self.is_missing.len());
                Ok(MissingShard {
                    shard,
                    missing,
                    units,
                })
            })
            .collect()
    }
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
