//! When and where every value of a graph is computed, and what runs it.

pub(crate) mod once;
pub(crate) mod pack;
pub(crate) mod plan;
pub(crate) mod totals;
pub(crate) mod wide;

use crate::ir::graph::ValueId;
use crate::passes::dependence::SampleMean;
use landscape_core::{ObjectiveError, Point};

/// What an executor knows of one point.
#[derive(Clone, Debug)]
pub(crate) struct Evaluated {
    /// The graph's outputs, in order.
    pub outputs: Vec<f64>,
    /// Means over the samples in f64, by the value that is reduced.
    pub means: Vec<(ValueId, f64)>,
    /// How the losses of the samples differ, where they are known.
    pub spread: Option<Spread>,
}

/// Sums over the samples.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spread {
    /// Of the squares of the samples' losses around their mean.
    pub squares: f64,
    /// Of their products with the samples' excess weights ([`SampleMean::excess`]), 0 without such.
    pub product: f64,
}

impl Evaluated {
    /// A multiple of a mean over the samples, where that was computed.
    pub fn mean(&self, of: &SampleMean) -> Option<f64> {
        let found = self.means.iter().find(|(v, _)| *v == of.value);
        found.map(|(_, mean)| of.factor * mean)
    }
}

/// Evaluates the graph at points of the plane.
pub(crate) trait Executor: Send + Sync {
    fn evaluate(&self, points: &[Point]) -> Result<Vec<Evaluated>, ObjectiveError>;
    fn describe(&self) -> String;
}
