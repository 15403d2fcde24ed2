//! Training: records of losses, and checkpoints with parameters.

use super::Store;
use super::tensors::{self, Part};
use crate::error::Error;
use crate::run::Run;
use duckdb::{Connection, Row, params};
use landscape_core::{Checkpoint, Params};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};

/// What is known about one recorded step of training.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct TrainRecord {
    /// Optimiser step, 0 before the first.
    pub step: u64,
    /// Epochs done; fractions within one.
    pub epoch: f64,
    /// True loss over the data.
    pub loss: Option<f64>,
    /// Share classified correctly, in [0, 1].
    pub accuracy: Option<f64>,
    /// Loss of the batch of that step.
    pub batch_loss: Option<f64>,
    /// Learning rate.
    pub lr: Option<f64>,
}

/// Parameters recorded while training.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCheckpoint {
    /// What is known about the step.
    pub record: TrainRecord,
    /// The parameters after it.
    pub params: Params,
}

impl StoredCheckpoint {
    /// Step and parameters alone.
    pub fn into_checkpoint(self) -> Checkpoint {
        Checkpoint {
            step: self.record.step,
            params: self.params,
        }
    }
}

impl Store {
    /// Keeps records of training, in one transaction. A record of a step that is stored already
    /// takes its place.
    ///
    /// # Errors
    /// [`Error::Gone`] when the run was removed.
    pub fn put_records(&self, run: &Run, records: &[TrainRecord]) -> Result<(), Error> {
        let records: Vec<_> = records.iter().map(|record| (*record, None)).collect();
        self.put_steps(run, &records)
    }

    /// Keeps checkpoints with their records, in one transaction. Those of a step that is stored
    /// already take their place.
    ///
    /// # Errors
    /// [`Error::Gone`] when the run was removed.
    pub fn put_checkpoints(
        &self,
        run: &Run,
        checkpoints: &[StoredCheckpoint],
    ) -> Result<(), Error> {
        let steps: Vec<_> = checkpoints
            .iter()
            .map(|checkpoint| (checkpoint.record, Some(&checkpoint.params)))
            .collect();
        self.put_steps(run, &steps)
    }

    /// Records, some of them with parameters. The last of several for one step counts.
    pub(crate) fn put_steps(
        &self,
        run: &Run,
        steps: &[(TrainRecord, Option<&Params>)],
    ) -> Result<(), Error> {
        if steps.is_empty() {
            return Ok(());
        }
        self.write(|conn| {
            self.still_there(conn, run)?;
            tensors::without_merging(conn)?;
            clear(conn, run, steps)?;
            let last: Vec<_> = last_of_each_step(steps);
            append_records(conn, run, &last)?;
            append_tensors(conn, run, &last)
        })
    }

    /// The records of a run, by step. Empty where nothing was recorded.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn records(&self, run: &Run) -> Result<Vec<TrainRecord>, Error> {
        self.read(|conn| {
            let mut statement = conn.prepare(&format!(
                "SELECT {RECORD} FROM records WHERE run_id = ? ORDER BY step"
            ))?;
            let records = statement.query_map(params![run.id], record)?;
            Ok(records.collect::<Result<_, _>>()?)
        })
    }

    /// The steps of a run that have checkpoints, in order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn checkpoint_steps(&self, run: &Run) -> Result<Vec<u64>, Error> {
        let sizes = self.read(|conn| sizes(conn, run))?;
        Ok(sizes.into_iter().map(|(step, _)| step).collect())
    }

    /// One checkpoint; `None` where the step has none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn checkpoint(&self, run: &Run, step: u64) -> Result<Option<StoredCheckpoint>, Error> {
        self.read(|conn| load(conn, run, step))
    }

    /// The last checkpoint: where training continues.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn last_checkpoint(&self, run: &Run) -> Result<Option<StoredCheckpoint>, Error> {
        self.read(|conn| match sizes(conn, run)?.last() {
            Some(&(step, _)) => load(conn, run, step),
            None => Ok(None),
        })
    }

    /// The checkpoints of a run in the order of their steps, read as they are asked for: a few at
    /// a time, so that paths larger than memory can be followed and the file is closed in between.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn checkpoints(&self, run: &Run) -> Result<Checkpoints, Error> {
        Ok(Checkpoints {
            store: self.clone(),
            run: run.clone(),
            left: self.read(|conn| sizes(conn, run))?.into(),
            ready: VecDeque::new(),
        })
    }
}

/// Checkpoints in the order of their steps, see [`Store::checkpoints`].
#[derive(Debug)]
pub struct Checkpoints {
    store: Store,
    run: Run,
    /// Steps not read yet, and their bytes.
    left: VecDeque<(u64, u64)>,
    ready: VecDeque<StoredCheckpoint>,
}

/// How much is read at once.
const CHUNK_BYTES: u64 = 32 << 20;

