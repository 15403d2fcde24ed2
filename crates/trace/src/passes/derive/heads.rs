//! Heads ([`crate::ops::head`]) in derivatives: the network's output is then what is inside of one.

use super::matrices::Wanted;
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Graph, ValueId};
use crate::ops::head::Head;
use crate::passes::fuse::is;
use crate::passes::heads::{fuse_heads, pays};
use std::collections::HashMap;

/// Makes heads of large layers; whether there are some. `output_at`: the node behind the network's output. A Gauss-Newton
/// matrix begins at the outputs of one layer, so that for it a head is the only one, and ends the network.
pub(super) fn fuse(
    d: &mut Derivation,
    wanted: Wanted,
    output_at: impl Fn(&Graph) -> Option<usize>,
) -> bool {
    let before = d.graph.clone();
    let ends = output_at(&before).map(|cut| before.nodes[cut - 1].output);
    let samples = d.samples.clone();
    let fits = |graph: &Graph, v: ValueId| {
        let ends = wanted != Wanted::GaussNewton || ends == Some(v);
        ends && pays(graph, v, samples[v])
    };
    fuse_heads(&mut d.graph, &mut d.samples, &fits) > 0
}

/// What is known behind the network's output.
#[derive(Clone, Copy)]
pub(super) struct Ends<'a> {
    pub tangents: &'a HashMap<ValueId, ValueId>,
    pub adjoints: &'a HashMap<ValueId, ValueId>,
    pub wanted: Wanted,
}

/// Takes the seeds of a product with the Gauss-Newton matrix, and the node where they are, through the head that ends the
/// network, if one does.
pub(super) fn through(
    d: &mut Derivation,
    cut: usize,
    mut seeds: HashMap<ValueId, ValueId>,
    ends: Ends,
    trainable: &[bool],
) -> (usize, HashMap<ValueId, ValueId>) {
    let node = d.graph.nodes[cut - 1].clone();
    let head = is::<Head>(&node).filter(|_| ends.wanted == Wanted::GaussNewton);
    let of = |values: &HashMap<ValueId, ValueId>, v: ValueId| values.get(&v).copied();
    let known = of(ends.tangents, node.output).zip(of(ends.adjoints, node.output));
    let Some((head, (kept, adjoint))) = head.zip(known) else {
        return (cut, seeds);
    };
    let changes = node.inputs.iter().map(|&v| of(ends.tangents, v));
    let changes: Vec<Option<ValueId>> = changes.collect();
    let wanted: Vec<bool> = node.inputs.iter().map(|&v| trainable[v]).collect();
    let bent = seeds.remove(&node.output);
    let parts = head.gauss_newton(d, &node, (&changes, kept), (adjoint, bent), &wanted);
    for (&input, part) in node.inputs.iter().zip(parts) {
        let sum = d.sum(of(&seeds, input), part);
        seeds.extend(sum.map(|sum| (input, sum)));
    }
    (cut - 1, seeds)
}
