//! The device executor: the same graph, replayed on a Burn device, many points at once.

use super::Precision;
use super::memory::Sizes;
use super::open;
use crate::capture::panics::panic_message;
use crate::error::TraceError;
use crate::ir::graph::{Graph, Source, ValueId};
use crate::ir::operation::{DeviceCall, Linearity, Operand, Samples};
use crate::passes::dependence::{Analysis, SampleMean, Stage};
use crate::replay::{DeviceTensor, Replay, dims, download, reshape, upload};
use crate::schedule::once::Fixed;
use crate::schedule::{Evaluated, Executor, Spread};
use burn::tensor::Device;
use burn_backend::FloatDType;
use burn_backend::ops::FloatTensorOps;
use burn_dispatch::DispatchDevice;
use landscape_core::{ObjectiveError, Point};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A value that is shared (only the constant) or affine, on the device, with an axis of length 1
/// for the points in front.
#[derive(Clone, Debug, Default)]
struct Known {
    constant: Option<DeviceTensor>,
    slopes: [Option<DeviceTensor>; 3],
}

impl Known {
    fn coefficient(&self, j: usize) -> Option<&DeviceTensor> {
        if j == 0 {
            self.constant.as_ref()
        } else {
            self.slopes[j - 1].as_ref()
        }
    }
}

/// The executor of one plane on one device.
pub(crate) struct DeviceExecutor {
    graph: Graph,
    analysis: Analysis,
    device: DispatchDevice,
    name: String,
    /// Known values of every batch of samples, and its length.
    batches: Vec<(usize, Vec<Option<Known>>)>,
    points: usize,
    loss: Option<SampleMean>,
    precision: Precision,
}

impl DeviceExecutor {
    /// `loss`: whose spread is measured; `parameters` in the order of the graph's slots; `batch` 0 chooses by memory.
    pub fn new(
        (graph, analysis): (&Graph, &Analysis),
        loss: Option<SampleMean>,
        parameters: &[Fixed],
        device: &Device,
        batch: usize,
        precision: Precision,
    ) -> Result<Self, TraceError> {
        open::open_device(device)?;
        open::computes_in(device, precision)?;
        let sizes = Sizes::new(graph, analysis, open::is_cpu(device));
        let cut = !reduces_data(graph, analysis) && analysis.levels() == 1;
        let any_samples = analysis.samples.iter().any(|&s| s) && cut;
        let batch = match (any_samples, batch) {
            (false, _) => graph.samples,
            (true, 0) => sizes.batch(graph.samples),
            (true, n) => n.min(graph.samples),
        };
        let mut this = Self {
            graph: graph.clone(),
            analysis: analysis.clone(),
            device: open::inner(device).clone(),
            name: match precision {
                Precision::F32 => open::describe(device),
                other => format!("{} in {}", open::describe(device), other.name()),
            },
            batches: Vec::new(),
            points: sizes.points(batch),
            loss,
            precision,
        };
        let mut shared = vec![None; graph.values.len()];
        for start in (0..graph.samples).step_by(batch) {
            let n = batch.min(graph.samples - start);
            let mut known = this.known(parameters, start, n, &shared);
            if start == 0 {
                let same = |(value, samples): (&Option<Known>, &bool)| match samples {
                    true => None,
                    false => value.clone(),
                };
                shared = known.iter().zip(&analysis.samples).map(same).collect();
            }
            this.forget(&mut known);
            this.batches.push((n, known));
        }
        Ok(this)
    }

    /// Shape of a value for a batch of `n` samples.
    fn shape(&self, value: ValueId, n: usize) -> Vec<usize> {
        let mut shape = self.graph.values[value].shape.clone();
        if self.analysis.samples[value] {
            shape[0] = n;
        }
        shape
    }

