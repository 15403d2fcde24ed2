//! How far shards are, in words and as JSON.

use crate::words::{Align, Table, duration, rate};
use landscape_core::{Shard, Shards, counted, path_words};
use serde::{Serialize, Serializer};
use std::fmt;
use std::path::PathBuf;

/// Where a shard stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ShardPhase {
    /// It has no database yet.
    Waiting,
    /// A process computes it.
    Running,
    /// It is not whole, and no process computes it.
    Failed,
    /// All its points are stored.
    Done,
}

/// How far a shard is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShardProgress {
    /// Which, where that is known.
    #[serde(serialize_with = "words")]
    pub shard: Option<Shard>,
    /// Its database.
    #[serde(with = "landscape_core::as_words::path")]
    pub file: PathBuf,
    /// Where it stands.
    pub phase: ShardPhase,
    /// Its points (checkpoints of a path and trainings of a comparison too).
    pub points: usize,
    /// Those that are stored.
    pub points_done: usize,
    /// The machine that computed it last, where it is known.
    pub host: Option<String>,
    /// What on, where it is known.
    pub device: Option<String>,
    /// Points a second, of one that is running.
    pub rate: Option<f64>,
    /// When its database changed last.
    pub changed: Option<String>,
    /// Why its database cannot be read.
    pub why: Option<String>,
}

fn words<S: Serializer>(shard: &Option<Shard>, to: S) -> Result<S::Ok, S::Error> {
    match shard {
        Some(shard) => to.collect_str(shard),
        None => to.serialize_none(),
    }
}

impl ShardProgress {
    /// One that is not begun.
    pub(super) fn waiting(shard: Shard, file: PathBuf, points: usize) -> Self {
        ShardProgress {
            shard: Some(shard),
            file,
            // One without points has nothing to wait for.
            phase: match points {
                0 => ShardPhase::Done,
                _ => ShardPhase::Waiting,
            },
            points,
            points_done: 0,
            host: None,
            device: None,
            rate: None,
            changed: None,
            why: None,
        }
    }
}

/// How far shards are. As JSON it is what `landscape status --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShardStatus {
    /// Shards that are done.
    pub done: usize,
    /// Those that are running.
    pub running: usize,
    /// Those that have failed.
    pub failed: usize,
    /// Those that are not begun.
    pub waiting: usize,
    /// Points of all.
    pub points: usize,
    /// Those that are stored.
    pub points_done: usize,
    /// Points a second, of all that are running.
    pub rate: Option<f64>,
    /// Seconds until all points are stored, at this rate.
    pub seconds_left: Option<f64>,
    /// Each of them.
    pub shards: Vec<ShardProgress>,
}

impl ShardStatus {
    /// Of all these.
    pub(crate) fn sum(shards: Vec<ShardProgress>) -> Self {
        let in_phase = |phase| shards.iter().filter(|one| one.phase == phase).count();
        let points: usize = shards.iter().map(|one| one.points).sum();
        let points_done = shards.iter().map(|one| one.points_done).sum();
        let rate: f64 = shards.iter().filter_map(|one| one.rate).sum();
        let rate = Some(rate).filter(|&rate| rate > 0.0);
        ShardStatus {
            done: in_phase(ShardPhase::Done),
            running: in_phase(ShardPhase::Running),
            failed: in_phase(ShardPhase::Failed),
            waiting: in_phase(ShardPhase::Waiting),
            points,
            points_done,
            rate,
            seconds_left: rate.map(|rate| points.saturating_sub(points_done) as f64 / rate),
            shards,
        }
    }

    /// Whether all are done.
    pub fn is_done(&self) -> bool {
        self.done == self.shards.len()
    }

    /// The shards in a phase.
    pub fn in_phase(&self, phase: ShardPhase) -> Shards {
        let some = self.shards.iter().filter(|one| one.phase == phase);
        some.filter_map(|one| one.shard).collect()
    }
}

impl fmt::Display for ShardStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |phase: ShardPhase| Some(self.in_phase(phase)).filter(|all| !all.is_empty());
        let all = self.shards.len();
        writeln!(f, "done     {} of {}", self.done, counted(all, "shard"))?;
        for (name, count, phase) in [
            ("running", self.running, ShardPhase::Running),
            ("failed", self.failed, ShardPhase::Failed),
            ("waiting", self.waiting, ShardPhase::Waiting),
        ] {
            if count > 0 {
                let which = of(phase).map_or(String::new(), |which| format!(" ({which})"));
                writeln!(f, "{name:<8} {count}{which}")?;
            }
        }
        let share = 100.0 * self.points_done as f64 / self.points.max(1) as f64;
        let (done, points) = (self.points_done, self.points);
        write!(f, "points   {done} of {points} ({share:.0}%)")?;
        if let (Some(per_second), Some(left)) = (self.rate, self.seconds_left) {
            write!(f, ", {}, {} left", rate(per_second), duration(left))?;
        }
        writeln!(f)?;
        self.rows(f)
    }
}

impl ShardStatus {
    /// A line for each shard that is running or has failed.
    fn rows(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_told =
            |one: &&ShardProgress| matches!(one.phase, ShardPhase::Running | ShardPhase::Failed);
        let told: Vec<&ShardProgress> = self.shards.iter().filter(is_told).collect();
        if told.is_empty() {
            return Ok(());
        }
        let columns = [
            "SHARD", "STATE", "POINTS", "HOST", "DEVICE", "CHANGED", "DATABASE",
        ];
        let table = Table::new(columns.map(|name| (name, Align::Left)));
        let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "-".to_owned());
        let cells = |one: &&ShardProgress| {
            let shard = one.shard.map_or("-".to_owned(), |shard| shard.to_string());
            let state = match one.phase {
                ShardPhase::Failed => "failed",
                _ => "running",
            };
            let file = path_words(&one.file);
            let file = match &one.why {
                Some(why) => format!("{file}: {why}"),
                None => file,
            };
            [
                shard,
                state.to_owned(),
                format!("{}/{}", one.points_done, one.points),
                word(&one.host),
                word(&one.device),
                word(&one.changed),
                file,
            ]
        };
        writeln!(f)?;
        write!(f, "{}", table.with(told.iter().map(cells)))
    }
}
