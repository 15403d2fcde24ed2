//! What operations build their rules of the batch pass from.

use super::Operation;
use super::broadcast::MAX_RANK;
use super::collect::{Collect, Distribute};
use super::embedding::Embedding;
use super::shape::{Expand, Permute, Reshape};
use super::unary::Unary;
use crate::ir::batching::{BatchAxis, Batching, Placed};
use crate::ir::graph::{Source, Value, ValueId};
use std::sync::Arc;

impl Batching {
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
    pub fn beside(&mut self, value: ValueId, place: BatchAxis) -> Option<ValueId> {
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
            Source::Constant { data, .. } => return Some(self.constant(&data, &shape, place)),
            Source::Node(index) => {
                let node = &self.graph.nodes[index];
                if let Some(&function) = node.operation.as_any().downcast_ref::<Unary>() {
                    let x = self.beside(node.inputs[0], place)?;
                    let shape = self.graph.values[x].shape.clone();
                    return Some(self.push(function, vec![x], shape));
                }
            }
            Source::Parameter(_) | Source::Vector(_) => {}
        }
        Some(self.distributed(value, &shape, place))
    }

    /// A value without samples that has rows for each of them, such as a parameter of every sample, as one with samples.
    fn distributed(&mut self, value: ValueId, shape: &[usize], place: BatchAxis) -> ValueId {
        let n = self.graph.samples;
        let (left, right) = Self::around(shape, place);
        let parts = self.view(value, &[left, n, right]);
        let front = self.permute(parts, &[1, 0, 2]);
        let table = self.view(front, &[n, left * right]);
        let numbers = self.sample_numbers();
        let rows = self.push(Distribute, vec![table, numbers], vec![n, left * right]);
        self.view(rows, &Self::stored(shape, place, n))
    }

    /// 1 for every sample, `[n, 1]`, as [`Graph::ones`](crate::ir::graph::Graph::ones).
    pub fn ones(&mut self) -> ValueId {
        if let Some(&known) = self.graph.ones.first() {
            return known;
        }
        let n = self.graph.samples;
        let source = Source::Constant {
            data: Arc::new(vec![1.0; n]),
            input: true,
        };
        let shape = vec![n, 1];
        self.graph.values.push(Value { shape, source });
        self.graph.ones.push(self.graph.values.len() - 1);
        self.graph.values.len() - 1
    }

    /// The number of every sample, `[n, 1]`.
    fn sample_numbers(&mut self) -> ValueId {
        if let Some(known) = self.numbers {
            return known;
        }
        let n = self.graph.samples;
        self.graph.values.push(Value {
            shape: vec![n, 1],
            source: Source::Constant {
                data: Arc::new((0..n).map(|i| i as f32).collect()),
                input: true,
            },
        });
        let value = self.graph.values.len() - 1;
        self.numbers = Some(value);
        value
    }

    /// A value without samples, in the program's shape: those of one with samples are an ordinary axis of it.
    pub fn collected(&mut self, placed: &Placed) -> Placed {
        let plain = |value| Placed {
            value,
            shape: placed.shape.clone(),
            place: None,
        };
        let Some(place) = placed.place else {
            return placed.clone();
        };
        if let Some(same) = self.fixed(placed) {
            return plain(same);
        }
        let key = (placed.value, place);
        if let Some(&known) = self.collected.get(&key) {
            return plain(known);
        }
        let n = self.graph.samples;
        let (left, right) = Self::around(&placed.shape, place);
        let parts = self.view(placed.value, &[n, left, right]);
        let all = self.push(Collect, vec![parts], vec![n, left, right]);
        let turned = match left {
            1 => all,
            _ => self.permute(all, &[1, 0, 2]),
        };
        let value = self.view(turned, &placed.shape);
        self.collected.insert(key, value);
        plain(value)
    }

    /// A value with its samples along another axis, which is as long as there are some.
    pub fn turned(&mut self, placed: &Placed, axis: usize) -> Option<Placed> {
        let place = BatchAxis {
            axis,
            ..BatchAxis::PLAIN
        };
        let all = self.collected(placed);
        Some(Placed {
            value: self.beside(all.value, place)?,
            shape: placed.shape.clone(),
            place: Some(place),
        })
    }

    /// How many numbers lie outside, and how many inside of the samples.
    fn around(shape: &[usize], place: BatchAxis) -> (usize, usize) {
        let left = shape[..place.axis].iter().product::<usize>() * place.outer;
        let right = shape[place.axis + 1..].iter().product::<usize>() * place.inner;
        (left, right)
    }

    /// The numbers of one sample.
    fn sample<'a>(
        &self,
        data: &'a [f32],
        shape: &[usize],
        place: BatchAxis,
        sample: usize,
    ) -> impl Iterator<Item = &'a f32> {
        let n = self.graph.samples;
        let (left, right) = Self::around(shape, place);
        (0..left).flat_map(move |l| &data[(l * n + sample) * right..(l * n + sample + 1) * right])
    }

    /// Whether the numbers of all samples are the same.
    pub fn are_same(&self, data: &[f32], shape: &[usize], place: BatchAxis) -> bool {
        let bits = |s: usize| self.sample(data, shape, place, s).map(|x| x.to_bits());
        (1..self.graph.samples).all(|s| bits(s).eq(bits(0)))
    }

    /// A constant with the samples in front, or with one of them where all are the same.
    pub fn constant(&mut self, data: &[f32], shape: &[usize], place: BatchAxis) -> ValueId {
        let lead = match self.are_same(data, shape, place) {
            true => 1,
            false => self.graph.samples,
        };
        let samples = (0..lead).flat_map(|s| self.sample(data, shape, place, s));
        let data = Arc::new(samples.copied().collect());
        self.graph.values.push(Value {
            shape: Self::stored(shape, place, lead),
            source: Source::Constant {
                data,
                input: lead > 1,
            },
        });
        self.graph.values.len() - 1
    }

    /// A value without samples, where all samples are the same.
    pub fn fixed(&mut self, placed: &Placed) -> Option<ValueId> {
        let Some(place) = placed.place else {
            return Some(placed.value);
        };
        if !self.repeated(placed.value) {
            return None;
        }
        let (left, right) = Self::around(&placed.shape, place);
        let x = self.view(placed.value, &[left, 1, right]);
        let whole = vec![left, self.graph.samples, right];
        let x = self.push(Expand, vec![x], whole);
        Some(self.view(x, &placed.shape))
    }

    /// A value of which all samples are the same, once for each of them.
    pub fn spread(&mut self, value: ValueId) -> ValueId {
        let n = self.graph.samples;
        let mut shape = self.graph.values[value].shape.clone();
        let width = shape[1..].iter().product();
        let table = self.view(value, &[1, width]);
        self.graph.values.push(Value {
            shape: vec![n, 1],
            source: Source::Constant {
                data: Arc::new(vec![0.0; n]),
                input: true,
            },
        });
        let first = self.graph.values.len() - 1;
        let rows = self.push(Embedding, vec![table, first], vec![n, 1, width]);
        shape[0] = n;
        self.view(rows, &shape)
    }

    /// A value of the program from one of the graph, of the shape that [`Batching::stored`] or [`Batching::whole`] says.
    pub fn placed(&mut self, value: ValueId, place: BatchAxis, shape: &[usize]) -> Option<Placed> {
        let lead = self.graph.values[value].shape[0];
        let stored = Self::stored(shape, place, lead);
        (stored.len() <= MAX_RANK).then(|| Placed {
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
        if stored.len() > MAX_RANK {
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

    /// The rule of operations on channels of images, `[n, channels, ..]`, that give all rows of a sample the same `others`:
    /// the channels of one row after those of another. `operation` says how it is done for so many rows.
    pub fn side_by_side<T: Operation + 'static>(
        &mut self,
        inputs: &[Placed],
        shape: &[usize],
        operation: impl Fn(usize) -> T,
    ) -> Option<Placed> {
        let (x, others) = inputs.split_first()?;
        let place = x.place.filter(|place| place.axis == 0)?;
        if others.iter().any(|p| p.place.is_some()) {
            return None;
        }
        let (rows, lead) = (place.rows(), self.lead(&[x.value]));
        let merged = |shape: &[usize]| {
            let mut merged = vec![lead, rows * shape[1]];
            merged.extend_from_slice(&shape[2..]);
            merged
        };
        let mut values = vec![self.view(x.value, &merged(&x.shape))];
        for other in others {
            values.push(self.again(other.value, rows));
        }
        let out = self.push(operation(rows), values, merged(shape));
        self.placed(out, place, shape)
    }

    /// A value several times one after another along axis 0.
    fn again(&mut self, value: ValueId, times: usize) -> ValueId {
        let mut shape = self.graph.values[value].shape.clone();
        if times == 1 {
            return value;
        }
        shape.insert(0, 1);
        let one = self.view(value, &shape);
        shape[0] = times;
        let all = self.push(Expand, vec![one], shape.clone());
        shape[1] *= times;
        self.view(all, &shape[1..])
    }

    /// Axes of a value of the graph in another order.
    pub fn permute(&mut self, value: ValueId, axes: &[usize]) -> ValueId {
        if axes.is_sorted() {
            return value;
        }
        let own = &self.graph.values[value].shape;
        let shape = axes.iter().map(|&axis| own[axis]).collect();
        let axes = axes.to_vec();
        self.push(Permute { axes }, vec![value], shape)
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
