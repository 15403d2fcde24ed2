//! Heads: a layer and the cross-entropy that alone needs its outputs, as one operation without a table of those.

use crate::ir::graph::{Graph, Node, ValueId};
use crate::kernels::head::{KEPT, PICKED, PLACE};
use crate::ops::cross_entropy::PickedLogSoftmax;
use crate::ops::gather::Gather;
use crate::ops::head::Head;
use crate::ops::matmul::{Linear, Matmul};
use crate::ops::reduce::{Reduce, Reduction};
use crate::ops::shape::{Reshape, Slice};
use crate::ops::softmax::Softmax;
use crate::ops::unary::Unary;
use crate::passes::dependence::{Analysis, Class};
use crate::passes::fuse::is;
use std::sync::Arc;

/// Bytes of the outputs of all samples, with the coefficients of a plane, up to which they may be affine, and so computed once.
const AFFINE: usize = 256 << 20;

/// A layer and what is wanted of its outputs; nodes by their places in the graph.
struct Found {
    layer: usize,
    bias: bool,
    labels: ValueId,
    /// The label's log-softmax, and whether its sign is changed.
    picked: (usize, bool),
    /// Places of largest outputs.
    places: Vec<usize>,
    /// What only showed outputs on their way.
    left_out: Vec<usize>,
}

/// Makes one operation of every layer of at least [`Graph::heads_from`] outputs whose outputs are needed for a label's log-softmax
/// and for the place of the largest alone. `samples`: which values have samples; `wanted`: the outputs of which this is
/// done. Returns how many there are.
pub(crate) fn fuse_heads(
    graph: &mut Graph,
    samples: &[bool],
    wanted: &dyn Fn(ValueId) -> bool,
) -> usize {
    let mut count = 0;
    let mut layer = 0;
    while layer < graph.nodes.len() {
        let outputs = graph.nodes[layer].output;
        let known = samples.get(outputs) == Some(&true) && wanted(outputs);
        match known.then(|| find(graph, layer, samples)).flatten() {
            Some(found) => {
                replace(graph, found);
                (count, layer) = (count + 1, 0);
            }
            None => layer += 1,
        }
    }
    count
}

/// The same for a plan of the CPU's kernels, but for outputs that are affine in the point and few.
pub(crate) fn fuse_large_heads(mut graph: Graph, analysis: &Analysis) -> Graph {
    const COEFFICIENTS: usize = 4;
    let values = graph.values.clone();
    let wanted = |v: ValueId| {
        let bytes = values[v].numel() * COEFFICIENTS * size_of::<f32>();
        analysis.class[v] == Class::Point || bytes > AFFINE
    };
    fuse_heads(&mut graph, &analysis.samples, &wanted);
    graph
}

/// A layer on samples that has no ReLU, and whether it has a bias.
fn layer(node: &Node) -> Option<bool> {
    match is::<Linear>(node) {
        Some(linear) => (!linear.relu).then_some(linear.bias),
        None => is::<Matmul>(node).map(|_| false),
    }
}

fn find(graph: &Graph, index: usize, samples: &[bool]) -> Option<Found> {
    let node = &graph.nodes[index];
    let bias = layer(node)?;
    let has = |v: ValueId| samples.get(v) == Some(&true);
    let weights = &graph.values[node.inputs[1]].shape;
    let (rows, outputs) = weights.split_at(weights.len() - 1);
    let one = rows[..rows.len() - 1].iter().all(|&n| n == 1);
    let fits = one && outputs[0] >= graph.heads_from && has(node.inputs[0]);
    if !fits || node.inputs[1..].iter().any(|&v| has(v)) {
        return None;
    }
    let mut search = Search {
        graph,
        width: outputs[0],
        picked: None,
        places: Vec::new(),
        left_out: Vec::new(),
    };
    search.follow(node.output)?;
    let (picked, negated, labels) = search.picked?;
    let axes = graph.values[labels].shape.len();
    let rows = |v: ValueId, width: usize| graph.values[v].numel() / width;
    let one_each = rows(labels, 1) == rows(node.output, outputs[0]);
    let own = has(labels) && axes > 1 && graph.values[labels].shape[axes - 1] == 1;
    (own && one_each && !depends(graph, labels, node.output)).then_some(Found {
        layer: index,
        bias,
        labels,
        picked: (picked, negated),
        places: search.places,
        left_out: search.left_out,
    })
}

/// Follows the outputs of a layer to all that is made of them.
struct Search<'a> {
    graph: &'a Graph,
    width: usize,
    /// The node, whether it changes the sign, and the labels.
    picked: Option<(usize, bool, ValueId)>,
    places: Vec<usize>,
    left_out: Vec<usize>,
}

