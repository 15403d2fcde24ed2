//! Matrix products, and the linear layer that a product, a bias and a ReLU fuse into.

use super::binary::Binary;
use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, View, work_of_products};
use crate::ir::batching::{BatchAxis, Batching, Placed};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::ir::ties::{Port, Ties};
use crate::kernels::conv::Finish;
use crate::kernels::gemm::Gemm;
use crate::kernels::gemm_weight::GemmWeight;
use crate::kernels::matrices::{Factor, Matrices, plain};
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::ops::{ActivationOps, FloatTensorOps};

/// `out[.., m, n] = sum_k a[.., m, k] b[.., k, n]`, leading axes broadcast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matmul;

/// `out = act(x W + b)`, with `W` of Burn's layout `[inputs, outputs]`; inputs: x, W and, where
/// `bias`, b (any shape of `outputs` numbers). Made by fusion, see [`crate::passes::fuse`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear {
    /// Whether the third input is a bias.
    pub bias: bool,
    /// Whether a ReLU follows.
    pub relu: bool,
}

fn samples(a: &Operand, b: &Operand) -> Samples {
    let rank = a.shape.len();
    let unit = |shape: &[usize]| shape[..shape.len() - 2].iter().all(|&d| d == 1);
    match (a.samples, b.samples) {
        (true, false) if rank >= 2 && (rank == 2 || b.shape[0] == 1 || unit(b.shape)) => {
            Samples::Kept
        }
        (true, true) if rank >= 3 && b.shape.len() == rank => Samples::Kept,
        (false, true) if rank >= 3 && a.shape[0] == 1 => Samples::Kept,
        _ => Samples::Mixed,
    }
}

/// Rows of the first factor and columns of the second are those of the product, which sums over the
/// others; leading axes are aligned.
fn product_units(ties: &mut Ties) {
    let (a, b, out) = (Port::Input(0), Port::Input(1), Port::Output);
    let [last_a, last_b, last] = [a, b, out].map(|port| ties.shape(port).len() - 1);
    ties.contract((a, last_a), (b, last_b - 1));
    ties.tie((b, last_b), (out, last));
    for back in 1..=last_a {
        ties.tie((a, last_a - back), (out, last - back));
    }
    for back in 2..=last_b {
        ties.tie((b, last_b - back), (out, last - back));
    }
}

impl Operation for Matmul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        samples(&inputs[0], &inputs[1])
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        let ([x, w], rank) = ([&inputs[0], &inputs[1]], shape.len());
        if let Some(sum) = over_samples(b, [x, w], shape) {
            return Some(sum);
        }
        let place = Batching::place(inputs)?;
        let contracted = |p: &Placed, axis: usize| p.place.is_some_and(|own| own.axis == axis);
        let both = x.place.is_some() && w.place.is_some() && place.axis + 2 >= rank;
        let ranks = [x, w].iter().all(|p| p.shape.len() == rank);
        if both || !ranks || contracted(x, rank - 1) || contracted(w, rank - 2) {
            return None;
        }
        if w.place.is_none() && w.shape[..rank - 2].iter().all(|&d| d == 1) {
            // A layer: every row of every sample by the same matrix.
            let stored = Batching::stored(&x.shape, place, 1).len();
            let mut matrix = vec![1; stored - 2];
            matrix.extend_from_slice(&w.shape[rank - 2..]);
            let matrix = b.view(w.value, &matrix);
            let lead = b.lead(&[x.value]);
            return b.made(*self, vec![x.value, matrix], lead, (place, shape));
        }
        let mut factor = |p: &Placed| match p.place.is_none() && place.axis + 2 >= rank {
            true => {
                let mut fixed = vec![1];
                fixed.extend_from_slice(&p.shape);
                Some(b.view(p.value, &fixed))
            }
            false => b.operand(p, place, true),
        };
        let factors = vec![factor(x)?, factor(w)?];
        let whole = Batching::whole(shape, place, b.lead(&factors), place.rows());
        let product = b.push(*self, factors, whole);
        b.placed(product, place, shape)
    }

    fn linearity(&self, inputs: &[Operand]) -> Linearity {
        if inputs[0].varies && inputs[1].varies {
            Linearity::None
        } else {
            Linearity::Linear
        }
    }

    fn is_product(&self) -> bool {
        true
    }

    fn work(&self, inputs: &[&[usize]], shape: &[usize]) -> f64 {
        work_of_products(shape, inputs[0].last().copied().unwrap_or(1))
    }

    fn units(&self, ties: &mut Ties) {
        product_units(ties);
    }

    fn host(&self, call: HostCall) {
        if is_layer(&call.inputs[0], &call.inputs[1]) {
            layer(call, None, false);
        } else {
            general(call);
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let [a, b] = [call.inputs[0].clone(), call.inputs[1].clone()];
        replay::matmul(a, b)
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.multilinear(self, node, tangents, &[0, 1])
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        let [a, b] = [node.inputs[0], node.inputs[1]];
        let left = wanted[0].then(|| {
            let b = d.transposed(b);
            let product = d.matmul(adjoint, b);
            d.sum_to(product, a)
        });
        let right = wanted[1].then(|| weight_adjoint(d, a, b, adjoint));
        vec![left, right]
    }
}

