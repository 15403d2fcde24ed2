//! What an operation would do and cost, from a few of its steps that are measured and not kept.

use crate::words::{duration, rate};
use landscape_core::json::float;
use serde::{Serialize, Serializer};
use std::fmt;
use std::time::{Duration, Instant};

/// A trial that takes this long is long enough to be measured.
const TRIAL: Duration = Duration::from_millis(500);

/// What an operation would do, and what it would cost. As JSON it is what `--dry-run --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// What it does most of, in its order.
    pub parts: Vec<Part>,
    /// Seconds for all that is left.
    #[serde(with = "float")]
    pub seconds: f64,
    /// The most memory that this process has used so far and the results take, in bytes.
    #[serde(rename = "memory_mib", serialize_with = "mebibytes")]
    pub memory: usize,
}

/// Many equal things that an operation does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// What they are called, in the plural: `steps of training`.
    pub what: &'static str,
    /// How many there are.
    pub count: u64,
    /// How many of them are stored already.
    pub stored: u64,
    /// Whether it may be done before all of them are.
    pub at_most: bool,
    /// Seconds of one.
    #[serde(skip)]
    pub each: f64,
    /// Seconds for those that are left.
    #[serde(with = "float")]
    pub seconds: f64,
}

impl Estimate {
    /// Of these parts, with the memory that was used so far.
    pub(crate) fn of(parts: Vec<Part>) -> Self {
        Estimate {
            seconds: parts.iter().map(|part| part.seconds).sum(),
            parts,
            memory: peak_memory(),
        }
    }
}

impl Part {
    /// All of them, of which nothing is stored.
    pub(crate) fn new(what: &'static str, count: usize, each: f64) -> Self {
        Part {
            what,
            count: count as u64,
            stored: 0,
            at_most: false,
            each,
            seconds: each * count as f64,
        }
    }

    /// The same, so many of which are stored already.
    pub(crate) fn stored(self, stored: u64) -> Self {
        Part {
            stored,
            seconds: self.each * self.count.saturating_sub(stored) as f64,
            ..self
        }
    }

    /// The same, which may be done before all of them are.
    pub(crate) fn at_most(self, at_most: bool) -> Self {
        Part { at_most, ..self }
    }
}

/// Bytes as mebibytes.
fn mebibytes<S: Serializer>(bytes: &usize, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(*bytes as f64 / f64::from(1 << 20))
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts
            .iter()
            .try_for_each(|part| writeln!(f, "{part}"))?;
        writeln!(f, "time    about {}", duration(self.seconds))?;
        let memory = self.memory as f64 / f64::from(1 << 20);
        writeln!(f, "memory  about {memory:.0} MiB")
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_most = if self.at_most { "at most " } else { "" };
        write!(f, "{at_most}{} {}", self.count, self.what)?;
        if self.stored > 0 {
            write!(f, " ({} stored already)", self.stored)?;
        }
        write!(f, ", {}", rate(1.0 / self.each))
    }
}

/// Seconds of one of many things, of which up to `most` are done together: more of them at each trial, until one takes
/// long enough to be measured. What happens only once is left out where there is a second trial.
pub(crate) fn seconds_each<E>(
    most: usize,
    mut work: impl FnMut(usize) -> Result<(), E>,
) -> Result<f64, E> {
    let mut trial = |count: usize| {
        let start = Instant::now();
        work(count).map(|()| start.elapsed())
    };
    let first = trial(1)?;
    if first >= 2 * TRIAL {
        return Ok(first.as_secs_f64());
    }
    let most = most.max(1);
    let mut count = 1;
    loop {
        let taken = trial(count)?;
        if taken >= TRIAL || count == most {
            return Ok(taken.as_secs_f64() / count as f64);
        }
        count = (2 * count).min(most);
    }
}

/// The most memory that this process has used so far, in bytes; 0 where the system does not say.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| {
        let words = line.trim().trim_end_matches("kB").trim();
        words.parse::<usize>().ok()
    });
    kib.unwrap_or(0) << 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_things_are_done_once_and_fast_ones_together() {
        let mut counts = Vec::new();
        let each = seconds_each(64, |count| {
            counts.push(count);
            Ok::<(), ()>(())
        });
        assert!(each.unwrap() < 0.01);
        assert_eq!(counts, [1, 1, 2, 4, 8, 16, 32, 64]);
        let mut calls = 0;
        let each = seconds_each(64, |_| {
            calls += 1;
            std::thread::sleep(2 * TRIAL);
            Ok::<(), ()>(())
        });
        assert!(each.unwrap() >= 1.0 && calls == 1);
    }
}
