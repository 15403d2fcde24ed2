//! The graph that a capture becomes: values, and the operations between them.

use crate::operations::Operation;
use crate::operations::cross_entropy::PickedLogSoftmax;
use crate::operations::gather::Gather;
use crate::operations::matmul::{Linear, Matmul};
use crate::operations::softmax::Softmax;
use crate::operations::unary::Unary;
use crate::{analysis::Analysis, operations::binary::Binary};
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

/// The computation of a loss. Nodes are in an order in which they can be computed.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub values: Vec<Value>,
    pub nodes: Vec<Node>,
    pub parameters: Vec<Slot>,
    /// Number of samples in the data.
    pub samples: usize,
    /// The mean data loss, `[1]`.
    pub loss: ValueId,
    /// The share of correct predictions, `[1]`.
    pub accuracy: Option<ValueId>,
    /// Further terms, `[1]` each.
    pub terms: Vec<(Term, ValueId)>,
}

impl Graph {
    /// All values that must be known in the end.
    pub fn outputs(&self) -> impl Iterator<Item = ValueId> + '_ {
        let terms = self.terms.iter().map(|(_, value)| *value);
        std::iter::once(self.loss).chain(self.accuracy).chain(terms)
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
        for (value, needed) in self.values.iter_mut().zip(&needed) {
            if let (Source::Constant { data, .. }, false) = (&mut value.source, needed) {
                *data = Arc::new(Vec::new());
            }
        }
    }

    fn producer(&self, value: ValueId) -> Option<&Node> {
        match self.values[value].source {
            Source::Node(i) => Some(&self.nodes[i]),
            _ => None,
        }
    }
}

/// Replaces groups of operations on single samples by one: product, bias and ReLU; log-softmax,
/// choice and sign. Only values that are computed at every point are touched, so that what stays
/// affine stays so.
pub(crate) fn fuse(mut graph: Graph, analysis: &Analysis) -> Graph {
    let mut uses = vec![0; graph.values.len()];
    graph
        .nodes
        .iter()
        .flat_map(|n| &n.inputs)
        .for_each(|&v| uses[v] += 1);
    graph.outputs().for_each(|v| uses[v] += 1);
    for i in 0..graph.nodes.len() {
        let alone = |v: ValueId| uses[v] == 1 && analysis.in_tiles(v);
        let fused = fuse_bias(&graph, i, &alone)
            .or_else(|| fuse_relu(&graph, i, &alone))
            .or_else(|| fuse_pick(&graph, i, &alone))
            .or_else(|| fuse_sign(&graph, i, &alone));
        if let Some((operation, inputs)) = fused {
            let output = graph.nodes[i].output;
            graph.nodes[i] = Node {
                operation,
                inputs,
                output,
            };
        }
    }
    graph.prune();
    graph
}

type Fused = Option<(Arc<dyn Operation>, Vec<ValueId>)>;

fn is<T: Operation + Clone + 'static>(node: &Node) -> Option<T> {
    node.operation.as_any().downcast_ref::<T>().cloned()
}

/// `x W + b`, with `b` along the last axis.
fn fuse_bias(graph: &Graph, i: usize, alone: &dyn Fn(ValueId) -> bool) -> Fused {
    let node = &graph.nodes[i];
    if is::<Binary>(node)? != Binary::Add {
        return None;
    }
    let [product, bias] = node.inputs[..] else {
        return None;
    };
    let matmul = graph
        .producer(product)
        .filter(|n| is::<Matmul>(n).is_some())?;
    let weight = &graph.values[matmul.inputs[1]].shape;
    let unit = weight[..weight.len() - 2].iter().all(|&d| d == 1);
    let outputs = *graph.values[product].shape.last()?;
    let bias_value = &graph.values[bias];
    let along = bias_value.numel() == outputs && bias_value.shape.last() == Some(&outputs);
    let fits = alone(product) && unit && along && !alone_samples(graph, matmul.inputs[1]);
    fits.then(|| {
        let linear = Linear {
            bias: true,
            relu: false,
        };
        (
            Arc::new(linear) as Arc<dyn Operation>,
            vec![matmul.inputs[0], matmul.inputs[1], bias],
        )
    })
}

/// Whether a value is data, which a weight must not be.
fn alone_samples(graph: &Graph, value: ValueId) -> bool {
    matches!(
        graph.values[value].source,
        Source::Constant { input: true, .. }
    )
}

fn fuse_relu(graph: &Graph, i: usize, alone: &dyn Fn(ValueId) -> bool) -> Fused {
    let node = &graph.nodes[i];
    if is::<Unary>(node)? != Unary::Relu || !alone(node.inputs[0]) {
        return None;
    }
    let linear = graph.producer(node.inputs[0])?;
    let bias = is::<Linear>(linear)?.bias;
    Some((Arc::new(Linear { bias, relu: true }), linear.inputs.clone()))
}

fn fuse_pick(graph: &Graph, i: usize, alone: &dyn Fn(ValueId) -> bool) -> Fused {
    let node = &graph.nodes[i];
    if is::<Gather>(node)?.axis != 1 || !alone(node.inputs[0]) {
        return None;
    }
    let softmax = graph.producer(node.inputs[0])?;
    let kind = is::<Softmax>(softmax)?;
    let rank = graph.values[softmax.inputs[0]].shape.len();
    let one = graph.values[node.output].shape[1] == 1;
    let fits = kind.log && kind.axis == 1 && rank == 2 && one;
    fits.then(|| {
        let picked = PickedLogSoftmax { negated: false };
        (
            Arc::new(picked) as Arc<dyn Operation>,
            vec![softmax.inputs[0], node.inputs[1]],
        )
    })
}

fn fuse_sign(graph: &Graph, i: usize, alone: &dyn Fn(ValueId) -> bool) -> Fused {
    let node = &graph.nodes[i];
    if is::<Unary>(node)? != Unary::Neg || !alone(node.inputs[0]) {
        return None;
    }
    let picked = graph.producer(node.inputs[0])?;
    let negated = !is::<PickedLogSoftmax>(picked)?.negated;
    Some((
        Arc::new(PickedLogSoftmax { negated }),
        picked.inputs.clone(),
    ))
}
