//! Normalisation in simpler operations, whose derivatives are known.

use crate::ir::derivation::Derivation;
use crate::ir::graph::{Graph, Node, Source, ValueId};
use crate::ops::batch_norm::{BatchNorm, MomentVariance, Moments};
use crate::ops::binary::Binary;
use crate::ops::conv::Conv2d;
use crate::ops::layer_norm::LayerNorm;
use crate::ops::reduce::{Reduce, Reduction};
use crate::ops::unary::Unary;
use crate::passes::fuse::{is, uses};
use std::collections::HashMap;
use std::sync::Arc;

/// The graph without BatchNorm and LayerNorm. BatchNorm after a convolution goes into its weights and
/// bias, so that nothing of it is left among the values of the samples.
pub(super) fn lower(graph: Graph, samples: Vec<bool>) -> Derivation {
    let uses = uses(&graph);
    let mut d = Derivation::new(graph, samples);
    let nodes = std::mem::take(&mut d.graph.nodes);
    let mut measured = HashMap::new();
    for node in &nodes {
        if let Some(norm) = is::<BatchNorm>(node) {
            match convolution_before(&d, &nodes, &uses, node.inputs[0]) {
                Some((conv, inputs)) => fold(&mut d, node, norm, conv, &inputs),
                None => batch_norm(&mut d, node, norm),
            }
        } else if let Some(norm) = is::<LayerNorm>(node) {
            layer_norm(&mut d, node, norm);
        } else if !statistics(&mut d, node, &mut measured) {
            d.graph.nodes.push(node.clone());
        }
    }
    d.graph.prune();
    d
}

/// The convolution that makes `x`, where nothing else needs `x`.
fn convolution_before(
    d: &Derivation,
    nodes: &[Node],
    uses: &[usize],
    x: ValueId,
) -> Option<(Conv2d, Vec<ValueId>)> {
    let Source::Node(before) = d.graph.values[x].source else {
        return None;
    };
    // Indices of the captured nodes: what this pass adds comes after them.
    let node = nodes.get(before).filter(|n| n.output == x)?;
    let conv = is::<Conv2d>(node)?;
    let alone = uses[x] == 1 && !conv.residual && !conv.relu;
    alone.then(|| (conv, node.inputs.clone()))
}

/// `gamma / sqrt(variance + epsilon)`
fn scale(d: &mut Derivation, gamma: ValueId, variance: ValueId, epsilon: f64) -> ValueId {
    let shifted = d.unary(Unary::AddScalar(epsilon), variance);
    let root = d.unary(Unary::Sqrt, shifted);
    d.binary(Binary::Div, gamma, root)
}

fn fold(d: &mut Derivation, node: &Node, norm: BatchNorm, conv: Conv2d, inputs: &[ValueId]) {
    let [_, gamma, beta, mean, variance] = node.inputs[..] else {
        unreachable!("a normalisation has five inputs")
    };
    let factor = scale(d, gamma, variance, norm.epsilon);
    let shape = d.shape(inputs[1]);
    let along = d.reshape(factor, &[shape[0], 1, 1, 1]);
    let weight = d.mul(inputs[1], along);
    let offset = match inputs.get(2) {
        Some(&bias) => d.sub(bias, mean),
        None => d.neg(mean),
    };
    let scaled = d.mul(offset, factor);
    let bias = d.add(beta, scaled);
    finish(
        d,
        Conv2d { bias: true, ..conv },
        vec![inputs[0], weight, bias],
        node.output,
    );
}