    /// Everything that does not depend on the point, for samples `start..start + n`; `shared` holds
    /// what was found before and is the same for all samples.
    fn known(
        &self,
        parameters: &[Fixed],
        start: usize,
        n: usize,
        shared: &[Option<Known>],
    ) -> Vec<Option<Known>> {
        let mut known = shared.to_vec();
        for (id, value) in self.graph.values.iter().enumerate() {
            if known[id].is_some() {
                continue;
            }
            let shape: Vec<usize> = std::iter::once(1).chain(self.shape(id, n)).collect();
            known[id] = match &value.source {
                Source::Parameter(p) => {
                    let put = |data: &Option<crate::schedule::once::Data>| {
                        data.as_ref().map(|d| upload(d, &shape, &self.device))
                    };
                    let fixed = &parameters[*p];
                    Some(Known {
                        constant: put(&fixed.constant),
                        slopes: fixed.slopes.each_ref().map(put),
                    })
                }
                Source::Constant { data, .. } if !data.is_empty() => {
                    let rows = shape[2..].iter().product::<usize>();
                    let data = match self.analysis.samples[id] {
                        true => &data[start * rows..(start + n) * rows],
                        false => &data[..],
                    };
                    let constant = Some(upload(data, &shape, &self.device));
                    Some(Known {
                        constant,
                        slopes: [None, None, None],
                    })
                }
                _ => None,
            };
        }
        for (index, node) in self.graph.nodes.iter().enumerate() {
            if self.analysis.stage[index] == Stage::Once && known[node.output].is_none() {
                known[node.output] = Some(self.once(index, n, &known));
            }
        }
        known
    }

    /// Drops what only the computation of other known values needed.
    fn forget(&self, known: &mut [Option<Known>]) {
        let mut later = vec![false; known.len()];
        self.graph.outputs().for_each(|v| later[v] = true);
        for (index, node) in self.graph.nodes.iter().enumerate() {
            if self.analysis.stage[index] != Stage::Once {
                node.inputs.iter().for_each(|&v| later[v] = true);
            }
        }
        for (value, later) in known.iter_mut().zip(later) {
            if !later {
                *value = None;
            }
        }
    }

    fn once(&self, index: usize, n: usize, known: &[Option<Known>]) -> Known {
        let node = &self.graph.nodes[index];
        let operands: Vec<Operand> = node
            .inputs
            .iter()
            .map(|&v| self.analysis.operand(&self.graph, v))
            .collect();
        let varies = operands.iter().any(|o| o.varies);
        let linearity = if varies {
            node.operation.linearity(&operands)
        } else {
            Linearity::Linear
        };
        let mut result = Known::default();
        for j in 0..if varies { 4 } else { 1 } {
            let value = self.coefficient(index, j, n, linearity, &operands, known);
            if j == 0 {
                result.constant = value;
            } else {
                result.slopes[j - 1] = value;
            }
        }
        result
    }

    /// Coefficient `j` of a node's output; see the host's.
    fn coefficient(
        &self,
        index: usize,
        j: usize,
        n: usize,
        linearity: Linearity,
        operands: &[Operand],
        known: &[Option<Known>],
    ) -> Option<DeviceTensor> {
        let node = &self.graph.nodes[index];
        let of = |v: ValueId| known[v].as_ref().expect("computed before");
        let present = |(v, o): (&ValueId, &Operand)| o.varies && of(*v).coefficient(j).is_some();
        if j > 0 && !node.inputs.iter().zip(operands).any(present) {
            return None;
        }
        if j > 0 && linearity == Linearity::Shifted {
            return of(node.inputs[0]).coefficient(j).cloned();
        }
        let inputs: Vec<DeviceTensor> = node
            .inputs
            .iter()
            .zip(operands)
            .map(|(&v, operand)| {
                let value = match operand.varies {
                    true => of(v).coefficient(j),
                    false if j > 0 && linearity == Linearity::Additive => None,
                    false => of(v).coefficient(0),
                };
                value.cloned().unwrap_or_else(|| {
                    let shape: Vec<usize> = std::iter::once(1).chain(self.shape(v, n)).collect();
                    upload(&vec![0.0; shape.iter().product()], &shape, &self.device)
                })
            })
            .collect();
        let value = self.call(index, n, &inputs);
        let node = &self.graph.nodes[index];
        let reduced = operands.iter().any(|o| o.samples).then(|| {
            node.operation
                .samples(operands, &self.graph.values[node.output].shape)
        });
        Some(match reduced {
            Some(Samples::Reduced { mean }) => self.over_samples(value, mean, node.output),
            _ => value,
        })
    }

    /// Sums a known value over all samples (which are then one batch).
    fn over_samples(&self, value: DeviceTensor, mean: bool, output: ValueId) -> DeviceTensor {
        let sum = match mean {
            true => Replay::float_mean_dim(value, 1),
            false => Replay::float_sum_dim(value, 1),
        };
        let shape: Vec<usize> = std::iter::once(1)
            .chain(self.graph.values[output].shape.iter().copied())
            .collect();
        reshape(sum, &shape)
    }

