//! Exports of one sample: which of their axes count samples, found by comparing several samples with each of them alone.

use super::Program;
use crate::array::Array;
use crate::error::ImportError;
use crate::lower::{Kind, LowerError, Lowering, Readings, Tensor};
use landscape_core::Params;
use landscape_files::Budget;
use landscape_trace::{Binary, Reduction, TraceError, Value};

/// Samples that are compared.
const FEW: usize = 3;

/// Readings that are tried.
const TRIED: usize = 64;

/// Difference from the samples alone, as a share of their sizes, that is rounding.
const ROUNDING: f64 = 1e-3;

impl Program {
    /// How the shapes of an export of one sample are read for so many: the first reading in which a few samples give together what each
    /// gives alone.
    pub(super) fn readings(
        &self,
        params: &Params,
        given: &[&Array],
        samples: usize,
    ) -> Result<Readings, ImportError> {
        let mut readings = Readings::default();
        if self.source.samples != Some(1) || samples == 1 {
            return Ok(readings);
        }
        let few = few(samples);
        let (mut alone, mut first) = (None, None);
        for _ in 0..TRIED {
            let (made, found) = self.projected(params, given, &few, readings);
            if !made.several() {
                return Ok(made);
            }
            match found {
                Ok(found) => {
                    let alone = match &alone {
                        Some(alone) => alone,
                        None => alone.insert(self.each_alone(params, given, &few)?),
                    };
                    if agree(found, alone) {
                        return Ok(made);
                    }
                }
                Err(error) => drop(first.get_or_insert(error)),
            }
            match made.next() {
                Some(next) => readings = next,
                None => break,
            }
        }
        if let (None, Some(error)) = (alone, first) {
            return Err(error);
        }
        Err(self.explained(LowerError::Burnt(
            "an axis of one sample could be one of several, and in none of them samples give together what they give alone"
                .into(),
        )))
    }

    fn each_alone(
        &self,
        params: &Params,
        given: &[&Array],
        few: &[usize],
    ) -> Result<Vec<f64>, ImportError> {
        let one = |&sample: &usize| self.projected(params, given, &[sample], Readings::default());
        few.iter().map(|sample| one(sample).1).collect()
    }

    /// The mean over some samples of a weighted sum of what the first output gives each, with weights of the sample's own.
    fn projected(
        &self,
        params: &Params,
        given: &[&Array],
        few: &[usize],
        readings: Readings,
    ) -> (Readings, Result<f64, ImportError>) {
        let read: usize = given.iter().map(|array| 4 * array.data().len()).sum();
        let budget = Budget::new(self.bytes.saturating_add(read as u64));
        let mut lowering = Lowering::new(few.len(), self.source.samples, budget);
        lowering.readings = readings;
        let found = self.mean_projection(&mut lowering, params, given, few);
        (lowering.readings, found)
    }

    fn mean_projection(
        &self,
        lowering: &mut Lowering,
        params: &Params,
        given: &[&Array],
        few: &[usize],
    ) -> Result<f64, ImportError> {
        let arrays = { given.iter().zip(&self.source.inputs) }
            .map(|(array, input)| match self.counts_samples(input) {
                true => rows(array, few),
                false => Some((*array).clone()),
            })
            .collect::<Option<Vec<_>>>();
        let arrays = arrays.ok_or_else(|| {
            ImportError::Inputs("the inputs have different numbers of samples".into())
        })?;
        let arrays: Vec<&Array> = arrays.iter().collect();
        let tensors = self.given(lowering, &arrays)?;
        let values = self.parameter_values(lowering, params)?;
        let outputs = self.source.graph.lower(lowering, &values, &tensors);
        let outputs = outputs.map_err(|error| self.explained(error))?;
        let Some(output) = outputs.into_iter().next() else {
            return Ok(0.0);
        };
        let each = projection(lowering, &output, few)?;
        let builder =
            std::mem::replace(&mut lowering.builder, landscape_trace::TraceBuilder::new(1));
        let trace = builder.loss(each, None, Vec::new())?;
        Ok(trace.sample_at(params, &[])?.loss)
    }
}

/// A few samples of so many.
fn few(samples: usize) -> Vec<usize> {
    let count = samples.min(FEW);
    (0..count)
        .map(|i| i * (samples - 1) / (count - 1).max(1))
        .collect()
}

/// Some of the samples of an array; nothing where it has other numbers of them.
fn rows(array: &Array, few: &[usize]) -> Option<Array> {
    let mut shape = array.shape().to_vec();
    let samples = shape.first_mut()?;
    let row = array.data().len().checked_div(*samples)?;
    *samples = few.len();
    let rows = few
        .iter()
        .map(|&i| array.data().get(i * row..(i + 1) * row));
    let rows: Vec<&[f32]> = rows.collect::<Option<_>>()?;
    Array::new(shape, rows.concat()).ok()
}

/// What an output gives each sample, times weights that differ by place and sample, in sum; the output where it has no samples.
fn projection(
    lowering: &mut Lowering,
    output: &Tensor,
    few: &[usize],
) -> Result<Value, TraceError> {
    let shape = lowering.shape(output);
    if shape.first() != Some(&few.len()) || output.kind == Kind::Bool {
        return Ok(output.value);
    }
    let count: usize = shape[1..].iter().product();
    let weight = |sample: usize, i: usize| {
        let mixed = (sample * count + i + 1).wrapping_mul(0x9E37_79B9) >> 7;
        (mixed & 0xFFF) as f32 / 4096.0 + 0.25
    };
    let weights = few
        .iter()
        .flat_map(|&s| (0..count).map(move |i| weight(s, i)));
    let weights = lowering
        .builder
        .data(&[few.len(), count], weights.collect())?;
    let flat = lowering
        .builder
        .reshape(output.value, &[few.len(), count])?;
    let product = lowering.builder.binary(Binary::Mul, flat, weights)?;
    let sum = lowering.builder.reduce(Reduction::Sum, product, Some(1))?;
    lowering.builder.reshape(sum, &[few.len()])
}

/// Whether samples together give the mean of what they give alone.
fn agree(together: f64, alone: &[f64]) -> bool {
    let mean = alone.iter().sum::<f64>() / alone.len() as f64;
    let size = alone.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    match (together.is_finite(), mean.is_finite()) {
        (true, true) => (together - mean).abs() <= ROUNDING * size,
        (together, mean) => together == mean,
    }
}
