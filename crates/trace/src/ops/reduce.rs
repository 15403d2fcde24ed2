//! Sums, means, maxima and minima over all elements or along an axis.

use super::binary::Binary;
use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, around};
use crate::ir::batching::{Batching, Placed};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::ir::ties::{Port, Ties};
use crate::kernels::by_sixteen::by_sixteen;
use crate::kernels::gemm_weight::bias_gradient;
pub use crate::kernels::reduce::Reduction;
use crate::kernels::reduce::RowsByLane;
use crate::kernels::simd::{LANES, Level, run};
use crate::kernels::sum::moments;
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::ops::FloatTensorOps;

/// A reduction over `axis` (kept with length 1), or over everything (output `[1]`).
///
/// Where the samples are part of it, the kernels reduce over the rest only; see [`Samples::Reduced`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reduce {
    pub reduction: Reduction,
    /// The axis, of the whole shape; `None`: all axes.
    pub axis: Option<usize>,
}

impl Operation for Reduce {
    fn name(&self) -> &'static str {
        match (self.reduction, self.axis.is_some()) {
            (Reduction::Sum, false) => "sum",
            (Reduction::Sum, true) => "sum_dim",
            (Reduction::Mean, false) => "mean",
            (Reduction::Mean, true) => "mean_dim",
            (Reduction::Max, false) => "max",
            (Reduction::Max, true) => "max_dim",
            (Reduction::Min, false) => "min",
            (Reduction::Min, true) => "min_dim",
            (Reduction::ArgMax, _) => "argmax",
            (Reduction::ArgMin, _) => "argmin",
        }
    }

    fn samples(&self, _: &[Operand], _: &[usize]) -> Samples {
        match (self.axis, self.reduction) {
            (Some(axis), _) if axis > 0 => Samples::Kept,
            (_, Reduction::Sum) => Samples::Reduced { mean: false },
            (_, Reduction::Mean) => Samples::Reduced { mean: true },
            _ => Samples::Mixed,
        }
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        let x = &inputs[0];
        let place = x.place?;
        if let Some(axis) = self.axis.and_then(|axis| place.moved(axis)) {
            let axis = Some(axis);
            return b.along(Self { axis, ..*self }, x, shape);
        }
        let sums = matches!(self.reduction, Reduction::Sum | Reduction::Mean);
        if b.repeated(x.value) || !sums {
            return None;
        }
        let value = match self.axis {
            None => b.push(*self, vec![x.value], shape.to_vec()),
            Some(axis) => {
                // First over the rows of a sample, then over the samples.
                let rows = b.operand(x, place, true)?;
                let mut whole = Batching::whole(shape, place, b.samples(), 1);
                let along = |axis| Self {
                    axis: Some(axis),
                    ..*self
                };
                let one = b.push(along(axis + 1), vec![rows], whole.clone());
                whole[0] = 1;
                let sum = b.push(along(0), vec![one], whole);
                b.view(sum, shape)
            }
        };
        Some(Placed {
            value,
            shape: shape.to_vec(),
            place: None,
        })
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        match self.reduction {
            Reduction::Sum | Reduction::Mean => Linearity::Linear,
            _ => Linearity::None,
        }
    }

    /// Sums, means and extrema do not know the order of what they reduce; the place of an extremum is
    /// that order.
    fn units(&self, ties: &mut Ties) {
        let place = matches!(self.reduction, Reduction::ArgMax | Reduction::ArgMin);
        for axis in 0..ties.shape(Port::Input(0)).len() {
            match self.axis.is_none_or(|reduced| reduced == axis) {
                true if place => ties.pin(Port::Input(0), axis),
                true => {}
                false => ties.tie((Port::Input(0), axis), (Port::Output, axis)),
            }
        }
    }

    fn host(&self, call: HostCall) {
        let x = call.inputs[0];
        let lanes = if x.samples { call.lanes } else { 1 };
        let rows = x.rows();
        let (before, length, after) = match self.axis {
            Some(0) if x.samples => (rows.iter().product(), 1, 1),
            Some(axis) => around(rows, axis - usize::from(x.samples)),
            None => (1, rows.iter().product(), 1),
        };
        if x.samples {
            let stride = after * lanes;
            for b in 0..before {
                for a in 0..after {
                    let start = (b * length * after + a) * lanes;
                    let x = &x.data[start..start + (length - 1) * stride + lanes];
                    let out = &mut call.out[(b * after + a) * lanes..][..lanes];
                    let reduction = self.reduction;
                    run(
                        call.level,
                        RowsByLane {
                            reduction,
                            x,
                            out,
                            length,
                            stride,
                        },
                    );
                }
            }
            return;
        }
        let sizes = [before, length, after];
        match self.reduction {
            Reduction::Sum => sums(call.level, x.data, call.out, sizes, 1.0),
            Reduction::Mean => sums(call.level, x.data, call.out, sizes, length as f64),
            reduction => by_sixteen(call.level, (x.data, call.out), sizes, 1, |x, out| {
                let rows = RowsByLane {
                    reduction,
                    x,
                    out: &mut out[..LANES],
                    length,
                    stride: LANES,
                };
                run(call.level, rows);
            }),
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let x = call.inputs[0].clone();
        match self.axis {
            Some(0) if call.samples => x,
            Some(axis) => self.along(x, axis + 1),
            None => {
                // Everything but the points and, where there are samples, the samples.
                let dims = replay::dims(&x);
                let kept = if call.samples { 2 } else { 1 };
                let mut shape = dims[..kept].to_vec();
                shape.push(dims[kept..].iter().product());
                self.along(replay::reshape(x, &shape), kept)
            }
        }
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        let tangent = tangents[0]?;
        match self.reduction {
            Reduction::Sum | Reduction::Mean => d.multilinear(self, node, tangents, &[0]),
            Reduction::Max | Reduction::Min => {
                let share = self.share(d, node)?;
                let moved = d.mul(share, tangent);
                let sum = Self {
                    reduction: Reduction::Sum,
                    axis: self.axis,
                };
                let shape = d.shape(node.output);
                Some(d.push(sum, &[moved], shape))
            }
            Reduction::ArgMax | Reduction::ArgMin => None,
        }
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        _: &[bool],
    ) -> Vec<Option<ValueId>> {
        let x = node.inputs[0];
        let rank = d.shape(x).len();
        let adjoint = match self.axis {
            Some(_) => adjoint,
            None => d.reshape(adjoint, &vec![1; rank]),
        };
        vec![match self.reduction {
            Reduction::Sum => Some(d.spread(adjoint, x, 1.0)),
            Reduction::Mean => {
                let shape = d.shape(x);
                let n: usize = self.axis.map_or(shape.iter().product(), |axis| shape[axis]);
                Some(d.spread(adjoint, x, 1.0 / n as f64))
            }
            Reduction::Max | Reduction::Min => {
                let share = self.share(d, node);
                share.map(|share| d.mul(share, adjoint))
            }
            Reduction::ArgMax | Reduction::ArgMin => None,
        }]
    }
}