    fn call(&self, index: usize, n: usize, inputs: &[DeviceTensor]) -> DeviceTensor {
        let node = &self.graph.nodes[index];
        let samples = node.inputs.iter().any(|&v| self.analysis.samples[v]);
        let shape = self.shape(node.output, n);
        let run = |inputs: &[DeviceTensor]| {
            node.operation.device(DeviceCall {
                inputs,
                shape: &shape,
                samples,
            })
        };
        match self.precision {
            Precision::Bf16 if node.operation.is_product() => {
                let to = |x: &DeviceTensor| Replay::float_cast(x.clone(), FloatDType::BF16);
                let rounded: Vec<DeviceTensor> = inputs.iter().map(to).collect();
                Replay::float_cast(run(&rounded), FloatDType::F32)
            }
            _ => run(inputs),
        }
    }

    /// A value at `points`: computed before, shared, or affine.
    fn value(
        &self,
        value: ValueId,
        computed: &[Option<DeviceTensor>],
        known: &[Option<Known>],
        points: &[Point],
    ) -> DeviceTensor {
        if let Some(tensor) = &computed[value] {
            return tensor.clone();
        }
        let known = known[value].as_ref().expect("computed before");
        let mut result = known.constant.clone().expect("a constant");
        for (k, slope) in known.slopes.iter().enumerate() {
            if let Some(slope) = slope {
                let a: Vec<f32> = points.iter().map(|point| point[k] as f32).collect();
                let mut shape = vec![1; dims(slope).len()];
                shape[0] = points.len();
                let a = upload(&a, &shape, &self.device);
                result = Replay::float_add(result, Replay::float_mul(a, slope.clone()));
            }
        }
        result
    }

    /// Computes the nodes of one stage.
    fn stage(
        &self,
        wanted: impl Fn(Stage, usize) -> bool,
        n: usize,
        computed: &mut [Option<DeviceTensor>],
        known: &[Option<Known>],
        points: &[Point],
    ) {
        for (index, node) in self.graph.nodes.iter().enumerate() {
            if wanted(self.analysis.stage[index], self.analysis.level[index]) {
                let inputs: Vec<DeviceTensor> = node
                    .inputs
                    .iter()
                    .map(|&v| self.value(v, computed, known, points))
                    .collect();
                computed[node.output] = Some(self.call(index, n, &inputs));
            }
        }
    }

    /// What a reduction over the samples gives, for all points.
    fn upload_sums(&self, value: ValueId, mean: bool, moments: &[Moments]) -> DeviceTensor {
        let scale = match mean {
            true => self.graph.samples as f64,
            false => 1.0,
        };
        let own = &self.graph.values[value].shape;
        let data: Vec<f32> = moments.iter().map(|m| (m.sum / scale) as f32).collect();
        let mut shape = vec![data.len() / own.iter().product::<usize>()];
        shape.extend_from_slice(own);
        upload(&data, &shape, &self.device)
    }

    /// The excess weights of the samples, for the mean that is the loss.
    fn excess(&self, value: ValueId) -> Option<&[f64]> {
        let loss = self.loss.as_ref().filter(|loss| loss.value == value)?;
        loss.excess.as_ref().map(|excess| &excess[..])
    }

