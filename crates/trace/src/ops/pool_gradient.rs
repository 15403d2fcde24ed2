//! The derivatives of pooling.

use super::pool::{Pool2d, Pooling};
use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::kernels::pool::Span;
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::get_or_init_device_settings;
use burn_backend::ops::{FloatTensorOps, ModuleOps};

/// The tangent of a maximum: `out = t` where x is largest in the window (the first such place). Inputs: x and
/// t. Made by derivatives.
#[derive(Clone, Copy, Debug)]
pub(super) struct MaxPick {
    pub pool: Pool2d,
}

/// The adjoint of pooling: to every place of a window its share of `l`. Inputs: l, and for a maximum x.
/// Made by derivatives.
#[derive(Clone, Copy, Debug)]
pub(super) struct PoolSpread {
    pub pool: Pool2d,
}

/// Windows over an image: where they lie in the input.
struct Windows {
    spans: [Vec<Span>; 2],
    size: [usize; 2],
}

impl Windows {
    /// From the shapes of input and output.
    fn new(pool: &Pool2d, x: &[usize], out: &[usize]) -> Self {
        let last = |shape: &[usize]| [shape[shape.len() - 2], shape[shape.len() - 1]];
        let (size, out) = (last(x), last(out));
        let spans = [0, 1].map(|axis| {
            let span = |o| pool.span(axis, o, size[axis], out[axis]);
            (0..out[axis]).map(span).collect()
        });
        Self { spans, size }
    }

    fn pixels(&self) -> [usize; 2] {
        let out = self.spans[0].len() * self.spans[1].len();
        [self.size[0] * self.size[1], out]
    }

    /// Calls `f` with the index of every output pixel, the pixels of its window, and what a mean divides by.
    fn each(&self, mut f: impl FnMut(usize, &[usize], usize)) {
        let mut inside = Vec::new();
        for (y, row) in self.spans[0].iter().enumerate() {
            for (x, column) in self.spans[1].iter().enumerate() {
                inside.clear();
                for i in row.indices() {
                    inside.extend(column.indices().map(|j| i * self.size[1] + j));
                }
                f(
                    y * self.spans[1].len() + x,
                    &inside,
                    row.length * column.length,
                );
            }
        }
    }
}

/// The pixel of `inside` where lane `s` of `x` is largest.
fn largest(x: &[f32], inside: &[usize], lanes: usize, s: usize) -> Option<usize> {
    let mut best: Option<usize> = None;
    for &pixel in inside {
        let larger = |b: usize| x[pixel * lanes + s] > x[b * lanes + s];
        if best.is_none_or(larger) {
            best = Some(pixel);
        }
    }
    best
}

