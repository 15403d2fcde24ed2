//! Log-softmax followed by the choice of one class: the cross-entropy without the table of all
//! log-probabilities.

use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples};
use crate::kernels::simd::run;
use crate::kernels::softmax::Picked;
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::ops::FloatTensorOps;

/// `out[n] = x[n, y_n] - ln sum_j e^(x[n, j])`, times -1 where `negated`; inputs: x `[n, .., classes]`
/// and labels `[n, .., 1]`. Made by fusion, see [`crate::passes::fuse`]; both inputs have samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PickedLogSoftmax {
    /// Whether the sign is changed, as in a loss.
    pub negated: bool,
}

impl Operation for PickedLogSoftmax {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        if inputs.iter().all(|i| i.samples) {
            Samples::Kept
        } else {
            Samples::Mixed
        }
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn host(&self, call: HostCall) {
        let [x, labels] = [call.inputs[0], call.inputs[1]];
        let classes = x.shape[x.shape.len() - 1];
        let lanes = call.lanes;
        let rows = x.data.chunks_exact(classes * lanes);
        let labels = labels.data.chunks_exact(lanes);
        for ((x, labels), out) in rows.zip(labels).zip(call.out.chunks_exact_mut(lanes)) {
            run(
                call.level,
                Picked {
                    x,
                    labels,
                    out,
                    classes,
                    lanes,
                    negated: self.negated,
                },
            );
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        // As on the host: the 1 of the maximum is left out of the sum.
        let x = call.inputs[0].clone();
        let last = replay::dims(&x).len() - 1;
        let d = Replay::float_sub(x.clone(), Replay::float_max_dim(x, last));
        let is_max = replay::compare(d.clone(), |d, t| Replay::float_equal_elem(d, 0.0.into(), t));
        let others = Replay::float_sub(Replay::float_exp(d.clone()), is_max.clone());
        let ties = Replay::float_add_scalar(Replay::float_sum_dim(is_max, last), (-1.0).into());
        let rest = Replay::float_add(Replay::float_sum_dim(others, last), ties);
        let chosen = replay::gather(last, d, call.inputs[1].clone());
        let picked = Replay::float_sub(chosen, replay::log1p(rest));
        if self.negated {
            Replay::float_neg(picked)
        } else {
            picked
        }
    }
}
