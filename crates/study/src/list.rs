//! The runs of a store: listed, and removed.

use crate::StudyError;
use crate::record::{Provenance, Settings};
use crate::shard::ShardState;
use crate::words::{Align, Table, shape_words, size};
use landscape_core::counted;
use landscape_storage::{RunFigures, RunFilter, RunKind, RunSummary, Status, Store, timestamp};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// Runs, as they are asked for. As JSON it is what `landscape runs --json` prints.
///
/// ```
/// use landscape_storage::{RunFilter, Store};
/// use landscape_study::list::RunList;
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path().join("landscape.duckdb"))?;
/// let found = RunList::of(&RunFilter::default(), &store)?;
/// assert_eq!(found.to_string(), "no runs yet\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunList {
    /// The runs.
    pub runs: Vec<ListedRun>,
    /// Whether some may be left out, for their kind, state or name.
    #[serde(skip)]
    pub filtered: bool,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedRun {
    /// Its number.
    pub id: i64,
    /// The name it is listed under.
    pub name: String,
    /// All its names, that one first.
    pub names: Vec<String>,
    /// Its kind.
    pub kind: RunKind,
    /// Its state; that of a shard, done or not, is never complete.
    pub status: Status,
    /// Of a run that is not complete, which shards of the whole it is, and how much of them there is.
    pub shard: Option<ShardState>,
    /// When it was begun.
    pub created: String,
    /// Points on each axis of its grid; empty without a grid.
    pub shape: Vec<u64>,
    /// Points of its grid that are stored.
    pub points: u64,
    /// Those of them that are interpolated.
    pub interpolated: u64,
    /// Points of its grid.
    pub total: u64,
    /// Records of training.
    pub records: u64,
    /// Checkpoints with parameters.
    pub checkpoints: u64,
    /// Bytes that they take.
    pub checkpoint_bytes: u64,
    /// Projected paths.
    pub trajectories: u64,
    /// The network as it was named, where it is known.
    pub model: Option<String>,
    /// The comparison that it is a part of.
    pub comparison: Option<String>,
    /// Its figures.
    #[serde(skip)]
    pub figures: RunFigures,
    /// What it holds, in words.
    #[serde(skip)]
    pub holds: String,
}

impl RunList {
    /// The runs that are asked for.
    ///
    /// # Errors
    /// Those of the store.
    pub fn of(filter: &RunFilter, store: &Store) -> Result<Self, StudyError> {
        let all = filter.kinds.is_empty() && filter.statuses.is_empty() && filter.names.is_none();
        let runs = store.runs_where(filter)?;
        Ok(RunList {
            runs: runs.into_iter().map(ListedRun::of).collect(),
            filtered: !all,
        })
    }

    /// Runs in their order, the parts of a comparison together below the run of its joint plane.
    fn entries(&self) -> Vec<Entry<'_>> {
        let part_of = |run: &ListedRun, name: &str| run.comparison.as_deref() == Some(name);
        let is_comparison = |name: &&String| self.runs.iter().any(|run| part_of(run, name));
        let (mut entries, mut told) = (Vec::new(), BTreeSet::new());
        for run in &self.runs {
            let own = || run.names.iter().find(is_comparison);
            let Some(name) = run.comparison.as_ref().or_else(own) else {
                entries.push(Entry::Run(run));
                continue;
            };
            if !told.insert(name) {
                continue;
            }
            let parts: Vec<&ListedRun> = { self.runs.iter() }
                .filter(|run| part_of(run, name))
                .collect();
            let mut others = self.runs.iter().filter(|run| run.comparison.is_none());
            entries.push(match others.find(|run| run.names.contains(name)) {
                Some(plane) => Entry::Run(plane),
                None => Entry::Comparison(name, parts.len()),
            });
            entries.extend(parts.into_iter().map(Entry::Part));
        }
        entries
    }
}

impl ListedRun {
    fn of(summary: RunSummary) -> Self {
        let run = &summary.run;
        let provenance = Provenance::of(run);
        ListedRun {
            id: run.id,
            kind: run.kind,
            status: run.status,
            shard: ShardState::of(&summary),
            created: timestamp(run.created),
            points: summary.points,
            interpolated: summary.interpolated,
            total: summary.total(),
            records: summary.records,
            checkpoints: summary.checkpoints,
            checkpoint_bytes: summary.checkpoint_bytes,
            trajectories: summary.trajectories,
            model: provenance.model_name(&Settings::of(run)),
            comparison: provenance.comparison,
            figures: summary.figures,
            holds: holdings(&summary),
            name: summary.run.name,
            names: summary.names,
            shape: summary.shape,
        }
    }

    /// Its state in words: a shard that is done is told as one.
    pub fn state(&self) -> String {
        state_words(self.status, self.shard.as_ref())
    }

    fn cells(&self, indent: &str) -> [String; 7] {
        [
            self.id.to_string(),
            format!("{indent}{}", self.names.join(", ")),
            self.kind.to_string(),
            self.model.as_deref().unwrap_or("-").to_owned(),
            self.state(),
            self.holds.clone(),
            self.created.clone(),
        ]
    }
}

