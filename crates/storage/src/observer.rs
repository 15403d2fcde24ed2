//! Stores what a sampler measures, while it measures.

use crate::change::Change;
use crate::error::Error;
use crate::export::points as points_by;
use crate::run::{Run, Status};
use crate::store::{Kept, Refused, Store};
use landscape_core::{
    Measured, Objective, Observer, ObserverError, PointSource, Progress, Surface,
};
use std::time::{Duration, Instant};

/// Points are stored at least this often, so that hardly anything is lost when the process dies.
const INTERVAL: Duration = Duration::from_millis(200);
/// Storing takes at most this share of the time: where it is slow, it is done less often.
const SHARE: u32 = 10;
/// More points than this are stored at once.
const LARGEST: usize = 262_144;

/// An [`Observer`] that stores every measured point.
///
/// Points are collected for up to 0.2 s and stored in one transaction. While another process has
/// the file open, the run goes on, and the points go into a journal beside the file, which is taken in
/// when the file is free, by this process or the next one that opens it; [`StoreObserver::finish`] waits
/// for the file. A process that is killed loses the points collected since the last transaction.
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
    /// Points in the journal.
    journaled: usize,
    interpolated: Option<Vec<Measured>>,
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
            journaled: 0,
            interpolated: None,
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

    /// Points that wait to be stored, in memory or in the journal.
    pub fn waiting(&self) -> usize {
        self.waiting.len() + self.journaled
    }

    /// Stores all points that wait.
    ///
    /// # Errors
    /// When they cannot be stored; they are kept, and stored by the next flush that succeeds.
    /// [`Error::Journaled`] when another process keeps the file: they are safe beside it.
    pub fn flush(&mut self) -> Result<(), Error> {
        let changes = self.changes();
        self.now(changes)
    }

    /// Stores all points that wait, those that are interpolated, and how the run ended, in one
    /// transaction, and gives the number of measured points this observer stored.
    ///
    /// # Errors
    /// As [`StoreObserver::flush`] and [`Store::finish`].
    pub fn finish(&mut self, status: Status) -> Result<usize, Error> {
        let mut changes = self.changes();
        if status == Status::Complete
            && let Some(points) = &self.interpolated
        {
            changes.push(Change::Interpolated(points.clone()));
        }
        changes.push(Change::Status(status));
        self.now(changes)?;
        Ok(self.stored)
    }

    /// As [`StoreObserver::finish`] of a complete run, for a surface that was interpolated without
    /// this observer.
    ///
    /// # Errors
    /// As [`StoreObserver::finish`].
    pub fn complete(&mut self, surface: &Surface) -> Result<usize, Error> {
        self.interpolated = Some(points_by(surface, PointSource::Interpolated));
        self.finish(Status::Complete)
    }

    fn changes(&mut self) -> Vec<Change> {
        vec![Change::Points(std::mem::take(&mut self.waiting))]
    }

    /// Stores changes, and waits for the file.
    fn now(&mut self, changes: Vec<Change>) -> Result<(), Error> {
        let count = points_of(&changes);
        let result = self.store.keep_now(&self.run, changes);
        let kept = result.map(|new| Kept::Stored(new.unwrap_or(count)));
        self.settle(kept, count)
    }

    /// Stores what waits, or keeps it in the journal.
    fn store_waiting(&mut self) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let changes = self.changes();
        let count = points_of(&changes);
        let kept = self.store.keep(&self.run, changes);
        self.due = Instant::now() + INTERVAL.max(start.elapsed() * SHARE);
        self.settle(kept, count)
    }

    fn settle(&mut self, kept: Result<Kept, Refused>, count: usize) -> Result<(), Error> {
        self.failed = kept.is_err();
        match kept {
            Ok(Kept::Stored(new)) => self.stored += new + std::mem::take(&mut self.journaled),
            Ok(Kept::Journal) => self.journaled += count,
            Err(Refused { all, error }) => {
                match *error {
                    Error::Journaled { .. } => self.journaled += count,
                    _ => self.waiting = all.into_iter().find_map(points).unwrap_or_default(),
                }
                return Err(*error);
            }
        }
        Ok(())
    }
}

fn points(change: Change) -> Option<Vec<Measured>> {
    match change {
        Change::Points(points) => Some(points),
        _ => None,
    }
}

fn points_of(changes: &[Change]) -> usize {
    let count = |change: &Change| match change {
        Change::Points(points) => points.len(),
        _ => 0,
    };
    changes.iter().map(count).sum()
}

/// The measured point with a finite loss that is farthest from the origin of the plane: there the loss
/// depends on the parameters, the directions and the data.
fn farthest(surface: &Surface) -> Option<usize> {
    let grid = surface.grid();
    let distance = |&index: &usize| grid.point(index).iter().map(|x| x * x).sum::<f64>();
    let finite = |&index: &usize| {
        surface.is_measured(index) && surface.get(index).is_some_and(|s| s.loss.is_finite())
    };
    (0..grid.len())
        .filter(finite)
        .max_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// How far the loss of a point may be from what is stored, as a share of it: devices and processors round
/// differently, and bfloat16 has three digits.
fn tolerance(run: &Run) -> f64 {
    match run.settings.get("precision").and_then(|p| p.as_str()) {
        Some("bf16") => 5e-2,
        _ => 1e-3,
    }
}

impl StoreObserver {
    /// Measures one stored point again.
    fn check(&self, objective: &dyn Objective, surface: &Surface) -> Result<(), ObserverError> {
        let Some(index) = farthest(surface) else {
            return Ok(());
        };
        let (point, known) = (surface.grid().point(index), surface.get(index));
        let found = objective.evaluate(&[point]).map_err(ObserverError::new)?;
        let (Some(stored), Some(measured)) = (known, found.first()) else {
            return Ok(());
        };
        let (stored, measured) = (stored.loss, measured.loss);
        let scale = stored.abs().max(measured.abs());
        match (stored - measured).abs() <= tolerance(&self.run) * scale {
            true => Ok(()),
            false => Err(ObserverError::new(Error::OtherObjective {
                name: self.run.name.clone(),
                at: point[..surface.grid().dims()].to_vec(),
                stored,
                measured,
            })),
        }
    }
}

impl Observer for StoreObserver {
    /// Checks that the points known are those of this objective: the one that is farthest from the origin
    /// is measured again, and its loss may be off by a thousandth (a twentieth for runs whose setting
    /// `precision` is `bf16`).
    fn begin(&mut self, objective: &dyn Objective, surface: &Surface) -> Result<(), ObserverError> {
        self.check(objective, surface)
    }

    fn batch(&mut self, batch: &[Measured], progress: Progress) -> Result<(), ObserverError> {
        self.waiting.extend_from_slice(batch);
        if progress.done >= progress.total {
            // The end is near: `finish` stores it in one transaction.
            return Ok(());
        }
        if Instant::now() < self.due && self.waiting.len() < LARGEST {
            return Ok(());
        }
        self.store_waiting().map_err(ObserverError::new)
    }

    fn interpolated(&mut self, points: &[Measured]) -> Result<(), ObserverError> {
        self.interpolated = Some(points.to_vec());
        Ok(())
    }
}

impl Drop for StoreObserver {
    /// Stores what waits, where that works at all.
    fn drop(&mut self) {
        if !self.failed {
            let _ = self.store_waiting();
        }
    }
}
