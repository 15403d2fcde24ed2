//! Which indices of which axes can only be permuted together.

use super::graph::{Graph, Node, Source, ValueId};

/// Disjoint sets of indices. Set 0 is that of the indices which must stay where they are.
#[derive(Debug)]
pub(crate) struct Sets {
    parents: Vec<usize>,
}

/// The index that stays.
pub(crate) const PINNED: usize = 0;

impl Sets {
    fn new(indices: usize) -> Self {
        Sets {
            parents: (0..indices).collect(),
        }
    }

    /// The least index of the set, which stands for it.
    pub fn find(&mut self, mut index: usize) -> usize {
        while self.parents[index] != index {
            self.parents[index] = self.parents[self.parents[index]];
            index = self.parents[index];
        }
        index
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.parents[a.max(b)] = a.min(b);
    }
}

/// An operand of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    /// The input of that number.
    Input(usize),
    /// The output.
    Output,
}

/// What is known so far of the axes of a graph.
#[derive(Debug)]
pub(crate) struct Axes {
    pub sets: Sets,
    /// The first index of every axis of every value; nothing for the samples, which stay.
    starts: Vec<Vec<Option<usize>>>,
    /// Axes of values over which layers sum products with their weights.
    pub reads: Vec<(ValueId, usize)>,
}

impl Axes {
    /// Every index of every axis by itself, but for the data: their order is given. `samples`: whether axis 0 of a
    /// value counts the samples, one a value.
    pub fn new(graph: &Graph, samples: &[bool]) -> Self {
        let mut indices = PINNED + 1;
        let mut starts = Vec::with_capacity(graph.values.len());
        for (value, &samples) in graph.values.iter().zip(samples) {
            let mut of_value = Vec::with_capacity(value.shape.len());
            for (axis, length) in value.shape.iter().enumerate() {
                let counts_samples = samples && axis == 0;
                of_value.push((!counts_samples).then_some(indices));
                indices += if counts_samples { 0 } else { *length };
            }
            starts.push(of_value);
        }
        let mut axes = Axes {
            sets: Sets::new(indices),
            starts,
            reads: Vec::new(),
        };
        axes.pin_constants(graph);
        axes
    }

    /// Numbers known beforehand stay where they are along axes on which they differ.
    fn pin_constants(&mut self, graph: &Graph) {
        for (id, value) in graph.values.iter().enumerate() {
            if let Source::Constant { data, input } = &value.source {
                for axis in 0..value.shape.len() {
                    if *input || !is_repeated(data, &value.shape, axis) {
                        self.pin(id, axis, value.shape[axis]);
                    }
                }
            }
        }
    }

    fn pin(&mut self, value: ValueId, axis: usize, length: usize) {
        for i in 0..length {
            let index = self.index(value, axis, i);
            self.sets.join(PINNED, index);
        }
    }

    /// The set's member for index `i` of an axis.
    pub fn index(&self, value: ValueId, axis: usize, i: usize) -> usize {
        self.starts[value][axis].map_or(PINNED, |start| start + i)
    }

    /// Adds what one node says.
    pub fn follow(&mut self, graph: &Graph, node: &Node) {
        let mut ties = Ties {
            graph,
            node,
            axes: self,
        };
        node.operation.units(&mut ties);
    }
}

/// Whether all slices along an axis are the same.
fn is_repeated(data: &[f32], shape: &[usize], axis: usize) -> bool {
    let inner: usize = shape[axis + 1..].iter().product();
    let slab = (inner * shape[axis]).max(1);
    let same = |slab: &[f32]| (inner..slab.len()).all(|i| slab[i] == slab[i - inner]);
    data.chunks(slab).all(same)
}

/// What an operation states of the axes of its operands, see [`crate::ir::operation::Operation::units`].
pub(crate) struct Ties<'a> {
    graph: &'a Graph,
    node: &'a Node,
    axes: &'a mut Axes,
}

impl Ties<'_> {
    /// Shape of an operand.
    pub fn shape(&self, port: Port) -> &[usize] {
        &self.graph.values[self.value(port)].shape
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.node.inputs.len()
    }

    fn value(&self, port: Port) -> ValueId {
        match port {
            Port::Input(i) => self.node.inputs[i],
            Port::Output => self.node.output,
        }
    }

    /// The order along an axis matters.
    pub fn pin(&mut self, port: Port, axis: usize) {
        let length = self.shape(port)[axis];
        self.axes.pin(self.value(port), axis, length);
    }

    /// The order along all axes of all operands matters.
    pub fn pin_all(&mut self) {
        let inputs = (0..self.inputs()).map(Port::Input);
        for port in inputs.chain([Port::Output]) {
            for axis in 0..self.shape(port).len() {
                self.pin(port, axis);
            }
        }
    }

    /// Index `i` of the first axis goes with index `map(i)` of the second, for all of the first.
    pub fn tie_by(&mut self, a: (Port, usize), b: (Port, usize), map: impl Fn(usize) -> usize) {
        for i in 0..self.shape(a.0)[a.1] {
            let one = self.axes.index(self.value(a.0), a.1, i);
            let other = self.axes.index(self.value(b.0), b.1, map(i));
            self.axes.sets.join(one, other);
        }
    }

    /// Two axes of one length go together, index by index. An axis of length 1 that is repeated along
    /// the other says nothing.
    pub fn tie(&mut self, a: (Port, usize), b: (Port, usize)) {
        if self.shape(a.0)[a.1] == self.shape(b.0)[b.1] {
            self.tie_by(a, b, |i| i);
        }
    }

    /// As [`Ties::tie`], of two axes over which products are summed: here a layer reads units.
    pub fn contract(&mut self, a: (Port, usize), b: (Port, usize)) {
        self.tie(a, b);
        for (port, axis) in [a, b] {
            let read = (self.value(port), axis);
            self.axes.reads.push(read);
        }
    }

    /// An operand's axes go with those of the output, the last with the last, and so on; along axes
    /// of length 1 it is repeated.
    pub fn align(&mut self, port: Port) {
        let (own, out) = (self.shape(port).len(), self.shape(Port::Output).len());
        for back in 1..=own.min(out) {
            self.tie((port, own - back), (Port::Output, out - back));
        }
    }

    /// The rule of all elementwise operations: every input is aligned with the output.
    pub fn elementwise(&mut self) {
        for input in 0..self.inputs() {
            self.align(Port::Input(input));
        }
    }

    /// The rule of operations on one value that know the order along `axis`; the others are the output's.
    pub fn ordered_along(&mut self, axis: usize) {
        for other in 0..self.shape(Port::Output).len() {
            if other == axis {
                self.pin(Port::Input(0), axis);
                self.pin(Port::Output, axis);
            } else {
                self.tie((Port::Input(0), other), (Port::Output, other));
            }
        }
    }
}
