//! From a recording to a graph.

use crate::capture::module::Captured;
use crate::capture::{Outputs, Recording};
use crate::error::TraceError;
use crate::ir::graph::{Graph, Slot, Source, Value, ValueId};
use crate::ops::broadcast_limit;
use crate::ops::composed::{Build, Composer};
use crate::ops::matmul::Matmul;
use crate::ops::reduce::{Reduce, Reduction};
use crate::ops::shape::{Expand, Permute, Reshape};
use crate::ops::table::{self, Recorded, is_rounded};
use crate::ops::unary::Unary;
use crate::passes::batch::batch;
use crate::passes::whole::{WholeValue, check_whole};
use burn::tensor::TensorData;
use burn_capture::{CapturedGraph, TensorId};
use burn_ir::TensorIr;
use landscape_core::{Rng, Term};
use std::collections::HashMap;
use std::sync::Arc;

/// The graph of a recording; `seed` for the random tensors of the closure.
///
/// # Errors
/// Operations that are not in the table, values of too high a rank, integers beyond 2^24, a loss of another shape.
pub(crate) fn convert(recording: Recording, seed: u64) -> Result<Graph, TraceError> {
    let Recording {
        captured,
        parameters,
        inputs,
        outputs,
        samples,
    } = recording;
    Builder::new(&captured, parameters, &inputs, samples, seed)?.finish(&captured, &outputs)
}

struct Builder {
    graph: Graph,
    ids: HashMap<TensorId, ValueId>,
    rng: Rng,
}

impl Builder {
    fn new(
        captured: &CapturedGraph,
        parameters: Vec<Captured>,
        inputs: &[TensorId],
        samples: usize,
        seed: u64,
    ) -> Result<Self, TraceError> {
        let mut this = Self {
            graph: Graph::new(samples),
            ids: HashMap::new(),
            rng: Rng::new(seed, 0),
        };
        let mut named: HashMap<TensorId, Captured> =
            parameters.into_iter().map(|c| (c.id, c)).collect();
        for (&id, data) in &captured.values {
            let shape: Vec<usize> = data.shape().iter().copied().collect();
            let source = match named.remove(&id) {
                Some(Captured {
                    name, transposed, ..
                }) => {
                    this.graph.parameters.push(Slot { name, transposed });
                    Source::Parameter(this.graph.parameters.len() - 1)
                }
                None => Source::Constant {
                    data: Arc::new(numbers(data)?),
                    input: inputs.contains(&id),
                },
            };
            this.value(id, shape, source);
        }
        let mut whole = Vec::new();
        for operation in &captured.graph.operations {
            let first = this.graph.values.len();
            this.operation(operation)?;
            if operation.outputs().any(|out| out.dtype.is_int()) {
                let made = first..this.graph.values.len();
                whole.extend(made.map(|value| WholeValue::new(value, operation)));
            }
        }
        check_whole(&this.graph, &whole)?;
        Ok(this)
    }

    fn value(&mut self, id: TensorId, shape: Vec<usize>, source: Source) -> ValueId {
        self.graph.values.push(Value { shape, source });
        self.ids.insert(id, self.graph.values.len() - 1);
        self.graph.values.len() - 1
    }

    fn operation(&mut self, operation: &burn_ir::OperationIr) -> Result<(), TraceError> {
        let unsupported = || TraceError::Unsupported {
            operation: describe(operation),
        };
        match table::convert(operation) {
            Recorded::Nothing => {}
            Recorded::Unknown => return Err(unsupported()),
            Recorded::Rounded(value) => return Err(TraceError::Integer { value }),
            Recorded::Filled(out, value) => {
                let shape = shape_of(out)?;
                let filled = self.filled(shape, value);
                self.ids.insert(out.id, filled);
            }
            Recorded::Random(out, distribution) => {
                let data = self.random(out.shape.num_elements(), distribution);
                self.constant(out, data)?;
            }
            Recorded::Composed(build, inputs, out) => self.composed(build, &inputs, out)?,
            Recorded::Operation(op, inputs, out) => self.node(op.into(), &inputs, None, out)?,
            Recorded::WithScalar(op, inputs, value, out) => {
                self.node(op.into(), &inputs, Some(value), out)?;
            }
        }
        Ok(())
    }

