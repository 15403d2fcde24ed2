//! Recorded operations that become several of a graph: shapes, windows along one axis, choices.

use super::Operation;
use super::along::{Along, Terms, copies};
use super::binary::Binary;
use super::concat::Concat;
use super::gather::Gather;
use super::reduce::{Reduce, Reduction};
use super::select::MaskWhere;
use super::shape::{Expand, Permute, PutSlice, Reshape, Slice};
use super::sort::ArgSort;
use super::unary::Unary;
use crate::ir::graph::{Graph, Source, Value, ValueId};
use std::sync::Arc;

/// The most inputs that the host executor passes to a kernel.
const INPUTS: usize = 8;

/// Adds nodes to a graph while it is captured.
pub(crate) struct Composer<'a>(pub &'a mut Graph);

/// What adds the nodes of a recorded operation, from its inputs to its outputs.
pub(crate) type Build<'a> = Box<dyn Fn(&mut Composer, &[ValueId]) -> Vec<ValueId> + 'a>;

impl Composer<'_> {
    pub fn shape(&self, value: ValueId) -> Vec<usize> {
        self.0.values[value].shape.clone()
    }

    pub fn push(
        &mut self,
        operation: impl Operation + 'static,
        inputs: &[ValueId],
        shape: Vec<usize>,
    ) -> ValueId {
        self.0.push(Arc::new(operation), inputs.to_vec(), shape)
    }

    /// Numbers that are not data.
    pub fn constant(&mut self, shape: &[usize], data: Vec<f32>) -> ValueId {
        self.0.values.push(Value {
            shape: shape.to_vec(),
            source: Source::Constant {
                data: Arc::new(data),
                input: false,
            },
        });
        self.0.values.len() - 1
    }

    /// The numbers of a value that are known at capture and are not data.
    pub fn known(&self, value: ValueId) -> Option<Arc<Vec<f32>>> {
        match &self.0.values[value].source {
            Source::Constant { data, input: false } => Some(data.clone()),
            _ => None,
        }
    }

    pub fn unary(&mut self, f: Unary, x: ValueId) -> ValueId {
        let shape = self.shape(x);
        self.push(f, &[x], shape)
    }

    pub fn binary(&mut self, f: Binary, a: ValueId, b: ValueId) -> ValueId {
        let (left, right) = (self.shape(a), self.shape(b));
        let shape = left.iter().zip(&right).map(|(&a, &b)| a.max(b));
        let shape = shape.collect();
        self.push(f, &[a, b], shape)
    }

    pub fn reshape(&mut self, x: ValueId, shape: &[usize]) -> ValueId {
        match self.0.values[x].shape == shape {
            true => x,
            false => self.push(Reshape, &[x], shape.to_vec()),
        }
    }

    pub fn permute(&mut self, x: ValueId, axes: &[usize]) -> ValueId {
        let own = self.shape(x);
        let shape = axes.iter().map(|&axis| own[axis]).collect();
        let axes = axes.to_vec();
        self.push(Permute { axes }, &[x], shape)
    }

    pub fn expand(&mut self, x: ValueId, shape: &[usize]) -> ValueId {
        match self.0.values[x].shape == shape {
            true => x,
            false => self.push(Expand, &[x], shape.to_vec()),
        }
    }

    /// `x` where `mask` is 0, else `number`.
    pub fn filled_where(&mut self, x: ValueId, mask: ValueId, number: f32) -> ValueId {
        let shape = self.shape(x);
        let number = self.constant(&vec![1; shape.len()], vec![number]);
        self.push(MaskWhere, &[x, mask, number], shape)
    }

    /// Weighted sums along an axis.
    pub fn along(
        &mut self,
        name: &'static str,
        x: ValueId,
        axis: usize,
        terms: Vec<Terms>,
    ) -> ValueId {
        let mut shape = self.shape(x);
        shape[axis] = terms.len();
        let terms = Arc::new(terms);
        self.push(Along { name, axis, terms }, &[x], shape)
    }

    pub fn slice(&mut self, x: ValueId, axis: usize, start: usize, length: usize) -> ValueId {
        let mut shape = self.shape(x);
        let mut ranges = vec![(0, 1); shape.len()];
        ranges[axis].0 = start;
        shape[axis] = length;
        self.push(Slice { ranges }, &[x], shape)
    }

    pub fn reduce(&mut self, reduction: Reduction, x: ValueId, axis: usize) -> ValueId {
        let mut shape = self.shape(x);
        shape[axis] = 1;
        let reduce = Reduce {
            reduction,
            axis: Some(axis),
        };
        self.push(reduce, &[x], shape)
    }

    /// Any number of values one after another, a few at a time.
    pub fn concat(&mut self, values: &[ValueId], axis: usize) -> ValueId {
        let mut values = values.to_vec();
        while values.len() > 1 {
            let groups = values.chunks(INPUTS);
            values = groups.map(|group| self.concat_few(group, axis)).collect();
        }
        values[0]
    }

    fn concat_few(&mut self, values: &[ValueId], axis: usize) -> ValueId {
        if let [one] = values {
            return *one;
        }
        let mut shape = self.shape(values[0]);
        shape[axis] = values.iter().map(|&v| self.0.values[v].shape[axis]).sum();
        self.push(Concat { axis }, values, shape)
    }
}

