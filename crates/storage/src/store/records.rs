//! Training: records of losses, and checkpoints with parameters, as they are stored.

use super::Store;
use super::tensors::{self, Part};
use super::{checkpoints::StoredCheckpoint, deltas, training_states};
use crate::change::{Batch, Change, Coded, Packed, Step};
use crate::connection::Connection;
use crate::error::Error;
use crate::run::Run;
use crate::training::TrainRecord;
use duckdb::{Row, params};
use std::collections::BTreeMap;

impl Store {
    /// Keeps records of training, in one transaction. A record of a step that is stored already
    /// takes its place.
    ///
    /// # Errors
    /// [`Error::Gone`] when the run was removed.
    pub fn put_records(&self, run: &Run, records: &[TrainRecord]) -> Result<(), Error> {
        let step = |record: &TrainRecord| Step {
            record: *record,
            checkpoint: None,
        };
        self.keep_steps(run, records.iter().map(step).collect())
    }

    /// Keeps checkpoints with their records, each tensor as it is, in one transaction. Those of a
    /// step that is stored already take their place. A [`crate::Recorder`] compresses them.
    ///
    /// # Errors
    /// [`Error::Gone`] when the run was removed.
    pub fn put_checkpoints(
        &self,
        run: &Run,
        checkpoints: &[StoredCheckpoint],
    ) -> Result<(), Error> {
        let step = |checkpoint: &StoredCheckpoint| Step {
            record: checkpoint.record,
            checkpoint: Some(Coded::Raw(Packed(checkpoint.params.clone()))),
        };
        self.keep_steps(run, checkpoints.iter().map(step).collect())
    }

    fn keep_steps(&self, run: &Run, steps: Vec<Step>) -> Result<(), Error> {
        if steps.is_empty() {
            return Ok(());
        }
        self.keep_now(run, vec![Change::Steps(steps)])?;
        Ok(())
    }

    /// The records of a run, by step. Empty where nothing was recorded.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn records(&self, run: &Run) -> Result<Vec<TrainRecord>, Error> {
        self.read_of(run, |conn| between(conn, run, 0, u64::MAX))
    }
}

/// Keeps records, some of them with parameters. The last of several for one step counts.
pub(super) fn put_steps(conn: &Connection, run: &Run, steps: &[Step]) -> Result<(), Error> {
    let last: BTreeMap<u64, &Step> = steps.iter().map(|step| (step.record.step, step)).collect();
    let last: Vec<&Step> = last.into_values().collect();
    tensors::without_merging(conn)?;
    replace(conn, run, &last)?;
    append(conn, run, &last)
}

/// Keeps what a recorder collected.
pub(super) fn put_batch(conn: &Connection, run: &Run, batch: &Batch) -> Result<(), Error> {
    tensors::without_merging(conn)?;
    if let Some(from) = batch.cut {
        for rows in rows_from(run, from) {
            conn.execute(&format!("DELETE FROM {rows}"), [])?;
        }
        training_states::remove_after(conn, run, Some(from))?;
    }
    if let Some(from) = batch.gather {
        gather(conn, run, from)?;
    }
    if let Some(layout) = &batch.layout {
        deltas::put_layout(conn, run, layout)?;
    }
    append(conn, run, &batch.steps.iter().collect::<Vec<_>>())?;
    match &batch.state {
        Some(state) => training_states::put(conn, run, state),
        None => Ok(()),
    }
}

/// The records of the steps from `first` to `last`, in order.
pub(super) fn between(
    conn: &Connection,
    run: &Run,
    first: u64,
    last: u64,
) -> Result<Vec<TrainRecord>, Error> {
    let mut statement = conn.prepare(
        "SELECT step, epoch, loss, accuracy, batch_loss, lr, gradient_norm, seconds FROM records
         WHERE run_id = ? AND step BETWEEN ?::UBIGINT AND ?::UBIGINT ORDER BY step",
    )?;
    let records = statement.query_map(params![run.id, first, last], record)?;
    Ok(records.collect::<Result<_, _>>()?)
}

