//! Normalisation with given statistics, and how it is folded into the convolution before it.

use super::{DeviceCall, HostCall, Linearity, Operand, Operation, Samples, around};
use crate::ir::batching::{Batching, Placed};
use crate::ir::ties::{Port, Ties};
use crate::kernels::norm::{ChannelMoments, Scaled};
use crate::kernels::simd::run;
use crate::replay::{self, DeviceTensor, Replay};
use burn_backend::Slice;
use burn_backend::ops::{ActivationOps, FloatTensorOps};

/// `act(gamma (x - mean) / sqrt(variance + epsilon) + beta)` for each channel (axis 1); inputs: x,
/// gamma, beta, mean, variance. The ReLU comes from fusion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchNorm {
    pub epsilon: f64,
    pub relu: bool,
    /// The share of a batch in the running statistics after it, in training.
    pub momentum: f64,
}

/// `w gamma / sqrt(variance + epsilon)`, output channel by output channel (axis 0 of w): the weights
/// of a convolution with the normalisation after it. Inputs: w, gamma, variance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FoldScale {
    pub epsilon: f64,
    /// Whether the outputs are the last axis of w instead, as of transformed weights; not on devices.
    pub last: bool,
}

/// `beta + (bias - mean) gamma / sqrt(variance + epsilon)`: its bias. Inputs: gamma, beta, mean,
/// variance, and the bias where the convolution has one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FoldShift {
    pub epsilon: f64,
}

/// `gamma / sqrt(variance + epsilon)`
fn scale(gamma: f32, variance: f32, epsilon: f64) -> f32 {
    (f64::from(gamma) / (f64::from(variance) + epsilon).sqrt()) as f32
}

/// The same on a device, of values `[points, channels]`.
fn scale_on_device(gamma: &DeviceTensor, variance: &DeviceTensor, epsilon: f64) -> DeviceTensor {
    let shifted = Replay::float_add_scalar(variance.clone(), epsilon.into());
    let (gamma, root) = replay::broadcast(gamma.clone(), Replay::float_sqrt(shifted));
    Replay::float_div(gamma, root)
}