/// A line of the list.
enum Entry<'a> {
    /// A run that is not part of a comparison.
    Run(&'a ListedRun),
    /// A comparison without a run of its own in the list, and how many of its parts are there.
    Comparison(&'a str, usize),
    /// A part of the comparison above.
    Part(&'a ListedRun),
}

impl Entry<'_> {
    fn cells(&self) -> [String; 7] {
        match self {
            Entry::Run(run) => run.cells(""),
            Entry::Part(run) => run.cells("  "),
            Entry::Comparison(name, parts) => {
                let holds = counted(*parts, "run");
                ["", name, "comparison", "", "", &holds, ""].map(str::to_owned)
            }
        }
    }
}

impl fmt::Display for RunList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.runs.is_empty(), self.filtered) {
            (true, true) => return f.write_str("no such runs\n"),
            (true, false) => return f.write_str("no runs yet\n"),
            _ => {}
        }
        let columns = ["NAME", "KIND", "MODEL", "STATUS", "HOLDS", "CREATED"];
        let columns = columns.map(|name| (name, Align::Left));
        let table = Table::new([("ID", Align::Right)].into_iter().chain(columns));
        table.with(self.entries().iter().map(Entry::cells)).fmt(f)
    }
}

/// The state of a run, in words: a shard that is done is told as one.
pub(crate) fn state_words(status: Status, shard: Option<&ShardState>) -> String {
    match shard {
        None => status.to_string(),
        // Without a grid the units are not counted.
        Some(shard) if status == Status::Interrupted && shard.units == 0 => shard.to_string(),
        Some(shard) if status == Status::Interrupted && shard.is_done() => format!("{shard} done"),
        Some(shard) => format!("{shard} {status}"),
    }
}

/// What a run holds, in words.
pub(crate) fn holdings(summary: &RunSummary) -> String {
    let mut parts = Vec::new();
    if !summary.shape.is_empty() {
        let shape = shape_words(&summary.shape);
        parts.push(match summary.points == summary.total() {
            true if summary.interpolated > 0 => {
                let measured = summary.points - summary.interpolated;
                format!("{shape} points, {measured} of them measured")
            }
            true => format!("{shape} points"),
            false => format!("{} of {shape} points", summary.points),
        });
    }
    if summary.checkpoints > 0 {
        let (count, size) = (summary.checkpoints, size(summary.checkpoint_bytes));
        parts.push(format!("{count} checkpoints of {size}"));
    }
    if summary.trajectories > 0 {
        parts.push(counted(summary.trajectories as usize, "path"));
    }
    match summary.curvature {
        0 => {}
        1 => parts.push("curvature".to_owned()),
        n => parts.push(format!("curvature at {n} steps")),
    }
    match parts.is_empty() {
        true => "-".to_owned(),
        false => parts.join(", "),
    }
}

/// Names that are removed from a store, and the runs that go with their last name. As JSON it is what `landscape rm
/// --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Removal {
    /// Whether nothing is removed yet.
    pub dry_run: bool,
    /// The names.
    pub removed: Vec<RemovedName>,
}

/// A name that is removed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RemovedName {
    /// The name.
    pub name: String,
    /// The number of its run.
    pub id: i64,
    /// The kind of that.
    pub kind: RunKind,
    /// Whether the run goes too: it has no other name.
    pub run_removed: bool,
    /// Points of the run.
    pub points: u64,
    /// Its checkpoints.
    pub checkpoints: u64,
    /// Bytes that they take.
    pub checkpoint_bytes: u64,
    /// What the run holds, in words.
    #[serde(skip)]
    pub holds: String,
}

impl Removal {
    /// Finds the runs; removes nothing.
    ///
    /// # Errors
    /// An unknown run, and those of the store.
    pub fn prepare(names: &[String], store: &Store) -> Result<Self, StudyError> {
        let found = names.iter().map(|name| {
            let found = store.summary(name)?;
            Ok(RemovedName {
                run_removed: found.names.len() == 1 || !found.names.contains(name),
                holds: holdings(&found),
                name: name.clone(),
                id: found.run.id,
                kind: found.run.kind,
                points: found.points,
                checkpoints: found.checkpoints,
                checkpoint_bytes: found.checkpoint_bytes,
            })
        });
        Ok(Removal {
            dry_run: true,
            removed: found.collect::<Result<_, StudyError>>()?,
        })
    }

    /// Removes them.
    ///
    /// # Errors
    /// Those of the store.
    pub fn run(mut self, store: &Store) -> Result<Self, StudyError> {
        for one in &mut self.removed {
            one.run_removed = store.remove(&one.name)?;
        }
        self.dry_run = false;
        Ok(self)
    }
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.dry_run {
            true => "would be removed",
            false => "removed",
        };
        self.removed.iter().try_for_each(|one| {
            let RemovedName {
                name, kind, holds, ..
            } = one;
            match one.run_removed {
                true => writeln!(f, "{name}: {verb} ({kind}, {holds})"),
                false => writeln!(f, "{name}: the name {verb}; the run has others"),
            }
        })
    }
}
