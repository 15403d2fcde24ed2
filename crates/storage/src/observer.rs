//! Stores what a sampler measures, while it measures.

use crate::change::Change;
use crate::error::Error;
use crate::export::points as points_by;
use crate::run::{Run, Status};
use crate::store::{Kept, Store};
use crate::writer::{Buffer, BufferedWriter};
use landscape_core::{
    DeviceShare, Measured, Objective, Observer, ObserverError, PointSource, Progress, Surface,
};
use std::time::Duration;

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
    writer: BufferedWriter<Points>,
    interpolated: Option<Vec<Measured>>,
}

/// Measured points.
#[derive(Debug, Default)]
struct Points {
    waiting: Vec<Measured>,
    /// Which devices computed them.
    devices: Vec<DeviceShare>,
    /// How many were taken out last, are in the journal, and were stored.
    taken: usize,
    journaled: usize,
    stored: usize,
}

impl Buffer for Points {
    const INTERVAL: Duration = Duration::from_millis(200);

    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn take(&mut self) -> Vec<Change> {
        self.taken = self.waiting.len();
        let mut all = vec![Change::Points(std::mem::take(&mut self.waiting))];
        if !self.devices.is_empty() {
            all.push(Change::Devices(std::mem::take(&mut self.devices)));
        }
        all
    }

    fn kept(&mut self, kept: Kept) {
        let new = match kept {
            Kept::Stored(new) => new,
            Kept::TakenIn => self.taken,
            Kept::Journal => {
                self.journaled += self.taken;
                return;
            }
        };
        self.stored += new + std::mem::take(&mut self.journaled);
    }

    fn give_back(&mut self, all: Vec<Change>) {
        for change in all {
            match change {
                Change::Points(points) => self.waiting = points,
                Change::Devices(devices) => self.devices = devices,
                _ => {}
            }
        }
    }
}

impl Store {
    /// An observer that stores the points of a run; the run needs its grid first.
    pub fn observer(&self, run: &Run) -> StoreObserver {
        StoreObserver {
            writer: BufferedWriter::new(self, run, Points::default()),
            interpolated: None,
        }
    }
}

impl StoreObserver {
    /// Points stored so far by this observer.
    pub fn stored(&self) -> usize {
        self.writer.buffer.stored
    }

    /// Points that wait to be stored, in memory or in the journal.
    pub fn waiting(&self) -> usize {
        self.writer.buffer.waiting.len() + self.writer.buffer.journaled
    }

    /// Stores all points that wait.
    ///
    /// # Errors
    /// When they cannot be stored; they are kept, and stored by the next flush that succeeds.
    /// [`Error::Journaled`] when another process keeps the file: they are safe beside it.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.writer.finish(Vec::new())
    }

    /// Stores all points that wait, those that are interpolated, and how the run ended, in one
    /// transaction, and gives the number of measured points this observer stored.
    ///
    /// # Errors
    /// As [`StoreObserver::flush`] and [`Store::finish`].
    pub fn finish(&mut self, status: Status) -> Result<usize, Error> {
        let mut changes = Vec::new();
        if status == Status::Complete
            && let Some(points) = &self.interpolated
        {
            changes.push(Change::Interpolated(points.clone()));
        }
        changes.push(Change::Status(status));
        self.writer.finish(changes)?;
        Ok(self.stored())
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
        match (stored - measured).abs() <= self.writer.run().tolerance() * scale {
            true => Ok(()),
            false => Err(ObserverError::new(Error::OtherObjective {
                name: self.writer.run().name.clone(),
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

    fn shared(&mut self, shares: &[DeviceShare]) -> Result<(), ObserverError> {
        DeviceShare::add(&mut self.writer.buffer.devices, shares);
        Ok(())
    }

    fn batch(&mut self, batch: &[Measured], progress: Progress) -> Result<(), ObserverError> {
        self.writer.buffer.waiting.extend_from_slice(batch);
        if progress.done >= progress.total {
            // The end is near: `finish` stores it in one transaction.
            return Ok(());
        }
        match self.writer.is_due() || self.writer.buffer.waiting.len() >= LARGEST {
            true => self.writer.flush().map_err(ObserverError::new),
            false => Ok(()),
        }
    }

    fn interpolated(&mut self, points: &[Measured]) -> Result<(), ObserverError> {
        self.interpolated = Some(points.to_vec());
        Ok(())
    }
}
