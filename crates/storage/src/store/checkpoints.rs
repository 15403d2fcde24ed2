//! Checkpoints as they are read, whatever the form they are stored in.

use super::Store;
use super::deltas::{self, Chain};
use super::records;
use super::tensors::{self, Part};
use crate::connection::Connection;
use crate::deltas::Frame;
use crate::error::Error;
use crate::run::Run;
use crate::training::TrainRecord;
use duckdb::params;
use landscape_core::{Checkpoint, Params, RowError, RowIter, RowSource};
use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;

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
    /// The steps of a run that have checkpoints, in order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn checkpoint_steps(&self, run: &Run) -> Result<Vec<u64>, Error> {
        let places = self.read_of(run, |conn| places(conn, run))?;
        Ok(places.into_iter().map(|place| place.step).collect())
    }

    /// The records of the steps that have checkpoints, in order.
    ///
    /// # Errors
    /// When the file cannot be read, [`Error::Damaged`] when a checkpoint has no record.
    pub fn checkpoint_records(&self, run: &Run) -> Result<Vec<TrainRecord>, Error> {
        self.read_of(run, |conn| {
            let steps = places(conn, run)?.into_iter().map(|place| place.step);
            let records = records::between(conn, run, 0, u64::MAX)?;
            let records: HashMap<u64, TrainRecord> = records
                .into_iter()
                .map(|record| (record.step, record))
                .collect();
            let record = |step| records.get(&step).copied().ok_or_else(|| no_record(step));
            steps.map(record).collect()
        })
    }

    /// One checkpoint; `None` where the step has none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn checkpoint(&self, run: &Run, step: u64) -> Result<Option<StoredCheckpoint>, Error> {
        self.read_of(run, |conn| load(conn, run, step))
    }

    /// The last checkpoint: where training continues.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn last_checkpoint(&self, run: &Run) -> Result<Option<StoredCheckpoint>, Error> {
        self.read_of(run, |conn| match places(conn, run)?.last() {
            Some(place) => load(conn, run, place.step),
            None => Ok(None),
        })
    }

    /// The checkpoints of a run in the order of their steps, read as they are asked for: a few at
    /// a time, so that paths larger than memory can be followed and the file is closed in between.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn checkpoints(&self, run: &Run) -> Result<Checkpoints, Error> {
        self.checkpoints_between(run, 0..=u64::MAX)
    }

    /// As [`Store::checkpoints`], those of a range of steps alone.
    ///
    /// # Errors
    /// As [`Store::checkpoints`].
    pub fn checkpoints_between(
        &self,
        run: &Run,
        steps: RangeInclusive<u64>,
    ) -> Result<Checkpoints, Error> {
        let mut left = self.read_of(run, |conn| places(conn, run))?;
        left.retain(|place| steps.contains(&place.step));
        Ok(Checkpoints {
            store: self.clone(),
            run: run.clone(),
            left: left.into(),
            ready: VecDeque::new(),
            chain: None,
        })
    }

    /// The checkpoints of a range of steps as rows for [`landscape_core::Pca::fit_source`]: read again
    /// for each pass, never held together.
    ///
    /// ```
    /// # use landscape_storage::{Error, Run, Store};
    /// use landscape_core::{Pca, PcaOptions};
    ///
    /// fn plane(store: &Store, run: &Run) -> Result<Pca, Box<dyn std::error::Error>> {
    ///     let rows = store.rows(run, 0..=u64::MAX)?;
    ///     let last = store.last_checkpoint(run)?.ok_or("no checkpoints")?;
    ///     let options = PcaOptions { components: 2, ignore_one_dimensional: false };
    ///     Ok(Pca::fit_source(&rows, &last.params, &options)?)
    /// }
    /// ```
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rows(&self, run: &Run, steps: RangeInclusive<u64>) -> Result<StoredRows, Error> {
        let mut found = self.checkpoint_steps(run)?;
        found.retain(|step| steps.contains(step));
        Ok(StoredRows {
            store: self.clone(),
            run: run.clone(),
            steps: found,
        })
    }
}

/// Checkpoints of a run as rows, see [`Store::rows`].
#[derive(Debug, Clone)]
pub struct StoredRows {
    store: Store,
    run: Run,
    steps: Vec<u64>,
}