impl Checkpoints {
    /// How many are still to come.
    pub fn remaining(&self) -> usize {
        self.left.len() + self.ready.len()
    }

    fn read_chunk(&mut self) -> Result<(), Error> {
        let mut bytes = 0;
        let mut steps = Vec::new();
        while let Some(&(step, size)) = self.left.front() {
            if !steps.is_empty() && bytes + size > CHUNK_BYTES {
                break;
            }
            bytes += size;
            steps.push(step);
            self.left.pop_front();
        }
        let (store, run) = (&self.store, &self.run);
        let read = store.read(|conn| {
            let one = |&step: &u64| load(conn, run, step)?.ok_or_else(|| gone(store, run));
            steps.iter().map(one).collect::<Result<Vec<_>, _>>()
        })?;
        self.ready.extend(read);
        Ok(())
    }
}

fn gone(store: &Store, run: &Run) -> Error {
    Error::Gone {
        path: store.path().to_owned(),
        name: run.name.clone(),
    }
}

impl Iterator for Checkpoints {
    type Item = Result<StoredCheckpoint, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty()
            && !self.left.is_empty()
            && let Err(error) = self.read_chunk()
        {
            self.left.clear();
            return Some(Err(error));
        }
        self.ready.pop_front().map(Ok)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining(), Some(self.remaining()))
    }
}

const RECORD: &str = "step, epoch, loss, accuracy, batch_loss, lr";

fn record(row: &Row<'_>) -> duckdb::Result<TrainRecord> {
    Ok(TrainRecord {
        step: row.get(0)?,
        epoch: row.get(1)?,
        loss: row.get(2)?,
        accuracy: row.get(3)?,
        batch_loss: row.get(4)?,
        lr: row.get(5)?,
    })
}

fn sizes(conn: &Connection, run: &Run) -> Result<Vec<(u64, u64)>, Error> {
    let mut statement = conn.prepare(
        "SELECT step, CAST(sum(4 * list_product(shape::BIGINT[])) AS UBIGINT) FROM tensors
         WHERE run_id = ? AND part = 'checkpoint' GROUP BY step ORDER BY step",
    )?;
    let sizes = statement.query_map(params![run.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(sizes.collect::<Result<_, _>>()?)
}

fn load(conn: &Connection, run: &Run, step: u64) -> Result<Option<StoredCheckpoint>, Error> {
    let Some(params) = tensors::load(conn, run, Part::Checkpoint(step))? else {
        return Ok(None);
    };
    let mut statement = conn.prepare(&format!(
        "SELECT {RECORD} FROM records WHERE run_id = ? AND step = ?::UBIGINT"
    ))?;
    let record = statement.query_row(params![run.id, step], record)?;
    Ok(Some(StoredCheckpoint { record, params }))
}

/// Removes what is stored for these steps.
fn clear(
    conn: &Connection,
    run: &Run,
    steps: &[(TrainRecord, Option<&Params>)],
) -> Result<(), Error> {
    let list = |with: bool| -> String {
        let wanted = steps.iter().filter(|(_, params)| params.is_some() || !with);
        let steps: Vec<String> = wanted.map(|(record, _)| record.step.to_string()).collect();
        steps.join(", ")
    };
    conn.execute(
        &format!(
            "DELETE FROM records WHERE run_id = ? AND step IN ({})",
            list(false)
        ),
        params![run.id],
    )?;
    let with_params = list(true);
    if !with_params.is_empty() {
        conn.execute(
            &format!(
                "DELETE FROM tensors
                 WHERE run_id = ? AND part = 'checkpoint' AND step IN ({with_params})"
            ),
            params![run.id],
        )?;
    }
    Ok(())
}

fn last_of_each_step<'a, 'b>(
    steps: &'a [(TrainRecord, Option<&'b Params>)],
) -> Vec<&'a (TrainRecord, Option<&'b Params>)> {
    let last: BTreeMap<u64, _> = steps.iter().map(|step| (step.0.step, step)).collect();
    last.into_values().collect()
}

fn append_records(
    conn: &Connection,
    run: &Run,
    steps: &[&(TrainRecord, Option<&Params>)],
) -> Result<(), Error> {
    let mut appender = conn.appender("records")?;
    for (r, _) in steps {
        appender.append_row(params![
            run.id,
            r.step,
            r.epoch,
            r.loss,
            r.accuracy,
            r.batch_loss,
            r.lr
        ])?;
    }
    Ok(appender.flush()?)
}

fn append_tensors(
    conn: &Connection,
    run: &Run,
    steps: &[&(TrainRecord, Option<&Params>)],
) -> Result<(), Error> {
    let mut appender = tensors::appender(conn)?;
    for (record, params) in steps {
        if let Some(params) = params {
            tensors::append(&mut appender, run, Part::Checkpoint(record.step), params)?;
        }
    }
    Ok(appender.flush()?)
}
