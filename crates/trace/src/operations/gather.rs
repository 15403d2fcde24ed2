//! Choosing elements along an axis by index.

use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, around};
use crate::device::{self, DeviceTensor};

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

    fn linearity(&self, inputs: &[Operand]) -> Linearity {
        if inputs[1].varies {
            Linearity::None
        } else {
            Linearity::Linear
        }
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
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
                        let at = ((b * from + chosen as usize) * after + a) * lanes + s;
                        call.out[row * lanes + s] = if valid { x.data[at] } else { f32::NAN };
                    }
                }
            }
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        device::gather(
            self.axis + 1,
            call.inputs[0].clone(),
            call.inputs[1].clone(),
        )
    }
}