impl StoredRows {
    /// The steps of the rows.
    pub fn steps(&self) -> &[u64] {
        &self.steps
    }
}

impl RowSource for StoredRows {
    fn len(&self) -> usize {
        self.steps.len()
    }

    fn rows(&self) -> RowIter<'_> {
        let row = |checkpoint: Result<StoredCheckpoint, Error>| match checkpoint {
            Ok(checkpoint) => Ok(Cow::Owned(checkpoint.params)),
            Err(error) => Err(RowError::from(error)),
        };
        let (Some(first), Some(last)) = (self.steps.first(), self.steps.last()) else {
            return Box::new(std::iter::empty());
        };
        match self.store.checkpoints_between(&self.run, *first..=*last) {
            Ok(checkpoints) => Box::new(checkpoints.map(row)),
            Err(error) => Box::new(std::iter::once(row(Err(error)))),
        }
    }

    fn row(&self, index: usize) -> Result<Params, RowError> {
        let step = self.steps.get(index);
        let step = step.ok_or_else(|| format!("there are {} checkpoints", self.len()))?;
        let found = self.store.checkpoint(&self.run, *step)?;
        let found = found.ok_or_else(|| format!("step {step} no longer has a checkpoint"))?;
        Ok(found.params)
    }
}

/// Checkpoints in the order of their steps, see [`Store::checkpoints`].
#[derive(Debug)]
pub struct Checkpoints {
    store: Store,
    run: Run,
    /// What is not read yet.
    left: VecDeque<Place>,
    ready: VecDeque<Ready>,
    /// The compressed checkpoint before the next one.
    chain: Option<Chain>,
}

/// Where a checkpoint is.
#[derive(Debug, Clone, Copy)]
struct Place {
    step: u64,
    /// What reading it takes.
    bytes: u64,
    compressed: bool,
}

/// A checkpoint that was read, compressed ones as they are.
#[derive(Debug)]
enum Ready {
    Whole(StoredCheckpoint),
    Frame(TrainRecord, Frame),
}

/// How much is read at once.
const CHUNK_BYTES: u64 = 16 << 20;

impl Checkpoints {
    /// How many are still to come.
    pub fn remaining(&self) -> usize {
        self.left.len() + self.ready.len()
    }

    fn read_chunk(&mut self) -> Result<(), Error> {
        let mut bytes = 0;
        let mut places = Vec::new();
        while let Some(&place) = self.left.front() {
            if !places.is_empty() && place.bytes > CHUNK_BYTES.saturating_sub(bytes) {
                break;
            }
            bytes = place.bytes.saturating_add(bytes);
            places.push(place);
            self.left.pop_front();
        }
        let (store, run) = (&self.store, &self.run);
        let chain = self.chain.take();
        let (chain, ready) = store.read_of(run, |conn| {
            let chain = continued(conn, run, chain, &places)?;
            Ok((chain, read(conn, run, &places)?))
        })?;
        self.chain = chain;
        let ready = ready
            .into_iter()
            .map(|found| found.ok_or_else(|| gone(store, run)));
        self.ready = ready.collect::<Result<_, _>>()?;
        Ok(())
    }

    fn next_ready(&mut self) -> Result<Option<StoredCheckpoint>, Error> {
        if self.ready.is_empty() && !self.left.is_empty() {
            self.read_chunk()?;
        }
        match (self.ready.pop_front(), &mut self.chain) {
            (None, _) => Ok(None),
            (Some(Ready::Whole(checkpoint)), _) => Ok(Some(checkpoint)),
            (Some(Ready::Frame(record, frame)), Some(chain)) => {
                let restored = chain.push(&frame).and_then(|()| chain.params());
                let params = restored
                    .map_err(|error| error.of_run(&self.run.name).in_file(self.store.path()))?;
                Ok(Some(StoredCheckpoint { record, params }))
            }
            (Some(Ready::Frame(..)), None) => Err(gone(&self.store, &self.run)),
        }
    }
}

impl Iterator for Checkpoints {
    type Item = Result<StoredCheckpoint, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_ready();
        if next.is_err() {
            self.left.clear();
            self.ready.clear();
        }
        next.transpose()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining(), Some(self.remaining()))
    }
}

