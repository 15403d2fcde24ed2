//! Changes of runs: stored at once, or kept in the journal while another process has the file.

use super::records;
use super::runs::{self, one};
use super::{Store, curvature, curvature_map, fence, sessions, surface, trajectory};
use crate::change::{Change, Changes};
use crate::connection::Connection;
use crate::error::Error;
use crate::journal::{self, Reading};
use crate::run::Run;
use duckdb::{OptionalExt, params};
use landscape_core::PointSource;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long work that goes on waits for another process that has the file.
const SHORT_TIMEOUT: Duration = Duration::from_millis(20);
/// How often somebody who waits is asked whether to go on.
const SLICE: Duration = Duration::from_millis(200);

type Ask = dyn Fn(&Error) -> ControlFlow<()> + Send + Sync;

/// How an operation waits for a file that another process keeps.
#[derive(Clone)]
pub(super) struct Timeout {
    pub(super) limit: Duration,
    pub(super) ask: Option<Arc<Ask>>,
}

impl fmt::Debug for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timeout({:?}, asks: {})", self.limit, self.ask.is_some())
    }
}

impl Timeout {
    pub(super) fn new(limit: Duration) -> Self {
        Timeout { limit, ask: None }
    }

    /// Tries to open a file, until the time-out.
    pub(super) fn open<T>(&self, open: impl Fn(Duration) -> Result<T, Error>) -> Result<T, Error> {
        let Some(ask) = &self.ask else {
            return open(self.limit);
        };
        let start = Instant::now();
        loop {
            let error = match open(SLICE) {
                Err(Error::Locked { path, holder, .. }) => Error::Locked {
                    path,
                    holder,
                    waited: start.elapsed(),
                },
                other => return other,
            };
            if ask(&error).is_break() {
                return Err(error);
            }
        }
    }
}

/// Where changes went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Into the tables; so many measured points or points of a map were new.
    Stored(usize),
    /// Into the journal.
    Journal,
    /// Into the journal, and from there into the tables.
    TakenIn,
}

/// Changes that could not be kept at all, and why.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) all: Vec<Change>,
    pub(crate) error: Box<Error>,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        *refused.error
    }
}

/// What became of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JournalNote {
    /// It was taken in.
    TakenIn {
        /// Changes that are stored now.
        changes: usize,
        /// Changes of runs that are no longer there, or that another writer has taken over.
        dropped: usize,
        /// Bytes at its end that were not whole, and are lost.
        torn: u64,
    },
    /// Another process keeps the file, so that it cannot be taken in yet.
    Waits,
    /// The file is only read, and its tables are of an earlier version.
    Outdated,
    /// It cannot be read, or the file not be written.
    Refused {
        /// What the system says.
        why: String,
    },
}

impl fmt::Display for JournalNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (changes, dropped, torn) = match self {
            JournalNote::Waits => {
                return f.write_str(
                    "results beside the database are not stored yet, because another process has it open",
                );
            }
            JournalNote::Outdated => {
                return f.write_str(
                    "results beside the database are not stored yet, because its tables are of an earlier \
                     version; migrating it stores them",
                );
            }
            JournalNote::Refused { why } => {
                return write!(f, "results beside the database are not stored yet: {why}");
            }
            JournalNote::TakenIn {
                changes,
                dropped,
                torn,
            } => (changes, dropped, torn),
        };
        write!(
            f,
            "stored the results that had been waiting for the database ({changes} batches)"
        )?;
        if *dropped > 0 {
            write!(
                f,
                "; {dropped} more belong to runs that were removed or taken over"
            )?;
        }
        if *torn > 0 {
            write!(f, "; its last {torn} bytes were incomplete and are lost")?;
        }
        Ok(())
    }
}

