//! Groups of operations that are computed as one.

use crate::error::TraceError;
use crate::ir::graph::{Graph, Node, Source, ValueId};
use crate::ir::operation::Operation;
use crate::kernels::conv::Window;
use crate::kernels::winograd::{PRODUCTS, pays, pays_for};
use crate::ops::batch_norm::{
    BatchNorm, FoldScale, FoldShift, MomentMean, MomentVariance, Moments,
};
use crate::ops::binary::Binary;
use crate::ops::conv::{Conv2d, TransformWeights};
use crate::ops::cross_entropy::PickedLogSoftmax;
use crate::ops::gather::Gather;
use crate::ops::matmul::{Linear, Matmul};
use crate::ops::shape::Slice;
use crate::ops::softmax::Softmax;
use crate::ops::unary::Unary;
use crate::passes::dependence::Analysis;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Puts the normalisation after a convolution into its weights and bias, which are then computed
/// once a point instead of once a pixel.
pub(crate) fn fold_norms(mut graph: Graph, analysis: &Analysis) -> Graph {
    let uses = uses(&graph);
    let nodes = std::mem::take(&mut graph.nodes);
    for node in &nodes {
        let folded = is::<BatchNorm>(node).and_then(|norm| {
            let x = node.inputs[0];
            let alone = uses[x] == 1 && analysis.in_tiles(x);
            let Source::Node(before) = graph.values[x].source else {
                return None;
            };
            let conv = is::<Conv2d>(&nodes[before]).filter(|c| alone && !c.residual && !c.relu)?;
            Some((norm, conv, nodes[before].inputs.clone()))
        });
        match folded {
            Some((norm, conv, inputs)) => fold(&mut graph, node, norm, conv, &inputs),
            None => graph.nodes.push(node.clone()),
        }
    }
    graph.prune();
    graph
}

/// Replaces the statistics of all normalisations by those of the samples at each point.
///
/// The samples pass as in training, where every layer normalises with their mean and their variance divided
/// by n. `reestimated`: that pass only measures; the loss is that of a second one, with the means and the variances
/// divided by n - 1 that the first one met, as PyTorch's `swa_utils.update_bn` and an evaluation.
///
/// # Errors
/// [`TraceError::OneValue`]
pub(crate) fn batch_statistics(mut graph: Graph, reestimated: bool) -> Result<Graph, TraceError> {
    measure(&mut graph, reestimated)?;
    graph.prune();
    Ok(graph)
}

/// What a normalisation measures of a batch in training.
pub(crate) struct Measured {
    /// Mean, and variance divided by n - 1.
    pub values: [ValueId; 2],
    /// The parameters that are its running statistics, where they are some.
    pub running: [Option<usize>; 2],
    /// The share of the batch in them afterwards.
    pub momentum: f64,
}

/// A graph as in training on one batch: normalisations have its statistics, which are outputs too ([`Graph::derived`]).
///
/// # Errors
/// [`TraceError::OneValue`]
pub(crate) fn training(mut graph: Graph) -> Result<(Graph, Vec<Measured>), TraceError> {
    let measured = measure(&mut graph, false)?;
    graph.derived = measured.iter().flat_map(|norm| norm.values).collect();
    graph.prune();
    Ok((graph, measured))
}

fn measure(graph: &mut Graph, reestimated: bool) -> Result<Vec<Measured>, TraceError> {
    let mut found = Vec::new();
    let running = running_statistics(graph);
    let mut running = running.into_iter();
    // What a value is in training, where that is another one.
    let mut trained: HashMap<ValueId, ValueId> = HashMap::new();
    let nodes = std::mem::take(&mut graph.nodes);
    for mut node in nodes {
        let mut inputs = node.inputs.clone();
        for input in &mut inputs {
            *input = trained.get(input).copied().unwrap_or(*input);
        }
        if let Some(norm) = is::<BatchNorm>(&node) {
            let [mean, biased, unbiased] = measured(graph, inputs[0], &node)?;
            found.push(Measured {
                values: [mean, unbiased],
                running: running.next().unwrap_or_default(),
                momentum: norm.momentum,
            });
            inputs[3..5].copy_from_slice(&[mean, biased]);
            node.inputs[3] = mean;
            node.inputs[4] = if reestimated { unbiased } else { biased };
        }
        if reestimated && inputs != node.inputs {
            let shape = graph.values[node.output].shape.clone();
            let copy = graph.push(node.operation.clone(), inputs, shape);
            trained.insert(node.output, copy);
        }
        graph.nodes.push(node);
    }
    Ok(found)
}

