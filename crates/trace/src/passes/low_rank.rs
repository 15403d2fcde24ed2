//! Low-rank adapters: weights that are computed at each point from parameters of their own.

use crate::error::TraceError;
use crate::ir::graph::{Graph, Node, Slot, Source, Value, ValueId};
use crate::ir::operation::Operation;
use crate::ops::binary::Binary;
use crate::ops::matmul::Matmul;
use crate::ops::shape::Reshape;
use crate::ops::unary::Unary;
use std::sync::Arc;

/// An adapter of low rank: a weight `W` is `W0 + scale B A` wherever the loss uses it, and `W0`, `A` and `B` are parameters
/// (Hu et al., *LoRA: Low-Rank Adaptation of Large Language Models*, ICLR 2022).
///
/// In PyTorch's layout, of a weight `[outputs, inputs]`: `A` is `[rank, inputs]`, `B` is `[outputs, rank]`; of the weight of
/// a convolution `[outputs, inputs, height, width]`: `A` is `[rank, inputs, height, width]`, `B` is `[outputs, rank, 1, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct LowRank {
    /// Name of the weight.
    pub weight: String,
    /// Names of `A` and `B`.
    pub factors: [String; 2],
    /// The rank.
    pub rank: usize,
    /// The factor of `B A`.
    pub scale: f64,
    /// Whether the weight is `[inputs, outputs]` in PyTorch too, as those of embeddings and of `Conv1D` are: the transpose of
    /// what `B A` is of.
    pub across: bool,
}

/// Makes of the weights what their adapters say.
///
/// # Errors
/// [`TraceError::Adapter`] where the loss has no such weight, has it in another layout, or it has an adapter already.
pub(crate) fn low_rank(mut graph: Graph, adapters: &[LowRank]) -> Result<Graph, TraceError> {
    let rest = std::mem::take(&mut graph.nodes);
    for adapter in adapters {
        Adapting {
            graph: &mut graph,
            adapter,
        }
        .adapt()?;
    }
    graph.nodes.extend(rest);
    graph.prune();
    Ok(graph)
}

struct Adapting<'g> {
    graph: &'g mut Graph,
    adapter: &'g LowRank,
}

impl Adapting<'_> {
    fn adapt(mut self) -> Result<(), TraceError> {
        let (weight, transposed) = self.weight()?;
        let shape = self.graph.values[weight].shape.clone();
        // Whether the graph's weight is [inputs, outputs].
        let turned = transposed != self.adapter.across;
        let rank = self.adapter.rank;
        let product = match (&shape[..], turned) {
            (&[inputs, outputs], true) => {
                let a = self.parameter(0, vec![inputs, rank], true);
                let b = self.parameter(1, vec![rank, outputs], true);
                self.push(Matmul, vec![a, b], shape.clone())
            }
            (&[outputs, inputs], false) => {
                let a = self.parameter(0, vec![rank, inputs], false);
                let b = self.parameter(1, vec![outputs, rank], false);
                self.push(Matmul, vec![b, a], shape.clone())
            }
            (&[outputs, inputs, height, width], false) => {
                let a = self.parameter(0, vec![rank, inputs, height, width], false);
                let b = self.parameter(1, vec![outputs, rank, 1, 1], false);
                let patch = inputs * height * width;
                let a = self.push(Reshape, vec![a], vec![rank, patch]);
                let b = self.push(Reshape, vec![b], vec![outputs, rank]);
                let product = self.push(Matmul, vec![b, a], vec![outputs, patch]);
                self.push(Reshape, vec![product], shape.clone())
            }
            _ => return Err(self.error("is neither a matrix nor the weight of a convolution")),
        };
        let scale = Unary::MulScalar(self.adapter.scale);
        let change = self.push(scale, vec![product], shape.clone());
        self.replace(weight, shape, change);
        Ok(())
    }

    /// The weight among the values, and whether it is the transpose of PyTorch's.
    fn weight(&self) -> Result<(ValueId, bool), TraceError> {
        let slots = &self.graph.parameters;
        let slot = slots
            .iter()
            .position(|slot| slot.name == self.adapter.weight);
        let slot = slot.ok_or_else(|| self.error("is not a parameter of the loss"))?;
        let is_it = |value: &Value| matches!(value.source, Source::Parameter(own) if own == slot);
        let value = self.graph.values.iter().position(is_it);
        // An adapter before this one made a value of the graph of it.
        let adapted = |name: &String| slots.iter().any(|slot| slot.name == *name);
        match value {
            Some(_) if self.adapter.factors.iter().any(adapted) => {
                Err(self.error("has an adapter already"))
            }
            Some(value) => Ok((value, slots[slot].transposed)),
            None => Err(self.error("is not used by the loss")),
        }
    }

    /// One of the factors, as a parameter of the graph.
    fn parameter(&mut self, factor: usize, shape: Vec<usize>, transposed: bool) -> ValueId {
        let name = self.adapter.factors[factor].clone();
        self.graph.parameters.push(Slot { name, transposed });
        let source = Source::Parameter(self.graph.parameters.len() - 1);
        self.graph.values.push(Value { shape, source });
        self.graph.values.len() - 1
    }

    fn push(
        &mut self,
        operation: impl Operation + 'static,
        inputs: Vec<ValueId>,
        shape: Vec<usize>,
    ) -> ValueId {
        self.graph.push(Arc::new(operation), inputs, shape)
    }

    /// The weight becomes the sum of what it was, under a new number, and the change.
    fn replace(&mut self, weight: ValueId, shape: Vec<usize>, change: ValueId) {
        let graph = &mut *self.graph;
        let node = Source::Node(graph.nodes.len());
        let source = std::mem::replace(&mut graph.values[weight].source, node);
        graph.values.push(Value { shape, source });
        let base = graph.values.len() - 1;
        graph.nodes.push(Node {
            operation: Arc::new(Binary::Add),
            inputs: vec![base, change],
            output: weight,
        });
    }

    fn error(&self, reason: &'static str) -> TraceError {
        TraceError::Adapter {
            weight: self.adapter.weight.clone(),
            reason,
        }
    }
}
