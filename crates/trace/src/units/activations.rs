//! What the units of a network do on the data.

use super::Units;
use super::groups::Reading;
use crate::capture::module::to_burn;
use crate::device::open;
use crate::error::TraceError;
use crate::ir::graph::{Graph, Node, Source, ValueId};
use crate::ir::operation::{DeviceCall, Samples};
use crate::objective::Trace;
use crate::passes::dependence::Analysis;
use crate::replay::{DeviceTensor, Replay, download, reshape, upload};
use burn::tensor::Device;
use burn_backend::ops::FloatTensorOps;
use landscape_core::Params;

/// Activations of a group of units where one layer reads them.
#[derive(Clone, Debug, PartialEq)]
pub struct Activations {
    /// The group's index in [`Trace::permutations`].
    pub group: usize,
    /// Its units.
    pub units: usize,
    /// `[rows, units]`: a row for every sample and, where a unit has several positions or tokens,
    /// each of them.
    pub values: Vec<f32>,
}

/// Numbers of a batch's largest value that are held at once, roughly.
const NUMBERS: usize = 1 << 22;

impl Trace {
    /// The activations of all groups of [`Trace::permutations`] on all the data, once for every
    /// layer that reads them; in the order of the groups. Memory for all of them is needed:
    /// see [`Trace::correlations`] for what alignment takes.
    ///
    /// # Errors
    /// [`TraceError::Layout`] where a parameter is missing or of another shape,
    /// [`TraceError::NoActivations`] where a group's can't be read, and what devices report.
    pub fn activations(&self, params: &Params) -> Result<Vec<Activations>, TraceError> {
        let units = Units::of(&self.graph);
        units.check_readings()?;
        let mut all: Vec<Activations> = Vec::new();
        self.each_batch(&units, &[params], |networks| {
            let [batch] = networks else { return };
            match all.is_empty() {
                true => all.clone_from(batch),
                false => {
                    for (to, from) in all.iter_mut().zip(batch) {
                        to.values.extend_from_slice(&from.values);
                    }
                }
            }
        })?;
        Ok(all)
    }

    /// Calls `take` with the activations of all networks on one batch of samples after the other.
    pub(super) fn each_batch(
        &self,
        units: &Units,
        networks: &[&Params],
        mut take: impl FnMut(&[Vec<Activations>]),
    ) -> Result<(), TraceError> {
        let replay = Evaluator::new(units);
        let shapes = replay.shapes();
        networks.iter().try_for_each(|p| self.check(p, &shapes))?;
        let batch = replay.batch();
        for start in (0..self.graph.samples).step_by(batch) {
            let n = batch.min(self.graph.samples - start);
            let found = networks.iter().map(|p| replay.run(p, start, n));
            take(&found.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(())
    }
}

/// Replays a graph up to what is read, on the built-in device.
struct Evaluator<'a> {
    units: &'a Units,
    graph: &'a Graph,
    analysis: &'a Analysis,
    /// The last node that needs a value; `usize::MAX` for what is read.
    last_use: Vec<Option<usize>>,
    device: Device,
}

impl<'a> Evaluator<'a> {
    fn new(units: &'a Units) -> Self {
        let graph = &units.graph;
        let mut last_use = vec![None; graph.values.len()];
        for reading in units.readings.iter().flatten() {
            last_use[reading.value] = Some(usize::MAX);
        }
        for (index, node) in graph.nodes.iter().enumerate().rev() {
            if last_use[node.output].is_some() {
                for &input in &node.inputs {
                    last_use[input].get_or_insert(index);
                }
            }
        }
        Evaluator {
            units,
            graph,
            analysis: &units.analysis,
            last_use,
            device: Device::flex(),
        }
    }

    /// Shape of every parameter.
    fn shapes(&self) -> Vec<&'a [usize]> {
        let mut shapes: Vec<&[usize]> = vec![&[]; self.graph.parameters.len()];
        for value in &self.graph.values {
            if let Source::Parameter(slot) = value.source {
                shapes[slot] = &value.shape;
            }
        }
        shapes
    }

    /// Samples at once; all of them where statistics of all samples are needed.
    fn batch(&self) -> usize {
        let needed = |node: &&Node| self.last_use[node.output].is_some();
        let mut nodes = self.graph.nodes.iter().filter(needed);
        let values = self.graph.values.iter().zip(&self.analysis.samples);
        let largest = values
            .filter(|(_, samples)| **samples)
            .map(|(v, _)| v.numel());
        match nodes.any(|node| self.reduces(node).is_some()) {
            true => self.graph.samples,
            false => {
                let one = largest.max().unwrap_or(1) / self.graph.samples;
                (NUMBERS / one.max(1)).clamp(1, self.graph.samples)
            }
        }
    }

