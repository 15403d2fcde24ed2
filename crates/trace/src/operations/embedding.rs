//! Rows of a table, chosen by index.

use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples};
use crate::device::{self, DeviceTensor, Replay};
use burn_backend::ops::{FloatTensorOps, ModuleOps};
use burn_backend::{TensorMetadata, get_or_init_device_settings};

/// `out[n, t, ..] = table[index[n, t], ..]`; inputs: table `[entries, width]`, index `[n, t]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Embedding;

impl Operation for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        match (inputs[0].samples, inputs[1].samples) {
            (false, true) => Samples::Kept,
            _ => Samples::Mixed,
        }
    }

    fn linearity(&self, inputs: &[Operand]) -> Linearity {
        match inputs[1].varies {
            true => Linearity::None,
            false => Linearity::Linear,
        }
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn host(&self, call: HostCall) {
        let lanes = if call.samples { call.lanes } else { 1 };
        let [table, index] = [call.inputs[0], call.inputs[1]];
        let (entries, width) = (table.shape[0], table.shape[1]);
        let rows = call.out.chunks_exact_mut(width * lanes);
        for (out, index) in rows.zip(index.data.chunks_exact(lanes)) {
            for (lane, &index) in index.iter().enumerate() {
                // An index outside is a value that is not there.
                let valid = index >= 0.0 && index < entries as f32;
                for i in 0..width {
                    out[i * lanes + lane] = match valid {
                        true => table.data[index as usize * width + i],
                        false => f32::NAN,
                    };
                }
            }
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let inputs = [Some(call.inputs[0].clone()), Some(call.inputs[1].clone())];
        device::each_point(&inputs, |[table, index]| {
            let (table, index) = (table.expect("a table"), index.expect("indices"));
            let int_type = get_or_init_device_settings::<Replay>(&index.device()).int_dtype;
            Replay::embedding(table, Replay::float_into_int(index, int_type))
        })
    }
}
