//! Runs that take the place of others. The new run is kept as `NAME (replacement)` until it is
//! complete; then, in one transaction, the old one is removed and the new one takes its name.

use super::Store;
use super::names::{self, by_name};
use super::runs::{self, by_identity, one, remove};
use crate::connection::Connection;
use crate::error::Error;
use crate::run::{REPLACEMENT, Run, RunSpec, Status};
use duckdb::params;

impl Store {
    /// Begins or continues a run that takes the place of the one of that name; without a name, of
    /// the one of the same kind and identity. As [`Store::begin`] where there is no such run.
    ///
    /// The old run stays as it is until the new one is complete: [`Store::finish`] then removes the
    /// one and gives its name to the other in one transaction. Until then the new run is kept as
    /// `NAME (replacement)`; the same request continues it, and another request of that name gives
    /// it up.
    ///
    /// # Errors
    /// [`Error::Busy`] when another living process works on the run to be replaced, or on what is
    /// to replace it.
    pub fn replace(&self, spec: &RunSpec) -> Result<Run, Error> {
        self.begin(&spec.clone().replacing())
    }

    /// Says that a run is complete, but leaves the run that it replaces in place until
    /// [`Store::promote`]. As [`Store::finish`] for runs that replace none.
    ///
    /// # Errors
    /// [`Error::Gone`] when the run has been removed.
    pub fn settle(&self, run: &Run) -> Result<(), Error> {
        self.write(|conn| {
            self.still_there(conn, run)?;
            runs::mark(conn, run, Status::Complete)
        })
    }

    /// Puts complete runs in the place of those that they replace, all in one transaction. Runs
    /// that replace none stay as they are.
    ///
    /// # Errors
    /// [`Error::Gone`] when one has been removed, [`Error::Unfinished`] when one is not complete.
    pub fn promote(&self, all: &[Run]) -> Result<(), Error> {
        self.write(|conn| {
            for run in all {
                self.still_there(conn, run)?;
                let status: String = conn.query_row(
                    "SELECT status FROM runs WHERE run_id = ?",
                    params![run.id],
                    |row| row.get(0),
                )?;
                if status != Status::Complete.name() {
                    let name = run.name.clone();
                    return Err(Error::Unfinished { name });
                }
                promote(conn, run)?;
            }
            Ok(())
        })
    }

    pub(super) fn replace_in(&self, conn: &Connection, spec: &RunSpec) -> Result<Run, Error> {
        let old = match &spec.name {
            Some(name) => by_name(conn, name)?,
            None => by_identity(conn, spec)?,
        };
        if let Some(old) = &old {
            self.not_busy(old)?;
        }
        let name = match (&old, &spec.name) {
            (Some(old), _) => old.run.name.clone(),
            (None, Some(name)) => name.clone(),
            (None, None) => match draft_of(conn, spec)? {
                Some(name) => name,
                None => runs::free_name(conn, spec)?,
            },
        };
        let drafted = format!("{name}{REPLACEMENT}");
        if let Some(draft) = by_name(conn, &drafted)? {
            self.not_busy(&draft)?;
            if draft.run.identity == spec.identity() && draft.run.kind == spec.kind {
                self.goes_on_with(&draft.run, spec);
                let run = self.claim(conn, draft.run)?;
                return Ok(Run { name, ..run });
            }
            remove(conn, draft.run.id)?;
        }
        match old {
            None => self.insert(conn, spec, &name),
            Some(_) => {
                let run = self.insert(conn, spec, &drafted)?;
                Ok(Run { name, ..run })
            }
        }
    }
}

/// The name that an unnamed replacement of this identity is to have, where one was begun.
fn draft_of(conn: &Connection, spec: &RunSpec) -> Result<Option<String>, Error> {
    let found = one(
        conn,
        "identity = ? AND kind = ? AND ends_with(name, ?)",
        params![spec.identity(), spec.kind.name(), REPLACEMENT],
    )?;
    let name = found.map(|draft| draft.run.name);
    Ok(name.and_then(|name| name.strip_suffix(REPLACEMENT).map(str::to_owned)))
}

/// Gives a complete run the name it was begun for. The run that has it is removed, unless it has other names and
/// other settings.
pub(super) fn promote(conn: &Connection, run: &Run) -> Result<(), Error> {
    let stored: String = conn.query_row(
        "SELECT name FROM runs WHERE run_id = ?",
        params![run.id],
        |row| row.get(0),
    )?;
    let Some(name) = stored.strip_suffix(REPLACEMENT) else {
        return Ok(());
    };
    match by_name(conn, name)? {
        // The same again: no name is left to what it replaces.
        Some(old) if old.run.identity == run.identity => {
            conn.execute(
                "UPDATE names SET run_id = ? WHERE run_id = ? AND name <> ?",
                params![run.id, old.run.id, name],
            )?;
            remove(conn, old.run.id)?;
        }
        Some(old) => {
            names::drop_name(conn, old.run.id, name)?;
        }
        None => {}
    }
    names::change(conn, run.id, &stored, name)
}
