//! Graphs within a graph that are always computed, once: blocks of `torch.no_grad()`, `torch.autocast` and the like. Their nodes
//! take the place of the node that holds them.

use super::schema::{Argument, Graph, NamedArgument, Node, Symbolic};
use std::collections::HashMap;

/// Whether a node computes its graph once, whatever the data are.
fn is_block(node: &Node) -> bool {
    const BLOCKS: [&str; 4] = [
        "wrap_with_set_grad_enabled",
        "wrap_with_autocast",
        "tag_activation_checkpoint",
        "invoke_subgraph",
    ];
    let name = node.target.strip_prefix("torch.ops.higher_order.");
    name.is_some_and(|name| BLOCKS.contains(&name))
}

/// Writes out the blocks of a graph, and those within them.
pub(super) fn written_out(graph: &mut Graph) {
    for mut node in std::mem::take(&mut graph.nodes) {
        match block(&mut node) {
            Some(inner) => put(inner, node, graph),
            None => graph.nodes.push(node),
        }
    }
}

/// The graph of a node that is a block, whose further inputs are what the graph is given.
fn block(node: &mut Node) -> Option<Graph> {
    if !is_block(node) {
        return None;
    }
    let is_graph = |input: &NamedArgument| matches!(input.arg, Argument::Graph(_));
    let at = node.inputs.iter().position(is_graph)?;
    let Argument::Graph(inner) = &node.inputs[at].arg else {
        return None;
    };
    let tensors = |all: &[Argument]| all.iter().all(|a| matches!(a, Argument::Tensor(_)));
    let fit = node.outputs.len() == inner.outputs.len();
    if !fit || !tensors(&node.outputs) || !tensors(&inner.outputs) {
        return None;
    }
    let Argument::Graph(mut inner) = std::mem::replace(&mut node.inputs[at].arg, Argument::None)
    else {
        return None;
    };
    written_out(&mut inner);
    Some(*inner)
}

/// Puts the nodes of a block, with names that are not taken, and its outputs under the names that they have outside.
fn put(inner: Graph, node: Node, graph: &mut Graph) {
    let disabled = matches!(
        node.inputs.first().map(|i| &i.arg),
        Some(Argument::Bool(false))
    );
    let target = match disabled && node.target.ends_with("set_grad_enabled") {
        true => "torch.ops.aten.detach.default",
        false => "torch.ops.aten.alias.default",
    };
    let names = Names::of(&node, &inner.inputs, graph.nodes.len());
    for mut own in inner.nodes {
        let inputs = own.inputs.iter_mut().map(|input| &mut input.arg);
        { inputs.chain(&mut own.outputs) }.for_each(|arg| names.change(arg));
        graph.nodes.push(own);
    }
    for (name, meta) in inner.tensor_values {
        let name = names.outside(&name);
        graph.tensor_values.entry(name).or_insert(meta);
    }
    for (mut arg, outside) in inner.outputs.into_iter().zip(node.outputs) {
        names.change(&mut arg);
        graph.nodes.push(Node {
            target: target.into(),
            inputs: vec![NamedArgument {
                name: "self".into(),
                arg,
            }],
            outputs: vec![outside],
            metadata: node.metadata.clone(),
        });
    }
}

/// What the names of a block are outside of it.
struct Names {
    given: HashMap<String, Argument>,
    /// Stands in front of the names that the block makes: its place in the graph, which no other block has.
    prefix: String,
}

impl Names {
    fn of(node: &Node, inputs: &[Argument], place: usize) -> Self {
        // The last ones, behind flags, the graph and its name.
        let before = node.inputs.len().saturating_sub(inputs.len());
        let given = &node.inputs[before..];
        let name = |arg: &Argument| match arg {
            Argument::Tensor(name) | Argument::Symbol(Symbolic::Name(name)) => Some(name.clone()),
            _ => None,
        };
        let pairs = inputs.iter().zip(given);
        let pairs = pairs.filter_map(|(own, given)| Some((name(own)?, given.arg.clone())));
        Self {
            given: pairs.collect(),
            prefix: place.to_string(),
        }
    }

    fn outside(&self, name: &str) -> String {
        match self.given.get(name) {
            Some(Argument::Tensor(outside) | Argument::Symbol(Symbolic::Name(outside))) => {
                outside.clone()
            }
            _ => format!("{}.{name}", self.prefix),
        }
    }

    fn change(&self, arg: &mut Argument) {
        match arg {
            Argument::Symbol(Symbolic::Name(name)) => {
                // A size may be a plain number outside.
                let plain = self.given.get(name.as_str()).cloned();
                *arg = match plain {
                    Some(plain) => plain,
                    None => Argument::Symbol(Symbolic::Name(self.outside(name))),
                };
            }
            Argument::Tensor(name) => *name = self.outside(name),
            Argument::Tensors(all) => all.iter_mut().for_each(|name| *name = self.outside(name)),
            Argument::OptionalTensors(all) => {
                { all.iter_mut().flatten() }.for_each(|name| *name = self.outside(name));
            }
            Argument::Symbols(all) => { all.iter_mut() }.for_each(|symbol| self.symbol(symbol)),
            _ => {}
        }
    }

    fn symbol(&self, symbol: &mut Symbolic) {
        if let Symbolic::Name(name) = symbol {
            *symbol = match self.given.get(name.as_str()) {
                Some(Argument::Int(number)) => Symbolic::Int(*number),
                Some(Argument::Symbol(outside)) => outside.clone(),
                _ => Symbolic::Name(self.outside(name)),
            };
        }
    }
}
