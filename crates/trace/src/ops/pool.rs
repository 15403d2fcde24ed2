//! Pooling over windows of an image: maximum, average, and averages to a given size.

use super::pool_gradient::{MaxPick, PoolSpread};
use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples};
use crate::ir::batching::{Batching, Placed};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::ir::ties::{Port, Ties};
use crate::kernels::pool::{Channel, Span};
use crate::kernels::simd::run;
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::ops::ModuleOps;

/// What is computed of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pooling {
    /// The largest value; positions outside the image do not count.
    Max { dilation: [usize; 2] },
    /// The mean; `padded`: positions in the padding count as zeros.
    Average { padded: bool },
    /// The mean over parts of nearly equal size; kernel, stride and padding are not used.
    Adaptive,
}

/// Pooling of `[n, channels, height, width]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool2d {
    pub pooling: Pooling,
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub padding: [usize; 2],
    /// Whether a last window that begins inside the image (or its padding before) is kept.
    pub ceil: bool,
}

impl Operation for Pool2d {
    fn name(&self) -> &'static str {
        match self.pooling {
            Pooling::Max { .. } => "max_pool2d",
            Pooling::Average { .. } => "avg_pool2d",
            Pooling::Adaptive => "adaptive_avg_pool2d",
        }
    }

    fn samples(&self, _: &[Operand], _: &[usize]) -> Samples {
        Samples::Kept
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        b.side_by_side(inputs, shape, |_| *self)
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        match self.pooling {
            Pooling::Max { .. } => Linearity::None,
            _ => Linearity::Linear,
        }
    }

    fn units(&self, ties: &mut Ties) {
        ties.tie((Port::Input(0), 0), (Port::Output, 0));
        ties.tie((Port::Input(0), 1), (Port::Output, 1));
        for axis in [2, 3] {
            ties.pin(Port::Input(0), axis);
            ties.pin(Port::Output, axis);
        }
    }

    fn host(&self, call: HostCall) {
        let lanes = if call.samples { call.lanes } else { 1 };
        let rank = call.shape.len();
        let size = [0, 1].map(|i| call.inputs[0].shape[rank - 2 + i]);
        let out_size = [call.shape[rank - 2], call.shape[rank - 1]];
        let channels = call.out.len() / (out_size[0] * out_size[1] * lanes);
        let windows = [0, 1].map(|axis| {
            let spans = (0..out_size[axis]).map(|o| self.span(axis, o, size[axis], out_size[axis]));
            spans.collect::<Vec<_>>()
        });
        let pixels = size[0] * size[1] * lanes;
        let x = call.inputs[0].data[..channels * pixels].chunks_exact(pixels);
        let out = call.out.chunks_exact_mut(out_size[0] * out_size[1] * lanes);
        for (x, out) in x.zip(out) {
            let channel = Channel {
                x,
                width: size[1],
                windows: [&windows[0], &windows[1]],
                max: matches!(self.pooling, Pooling::Max { .. }),
                lanes,
                out,
            };
            if lanes == 1 {
                channel.plain();
            } else {
                run(call.level, channel);
            }
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let points = replay::dims(&call.inputs[0])[0];
        let x = replay::join(call.inputs[0].clone());
        let (kernel, stride, padding) = (self.kernel, self.stride, self.padding);
        let out = match self.pooling {
            Pooling::Max { dilation } => {
                Replay::max_pool2d(x, kernel, stride, padding, dilation, self.ceil)
            }
            Pooling::Average { padded } => {
                Replay::avg_pool2d(x, kernel, stride, padding, padded, self.ceil)
            }
            Pooling::Adaptive => {
                let rank = call.shape.len();
                Replay::adaptive_avg_pool2d(x, [call.shape[rank - 2], call.shape[rank - 1]])
            }
        };
        replay::split(out, points)
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        match self.pooling {
            Pooling::Max { .. } => {
                let shape = d.shape(node.output);
                let pick = MaxPick { pool: *self };
                Some(d.push(pick, &[node.inputs[0], tangents[0]?], shape))
            }
            _ => d.multilinear(self, node, tangents, &[0]),
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
        let shape = d.shape(x);
        let spread = PoolSpread { pool: *self };
        vec![Some(match self.pooling {
            Pooling::Max { .. } => d.push(spread, &[adjoint, x], shape),
            _ => d.push(spread, &[adjoint], shape),
        })]
    }
}

impl Pool2d {
    pub(super) fn span(&self, axis: usize, o: usize, size: usize, out: usize) -> Span {
        if self.pooling == Pooling::Adaptive {
            let range = o * size / out..((o + 1) * size).div_ceil(out);
            return Span::of(range.clone(), range.len());
        }
        let (kernel, pad) = (self.kernel[axis], self.padding[axis]);
        let start = o * self.stride[axis];
        if let Pooling::Max { dilation } = self.pooling {
            let step = dilation[axis];
            let first = pad.saturating_sub(start).div_ceil(step);
            let last = (size + pad)
                .saturating_sub(start)
                .div_ceil(step)
                .min(kernel);
            return Span {
                start: start + first * step - pad,
                step,
                count: last.saturating_sub(first),
                length: kernel,
            };
        }
        // As PyTorch: a window that leaves the padded image is cut before it is counted.
        let end = (start + kernel).min(size + 2 * pad);
        let inside = start.saturating_sub(pad)..(end.saturating_sub(pad)).min(size);
        let padded = self.pooling == Pooling::Average { padded: true };
        let length = if padded {
            end.saturating_sub(start)
        } else {
            inside.len()
        };
        // As Burn: a window that meets nothing has the mean 0.
        Span::of(inside, length.max(1))
    }
}