/// Statistics of all samples, as means of differences and of their squares; whether the node makes some. `measured`: both, for
/// what holds them.
fn statistics(
    d: &mut Derivation,
    node: &Node,
    measured: &mut HashMap<ValueId, [ValueId; 2]>,
) -> bool {
    if is::<Moments>(node).is_some() {
        measured.insert(node.output, moments(d, node.inputs[0], node.inputs[1]));
        return true;
    }
    let made_of = node.inputs.first().and_then(|v| measured.get(v));
    let Some(&[mean, squares]) = made_of else {
        return false;
    };
    match is::<MomentVariance>(node) {
        Some(variance) => {
            let square = d.mul(mean, mean);
            let around = d.sub(squares, square);
            let scale = Unary::MulScalar(variance.factor);
            finish(d, scale, vec![around], node.output);
        }
        None => finish(d, Binary::Add, vec![mean, node.inputs[1]], node.output),
    }
    true
}

/// The means over samples and pixels of `x - shift` and of its square, channel by channel.
fn moments(d: &mut Derivation, x: ValueId, shift: ValueId) -> [ValueId; 2] {
    let shape = d.shape(x);
    let (n, channels) = (shape[0], shape[1]);
    let mut along = vec![1; shape.len()];
    along[1] = channels;
    let shift = d.reshape(shift, &along);
    let centred = d.sub(x, shift);
    let squares = d.mul(centred, centred);
    [centred, squares].map(|x| {
        let mut mean = d.reshape(x, &[n, channels, shape[2..].iter().product()]);
        for axis in [2, 0] {
            let mut shape = d.shape(mean);
            shape[axis] = 1;
            let reduce = Reduce {
                reduction: Reduction::Mean,
                axis: Some(axis),
            };
            mean = d.push(reduce, &[mean], shape);
        }
        d.reshape(mean, &[channels])
    })
}

/// `x s + t`
fn batch_norm(d: &mut Derivation, node: &Node, norm: BatchNorm) {
    let [x, gamma, beta, mean, variance] = node.inputs[..] else {
        unreachable!("a normalisation has five inputs")
    };
    let factor = scale(d, gamma, variance, norm.epsilon);
    let shifted = d.mul(mean, factor);
    let shift = d.sub(beta, shifted);
    let mut along = vec![1; d.shape(x).len()];
    along[1] = d.shape(gamma).iter().product();
    let (factor, shift) = (d.reshape(factor, &along), d.reshape(shift, &along));
    let scaled = d.mul(x, factor);
    finish(d, Binary::Add, vec![scaled, shift], node.output);
}

fn layer_norm(d: &mut Derivation, node: &Node, norm: LayerNorm) {
    let x = node.inputs[0];
    let rank = d.shape(x).len();
    let mean = |d: &mut Derivation, x: ValueId| {
        let mut shape = d.shape(x);
        shape[rank - 1] = 1;
        let reduce = Reduce {
            reduction: Reduction::Mean,
            axis: Some(rank - 1),
        };
        d.push(reduce, &[x], shape)
    };
    let centre = mean(d, x);
    let centred = d.sub(x, centre);
    let squares = d.mul(centred, centred);
    let variance = mean(d, squares);
    let shifted = d.unary(Unary::AddScalar(norm.epsilon), variance);
    let root = d.unary(Unary::Sqrt, shifted);
    let inverse = d.unary(Unary::Recip, root);
    let scaled = d.mul(centred, inverse);
    let mut along = vec![1; rank];
    along[rank - 1] = d.shape(x)[rank - 1];
    let gamma = d.reshape(node.inputs[1], &along);
    match node.inputs.get(2) {
        Some(&beta) => {
            let product = d.mul(scaled, gamma);
            let beta = d.reshape(beta, &along);
            finish(d, Binary::Add, vec![product, beta], node.output);
        }
        None => finish(d, Binary::Mul, vec![scaled, gamma], node.output),
    }
}

/// The node that makes a value that is there already.
fn finish(
    d: &mut Derivation,
    operation: impl crate::ir::operation::Operation + 'static,
    inputs: Vec<ValueId>,
    output: ValueId,
) {
    d.graph.values[output].source = Source::Node(d.graph.nodes.len());
    d.graph.nodes.push(Node {
        operation: Arc::new(operation),
        inputs,
        output,
    });
}