/// The parameters that mean and variance of each normalisation are, in order.
fn running_statistics(graph: &Graph) -> Vec<[Option<usize>; 2]> {
    let norms = graph.nodes.iter().filter(|n| is::<BatchNorm>(n).is_some());
    let both = |norm: &Node| [3, 4].map(|i| parameter_of(graph, norm.inputs[i]));
    norms.map(both).collect()
}

/// The parameter that a value is a view of.
fn parameter_of(graph: &Graph, value: ValueId) -> Option<usize> {
    match graph.values[value].source {
        Source::Parameter(slot) => Some(slot),
        Source::Node(node) if graph.nodes[node].operation.is_view() => {
            parameter_of(graph, graph.nodes[node].inputs[0])
        }
        _ => None,
    }
}

/// Mean, variance and unbiased variance of the samples `x` that a normalisation is given.
fn measured(graph: &mut Graph, x: ValueId, norm: &Node) -> Result<[ValueId; 3], TraceError> {
    let shift = norm.inputs[3];
    let shape = graph.values[x].shape.clone();
    let n = graph.samples * shape[2..].iter().product::<usize>();
    if n < 2 {
        let layer = layer_name(graph, norm.inputs[1]);
        return Err(TraceError::OneValue { layer });
    }
    let (channels, both) = (vec![shape[1]], vec![2, shape[1]]);
    let moments = graph.push(Arc::new(Moments), vec![x, shift], both);
    let mean = graph.push(Arc::new(MomentMean), vec![moments, shift], channels.clone());
    let mut variance = |factor: f64| {
        let operation = Arc::new(MomentVariance { factor });
        graph.push(operation, vec![moments], channels.clone())
    };
    let unbiased = n as f64 / (n as f64 - 1.0);
    Ok([mean, variance(1.0), variance(unbiased)])
}

/// The layer that a parameter belongs to, as far as it is known.
fn layer_name(graph: &Graph, parameter: ValueId) -> String {
    match graph.values[parameter].source {
        Source::Parameter(slot) => {
            let name = &graph.parameters[slot].name;
            name.rsplit_once('.')
                .map_or(name.as_str(), |(layer, _)| layer)
                .to_owned()
        }
        _ => "BatchNorm".to_owned(),
    }
}

fn fold(graph: &mut Graph, node: &Node, norm: BatchNorm, conv: Conv2d, inputs: &[ValueId]) {
    let [_, gamma, beta, mean, variance] = node.inputs[..] else {
        unreachable!("a normalisation has five inputs")
    };
    let epsilon = norm.epsilon;
    let shape = graph.values[inputs[1]].shape.clone();
    let channels = vec![shape[0]];
    let scaled = vec![inputs[1], gamma, variance];
    let scale = FoldScale {
        epsilon,
        last: false,
    };
    let weight = graph.push(Arc::new(scale), scaled, shape);
    let mut shifted = vec![gamma, beta, mean, variance];
    shifted.extend(inputs.get(2));
    let bias = graph.push(Arc::new(FoldShift { epsilon }), shifted, channels);
    let conv = Conv2d { bias: true, ..conv };
    graph.nodes.push(Node {
        operation: Arc::new(conv),
        inputs: vec![inputs[0], weight, bias],
        output: node.output,
    });
}

/// Leaves out the weights of convolutions that never meet the image, and replaces those that are faster that way by
/// transformed ones; for the host executor, see [`crate::kernels::winograd`].
pub(crate) fn transform_weights(mut graph: Graph, in_tiles: &dyn Fn(ValueId) -> bool) -> Graph {
    let nodes = std::mem::take(&mut graph.nodes);
    for mut node in nodes {
        let found = is::<Conv2d>(&node).filter(|_| in_tiles(node.output));
        if let Some(conv) = found {
            let conv = crop(&mut graph, &mut node, conv);
            if pays(&window(&graph, &node, &conv)) {
                transform(&mut graph, &mut node, conv);
            }
        }
        graph.nodes.push(node);
    }
    graph.prune();
    graph
}

