//! The graph that a capture becomes: values, and the operations between them.

use super::operation::Operation;
use landscape_core::Term;
use std::sync::Arc;

/// Index of a value in [`Graph::values`].
pub(crate) type ValueId = usize;

/// Where a value comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// Parameter of that index, see [`Graph::parameters`].
    Parameter(usize),
    /// Numbers known at capture; `input` where they are the data, sample by sample.
    Constant { data: Arc<Vec<f32>>, input: bool },
    /// The part of a vector that belongs to the parameter of that index; in derived graphs.
    Vector(usize),
    /// Output of that node.
    Node(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub shape: Vec<usize>,
    pub source: Source,
}

impl Value {
    pub fn numel(&self) -> usize {
        self.shape.iter().product()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub operation: Arc<dyn Operation>,
    pub inputs: Vec<ValueId>,
    pub output: ValueId,
}

/// How a parameter of the graph is found in [`landscape_core::Params`].
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub name: String,
    /// Whether PyTorch's layout is the transpose of Burn's.
    pub transposed: bool,
}

/// A number of the graph that no parameter enters.
#[derive(Clone, Debug)]
pub(crate) struct Total {
    /// The value, of one element.
    pub value: ValueId,
    /// What it is.
    pub number: f64,
    /// What each sample adds to it, divided by the mean of that and shifted to a mean of 0: how much heavier the sample
    /// is than others. `None` where no samples enter.
    pub excess: Option<Arc<Vec<f64>>>,
}

/// The computation of a loss. Nodes are in an order in which they can be computed.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub values: Vec<Value>,
    pub nodes: Vec<Node>,
    pub parameters: Vec<Slot>,
    /// Number of samples.
    pub samples: usize,
    /// Samples of the data in each of these: more than one where the loss cuts the data into equal parts, such as two views of
    /// everything.
    pub parts: usize,
    /// The mean data loss, `[1]`.
    pub loss: ValueId,
    /// The share of correct predictions, `[1]`.
    pub accuracy: Option<ValueId>,
    /// Further terms, `[1]` each.
    pub terms: Vec<(Term, ValueId)>,
    /// The operation that mixes samples first, where one does, see [`crate::passes::batch`].
    pub mixes: Option<&'static str>,
    /// Numbers that no parameter enters, see [`Total`].
    pub totals: Vec<Total>,
    /// Further outputs: derivatives ([`crate::passes::derive`]), or activations, which may have samples.
    pub derived: Vec<ValueId>,
    /// Data that is 1 for every sample, and 0 where the last tile of samples has none.
    pub ones: Vec<ValueId>,
    /// Outputs from which on a layer in front of a cross-entropy is one operation with it; `None`: as it pays, see
    /// [`crate::passes::heads`].
    pub heads_from: Option<usize>,
}

impl Graph {
    /// Without values.
    pub fn new(samples: usize) -> Self {
        Self {
            values: Vec::new(),
            nodes: Vec::new(),
            parameters: Vec::new(),
            samples,
            parts: 1,
            loss: 0,
            accuracy: None,
            terms: Vec::new(),
            mixes: None,
            totals: Vec::new(),
            derived: Vec::new(),
            ones: Vec::new(),
            heads_from: None,
        }
    }

    /// All values that must be known in the end.
    pub fn outputs(&self) -> impl Iterator<Item = ValueId> + '_ {
        let terms = self.terms.iter().map(|(_, value)| *value);
        let values = std::iter::once(self.loss).chain(self.accuracy).chain(terms);
        values.chain(self.derived.iter().copied())
    }

    /// Shape of every parameter; of no axis where nothing uses it.
    pub fn parameter_shapes(&self) -> Vec<&[usize]> {
        let mut shapes: Vec<&[usize]> = vec![&[]; self.parameters.len()];
        for value in &self.values {
            if let Source::Parameter(slot) = value.source {
                shapes[slot] = &value.shape;
            }
        }
        shapes
    }

    /// Adds a node and its output.
    pub fn push(
        &mut self,
        operation: Arc<dyn Operation>,
        inputs: Vec<ValueId>,
        shape: Vec<usize>,
    ) -> ValueId {
        let output = self.values.len();
        self.values.push(Value {
            shape,
            source: Source::Node(self.nodes.len()),
        });
        self.nodes.push(Node {
            operation,
            inputs,
            output,
        });
        output
    }

    /// Removes nodes that no output needs.
    pub fn prune(&mut self) {
        let mut needed = vec![false; self.values.len()];
        self.outputs().for_each(|v| needed[v] = true);
        for node in self.nodes.iter().rev() {
            if needed[node.output] {
                node.inputs.iter().for_each(|&v| needed[v] = true);
            }
        }
        self.nodes.retain(|node| needed[node.output]);
        for (i, node) in self.nodes.iter().enumerate() {
            self.values[node.output].source = Source::Node(i);
        }
        self.ones.retain(|&v| needed[v]);
        for (value, needed) in self.values.iter_mut().zip(&needed) {
            if let (Source::Constant { data, .. }, false) = (&mut value.source, needed) {
                *data = Arc::new(Vec::new());
            }
        }
    }

    /// The node that makes a value, where one does.
    pub fn producer(&self, value: ValueId) -> Option<&Node> {
        match self.values[value].source {
            Source::Node(i) => Some(&self.nodes[i]),
            _ => None,
        }
    }
}