/// A product that sums over the samples, `x^T w`.
fn over_samples(b: &mut Batching, [x, w]: [&Placed; 2], shape: &[usize]) -> Option<Placed> {
    let along = |p: &Placed, axis: usize| {
        let plain = BatchAxis {
            axis,
            ..BatchAxis::PLAIN
        };
        p.shape.len() == 2 && p.place == Some(plain)
    };
    let alone = !b.repeated(x.value) && !b.repeated(w.value);
    (along(x, 1) && along(w, 0) && alone).then(|| {
        // What the last tile lacks counts 0.
        let ones = b.ones();
        let own = b.graph.values[x.value].shape.clone();
        let x = b.push(Binary::Mul, vec![x.value, ones], own);
        Placed {
            value: b.push(WeightProduct, vec![x, w.value], shape.to_vec()),
            shape: shape.to_vec(),
            place: None,
        }
    })
}

impl Operation for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        if inputs[2..].iter().any(|b| b.samples) {
            return Samples::Mixed;
        }
        samples(&inputs[0], &inputs[1])
    }

    fn linearity(&self, inputs: &[Operand]) -> Linearity {
        match (self.relu, inputs[0].varies && inputs[1].varies) {
            (false, false) if inputs.len() == 2 => Linearity::Linear,
            _ => Linearity::None,
        }
    }

    fn is_product(&self) -> bool {
        true
    }

    fn work(&self, inputs: &[&[usize]], shape: &[usize]) -> f64 {
        work_of_products(shape, inputs[0].last().copied().unwrap_or(1))
    }

    fn units(&self, ties: &mut Ties) {
        product_units(ties);
        if self.bias {
            let outputs = ties.shape(Port::Output).len() - 1;
            let bias = ties.shape(Port::Input(2)).len() - 1;
            ties.tie((Port::Input(2), bias), (Port::Output, outputs));
        }
    }

    fn host(&self, call: HostCall) {
        let bias = self.bias.then(|| call.inputs[2].data);
        layer(call, bias, self.relu);
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let mut out = replay::matmul(call.inputs[0].clone(), call.inputs[1].clone());
        if self.bias {
            let outputs = call.shape[call.shape.len() - 1];
            let bias = call.inputs[2].clone();
            let mut shape = vec![1; call.shape.len() + 1];
            shape[0] = replay::dims(&bias)[0];
            *shape.last_mut().expect("rank above 0") = outputs;
            out = Replay::float_add(out, replay::reshape(bias, &shape));
        }
        if self.relu { Replay::relu(out) } else { out }
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        let [x, w] = [node.inputs[0], node.inputs[1]];
        let shape = d.shape(node.output);
        let bias = if self.bias { tangents[2] } else { None };
        let layer = Self {
            bias: bias.is_some(),
            relu: false,
        };
        let own = match (tangents[1], bias) {
            (Some(w), Some(bias)) => Some(d.push(layer, &[x, w, bias], shape)),
            (Some(w), None) => Some(d.push(layer, &[x, w], shape)),
            (None, Some(bias)) => {
                let mut along = vec![1; shape.len()];
                along[shape.len() - 1] = shape[shape.len() - 1];
                let bias = d.reshape(bias, &along);
                Some(d.spread(bias, node.output, 1.0))
            }
            (None, None) => None,
        };
        let moved = tangents[0].map(|x| d.matmul(x, w));
        let sum = d.sum(own, moved)?;
        match self.relu {
            true => Some(d.masked(node.output, sum)),
            false => Some(sum),
        }
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        let [x, w] = [node.inputs[0], node.inputs[1]];
        let adjoint = match self.relu {
            true => d.masked(node.output, adjoint),
            false => adjoint,
        };
        let moved = wanted[0].then(|| {
            let w = d.transposed(w);
            d.matmul(adjoint, w)
        });
        let weight = wanted[1].then(|| weight_adjoint(d, x, w, adjoint));
        let mut parts = vec![moved, weight];
        if self.bias {
            let bias = d.shape(node.inputs[2]);
            let last = d.shape(adjoint).len() - 1;
            parts.push(wanted[2].then(|| d.sum_but(adjoint, last, &bias)));
        }
        parts
    }
}

