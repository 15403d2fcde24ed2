//! Normalisation of every sample by its own mean and variance along the last axis.

use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples};
use crate::device::{self, DeviceTensor, Replay};
use crate::host::simd::{Kernel, LANES, Simd, run};
use crate::units::Ties;
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

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
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
            let row = Row {
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
            shape[0] = device::dims(t)[0];
            shape[last] = call.shape[last - 1];
            device::reshape(t.clone(), &shape)
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

/// One row of values of a tile: `[length][lanes]`.
struct Row<'a> {
    x: &'a [f32],
    gamma: &'a [f32],
    beta: Option<&'a [f32]>,
    epsilon: f32,
    lanes: usize,
    out: &'a mut [f32],
}

impl Row<'_> {
    fn plain(self) {
        let n = self.gamma.len() as f64;
        let mean = self.x.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        let squares = self.x.iter().map(|&x| (f64::from(x) - mean).powi(2));
        let root = (squares.sum::<f64>() / n + f64::from(self.epsilon)).sqrt();
        for (i, (out, &x)) in self.out.iter_mut().zip(self.x).enumerate() {
            let scaled = f64::from(self.gamma[i]) * (f64::from(x) - mean) / root;
            *out = (scaled + self.beta.map_or(0.0, |b| f64::from(b[i]))) as f32;
        }
    }
}

impl Kernel for Row<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (length, lanes) = (self.gamma.len(), self.lanes);
        assert!(lanes.is_multiple_of(LANES));
        assert!(self.x.len() >= length * lanes && self.out.len() >= length * lanes);
        assert!(self.beta.is_none_or(|b| b.len() >= length));
        // SAFETY: the lengths were checked.
        unsafe {
            let share = S::splat(1.0 / length as f32);
            for s in (0..lanes).step_by(LANES) {
                let load = |i: usize| S::load(self.x.as_ptr().add(i * lanes + s));
                let sum = (0..length).fold(S::splat(0.0), |sum, i| S::add(sum, load(i)));
                let mean = S::mul(sum, share);
                let squares = (0..length).fold(S::splat(0.0), |sum, i| {
                    let d = S::sub(load(i), mean);
                    S::fma(d, d, sum)
                });
                let variance = S::fma(squares, share, S::splat(self.epsilon));
                let factor = S::div(S::splat(1.0), S::sqrt(variance));
                for i in 0..length {
                    let scaled = S::mul(
                        S::mul(S::sub(load(i), mean), factor),
                        S::splat(self.gamma[i]),
                    );
                    let shift = S::splat(self.beta.map_or(0.0, |b| b[i]));
                    S::store(
                        self.out.as_mut_ptr().add(i * lanes + s),
                        S::add(scaled, shift),
                    );
                }
            }
        }
    }
}