/// The axes in the opposite order.
pub(crate) fn flip(c: &mut Composer, x: ValueId, axes: &[usize]) -> ValueId {
    axes.iter().fold(x, |x, &axis| {
        let turned = copies((0..c.shape(x)[axis]).rev().map(Some));
        c.along("flip", x, axis, turned)
    })
}

/// More than one value, `times` times one after another.
pub(crate) fn repeat(c: &mut Composer, x: ValueId, axis: usize, times: usize) -> ValueId {
    let length = c.shape(x)[axis];
    let indices = (0..length * times).map(|i| Some(i % length));
    c.along("repeat_dim", x, axis, copies(indices))
}

/// What stands in the place of padding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Padding {
    Constant(f32),
    /// Mirrored at the first and last element.
    Reflect,
    /// The first and last element.
    Edge,
}

/// Elements before and after along every axis.
pub(crate) fn pad(
    c: &mut Composer,
    x: ValueId,
    widths: &[(usize, usize)],
    padding: Padding,
) -> ValueId {
    let mut out = x;
    for (axis, &(before, after)) in widths.iter().enumerate() {
        if (before, after) == (0, 0) {
            continue;
        }
        let length = c.shape(x)[axis] as isize;
        let index = |i: isize| match padding {
            _ if (0..length).contains(&i) => Some(i as usize),
            Padding::Constant(_) => None,
            Padding::Edge => Some(i.clamp(0, length - 1) as usize),
            Padding::Reflect => Some((length - 1 - (length - 1 - i.abs()).abs()) as usize),
        };
        let range = -(before as isize)..length + after as isize;
        out = c.along("pad", out, axis, copies(range.map(index)));
    }
    match padding {
        Padding::Constant(number) if number != 0.0 && out != x => {
            let outside = outside(c, x, widths);
            c.filled_where(out, outside, number)
        }
        _ => out,
    }
}

/// 1 at padding, else 0, with length 1 along axes without.
fn outside(c: &mut Composer, x: ValueId, widths: &[(usize, usize)]) -> ValueId {
    let own = c.shape(x);
    let along = |axis: usize, i: usize| {
        let (before, after) = widths[axis];
        (before, after) != (0, 0) && !(before..before + own[axis]).contains(&i)
    };
    let padded = |axis: usize| match widths[axis] {
        (0, 0) => 1,
        (before, after) => own[axis] + before + after,
    };
    let shape: Vec<usize> = (0..own.len()).map(padded).collect();
    let numbers = (0..shape.iter().product()).map(|i| {
        let mut rest: usize = i;
        let mut any = false;
        for axis in (0..shape.len()).rev() {
            any |= along(axis, rest % shape[axis]);
            rest /= shape[axis];
        }
        f32::from(u8::from(any))
    });
    let numbers = numbers.collect();
    c.constant(&shape, numbers)
}