fn window(graph: &Graph, node: &Node, conv: &Conv2d) -> Window {
    let shape = |v: ValueId| &graph.values[v].shape[..];
    let (x, w) = (shape(node.inputs[0]), shape(node.inputs[1]));
    conv.window(x, w, shape(node.output))
}

/// Cuts a kernel down to the positions that meet the image for any output: a 3x3 kernel on an image of one pixel has one.
fn crop(graph: &mut Graph, node: &mut Node, conv: Conv2d) -> Conv2d {
    let window = window(graph, node, &conv);
    let met = [0, 1].map(|axis| window.met(axis));
    let whole = (0..2).all(|axis| met[axis] == (0..window.kernel[axis]));
    let before = |axis: usize| {
        let left_out = met[axis].start * conv.dilation[axis];
        conv.padding[axis].0.checked_sub(left_out)
    };
    let (false, Some(rows), Some(columns)) = (whole, before(0), before(1)) else {
        return conv;
    };
    if met.iter().any(Range::is_empty) {
        return conv;
    }
    let mut shape = graph.values[node.inputs[1]].shape.clone();
    let mut ranges = vec![(0, 1); 4];
    for (axis, met) in met.iter().enumerate() {
        (shape[2 + axis], ranges[2 + axis].0) = (met.len(), met.start);
    }
    put_below(
        graph,
        &mut node.inputs[1],
        Arc::new(Slice { ranges }),
        shape,
    );
    let padding = [(rows, conv.padding[0].1), (columns, conv.padding[1].1)];
    let conv = Conv2d { padding, ..conv };
    node.operation = Arc::new(conv);
    conv
}

fn transform(graph: &mut Graph, node: &mut Node, conv: Conv2d) {
    let shape = &graph.values[node.inputs[1]].shape;
    let shape = vec![PRODUCTS, shape[1], shape[0]];
    put_below(
        graph,
        &mut node.inputs[1],
        Arc::new(TransformWeights),
        shape,
    );
    let transformed = true;
    node.operation = Arc::new(Conv2d {
        transformed,
        ..conv
    });
}

/// Transforms the weights of a convolution of one patch where so many samples share them, see [`transform_weights`].
pub(crate) fn transform_for(graph: &mut Graph, node: &mut Node, lanes: usize) {
    let found = is::<Conv2d>(node).filter(|conv| !conv.transformed);
    if let Some(conv) = found.filter(|conv| pays_for(&window(graph, node, conv), lanes)) {
        transform(graph, node, conv);
    }
}

/// Applies an operation that is linear to weights: before the scale of a folded normalisation, which is then all that is computed
/// at every point where the normalisation moves.
fn put_below(
    graph: &mut Graph,
    weight: &mut ValueId,
    operation: Arc<dyn Operation>,
    shape: Vec<usize>,
) {
    let made = |node: &&Node| node.output == *weight;
    let scaled = graph.nodes.iter().rev().find(made);
    let scaled = scaled.and_then(|node| Some((is::<FoldScale>(node)?, node.inputs.clone())));
    let Some((scale, mut inputs)) = scaled else {
        *weight = graph.push(operation, vec![*weight], shape);
        return;
    };
    let last = scale.last || operation.as_any().is::<TransformWeights>();
    inputs[0] = graph.push(operation, vec![inputs[0]], shape.clone());
    *weight = graph.push(Arc::new(FoldScale { last, ..scale }), inputs, shape);
}

/// How often every value is used.
pub(crate) fn uses(graph: &Graph) -> Vec<usize> {
    let mut uses = vec![0; graph.values.len()];
    let inputs = graph.nodes.iter().flat_map(|n| &n.inputs).copied();
    inputs.chain(graph.outputs()).for_each(|v| uses[v] += 1);
    uses
}

/// Replaces groups of operations on single samples by one: product, bias and ReLU; convolution,
/// residual and ReLU; log-softmax, choice and sign. Only values that are computed at every point are
/// touched, so that what stays affine stays so.
pub(crate) fn fuse(mut graph: Graph, analysis: &Analysis) -> Graph {
    let uses = uses(&graph);
    for i in 0..graph.nodes.len() {
        let alone = |v: ValueId| uses[v] == 1 && analysis.in_tiles(v);
        let fused = fuse_bias(&graph, i, &alone)
            .or_else(|| fuse_residual(&graph, i, &alone))
            .or_else(|| fuse_relu(&graph, i, &alone))
            .or_else(|| fuse_pick(&graph, i, &alone))
            .or_else(|| fuse_sign(&graph, i, &alone));
        replace(&mut graph, i, fused);
    }
    graph.prune();
    graph
}