    fn group(&self, points: &[Point]) -> Result<Vec<Evaluated>, String> {
        let p = points.len();
        let reduces: Vec<(usize, bool)> = self
            .analysis
            .stage
            .iter()
            .enumerate()
            .filter_map(|(i, stage)| match stage {
                Stage::Reduce { mean } => Some((i, *mean)),
                _ => None,
            })
            .collect();
        let mut moments: Vec<Vec<Moments>> = reduces
            .iter()
            .map(|(i, _)| {
                vec![Moments::default(); p * self.graph.values[self.graph.nodes[*i].output].numel()]
            })
            .collect();
        let mut before: Vec<Option<DeviceTensor>> = vec![None; self.graph.values.len()];
        let first = &self.batches[0];
        let passes = self.analysis.levels();
        let mut kept: Vec<Option<DeviceTensor>> = Vec::new();
        for pass in 0..passes {
            let once = |stage, level| stage == Stage::Point && level == pass;
            self.stage(once, first.0, &mut before, &first.1, points);
            let mut start = 0;
            for (n, known) in &self.batches {
                let mut computed = before.clone();
                // Several passes work on one batch; what they have computed stays.
                for (value, kept) in computed.iter_mut().zip(&kept) {
                    *value = value.take().or_else(|| kept.clone());
                }
                let tile = |stage, level| {
                    matches!(stage, Stage::Tile | Stage::Reduce { .. }) && level == pass
                };
                self.stage(tile, *n, &mut computed, known, points);
                for ((node, _), moments) in reduces.iter().zip(&mut moments) {
                    if self.analysis.level[*node] == pass {
                        let output = self.graph.nodes[*node].output;
                        let tensor = computed[output].take().expect("computed");
                        let excess = self.excess(output).map(|all| &all[start..start + n]);
                        add(&download(tensor)?, *n, p, excess, moments);
                    }
                }
                start += n;
                if passes > 1 {
                    kept = computed;
                }
            }
            for ((node, mean), moments) in reduces.iter().zip(&moments) {
                if self.analysis.level[*node] == pass {
                    let output = self.graph.nodes[*node].output;
                    before[output] = Some(self.upload_sums(output, *mean, moments));
                }
            }
        }
        let after = |stage, level| stage == Stage::Point && level >= passes;
        self.stage(after, first.0, &mut before, &first.1, points);
        let samples = self.graph.samples as f64;
        let mut outputs_of = Vec::new();
        for value in self.graph.outputs() {
            let data = download(self.value(value, &before, &first.1, points))?;
            outputs_of.push(data);
        }
        Ok((0..p)
            .map(|i| Evaluated {
                outputs: outputs_of
                    .iter()
                    .map(|d| f64::from(d[if d.len() == p { i } else { 0 }]))
                    .collect(),
                means: reduces
                    .iter()
                    .zip(&moments)
                    .map(|((node, _), m)| {
                        let value = self.graph.nodes[*node].output;
                        (value, m[i * (m.len() / p)].sum / samples)
                    })
                    .collect(),
                spread: self.loss.as_ref().and_then(|loss| {
                    let own =
                        |(node, _): &(usize, bool)| self.graph.nodes[*node].output == loss.value;
                    let at = reduces.iter().position(own)?;
                    Some(moments[at][i * (moments[at].len() / p)].spread)
                }),
            })
            .collect())
    }
}

impl Executor for DeviceExecutor {
    fn evaluate(&self, points: &[Point]) -> Result<Vec<Evaluated>, ObjectiveError> {
        let mut all = Vec::with_capacity(points.len());
        for group in points.chunks(self.points) {
            let fail = |reason| {
                ObjectiveError::new(TraceError::Device {
                    device: self.name.clone(),
                    reason,
                })
            };
            // Drivers and LibTorch panic where their memory ends; nothing here is changed by a group.
            let found = catch_unwind(AssertUnwindSafe(|| self.group(group)));
            let found = found.unwrap_or_else(|panic| Err(panic_message(panic.as_ref())));
            all.extend(found.map_err(fail)?);
        }
        Ok(all)
    }

    fn describe(&self) -> String {
        self.name.clone()
    }
}

/// Count, sum and spread (Chan et al. 1983).
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    count: f64,
    sum: f64,
    spread: Spread,
}

/// Adds per-sample values `[points or 1][n][k]` to `[points][k]`; `excess`: the samples' weights.
fn add(values: &[f32], n: usize, points: usize, excess: Option<&[f64]>, moments: &mut [Moments]) {
    let k = moments.len() / points;
    let own = values.len() / (n * k);
    for (i, moment) in moments.iter_mut().enumerate() {
        let (p, k0) = (i / k, i % k);
        let p = if own == points { p } else { 0 };
        let of = |s: usize| f64::from(values[(p * n + s) * k + k0]);
        let m = n as f64;
        let sum: f64 = (0..n).map(of).sum();
        let squares: f64 = (0..n).map(|s| (of(s) - sum / m).powi(2)).sum();
        let delta = if moment.count > 0.0 {
            sum / m - moment.sum / moment.count
        } else {
            0.0
        };
        moment.spread.squares += squares + delta * delta * moment.count * m / (moment.count + m);
        let products = excess.iter().flat_map(|e| e.iter().enumerate());
        moment.spread.product += products.map(|(s, excess)| of(s) * excess).sum::<f64>();
        moment.count += m;
        moment.sum += sum;
    }
}

/// Whether the data themselves are summed over the samples, so that they can't be cut into batches.
fn reduces_data(graph: &Graph, analysis: &Analysis) -> bool {
    graph
        .nodes
        .iter()
        .zip(&analysis.stage)
        .any(|(node, stage)| {
            *stage == Stage::Once
                && node.inputs.iter().any(|&v| analysis.samples[v])
                && !analysis.samples[node.output]
        })
}
