//! Adding derivatives to a graph.

use crate::graph::{Graph, Node, Source, Value, ValueId};
use crate::operations::binary::Binary;
use crate::operations::mask::ReluMask;
use crate::operations::matmul::Matmul;
use crate::operations::reduce::{Reduce, Reduction, SumBut};
use crate::operations::select::MaskWhere;
use crate::operations::shape::{Permute, Reshape};
use crate::operations::spread::Spread;
use crate::operations::unary::Unary;
use crate::operations::{Operand, Operation, Samples};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// A graph to which derivatives are added. `None` stands for a derivative that is zero.
pub(crate) struct Derivation {
    pub graph: Graph,
    /// Whether axis 0 of a value counts the samples, one a value.
    pub samples: Vec<bool>,
    /// An operation that was added mixes samples: the graph can't be cut into tiles.
    pub mixed: bool,
    /// The first operation that has no derivative.
    pub lacking: Option<&'static str>,
    /// 1 for every sample, by rank.
    pub ones: HashMap<usize, ValueId>,
}

/// The derivative of a function of one number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Factor {
    Zero,
    Number(f64),
    Value(ValueId),
    /// 1 where that value is positive, else 0.
    Positive(ValueId),
    /// `slope` where that mask holds, else 0.
    Inside {
        mask: ValueId,
        slope: f64,
    },
}

impl Derivation {
    pub fn new(graph: Graph, samples: Vec<bool>) -> Self {
        Self {
            graph,
            samples,
            mixed: false,
            lacking: None,
            ones: HashMap::new(),
        }
    }

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

    /// An operation that has no derivative was met.
    pub fn lacks(&mut self, operation: &'static str) {
        self.lacking.get_or_insert(operation);
    }

    pub fn shape(&self, value: ValueId) -> Vec<usize> {
        self.graph.values[value].shape.clone()
    }

