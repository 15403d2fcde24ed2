//! Choosing elements along an axis by index.

use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, around};
use crate::ir::batching::{Batching, Placed};
use crate::ir::derivation::Derivation;
use crate::ir::graph::{Node, ValueId};
use crate::replay::{self, DeviceTensor};

/// `out[.., i, ..] = x[.., index[.., i, ..], ..]` along `axis`; all other axes are equal in length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gather {
    /// The axis, of the whole shape.
    pub axis: usize,
}

impl Operation for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        if self.axis > 0 && inputs.iter().all(|i| i.samples) {
            Samples::Kept
        } else {
            Samples::Mixed
        }
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        batched(b, inputs, (self.axis, shape), |axis| Self { axis })
    }

    fn linearity(&self, inputs: &[Operand]) -> Linearity {
        if inputs[1].varies {
            Linearity::None
        } else {
            Linearity::Linear
        }
    }

    fn host(&self, call: HostCall) {
        let [x, index] = [call.inputs[0], call.inputs[1]];
        let lanes = if call.samples { call.lanes } else { 1 };
        let axis = self.axis - usize::from(call.samples);
        let (before, length, after) = around(call.rows(), axis);
        let from = x.rows()[axis];
        for b in 0..before {
            for i in 0..length {
                for a in 0..after {
                    let row = (b * length + i) * after + a;
                    for s in 0..lanes {
                        let chosen = index.data[row * lanes + s];
                        // An index outside is a value that is not there.
                        let valid = chosen >= 0.0 && chosen < from as f32;
                        call.out[row * lanes + s] = match valid {
                            true => x.data[((b * from + chosen as usize) * after + a) * lanes + s],
                            false => f32::NAN,
                        };
                    }
                }
            }
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        replay::gather(
            self.axis + 1,
            call.inputs[0].clone(),
            call.inputs[1].clone(),
        )
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
        let scattered = Scatter { axis: self.axis };
        vec![
            Some(d.push(scattered, &[adjoint, node.inputs[1]], shape)),
            None,
        ]
    }
}

/// The adjoint of [`Gather`]: zeros, to which every element is added where it was chosen. Inputs: the elements,
/// and the index. Made by derivatives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scatter {
    /// The axis, of the whole shape.
    pub axis: usize,
}

impl Operation for Scatter {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        if self.axis > 0 && inputs.iter().all(|i| i.samples) {
            Samples::Kept
        } else {
            Samples::Mixed
        }
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        batched(b, inputs, (self.axis, shape), |axis| Self { axis })
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn host(&self, call: HostCall) {
        let [x, index] = [call.inputs[0], call.inputs[1]];
        let lanes = if call.samples { call.lanes } else { 1 };
        let axis = self.axis - usize::from(call.samples);
        let (before, length, after) = around(x.rows(), axis);
        let to = call.rows()[axis];
        call.out.fill(0.0);
        for b in 0..before {
            for i in 0..length {
                for a in 0..after {
                    let row = (b * length + i) * after + a;
                    for s in 0..lanes {
                        let chosen = index.data[row * lanes + s];
                        if chosen >= 0.0 && chosen < to as f32 {
                            let at = ((b * to + chosen as usize) * after + a) * lanes + s;
                            call.out[at] += x.data[row * lanes + s];
                        }
                    }
                }
            }
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let shape = call.shape;
        replay::scatter(
            self.axis + 1,
            call.inputs[0].clone(),
            call.inputs[1].clone(),
            shape,
        )
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
        let gather = Gather { axis: self.axis };
        vec![
            Some(d.push(gather, &[adjoint, node.inputs[1]], shape)),
            None,
        ]
    }
}

/// The operation on an element and an index each, along an axis that does not count the samples.
fn batched<T: Operation + 'static>(
    b: &mut Batching,
    inputs: &[Placed],
    (axis, shape): (usize, &[usize]),
    operation: impl Fn(usize) -> T,
) -> Option<Placed> {
    let place = Batching::place(inputs)?;
    let axis = place.moved(axis)?;
    let operands = inputs.iter().map(|p| b.operand(p, place, false));
    let operands: Vec<_> = operands.collect::<Option<_>>()?;
    let lead = b.lead(&operands);
    let mut each = |v| match lead > 1 && b.repeated(v) {
        true => b.spread(v),
        false => v,
    };
    let operands = operands.into_iter().map(&mut each).collect();
    b.made(operation(axis), operands, lead, (place, shape))
}