    fn constant(&mut self, out: &TensorIr, data: Vec<f32>) -> Result<(), TraceError> {
        let shape = shape_of(out)?;
        self.value(
            out.id,
            shape,
            Source::Constant {
                data: Arc::new(data),
                input: false,
            },
        );
        Ok(())
    }

    /// One number for all elements: exact in f64 too, where a constant of the graph is f32.
    fn filled(&mut self, shape: Vec<usize>, number: f64) -> ValueId {
        let rounded = number as f32;
        let exact = f64::from(rounded) == number || number.is_nan();
        let data = Arc::new(vec![
            if exact { rounded } else { 0.0 };
            shape.iter().product()
        ]);
        let source = Source::Constant { data, input: false };
        self.graph.values.push(Value {
            shape: shape.clone(),
            source,
        });
        let constant = self.graph.values.len() - 1;
        match exact {
            true => constant,
            false => {
                let number = Arc::new(Unary::AddScalar(number));
                self.graph.push(number, vec![constant], shape)
            }
        }
    }

    fn node(
        &mut self,
        op: Arc<dyn crate::ir::operation::Operation>,
        inputs: &[&TensorIr],
        scalar: Option<f64>,
        out: &TensorIr,
    ) -> Result<(), TraceError> {
        let shape = shape_of(out)?;
        let mut ids = self.known(inputs)?;
        if let Some(scalar) = scalar {
            ids.push(self.filled(vec![1; shape.len()], scalar));
        }
        let output = self.graph.push(op, ids, shape);
        self.ids.insert(out.id, output);
        Ok(())
    }

    /// The values of tensors that were made before.
    fn known(&self, inputs: &[&TensorIr]) -> Result<Vec<ValueId>, TraceError> {
        let missing = || TraceError::Capture("a value is used before it is made".into());
        let known = |input: &&TensorIr| self.ids.get(&input.id).copied().ok_or_else(missing);
        inputs.iter().map(known).collect()
    }

    /// A recorded operation that becomes several.
    fn composed(
        &mut self,
        build: Build<'_>,
        inputs: &[&TensorIr],
        outputs: Vec<&TensorIr>,
    ) -> Result<(), TraceError> {
        for tensor in inputs.iter().chain(&outputs) {
            shape_of(tensor)?;
        }
        let ids = self.known(inputs)?;
        let made = build(&mut Composer(&mut self.graph), &ids);
        for (value, out) in made.into_iter().zip(outputs) {
            debug_assert_eq!(self.graph.values[value].shape, shape_of(out)?);
            self.ids.insert(out.id, value);
        }
        Ok(())
    }

    fn random(&mut self, n: usize, distribution: burn::tensor::Distribution) -> Vec<f32> {
        use burn::tensor::Distribution as D;
        let rng = &mut self.rng;
        (0..n)
            .map(|_| match distribution {
                D::Default => rng.uniform(0.0, 1.0) as f32,
                D::Uniform(low, high) => rng.uniform(low, high) as f32,
                D::Bernoulli(p) => f32::from(u8::from(rng.uniform(0.0, 1.0) < p)),
                D::Normal(mean, std) => (mean + std * rng.normal()) as f32,
            })
            .collect()
    }

    /// Names the outputs.
    fn finish(self, captured: &CapturedGraph, outputs: &Outputs) -> Result<Graph, TraceError> {
        let ids: Vec<ValueId> = captured
            .graph
            .outputs
            .iter()
            .map(|id| self.ids.get(id).copied())
            .collect::<Option<_>>()
            .ok_or_else(|| TraceError::Capture("an output was not recorded".into()))?;
        let mut ids = ids.into_iter();
        let mut next = || ids.next().expect("as many outputs as were declared");
        let loss = next();
        let correct = outputs.correct.map(|_| next());
        let terms = outputs.terms.iter().map(|(term, _)| (term.clone(), next()));
        let terms = terms.collect();
        complete(self.graph, loss, correct, terms)
    }
}

