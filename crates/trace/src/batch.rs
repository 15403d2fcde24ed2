//! The batch as a fact: which axis of a value runs over the samples, and how many rows of it belong to one.
//!
//! Programs fold samples into other axes (`[n, t, d]` becomes `[n t, d]` for a matrix product), move them (`[t, n, d]`),
//! or repeat for every sample what is the same for all (class tokens, positions, masks). This pass follows them and
//! rewrites the graph so that axis 0 of every value with samples counts them, and nothing else does; what is the same for
//! all samples is computed once. Executors need to know no other form.

use crate::graph::{Graph, Source, Value, ValueId};
use crate::operations::shape::{Expand, Reshape};
use crate::operations::unary::Unary;
use crate::operations::{Operand, Operation, Samples, broadcast_limit};
use std::sync::Arc;

/// Where the samples of a value are: along `axis`, whose length is `outer n inner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchAxis {
    pub axis: usize,
    pub outer: usize,
    pub inner: usize,
}

impl BatchAxis {
    /// The sample axis alone, in front: the form that executors know.
    pub const PLAIN: Self = Self {
        axis: 0,
        outer: 1,
        inner: 1,
    };

    /// Rows of the axis that belong to one sample.
    pub fn rows(&self) -> usize {
        self.outer * self.inner
    }

    /// Where an axis of the program's value is in that of the graph, `None` for the axis of the samples.
    pub fn moved(&self, axis: usize) -> Option<usize> {
        let dropped = self.rows() == 1;
        (axis != self.axis).then_some(axis + 1 - usize::from(dropped && axis > self.axis))
    }
}

/// A value of the program in the new graph.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// The value of the new graph. With a place its shape is `[n, ..]`, or `[1, ..]` where all samples are the same; the
    /// rest is the program's shape with the axis of the samples as long as one sample has rows, and without it where
    /// that is one.
    pub value: ValueId,
    /// The shape in the program.
    pub shape: Vec<usize>,
    /// Where the samples are; `None`: the value has none.
    pub place: Option<BatchAxis>,
}

