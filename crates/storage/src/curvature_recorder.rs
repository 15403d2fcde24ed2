//! Stores the points of a map of curvature while they are computed.

use crate::change::Change;
use crate::curvature::{Curvature, CurvaturePoint};
use crate::error::Error;
use crate::run::{Run, Status};
use crate::store::{Kept, Store};
use crate::writer::{Buffer, BufferedWriter};
use std::time::Duration;

/// Collects the points of a map and stores them some at a time, a transaction each. While another
/// process has the file open, the computation goes on and the points go into a journal beside the file;
/// [`CurvatureRecorder::finish`] waits for the file. A process that is killed loses the points
/// of the last half second.
#[derive(Debug)]
pub struct CurvatureRecorder {
    writer: BufferedWriter<Map>,
}

/// Points of a map, and what all of it cost so far.
#[derive(Debug, Default)]
struct Map {
    waiting: Vec<CurvaturePoint>,
    counts: Option<Curvature>,
}

impl Buffer for Map {
    /// Points that take longer are stored at once.
    const INTERVAL: Duration = Duration::from_millis(500);

    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn take(&mut self) -> Vec<Change> {
        let points = Change::Map(std::mem::take(&mut self.waiting));
        let counts = self.counts.clone().map(Box::new).map(Change::Counts);
        std::iter::once(points).chain(counts).collect()
    }

    fn kept(&mut self, _: Kept) {}

    fn give_back(&mut self, all: Vec<Change>) {
        let points = all.into_iter().find_map(|change| match change {
            Change::Map(points) => Some(points),
            _ => None,
        });
        self.waiting = points.unwrap_or_default();
    }
}

impl Store {
    /// A recorder for a run with a map; the run needs its grid first, see
    /// [`Store::begin_curvature_map`].
    pub fn curvature_recorder(&self, run: &Run) -> CurvatureRecorder {
        CurvatureRecorder {
            writer: BufferedWriter::new(self, run, Map::default()),
        }
    }
}

impl CurvatureRecorder {
    /// Notes what all points cost, those of the next [`CurvatureRecorder::push`] included. It is stored in
    /// one transaction with them, so that both are right however the process ends; its lists are not
    /// stored.
    pub fn count(&mut self, counts: Curvature) {
        self.writer.buffer.counts = Some(counts);
    }

    /// Takes points that were computed.
    ///
    /// # Errors
    /// When points cannot be stored; they are kept for the next attempt.
    pub fn push(&mut self, points: &[CurvaturePoint]) -> Result<(), Error> {
        self.writer.buffer.waiting.extend_from_slice(points);
        match self.writer.is_due() {
            true => self.writer.flush(),
            false => Ok(()),
        }
    }

    /// Stores all points that wait, and how the run ended, in one transaction.
    ///
    /// # Errors
    /// When they cannot be stored, and as [`Store::finish`].
    pub fn finish(&mut self, status: Status) -> Result<(), Error> {
        self.writer.finish(vec![Change::Status(status)])
    }
}
