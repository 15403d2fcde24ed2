//! Which process works on a run, and whether it still lives.

use landscape_core::files::{self, Lock, Seen};
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::hash::BuildHasher;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// A process that works on a run.
///
/// While it does, it keeps a file beside the database locked, `.NAME.TOKEN.lock`, which the system
/// lets go of when the process ends: that holds in every container and on every system. Where that
/// file is not there (the database was copied, or is reached by another name), what tells the
/// process from every other is compared, on Linux its boot identifier, process namespace and start
/// time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Process number, in the namespace of the process.
    pub pid: u32,
    mark: String,
    token: String,
}

/// Runs of a database that this process works on.
struct Claim {
    lock: Lock,
    /// As it was called when it was there.
    database: PathBuf,
    runs: BTreeSet<i64>,
}

/// What this process works on: by lock files.
type Held = BTreeMap<PathBuf, Claim>;

impl Owner {
    /// This process.
    pub fn current() -> &'static Owner {
        static CURRENT: OnceLock<Owner> = OnceLock::new();
        CURRENT.get_or_init(|| {
            let pid = std::process::id();
            Owner {
                pid,
                mark: mark(pid).unwrap_or_default(),
                token: format!("{:016x}", RandomState::new().hash_one(pid)),
            }
        })
    }

    /// Whether the process still works on runs of a database; `None` where that cannot be told:
    /// in another container, without its lock file.
    pub fn is_alive(&self, database: &Path) -> Option<bool> {
        if self == Owner::current() {
            return Some(true);
        }
        let seen = match self.token.is_empty() {
            true => Seen::Absent,
            false => files::look(&self.lock_file(database)),
        };
        match seen {
            Seen::Held => Some(true),
            Seen::Left => Some(false),
            Seen::Absent | Seen::Unknown => self.is_alive_by_mark(),
        }
    }

    fn is_alive_by_mark(&self) -> Option<bool> {
        let (theirs, ours) = (place(&self.mark), place(&Owner::current().mark));
        match (theirs, ours) {
            // Another boot ended it, and another machine has other files; without marks there was a
            // lock file.
            (Some((boot, _)), Some((our_boot, _))) if boot != our_boot => Some(false),
            (None, _) | (_, None) => Some(false),
            (Some((_, namespace)), Some((_, ours))) if namespace != ours => None,
            _ => Some(mark(self.pid).as_deref() == Some(&self.mark)),
        }
    }

    fn lock_file(&self, database: &Path) -> PathBuf {
        let (folder, mut name) = beside(database);
        name.push(format!("{}{SUFFIX}", self.token));
        folder.join(name)
    }
}

/// How names of lock files end.
const SUFFIX: &str = ".lock";

/// The folder of a database, and how names of files of its owners begin.
fn beside(database: &Path) -> (PathBuf, OsString) {
    let database = fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    let mut name = OsString::from(".");
    name.push(database.file_name().unwrap_or_default());
    name.push(".");
    let folder = database.parent().unwrap_or(Path::new("")).to_owned();
    (folder, name)
}

/// Makes a run this process's, for others to see.
///
/// # Errors
/// Why no file could be made and locked beside the database.
pub(crate) fn claim(database: &Path, run: i64) -> io::Result<()> {
    let path = Owner::current().lock_file(database);
    let mut held = held();
    if let Some(claim) = held.get_mut(&path) {
        claim.runs.insert(run);
        return Ok(());
    }
    // Nobody else has this name, but others may look at it for a moment.
    match Lock::wait(&path) {
        Ok(lock) => {
            let claim = Claim {
                lock,
                database: database.to_owned(),
                runs: BTreeSet::from([run]),
            };
            held.insert(path, claim);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Lets go of a run.
pub(crate) fn release(database: &Path, run: i64) {
    let mut held = held();
    let Some(path) = lock_of(&held, database) else {
        return;
    };
    let claim = held.get_mut(&path);
    let last = claim.is_some_and(|claim| {
        claim.runs.remove(&run);
        claim.runs.is_empty()
    });
    if last && let Some(claim) = held.remove(&path) {
        claim.lock.remove();
    }
}

/// Lets go of all runs of a database, which is not there any more.
pub(crate) fn abandon(database: &Path) {
    let mut held = held();
    if let Some(claim) = lock_of(&held, database).and_then(|path| held.remove(&path)) {
        claim.lock.remove();
    }
}

/// The lock file that this process has for a database: also where the database is gone, and with it what
/// its name led to.
fn lock_of(held: &Held, database: &Path) -> Option<PathBuf> {
    let path = Owner::current().lock_file(database);
    if held.contains_key(&path) {
        return Some(path);
    }
    let mut all = held.iter();
    all.find(|(_, claim)| claim.database == database)
        .map(|(path, _)| path.clone())
}

/// Removes the lock files of processes that have ended, but for those that are still named.
pub(crate) fn sweep(database: &Path, named: &[Owner]) {
    let (folder, start) = beside(database);
    let Ok(entries) = fs::read_dir(&folder) else {
        return;
    };
    for file in entries.flatten() {
        let name = file.file_name();
        let token = { name.to_str() }
            .zip(start.to_str())
            .and_then(|(name, start)| name.strip_prefix(start)?.strip_suffix(SUFFIX));
        let is_token =
            |token: &str| token.len() == 16 && token.bytes().all(|b| b.is_ascii_hexdigit());
        if let Some(token) = token
            && is_token(token)
            && named.iter().all(|owner| owner.token != token)
        {
            files::sweep(&file.path());
        }
    }
}

fn held() -> MutexGuard<'static, Held> {
    static HELD: Mutex<Held> = Mutex::new(BTreeMap::new());
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.pid, self.mark, self.token)
    }
}

impl FromStr for Owner {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (pid, rest) = text.split_once(' ').unwrap_or((text, ""));
        let (mark, token) = rest.split_once(' ').unwrap_or((rest, ""));
        let is_token = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
        Ok(Owner {
            pid: pid.parse()?,
            mark: mark.to_owned(),
            token: Some(token)
                .filter(|t| is_token(t))
                .unwrap_or_default()
                .to_owned(),
        })
    }
}

/// Boot identifier and process namespace of a mark.
fn place(mark: &str) -> Option<(&str, &str)> {
    let (place, _) = mark.rsplit_once('/')?;
    place.split_once('/')
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
