//! Fixed weighted sums along one axis: padding, flips, repetition, windows, interpolation, adaptive means.

use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, around};
use crate::ir::batching::{Batching, Placed};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::ir::ties::Ties;
use crate::kernels::elementwise::AddScaled;
use crate::kernels::simd::run;
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::ops::FloatTensorOps;
use burn_backend::{TensorMetadata, get_or_init_device_settings};
use std::sync::Arc;

/// `out[.., o, ..] = sum_k w_k x[.., i_k, ..]` along `axis`, with the terms `(i_k, w_k)` of every `o`; 0 where there are
/// none.
#[derive(Clone, Debug)]
pub(crate) struct Along {
    /// Its name, as documented.
    pub name: &'static str,
    /// The axis, of the whole shape.
    pub axis: usize,
    /// The terms, one list an index of the output.
    pub terms: Arc<Vec<Terms>>,
}

/// The terms of one sum: index of the input, and weight.
pub(crate) type Terms = Vec<(usize, f64)>;

/// Terms that copy the element at every index; nothing where there is none.
pub(crate) fn copies(indices: impl IntoIterator<Item = Option<usize>>) -> Vec<Terms> {
    let term = |i: Option<usize>| i.map(|i| (i, 1.0)).into_iter().collect();
    indices.into_iter().map(term).collect()
}

impl Along {
    /// The adjoint: the same with inputs and outputs exchanged, for an input of length `length`.
    fn transposed(&self, length: usize) -> Self {
        let mut terms = vec![Terms::new(); length];
        for (o, own) in self.terms.iter().enumerate() {
            for &(i, weight) in own {
                terms[i].push((o, weight));
            }
        }
        Self {
            terms: Arc::new(terms),
            ..self.clone()
        }
    }
}

impl Operation for Along {
    fn name(&self) -> &'static str {
        self.name
    }

    fn samples(&self, _: &[Operand], _: &[usize]) -> Samples {
        match self.axis {
            0 => Samples::Mixed,
            _ => Samples::Kept,
        }
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        let axis = inputs[0].place?.moved(self.axis)?;
        let moved = Self {
            axis,
            ..self.clone()
        };
        b.along(moved, &inputs[0], shape)
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::Linear
    }

    /// Along the axis the order matters.
    fn units(&self, ties: &mut Ties) {
        ties.ordered_along(self.axis);
    }

    fn host(&self, call: HostCall) {
        let x = call.inputs[0];
        let lanes = if call.samples { call.lanes } else { 1 };
        let axis = self.axis - usize::from(call.samples);
        let (before, length, after) = around(x.rows(), axis);
        let span = after * lanes;
        let mut rows = call.out.chunks_exact_mut(span);
        for b in 0..before {
            let of = |i: usize| &x.data[(b * length + i) * span..][..span];
            for (terms, out) in self.terms.iter().zip(&mut rows) {
                match terms[..] {
                    [(i, 1.0)] => out.copy_from_slice(of(i)),
                    _ => {
                        out.fill(0.0);
                        for &(i, weight) in terms {
                            let add = AddScaled {
                                x: of(i),
                                factor: weight as f32,
                                out: &mut *out,
                            };
                            run(call.level, add);
                        }
                    }
                }
            }
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let x = call.inputs[0].clone();
        let dim = self.axis + 1;
        let mut dims = replay::dims(&x);
        let length = dims[dim];
        dims[dim] = 1;
        // What has no further term takes a zero behind the end.
        let zero = replay::zeros_like(&x, &dims);
        let x = Replay::float_cat(vec![x, zero], dim);
        let most = self.terms.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let mut sum: Option<DeviceTensor> = None;
        for k in 0..most {
            let term = |t: &Terms| t.get(k).copied().unwrap_or((length, 1.0));
            let terms: Vec<(usize, f64)> = self.terms.iter().map(term).collect();
            let part = weighted(&x, dim, &terms);
            sum = Some(match sum {
                Some(sum) => Replay::float_add(sum, part),
                None => part,
            });
        }
        sum.expect("at least one term")
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.multilinear(self, node, tangents, &[0])
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        _: &[bool],
    ) -> Vec<Option<ValueId>> {
        let shape = d.shape(node.inputs[0]);
        let back = self.transposed(shape[self.axis]);
        vec![Some(d.push(back, &[adjoint], shape))]
    }
}

/// One weighted element of `x` along `dim` for every index of the output.
fn weighted(x: &DeviceTensor, dim: usize, terms: &[(usize, f64)]) -> DeviceTensor {
    let place = x.device();
    let upload = |numbers: Vec<f32>, shape: &[usize]| replay::upload(&numbers, shape, &place);
    let indices = terms.iter().map(|t| t.0 as f32).collect();
    let int_type = get_or_init_device_settings::<Replay>(&place).int_dtype;
    let indices = Replay::float_into_int(upload(indices, &[terms.len()]), int_type);
    let part = Replay::float_select(x.clone(), dim, indices);
    if terms.iter().all(|t| t.1 == 1.0) {
        return part;
    }
    let mut along = vec![1; replay::dims(&part).len()];
    along[dim] = terms.len();
    let weights = replay::numbers_like(x, terms.iter().map(|t| t.1).collect(), &along);
    Replay::float_mul(part, weights)
}