    fn operand(&self, value: ValueId) -> Operand<'_> {
        Operand {
            shape: &self.graph.values[value].shape,
            samples: self.samples[value],
            varies: true,
        }
    }

    /// Adds an operation.
    pub fn push(
        &mut self,
        operation: impl Operation + 'static,
        inputs: &[ValueId],
        shape: Vec<usize>,
    ) -> ValueId {
        let operands: Vec<Operand> = inputs.iter().map(|&v| self.operand(v)).collect();
        let kept = operands.iter().any(|o| o.samples)
            && match operation.samples(&operands, &shape) {
                Samples::Kept => true,
                Samples::Reduced { .. } | Samples::Summed => false,
                Samples::Mixed => {
                    self.mixed = true;
                    false
                }
            };
        self.samples.push(kept);
        self.graph.push(Arc::new(operation), inputs.to_vec(), shape)
    }

    /// Adds a constant without samples, all elements `x`.
    pub fn filled(&mut self, x: f32, shape: Vec<usize>) -> ValueId {
        let data = Arc::new(vec![x; shape.iter().product()]);
        self.value(shape, data, false)
    }

    fn value(&mut self, shape: Vec<usize>, data: Arc<Vec<f32>>, samples: bool) -> ValueId {
        let source = Source::Constant {
            data,
            input: samples,
        };
        self.graph.values.push(Value { shape, source });
        self.samples.push(samples);
        self.graph.values.len() - 1
    }

    /// 1 for every sample, `[samples, 1, ..]`: what the last, partly filled tile lacks counts 0.
    fn ones(&mut self, rank: usize) -> ValueId {
        if let Some(&known) = self.ones.get(&rank) {
            return known;
        }
        let mut shape = vec![1; rank];
        shape[0] = self.graph.samples;
        let data = Arc::new(vec![1.0; self.graph.samples]);
        let value = self.value(shape, data, true);
        self.ones.insert(rank, value);
        value
    }

    pub fn unary(&mut self, f: Unary, x: ValueId) -> ValueId {
        let shape = self.shape(x);
        self.push(f, &[x], shape)
    }

    pub fn binary(&mut self, f: Binary, a: ValueId, b: ValueId) -> ValueId {
        let (a_shape, b_shape) = (self.shape(a), self.shape(b));
        let shape = a_shape.iter().zip(&b_shape).map(|(&a, &b)| a.max(b));
        let shape = shape.collect();
        self.push(f, &[a, b], shape)
    }

    pub fn add(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(Binary::Add, a, b)
    }

    pub fn sub(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(Binary::Sub, a, b)
    }

    pub fn mul(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(Binary::Mul, a, b)
    }

    pub fn neg(&mut self, x: ValueId) -> ValueId {
        self.unary(Unary::Neg, x)
    }

    /// `a + b` where both are there.
    pub fn sum(&mut self, a: Option<ValueId>, b: Option<ValueId>) -> Option<ValueId> {
        match (a, b) {
            (Some(a), Some(b)) => Some(self.add(a, b)),
            (a, b) => a.or(b),
        }
    }

    /// `x` times the derivative of a function.
    pub fn times(&mut self, x: ValueId, factor: Factor) -> Option<ValueId> {
        Some(match factor {
            Factor::Zero => return None,
            Factor::Number(1.0) => x,
            Factor::Number(c) => self.unary(Unary::MulScalar(c), x),
            Factor::Value(value) => self.mul(x, value),
            Factor::Positive(value) => self.masked(value, x),
            Factor::Inside { mask, slope } => {
                let inside = self.inside(mask, x);
                return self.times(inside, Factor::Number(slope));
            }
        })
    }

    /// `x` where `y` is positive, else 0.
    pub fn masked(&mut self, y: ValueId, x: ValueId) -> ValueId {
        let shape = self.shape(x);
        self.push(ReluMask, &[y, x], shape)
    }

    /// `x` where `mask` is not 0, else 0, whatever `x` is there.
    pub fn inside(&mut self, mask: ValueId, x: ValueId) -> ValueId {
        let shape = self.shape(x);
        let zero = self.filled(0.0, vec![1; shape.len()]);
        self.push(MaskWhere, &[zero, mask, x], shape)
    }

    /// `x` where `mask` is 0, else 0, whatever `x` is there.
    pub fn outside(&mut self, mask: ValueId, x: ValueId) -> ValueId {
        let shape = self.shape(x);
        let zero = self.filled(0.0, vec![1; shape.len()]);
        self.push(MaskWhere, &[x, mask, zero], shape)
    }

    pub fn reshape(&mut self, x: ValueId, shape: &[usize]) -> ValueId {
        if self.graph.values[x].shape == shape {
            return x;
        }
        self.push(Reshape, &[x], shape.to_vec())
    }

    /// The last two axes exchanged.
    pub fn transposed(&mut self, x: ValueId) -> ValueId {
        let mut shape = self.shape(x);
        let rank = shape.len();
        let mut axes: Vec<usize> = (0..rank).collect();
        axes.swap(rank - 2, rank - 1);
        shape.swap(rank - 2, rank - 1);
        self.push(Permute { axes }, &[x], shape)
    }

    pub fn matmul(&mut self, a: ValueId, b: ValueId) -> ValueId {
        let (left, right) = (self.shape(a), self.shape(b));
        let rank = left.len();
        let mut shape: Vec<usize> = left.iter().zip(&right).map(|(&a, &b)| a.max(b)).collect();
        shape[rank - 2] = left[rank - 2];
        shape[rank - 1] = right[rank - 1];
        self.push(Matmul, &[a, b], shape)
    }

    /// The sum along an axis, which is kept with length 1.
    pub fn sum_along(&mut self, x: ValueId, axis: usize) -> ValueId {
        let mut shape = self.shape(x);
        shape[axis] = 1;
        let reduce = Reduce {
            reduction: Reduction::Sum,
            axis: Some(axis),
        };
        self.push(reduce, &[x], shape)
    }

    /// Sums over the axes along which `like` was repeated to the shape of `x`.
    pub fn sum_to(&mut self, mut x: ValueId, like: ValueId) -> ValueId {
        let target = self.shape(like);
        for (axis, &length) in target.iter().enumerate().skip(1) {
            if length == 1 && self.graph.values[x].shape[axis] > 1 {
                x = self.sum_along(x, axis);
            }
        }
        let over_samples = self.samples[x] && !self.samples[like];
        let shape = &self.graph.values[x].shape;
        if over_samples || !target.is_empty() && target[0] == 1 && shape[0] > 1 {
            x = self.sum_along(x, 0);
        }
        x
    }

    /// The sum over the samples and all axes but `axis`, with shape `shape`.
    pub fn sum_but(&mut self, x: ValueId, axis: usize, shape: &[usize]) -> ValueId {
        if self.samples[x] {
            return self.push(SumBut { axis }, &[x], shape.to_vec());
        }
        let full = self.shape(x);
        let middle: usize = full[1..axis].iter().product();
        let after: usize = full[axis + 1..].iter().product();
        let mut sum = self.reshape(x, &[full[0], middle, full[axis], after]);
        for axis in [3, 1] {
            if self.graph.values[sum].shape[axis] > 1 {
                sum = self.sum_along(sum, axis);
            }
        }
        sum = self.sum_along(sum, 0);
        self.reshape(sum, shape)
    }

    /// `scale y`, repeated to the shape of `like`.
    pub fn spread(&mut self, y: ValueId, like: ValueId, scale: f64) -> ValueId {
        let shape = self.shape(like);
        let spread = self.push(Spread { scale }, &[y, like], shape.clone());
        match self.samples[like] && !self.samples[y] {
            true => {
                let ones = self.ones(shape.len());
                self.mul(spread, ones)
            }
            false => spread,
        }
    }

    /// Zeros of the shape of `x`.
    pub fn zeros_like(&mut self, x: ValueId) -> ValueId {
        let shape = self.shape(x);
        let zero = self.filled(0.0, vec![1; shape.len()]);
        self.push(Spread { scale: 1.0 }, &[zero, x], shape)
    }

    /// The rule of operations that are linear in each of the inputs `of`: the sum over them of the operation with
    /// the tangent in that input's place.
    pub fn multilinear(
        &mut self,
        operation: &(impl Operation + Clone + 'static),
        node: &Node,
        tangents: &[Option<ValueId>],
        of: &[usize],
    ) -> Option<ValueId> {
        let mut sum = None;
        for &i in of {
            if let Some(tangent) = tangents[i] {
                let mut inputs = node.inputs.clone();
                inputs[i] = tangent;
                let shape = self.shape(node.output);
                let part = self.push(operation.clone(), &inputs, shape);
                sum = self.sum(sum, Some(part));
            }
        }
        sum
    }
}