/// Windows of `size` elements, `step` apart, along `axis`; their elements are a new last axis.
pub(crate) fn unfold(
    c: &mut Composer,
    x: ValueId,
    axis: usize,
    size: usize,
    step: usize,
) -> ValueId {
    let own = c.shape(x);
    let windows = (own[axis] - size) / step + 1;
    let indices = (0..windows * size).map(|i| Some(i / size * step + i % size));
    let all = c.along("unfold", x, axis, copies(indices));
    let mut shape = own;
    shape[axis] = windows;
    shape.insert(axis + 1, size);
    let split = c.reshape(all, &shape);
    let mut axes: Vec<usize> = (0..shape.len()).filter(|&a| a != axis + 1).collect();
    axes.push(axis + 1);
    c.permute(split, &axes)
}

/// `x`, and `alpha x` where x is negative.
pub(crate) fn prelu(c: &mut Composer, x: ValueId, alpha: ValueId) -> ValueId {
    // At the kink as PyTorch: the slope is alpha.
    let negative = c.unary(Unary::LowerEqualScalar(0.0), x);
    let scaled = c.binary(Binary::Mul, x, alpha);
    let shape = c.shape(x);
    c.push(MaskWhere, &[x, negative, scaled], shape)
}

/// The product along an axis, by halves.
pub(crate) fn product(c: &mut Composer, x: ValueId, axis: usize) -> ValueId {
    let mut x = x;
    while c.shape(x)[axis] > 1 {
        let length = c.shape(x)[axis];
        let half = length / 2;
        let (a, b) = (c.slice(x, axis, 0, half), c.slice(x, axis, half, half));
        let halves = c.binary(Binary::Mul, a, b);
        x = match length % 2 {
            0 => halves,
            _ => {
                let last = c.slice(x, axis, length - 1, 1);
                c.concat(&[halves, last], axis)
            }
        };
    }
    x
}

/// What is made of an element and all before it, by doubling: of each with the one before, then with the two before
/// those, and so on.
pub(crate) fn scan(
    c: &mut Composer,
    x: ValueId,
    axis: usize,
    both: impl Fn(&mut Composer, ValueId, ValueId) -> ValueId,
) -> ValueId {
    let length = c.shape(x)[axis];
    let (mut x, mut step) = (x, 1);
    while step < length {
        let first = c.slice(x, axis, 0, step);
        let before = c.slice(x, axis, 0, length - step);
        let here = c.slice(x, axis, step, length - step);
        let joined = both(c, before, here);
        x = c.concat(&[first, joined], axis);
        step *= 2;
    }
    x
}

/// The one that is `greater` (or lower), the first where they are equal; NaN where one is NaN.
pub(crate) fn extreme(c: &mut Composer, a: ValueId, b: ValueId, greater: bool) -> ValueId {
    let comparison = match greater {
        true => Binary::Greater,
        false => Binary::Lower,
    };
    let beyond = c.binary(comparison, b, a);
    let missing = c.binary(Binary::NotEqual, b, b);
    let second = c.binary(Binary::Or, beyond, missing);
    let shape = c.shape(a);
    c.push(MaskWhere, &[a, second, b], shape)
}

/// The cross product of vectors of three numbers along an axis.
pub(crate) fn cross(c: &mut Composer, a: ValueId, b: ValueId, axis: usize) -> ValueId {
    let mut turned = |x: ValueId, by: usize| {
        let next = copies((0..3).map(|i| Some((i + by) % 3)));
        c.along("cross", x, axis, next)
    };
    let parts = [turned(a, 1), turned(b, 2), turned(a, 2), turned(b, 1)];
    let first = c.binary(Binary::Mul, parts[0], parts[1]);
    let second = c.binary(Binary::Mul, parts[2], parts[3]);
    c.binary(Binary::Sub, first, second)
}