    /// Whether a node sums (`false`) or averages (`true`) over the samples.
    fn reduces(&self, node: &Node) -> Option<bool> {
        let operand = |&v: &ValueId| self.analysis.operand(self.graph, v);
        let operands: Vec<_> = node.inputs.iter().map(operand).collect();
        if !operands.iter().any(|o| o.samples) {
            return None;
        }
        let shape = &self.graph.values[node.output].shape;
        match node.operation.samples(&operands, shape) {
            Samples::Reduced { mean } => Some(mean),
            _ => None,
        }
    }

    fn shape(&self, value: ValueId, n: usize) -> Vec<usize> {
        let mut shape = self.graph.values[value].shape.clone();
        if self.analysis.samples[value] {
            shape[0] = n;
        }
        shape
    }

    /// The activations of samples `start..start + n`.
    fn run(&self, params: &Params, start: usize, n: usize) -> Result<Vec<Activations>, TraceError> {
        let mut values: Vec<Option<DeviceTensor>> = vec![None; self.graph.values.len()];
        for (id, value) in values.iter_mut().enumerate() {
            *value = self.given(id, params, start, n);
        }
        for (index, node) in self.graph.nodes.iter().enumerate() {
            if self.last_use[node.output].is_none() {
                continue;
            }
            let known = |v: &ValueId| values[*v].clone().expect("computed before");
            let inputs: Vec<DeviceTensor> = node.inputs.iter().map(known).collect();
            values[node.output] = Some(self.call(node, &inputs, n));
            for &input in &node.inputs {
                if self.last_use[input] == Some(index) {
                    values[input] = None;
                }
            }
        }
        self.collect(&values, n)
    }

    /// Parameters and constants that are needed, with an axis of one point in front.
    fn given(&self, id: ValueId, params: &Params, start: usize, n: usize) -> Option<DeviceTensor> {
        self.last_use[id]?;
        let value = &self.graph.values[id];
        let shape: Vec<usize> = std::iter::once(1).chain(self.shape(id, n)).collect();
        let put = |data: &[f32]| Some(upload(data, &shape, open::inner(&self.device)));
        match &value.source {
            Source::Parameter(slot) => {
                let slot = &self.graph.parameters[*slot];
                let found = &params.get(&slot.name)?.data;
                put(&to_burn(found, &value.shape, slot.transposed))
            }
            Source::Constant { data, .. } if self.analysis.samples[id] => {
                let row = value.numel() / self.graph.samples;
                put(&data[start * row..(start + n) * row])
            }
            Source::Constant { data, .. } => put(data),
            _ => None,
        }
    }

    fn call(&self, node: &Node, inputs: &[DeviceTensor], n: usize) -> DeviceTensor {
        let shape = self.shape(node.output, n);
        let out = node.operation.device(DeviceCall {
            inputs,
            shape: &shape,
            samples: node.inputs.iter().any(|&v| self.analysis.samples[v]),
        });
        let sum = match self.reduces(node) {
            None => return out,
            Some(true) => Replay::float_mean_dim(out, 1),
            Some(false) => Replay::float_sum_dim(out, 1),
        };
        reshape(sum, &[&[1], &shape[..]].concat())
    }

    fn collect(
        &self,
        values: &[Option<DeviceTensor>],
        n: usize,
    ) -> Result<Vec<Activations>, TraceError> {
        let mut found = Vec::new();
        for (group, readings) in self.units.readings.iter().enumerate() {
            let count = self.units.spec.groups[group].units;
            for reading in readings {
                let tensor = values[reading.value].clone().expect("computed before");
                let data = download(tensor).map_err(|reason| TraceError::Device {
                    device: "flex".into(),
                    reason,
                })?;
                let shape = self.shape(reading.value, n);
                found.push(Activations {
                    group,
                    units: count,
                    values: rows(&data, &shape, reading, count),
                });
            }
        }
        Ok(found)
    }
}

/// `[rows, units]` of a value: the axis of the units last, everything else a row.
fn rows(data: &[f32], shape: &[usize], reading: &Reading, units: usize) -> Vec<f32> {
    let inner: usize = shape[reading.axis + 1..].iter().product();
    let slab = inner * shape[reading.axis];
    let mut rows = Vec::with_capacity(data.len());
    for slab in data.chunks_exact(slab.max(1)) {
        for run in &reading.runs {
            for position in 0..run.repeat * inner {
                let (index, rest) = (position / inner, position % inner);
                let at = |unit: usize| run.start + unit * run.repeat + index;
                rows.extend((0..units).map(|unit| slab[at(unit) * inner + rest]));
            }
        }
    }
    rows
}