impl Reduce {
    /// The derivative of a maximum or minimum: 1 at the extreme element, shared where several are
    /// equal (as PyTorch's `amax`).
    fn share(&self, d: &mut Derivation, node: &Node) -> Option<ValueId> {
        let x = node.inputs[0];
        let Some(axis) = self.axis else {
            d.lacks(self.name());
            return None;
        };
        let at = d.binary(Binary::Equal, x, node.output);
        let count = d.sum_along(at, axis);
        Some(d.binary(Binary::Div, at, count))
    }

    fn along(&self, x: DeviceTensor, dim: usize) -> DeviceTensor {
        match self.reduction {
            Reduction::Sum => Replay::float_sum_dim(x, dim),
            Reduction::Mean => Replay::float_mean_dim(x, dim),
            Reduction::Max => Replay::float_max_dim(x, dim),
            Reduction::Min => Replay::float_min_dim(x, dim),
            Reduction::ArgMax => replay::index(x, |x, t| Replay::float_argmax(x, dim, t)),
            Reduction::ArgMin => replay::index(x, |x, t| Replay::float_argmin(x, dim, t)),
        }
    }
}

/// The sum over the samples and all axes but `axis`: the adjoint of a bias. Made by derivatives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SumBut {
    /// The axis that stays, of the whole shape; not that of the samples.
    pub axis: usize,
}

impl Operation for SumBut {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn samples(&self, _: &[Operand], _: &[usize]) -> Samples {
        Samples::Summed
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn host(&self, call: HostCall) {
        let x = call.inputs[0];
        let (_, length, after) = around(x.rows(), self.axis - 1);
        for x in x.data.chunks_exact(length * after * call.lanes) {
            bias_gradient(call.level, x, call.out);
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let x = call.inputs[0].clone();
        let dims = replay::dims(&x);
        let (before, length, after) = around(&dims[1..], self.axis);
        let x = replay::reshape(x, &[dims[0], before, length, after]);
        let sum = Replay::float_sum_dim(Replay::float_sum_dim(x, 3), 1);
        let mut shape = vec![dims[0]];
        shape.extend_from_slice(call.shape);
        replay::reshape(sum, &shape)
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.multilinear(self, node, tangents, &[0])
    }
}

/// `out[b][a] = sum_i x[b][i][a] / by`, in f64.
fn sums(level: Level, x: &[f32], out: &mut [f32], [before, length, after]: [usize; 3], by: f64) {
    const CHUNK: usize = 64;
    for b in 0..before {
        let (x, out) = (&x[b * length * after..], &mut out[b * after..][..after]);
        if after == 1 {
            out[0] = (moments(level, &x[..length], false).0 / by) as f32;
            continue;
        }
        for (chunk, out) in out.chunks_mut(CHUNK).enumerate() {
            let mut sums = [0.0f64; CHUNK];
            for i in 0..length {
                let x = &x[i * after + chunk * CHUNK..][..out.len()];
                let pairs = sums.iter_mut().zip(x);
                pairs.for_each(|(sum, &x)| *sum += f64::from(x));
            }
            out.iter_mut()
                .zip(sums)
                .for_each(|(out, sum)| *out = (sum / by) as f32);
        }
    }
}