impl Store {
    /// The same store, which asks what to do while another process keeps the file: `ask` is told how it
    /// is ([`Error::Locked`]), some five times a second, and an operation waits for as long as the answer
    /// is to continue. Observers and recorders don't wait in the midst of work: what they are given goes
    /// into a journal beside the file, and they tell `ask` of it.
    #[must_use]
    pub fn waiting(
        mut self,
        ask: impl Fn(&Error) -> ControlFlow<()> + Send + Sync + 'static,
    ) -> Self {
        self.timeout.ask = Some(Arc::new(ask));
        self
    }

    /// What became of journals since the last call, see `docs/schema.md`: results that had to wait
    /// because another process had the file open.
    pub fn journal_notes(&self) -> Vec<JournalNote> {
        self.file.notes()
    }

    /// The same store for work that goes on.
    pub(crate) fn in_passing(&self) -> Store {
        Store {
            timeout: Timeout::new(SHORT_TIMEOUT),
            ..self.clone()
        }
    }

    /// Stores changes of a run in one transaction, or keeps them in the journal while another process
    /// has the file.
    pub(crate) fn keep(&self, run: &Run, all: Vec<Change>) -> Result<Kept, Refused> {
        let results = all.iter().any(|c| !matches!(c, Change::Status(_)));
        let changes = Changes {
            run: run.id,
            identity: run.identity.clone(),
            writer: self.writer.token_for(run.id).map(str::to_owned),
            session: self.file.session(run.id).filter(|_| results),
            all,
        };
        let kept = match self.in_passing().write(|conn| {
            self.still_there(conn, run)?;
            apply(conn, run, &changes)
        }) {
            Err(locked @ Error::Locked { .. }) => self.journal(&changes, &locked),
            other => other.map(Kept::Stored),
        };
        match kept {
            Ok(kept) => {
                if changes.session.is_some() {
                    self.file.forget_session(run.id);
                }
                Ok(kept)
            }
            Err(error) => Err(Refused {
                all: changes.all,
                error: Box::new(error),
            }),
        }
    }

    fn journal(&self, changes: &Changes, locked: &Error) -> Result<Kept, Error> {
        let id = self.file.id().ok_or_else(|| Error::Gone {
            path: self.path().to_owned(),
            name: changes.run.to_string(),
        })?;
        journal::append(self.path(), &id, changes)?;
        let waited = self.file.locked_for();
        if let (Some(ask), Error::Locked { path, holder, .. }) = (&self.timeout.ask, locked) {
            let (path, holder) = (path.clone(), holder.clone());
            let _ = ask(&Error::Locked {
                path,
                holder,
                waited,
            });
        }
        Ok(Kept::Journal)
    }

    /// As [`Store::keep`], and waits for the file.
    pub(crate) fn keep_now(&self, run: &Run, all: Vec<Change>) -> Result<Kept, Refused> {
        let kept = self.keep(run, all)?;
        if kept == Kept::Journal {
            let stored = self.write(|conn| self.still_there(conn, run));
            stored.map_err(|error| Refused {
                all: Vec::new(),
                error: Box::new(journaled(error)),
            })?;
            return Ok(Kept::TakenIn);
        }
        Ok(kept)
    }

    /// Takes in the journal where there is one.
    pub(super) fn take_in(&self, conn: &Connection) -> Result<(), Error> {
        self.file.is_free();
        let Some(mut reading) = Reading::open(self.path())? else {
            return Ok(());
        };
        if Some(&reading.header.database) != super::file::database_id(conn)?.as_ref() {
            return Err(Error::OtherJournal {
                path: journal::path_of(self.path()),
            });
        }
        let (mut changes, mut dropped) = (0, 0);
        super::file::transaction(conn, |conn| {
            skip_stored(conn, &mut reading)?;
            while let Some(next) = reading.next()? {
                let found = one(
                    conn,
                    "run_id = ? AND identity = ?",
                    params![next.run, next.identity],
                )?;
                match found {
                    Some(stored) if fence::counts(conn, &next)? => {
                        apply(conn, &stored.run, &next)?;
                        changes += 1;
                    }
                    _ => dropped += 1,
                }
            }
            note_stored(conn, &reading)
        })?;
        let torn = reading.torn();
        reading.remove()?;
        self.file.note(JournalNote::TakenIn {
            changes,
            dropped,
            torn,
        });
        Ok(())
    }

