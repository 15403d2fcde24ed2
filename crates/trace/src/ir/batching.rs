//! Where the samples of a value are, while the batch pass ([`crate::passes::batch`]) rewrites a graph.

use super::graph::{Graph, ValueId};
use std::collections::HashMap;

/// Where the samples of a value are: along `axis`, whose length is `outer n inner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BatchAxis {
    pub axis: usize,
    pub outer: usize,
    pub inner: usize,
}

impl BatchAxis {
    /// The sample axis alone, in front: the form that executors know.
    pub const PLAIN: Self = Self {
        axis: 0,
        outer: 1,
        inner: 1,
    };

    /// Rows of the axis that belong to one sample.
    pub fn rows(&self) -> usize {
        self.outer * self.inner
    }

    /// Where an axis of the program's value is in that of the graph, `None` for the axis of the samples.
    pub fn moved(&self, axis: usize) -> Option<usize> {
        let dropped = self.rows() == 1;
        (axis != self.axis).then_some(axis + 1 - usize::from(dropped && axis > self.axis))
    }
}

/// A value of the program in the new graph.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// The value of the new graph. With a place its shape is `[n, ..]`, or `[1, ..]` where all samples are the same; the
    /// rest is the program's shape with the axis of the samples as long as one sample has rows, and without it where
    /// that is one.
    pub value: ValueId,
    /// The shape in the program.
    pub shape: Vec<usize>,
    /// Where the samples are; `None`: the value has none.
    pub place: Option<BatchAxis>,
}

/// A graph under rewriting.
pub(crate) struct Batching {
    pub graph: Graph,
    /// The number of every sample, `[samples, 1]`, once it is needed.
    pub numbers: Option<ValueId>,
    /// Values that have been collected, see [`Batching::collected`].
    pub collected: HashMap<(ValueId, BatchAxis), ValueId>,
}
