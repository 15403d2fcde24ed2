//! The batch as a fact: which axis of a value runs over the samples, and how many rows of it belong to one.
//!
//! Programs fold samples into other axes (`[n, t, d]` becomes `[n t, d]` for a matrix product), move them (`[t, n, d]`),
//! or repeat for every sample what is the same for all (class tokens, positions, masks). This pass follows them and
//! rewrites the graph so that axis 0 of every value with samples counts them, and nothing else does; what is the same for
//! all samples is computed once. Executors need to know no other form.

use crate::ir::batching::{BatchAxis, Batching, Placed};
use crate::ir::graph::{Graph, Source, Value, ValueId};
use crate::ir::operation::{Operand, Operation, Samples};
use std::sync::Arc;

/// Rewrites a graph so that axis 0 counts the samples wherever a value has some.
///
/// # Errors
/// The name of the first operation that mixes samples, or that has no rule for how it meets them; the graph has to run as
/// one whole then.
pub(crate) fn batch(program: &Graph) -> Result<Graph, &'static str> {
    let mut this = Batching {
        graph: Graph {
            values: Vec::new(),
            nodes: Vec::new(),
            derived: Vec::new(),
            ones: Vec::new(),
            ..program.clone()
        },
    };
    let mut placed: Vec<Option<Placed>> = vec![None; program.values.len()];
    for (old, value) in program.values.iter().enumerate() {
        if !matches!(value.source, Source::Node(_)) {
            placed[old] = Some(this.given(value));
        }
    }
    for node in &program.nodes {
        let inputs = node.inputs.iter().map(|&v| placed[v].clone());
        let inputs: Vec<Placed> = inputs.map(|p| p.expect("made before it is used")).collect();
        let shape = &program.values[node.output].shape;
        placed[node.output] = Some(this.node(&node.operation, &inputs, shape)?);
    }
    let mut output = |old: ValueId| {
        let placed = placed[old].clone().expect("every output was made");
        this.fixed(&placed).ok_or("the loss")
    };
    let loss = output(program.loss)?;
    let accuracy = program.accuracy.map(&mut output).transpose()?;
    let terms = program.terms.iter();
    let terms: Vec<_> = terms
        .map(|(term, value)| Ok((term.clone(), output(*value)?)))
        .collect::<Result<_, &'static str>>()?;
    (this.graph.loss, this.graph.accuracy, this.graph.terms) = (loss, accuracy, terms);
    this.graph.prune();
    Ok(this.graph)
}

impl Batching {
    /// A value that no node makes.
    fn given(&mut self, value: &Value) -> Placed {
        let place = match &value.source {
            Source::Constant { input: true, .. } => Some(BatchAxis::PLAIN),
            // A row for each sample, all the same (the first state of a recurrent layer).
            Source::Constant { data, .. }
                if value.shape.first() == Some(&self.graph.samples)
                    && data.len() == value.numel()
                    && self.are_same(data, &value.shape, BatchAxis::PLAIN) =>
            {
                return Placed {
                    value: self.constant(data, &value.shape, BatchAxis::PLAIN),
                    shape: value.shape.clone(),
                    place: Some(BatchAxis::PLAIN),
                };
            }
            _ => None,
        };
        self.graph.values.push(value.clone());
        Placed {
            value: self.graph.values.len() - 1,
            shape: value.shape.clone(),
            place,
        }
    }

    /// Adds an operation of the program. Where what is the same for all samples stands in its way, it is taken for what
    /// has none: an axis may be as long as there are samples by chance.
    fn node(
        &mut self,
        operation: &Arc<dyn Operation>,
        inputs: &[Placed],
        shape: &[usize],
    ) -> Result<Placed, &'static str> {
        if let Some(placed) = self.attempt(operation, inputs, shape) {
            return Ok(placed);
        }
        let fixed: Vec<Placed> = inputs.iter().map(|p| self.without(p)).collect();
        if fixed.iter().all(|p| p.place.is_none()) {
            let values = fixed.iter().map(|p| p.value).collect();
            return Ok(Placed {
                value: self.graph.push(operation.clone(), values, shape.to_vec()),
                shape: shape.to_vec(),
                place: None,
            });
        }
        self.attempt(operation, &fixed, shape)
            .ok_or_else(|| operation.name())
    }

    fn attempt(
        &mut self,
        operation: &Arc<dyn Operation>,
        inputs: &[Placed],
        shape: &[usize],
    ) -> Option<Placed> {
        self.plain(operation, inputs, shape)
            .or_else(|| operation.batched(self, inputs, shape))
    }

    /// A value without samples where all of them are the same, else as it is.
    fn without(&mut self, placed: &Placed) -> Placed {
        match self.fixed(placed) {
            Some(value) => Placed {
                value,
                shape: placed.shape.clone(),
                place: None,
            },
            None => placed.clone(),
        }
    }

    /// The operation as it is, where its inputs have the form that executors know.
    fn plain(
        &mut self,
        operation: &Arc<dyn Operation>,
        inputs: &[Placed],
        shape: &[usize],
    ) -> Option<Placed> {
        let n = self.graph.samples;
        let known = |p: &Placed| match p.place {
            Some(place) => place == BatchAxis::PLAIN && self.graph.values[p.value].shape[0] == n,
            None => true,
        };
        if !inputs.iter().all(known) || inputs.iter().all(|p| p.place.is_none()) {
            return None;
        }
        let operand = |p: &'_ Placed| p.place.is_some();
        let operands = inputs.iter().map(|p| Operand {
            shape: &p.shape,
            samples: operand(p),
            varies: true,
        });
        let samples = operation.samples(&operands.collect::<Vec<_>>(), shape);
        let place = match samples {
            Samples::Kept => Some(BatchAxis::PLAIN),
            Samples::Reduced { .. } => None,
            Samples::Summed | Samples::Mixed => return None,
        };
        let ids = inputs.iter().map(|p| p.value).collect();
        Some(Placed {
            value: self.graph.push(operation.clone(), ids, shape.to_vec()),
            shape: shape.to_vec(),
            place,
        })
    }
}
