//! A graph to which derivatives are added.

use super::graph::{Graph, Node, Source, Value, ValueId};
use super::operation::{Operand, Operation, Samples};
use std::collections::HashMap;
use std::sync::Arc;

/// A graph to which derivatives are added. `None` stands for a derivative that is zero.
pub(crate) struct Derivation {
    pub graph: Graph,
    /// Whether axis 0 of a value counts the samples, one a value.
    pub samples: Vec<bool>,
    /// An operation that was added mixes samples: the graph can't be cut into tiles.
    pub mixed: bool,
    /// The first operation that has no derivative.
    pub lacking: Option<&'static str>,
    /// The number of every sample, see [`Self::sample_numbers`].
    numbers: Option<ValueId>,
    /// What [`Self::push_once`] has added, by the operation in words and its inputs.
    known: HashMap<(String, Vec<ValueId>), ValueId>,
}

/// The derivative of a function of one number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Factor {
    Zero,
    Number(f64),
    Value(ValueId),
    /// 1 where that value is positive, else 0.
    Positive(ValueId),
    /// `slope` where that mask holds, else 0.
    Inside {
        mask: ValueId,
        slope: f64,
    },
}

impl Derivation {
    pub fn new(graph: Graph, samples: Vec<bool>) -> Self {
        Self {
            graph,
            samples,
            mixed: false,
            lacking: None,
            numbers: None,
            known: HashMap::new(),
        }
    }

    /// An operation that has no derivative was met.
    pub fn lacks(&mut self, operation: &'static str) {
        self.lacking.get_or_insert(operation);
    }

    pub fn shape(&self, value: ValueId) -> Vec<usize> {
        self.graph.values[value].shape.clone()
    }

    /// The node that makes a value, among those that are there so far.
    pub fn made_by(&self, value: ValueId) -> Option<&Node> {
        let Source::Node(index) = self.graph.values[value].source else {
            return None;
        };
        self.graph
            .nodes
            .get(index)
            .filter(|node| node.output == value)
    }

    pub fn operand(&self, value: ValueId) -> Operand<'_> {
        Operand {
            shape: &self.graph.values[value].shape,
            samples: self.samples[value],
            varies: true,
        }
    }

    /// Adds an operation.
    pub fn push(
        &mut self,
        operation: impl Operation + 'static,
        inputs: &[ValueId],
        shape: Vec<usize>,
    ) -> ValueId {
        let operands: Vec<Operand> = inputs.iter().map(|&v| self.operand(v)).collect();
        let kept = operands.iter().any(|o| o.samples)
            && match operation.samples(&operands, &shape) {
                Samples::Kept => true,
                Samples::Reduced { .. } | Samples::Summed | Samples::Collected => false,
                Samples::Mixed => {
                    self.mixed = true;
                    false
                }
            };
        self.samples.push(kept);
        self.graph.push(Arc::new(operation), inputs.to_vec(), shape)
    }

    /// Adds an operation whose `Debug` says all of it, unless it is there for these inputs already: tangents and adjoints
    /// share the derivatives of functions.
    pub fn push_once(
        &mut self,
        operation: impl Operation + 'static,
        inputs: &[ValueId],
        shape: Vec<usize>,
    ) -> ValueId {
        let key = (format!("{operation:?}"), inputs.to_vec());
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let value = self.push(operation, inputs, shape);
        self.known.insert(key, value);
        value
    }

    /// Nothing that is there is used again: nodes were fused.
    pub fn forget(&mut self) {
        self.known.clear();
    }

    /// Adds a constant without samples, all elements `x`.
    pub fn filled(&mut self, x: f32, shape: Vec<usize>) -> ValueId {
        let data = Arc::new(vec![x; shape.iter().product()]);
        self.value(shape, data, false)
    }

    pub fn value(&mut self, shape: Vec<usize>, data: Arc<Vec<f32>>, samples: bool) -> ValueId {
        let source = Source::Constant {
            data,
            input: samples,
        };
        self.graph.values.push(Value { shape, source });
        self.samples.push(samples);
        self.graph.values.len() - 1
    }

    /// The number of every sample, `[samples, 1]`.
    pub fn sample_numbers(&mut self) -> ValueId {
        if let Some(known) = self.numbers {
            return known;
        }
        let n = self.graph.samples;
        let data = Arc::new((0..n).map(|i| i as f32).collect());
        let value = self.value(vec![n, 1], data, true);
        self.numbers = Some(value);
        value
    }

    /// 1 for every sample, `[samples, 1, ..]`: what the last, partly filled tile lacks counts 0.
    pub fn ones(&mut self, rank: usize) -> ValueId {
        let of_rank = |v: &&ValueId| self.graph.values[**v].shape.len() == rank;
        if let Some(&known) = self.graph.ones.iter().find(of_rank) {
            return known;
        }
        let mut shape = vec![1; rank];
        shape[0] = self.graph.samples;
        let data = Arc::new(vec![1.0; self.graph.samples]);
        let value = self.value(shape, data, true);
        self.graph.ones.push(value);
        value
    }
}
