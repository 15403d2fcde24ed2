//! Replays a derived graph on a Burn device: the vectors take the place of the points.

use super::open;
use crate::capture::panics::panic_message;
use crate::error::TraceError;
use crate::ir::graph::{Source, ValueId};
use crate::ir::operation::{DeviceCall, Operand, Samples};
use crate::passes::derive::Derived;
use crate::replay::{DeviceTensor, Replay, dims, reshape};
use burn::tensor::Device;
use burn_backend::ops::FloatTensorOps;
use burn_backend::{DType, Shape, TensorData};
use burn_dispatch::DispatchDevice;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Numbers that the values of a batch may take, all together.
const BUDGET: usize = 64 << 20;

/// The device executor of a derived graph.
pub(crate) struct DeviceDerivative {
    derived: Derived,
    device: DispatchDevice,
    name: String,
    batch: usize,
    double: bool,
    /// When each value is needed last: the index of a node, or after all of them.
    last: Vec<usize>,
    /// Whether a value is known only after the sums over the samples.
    summed: Vec<bool>,
}

/// Sums over the samples, by the value they make: shape with the vectors in front, and numbers.
type Sums = HashMap<ValueId, (Vec<usize>, Vec<f64>)>;
type Values = Vec<Option<DeviceTensor>>;

impl DeviceDerivative {
    /// `batch` 0 chooses by memory; `double`: everything in f64.
    pub fn new(
        derived: Derived,
        device: &Device,
        batch: usize,
        double: bool,
    ) -> Result<Self, TraceError> {
        open::open_device(device)?;
        let graph = &derived.graph;
        let mut last = vec![0; graph.values.len()];
        let mut summed = vec![false; graph.values.len()];
        for (index, node) in graph.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|&v| last[v] = index);
            let any = |of: &[bool]| node.inputs.iter().any(|&v| of[v]);
            let (late, samples) = (any(&summed), any(&derived.samples));
            summed[node.output] = late || samples && !derived.samples[node.output];
        }
        graph.outputs().for_each(|v| last[v] = usize::MAX);
        let with_samples = |v: &ValueId| derived.samples[*v];
        let rows: usize = (0..graph.values.len())
            .filter(with_samples)
            .map(|v| graph.values[v].numel() / graph.samples)
            .sum();
        let fits = (BUDGET / rows.max(1)).max(1);
        let wanted = if batch == 0 { fits } else { batch };
        Ok(Self {
            batch: match rows {
                0 => graph.samples,
                _ => wanted.min(graph.samples),
            },
            device: open::inner(device).clone(),
            name: open::describe(device),
            double,
            last,
            summed,
            derived,
        })
    }

    /// Runs the graph at `parameters` (in Burn's layout, one a slot) for all `vectors`; none for a gradient.
    /// Returns the mean loss, and per vector the numbers of each slot.
    #[allow(clippy::type_complexity)]
    pub fn run(
        &self,
        parameters: &[Vec<f64>],
        vectors: &[Vec<Vec<f64>>],
    ) -> Result<(f64, Vec<Vec<Option<Vec<f64>>>>), TraceError> {
        let run = || self.run_here(parameters, vectors);
        let failed = |reason: String| TraceError::Device {
            device: self.name.clone(),
            reason,
        };
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(found) => found.map_err(failed),
            Err(panic) => Err(failed(panic_message(panic.as_ref()))),
        }
    }

    #[allow(clippy::type_complexity)]
    fn run_here(
        &self,
        parameters: &[Vec<f64>],
        vectors: &[Vec<Vec<f64>>],
    ) -> Result<(f64, Vec<Vec<Option<Vec<f64>>>>), String> {
        let graph = &self.derived.graph;
        let mut given: Values = vec![None; graph.values.len()];
        for (id, value) in graph.values.iter().enumerate() {
            given[id] = match &value.source {
                Source::Parameter(p) => Some(self.upload(&[&parameters[*p]], &value.shape)),
                Source::Vector(p) => {
                    let parts: Vec<&[f64]> = vectors.iter().map(|v| &v[*p][..]).collect();
                    Some(self.upload(&parts, &value.shape))
                }
                Source::Constant { data, .. } if !data.is_empty() && !self.derived.samples[id] => {
                    let data: Vec<f64> = data.iter().map(|&x| f64::from(x)).collect();
                    Some(self.upload(&[&data], &value.shape))
                }
                _ => None,
            };
        }
        self.run_plain(&mut given, false);
        let mut sums = Sums::new();
        for start in (0..graph.samples).step_by(self.batch) {
            let n = self.batch.min(graph.samples - start);
            self.run_batch(given.clone(), start, n, &mut sums)?;
        }
        for (value, (shape, numbers)) in &sums {
            let parts: Vec<&[f64]> = numbers.chunks(numbers.len() / shape[0]).collect();
            given[*value] = Some(self.upload(&parts, &shape[1..]));
        }
        self.run_plain(&mut given, true);
        let count = vectors.len().max(1);
        let read = |v: ValueId| match sums.get(&v) {
            Some((_, numbers)) => Ok(numbers.clone()),
            None => self.download(given[v].clone().expect("an output is computed")),
        };
        let loss = read(graph.loss)?[0];
        let mut parts = vec![Vec::new(); count];
        for output in &self.derived.outputs {
            let numbers = output.map(read).transpose()?;
            for (vector, parts) in parts.iter_mut().enumerate() {
                parts.push(numbers.as_ref().map(|all| {
                    let size = graph.values[output.expect("numbers of one")].numel();
                    let own = if all.len() == size { 0 } else { vector };
                    all[own * size..(own + 1) * size].to_vec()
                }));
            }
        }
        Ok((loss, parts))
    }

    /// The sums of samples `start..start + n`.
    fn run_batch(
        &self,
        mut values: Values,
        start: usize,
        n: usize,
        sums: &mut Sums,
    ) -> Result<(), String> {
        let graph = &self.derived.graph;
        for (id, value) in graph.values.iter().enumerate() {
            let Source::Constant { data, .. } = &value.source else {
                continue;
            };
            // What nothing needs is empty.
            if self.derived.samples[id] && !data.is_empty() {
                let rows = value.numel() / graph.samples;
                let data = data[start * rows..(start + n) * rows].iter();
                let data: Vec<f64> = data.map(|&x| f64::from(x)).collect();
                let mut shape = value.shape.clone();
                shape[0] = n;
                values[id] = Some(self.upload(&[&data], &shape));
            }
        }
        let mut add = |index: usize, out: DeviceTensor, mean: bool, whole: bool| {
            let output = graph.nodes[index].output;
            // A kernel that leaves the samples has them behind the vectors.
            let out = if whole {
                out
            } else {
                Replay::float_sum_dim(out, 1)
            };
            let vectors = dims(&out)[0];
            let scale = if mean {
                1.0 / graph.samples as f64
            } else {
                1.0
            };
            let numbers = self.download(out)?;
            let mut shape = vec![vectors];
            shape.extend_from_slice(&graph.values[output].shape);
            let (_, sum) = sums
                .entry(output)
                .or_insert_with(|| (shape, vec![0.0; numbers.len()]));
            sum.iter_mut()
                .zip(numbers)
                .for_each(|(s, x)| *s += scale * x);
            Ok::<_, String>(())
        };
        for (index, node) in graph.nodes.iter().enumerate() {
            let Some(kind) = self.kind(index) else {
                continue;
            };
            let out = self.call(index, &values, true);
            match kind {
                Samples::Reduced { mean } => add(index, out, mean, false)?,
                Samples::Summed => add(index, out, false, true)?,
                _ => values[node.output] = Some(out),
            }
            self.forget(index, &mut values);
        }
        Ok(())
    }

    /// Nodes without samples, before or after the sums over the samples.
    fn run_plain(&self, values: &mut Values, late: bool) {
        for (index, node) in self.derived.graph.nodes.iter().enumerate() {
            let any = |of: &[bool]| node.inputs.iter().any(|&v| of[v]);
            if !any(&self.derived.samples) && any(&self.summed) == late {
                values[node.output] = Some(self.call(index, values, false));
            }
        }
    }

    /// What a node does to the samples, where it has some among its inputs.
    fn kind(&self, index: usize) -> Option<Samples> {
        let node = &self.derived.graph.nodes[index];
        let operands: Vec<Operand> = node.inputs.iter().map(|&v| self.operand(v)).collect();
        let any = operands.iter().any(|o| o.samples);
        let shape = &self.derived.graph.values[node.output].shape;
        any.then(|| node.operation.samples(&operands, shape))
    }

    fn operand(&self, value: ValueId) -> Operand<'_> {
        Operand {
            shape: &self.derived.graph.values[value].shape,
            samples: self.derived.samples[value],
            varies: true,
        }
    }

    fn call(&self, index: usize, values: &Values, samples: bool) -> DeviceTensor {
        let graph = &self.derived.graph;
        let node = &graph.nodes[index];
        let of = |v: &ValueId| values[*v].clone().expect("computed before");
        let inputs: Vec<DeviceTensor> = node.inputs.iter().map(of).collect();
        let mut shape = graph.values[node.output].shape.clone();
        if self.derived.samples[node.output] {
            let with = node.inputs.iter().find(|&&v| self.derived.samples[v]);
            shape[0] = with.map_or(shape[0], |v| {
                dims(values[*v].as_ref().expect("computed"))[1]
            });
        }
        node.operation.device(DeviceCall {
            inputs: &inputs,
            shape: &shape,
            samples,
        })
    }

    fn forget(&self, index: usize, values: &mut Values) {
        for &input in &self.derived.graph.nodes[index].inputs {
            if self.last[input] == index && self.derived.samples[input] {
                values[input] = None;
            }
        }
    }

    /// The parts one after another, with an axis in front that counts them.
    fn upload(&self, parts: &[&[f64]], shape: &[usize]) -> DeviceTensor {
        let mut all = vec![parts.len()];
        all.extend_from_slice(shape);
        let shape = Shape::from(all.clone());
        let data = parts.concat();
        let data = match self.double {
            true => TensorData::new(data, shape),
            false => {
                let data: Vec<f32> = data.iter().map(|&x| x as f32).collect();
                TensorData::new(data, shape)
            }
        };
        reshape(Replay::float_from_data(data, &self.device), &all)
    }

    fn download(&self, x: DeviceTensor) -> Result<Vec<f64>, String> {
        let data = Replay::float_into_data(x);
        let data = burn_std::future::block_on(data).map_err(|e| format!("{e:?}"))?;
        let numbers = match data.dtype() {
            DType::F64 => data.as_slice::<f64>().map(<[f64]>::to_vec),
            _ => data
                .as_slice::<f32>()
                .map(|x| x.iter().map(|&x| f64::from(x)).collect()),
        };
        numbers.map_err(|e| format!("{e:?}"))
    }
}
