//! What came of merging.

use crate::words::shape_words;
use landscape_core::{Shard, Shards, counted, path_words};
use landscape_storage::{RunKind, Status};
use serde::{Serialize, Serializer};
use std::fmt;
use std::path::PathBuf;

/// What came of merging. As JSON it is what `landscape merge --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Merged {
    /// The database that everything is in now.
    #[serde(with = "landscape_core::as_words::path")]
    pub into: PathBuf,
    /// Databases that were read.
    pub files: usize,
    /// The runs.
    pub runs: Vec<MergedRun>,
}

/// A run that was merged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MergedRun {
    /// The name it is listed under.
    pub run: String,
    /// Its kind.
    pub kind: RunKind,
    /// Its state: complete once nothing is missing.
    pub status: Status,
    /// Points on each axis; empty without a grid.
    pub shape: Vec<u64>,
    /// Points that are stored now.
    pub points: u64,
    /// Points of the grid.
    pub total: u64,
    /// Databases that have it.
    pub files: usize,
    /// Points that were added now.
    pub added: usize,
    /// Points that are missing; of an adaptive run those of its round.
    pub missing: usize,
    /// Points of the round that an adaptive run is at, until it is complete.
    pub round: Option<usize>,
    /// The shards that lack them, where there are shards.
    pub missing_shards: Vec<MissingShard>,
    /// In how many shards the run was divided; several where that was changed on the way.
    pub divisions: Vec<usize>,
    /// Who computed how much.
    pub shares: Vec<Share>,
}

/// A shard that is not there, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingShard {
    /// Which.
    #[serde(serialize_with = "words")]
    pub shard: Shard,
    /// Points of it that are missing.
    pub missing: usize,
    /// All its points.
    pub units: usize,
}

fn words<S: Serializer>(shard: &Shard, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(shard)
}

/// What a host and a device computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Share {
    /// The machine, where it is known.
    pub host: Option<String>,
    /// What it computed on, where that is known.
    pub device: Option<String>,
    /// Sessions.
    pub sessions: usize,
    /// Points.
    pub points: u64,
}

impl Merged {
    /// Whether every run is complete.
    pub fn is_complete(&self) -> bool {
        self.runs.iter().all(|run| run.status == Status::Complete)
    }

    /// What is missing, in words; empty where nothing is.
    pub fn missing(&self) -> String {
        let words = { self.runs.iter() }.filter(|run| run.status != Status::Complete);
        words.map(MergedRun::lacks).collect::<Vec<_>>().join("; ")
    }
}

impl MergedRun {
    /// What it lacks, in words.
    fn lacks(&self) -> String {
        let points = counted(self.missing, "point");
        match (self.missing, self.missing_shards.is_empty()) {
            (0, _) => format!("{} is not complete", self.run),
            _ if self.is_between_rounds() => {
                format!("{} goes on with a round of {points}", self.run)
            }
            (_, true) => format!("{} lacks {points}", self.run),
            (_, false) => format!("{} lacks {points}, of {}", self.run, self.shard_words()),
        }
    }

    /// Whether it is adaptive and nothing of its round is measured yet.
    fn is_between_rounds(&self) -> bool {
        self.round == Some(self.missing)
    }

    /// The shards that are not there, and those of which a part is.
    fn shard_words(&self) -> String {
        let of = |whole: bool| {
            let some = self
                .missing_shards
                .iter()
                .filter(|one| (one.missing == one.units) == whole);
            some.map(|one| one.shard).collect::<Shards>()
        };
        let (whole, part) = (of(true), of(false));
        let mut words = Vec::new();
        if !whole.is_empty() {
            words.push(format!("shards {whole}"));
        }
        if !part.is_empty() {
            words.push(format!("shards {part} in part"));
        }
        words.join(" and ")
    }
}

impl fmt::Display for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.runs.iter().try_for_each(|run| run.fmt(f))?;
        let files = counted(self.files, "file");
        writeln!(f, "{}: {files} merged", path_words(&self.into))
    }
}

impl fmt::Display for MergedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (run, kind, files) = (&self.run, self.kind, counted(self.files, "file"));
        match self.shape.is_empty() {
            true => writeln!(f, "{run}: {kind} of {files}, {}", self.status)?,
            false => {
                let (shape, points) = (shape_words(&self.shape), self.points);
                let added = self.added;
                writeln!(
                    f,
                    "{run}: {points} of {shape} points, {added} of them added from {files}, {}",
                    self.status
                )?;
            }
        }
        if self.divisions.len() > 1 {
            let divisions: Vec<String> = self.divisions.iter().map(usize::to_string).collect();
            writeln!(
                f,
                "  divided in {} shards by turns, which changes no point",
                divisions.join(" and ")
            )?;
        }
        match self.round {
            Some(points) if self.is_between_rounds() => {
                writeln!(f, "  next: a round of {}", counted(points, "point"))?;
            }
            Some(points) => writeln!(
                f,
                "  its round of {} lacks {}",
                counted(points, "point"),
                self.missing
            )?,
            None => {}
        }
        if !self.missing_shards.is_empty() {
            writeln!(f, "  missing: {}", self.shard_words())?;
        }
        for share in self.shares.iter().filter(|share| share.points > 0) {
            let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "unknown".to_owned());
            writeln!(
                f,
                "  {} points by {} ({})",
                share.points,
                word(&share.host),
                word(&share.device)
            )?;
        }
        Ok(())
    }
}