impl Search<'_> {
    fn users(&self, value: ValueId) -> impl Iterator<Item = (usize, &Node)> {
        let nodes = self.graph.nodes.iter().enumerate();
        nodes.filter(move |(_, node)| node.inputs.contains(&value))
    }

    /// `None` where the outputs are needed for something else.
    fn follow(&mut self, value: ValueId) -> Option<()> {
        let shape = &self.graph.values[value].shape;
        let last = shape.len() - 1;
        if shape[last] != self.width || self.graph.outputs().any(|v| v == value) {
            return None;
        }
        let users: Vec<(usize, Node)> = self.users(value).map(|(i, n)| (i, n.clone())).collect();
        for (index, node) in users {
            if is::<Reshape>(&node).is_some() {
                self.follow(node.output)?;
                self.left_out.push(index);
            } else if let Some(picked) = is::<PickedLogSoftmax>(&node) {
                self.pick((index, picked.negated, node.inputs[1]))?;
            } else if is::<Softmax>(&node).is_some_and(|s| s.log && s.axis == last) {
                let gather = self.gather(node.output, last)?;
                self.pick(gather)?;
                self.left_out.push(index);
            } else {
                let reduce = is::<Reduce>(&node)?;
                if reduce.reduction != Reduction::ArgMax || reduce.axis != Some(last) {
                    return None;
                }
                self.places.push(index);
            }
        }
        Some(())
    }

    fn pick(&mut self, found: (usize, bool, ValueId)) -> Option<()> {
        self.picked.replace(found).is_none().then_some(())
    }

    /// The choice of a label that alone needs a log-softmax.
    fn gather(&self, value: ValueId, axis: usize) -> Option<(usize, bool, ValueId)> {
        let mut users = self.users(value);
        let (index, node) = users.next()?;
        let gather = is::<Gather>(node)?;
        let alone = users.next().is_none() && !self.graph.outputs().any(|v| v == value);
        let one = self.graph.values[node.output].shape[axis] == 1;
        let fits = alone && one && gather.axis == axis && node.inputs[0] == value;
        fits.then_some((index, false, node.inputs[1]))
    }
}

/// The nodes that make a value, by their places.
fn makers(graph: &Graph, value: ValueId) -> Vec<usize> {
    let mut needed = vec![value];
    let mut makers = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        if needed.contains(&node.output) {
            needed.extend(&node.inputs);
            makers.push(index);
        }
    }
    makers.reverse();
    makers
}

fn depends(graph: &Graph, value: ValueId, on: ValueId) -> bool {
    let makers = makers(graph, value);
    let reads = |&index: &usize| graph.nodes[index].inputs.contains(&on);
    value == on || makers.iter().any(reads)
}

/// Puts the operation in the layer's place, behind what makes the labels.
fn replace(graph: &mut Graph, found: Found) {
    let labels = makers(graph, found.labels);
    let nodes = std::mem::take(&mut graph.nodes);
    let early = |index: usize| index < found.layer || labels.contains(&index);
    let kept = nodes.iter().enumerate().filter(|(index, _)| early(*index));
    graph.nodes = kept.map(|(_, node)| node.clone()).collect();
    let mut inputs = nodes[found.layer].inputs.clone();
    inputs.push(found.labels);
    let mut shape = graph.values[found.labels].shape.clone();
    *shape.last_mut().expect("an axis of labels") = KEPT;
    let head = graph.push(Arc::new(Head { bias: found.bias }), inputs, shape);
    let (picked, negated) = found.picked;
    number(graph, head, (PICKED, negated), nodes[picked].output);
    for &place in &found.places {
        number(graph, head, (PLACE, false), nodes[place].output);
    }
    let mut gone = vec![found.layer, picked];
    gone.extend(found.places);
    gone.extend(found.left_out);
    let rest = nodes.into_iter().enumerate();
    let rest = rest.filter(|(index, _)| !early(*index) && !gone.contains(index));
    graph.nodes.extend(rest.map(|(_, node)| node));
    graph.prune();
}

/// Makes `output` of one of the numbers that a head keeps.
fn number(graph: &mut Graph, head: ValueId, (place, negated): (usize, bool), output: ValueId) {
    let mut shape = graph.values[head].shape.clone();
    let last = shape.len() - 1;
    let mut ranges = vec![(0, 1); shape.len()];
    (shape[last], ranges[last].0) = (1, place);
    let value = graph.push(Arc::new(Slice { ranges }), vec![head], shape.clone());
    let target = graph.values[output].shape.clone();
    let value = match target == shape {
        true => value,
        false => graph.push(Arc::new(Reshape), vec![value], target),
    };
    let operation = match negated {
        true => Unary::Neg,
        false => Unary::Identity,
    };
    graph.nodes.push(Node {
        operation: Arc::new(operation),
        inputs: vec![value],
        output,
    });
}
