//! Recorded operations that become several of a graph: choices by index, and what is added or put at indices.

use super::along::{Terms, copies};
use super::binary::Binary;
use super::composed::{Composer, extreme, product};
use super::embedding::Embedding;
use super::gather::{Gather, Scatter};
use super::reduce::Reduction;
use super::select::MaskWhere;
use super::unary::Unary;
use crate::ir::graph::ValueId;
use burn_backend::tensor::IndexingUpdateOp;

/// What is done with numbers at indices, of which several may be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// The last one for an index is put there.
    Put,
    /// All are added to what is there.
    Add,
    /// What is there is multiplied by all.
    Multiply,
    /// The greatest of all and what is there.
    Greatest,
    /// The least of them.
    Least,
}

impl From<IndexingUpdateOp> for Update {
    fn from(update: IndexingUpdateOp) -> Self {
        match update {
            IndexingUpdateOp::Assign => Update::Put,
            IndexingUpdateOp::Add => Update::Add,
            IndexingUpdateOp::Mul => Update::Multiply,
            IndexingUpdateOp::Max => Update::Greatest,
            IndexingUpdateOp::Min => Update::Least,
        }
    }
}

/// `x` updated along `axis` at the indices of a vector.
pub(crate) fn select_update(
    c: &mut Composer,
    [x, index, value]: [ValueId; 3],
    axis: usize,
    update: Update,
) -> ValueId {
    match update {
        Update::Add => select_add(c, [x, index, value], axis),
        Update::Put => select_put(c, [x, index, value], axis),
        _ => {
            let index = along_all(c, index, value, axis);
            scatter(c, [x, index, value], axis, update)
        }
    }
}

/// `x` updated along `axis` at an index for each element.
pub(crate) fn scatter(c: &mut Composer, all: [ValueId; 3], axis: usize, update: Update) -> ValueId {
    match update {
        Update::Add => scatter_add(c, all, axis),
        Update::Put => scatter_put(c, all, axis),
        _ => scatter_each(c, all, axis, update),
    }
}

/// `x` with rows of `value` at places in its first axes, see [`gather_nd`].
pub(crate) fn scatter_nd(
    c: &mut Composer,
    [x, index, value]: [ValueId; 3],
    update: Update,
) -> ValueId {
    let own = c.shape(x);
    let (table, index, ..) = rows_at(c, x, index);
    let (count, width) = (c.shape(index)[0], c.shape(table)[1]);
    let value = c.reshape(value, &[count, width]);
    let all = select_update(c, [table, index, value], 0, update);
    c.reshape(all, &own)
}

/// Elements along `axis` at the indices of a vector.
pub(crate) fn select(c: &mut Composer, x: ValueId, axis: usize, index: ValueId) -> ValueId {
    let own = c.shape(x);
    let count = c.shape(index)[0];
    // One for each sample is data.
    let samples = c.0.samples > 1 && count == c.0.samples;
    let fixed = c.known(index).filter(|_| !samples);
    let fixed = fixed.and_then(|all| inside(&all, own[axis]));
    let mut shape = own.clone();
    shape[axis] = count;
    if let Some(indices) = fixed {
        return c.along("select", x, axis, copies(indices.into_iter().map(Some)));
    }
    if axis == 0 {
        let width = own[1..].iter().product();
        let table = c.reshape(x, &[own[0], width]);
        let index = c.reshape(index, &[count, 1]);
        let rows = c.push(Embedding, &[table, index], vec![count, 1, width]);
        return c.reshape(rows, &shape);
    }
    let mut along = vec![1; own.len()];
    along[axis] = count;
    let index = c.reshape(index, &along);
    let index = c.expand(index, &shape);
    c.push(Gather { axis }, &[x, index], shape)
}

/// Indices, where all are there.
fn inside(all: &[f32], length: usize) -> Option<Vec<usize>> {
    let inside = all.iter().all(|&i| i >= 0.0 && i < length as f32);
    inside.then(|| all.iter().map(|&i| i as usize).collect())
}

/// `x` with `value` added along `axis` at the indices of a vector.
fn select_add(c: &mut Composer, [x, index, value]: [ValueId; 3], axis: usize) -> ValueId {
    let own = c.shape(x);
    let known = c.known(index).filter(|_| axis > 0);
    if let Some(indices) = known.and_then(|all| inside(&all, own[axis])) {
        let mut terms = vec![Terms::new(); own[axis]];
        for (j, i) in indices.into_iter().enumerate() {
            terms[i].push((j, 1.0));
        }
        let placed = c.along("select_assign", value, axis, terms);
        return c.binary(Binary::Add, x, placed);
    }
    let index = along_all(c, index, value, axis);
    scatter_add(c, [x, index, value], axis)
}

/// `x` with `value` added along `axis` at an index for each element.
fn scatter_add(c: &mut Composer, [x, index, value]: [ValueId; 3], axis: usize) -> ValueId {
    let shape = c.shape(x);
    let placed = c.push(Scatter { axis }, &[value, index], shape);
    c.binary(Binary::Add, x, placed)
}

/// Rows of `x` at places in its first axes: `index` holds, along its last axis, one number for each of them.
pub(crate) fn gather_nd(c: &mut Composer, x: ValueId, index: ValueId) -> ValueId {
    let (table, index, mut shape, rest) = rows_at(c, x, index);
    let rows = select(c, table, 0, index);
    shape.extend_from_slice(&rest);
    c.reshape(rows, &shape)
}

