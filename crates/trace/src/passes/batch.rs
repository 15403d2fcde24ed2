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
        if let Some(row) = self.same_rows(value) {
            let number = self.graph.values.len();
            self.graph.values.push(row);
            return Placed {
                value: number,
                shape: value.shape.clone(),
                place: Some(BatchAxis::PLAIN),
            };
        }
        let input = matches!(value.source, Source::Constant { input: true, .. });
        self.graph.values.push(value.clone());
        Placed {
            value: self.graph.values.len() - 1,
            shape: value.shape.clone(),
            place: input.then_some(BatchAxis::PLAIN),
        }
    }

    /// The first row of a constant that has a row for each sample, where all are the same (the first state of a
    /// recurrent layer).
    fn same_rows(&self, value: &Value) -> Option<Value> {
        let (n, length) = (self.graph.samples, *value.shape.first()?);
        let Source::Constant { data, input: false } = &value.source else {
            return None;
        };
        if length != n || data.is_empty() {
            return None;
        }
        let mut rows = data.chunks_exact(data.len() / n);
        let first = rows.next()?;
        let same = |row: &[f32]| {
            row.iter()
                .zip(first)
                .all(|(a, b)| a.to_bits() == b.to_bits())
        };
        let mut shape = value.shape.clone();
        shape[0] = 1;
        rows.all(same).then(|| Value {
            shape,
            source: Source::Constant {
                data: Arc::new(first.to_vec()),
                input: false,
            },
        })
    }

    fn node(
        &mut self,
        operation: &Arc<dyn Operation>,
        inputs: &[Placed],
        shape: &[usize],
    ) -> Result<Placed, &'static str> {
        if let Some(plain) = self.plain(operation, inputs, shape) {
            return Ok(plain);
        }
        if let Some(placed) = operation.batched(self, inputs, shape) {
            return Ok(placed);
        }
        // What is the same for all samples has a value without them.
        let fixed: Option<Vec<ValueId>> = inputs.iter().map(|p| self.fixed(p)).collect();
        let fixed = fixed.ok_or_else(|| operation.name())?;
        Ok(Placed {
            value: self.graph.push(operation.clone(), fixed, shape.to_vec()),
            shape: shape.to_vec(),
            place: None,
        })
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
