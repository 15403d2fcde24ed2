//! Normalisation of every sample by its own mean and variance along the last axis.

use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples};
use crate::ir::batching::{Batching, Placed};
use crate::ir::ties::Ties;
use crate::kernels::norm::RowNorm;
use crate::kernels::simd::run;
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::ops::FloatTensorOps;

/// `gamma (x - mean) / sqrt(variance + epsilon) + beta` along the last axis, variance divided by the
/// axis' length (Ba et al. 2016); inputs: x, gamma, and beta where there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LayerNorm {
    pub epsilon: f64,
}

impl Operation for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn samples(&self, inputs: &[Operand], shape: &[usize]) -> Samples {
        let parameters = inputs[1..].iter().any(|i| i.samples);
        match inputs[0].samples && !parameters && shape.len() > 1 {
            true => Samples::Kept,
            false => Samples::Mixed,
        }
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        let place = inputs[0].place.filter(|p| p.axis + 1 < shape.len())?;
        if inputs[1..].iter().any(|p| p.place.is_some()) {
            return None;
        }
        let values: Vec<_> = inputs.iter().map(|p| p.value).collect();
        let lead = b.lead(&values[..1]);
        b.made(*self, values, lead, (place, shape))
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    /// Mean and variance do not know the order of the normalised axis.
    fn units(&self, ties: &mut Ties) {
        ties.elementwise();
    }

    fn host(&self, call: HostCall) {
        let lanes = if call.samples { call.lanes } else { 1 };
        let length = call.inputs[1].data.len().min(call.out.len());
        let beta = call.inputs.get(2).map(|b| b.data);
        let size = length * lanes;
        let x = call.inputs[0].data.chunks_exact(size);
        for (x, out) in x.zip(call.out.chunks_exact_mut(size)) {
            let row = RowNorm {
                x,
                gamma: &call.inputs[1].data[..length],
                beta,
                epsilon: self.epsilon as f32,
                lanes,
                out,
            };
            match lanes {
                1 => row.plain(),
                _ => run(call.level, row),
            }
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let x = call.inputs[0].clone();
        let last = call.shape.len();
        let along = |t: &DeviceTensor| {
            let mut shape = vec![1; last + 1];
            shape[0] = replay::dims(t)[0];
            shape[last] = call.shape[last - 1];
            replay::reshape(t.clone(), &shape)
        };
        let centred = Replay::float_sub(x.clone(), Replay::float_mean_dim(x, last));
        let squares = Replay::float_mul(centred.clone(), centred.clone());
        let variance = Replay::float_mean_dim(squares, last);
        let root = Replay::float_sqrt(Replay::float_add_scalar(variance, self.epsilon.into()));
        let scaled = Replay::float_mul(Replay::float_div(centred, root), along(&call.inputs[1]));
        match call.inputs.get(2) {
            Some(beta) => Replay::float_add(scaled, along(beta)),
            None => scaled,
        }
    }
}
