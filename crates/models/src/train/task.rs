//! A data set and a loss, on a device, for one network.

use crate::{Dataset, LossKind, ModelSpec, ModelsError, Network, TargetTensor, host};
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use landscape_core::Sample;
use landscape_trace::{BatchStatistics, Loss, Trace, TraceError};

/// Samples that are evaluated at once; bounds the memory of hidden layers, and changes nothing.
const CHUNK: usize = 8192;
/// The same of networks whose hidden layers are images.
const IMAGE_CHUNK: usize = 256;
/// Values that a language model holds at once where it is widest, unless one sample has more.
const TOKEN_VALUES: u64 = 1 << 24;

/// Everything that a training step and an evaluation need, on the device.
pub(super) struct Task {
    loss: LossKind,
    x: Tensor<2>,
    y: TargetTensor,
    device: Device,
}

impl Task {
    /// Checks that network, data and loss fit together and moves the data.
    pub(super) fn new(
        network: &Network,
        data: &Dataset,
        loss: LossKind,
    ) -> Result<Self, ModelsError> {
        let spec = network.spec();
        data.check_inputs(&spec)?;
        let device = network.device();
        Ok(Task {
            loss,
            x: data.inputs(&device),
            y: data.targets(loss, &spec, &device)?,
            device,
        })
    }

    /// Checks that no batch has a single sample where a BatchNorm layer would then measure one value per channel.
    pub(super) fn check_batches(&self, network: &Network, batch: usize) -> Result<(), ModelsError> {
        let samples = self.samples();
        if samples % batch != 1 && batch != 1 {
            return Ok(());
        }
        let flex = Device::flex();
        let one = self.x.clone().slice_dim(0, 0..1).to_device(&flex);
        let trace = Trace::capture(network, &one, |network: &Network, x: &Tensor<2>| {
            Loss::new(network.forward(x.clone()).mean_dim(1).squeeze_dim::<1>(1))
        })?;
        match trace.with_batch_norm(BatchStatistics::Batch) {
            Err(TraceError::OneValue { layer }) => Err(ModelsError::BatchOfOne {
                layer,
                samples,
                batch,
            }),
            other => Ok(other.map(|_| ())?),
        }
    }

    pub(super) fn samples(&self) -> usize {
        self.x.dims()[0]
    }

    /// Mean loss of the samples at the given places, `[1]`, of their inputs as they are or of `changed` ones.
    pub(super) fn batch_loss(
        &self,
        network: &Network,
        places: &[i64],
        changed: Option<Vec<f32>>,
    ) -> Tensor<1> {
        let count = places.len();
        let data = TensorData::new(places.to_vec(), [count]);
        let places = Tensor::<1, Int>::from_data(data, &self.device);
        let x = match changed {
            Some(values) => {
                let shape = [count, values.len() / count];
                Tensor::from_data(TensorData::new(values, shape), &self.device)
            }
            None => self.x.clone().select(0, places.clone()),
        };
        let output = network.forward(x);
        self.loss.per_sample(output, &self.y.select(places)).mean()
    }

    /// Mean loss, its standard error and the accuracy over all samples, summed in f64 in the order
    /// of the samples.
    pub(super) fn evaluate(&self, network: &Network) -> Result<Sample, ModelsError> {
        let network = network.valid();
        let n = self.samples();
        let chunk = chunk(&network.spec());
        let (mut losses, mut counts) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let mut correct = self.loss.has_accuracy().then_some(0);
        for start in (0..n).step_by(chunk) {
            let end = (start + chunk).min(n);
            let output = network.forward(self.x.clone().slice_dim(0, start..end));
            let y = self.y.slice(start, end);
            if self.loss == LossKind::Bce {
                check_probabilities(&output, start)?;
            }
            if let (Some(hits), Some(count)) = (self.loss.correct(output.clone(), &y), &mut correct)
            {
                *count += hits.int().sum().into_scalar::<i64>();
            }
            if let TargetTensor::Tokens(tokens) = &y {
                losses.extend(host::floats(tokens.sums(output)));
                counts.extend(tokens.counts());
            } else {
                losses.extend(host::floats(self.loss.per_sample(output, &y)));
                counts.resize(losses.len(), 1.0);
            }
        }
        Ok(summary(&losses, &counts, correct))
    }
}

fn check_probabilities(output: &Tensor<2>, start: usize) -> Result<(), ModelsError> {
    let width = output.dims()[1];
    let values = host::floats(output.clone());
    let outside = |v: &f32| *v < 0.0 || *v > 1.0;
    match values.iter().position(outside) {
        None => Ok(()),
        Some(at) => Err(ModelsError::Probability {
            sample: start + at / width,
            value: values[at],
        }),
    }
}

/// The mean of what samples add up to over what they count for, which is 1 but for tokens; its error is that of a ratio
/// (Cochran 1977, section 2.11).
fn summary(losses: &[f32], counts: &[f32], correct: Option<i64>) -> Sample {
    let sum = |values: &[f32]| values.iter().map(|&value| f64::from(value)).sum::<f64>();
    let (n, total) = (losses.len() as f64, sum(counts));
    let mean = sum(losses) / total;
    let off = |(&loss, &count): (&f32, &f32)| f64::from(loss) - f64::from(count) * mean;
    let pairs = losses.iter().zip(counts);
    let squares: f64 = pairs.map(|pair| off(pair).powi(2)).sum();
    let error = || (squares / (n - 1.0) / n).sqrt() / (total / n);
    Sample {
        loss: mean,
        loss_se: (losses.len() > 1).then(error),
        accuracy: correct.map(|count| count as f64 / total),
        terms: Vec::new(),
    }
}

/// Samples that are evaluated together.
fn chunk(spec: &ModelSpec) -> usize {
    if spec.tokens().is_some() {
        let each = spec.sample_values().unwrap_or(1).max(1);
        return (TOKEN_VALUES / each).clamp(1, IMAGE_CHUNK as u64) as usize;
    }
    match spec.image() {
        Some(_) => IMAGE_CHUNK,
        None => CHUNK,
    }
}

/// Bytes that [`evaluate`] takes for the values of samples in a network whose sizes are given, at least; 0 for the
/// networks with a name. Nothing is built for it.
pub fn evaluation_bytes(spec: &ModelSpec, samples: usize) -> u64 {
    let together = samples.min(chunk(spec)) as u64;
    let bytes = together * size_of::<f32>() as u64;
    spec.sample_values().unwrap_or(0).saturating_mul(bytes)
}

/// Mean loss over a data set with its standard error and, for a classification, the accuracy: what
/// training records, without training.
///
/// # Errors
/// When network, data and loss do not fit together: [`ModelsError::Inputs`],
/// [`ModelsError::Label`], [`ModelsError::Targets`], [`ModelsError::Probability`].
pub fn evaluate(network: &Network, data: &Dataset, loss: LossKind) -> Result<Sample, ModelsError> {
    Task::new(network, data, loss)?.evaluate(network)
}