fn record(row: &Row<'_>) -> duckdb::Result<TrainRecord> {
    Ok(TrainRecord {
        step: row.get(0)?,
        epoch: row.get(1)?,
        loss: row.get(2)?,
        accuracy: row.get(3)?,
        batch_loss: row.get(4)?,
        lr: row.get(5)?,
        gradient_norm: row.get(6)?,
        seconds: row.get(7)?,
    })
}

/// The tables with steps of training and which rows of them are of a run from a step on.
fn rows_from(run: &Run, from: u64) -> [String; 3] {
    let these = |table: &str| format!("{table} WHERE run_id = {} AND step >= {from}", run.id);
    [
        these("records"),
        these("deltas"),
        these("tensors") + &format!(" AND part = '{}'", Part::at(run, from).name()),
    ]
}

/// Writes rows again, into one place. DuckDB gives the rows of each transaction blocks of their own,
/// some 500 KB however few they are.
fn gather(conn: &Connection, run: &Run, from: u64) -> Result<(), Error> {
    for rows in rows_from(run, from) {
        let table = rows.split(' ').next().unwrap_or_default();
        conn.execute_batch(&format!(
            "CREATE TEMP TABLE gathered AS FROM {rows};
             DELETE FROM {rows};
             INSERT INTO {table} FROM gathered;
             DROP TABLE gathered"
        ))?;
    }
    Ok(())
}

/// Removes what is stored for these steps.
fn replace(conn: &Connection, run: &Run, steps: &[&Step]) -> Result<(), Error> {
    let list = |steps: &[u64]| -> String {
        let steps: Vec<String> = steps.iter().map(u64::to_string).collect();
        steps.join(", ")
    };
    let all: Vec<u64> = steps.iter().map(|step| step.record.step).collect();
    conn.execute(
        &format!(
            "DELETE FROM records WHERE run_id = ? AND step IN ({})",
            list(&all)
        ),
        params![run.id],
    )?;
    let with_params = steps.iter().filter(|step| step.checkpoint.is_some());
    let with_params: Vec<u64> = with_params.map(|step| step.record.step).collect();
    if with_params.is_empty() {
        return Ok(());
    }
    conn.execute(
        &format!(
            "DELETE FROM tensors WHERE run_id = ? AND part = ? AND step IN ({})",
            list(&with_params)
        ),
        params![run.id, Part::at(run, 0).name()],
    )?;
    let mut statement = conn.prepare(&format!(
        "SELECT step FROM deltas WHERE run_id = ? AND step IN ({}) ORDER BY step",
        list(&with_params)
    ))?;
    let coded = statement.query_map(params![run.id], |row| row.get(0))?;
    for step in coded.collect::<Result<Vec<u64>, _>>()? {
        deltas::detach(conn, run, step)?;
    }
    Ok(())
}

fn append(conn: &Connection, run: &Run, steps: &[&Step]) -> Result<(), Error> {
    append_records(conn, run, steps)?;
    let mut appender = tensors::appender(conn)?;
    for step in steps {
        if let Some(Coded::Raw(Packed(params))) = &step.checkpoint {
            let part = Part::at(run, step.record.step);
            tensors::append(&mut appender, run, part, params)?;
        }
    }
    appender.flush()?;
    let frames = steps.iter().filter_map(|step| match &step.checkpoint {
        Some(Coded::Frame(frame)) => Some(frame),
        _ => None,
    });
    deltas::append(conn, run, frames)
}

fn append_records(conn: &Connection, run: &Run, steps: &[&Step]) -> Result<(), Error> {
    let mut appender = conn.appender("records")?;
    for step in steps {
        let r = &step.record;
        appender.append_row(params![
            run.id,
            r.step,
            r.epoch,
            r.loss,
            r.accuracy,
            r.batch_loss,
            r.lr,
            r.gradient_norm,
            r.seconds,
        ])?;
    }
    Ok(appender.flush()?)
}
