//! Which process works on a run, and whether it still lives.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// A process that works on a run.
///
/// A process number alone is used again after a while, and means nothing on another machine or in
/// another container; the mark tells these apart where the system provides what is needed (Linux:
/// boot identifier, process namespace and start time).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Process number.
    pub pid: u32,
    mark: String,
}

impl Owner {
    /// This process.
    pub fn current() -> &'static Owner {
        static CURRENT: OnceLock<Owner> = OnceLock::new();
        CURRENT.get_or_init(|| {
            let pid = std::process::id();
            Owner {
                pid,
                mark: mark(pid).unwrap_or_default(),
            }
        })
    }

    /// Whether the process certainly still runs on this machine. `false` where that is not known:
    /// a run is rather continued than blocked for ever.
    pub fn is_alive(&self) -> bool {
        !self.mark.is_empty() && mark(self.pid).as_deref() == Some(&self.mark)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pid, self.mark)
    }
}

impl FromStr for Owner {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (pid, mark) = text.split_once(' ').unwrap_or((text, ""));
        Ok(Owner {
            pid: pid.parse()?,
            mark: mark.to_owned(),
        })
    }
}

/// What tells this life of a process number from every other: `boot/namespace/start`.
#[cfg(target_os = "linux")]
fn mark(pid: u32) -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?;
    // The start time is field 22; state, field 3, was the first after the name.
    let start = fields.nth(18)?;
    let dead = matches!(state, "Z" | "X" | "x");
    (!dead).then(|| format!("{}/{}/{start}", boot.trim(), namespace.display()))
}

#[cfg(not(target_os = "linux"))]
fn mark(_: u32) -> Option<String> {
    None
}
