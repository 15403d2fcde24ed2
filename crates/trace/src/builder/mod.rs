//! Losses that are written operation by operation, for networks that come from files and not from Burn.

mod choices;
mod images;
mod parts;

pub use images::{Convolution, GridPadding, GridSample, Windows};
pub use parts::Padding;

use crate::error::TraceError;
use crate::ir::graph::{Graph, Slot, Source, Value as GraphValue, ValueId};
use crate::objective::{Mask, Trace};
use crate::ops::batch_norm::BatchNorm;
use crate::ops::binary::Binary;
use crate::ops::broadcast_limit;
use crate::ops::composed::Composer;
use crate::ops::embedding::Embedding;
use crate::ops::layer_norm::LayerNorm;
use crate::ops::matmul::Matmul;
use crate::ops::reduce::{Reduce, Reduction};
use crate::ops::select::MaskWhere;
use crate::ops::softmax::Softmax;
use crate::ops::unary::Unary;
use crate::passes::convert::complete;
use landscape_core::{Parameter, Params, Term};
use std::sync::Arc;

/// A value of a [`TraceBuilder`], by its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value(ValueId);

/// A loss, written operation by operation: what [`Trace::capture`] records of a Burn module, without Burn.
///
/// Values have up to 8 axes and hold numbers in f32. Data have the samples along axis 0. Functions of two values
/// broadcast as in NumPy. Parameters have the layout of their [`Parameter`], that of PyTorch.
///
/// ```
/// use landscape_core::{Parameter, Role};
/// use landscape_trace::{TraceBuilder, Target, Unary};
///
/// // The mean of (w x)^2 over three samples.
/// let mut builder = TraceBuilder::new(3);
/// let x = builder.data(&[3, 1], vec![1.0, 2.0, 3.0])?;
/// let w = builder.parameter(Parameter::new("w", [1, 1], vec![0.5], Role::Weight)?)?;
/// let y = builder.linear(x, w, None)?;
/// let squares = builder.unary(Unary::PowScalar(2.0), y);
/// let params = builder.params()?;
/// let trace = builder.loss(squares, None, vec![])?;
/// let gradient = trace.curvature(&params, &Target::default())?.gradient()?;
/// assert!((gradient.loss - 14.0 / 3.0 / 4.0).abs() < 1e-6);
/// assert!((gradient.gradient[0] - 14.0 / 3.0).abs() < 1e-5);
/// # Ok::<(), landscape_trace::TraceError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TraceBuilder {
    graph: Graph,
    params: Vec<Parameter>,
    /// The numbers of every sample, in the order in which they came.
    data: Vec<Arc<Vec<f32>>>,
    masks: Vec<Mask>,
}

impl TraceBuilder {
    /// An empty graph, for that many samples.
    pub fn new(samples: usize) -> Self {
        Self {
            graph: Graph::new(samples),
            params: Vec::new(),
            data: Vec::new(),
            masks: Vec::new(),
        }
    }

    /// A parameter, or a buffer such as the statistics of a normalisation.
    ///
    /// # Errors
    /// [`TraceError::Build`] where the numbers do not fit the shape or the name is taken, [`TraceError::Rank`].
    pub fn parameter(&mut self, param: Parameter) -> Result<Value, TraceError> {
        let taken = self.params.iter().any(|other| other.name == param.name);
        let problem = format!("the name `{}` is taken", param.name);
        fits("parameter", !taken, || problem)?;
        let source = Source::Parameter(self.params.len());
        let value = self.source("parameter", &param.shape, param.data.len(), source)?;
        self.graph.parameters.push(Slot {
            name: param.name.clone(),
            transposed: false,
        });
        self.params.push(param);
        Ok(value)
    }

    /// The parameter of that name.
    pub fn named(&self, name: &str) -> Option<Value> {
        let slot = self.params.iter().position(|p| p.name == name)?;
        let is = |value: &GraphValue| matches!(value.source, Source::Parameter(p) if p == slot);
        self.graph.values.iter().position(is).map(Value)
    }

    /// All parameters so far, with their numbers: where directions begin.
    ///
    /// # Errors
    /// [`TraceError::Params`]
    pub fn params(&self) -> Result<Params, TraceError> {
        Ok(Params::new(self.params.clone())?)
    }

