//! Stores what training records, while it trains.

use crate::error::Error;
use crate::run::{Run, Status};
use crate::store::{Store, TrainRecord};
use landscape_core::Params;
use std::time::{Duration, Instant};

/// Records are stored at least this often.
const INTERVAL: Duration = Duration::from_millis(500);
/// Storing takes at most this share of the time.
const SHARE: u32 = 10;
/// More parameters than this are stored at once: 32 MiB of them.
const LARGEST: usize = 8 << 20;
/// How long training waits for another process that has the file.
const GLANCE: Duration = Duration::from_millis(20);

/// Collects records and checkpoints of training and stores them some at a time, because a
/// transaction takes longer than a step of a small network.
///
/// While another process has the file open, training goes on and the records wait, as long as they
/// stay below 32 MiB; [`Recorder::finish`] then waits for the file.
#[derive(Debug)]
pub struct Recorder {
    store: Store,
    run: Run,
    waiting: Vec<(TrainRecord, Option<Params>)>,
    values: usize,
    due: Instant,
    failed: bool,
}

impl Store {
    /// A recorder for a run of training.
    pub fn recorder(&self, run: &Run) -> Recorder {
        Recorder {
            store: self.clone(),
            run: run.clone(),
            waiting: Vec::new(),
            values: 0,
            due: Instant::now() + INTERVAL,
            failed: false,
        }
    }
}

impl Recorder {
    /// Takes a record, with the parameters where the step is a checkpoint.
    ///
    /// # Errors
    /// When records cannot be stored; they are kept for the next attempt.
    pub fn push(&mut self, record: TrainRecord, params: Option<Params>) -> Result<(), Error> {
        let values = |tensors: &Params| tensors.iter().map(|tensor| tensor.data.len()).sum();
        self.values += params.as_ref().map_or(0, values);
        self.waiting.push((record, params));
        let full = self.values >= LARGEST;
        if Instant::now() < self.due && !full {
            return Ok(());
        }
        if full {
            return self.flush();
        }
        let glance = self.store.clone().with_patience(GLANCE);
        match self.store_waiting(&glance) {
            Err(Error::Locked { .. }) => Ok(()),
            other => other,
        }
    }

    /// Stores all that waits.
    ///
    /// # Errors
    /// When it cannot be stored; it is kept for the next attempt.
    pub fn flush(&mut self) -> Result<(), Error> {
        let store = self.store.clone();
        self.store_waiting(&store)
    }

    /// Stores all that waits, and how the run ended.
    ///
    /// # Errors
    /// As [`Recorder::flush`] and [`Store::finish`].
    pub fn finish(&mut self, status: Status) -> Result<(), Error> {
        let _hold = self.store.hold();
        self.flush()?;
        self.store.finish(&self.run, status)
    }

    fn store_waiting(&mut self, store: &Store) -> Result<(), Error> {
        let start = Instant::now();
        let steps: Vec<_> = self
            .waiting
            .iter()
            .map(|(record, params)| (*record, params.as_ref()))
            .collect();
        let result = store.put_steps(&self.run, &steps);
        self.due = Instant::now() + INTERVAL.max(start.elapsed() * SHARE);
        self.failed = result.is_err();
        result?;
        self.waiting.clear();
        self.values = 0;
        Ok(())
    }
}

impl Drop for Recorder {
    /// Stores what waits, where that works at all.
    fn drop(&mut self) {
        if !self.failed {
            let _ = self.flush();
        }
    }
}