/// The first `count` elements in order along an axis, and their indices.
pub(crate) fn sorted(c: &mut Composer, x: ValueId, order: ArgSort, count: usize) -> [ValueId; 2] {
    let axis = order.axis;
    let mut shape = c.shape(x);
    shape[axis] = count;
    let index = c.push(order, &[x], shape.clone());
    [c.push(Gather { axis }, &[x, index], shape), index]
}

/// `x` with `value` at the ranges (start, step).
pub(crate) fn assign(
    c: &mut Composer,
    x: ValueId,
    value: ValueId,
    ranges: &[(usize, usize)],
) -> ValueId {
    let (whole, part) = (c.shape(x), c.shape(value));
    if whole == part {
        return value;
    }
    if let Some(all) = assembled(c, x, value, ranges) {
        return all;
    }
    let ranges = ranges.to_vec();
    let mask = {
        // Length 1 along axes that are written as a whole.
        let written = |axis: usize| {
            if whole[axis] == part[axis] {
                1
            } else {
                whole[axis]
            }
        };
        let shape: Vec<usize> = (0..whole.len()).map(written).collect();
        let inside = |i: usize| {
            let mut rest = i;
            (0..shape.len()).rev().all(|axis| {
                let at = rest % shape[axis];
                rest /= shape[axis];
                let (start, step) = ranges[axis];
                let steps = at.wrapping_sub(start);
                shape[axis] == 1 || at >= start && steps % step == 0 && steps / step < part[axis]
            })
        };
        let numbers = (0..shape.iter().product()).map(|i| f32::from(u8::from(inside(i))));
        let numbers = numbers.collect();
        c.constant(&shape, numbers)
    };
    let placed = c.push(PutSlice { ranges }, &[value], whole.clone());
    c.push(MaskWhere, &[x, mask, placed], whole)
}

/// Where the last of several assignments one after another completes an axis (the steps of a recurrent
/// layer), all of them as one.
fn assembled(
    c: &mut Composer,
    x: ValueId,
    value: ValueId,
    ranges: &[(usize, usize)],
) -> Option<ValueId> {
    let (whole, part) = (c.shape(x), c.shape(value));
    let mut partial = (0..whole.len()).filter(|&axis| whole[axis] != part[axis]);
    let axis = partial.next()?;
    let whole_otherwise = |ranges: &[(usize, usize)], part: &[usize]| {
        (0..whole.len()).all(|a| ranges[a].1 == 1 && (a == axis || part[a] == whole[a]))
    };
    let mut slabs = vec![];
    let (mut x, mut next) = (x, (value, ranges.to_vec()));
    let mut left = whole[axis];
    loop {
        let (value, ranges) = &next;
        let part = c.shape(*value);
        let slab = (ranges[axis].0, part[axis], *value);
        let apart = |&(start, length, _): &(usize, usize, ValueId)| {
            start + length <= slab.0 || slab.0 + slab.1 <= start
        };
        if !whole_otherwise(ranges, &part) || !slabs.iter().all(apart) {
            return None;
        }
        slabs.push(slab);
        left -= part[axis];
        if left == 0 {
            break;
        }
        let node = c.0.producer(x)?;
        node.operation.as_any().downcast_ref::<MaskWhere>()?;
        let (before, placed) = (node.inputs[0], node.inputs[2]);
        let node = c.0.producer(placed)?;
        let place = node.operation.as_any().downcast_ref::<PutSlice>()?;
        next = (node.inputs[0], place.ranges.clone());
        x = before;
    }
    slabs.sort_unstable();
    let values: Vec<ValueId> = slabs.iter().map(|slab| slab.2).collect();
    Some(c.concat(&values, axis))
}