    /// Numbers of every sample, `[samples, ...]`: inputs, labels, weights of samples. Whole numbers are held as f32.
    ///
    /// # Errors
    /// [`TraceError::Build`] where the numbers do not fit the shape or the shape not the samples, [`TraceError::Rank`].
    pub fn data(&mut self, shape: &[usize], data: Vec<f32>) -> Result<Value, TraceError> {
        self.shared_data(shape, Arc::new(data))
    }

    /// As [`Self::data`], of numbers that whoever holds them keeps: the trace shares them.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn shared_data(
        &mut self,
        shape: &[usize],
        data: Arc<Vec<f32>>,
    ) -> Result<Value, TraceError> {
        let samples = self.graph.samples;
        fits("data", shape.first() == Some(&samples), || {
            format!("axis 0 of {shape:?} does not count the {samples} samples")
        })?;
        self.numbers(shape, data, true)
    }

    /// Numbers that are the same for all samples.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub fn constant(&mut self, shape: &[usize], data: Vec<f32>) -> Result<Value, TraceError> {
        self.numbers(shape, Arc::new(data), false)
    }

    fn numbers(
        &mut self,
        shape: &[usize],
        data: Arc<Vec<f32>>,
        input: bool,
    ) -> Result<Value, TraceError> {
        let numbers = data.len();
        if input {
            self.data.push(data.clone());
        }
        let source = Source::Constant { data, input };
        self.source("constant", shape, numbers, source)
    }

    /// Numbers that are 1 with this probability and else 0, drawn anew for each batch ([`BatchGradients`](crate::BatchGradients)):
    /// for dropout. They have no meaning in any other use of the trace.
    ///
    /// # Errors
    /// [`TraceError::Rank`]
    pub fn mask(&mut self, shape: &[usize], probability: f64) -> Result<Value, TraceError> {
        ranked(shape.len())?;
        let (numel, samples) = (product(shape), self.graph.samples);
        // Different ones, so that no pass takes them for what is the same for all samples.
        let data: Arc<Vec<f32>> = Arc::new((0..numel).map(|i| i as f32).collect());
        self.masks.push(Mask {
            data: data.clone(),
            probability,
        });
        let input = numel > 0 && numel.is_multiple_of(samples);
        let source = Source::Constant { data, input };
        let stored = match input {
            true => vec![samples, numel / samples],
            false => shape.to_vec(),
        };
        let value = self.source("mask", &stored, numel, source)?;
        self.reshape(value, shape)
    }

    fn source(
        &mut self,
        operation: &'static str,
        shape: &[usize],
        numbers: usize,
        source: Source,
    ) -> Result<Value, TraceError> {
        ranked(shape.len())?;
        fits(operation, numbers == product(shape), || {
            format!("{numbers} numbers do not fill the shape {shape:?}")
        })?;
        let shape = shape.to_vec();
        self.graph.values.push(GraphValue { shape, source });
        Ok(Value(self.graph.values.len() - 1))
    }

    /// The shape of a value.
    ///
    /// # Panics
    /// Where the value is of another builder that is longer than this one.
    pub fn shape(&self, value: Value) -> &[usize] {
        &self.graph.values[value.0].shape
    }

    fn composer(&mut self) -> Composer<'_> {
        Composer(&mut self.graph)
    }

    /// `f(x)` for every element.
    pub fn unary(&mut self, f: Unary, x: Value) -> Value {
        Value(self.composer().unary(f, x.0))
    }

    /// `f(a, b)` for every element, with axes of length 1 repeated, and lacking ones in front.
    ///
    /// # Errors
    /// [`TraceError::Build`] where the shapes do not go together.
    pub fn binary(&mut self, f: Binary, a: Value, b: Value) -> Result<Value, TraceError> {
        let [a, b] = self.aligned("a function of two numbers", [a, b])?;
        Ok(Value(self.composer().binary(f, a, b)))
    }

    /// `yes` where `mask` is not 0, else `no`; shapes as in [`Self::binary`].
    ///
    /// # Errors
    /// As [`Self::binary`].
    pub fn choose(&mut self, mask: Value, yes: Value, no: Value) -> Result<Value, TraceError> {
        let [mask, yes, no] = self.aligned("mask_where", [mask, yes, no])?;
        let shapes = [mask, yes, no].map(|v| self.graph.values[v].shape.clone());
        let longest = |axis: usize| shapes.iter().map(|s| s[axis]).max().unwrap_or(1);
        let shape = (0..shapes[0].len()).map(longest).collect();
        Ok(Value(self.composer().push(
            MaskWhere,
            &[no, mask, yes],
            shape,
        )))
    }

    /// Values with equally many axes that are equal or 1.
    fn aligned<const N: usize>(
        &mut self,
        operation: &'static str,
        values: [Value; N],
    ) -> Result<[ValueId; N], TraceError> {
        let rank = values.iter().map(|&v| self.shape(v).len()).max();
        let rank = rank.unwrap_or(0);
        let aligned = values.map(|value| {
            let mut shape = self.shape(value).to_vec();
            shape.splice(0..0, std::iter::repeat_n(1, rank - shape.len()));
            self.composer().reshape(value.0, &shape)
        });
        let shapes = aligned.map(|v| self.graph.values[v].shape.clone());
        for axis in 0..rank {
            let mut lengths = shapes.iter().map(|s| s[axis]).filter(|&n| n != 1);
            let first = lengths.next();
            fits(operation, lengths.all(|n| Some(n) == first), || {
                format!("the shapes {shapes:?} cannot be broadcast together")
            })?;
        }
        Ok(aligned)
    }

    /// A reduction along an axis, which stays with length 1, or over everything (`[1]`).
    ///
    /// # Errors
    /// [`TraceError::Build`] where there is no such axis.
    pub fn reduce(
        &mut self,
        reduction: Reduction,
        x: Value,
        axis: Option<usize>,
    ) -> Result<Value, TraceError> {
        let reduce = Reduce { reduction, axis };
        let mut shape = vec![1];
        if let Some(axis) = axis {
            shape = self.shape(x).to_vec();
            along("a reduction", &shape, axis)?;
            shape[axis] = 1;
        }
        Ok(Value(self.composer().push(reduce, &[x.0], shape)))
    }

    /// The same numbers with another shape.
    ///
    /// # Errors
    /// [`TraceError::Build`] where it holds another number of them, [`TraceError::Rank`].
    pub fn reshape(&mut self, x: Value, shape: &[usize]) -> Result<Value, TraceError> {
        ranked(shape.len())?;
        let own = self.shape(x);
        fits("reshape", product(own) == product(shape), || {
            format!("{own:?} and {shape:?} hold different numbers of elements")
        })?;
        Ok(Value(self.composer().reshape(x.0, shape)))
    }

    /// The axes in another order: axis `i` of the result is axis `axes[i]` of x.
    ///
    /// # Errors
    /// [`TraceError::Build`] where `axes` is not an order of the axes.
    pub fn permute(&mut self, x: Value, axes: &[usize]) -> Result<Value, TraceError> {
        let mut sorted = axes.to_vec();
        sorted.sort_unstable();
        let rank = self.shape(x).len();
        fits("permute", sorted.iter().copied().eq(0..rank), || {
            format!("{axes:?} is not an order of {rank} axes")
        })?;
        Ok(Value(self.composer().permute(x.0, axes)))
    }

    /// Axes of length 1 repeated, and new ones in front.
    ///
    /// # Errors
    /// [`TraceError::Build`] where the shapes do not go together, [`TraceError::Rank`].
    pub fn expand(&mut self, x: Value, shape: &[usize]) -> Result<Value, TraceError> {
        ranked(shape.len())?;
        let own = self.shape(x).to_vec();
        let same = |(own, new): (&usize, &usize)| own == new || *own == 1;
        let fit = own.len() <= shape.len() && own.iter().rev().zip(shape.iter().rev()).all(same);
        fits("expand", fit, || {
            format!("{own:?} does not repeat to {shape:?}")
        })?;
        let mut whole = vec![1; shape.len() - own.len()];
        whole.extend_from_slice(&own);
        let x = self.composer().reshape(x.0, &whole);
        Ok(Value(self.composer().expand(x, shape)))
    }

    /// `length` elements along an axis, from `start` on.
    ///
    /// # Errors
    /// [`TraceError::Build`] where there are not so many.
    pub fn slice(
        &mut self,
        x: Value,
        axis: usize,
        start: usize,
        length: usize,
    ) -> Result<Value, TraceError> {
        let shape = self.shape(x);
        along("slice", shape, axis)?;
        let inside = length > 0
            && start
                .checked_add(length)
                .is_some_and(|end| end <= shape[axis]);
        fits("slice", inside, || {
            format!("{length} elements from {start} on are not all within axis {axis} of {shape:?}")
        })?;
        Ok(Value(self.composer().slice(x.0, axis, start, length)))
    }

    /// Values one after another along an axis.
    ///
    /// # Errors
    /// [`TraceError::Build`] where there is none, or other axes differ.
    pub fn concat(&mut self, values: &[Value], axis: usize) -> Result<Value, TraceError> {
        let without = |shape: &[usize]| {
            let mut shape = shape.to_vec();
            shape[axis] = 0;
            shape
        };
        fits("cat", !values.is_empty(), || "there are no values".into())?;
        for &value in values {
            along("cat", self.shape(value), axis)?;
        }
        let mut shapes = values.iter().map(|&v| without(self.shape(v)));
        let first = shapes.next();
        fits("cat", shapes.all(|s| Some(s) == first), || {
            let shapes: Vec<_> = values.iter().map(|&v| self.shape(v)).collect();
            format!("the shapes {shapes:?} differ elsewhere than along axis {axis}")
        })?;
        let values: Vec<ValueId> = values.iter().map(|v| v.0).collect();
        Ok(Value(self.composer().concat(&values, axis)))
    }

    /// The product `[.., m, k] x [.., k, n]` of the last two axes; axes before as in [`Self::binary`].
    ///
    /// # Errors
    /// [`TraceError::Build`] where the shapes do not go together.
    pub fn matmul(&mut self, a: Value, b: Value) -> Result<Value, TraceError> {
        let shapes = [a, b].map(|v| self.shape(v).to_vec());
        let [left, right] = &shapes;
        let (p, q) = (left.len(), right.len());
        let inner = p >= 2 && q >= 2 && left[p - 1] == right[q - 2];
        fits("matmul", inner, || {
            format!("{left:?} and {right:?} have no product")
        })?;
        let rank = p.max(q);
        let whole = |own: &[usize]| [&vec![1; rank - own.len()], own].concat();
        let (left, right) = (whole(left), whole(right));
        let mut shape = left.clone();
        shape[rank - 1] = right[rank - 1];
        for axis in 0..rank - 2 {
            let (m, n) = (left[axis], right[axis]);
            fits("matmul", m == n || m == 1 || n == 1, || {
                format!("the shapes {shapes:?} cannot be broadcast together")
            })?;
            shape[axis] = m.max(n);
        }
        let mut c = self.composer();
        let (a, b) = (c.reshape(a.0, &left), c.reshape(b.0, &right));
        Ok(Value(c.push(Matmul, &[a, b], shape)))
    }

    /// A linear layer, `x W^T + b`: x `[.., inputs]`, W `[outputs, inputs]`, b `[outputs]`, as PyTorch's.
    ///
    /// # Errors
    /// [`TraceError::Build`] where the shapes do not go together.
    pub fn linear(
        &mut self,
        x: Value,
        weight: Value,
        bias: Option<Value>,
    ) -> Result<Value, TraceError> {
        let matrix = self.shape(weight).len() == 2;
        fits("linear", matrix, || "the weight is not a matrix".into())?;
        let turned = self.permute(weight, &[1, 0])?;
        let own = self.shape(x).to_vec();
        // A single row, where x is a vector.
        let x = match own.len() {
            1 => self.reshape(x, &[1, own[0]])?,
            _ => x,
        };
        let product = self.matmul(x, turned)?;
        match bias {
            Some(bias) => self.binary(Binary::Add, product, bias),
            None => Ok(product),
        }
    }

    /// Normalisation of axis 1 with given statistics, `gamma (x - mean) / sqrt(variance + epsilon) + beta`; inputs x, gamma,
    /// beta, mean, variance, the last four of one number a channel. [`Trace::with_batch_norm`] has others measured.
    /// `momentum`: the share that a batch has in the running statistics after it in training
    /// ([`BatchGradients`](crate::BatchGradients)), PyTorch's.
    ///
    /// # Errors
    /// [`TraceError::Build`] where the shapes do not go together.
    pub fn batch_norm(
        &mut self,
        inputs: [Value; 5],
        epsilon: f64,
        momentum: f64,
    ) -> Result<Value, TraceError> {
        let shape = self.shape(inputs[0]).to_vec();
        let channels = |&v: &Value| shape.len() > 1 && self.shape(v) == [shape[1]];
        fits("batch_norm", inputs[1..].iter().all(channels), || {
            format!(
                "scale, shift and statistics do not have one number for each channel of {shape:?}"
            )
        })?;
        let inputs = inputs.map(|v| v.0);
        let norm = BatchNorm {
            epsilon,
            relu: false,
            momentum,
        };
        Ok(Value(self.composer().push(norm, &inputs, shape)))
    }

    /// Normalisation along the last axis, `gamma (x - mean) / sqrt(variance + epsilon) + beta`.
    ///
    /// # Errors
    /// [`TraceError::Build`] where the shapes do not go together.
    pub fn layer_norm(
        &mut self,
        x: Value,
        gamma: Value,
        beta: Option<Value>,
        epsilon: f64,
    ) -> Result<Value, TraceError> {
        let shape = self.shape(x).to_vec();
        let last = shape.last().copied().unwrap_or(1);
        let fit = |v: Value| self.shape(v) == [last];
        let all = !shape.is_empty() && fit(gamma) && beta.is_none_or(fit);
        fits("layer_norm", all, || {
            format!("scale and shift do not have {last} numbers, like the last axis of {shape:?}")
        })?;
        let mut inputs = vec![x.0, gamma.0];
        inputs.extend(beta.map(|b| b.0));
        Ok(Value(self.composer().push(
            LayerNorm { epsilon },
            &inputs,
            shape,
        )))
    }

    /// `exp(x) / sum exp(x)` along an axis, or its logarithm.
    ///
    /// # Errors
    /// [`TraceError::Build`] where there is no such axis.
    pub fn softmax(&mut self, x: Value, axis: usize, log: bool) -> Result<Value, TraceError> {
        let shape = self.shape(x).to_vec();
        along("softmax", &shape, axis)?;
        Ok(Value(self.composer().push(
            Softmax { axis, log },
            &[x.0],
            shape,
        )))
    }

    /// Rows of a table `[entries, width]` at indices of any shape.
    ///
    /// # Errors
    /// [`TraceError::Build`] where the table is not a matrix.
    pub fn embedding(&mut self, table: Value, index: Value) -> Result<Value, TraceError> {
        let own = self.shape(table).to_vec();
        fits("embedding", own.len() == 2, || {
            format!("{own:?} is not a table")
        })?;
        let mut shape = self.shape(index).to_vec();
        let count = product(&shape[1.min(shape.len())..]);
        let rows = [shape.first().copied().unwrap_or(1), count];
        shape.push(own[1]);
        ranked(shape.len())?;
        let mut c = self.composer();
        let index = c.reshape(index.0, &rows);
        let found = c.push(Embedding, &[table.0, index], vec![rows[0], rows[1], own[1]]);
        Ok(Value(c.reshape(found, &shape)))
    }

    /// The trace of a loss: one number, one for each sample or each of its rows, as in [`Loss::new`](crate::Loss::new);
    /// `correct`: 1 for each sample that is predicted correctly, else 0; `terms`: further terms, of one number each.
    ///
    /// # Errors
    /// [`TraceError::LossShape`]; [`TraceError::Samples`] where there are none.
    pub fn loss(
        self,
        loss: Value,
        correct: Option<Value>,
        terms: Vec<(Term, Value)>,
    ) -> Result<Trace, TraceError> {
        if self.graph.samples == 0 {
            return Err(TraceError::Samples { lengths: vec![0] });
        }
        let terms = terms.into_iter().map(|(term, value)| (term, value.0));
        let graph = complete(self.graph, loss.0, correct.map(|v| v.0), terms.collect())?;
        Ok(Trace::of(graph).with_data(self.data, self.masks))
    }
}

fn product(shape: &[usize]) -> usize {
    shape.iter().product()
}

fn ranked(rank: usize) -> Result<(), TraceError> {
    match rank > broadcast_limit() {
        true => Err(TraceError::Rank { rank }),
        false => Ok(()),
    }
}

fn along(operation: &'static str, shape: &[usize], axis: usize) -> Result<(), TraceError> {
    fits(operation, axis < shape.len(), || {
        format!("{shape:?} has no axis {axis}")
    })
}

fn fits(
    operation: &'static str,
    fits: bool,
    problem: impl FnOnce() -> String,
) -> Result<(), TraceError> {
    match fits {
        true => Ok(()),
        false => Err(TraceError::Build {
            operation,
            problem: problem(),
        }),
    }
}