/// The adjoint of the second factor `b` of a product `a b`.
fn weight_adjoint(d: &mut Derivation, a: ValueId, b: ValueId, adjoint: ValueId) -> ValueId {
    let shape = d.shape(b);
    let unit = shape[..shape.len() - 2].iter().all(|&n| n == 1);
    if d.samples[a] && !d.samples[b] && unit {
        return d.push(WeightProduct, &[a, adjoint], shape);
    }
    let a = d.transposed(a);
    let product = d.matmul(a, adjoint);
    d.sum_to(product, b)
}

/// `out[i, o] = sum x[.., i] l[.., o]` over all axes but the last, the samples included: the adjoint of a
/// layer's weights, in Burn's layout, or a matrix of covariances. Inputs: x and l, both with samples. Made by derivatives and
/// where a product sums over the samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WeightProduct;

impl Operation for WeightProduct {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        match inputs.iter().all(|i| i.samples) {
            true => Samples::Summed,
            false => Samples::Mixed,
        }
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn is_product(&self) -> bool {
        true
    }

    fn host(&self, call: HostCall) {
        let [x, l] = [call.inputs[0], call.inputs[1]];
        let of = |v: &View| v.shape[v.shape.len() - 1];
        let (inputs, outputs, lanes) = (of(&x), of(&l), call.lanes);
        let rows = x.rows();
        if !x.samples {
            let depth = x.data.len() / inputs;
            let left = (x.data, [1, inputs]);
            return plain(
                call.level,
                (left, l.data),
                call.out,
                [inputs, depth, outputs],
            );
        }
        for t in 0..rows[..rows.len() - 1].iter().product::<usize>() {
            let gemm = GemmWeight {
                x: &x.data[t * inputs * lanes..][..inputs * lanes],
                lambda: &l.data[t * outputs * lanes..][..outputs * lanes],
                dw: call.out,
                inputs,
                outputs,
                lanes,
            };
            gemm.run(call.level);
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let flat = |x: &DeviceTensor| {
            let dims = replay::dims(x);
            let (points, last) = (dims[0], dims[dims.len() - 1]);
            let rows = dims[1..dims.len() - 1].iter().product();
            replay::reshape(x.clone(), &[points, rows, last])
        };
        let x = Replay::float_swap_dims(flat(&call.inputs[0]), 1, 2);
        let product = replay::matmul(x, flat(&call.inputs[1]));
        let mut shape = vec![replay::dims(&product)[0]];
        shape.extend_from_slice(call.shape);
        replay::reshape(product, &shape)
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.multilinear(self, node, tangents, &[0, 1])
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        let [x, l] = [node.inputs[0], node.inputs[1]];
        let rank = d.shape(x).len();
        let mut along = vec![1; rank - 2];
        along.extend(d.shape(adjoint));
        let matrix = d.reshape(adjoint, &along);
        let mut of = |wanted: bool, other: ValueId, turn: bool| {
            wanted.then(|| {
                let matrix = if turn { d.transposed(matrix) } else { matrix };
                let product = d.matmul(other, matrix);
                match d.samples[product] {
                    // What the last tile lacks counts 0.
                    true => {
                        let ones = d.ones(rank);
                        d.mul(product, ones)
                    }
                    false => product,
                }
            })
        };
        vec![of(wanted[0], l, true), of(wanted[1], x, false)]
    }
}

/// Whether it is a layer on a tile of samples: weights of one matrix, without samples.
fn is_layer(a: &View, b: &View) -> bool {
    let unit = b.shape.len() >= 2 && b.shape[..b.shape.len() - 2].iter().all(|&d| d == 1);
    a.samples && !b.samples && a.shape.len() >= 2 && unit
}

fn layer(call: HostCall, bias: Option<&[f32]>, relu: bool) {
    let [x, w] = [call.inputs[0], call.inputs[1]];
    let (inputs, outputs) = (w.shape[w.shape.len() - 2], w.shape[w.shape.len() - 1]);
    let rows = x.rows();
    Gemm {
        x: x.data,
        w: w.data,
        steps: [outputs, 1],
        finish: Finish {
            bias,
            relu,
            ..Finish::default()
        },
        out: call.out,
        times: rows[..rows.len() - 1].iter().product(),
        inputs,
        outputs,
        lanes: call.lanes,
    }
    .run(call.level);
}

/// Any product, matrix by matrix.
fn general(call: HostCall) {
    let [a, b] = [call.inputs[0], call.inputs[1]];
    let rank = call.shape.len();
    let (m, n) = (call.shape[rank - 2], call.shape[rank - 1]);
    let k = a.shape[a.shape.len() - 1];
    let batches = &call.shape[..rank - 2];
    let batches = if call.samples { &batches[1..] } else { batches };
    let size = m * n * if call.samples { call.lanes } else { 1 };
    for (batch, out) in call.out.chunks_exact_mut(size.max(1)).enumerate() {
        let offset = |v: &View| batch_offset(v, batches, batch, call.samples);
        let a = factor(a, offset(&a), [m, k], call.lanes);
        let b = factor(b, offset(&b), [k, n], call.lanes);
        let sizes = [m, k, n];
        match call.samples {
            true => Matrices::of_lanes(a, b, out, sizes, call.lanes).run(call.level),
            false => plain(call.level, ((a.data, a.strides), b.data), out, sizes),
        }
    }
}

/// Matrix `i` of a value.
fn factor(view: View, i: usize, [rows, columns]: [usize; 2], lanes: usize) -> Factor {
    let lanes = unit(&view, lanes);
    Factor {
        data: &view.data[i * rows * columns * lanes..],
        strides: [columns * lanes, lanes],
        lanes: view.samples,
    }
}

fn unit(view: &View, lanes: usize) -> usize {
    if view.samples { lanes } else { 1 }
}

/// Which matrix of `view` belongs to batch `i`.
fn batch_offset(view: &View, batches: &[usize], mut i: usize, samples: bool) -> usize {
    let own = &view.shape[..view.shape.len().saturating_sub(2)];
    let own = if samples && !own.is_empty() {
        &own[1..]
    } else {
        own
    };
    let (mut offset, mut stride) = (0, 1);
    for axis in (0..batches.len()).rev() {
        let index = i % batches[axis];
        i /= batches[axis];
        let length = own.get(axis).copied().unwrap_or(1);
        if length > 1 {
            offset += index * stride;
        }
        stride *= length;
    }
    offset
}
