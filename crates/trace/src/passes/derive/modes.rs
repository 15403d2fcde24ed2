//! Forward and reverse mode over the nodes of a graph.

use super::chains::Chains;
use crate::ir::derivation::Derivation;
use crate::ir::graph::ValueId;
use std::collections::HashMap;
use std::ops::Range;

impl Derivation {
    /// The tangents of all values that `nodes` make, given those of `seeds`.
    pub fn tangents(
        &mut self,
        nodes: Range<usize>,
        seeds: HashMap<ValueId, ValueId>,
    ) -> HashMap<ValueId, ValueId> {
        let mut tangents = seeds;
        let mut chains = Chains::default();
        for index in nodes {
            let node = self.graph.nodes[index].clone();
            let of: Vec<_> = node
                .inputs
                .iter()
                .map(|v| tangents.get(v).copied())
                .collect();
            if of.iter().all(Option::is_none) || tangents.contains_key(&node.output) {
                continue;
            }
            chains.follow(self, &node, |v| tangents.contains_key(&v));
            let tangent = match chains.slope(self, node.output) {
                Some((root, slope)) => self.times(tangents[&root], slope.factor()),
                None => node.operation.tangent(self, &node, &of),
            };
            if let Some(tangent) = tangent {
                tangents.insert(node.output, tangent);
            }
        }
        tangents
    }

    /// The adjoints of all values that `nodes` read and that are `wanted`, given those of `seeds`.
    pub fn adjoints(
        &mut self,
        nodes: Range<usize>,
        seeds: HashMap<ValueId, ValueId>,
        wanted: &[bool],
    ) -> HashMap<ValueId, ValueId> {
        let mut adjoints = seeds;
        let mut chains = Chains::default();
        for index in nodes.clone() {
            let node = self.graph.nodes[index].clone();
            if wanted[node.output] {
                chains.follow(self, &node, |v| wanted[v]);
            }
        }
        for index in nodes.rev() {
            let node = self.graph.nodes[index].clone();
            let needed: Vec<bool> = node.inputs.iter().map(|&v| wanted[v]).collect();
            let Some(&adjoint) = adjoints.get(&node.output) else {
                continue;
            };
            if !needed.iter().any(|&n| n) {
                continue;
            }
            let (to, parts, needed) = match chains.slope(self, node.output) {
                Some((root, slope)) => {
                    let part = self.times(adjoint, slope.factor());
                    (vec![root], vec![part], vec![true])
                }
                None => {
                    let parts = node.operation.adjoint(self, &node, adjoint, &needed);
                    (node.inputs, parts, needed)
                }
            };
            let parts = to.into_iter().zip(parts).zip(needed);
            for ((input, part), _) in parts.filter(|(_, needed)| *needed) {
                let Some(part) = part else { continue };
                let sum = match adjoints.get(&input) {
                    Some(&before) => self.add(before, part),
                    None => part,
                };
                adjoints.insert(input, sum);
            }
        }
        adjoints
    }
}
