//! What came of submitting, in words and as JSON.

use super::Engine;
use crate::status::ShardPlan;
use crate::words::{duration, rate};
use landscape_core::{Shards, counted, path_words};
use serde::{Serialize, Serializer};
use std::fmt;
use std::path::PathBuf;

/// What came of submitting. As JSON it is what `landscape submit --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Submitted {
    /// Who runs the shards.
    #[serde(with = "landscape_core::as_words")]
    pub engine: Engine,
    /// In how many the request is divided.
    pub shards: usize,
    /// Those that are done already.
    pub done: usize,
    /// Those that are running already.
    pub running: usize,
    /// Those that are handed over now, for example `0-3,7/16`.
    #[serde(serialize_with = "words")]
    pub left: Shards,
    /// Seconds that one takes, as far as that was measured.
    pub seconds: f64,
    /// What was written.
    #[serde(with = "landscape_core::as_words::path::list")]
    pub files: Vec<PathBuf>,
    /// What submits them.
    pub command: String,
    /// Whether that was done.
    #[serde(rename = "submitted")]
    pub is_submitted: bool,
    /// What the engine said.
    pub said: String,
}

fn words<S: Serializer>(shards: &Shards, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(shards)
}

impl fmt::Display for Submitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, left) = (counted(self.shards, "shard"), self.left.iter().count());
        if self.left.is_empty() {
            return match self.running {
                0 => writeln!(f, "nothing is submitted: all of {all} are done"),
                running => writeln!(
                    f,
                    "nothing is submitted: of {all} {} are done and {running} running",
                    self.done
                ),
            };
        }
        let which = match left == self.shards {
            true => all,
            false => format!("{left} of {all} ({})", self.left),
        };
        match self.is_submitted {
            true => writeln!(f, "{which} submitted to {}", self.engine)?,
            false => writeln!(f, "{which} not submitted yet: `{}` does it", self.command)?,
        }
        for path in &self.files {
            writeln!(f, "{}", path_words(path))?;
        }
        match self.said.is_empty() {
            true => Ok(()),
            false => writeln!(f, "{}", self.said),
        }
    }
}

/// What is planned, and why.
pub(super) struct PlanWords<'a> {
    pub plan: &'a ShardPlan,
    /// What is divided, in the singular.
    pub unit: &'static str,
    /// Seconds for everything.
    pub seconds: f64,
    /// Whether the number of shards was asked for.
    pub is_given: bool,
    pub engine: Engine,
}

impl fmt::Display for PlanWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan;
        let shards = counted(plan.shards, "shard");
        let on = match plan.gpus {
            0 => counted(plan.cpus, "core"),
            gpus => counted(gpus, "GPU"),
        };
        let each = rate(plan.units as f64 / self.seconds.max(1e-9));
        let units = counted(plan.units, self.unit);
        write!(
            f,
            "{units} at {each} on {on} of this machine: {shards} of about {} each, {} of it before the first {}",
            duration(plan.seconds),
            duration(plan.preparation),
            self.unit
        )?;
        match (self.is_given, self.engine) {
            (false, Engine::Mpi) => f.write_str(
                "; MPI runs all at once, so there are no more than this machine has cores",
            ),
            _ => Ok(()),
        }
    }
}