/// A graph under rewriting.
pub(crate) struct Batching {
    graph: Graph,
}

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

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.graph.samples
    }

    /// Whether all samples of a value of the graph are the same.
    pub fn repeated(&self, value: ValueId) -> bool {
        self.graph.values[value].shape[0] != self.graph.samples
    }

    /// The one place of the samples in all inputs that have some.
    pub fn place(inputs: &[Placed]) -> Option<BatchAxis> {
        let mut places = inputs.iter().filter_map(|p| p.place);
        let first = places.next()?;
        places.all(|place| place == first).then_some(first)
    }

    /// Adds an operation to the graph.
    pub fn push(
        &mut self,
        operation: impl Operation + 'static,
        inputs: Vec<ValueId>,
        shape: Vec<usize>,
    ) -> ValueId {
        self.graph.push(Arc::new(operation), inputs, shape)
    }

    /// A value with another shape.
    pub fn view(&mut self, value: ValueId, shape: &[usize]) -> ValueId {
        match self.graph.values[value].shape == shape {
            true => value,
            false => self.push(Reshape, vec![value], shape.to_vec()),
        }
    }

    /// The shape in the graph of a value whose shape in the program is `shape`, with an axis for the rows of a sample even
    /// where it is one.
    pub fn whole(shape: &[usize], place: BatchAxis, lead: usize, rows: usize) -> Vec<usize> {
        let mut whole = vec![lead];
        whole.extend_from_slice(shape);
        whole[place.axis + 1] = rows;
        whole
    }

    /// The shape in the graph of a value whose shape in the program is `shape`; `lead`: 1 or the number of samples.
    pub fn stored(shape: &[usize], place: BatchAxis, lead: usize) -> Vec<usize> {
        let mut stored = Self::whole(shape, place, lead, place.rows());
        if place.rows() == 1 {
            stored.remove(place.axis + 1);
        }
        stored
    }

    /// An input as an operand beside values whose samples are at `place`: `[n, ..]`, or `[1, ..]` where all samples
    /// see the same. `whole`: with the axis for the rows of a sample even where there is one.
    pub fn operand(&mut self, input: &Placed, place: BatchAxis, whole: bool) -> Option<ValueId> {
        let value = match input.place {
            Some(own) if own == place => input.value,
            Some(_) => return None,
            None => self.beside(input.value, place)?,
        };
        let lead = self.graph.values[value].shape[0];
        let rows = match input.place.is_none() && input.shape[place.axis] == 1 {
            true => 1,
            false => place.rows(),
        };
        let mut shape = Self::whole(&input.shape, place, lead, rows);
        if !whole && place.rows() == 1 {
            shape.remove(place.axis + 1);
        }
        Some(self.view(value, &shape))
    }

    /// A value without samples in the form of those with: where its axis has the length of theirs, it has samples.
    fn beside(&mut self, value: ValueId, place: BatchAxis) -> Option<ValueId> {
        let shape = self.graph.values[value].shape.clone();
        let length = *shape.get(place.axis)?;
        if length == 1 {
            let mut stored = vec![1];
            stored.extend_from_slice(&shape);
            return Some(self.view(value, &stored));
        }
        if length != place.rows() * self.graph.samples {
            return None;
        }
        match self.graph.values[value].source.clone() {
            Source::Constant { data, .. } => Some(self.constant(&data, &shape, place)),
            Source::Node(index) => {
                let node = &self.graph.nodes[index];
                let function = *node.operation.as_any().downcast_ref::<Unary>()?;
                let x = self.beside(node.inputs[0], place)?;
                let shape = self.graph.values[x].shape.clone();
                Some(self.push(function, vec![x], shape))
            }
            Source::Parameter(_) | Source::Vector(_) => None,
        }
    }

    /// A constant with the samples in front, or with one of them where all are the same.
    fn constant(&mut self, data: &[f32], shape: &[usize], place: BatchAxis) -> ValueId {
        let n = self.graph.samples;
        let left = shape[..place.axis].iter().product::<usize>() * place.outer;
        let right = shape[place.axis + 1..].iter().product::<usize>() * place.inner;
        let sample = |s: usize| {
            (0..left).flat_map(move |l| &data[(l * n + s) * right..(l * n + s + 1) * right])
        };
        let bits = |s: usize| sample(s).map(|x| x.to_bits());
        let lead = match (1..n).all(|s| bits(s).eq(bits(0))) {
            true => 1,
            false => n,
        };
        let data: Vec<f32> = (0..lead).flat_map(sample).copied().collect();
        self.graph.values.push(Value {
            shape: Self::stored(shape, place, lead),
            source: Source::Constant {
                data: Arc::new(data),
                input: lead > 1,
            },
        });
        self.graph.values.len() - 1
    }

    /// A value without samples, where all samples are the same.
    fn fixed(&mut self, placed: &Placed) -> Option<ValueId> {
        let Some(place) = placed.place else {
            return Some(placed.value);
        };
        if !self.repeated(placed.value) {
            return None;
        }
        let left = placed.shape[..place.axis].iter().product::<usize>() * place.outer;
        let right = placed.shape[place.axis + 1..].iter().product::<usize>() * place.inner;
        let x = self.view(placed.value, &[left, 1, right]);
        let whole = vec![left, self.graph.samples, right];
        let x = self.push(Expand, vec![x], whole);
        Some(self.view(x, &placed.shape))
    }

    /// A value of the program from one of the graph, of the shape that [`Batching::stored`] or [`Batching::whole`] says.
    pub fn placed(&mut self, value: ValueId, place: BatchAxis, shape: &[usize]) -> Option<Placed> {
        let lead = self.graph.values[value].shape[0];
        let stored = Self::stored(shape, place, lead);
        (stored.len() <= broadcast_limit()).then(|| Placed {
            value: self.view(value, &stored),
            shape: shape.to_vec(),
            place: Some(place),
        })
    }

    /// Adds an operation whose output has the shape that [`Batching::stored`] says for this length of axis 0.
    pub fn made(
        &mut self,
        operation: impl Operation + 'static,
        inputs: Vec<ValueId>,
        lead: usize,
        (place, shape): (BatchAxis, &[usize]),
    ) -> Option<Placed> {
        let stored = Self::stored(shape, place, lead);
        if stored.len() > broadcast_limit() {
            return None;
        }
        let value = self.push(operation, inputs, stored);
        self.placed(value, place, shape)
    }

    /// The rule of functions of every element, whose inputs broadcast.
    pub fn elementwise(
        &mut self,
        operation: impl Operation + 'static,
        inputs: &[Placed],
        shape: &[usize],
    ) -> Option<Placed> {
        let place = Self::place(inputs)?;
        let operands = inputs.iter().map(|p| self.operand(p, place, false));
        let operands: Vec<ValueId> = operands.collect::<Option<_>>()?;
        let lead = self.lead(&operands);
        self.made(operation, operands, lead, (place, shape))
    }

    /// The length of axis 0 of what is made of these: the number of samples, or 1 where all are the same.
    pub fn lead(&self, operands: &[ValueId]) -> usize {
        let lead = operands.iter().map(|&v| self.graph.values[v].shape[0]);
        lead.max().unwrap_or(1)
    }

    /// The rule of operations on one value along axes other than that of the samples, which `operation` says for the
    /// graph's axes.
    pub fn along(
        &mut self,
        operation: impl Operation + 'static,
        input: &Placed,
        shape: &[usize],
    ) -> Option<Placed> {
        let lead = self.lead(&[input.value]);
        self.made(operation, vec![input.value], lead, (input.place?, shape))
    }

    /// What a view of the same numbers with another shape makes of a place: the samples must fall into one axis.
    pub fn reshaped(&self, from: &[usize], place: BatchAxis, to: &[usize]) -> Option<BatchAxis> {
        let n = self.graph.samples;
        let before = from[..place.axis].iter().product::<usize>() * place.outer;
        let mut left = 1;
        for (axis, &length) in to.iter().enumerate() {
            if before.is_multiple_of(left) && (left * length).is_multiple_of(before * n) {
                return Some(BatchAxis {
                    axis,
                    outer: before / left,
                    inner: left * length / (before * n),
                });
            }
            left *= length;
        }
        None
    }
}
