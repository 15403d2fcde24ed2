//! Which of several writers a run belongs to: the one that claimed it last.
//!
//! Every opening of a store draws a token. Who begins or continues a run writes its token into the run's row, and
//! every later transaction of that store checks, before it changes anything, that the token is still there. So
//! a writer that was taken for dead (stopped, on a machine that slept, on a file system whose locks other machines do not
//! see) and wakes up after another one has gone on with the run can change nothing any more. The check needs
//! neither locks nor process numbers and is the same on every system. Results in the journal carry the token
//! of their writer and are left out where it no longer holds.

use super::Store;
use crate::change::Changes;
use crate::connection::Connection;
use crate::error::Error;
use crate::identity::unique;
use crate::owner::{self, Owner};
use crate::run::Run;
use duckdb::{OptionalExt, params};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// One opening of a store, with all its clones.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    token: Arc<str>,
    /// Runs that it began or went on with.
    claimed: Arc<Mutex<BTreeSet<i64>>>,
}

impl Writer {
    pub(super) fn new() -> Self {
        Writer {
            token: unique().into(),
            claimed: Arc::default(),
        }
    }

    /// The token, where this writer has claimed the run: others write without one.
    pub(super) fn token_for(&self, run: i64) -> Option<&str> {
        let claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.contains(&run).then_some(&*self.token)
    }

    /// Makes a run this writer's, within a transaction.
    pub(super) fn claim(&self, conn: &Connection, run: i64) -> Result<(), Error> {
        conn.execute(
            "UPDATE runs SET owner = ?, writer = ? WHERE run_id = ?",
            params![Owner::current().to_string(), &*self.token, run],
        )?;
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.insert(run);
        Ok(())
    }
}

/// What the row of a run says of who works on it.
struct Holder {
    owner: Option<Owner>,
    writer: Option<String>,
}

fn holder(conn: &Connection, run: i64, identity: &str) -> Result<Option<Holder>, Error> {
    let found = conn.query_row(
        "SELECT owner, writer FROM runs WHERE run_id = ? AND identity = ?",
        params![run, identity],
        |row| Ok((row.get::<_, Option<String>>(0)?, row.get(1)?)),
    );
    let found = found.optional()?;
    Ok(found.map(|(owner, writer)| Holder {
        owner: owner.and_then(|text| text.parse().ok()),
        writer,
    }))
}

impl Store {
    /// Checks, inside the transaction that is about to change a run, that it is still the one
    /// that was begun, and, where this store begun it, that no other has taken it over.
    pub(super) fn still_there(&self, conn: &Connection, run: &Run) -> Result<(), Error> {
        let Some(holder) = holder(conn, run.id, &run.identity)? else {
            owner::release(self.path(), run.id);
            return Err(self.gone(run));
        };
        let Some(token) = self.writer.token_for(run.id) else {
            return Ok(());
        };
        let other = holder.owner.filter(|owner| owner != Owner::current());
        match other.is_none() && holder.writer.as_deref() == Some(token) {
            true => Ok(()),
            false => Err(Error::TakenOver {
                path: self.path().to_owned(),
                name: run.name.clone(),
                owner: other,
            }),
        }
    }
}

/// Whether changes in a journal still count: their run is there, and no other writer has taken it over.
pub(super) fn counts(conn: &Connection, changes: &Changes) -> Result<bool, Error> {
    let holder = holder(conn, changes.run, &changes.identity)?;
    Ok(holder.is_some_and(|holder| changes.writer.is_none() || changes.writer == holder.writer))
}