impl Operation for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        match inputs[0].samples && inputs[1..].iter().all(|i| !i.samples) {
            true => Samples::Kept,
            false => Samples::Mixed,
        }
    }

    fn batched(&self, b: &mut Batching, inputs: &[Placed], shape: &[usize]) -> Option<Placed> {
        let (x, statistics) = inputs.split_first()?;
        let place = x.place?;
        if statistics.iter().any(|p| p.place.is_some()) {
            return None;
        }
        // Channels after the samples, whatever else is there behind them.
        let channels = place.moved(1)?;
        let lead = b.lead(&[x.value]);
        let stored = Batching::stored(shape, place, lead);
        let rest = (1..stored.len()).filter(|&axis| axis != channels);
        let axes: Vec<usize> = [0, channels].into_iter().chain(rest).collect();
        let front = b.permute(x.value, &axes);
        let moved: Vec<usize> = axes.iter().map(|&axis| stored[axis]).collect();
        let flat = vec![lead, moved[1], moved[2..].iter().product()];
        let mut values = vec![b.view(front, &flat)];
        values.extend(statistics.iter().map(|p| p.value));
        let out = b.push(*self, values, flat);
        let out = b.view(out, &moved);
        let back: Vec<usize> = (0..axes.len())
            .filter_map(|axis| axes.iter().position(|&a| a == axis))
            .collect();
        let out = b.permute(out, &back);
        b.placed(out, place, shape)
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn units(&self, ties: &mut Ties) {
        ties.align(Port::Input(0));
        for statistic in 1..ties.inputs() {
            ties.tie((Port::Input(statistic), 0), (Port::Output, 1));
        }
    }

    fn host(&self, call: HostCall) {
        let axis = 1 - usize::from(call.samples);
        let lanes = if call.samples { call.lanes } else { 1 };
        let (before, channels, after) = around(call.rows(), axis);
        let [gamma, beta, mean, variance] = [1, 2, 3, 4].map(|i| call.inputs[i].data);
        let size = after * lanes;
        for b in 0..before {
            for c in 0..channels {
                let factor = scale(gamma[c], variance[c], self.epsilon);
                let at = (b * channels + c) * size;
                let scaled = Scaled {
                    x: &call.inputs[0].data[at..at + size],
                    factor,
                    // In f64: mean and shift may cancel.
                    shift: (f64::from(beta[c]) - f64::from(mean[c]) * f64::from(factor)) as f32,
                    relu: self.relu,
                    out: &mut call.out[at..at + size],
                };
                run(call.level, scaled);
            }
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let [gamma, beta, mean, variance] = [1, 2, 3, 4].map(|i| &call.inputs[i]);
        let along = |t: DeviceTensor| {
            let mut shape = vec![1; call.shape.len() + 1];
            shape[0] = replay::dims(&t)[0];
            shape[2] = call.shape[1];
            replay::reshape(t, &shape)
        };
        let factor = scale_on_device(gamma, variance, self.epsilon);
        let centred = Replay::float_sub(call.inputs[0].clone(), along(mean.clone()));
        let scaled = Replay::float_mul(centred, along(factor));
        let out = Replay::float_add(scaled, along(beta.clone()));
        if self.relu { Replay::relu(out) } else { out }
    }
}

/// Mean over the samples and pixels of `x - shift` and of `(x - shift)^2`, channel by channel:
/// `[2, channels]`. Inputs: x, and shift, near the mean, so that the difference of both does not cancel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments;

/// The mean of x from its [`Moments`] and their shift.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MomentMean;

/// The variance of x from its [`Moments`], times a factor (`n / (n - 1)` for the unbiased estimate).
#[derive(Clone, Copy, Debug)]
pub(crate) struct MomentVariance {
    pub factor: f64,
}

impl Operation for Moments {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn samples(&self, inputs: &[Operand], _: &[usize]) -> Samples {
        match (inputs[0].samples, inputs[1].samples) {
            (true, false) => Samples::Reduced { mean: true },
            _ => Samples::Mixed,
        }
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn units(&self, ties: &mut Ties) {
        ties.tie((Port::Input(0), 1), (Port::Output, 1));
        ties.tie((Port::Input(1), 0), (Port::Output, 1));
        ties.pin(Port::Output, 0);
    }

    fn host(&self, call: HostCall) {
        let (x, shift) = (call.inputs[0], call.inputs[1].data);
        let channels = shift.len();
        if x.samples {
            let size = x.data.len() / channels;
            let (means, squares) = call.out.split_at_mut(channels * call.lanes);
            let means = means.chunks_mut(call.lanes);
            let squares = squares.chunks_mut(call.lanes);
            for (c, (mean, square)) in means.zip(squares).enumerate() {
                let channel = ChannelMoments {
                    x: &x.data[c * size..(c + 1) * size],
                    shift: shift[c],
                    mean,
                    square,
                };
                run(call.level, channel);
            }
            return;
        }
        let (samples, pixels) = (x.shape[0], x.shape[2..].iter().product::<usize>());
        for (c, &shift) in shift.iter().enumerate() {
            let rows = (0..samples).map(|n| &x.data[(n * channels + c) * pixels..][..pixels]);
            let (mut sum, mut squares) = (0.0, 0.0);
            for d in rows.flatten().map(|&x| f64::from(x) - f64::from(shift)) {
                sum += d;
                squares += d * d;
            }
            let n = (samples * pixels) as f64;
            call.out[c] = (sum / n) as f32;
            call.out[channels + c] = (squares / n) as f32;
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        // `[points, n, channels, pixels]`; without a sample axis of its own, n is axis 0 of x.
        let shape = replay::dims(&call.inputs[0]);
        let pixels = shape[3..].iter().product();
        let x = replay::reshape(
            call.inputs[0].clone(),
            &[shape[0], shape[1], shape[2], pixels],
        );
        let shift = &call.inputs[1];
        let points = replay::dims(shift)[0];
        let shift = replay::reshape(shift.clone(), &[points, 1, shape[2], 1]);
        let d = Replay::float_sub(x, shift);
        let mean = |t: DeviceTensor| {
            let t = Replay::float_mean_dim(t, 3);
            match call.samples {
                true => t,
                false => Replay::float_mean_dim(t, 1),
            }
        };
        let both = vec![mean(d.clone()), mean(Replay::float_mul(d.clone(), d))];
        let both = Replay::float_cat(both, 3);
        let own = replay::dims(&both);
        let swapped = Replay::float_swap_dims(both, 2, 3);
        match call.samples {
            true => replay::reshape(swapped, &[own[0], own[1], 2, own[2]]),
            false => replay::reshape(swapped, &[own[0], 2, own[2]]),
        }
    }
}

impl Operation for MomentMean {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn samples(&self, _: &[Operand], _: &[usize]) -> Samples {
        Samples::Mixed
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn units(&self, ties: &mut Ties) {
        ties.tie((Port::Input(0), 1), (Port::Output, 0));
        ties.tie((Port::Input(1), 0), (Port::Output, 0));
    }

    fn host(&self, call: HostCall) {
        let [moments, shift] = [call.inputs[0].data, call.inputs[1].data];
        for (out, (mean, shift)) in call.out.iter_mut().zip(moments.iter().zip(shift)) {
            *out = mean + shift;
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let mean = moment(&call.inputs[0], 0);
        Replay::float_add(mean, call.inputs[1].clone())
    }
}

impl Operation for MomentVariance {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn samples(&self, _: &[Operand], _: &[usize]) -> Samples {
        Samples::Mixed
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn units(&self, ties: &mut Ties) {
        ties.tie((Port::Input(0), 1), (Port::Output, 0));
    }

    fn host(&self, call: HostCall) {
        let (means, squares) = call.inputs[0].data.split_at(call.out.len());
        for (out, (&mean, &square)) in call.out.iter_mut().zip(means.iter().zip(squares)) {
            let variance = f64::from(square) - f64::from(mean) * f64::from(mean);
            // Rounding may leave a little below 0; NaN stays NaN.
            let variance = if variance < 0.0 { 0.0 } else { variance };
            *out = (variance * self.factor) as f32;
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let (mean, square) = (moment(&call.inputs[0], 0), moment(&call.inputs[0], 1));
        let variance = Replay::float_sub(square, Replay::float_mul(mean.clone(), mean));
        let variance = Replay::float_clamp_min(variance, 0.0.into());
        Replay::float_mul_scalar(variance, self.factor.into())
    }
}

/// Row `i` of moments `[points, 2, channels]`.
fn moment(moments: &DeviceTensor, i: isize) -> DeviceTensor {
    let whole = Slice::new(0, None, 1);
    let row = Replay::float_slice(
        moments.clone(),
        &[whole, Slice::new(i, Some(i + 1), 1), whole],
    );
    let shape = replay::dims(&row);
    replay::reshape(row, &[shape[0], shape[2]])
}

impl Operation for FoldScale {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn samples(&self, _: &[Operand], _: &[usize]) -> Samples {
        Samples::Mixed
    }

    fn linearity(&self, inputs: &[Operand]) -> Linearity {
        match (inputs[1].varies, inputs[2].varies) {
            (false, false) => Linearity::Linear,
            _ => Linearity::None,
        }
    }

    fn host(&self, call: HostCall) {
        let [w, gamma, variance] = [0, 1, 2].map(|i| call.inputs[i].data);
        let channels = gamma.iter().zip(variance);
        let factors = channels.map(|(&gamma, &variance)| scale(gamma, variance, self.epsilon));
        if self.last {
            let factors: Vec<f32> = factors.collect();
            let rows = call.out.chunks_mut(factors.len());
            for (out, w) in rows.zip(w.chunks(factors.len())) {
                let numbers = out.iter_mut().zip(w).zip(&factors);
                numbers.for_each(|((out, w), factor)| *out = w * factor);
            }
            return;
        }
        let size = call.shape[1..].iter().product::<usize>();
        let rows = call.out.chunks_mut(size).zip(w.chunks(size));
        for ((out, w), factor) in rows.zip(factors) {
            out.iter_mut().zip(w).for_each(|(out, w)| *out = w * factor);
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        assert!(!self.last, "transformed weights are for the host executor");
        let factor = scale_on_device(&call.inputs[1], &call.inputs[2], self.epsilon);
        let mut shape = vec![1; call.shape.len() + 1];
        shape[0] = replay::dims(&factor)[0];
        shape[1] = call.shape[0];
        Replay::float_mul(call.inputs[0].clone(), replay::reshape(factor, &shape))
    }
}

impl Operation for FoldShift {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn samples(&self, _: &[Operand], _: &[usize]) -> Samples {
        Samples::Mixed
    }

    fn linearity(&self, _: &[Operand]) -> Linearity {
        Linearity::None
    }

    fn host(&self, call: HostCall) {
        let [gamma, beta, mean, variance] = [0, 1, 2, 3].map(|i| call.inputs[i].data);
        for (o, out) in call.out.iter_mut().enumerate() {
            let factor = f64::from(scale(gamma[o], variance[o], self.epsilon));
            let bias = call.inputs.get(4).map_or(0.0, |b| f64::from(b.data[o]));
            *out = (f64::from(beta[o]) + (bias - f64::from(mean[o])) * factor) as f32;
        }
    }

    fn device(&self, call: DeviceCall) -> DeviceTensor {
        let [gamma, beta, mean, variance] = [0, 1, 2, 3].map(|i| &call.inputs[i]);
        let factor = scale_on_device(gamma, variance, self.epsilon);
        let offset = match call.inputs.get(4) {
            Some(bias) => Replay::float_sub(bias.clone(), mean.clone()),
            None => Replay::float_neg(mean.clone()),
        };
        Replay::float_add(Replay::float_mul(offset, factor), beta.clone())
    }
}