    /// Takes in the journal of a store that is opened for reading, where the file is free.
    pub(super) fn take_in_to_read(&self) -> Result<(), Error> {
        if !journal::exists(self.path()) {
            return Ok(());
        }
        let timeout = Timeout::new(SLICE);
        let access = super::file::Access::TakeIn;
        let taken = self.file.with(access, &timeout, |conn| {
            match crate::schema::outdated(conn, self.path())? {
                None => self.take_in(conn),
                Some(_) => {
                    self.file.note(JournalNote::Outdated);
                    Ok(())
                }
            }
        });
        match taken {
            Err(Error::Locked { .. }) => {
                self.file.note(JournalNote::Waits);
                Ok(())
            }
            Err(error @ (Error::Database { .. } | Error::Io { .. })) => {
                let why = match std::error::Error::source(&error) {
                    Some(source) => format!("{error}: {source}"),
                    None => error.to_string(),
                };
                self.file.note(JournalNote::Refused { why });
                Ok(())
            }
            other => other,
        }
    }
}

/// Makes changes of a run, within a transaction. Says how many points were new.
fn apply(conn: &Connection, run: &Run, changes: &Changes) -> Result<usize, Error> {
    if let Some(session) = &changes.session {
        sessions::add(conn, run, session)?;
    }
    let mut new = 0;
    for change in &changes.all {
        new += one_change(conn, run, change)?;
    }
    Ok(new)
}

fn one_change(conn: &Connection, run: &Run, change: &Change) -> Result<usize, Error> {
    let done = match change {
        Change::Points(points) => {
            return surface::add(conn, run, points, PointSource::Measured);
        }
        Change::Map(points) => return curvature_map::add(conn, run, points),
        Change::Devices(shares) => sessions::add_devices(conn, run, shares),
        Change::Interpolated(points) => {
            conn.execute(
                "DELETE FROM points WHERE run_id = ? AND interpolated",
                params![run.id],
            )?;
            surface::add(conn, run, points, PointSource::Interpolated).map(drop)
        }
        Change::Batch(batch) => records::put_batch(conn, run, batch),
        Change::Steps(steps) => records::put_steps(conn, run, steps),
        Change::Curvature(given) => curvature::put(conn, run, given),
        Change::Counts(counts) => curvature::put_counts(conn, run, counts),
        Change::Eigenvectors(side, vectors) => {
            curvature::put_eigenvectors(conn, run, *side, vectors)
        }
        Change::Trajectory(label, path) => trajectory::put(conn, run, label, path),
        Change::Status(status) => runs::set_status(conn, run, *status),
    };
    done.map(|()| 0)
}

/// Leaves out what an earlier process stored, which then did not come to remove the journal.
fn skip_stored(conn: &Connection, reading: &mut Reading) -> Result<(), Error> {
    let stored: Option<String> = conn
        .query_row("SELECT value FROM meta WHERE key = 'journal'", [], |row| {
            row.get(0)
        })
        .optional()?;
    if let Some((journal, at)) = stored.as_deref().and_then(|text| text.split_once(' '))
        && journal == reading.header.journal
        && let Ok(at) = at.parse()
    {
        reading.at = at;
    }
    Ok(())
}

fn note_stored(conn: &Connection, reading: &Reading) -> Result<(), Error> {
    conn.execute("DELETE FROM meta WHERE key = 'journal'", [])?;
    conn.execute(
        "INSERT INTO meta VALUES ('journal', ?)",
        params![format!("{} {}", reading.header.journal, reading.at)],
    )?;
    Ok(())
}

/// What a process that does not wait any longer is told.
fn journaled(error: Error) -> Error {
    match error {
        Error::Locked {
            path,
            holder,
            waited,
        } => Error::Journaled {
            journal: journal::path_of(&path),
            path,
            holder,
            waited,
        },
        other => other,
    }
}
