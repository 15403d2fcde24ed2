//! Softmax and log-softmax along an axis.

use super::unary::Unary;
use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, around};
use crate::ir::batching::{Batching, Placed};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::ir::ties::Ties;
use crate::kernels::by_sixteen::by_sixteen;
use crate::kernels::simd::{LANES, run};
use crate::kernels::softmax::SoftmaxRows;
use crate::replay::{DeviceTensor, Replay};
use burn_backend::ops::ActivationOps;

/// `softmax(x)_i = e^(x_i - m) / sum_j e^(x_j - m)`, `m = max_j x_j`; `log`: its logarithm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Softmax {
    /// The axis, of the whole shape.
    pub axis: usize,
    /// Whether the logarithm is taken.
    pub log: bool,
}

impl Operation for Softmax {
    fn name(&self) -> &'static str {
        if self.log { "log_softmax" } else { "softmax" }
    }

    fn samples(&self, _: &[Operand], _: &[usize]) -> Samples {
        if self.axis == 0 {
            Samples::Mixed
        } else {
            Samples::Kept
        }
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        let axis = inputs[0].place?.moved(self.axis)?;
        b.along(Self { axis, ..*self }, &inputs[0], shape)
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn units(&self, ties: &mut Ties) {
        ties.elementwise();
    }

    fn host(&self, call: HostCall) {
        let axis = self.axis - usize::from(call.samples);
        let (before, length, after) = around(call.rows(), axis);
        let x = call.inputs[0].data;
        if call.samples {
            let lanes = call.lanes;
            for b in 0..before {
                for a in 0..after {
                    let start = (b * length * after + a) * lanes;
                    let stride = after * lanes;
                    let end = start + (length - 1) * stride + lanes;
                    let (x, out) = (&x[start..end], &mut call.out[start..end]);
                    run(
                        call.level,
                        SoftmaxRows {
                            x,
                            out,
                            length,
                            stride,
                            lanes,
                            log: self.log,
                        },
                    );
                }
            }
        } else {
            let kernel = |x: &[f32], out: &mut [f32]| {
                let rows = SoftmaxRows {
                    x,
                    out,
                    length,
                    stride: LANES,
                    lanes: LANES,
                    log: self.log,
                };
                run(call.level, rows);
            };
            let sizes = [before, length, after];
            by_sixteen(call.level, (x, call.out), sizes, length, kernel);
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let x = call.inputs[0].clone();
        if self.log {
            Replay::log_softmax(x, self.axis + 1)
        } else {
            Replay::softmax(x, self.axis + 1)
        }
    }

    fn tangent(
        &self,
        d: &mut Derivation,
        node: &Node,
        tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        Some(self.jacobian(d, node, tangents[0]?, false))
    }

    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        adjoint: ValueId,
        _: &[bool],
    ) -> Vec<Option<ValueId>> {
        vec![Some(self.jacobian(d, node, adjoint, true))]
    }
}

impl Softmax {
    /// The Jacobian times `v`, or its transpose: `p (v - sum p v)` both ways for the softmax `p`;
    /// `v - sum p v`, and transposed `v - p sum v`, for its logarithm.
    fn jacobian(&self, d: &mut Derivation, node: &Node, v: ValueId, transposed: bool) -> ValueId {
        let p = match self.log {
            true => d.unary(Unary::Exp, node.output),
            false => node.output,
        };
        if self.log && transposed {
            let sum = d.sum_along(v, self.axis);
            let part = d.mul(p, sum);
            return d.sub(v, part);
        }
        let product = d.mul(p, v);
        let sum = d.sum_along(product, self.axis);
        match self.log {
            true => d.sub(v, sum),
            false => {
                let part = d.mul(p, sum);
                d.sub(product, part)
            }
        }
    }
}
