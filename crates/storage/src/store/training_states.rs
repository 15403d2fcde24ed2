//! What trainings under way go on from.

use super::{Store, deltas};
use crate::connection::Connection;
use crate::deltas::{CheckpointForm, Encoder, Layout};
use crate::error::Error;
use crate::run::Run;
use crate::training::TrainingState;
use duckdb::params;

/// Bytes of a state in one row.
const PART: usize = 16 << 20;

impl Store {
    /// What a training that was stopped goes on from; nothing where it is complete or no state was stored.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn training_state(&self, run: &Run) -> Result<Option<TrainingState>, Error> {
        self.read_of(run, |conn| load(conn, run))
    }

    /// What codes checkpoints from a step on, after those that are stored; nothing where none is compressed.
    pub(crate) fn encoder_at(
        &self,
        run: &Run,
        form: CheckpointForm,
        step: u64,
    ) -> Result<Option<(Encoder, Layout)>, Error> {
        self.read_of(run, |conn| {
            let last = deltas::last_before(conn, run, step)?;
            Ok(last.and_then(|(chain, age)| chain.encoder(form, age)))
        })
    }
}

fn load(conn: &Connection, run: &Run) -> Result<Option<TrainingState>, Error> {
    let mut statement = conn.prepare(
        "SELECT step, next_record, seconds, data FROM training_states WHERE run_id = ? ORDER BY ordinal",
    )?;
    let mut rows = statement.query(params![run.id])?;
    let mut state: Option<TrainingState> = None;
    while let Some(row) = rows.next()? {
        let part: Vec<u8> = row.get(3)?;
        match &mut state {
            Some(state) => state.bytes.extend_from_slice(&part),
            None => {
                state = Some(TrainingState {
                    step: row.get(0)?,
                    next_record: row.get(1)?,
                    seconds: row.get(2)?,
                    bytes: part,
                });
            }
        }
    }
    Ok(state)
}

/// Whether there is one.
pub(super) fn exists(conn: &Connection, run: &Run) -> Result<bool, Error> {
    super::runs::any(conn, "training_states WHERE run_id = ?", params![run.id])
}

/// Keeps a state in the place of the one before.
pub(super) fn put(conn: &Connection, run: &Run, state: &TrainingState) -> Result<(), Error> {
    remove(conn, run)?;
    let mut appender = conn.appender("training_states")?;
    for (ordinal, part) in (0i32..).zip(state.bytes.chunks(PART)) {
        appender.append_row(params![
            run.id,
            state.step,
            state.next_record,
            state.seconds,
            ordinal,
            part,
        ])?;
    }
    Ok(appender.flush()?)
}

pub(super) fn remove(conn: &Connection, run: &Run) -> Result<(), Error> {
    remove_after(conn, run, None)
}

/// Removes a state, or only one of a step after this one.
pub(super) fn remove_after(conn: &Connection, run: &Run, step: Option<u64>) -> Result<(), Error> {
    conn.execute(
        "DELETE FROM training_states WHERE run_id = ?1 AND (?2::UBIGINT IS NULL OR step > ?2::UBIGINT)",
        params![run.id, step],
    )?;
    Ok(())
}
