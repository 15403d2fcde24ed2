//! Forward and reverse mode over the nodes of a graph.

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
            if let Some(tangent) = node.operation.tangent(self, &node, &of) {
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
        for index in nodes.rev() {
            let node = self.graph.nodes[index].clone();
            let needed: Vec<bool> = node.inputs.iter().map(|&v| wanted[v]).collect();
            let Some(&adjoint) = adjoints.get(&node.output) else {
                continue;
            };
            if !needed.iter().any(|&n| n) {
                continue;
            }
            let parts = node.operation.adjoint(self, &node, adjoint, &needed);
            for ((&input, part), _) in node
                .inputs
                .iter()
                .zip(parts)
                .zip(&needed)
                .filter(|(_, n)| **n)
            {
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