/// The graph of what is wanted: averages what is given sample by sample, drops the rest, and finds the samples.
///
/// # Errors
/// [`TraceError::LossShape`], [`TraceError::Transposed`].
pub(crate) fn complete(
    mut graph: Graph,
    loss: ValueId,
    correct: Option<ValueId>,
    terms: Vec<(Term, ValueId)>,
) -> Result<Graph, TraceError> {
    graph.loss = mean(&mut graph, loss)?;
    let accuracy = correct.map(|value| mean(&mut graph, value));
    graph.accuracy = accuracy.transpose()?;
    for (term, value) in terms {
        let value = mean(&mut graph, value)?;
        graph.terms.push((term, value));
    }
    graph.prune();
    check_layouts(&graph)?;
    // With one sample every axis of length 1 could be that of the samples.
    match graph.samples {
        1 => Ok(graph),
        _ => Ok(batch(&graph)),
    }
}

fn mean(graph: &mut Graph, value: ValueId) -> Result<ValueId, TraceError> {
    let shape = graph.values[value].shape.clone();
    let n: usize = shape.iter().product();
    if n == 1 && graph.samples > 1 {
        return Ok(value);
    }
    if n == 0 || !n.is_multiple_of(graph.samples) {
        return Err(TraceError::LossShape {
            shape,
            samples: graph.samples,
        });
    }
    let mean = Reduce {
        reduction: Reduction::Mean,
        axis: None,
    };
    Ok(graph.push(Arc::new(mean), vec![value], vec![1]))
}

/// A weight that is taken for that of Burn's `Linear`, `[inputs, outputs]`, must be the right factor of a product as
/// it is.
fn check_layouts(graph: &Graph) -> Result<(), TraceError> {
    for (value, source) in graph.values.iter().map(|v| &v.source).enumerate() {
        let Source::Parameter(slot) = source else {
            continue;
        };
        if graph.parameters[*slot].transposed && is_turned(graph, value) {
            let name = graph.parameters[*slot].name.clone();
            return Err(TraceError::Transposed { name });
        }
    }
    Ok(())
}

/// Whether a matrix is used transposed, and nowhere as the right factor of a product.
fn is_turned(graph: &Graph, matrix: ValueId) -> bool {
    let (mut same, mut turned) = (vec![matrix], false);
    for node in &graph.nodes {
        if !node.inputs.iter().any(|v| same.contains(v)) {
            continue;
        }
        let operation = node.operation.as_any();
        if operation.is::<Reshape>() || operation.is::<Expand>() {
            same.push(node.output);
        } else if operation.is::<Matmul>() && same.contains(&node.inputs[1]) {
            return false;
        }
        turned |= operation.is::<Permute>();
    }
    turned
}

/// The numbers of recorded data in f32, which holds whole numbers up to 2^24 and only some above.
fn numbers(data: &TensorData) -> Result<Vec<f32>, TraceError> {
    let whole = data.dtype().is_int() || data.dtype().is_uint();
    if whole && let Some(value) = data.iter::<i64>().find(|&x| is_rounded(x)) {
        return Err(TraceError::Integer { value });
    }
    Ok(data.iter::<f32>().collect())
}

fn shape_of(tensor: &TensorIr) -> Result<Vec<usize>, TraceError> {
    let shape: Vec<usize> = tensor.shape.iter().copied().collect();
    if shape.len() > broadcast_limit() {
        return Err(TraceError::Rank { rank: shape.len() });
    }
    Ok(shape)
}

/// The name of a recorded operation and of its kind, without its operands and the type of its numbers.
fn describe(operation: &burn_ir::OperationIr) -> String {
    let text = format!("{operation:?}");
    let end = text
        .find("OpIr")
        .or_else(|| text.find('{'))
        .unwrap_or(text.len());
    let names: Vec<&str> = text[..end]
        .split('(')
        .filter_map(|name| name.rsplit(',').next())
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .collect();
    let last = names.len().saturating_sub(usize::from(names.len() > 1));
    names[..last.max(1)].join("::")
}