/// Fuses layers of a graph whose derivatives are wanted: product, bias and ReLU; convolution, residual
/// and ReLU. `samples`: which values have samples.
pub(crate) fn fuse_layers(graph: &mut Graph, samples: &[bool]) {
    let uses = uses(graph);
    for i in 0..graph.nodes.len() {
        let alone = |v: ValueId| uses[v] == 1 && samples[v];
        let fused = fuse_bias(graph, i, &alone)
            .or_else(|| fuse_residual(graph, i, &alone))
            .or_else(|| fuse_relu(graph, i, &alone));
        replace(graph, i, fused);
    }
    graph.prune();
}

/// Adds residuals where convolutions store their results, in the nodes from `first` on.
pub(crate) fn fuse_residuals(graph: &mut Graph, first: usize, samples: &[bool]) {
    let uses = uses(graph);
    for i in first..graph.nodes.len() {
        let alone = |v: ValueId| uses[v] == 1 && samples[v];
        let fused = fuse_residual(graph, i, &alone);
        replace(graph, i, fused);
    }
}

fn replace(graph: &mut Graph, i: usize, fused: Fused) {
    if let Some((operation, inputs)) = fused {
        let output = graph.nodes[i].output;
        graph.nodes[i] = Node {
            operation,
            inputs,
            output,
        };
    }
}

type Fused = Option<(Arc<dyn Operation>, Vec<ValueId>)>;

pub(crate) fn is<T: Operation + Clone + 'static>(node: &Node) -> Option<T> {
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

/// `conv(x, w) + r`, with `r` of the same shape.
fn fuse_residual(graph: &Graph, i: usize, alone: &dyn Fn(ValueId) -> bool) -> Fused {
    let node = &graph.nodes[i];
    if is::<Binary>(node)? != Binary::Add {
        return None;
    }
    let [a, b] = node.inputs[..] else {
        return None;
    };
    let same = graph.values[a].shape == graph.values[b].shape;
    let free = |v: ValueId| {
        let conv = graph.producer(v).and_then(is::<Conv2d>)?;
        (same && alone(v) && !conv.residual && !conv.relu).then_some(conv)
    };
    let (sum, residual, conv) = free(a)
        .map(|conv| (a, b, conv))
        .or_else(|| free(b).map(|conv| (b, a, conv)))?;
    let mut inputs = graph.producer(sum)?.inputs.clone();
    inputs.push(residual);
    let conv = Conv2d {
        residual: true,
        ..conv
    };
    Some((Arc::new(conv), inputs))
}

/// ReLU after a layer.
fn fuse_relu(graph: &Graph, i: usize, alone: &dyn Fn(ValueId) -> bool) -> Fused {
    let node = &graph.nodes[i];
    if is::<Unary>(node)? != Unary::Relu || !alone(node.inputs[0]) {
        return None;
    }
    let layer = graph.producer(node.inputs[0])?;
    let operation: Arc<dyn Operation> = if let Some(linear) = is::<Linear>(layer) {
        Arc::new(Linear {
            relu: true,
            ..linear
        })
    } else if let Some(conv) = is::<Conv2d>(layer) {
        Arc::new(Conv2d { relu: true, ..conv })
    } else {
        let norm = is::<BatchNorm>(layer)?;
        Arc::new(BatchNorm { relu: true, ..norm })
    };
    Some((operation, layer.inputs.clone()))
}

fn fuse_pick(graph: &Graph, i: usize, alone: &dyn Fn(ValueId) -> bool) -> Fused {
    let node = &graph.nodes[i];
    let axis = is::<Gather>(node)?.axis;
    if !alone(node.inputs[0]) {
        return None;
    }
    let softmax = graph.producer(node.inputs[0])?;
    let kind = is::<Softmax>(softmax)?;
    let rank = graph.values[softmax.inputs[0]].shape.len();
    let one = graph.values[node.output].shape[axis] == 1;
    let fits = kind.log && kind.axis == axis && rank == axis + 1 && one;
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
