//! When and where every value of a graph is computed, and what runs it.

pub(crate) mod group;
pub(crate) mod once;
pub(crate) mod pack;
pub(crate) mod pack_points;
pub(crate) mod plan;
pub(crate) mod tiles;
pub(crate) mod wide;

use group::Group;
use landscape_core::{ObjectiveError, Point};

/// What an executor knows of one point.
#[derive(Clone, Debug)]
pub(crate) struct Evaluated {
    /// The graph's outputs, in order; in f64 where they are multiples of sums over the samples.
    pub outputs: Vec<f64>,
    /// How the losses of the samples differ, where they are known.
    pub spread: Option<Spread>,
}

/// What a run with given parameters finds.
pub(crate) struct Replayed {
    /// For each vector, or once where there is none: the numbers of the graph's outputs, in order.
    pub outputs: Vec<Vec<Vec<f64>>>,
}

/// Sums over the samples.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spread {
    /// Of the squares of the samples' losses around their mean.
    pub squares: f64,
    /// Of their products with the samples' excess weights ([`Multiple::excess`](crate::passes::dependence::Multiple)), 0 without such.
    pub product: f64,
}

/// Evaluates the graph at points of the plane.
pub(crate) trait Executor: Send + Sync {
    fn evaluate(&self, points: &[Point]) -> Result<Vec<Evaluated>, ObjectiveError>;
    fn describe(&self) -> String;
    /// What is computed together, where that was chosen for a device.
    fn group(&self) -> Option<Group> {
        None
    }
}
