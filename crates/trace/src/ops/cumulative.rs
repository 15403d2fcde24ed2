//! Sums of everything up to an element, along one axis.

use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, around};
use crate::ir::batching::{Batching, Placed};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::ir::ties::{Port, Ties};
use crate::kernels::elementwise::AddScaled;
use crate::kernels::simd::run;
use crate::replay::{DeviceTensor, Replay};
use burn_backend::ops::FloatTensorOps;

/// `out[.., i, ..] = sum_{j <= i} x[.., j, ..]` along `axis`; from the end where `reversed`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CumulativeSum {
    /// The axis, of the whole shape.
    pub axis: usize,
    /// Whether the sums begin at the end: the adjoint.
    pub reversed: bool,
}

impl Operation for CumulativeSum {
    fn name(&self) -> &'static str {
        "cumsum"
    }

    fn samples(&self, _: &[Operand], _: &[usize]) -> Samples {
        match self.axis {
            0 => Samples::Mixed,
            _ => Samples::Kept,
        }
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        let axis = inputs[0].place?.moved(self.axis)?;
        b.along(Self { axis, ..*self }, &inputs[0], shape)
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::Linear
    }

    /// Along the axis the order matters.
    fn units(&self, ties: &mut Ties) {
        ties.elementwise();
        ties.pin(Port::Output, self.axis);
    }

    fn host(&self, call: HostCall) {
        let x = call.inputs[0];
        let lanes = if call.samples { call.lanes } else { 1 };
        let axis = self.axis - usize::from(call.samples);
        let (before, length, after) = around(x.rows(), axis);
        let span = after * lanes;
        call.out.copy_from_slice(&x.data[..before * length * span]);
        for part in call.out.chunks_exact_mut(length * span) {
            for i in 1..length {
                let (to, from) = match self.reversed {
                    true => (length - 1 - i, length - i),
                    false => (i, i - 1),
                };
                let (head, tail) = part.split_at_mut(to.max(from) * span);
                let (low, high) = (&mut head[to.min(from) * span..], &mut tail[..span]);
                let (x, out) = match self.reversed {
                    true => (&*high, low),
                    false => (&*low, high),
                };
                let out = &mut out[..span];
                run(
                    call.level,
                    AddScaled {
                        x: &x[..span],
                        factor: 1.0,
                        out,
                    },
                );
            }
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let (x, dim) = (call.inputs[0].clone(), self.axis + 1);
        match self.reversed {
            true => {
                let turned = Replay::float_cumsum(Replay::float_flip(x, &[dim]), dim);
                Replay::float_flip(turned, &[dim])
            }
            false => Replay::float_cumsum(x, dim),
        }
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
        _: &Node,
        adjoint: ValueId,
        _: &[bool],
    ) -> Vec<Option<ValueId>> {
        let shape = d.shape(adjoint);
        let back = Self {
            reversed: !self.reversed,
            ..*self
        };
        vec![Some(d.push(back, &[adjoint], shape))]
    }
}
