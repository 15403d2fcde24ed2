//! Heads: a layer and the cross-entropy that alone needs its outputs, as one operation without a table of those.

use crate::ir::graph::{Graph, Node, ValueId};
use crate::kernels::head::{KEPT, PICKED, PLACE};
use crate::kernels::simd::LANES;
use crate::ops::binary::Binary;
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

/// Outputs from which on a loss is not slower for it.
const MANY: usize = 2048;

/// Bytes of the outputs of a tile of 16 samples from which on derivatives have none: some ten values would be as large.
const LARGE: usize = 32 << 20;

/// A layer and what is wanted of its outputs; nodes by their places in the graph.
struct Found {
    layer: usize,
    /// x, W and a bias.
    inputs: Vec<ValueId>,
    outputs: ValueId,
    labels: ValueId,
    /// The label's log-softmax, and whether its sign is changed.
    picked: (usize, bool),
    /// Places of largest outputs.
    places: Vec<usize>,
    /// What only showed outputs on their way.
    left_out: Vec<usize>,
}

/// Makes one operation of every layer whose outputs are needed for a label's log-softmax and for the place of the largest
/// alone, where that is `wanted` for its outputs. `samples`: which values have samples, to which those are added that are
/// made. Returns how many layers there are.
pub(crate) fn fuse_heads(
    graph: &mut Graph,
    samples: &mut Vec<bool>,
    wanted: &dyn Fn(&Graph, ValueId) -> bool,
) -> usize {
    let mut count = 0;
    let mut layer = 0;
    while layer < graph.nodes.len() {
        let found = find(graph, layer, samples);
        match found.filter(|found| wanted(graph, found.outputs)) {
            Some(found) => {
                let own = samples[found.outputs];
                replace(graph, found);
                samples.resize(graph.values.len(), own);
                (count, layer) = (count + 1, 0);
            }
            None => layer += 1,
        }
    }
    count
}

/// Whether derivatives with the table of all `outputs` would take much memory; `samples`: whether these have some.
pub(crate) fn pays(graph: &Graph, outputs: ValueId, samples: bool) -> bool {
    let value = &graph.values[outputs];
    match (graph.heads_from, samples) {
        (Some(from), _) => value.shape.last().is_some_and(|&width| width >= from),
        (None, true) => value.numel() / graph.samples * LANES * size_of::<f32>() >= LARGE,
        (None, false) => value.numel() * size_of::<f32>() >= LARGE,
    }
}

/// The same for a loss on the CPU's kernels, but for outputs that are affine in the point and few.
pub(crate) fn fuse_for_loss(mut graph: Graph, analysis: &Analysis) -> Graph {
    const COEFFICIENTS: usize = 4;
    let wanted = |graph: &Graph, v: ValueId| {
        let value = &graph.values[v];
        let bytes = value.numel() * COEFFICIENTS * size_of::<f32>();
        let many = graph.heads_from.is_none() && value.shape.last() >= Some(&MANY);
        let once = analysis.class[v] != Class::Point && bytes <= AFFINE;
        (many || pays(graph, v, analysis.samples[v])) && !once
    };
    fuse_heads(&mut graph, &mut analysis.samples.clone(), &wanted);
    graph
}

/// The inputs of a layer that has no ReLU, with its bias, and its outputs; the node that adds the bias, where it is one of its own.
fn layer(graph: &Graph, index: usize) -> Option<(Vec<ValueId>, ValueId, Option<usize>)> {
    let node = &graph.nodes[index];
    let own = (node.inputs.clone(), node.output, None);
    if let Some(linear) = is::<Linear>(node) {
        return (!linear.relu).then_some(own);
    }
    is::<Matmul>(node)?;
    let mut users = graph.nodes.iter().enumerate();
    let uses = |(_, user): &(usize, &Node)| user.inputs.contains(&node.output);
    let Some((add, user)) = users.find(uses) else {
        return Some(own);
    };
    let [a, b] = user.inputs[..] else {
        return Some(own);
    };
    let bias = if a == node.output { b } else { a };
    let value = &graph.values[bias];
    let width = graph.values[node.output].shape.last();
    let along = value.shape.last() == width && Some(&value.numel()) == width;
    let alone = users.find(uses).is_none() && !graph.outputs().any(|v| v == node.output);
    if is::<Binary>(user) != Some(Binary::Add) || !along || !alone {
        return Some(own);
    }
    let inputs = vec![node.inputs[0], node.inputs[1], bias];
    Some((inputs, user.output, Some(add)))
}

fn find(graph: &Graph, index: usize, samples: &[bool]) -> Option<Found> {
    let (inputs, outputs, add) = layer(graph, index)?;
    let has = |v: ValueId| samples[v];
    let weights = &graph.values[inputs[1]].shape;
    let (rows, width) = weights.split_at(weights.len() - 1);
    let one = rows[..rows.len() - 1].iter().all(|&n| n == 1);
    if !one || inputs[1..].iter().any(|&v| has(v)) {
        return None;
    }
    let mut search = Search {
        graph,
        width: width[0],
        picked: None,
        places: Vec::new(),
        left_out: add.into_iter().collect(),
    };
    search.follow(outputs)?;
    let (picked, negated, labels) = search.picked?;
    let axes = graph.values[labels].shape.len();
    let each = graph.values[labels].numel() * width[0] == graph.values[outputs].numel();
    let last = axes > 1 && graph.values[labels].shape[axes - 1] == 1;
    let own = has(labels) == has(inputs[0]) && has(outputs) == has(labels);
    (own && each && last && !depends(graph, labels, graph.nodes[index].output)).then_some(Found {
        layer: index,
        inputs,
        outputs,
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
    let mut early = makers(graph, found.labels);
    found.inputs[2..]
        .iter()
        .for_each(|&v| early.extend(makers(graph, v)));
    let nodes = std::mem::take(&mut graph.nodes);
    let early = |index: usize| index < found.layer || early.contains(&index);
    let kept = nodes.iter().enumerate().filter(|(index, _)| early(*index));
    graph.nodes = kept.map(|(_, node)| node.clone()).collect();
    let bias = found.inputs.len() > 2;
    let mut inputs = found.inputs;
    inputs.push(found.labels);
    let mut shape = graph.values[found.outputs].shape.clone();
    *shape.last_mut().expect("an axis of outputs") = KEPT;
    let head = graph.push(Arc::new(Head { bias }), inputs, shape);
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
