//! Stores the points of a map of curvature while they are computed.

use crate::change::Change;
use crate::curvature::{Curvature, CurvaturePoint};
use crate::error::Error;
use crate::run::{Run, Status};
use crate::store::{Refused, Store};
use std::time::{Duration, Instant};

/// Points are stored at least this often, and at once where each takes longer.
const INTERVAL: Duration = Duration::from_millis(500);
/// Storing takes at most this share of the time.
const SHARE: u32 = 10;

/// Collects the points of a map and stores them some at a time, a transaction each. While another
/// process has the file open, the computation goes on and the points go into a journal beside the file;
/// [`CurvatureRecorder::finish`] waits for the file. A process that is killed loses the points
/// of the last half second.
#[derive(Debug)]
pub struct CurvatureRecorder {
    store: Store,
    run: Run,
    waiting: Vec<CurvaturePoint>,
    counts: Option<Curvature>,
    due: Instant,
    failed: bool,
}

impl Store {
    /// A recorder for a run with a map; the run needs its grid first, see
    /// [`Store::begin_curvature_map`].
    pub fn curvature_recorder(&self, run: &Run) -> CurvatureRecorder {
        CurvatureRecorder {
            store: self.clone(),
            run: run.clone(),
            waiting: Vec::new(),
            counts: None,
            due: Instant::now() + INTERVAL,
            failed: false,
        }
    }
}

impl CurvatureRecorder {
    /// Notes what all points cost, those of the next [`CurvatureRecorder::push`] included. It is stored in
    /// one transaction with them, so that both are right however the process ends; its lists are not
    /// stored.
    pub fn count(&mut self, counts: Curvature) {
        self.counts = Some(counts);
    }

    /// Takes points that were computed.
    ///
    /// # Errors
    /// When points cannot be stored; they are kept for the next attempt.
    pub fn push(&mut self, points: &[CurvaturePoint]) -> Result<(), Error> {
        self.waiting.extend_from_slice(points);
        match Instant::now() < self.due {
            true => Ok(()),
            false => self.store_waiting(),
        }
    }

    /// Stores all points that wait, and how the run ended, in one transaction.
    ///
    /// # Errors
    /// When they cannot be stored, and as [`Store::finish`].
    pub fn finish(&mut self, status: Status) -> Result<(), Error> {
        let mut changes = self.changes();
        changes.push(Change::Status(status));
        let kept = self.store.keep_now(&self.run, changes);
        self.settle(kept.map(drop))
    }

    /// The points that wait, and what all cost so far.
    fn changes(&mut self) -> Vec<Change> {
        let points = Change::Map(std::mem::take(&mut self.waiting));
        let counts = self.counts.clone().map(Box::new).map(Change::Counts);
        std::iter::once(points).chain(counts).collect()
    }

    /// Stores what waits, or keeps it in the journal.
    fn store_waiting(&mut self) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let changes = self.changes();
        let kept = self.store.keep(&self.run, changes);
        self.due = Instant::now() + INTERVAL.max(start.elapsed() * SHARE);
        self.settle(kept.map(drop))
    }

    fn settle(&mut self, kept: Result<(), Refused>) -> Result<(), Error> {
        self.failed = kept.is_err();
        kept.map_err(|Refused { all, error }| {
            let points = all.into_iter().find_map(|change| match change {
                Change::Map(points) => Some(points),
                _ => None,
            });
            self.waiting = points.unwrap_or_default();
            *error
        })
    }
}

impl Drop for CurvatureRecorder {
    /// Stores what waits, or keeps it in the journal, where that works at all.
    fn drop(&mut self) {
        if !self.failed {
            let _ = self.store_waiting();
        }
    }
}
