//! What operations build their derivatives from.

use super::Operation;
use super::binary::Binary;
use super::mask::ReluMask;
use super::matmul::Matmul;
use super::reduce::{Reduce, Reduction, SumBut};
use super::select::MaskWhere;
use super::shape::{Permute, Reshape};
use super::spread::Spread;
use super::unary::Unary;
use crate::ir::derivation::{Derivation, Factor};
use crate::ir::graph::{Node, ValueId};

impl Derivation {
    pub fn unary(&mut self, f: Unary, x: ValueId) -> ValueId {
        let shape = self.shape(x);
        self.push_once(f, &[x], shape)
    }

    /// A function of two values, each repeated to the shape of the other.
    pub fn binary(&mut self, f: Binary, a: ValueId, b: ValueId) -> ValueId {
        let repeats = matches!(f, Binary::Add | Binary::Sub | Binary::Mul | Binary::Div);
        if repeats && let Some(a) = self.unspread(a, b) {
            return self.binary(f, a, b);
        }
        if repeats && let Some(b) = self.unspread(b, a) {
            return self.binary(f, a, b);
        }
        let (a_shape, b_shape) = (self.shape(a), self.shape(b));
        let shape = a_shape.iter().zip(&b_shape).map(|(&a, &b)| a.max(b));
        let shape = shape.collect();
        self.push_once(f, &[a, b], shape)
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

    /// What `x` repeats, where `like` has the shape that it is repeated to.
    fn unspread(&mut self, x: ValueId, like: ValueId) -> Option<ValueId> {
        let node = self.made_by(x)?;
        let spread = node.operation.as_any().downcast_ref::<Spread>()?;
        let (y, scale) = (node.inputs[0], spread.scale);
        let alike = |v: ValueId| self.samples[v] == self.samples[x];
        let whole = x != like && self.shape(x) == self.shape(like) && alike(like);
        (whole && alike(y)).then(|| match scale {
            1.0 => y,
            _ => self.unary(Unary::MulScalar(scale), y),
        })
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
