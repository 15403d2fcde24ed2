//! Stores the points of a map of curvature while they are computed.

use crate::curvature::CurvaturePoint;
use crate::error::Error;
use crate::run::{Run, Status};
use crate::store::Store;
use std::time::{Duration, Instant};

/// Points are stored at least this often, and at once where each takes longer.
const INTERVAL: Duration = Duration::from_millis(500);
/// Storing takes at most this share of the time.
const SHARE: u32 = 10;
/// How long the computation waits for another process that has the file.
const GLANCE: Duration = Duration::from_millis(20);

/// Collects the points of a map and stores them some at a time, a transaction each. While another
/// process has the file open, the computation goes on and the points wait;
/// [`CurvatureRecorder::finish`] then waits for the file. A process that is killed loses the points
/// of the last half second.
#[derive(Debug)]
pub struct CurvatureRecorder {
    store: Store,
    run: Run,
    waiting: Vec<CurvaturePoint>,
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
            due: Instant::now() + INTERVAL,
            failed: false,
        }
    }
}

impl CurvatureRecorder {
    /// Takes points that were computed.
    ///
    /// # Errors
    /// When points cannot be stored; they are kept for the next attempt.
    pub fn push(&mut self, points: &[CurvaturePoint]) -> Result<(), Error> {
        self.waiting.extend_from_slice(points);
        if Instant::now() < self.due {
            return Ok(());
        }
        let glance = self.store.clone().with_patience(GLANCE);
        match self.store_waiting(&glance) {
            Err(Error::Locked { .. }) => Ok(()),
            other => other,
        }
    }

    /// Stores all points that wait, and how the run ended.
    ///
    /// # Errors
    /// When they cannot be stored, and as [`Store::finish`].
    pub fn finish(&mut self, status: Status) -> Result<(), Error> {
        let store = self.store.clone();
        let _hold = store.hold();
        self.store_waiting(&store)?;
        store.finish(&self.run, status)
    }

    fn store_waiting(&mut self, store: &Store) -> Result<(), Error> {
        let start = Instant::now();
        let result = store.append_curvature(&self.run, &self.waiting);
        self.due = Instant::now() + INTERVAL.max(start.elapsed() * SHARE);
        self.failed = result.is_err();
        result?;
        self.waiting.clear();
        Ok(())
    }
}

impl Drop for CurvatureRecorder {
    /// Stores what waits, where that works at all.
    fn drop(&mut self) {
        if !self.failed {
            let store = self.store.clone();
            let _ = self.store_waiting(&store);
        }
    }
}