fn gone(store: &Store, run: &Run) -> Error {
    Error::Gone {
        path: store.path().to_owned(),
        name: run.name.clone(),
    }
}

/// All checkpoints, by step.
fn places(conn: &Connection, run: &Run) -> Result<Vec<Place>, Error> {
    let mut statement = conn.prepare(
        "SELECT step, coalesce(TRY_CAST(sum(4 * list_product(TRY_CAST(shape AS BIGINT[]))) AS UBIGINT), 0),
                false
         FROM tensors WHERE run_id = ?1 AND part = ?2 GROUP BY step UNION ALL
         SELECT step, bytes, true FROM deltas WHERE run_id = ?1
         ORDER BY 1",
    )?;
    let part = Part::at(run, 0).name();
    let places = statement.query_map(params![run.id, part], |row| {
        Ok(Place {
            step: row.get(0)?,
            bytes: row.get(1)?,
            compressed: row.get(2)?,
        })
    })?;
    Ok(places.collect::<Result<_, _>>()?)
}

/// One checkpoint.
fn load(conn: &Connection, run: &Run, step: u64) -> Result<Option<StoredCheckpoint>, Error> {
    let params = match tensors::load(conn, run, Part::at(run, step))? {
        Some(params) => Some(params),
        None => deltas::load(conn, run, step)?,
    };
    let record = records::between(conn, run, step, step)?.pop();
    match (params, record) {
        (None, _) => Ok(None),
        (Some(params), Some(record)) => Ok(Some(StoredCheckpoint { record, params })),
        (Some(_), None) => Err(no_record(step)),
    }
}

/// The chain at the frame before the first of these places that is one; nothing where none is.
fn continued(
    conn: &Connection,
    run: &Run,
    chain: Option<Chain>,
    places: &[Place],
) -> Result<Option<Chain>, Error> {
    let Some(first) = places.iter().find(|place| place.compressed) else {
        return Ok(chain);
    };
    let frame = deltas::between(conn, run, first.step, first.step)?.pop();
    let base = frame.and_then(|frame| frame.base);
    match (chain, base) {
        (Some(chain), None) => Ok(Some(chain)),
        (Some(chain), base) if chain.step() == base => Ok(Some(chain)),
        (_, Some(base)) => deltas::chain(conn, run, base),
        (None, None) => Ok(deltas::layout(conn, run)?.map(Chain::new)),
    }
}

/// The checkpoints at these places, in order; nothing in place of one that is gone.
fn read(conn: &Connection, run: &Run, places: &[Place]) -> Result<Vec<Option<Ready>>, Error> {
    let of = |compressed: bool| {
        let mut steps = places
            .iter()
            .filter(|p| p.compressed == compressed)
            .map(|p| p.step);
        let first = steps.next()?;
        Some((first, steps.next_back().unwrap_or(first)))
    };
    let mut whole: HashMap<u64, Params> = match of(false) {
        Some((first, last)) => tensors::checkpoints(conn, run, first, last)?
            .into_iter()
            .collect(),
        None => HashMap::new(),
    };
    let mut frames: HashMap<u64, Frame> = match of(true) {
        Some((first, last)) => { deltas::between(conn, run, first, last)?.into_iter() }
            .map(|frame| (frame.step, frame))
            .collect(),
        None => HashMap::new(),
    };
    let (Some(first), Some(last)) = (places.first(), places.last()) else {
        return Ok(Vec::new());
    };
    let records = records::between(conn, run, first.step, last.step)?;
    let mut records: HashMap<u64, TrainRecord> = records.into_iter().map(|r| (r.step, r)).collect();
    let ready = |place: &Place| {
        let step = place.step;
        let record = records.remove(&step).ok_or_else(|| no_record(step))?;
        Ok(match place.compressed {
            true => frames
                .remove(&step)
                .map(|frame| Ready::Frame(record, frame)),
            false => { whole.remove(&step) }
                .map(|params| Ready::Whole(StoredCheckpoint { record, params })),
        })
    };
    places.iter().map(ready).collect()
}

fn no_record(step: u64) -> Error {
    Error::damaged(format!("the checkpoint of step {step} without its record"))
}
