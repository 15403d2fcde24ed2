//! The loss on a plane, and of checkpoints beside it.

use super::paths::{PathOfRun, Paths};
use crate::StudyError;
use crate::report::{Reporter, say_how_it_runs, say_where};
use landscape_core::{Params, Plane};
use landscape_trace::{BatchStatistics, PlaneObjective, Target, Trace};

/// The loss of a network on data, on a plane and wherever else its parameters lie.
pub(super) struct Losses {
    /// The loss at the projections.
    pub on_plane: PlaneObjective,
    trace: Trace,
    target: Vec<Target>,
    /// Whether what training recorded is the same loss.
    recorded: bool,
}

impl Losses {
    /// Of the network of these paths.
    pub fn new(
        paths: &Paths,
        plane: &Plane,
        targets: &[Target],
        statistics: BatchStatistics,
        reporter: &dyn Reporter,
    ) -> Result<Self, StudyError> {
        let (data, loss) = (&paths.data, paths.loss.kind);
        let trace = paths.model.trace(plane.origin(), data, loss, &[])?;
        let trace = trace.with_batch_norm(statistics)?;
        say_how_it_runs(&trace, reporter);
        let on_plane = trace.objective(plane, targets)?;
        say_where(&on_plane.describe(), &on_plane.groups(), reporter);
        Ok(Losses {
            on_plane,
            trace,
            target: targets.iter().take(1).cloned().collect(),
            recorded: statistics == BatchStatistics::Frozen || !paths.has_statistics(),
        })
    }

    /// What training recorded of a checkpoint, where it is the same loss.
    pub fn recorded(&self, path: &PathOfRun, place: usize) -> Option<f64> {
        path.recorded[place].filter(|_| self.recorded)
    }

    /// Of a checkpoint with its own running statistics, measured now.
    pub fn of(&self, params: &Params) -> Result<f64, StudyError> {
        Ok(self.trace.sample_at(params, &self.target)?.loss)
    }
}
