//! When and where every value of a graph is computed, and what runs it.

pub(crate) mod once;
pub(crate) mod pack;
pub(crate) mod plan;

use crate::ir::graph::ValueId;
use landscape_core::{ObjectiveError, Point};

/// What an executor knows of one point.
#[derive(Clone, Debug)]
pub(crate) struct Evaluated {
    /// The graph's outputs, in order.
    pub outputs: Vec<f64>,
    /// Means over the samples in f64, by the value that is reduced.
    pub means: Vec<(ValueId, f64)>,
    /// Sum of squares of the per-sample losses around their mean, where known.
    pub squares: Option<f64>,
}

/// Evaluates the graph at points of the plane.
pub(crate) trait Executor: Send + Sync {
    fn evaluate(&self, points: &[Point]) -> Result<Vec<Evaluated>, ObjectiveError>;
    fn describe(&self) -> String;
}