/// `x` as a table, the numbers of its rows at `index` as a vector, the shape of the places, and that of a row.
fn rows_at(
    c: &mut Composer,
    x: ValueId,
    index: ValueId,
) -> (ValueId, ValueId, Vec<usize>, Vec<usize>) {
    let (own, mut places) = (c.shape(x), c.shape(index));
    let depth = places.pop().unwrap_or(1);
    let (first, rest) = own.split_at(depth);
    let count = places.iter().product();
    let parts = c.reshape(index, &[count, depth]);
    let mut number = None;
    for axis in 0..depth {
        let part = c.slice(parts, 1, axis, 1);
        let step = first[axis + 1..].iter().product::<usize>() as f64;
        let part = c.unary(Unary::MulScalar(step), part);
        number = Some(match number {
            Some(sum) => c.binary(Binary::Add, sum, part),
            None => part,
        });
    }
    let number = c.reshape(number.unwrap_or(parts), &[count]);
    let table = c.reshape(x, &[first.iter().product(), rest.iter().product()]);
    (table, number, places, rest.to_vec())
}

/// `x` with `value` put along `axis` at the indices of a vector, the last one where several are the same.
fn select_put(c: &mut Composer, [x, index, value]: [ValueId; 3], axis: usize) -> ValueId {
    let own = c.shape(x);
    let known = c.known(index).filter(|_| axis > 0);
    if let Some(indices) = known.and_then(|all| inside(&all, own[axis])) {
        let mut from = vec![None; own[axis]];
        { indices.iter().enumerate() }.for_each(|(j, &i)| from[i] = Some(j));
        let mut along = vec![1; own.len()];
        along[axis] = own[axis];
        let written = from.iter().map(|from| f32::from(u8::from(from.is_some())));
        let written = c.constant(&along, written.collect());
        let placed = c.along("select_assign", value, axis, copies(from));
        return c.push(MaskWhere, &[x, written, placed], own);
    }
    let index = along_all(c, index, value, axis);
    scatter_put(c, [x, index, value], axis)
}

/// `x` with `value` put along `axis` at an index for each element, the last one where several are the same.
fn scatter_put(c: &mut Composer, [x, index, value]: [ValueId; 3], axis: usize) -> ValueId {
    let own = c.shape(x);
    let last = last_of_each(c, index, axis);
    // Chosen, not multiplied: what is infinite and overwritten does not become NaN.
    let first = c.unary(Unary::EqualScalar(0.0), last);
    let kept = c.filled_where(value, first, 0.0);
    let placed = c.push(Scatter { axis }, &[kept, index], own.clone());
    let written = c.push(Scatter { axis }, &[last, index], own.clone());
    c.push(MaskWhere, &[x, written, placed], own)
}

/// 1 where no later index along `axis` is the same, else 0.
fn last_of_each(c: &mut Composer, index: ValueId, axis: usize) -> ValueId {
    let shape = c.shape(index);
    let length = shape[axis];
    // [.., this, later, ..]
    let mut this = shape.clone();
    this.insert(axis + 1, 1);
    let mut later = shape.clone();
    later.insert(axis, 1);
    let (this, later) = (c.reshape(index, &this), c.reshape(index, &later));
    let same = c.binary(Binary::Equal, this, later);
    let mut along = vec![1; shape.len() + 1];
    (along[axis], along[axis + 1]) = (length, length);
    let after = (0..length * length).map(|i| f32::from(u8::from(i % length > i / length)));
    let after = c.constant(&along, after.collect());
    let same = c.binary(Binary::Mul, same, after);
    let any = c.reduce(Reduction::Max, same, axis + 1);
    let any = c.reshape(any, &shape);
    c.unary(Unary::EqualScalar(0.0), any)
}

/// `x` with the product, or an extreme, of itself and of all values along `axis` that have the index of the place. Every place
/// looks at every value.
fn scatter_each(
    c: &mut Composer,
    [x, index, value]: [ValueId; 3],
    axis: usize,
    update: Update,
) -> ValueId {
    let own = c.shape(x);
    // [.., place, value, ..]
    let mut apart = c.shape(index);
    apart.insert(axis, 1);
    let mut whole = apart.clone();
    whole[axis] = own[axis];
    let mut along = vec![1; whole.len()];
    let nothing = match update {
        Update::Greatest => f32::NEG_INFINITY,
        Update::Least => f32::INFINITY,
        _ => 1.0,
    };
    let nothing = c.constant(&along, vec![nothing]);
    along[axis] = own[axis];
    let places = c.constant(&along, (0..own[axis]).map(|i| i as f32).collect());
    let (index, value) = (c.reshape(index, &apart), c.reshape(value, &apart));
    let others = c.binary(Binary::NotEqual, places, index);
    let values = c.push(MaskWhere, &[value, others, nothing], whole);
    let come = match update {
        Update::Greatest => c.reduce(Reduction::Max, values, axis + 1),
        Update::Least => c.reduce(Reduction::Min, values, axis + 1),
        _ => product(c, values, axis + 1),
    };
    let come = c.reshape(come, &own);
    match update {
        Update::Greatest | Update::Least => extreme(c, x, come, update == Update::Greatest),
        _ => c.binary(Binary::Mul, x, come),
    }
}

/// The indices of a vector along `axis` for each element of `value`.
fn along_all(c: &mut Composer, index: ValueId, value: ValueId, axis: usize) -> ValueId {
    let shape = c.shape(value);
    let mut along = vec![1; shape.len()];
    along[axis] = shape[axis];
    let index = c.reshape(index, &along);
    c.expand(index, &shape)
}
