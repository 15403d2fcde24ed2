//! Two values of one point.

use std::fmt;
use std::path::PathBuf;

/// A point that is known with two values.
#[derive(Debug, Clone, PartialEq)]
pub struct Disagreement {
    /// The run.
    pub run: String,
    /// What differs: `loss`, a term of it, or an eigenvalue.
    pub what: String,
    /// Its indices in the grid.
    pub indices: [u64; 3],
    /// The value that is stored, or that an earlier source has.
    pub stored: f64,
    /// The other one.
    pub found: f64,
    /// Which source has that.
    pub source: usize,
    /// Its file.
    pub path: PathBuf,
    /// Which shard it is of, where it says so.
    pub shard: Option<String>,
    /// Hosts and devices of that source, as its contributions have them.
    pub theirs: Vec<String>,
    /// Hosts and devices of what is stored.
    pub ours: Vec<String>,
    /// Points of which the same is true.
    pub points: u64,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stored, found) = (self.stored, self.found);
        let list = |all: &[String]| match all.is_empty() {
            true => String::new(),
            false => format!(" ({})", all.join("; ")),
        };
        let shard = { self.shard.iter() }.map(|shard| format!("shard {shard} in "));
        write!(
            f,
            "run `{}`: at {:?} the {} is {stored} in what was merged before{}, and {found} in {}`{}`{}; {} differ by more \
             than rounding",
            self.run,
            self.indices,
            self.what,
            list(&self.ours),
            shard.collect::<String>(),
            self.path.display(),
            list(&self.theirs),
            landscape_core::counted(self.points as usize, "point"),
        )
    }
}
