//! Stores what a sampler measures, while it measures.

use crate::error::Error;
use crate::run::{Run, Status};
use crate::store::Store;
use landscape_core::{Measured, Observer, ObserverError, Progress, Surface};
use std::time::{Duration, Instant};

/// Points are stored at least this often, so that hardly anything is lost when the process dies.
const INTERVAL: Duration = Duration::from_millis(200);
/// Storing takes at most this share of the time: where it is slow, it is done less often.
const SHARE: u32 = 10;
/// More points than this are stored at once.
const LARGEST: usize = 262_144;
/// How long a run that goes on waits for another process that has the file.
const GLANCE: Duration = Duration::from_millis(20);

/// An [`Observer`] that stores every measured point.
///
/// Points are collected for up to 0.2 s and stored in one transaction. While another process has
/// the file open, the run goes on and the points wait; [`StoreObserver::finish`] then waits for
/// the file. A process that is killed loses the points collected since the last transaction.
///
/// ```
/// use landscape_core::{from_fn, Grid, Sampler};
/// use landscape_storage::{RunKind, RunSpec, Status, Store};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("landscape.duckdb");
/// let bowl = from_fn(|[x, y]: [f64; 2]| x * x + y * y);
/// let grid = Grid::square(11, 1.0, 2)?;
/// let store = Store::open(&path)?;
/// let spec = RunSpec::new(RunKind::Surface, serde_json::json!({"function": "bowl", "grid": grid}));
/// let (run, mut surface) = store.begin_surface(&spec, &grid, &[], None)?;
/// let mut observer = store.observer(&run);
/// Sampler::new().run(&bowl, &mut surface, &mut [&mut observer])?;
/// observer.finish(Status::Complete)?;
/// assert_eq!(store.load_surface(&run)?, surface);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct StoreObserver {
    store: Store,
    run: Run,
    waiting: Vec<Measured>,
    due: Instant,
    stored: usize,
    failed: bool,
}

impl Store {
    /// An observer that stores the points of a run; the run needs its grid first.
    pub fn observer(&self, run: &Run) -> StoreObserver {
        StoreObserver {
            store: self.clone(),
            run: run.clone(),
            waiting: Vec::new(),
            due: Instant::now() + INTERVAL,
            stored: 0,
            failed: false,
        }
    }
}

impl StoreObserver {
    /// Points stored so far by this observer.
    pub fn stored(&self) -> usize {
        self.stored
    }

    /// Points that wait to be stored.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Stores all points that wait.
    ///
    /// # Errors
    /// When they cannot be stored; they are kept, and stored by the next flush that succeeds.
    pub fn flush(&mut self) -> Result<(), Error> {
        let store = self.store.clone();
        self.store_waiting(&store)
    }

    /// Stores all points that wait and how the run ended, in one transaction, and gives the number
    /// of points this observer stored.
    ///
    /// # Errors
    /// As [`StoreObserver::flush`] and [`Store::finish`].
    pub fn finish(&mut self, status: Status) -> Result<usize, Error> {
        let result = self.store.finish_points(&self.run, &self.waiting, status);
        self.failed = result.is_err();
        self.stored += result?;
        self.waiting.clear();
        Ok(self.stored)
    }

    /// Stores all points that wait, those that are interpolated in the surface, and that the run is
    /// complete, in one transaction, and gives the number of measured points this observer stored.
    ///
    /// # Errors
    /// As [`StoreObserver::finish`].
    pub fn complete(&mut self, surface: &Surface) -> Result<usize, Error> {
        let result = self
            .store
            .complete_surface(&self.run, &self.waiting, surface);
        self.failed = result.is_err();
        self.stored += result?;
        self.waiting.clear();
        Ok(self.stored)
    }

    fn store_waiting(&mut self, store: &Store) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let result = store.append_points(&self.run, &self.waiting);
        self.due = Instant::now() + INTERVAL.max(start.elapsed() * SHARE);
        self.failed = result.is_err();
        self.stored += result?;
        self.waiting.clear();
        Ok(())
    }
}

impl Observer for StoreObserver {
    fn batch(&mut self, batch: &[Measured], progress: Progress) -> Result<(), ObserverError> {
        self.waiting.extend_from_slice(batch);
        if progress.done >= progress.total {
            // The end is near: `finish` stores it in one transaction.
            return Ok(());
        }
        if Instant::now() < self.due && self.waiting.len() < LARGEST {
            return Ok(());
        }
        let glance = self.store.clone().with_patience(GLANCE);
        match self.store_waiting(&glance) {
            Err(Error::Locked { .. }) => Ok(()),
            other => other.map_err(ObserverError::new),
        }
    }
}

impl Drop for StoreObserver {
    /// Stores what waits, where that works at all.
    fn drop(&mut self) {
        if !self.failed {
            let _ = self.flush();
        }
    }
}