impl Operation for MaxPick {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        match inputs.iter().all(|i| i.samples) {
            true => Samples::Kept,
            false => Samples::Mixed,
        }
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn host(&self, call: HostCall) {
        let lanes = if call.samples { call.lanes } else { 1 };
        let windows = Windows::new(&self.pool, call.inputs[0].shape, call.shape);
        let [from, to] = windows.pixels().map(|n| n * lanes);
        let x = call.inputs[0].data.chunks_exact(from);
        let t = call.inputs[1].data.chunks_exact(from);
        for ((x, t), out) in x.zip(t).zip(call.out.chunks_exact_mut(to)) {
            windows.each(|o, inside, _| {
                for s in 0..lanes {
                    let pixel = largest(x, inside, lanes, s);
                    out[o * lanes + s] = pixel.map_or(0.0, |p| t[p * lanes + s]);
                }
            });
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let inputs = [Some(call.inputs[0].clone()), Some(call.inputs[1].clone())];
        replay::each_point(&inputs, |[x, t]| {
            let (x, t) = (x.expect("inputs"), t.expect("tangents"));
            let dims = replay::dims(&t);
            let flat = [1, dims[0], dims[1], dims[2] * dims[3]];
            let indices = indices(&self.pool, x);
            let out = replay::dims_of_indices(&indices);
            let indices = replay::reshape_indices(indices, &[1, out[0], out[1], out[2] * out[3]]);
            let picked = Replay::float_gather(3, replay::reshape(t, &flat), indices);
            replay::reshape(picked, &out)
        })
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.multilinear(self, node, tangents, &[1])
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        _: &[bool],
    ) -> Vec<Option<ValueId>> {
        let spread = PoolSpread { pool: self.pool };
        let shape = d.shape(node.inputs[0]);
        vec![
            None,
            Some(d.push(spread, &[adjoint, node.inputs[0]], shape)),
        ]
    }
}

impl Operation for PoolSpread {
    fn name(&self) -> &'static str {
        self.pool.name()
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        match inputs.iter().all(|i| i.samples) {
            true => Samples::Kept,
            false => Samples::Mixed,
        }
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn host(&self, call: HostCall) {
        let lanes = if call.samples { call.lanes } else { 1 };
        let windows = Windows::new(&self.pool, call.shape, call.inputs[0].shape);
        let [to, from] = windows.pixels().map(|n| n * lanes);
        call.out.fill(0.0);
        let l = call.inputs[0].data.chunks_exact(from);
        for (i, (l, out)) in l.zip(call.out.chunks_exact_mut(to)).enumerate() {
            let x = call.inputs.get(1).map(|x| &x.data[i * to..(i + 1) * to]);
            windows.each(|o, inside, n| {
                let l = &l[o * lanes..(o + 1) * lanes];
                match x {
                    Some(x) => {
                        for (s, l) in l.iter().enumerate() {
                            if let Some(pixel) = largest(x, inside, lanes, s) {
                                out[pixel * lanes + s] += l;
                            }
                        }
                    }
                    None => {
                        let share = 1.0 / n as f32;
                        for pixel in inside {
                            let out = &mut out[pixel * lanes..][..lanes];
                            out.iter_mut().zip(l).for_each(|(out, l)| *out += share * l);
                        }
                    }
                }
            });
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let Pool2d {
            kernel,
            stride,
            padding,
            ceil,
            ..
        } = self.pool;
        let inputs = [Some(call.inputs[0].clone()), call.inputs.get(1).cloned()];
        replay::each_point(&inputs, |[l, x]| {
            let l = l.expect("adjoints");
            let mut shape = call.shape.to_vec();
            shape[0] = replay::dims(&l)[0];
            let x = x.unwrap_or_else(|| replay::zeros_like(&l, &shape));
            match self.pool.pooling {
                Pooling::Max { dilation } => {
                    let indices = indices(&self.pool, x.clone());
                    Replay::max_pool2d_with_indices_backward(
                        x, kernel, stride, padding, dilation, ceil, l, indices,
                    )
                    .x_grad
                }
                Pooling::Average { padded } => {
                    Replay::avg_pool2d_backward(x, l, kernel, stride, padding, padded, ceil)
                }
                Pooling::Adaptive => Replay::adaptive_avg_pool2d_backward(x, l),
            }
        })
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
        let mut parts = vec![None; node.inputs.len()];
        parts[0] = Some(match node.inputs.get(1) {
            Some(&x) => d.push(MaxPick { pool: self.pool }, &[x, adjoint], shape),
            None => d.push(self.pool, &[adjoint], shape),
        });
        parts
    }
}

/// Where the maxima of all windows are, among the pixels of the channel.
fn indices(pool: &Pool2d, x: DeviceTensor) -> burn_backend::tensor::IntTensor<Replay> {
    let Pooling::Max { dilation } = pool.pooling else {
        unreachable!("only maxima have a place")
    };
    let int_type = get_or_init_device_settings::<Replay>(&replay::device_of(&x)).int_dtype;
    let Pool2d {
        kernel,
        stride,
        padding,
        ceil,
        ..
    } = *pool;
    Replay::max_pool2d_with_indices(x, kernel, stride, padding, dilation, ceil, int_type).indices
}
