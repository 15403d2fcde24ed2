//! The device executor: the same plan, replayed on a Burn device, for many points or many vectors at once.
//!
//! Every tensor has one more axis in front, which counts the points, or the vectors; of length 1 where a value does not
//! depend on them.

use super::Precision;
use super::memory::{Room, Sizes};
use super::open;
use super::totals::Total;
use crate::capture::panics::panic_message;
use crate::error::TraceError;
use crate::ir::graph::{Graph, ValueId};
use crate::ir::operation::{DeviceCall, Operation, Samples};
use crate::ops::unary::Unary;
use crate::passes::dependence::{Analysis, Stage};
use crate::replay::{DeviceTensor, Replay, dims, download, reshape};
use crate::schedule::group::Group;
use crate::schedule::once::{Backend, Data, Fixed, Once};
use crate::schedule::plan::{Action, Location, Operand, Output, Phase, Plan, Step};
use crate::schedule::{Evaluated, Executor, Replayed};
use burn::tensor::Device;
use burn_backend::ops::FloatTensorOps;
use burn_backend::{DType, FloatDType, Shape, TensorData};
use burn_dispatch::DispatchDevice;
use landscape_core::{ObjectiveError, Point};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a device computes with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Numbers {
    /// 32-bit floats, with products in that precision.
    F32(Precision),
    /// 64-bit floats.
    F64,
}

impl Numbers {
    fn bytes(self) -> u64 {
        match self {
            Self::F32(_) => 4,
            Self::F64 => 8,
        }
    }
}

/// Where a graph runs, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'a> {
    pub device: &'a Device,
    pub numbers: Numbers,
    /// Samples that are computed together; 0 for as many as there is memory for.
    pub batch: usize,
    /// Bytes that a group of samples and points may take, where the user says so.
    pub memory: Option<u64>,
    /// How many devices, this one included, compute at once.
    pub devices: usize,
}

/// The executor of one graph on one device.
pub(crate) struct DeviceExecutor {
    context: Context,
    plan: Plan,
    batches: Vec<Batch>,
    /// Samples, and points or vectors, that are computed together.
    group: Group,
    /// For each pass and step on samples: the values that nothing needs after it.
    done: Vec<Vec<Vec<ValueId>>>,
}

/// What is known of a graph, and where it runs.
struct Context {
    graph: Graph,
    analysis: Analysis,
    device: DispatchDevice,
    numbers: Numbers,
}

/// Some of the samples, and what is computed once for them.
struct Batch {
    samples: std::ops::Range<usize>,
    fixed: Vec<Option<Fixed<DeviceTensor>>>,
}

type Table = Vec<Option<DeviceTensor>>;

impl DeviceExecutor {
    /// `parameters` in the order of the graph's slots, none where they are given for every run.
    ///
    /// # Errors
    /// [`TraceError::NoDevice`], [`TraceError::Precision`], and [`TraceError::Device`] where the device cannot take the data.
    pub fn new(
        (graph, analysis): (&Graph, &Analysis),
        parameters: &[Fixed],
        setting: Setting,
    ) -> Result<Self, TraceError> {
        let (device, numbers) = (setting.device, setting.numbers);
        open::open_device(device)?;
        if let Numbers::F32(precision) = numbers {
            open::computes_in(device, precision)?;
        }
        let plan = Plan::new(graph, analysis);
        let collects = analysis.stage.contains(&Stage::Collect);
        let cut = !reduces_data(graph, analysis) && !collects && analysis.levels() == 1;
        let whole = !(cut && analysis.samples.contains(&true));
        let sizes = Sizes::new(graph, analysis, &plan, whole, numbers.bytes());
        let room = Room::new(device, setting.devices, sizes.fixed(), setting.memory);
        let mut group = sizes.group(&room, graph.samples, setting.batch);
        group.device = match numbers {
            Numbers::F32(Precision::F32) | Numbers::F64 => open::describe(device),
            Numbers::F32(other) => format!("{} in {}", open::describe(device), other.name()),
        };
        let context = Context {
            graph: graph.clone(),
            analysis: analysis.clone(),
            device: open::inner(device).clone(),
            numbers,
        };
        let batches = caught(&group.device, || {
            Ok(context.batches(parameters, group.samples))
        })?;
        Ok(Self {
            done: done(&plan),
            batches,
            context,
            plan,
            group,
        })
    }

    /// Runs the graph at `parameters` (in Burn's layout, one a slot) for all `vectors`; none for a gradient.
    ///
    /// # Errors
    /// [`TraceError::Device`] with what the device says.
    pub fn derivatives(
        &self,
        parameters: &[Vec<f64>],
        vectors: &[Vec<Vec<f64>>],
    ) -> Result<Replayed, TraceError> {
        let mut outputs = Vec::with_capacity(vectors.len().max(1));
        let mut some = |vectors: &[Vec<Vec<f64>>]| {
            let found = caught(&self.group.device, || {
                let table = self.given(parameters, vectors);
                Ok(self.run(&[[0.0; 3]], table)?.0)
            })?;
            let of_vector = |v: usize| found.iter().map(|o| o.of(v).to_vec()).collect();
            outputs.extend((0..vectors.len().max(1)).map(of_vector));
            Ok::<(), TraceError>(())
        };
        match vectors.is_empty() {
            true => some(&[])?,
            false => vectors.chunks(self.group.points).try_for_each(some)?,
        }
        Ok(Replayed { outputs })
    }

    /// What is computed together.
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// Parameters and vectors where steps expect them.
    fn given(&self, parameters: &[Vec<f64>], vectors: &[Vec<Vec<f64>>]) -> Table {
        let mut table = self.empty();
        for given in &self.plan.given {
            let parts: Vec<&[f64]> = match given.vector {
                true => vectors.iter().map(|v| &v[given.slot][..]).collect(),
                false => vec![&parameters[given.slot][..]],
            };
            let shape = &self.context.graph.values[given.value].shape;
            table[given.value] = Some(self.context.upload(parts.concat(), parts.len(), shape));
        }
        table
    }

    fn empty(&self) -> Table {
        vec![None; self.context.graph.values.len()]
    }

    /// The outputs, and how the losses of the samples differ; `table` holds what is given.
    fn run(
        &self,
        points: &[Point],
        mut table: Table,
    ) -> Result<(Vec<Numbered>, Option<Total>), String> {
        let plan = &self.plan;
        let mut totals = vec![Total::default(); plan.sums.len()];
        for (index, pass) in plan.passes.iter().enumerate() {
            self.plain(&pass.before, points, &mut table);
            for batch in &self.batches {
                let mut own = table.clone();
                for (step, done) in pass.tile.steps().zip(&self.done[index]) {
                    self.step(step, batch, points, &mut own, &mut totals)?;
                    done.iter().for_each(|&value| own[value] = None);
                }
                // Several passes, and what collects the samples, work on one batch; what they have computed stays.
                if !plan.in_one_pass() {
                    table = own;
                }
            }
            for (sum, total) in plan.sums.iter().zip(&totals) {
                if sum.pass == index {
                    let scale = match sum.mean {
                        true => 1.0 / self.context.graph.samples as f64,
                        false => 1.0,
                    };
                    let numbers: Vec<f64> = total.numbers.iter().map(|x| scale * x).collect();
                    let count = numbers.len() / sum.size.max(1);
                    let put = self.context.upload(numbers, count, &sum.result.shape);
                    table[sum.result.value] = Some(put);
                }
            }
        }
        self.plain(&plan.after, points, &mut table);
        let read = |output| self.read(output, &totals, &table);
        let outputs = plan.outputs.iter().map(read);
        let outputs = outputs.collect::<Result<_, String>>()?;
        Ok((outputs, plan.loss.map(|sum| totals.swap_remove(sum))))
    }

    /// Steps without samples.
    fn plain(&self, phase: &Phase, points: &[Point], table: &mut Table) {
        for step in phase.steps() {
            let (value, batch) = (step.output.value, &self.batches[0]);
            table[value] = Some(self.computed(step, batch, points, table));
        }
    }

    fn step(
        &self,
        step: &Step,
        batch: &Batch,
        points: &[Point],
        table: &mut Table,
        totals: &mut [Total],
    ) -> Result<(), String> {
        let out = self.computed(step, batch, points, table);
        let Action::Reduce(_, index) = step.action else {
            table[step.output.value] = Some(out);
            return Ok(());
        };
        let (sum, total) = (&self.plan.sums[index], &mut totals[index]);
        if sum.size == 1 && !sum.whole {
            let samples = batch.samples.clone();
            let excess = self
                .plan
                .excess
                .as_ref()
                .filter(|_| self.plan.loss == Some(index));
            let excess = excess.map(|all| &all[samples.clone()]);
            total.add_samples(&download(out)?, samples.len(), excess);
        } else {
            let out = match sum.whole {
                true => out,
                false => Replay::float_sum_dim(out, 1),
            };
            total.add(&download(out)?);
        }
        Ok(())
    }

    /// What a step computes on some of the samples.
    fn computed(
        &self,
        step: &Step,
        batch: &Batch,
        points: &[Point],
        table: &Table,
    ) -> DeviceTensor {
        let n = batch.samples.len();
        let value = step.output.value;
        match &step.action {
            Action::Affine { value: from, relu } => {
                let fixed = batch.fixed[*from].as_ref().expect("computed before");
                let affine = self.context.affine(fixed, points);
                match relu {
                    true => self.context.call(&Unary::Relu, value, n, true, &[affine]),
                    false => affine,
                }
            }
            Action::Kernel(operation)
            | Action::Reduce(operation, _)
            | Action::Collect(operation) => {
                let inputs = step.inputs.iter();
                let samples = step.inputs.iter().any(|operand| operand.samples);
                let inputs = inputs.map(|operand| tensor(operand, batch, table));
                let inputs: Vec<DeviceTensor> = inputs.collect();
                self.context.call(&**operation, value, n, samples, &inputs)
            }
        }
    }

    /// The numbers of an output, from its sum where it is a multiple of one.
    fn read(&self, output: &Output, totals: &[Total], table: &Table) -> Result<Numbered, String> {
        let size = output.operand.size;
        let numbers = match output.multiple {
            Some((sum, factor)) => {
                let scale = factor / self.context.graph.samples as f64;
                totals[sum].numbers.iter().map(|x| x * scale).collect()
            }
            None => {
                let tensor = tensor(&output.operand, &self.batches[0], table);
                download(tensor)?
            }
        };
        Ok(Numbered { numbers, size })
    }

    fn at(&self, points: &[Point]) -> Result<Vec<Evaluated>, String> {
        let (outputs, loss) = self.run(points, self.empty())?;
        let at = |p: usize| Evaluated {
            outputs: outputs.iter().map(|output| output.of(p)[0]).collect(),
            spread: loss.as_ref().map(|total| total.spread_of(p)),
        };
        Ok((0..points.len()).map(at).collect())
    }
}

/// Numbers of an output, `[points or vectors, or 1][size]`.
struct Numbered {
    numbers: Vec<f64>,
    size: usize,
}

impl Numbered {
    fn of(&self, place: usize) -> &[f64] {
        match self.numbers.len() == self.size {
            true => &self.numbers,
            false => &self.numbers[place * self.size..][..self.size],
        }
    }
}

/// What a step reads, with the shape in which it does.
fn tensor(operand: &Operand, batch: &Batch, table: &Table) -> DeviceTensor {
    let found = match operand.place {
        Location::Fixed(value) => {
            let fixed = batch.fixed[value].as_ref();
            fixed.and_then(|fixed| fixed.constant.as_ref())
        }
        _ => table[operand.value].as_ref(),
    };
    let found = found.expect("computed before").clone();
    let mut shape = vec![dims(&found)[0]];
    shape.extend_from_slice(&operand.shape);
    if operand.samples {
        shape[1] = batch.samples.len();
    }
    reshape(found, &shape)
}

/// For each pass and step on samples: the values that nothing needs after it.
fn done(plan: &Plan) -> Vec<Vec<Vec<ValueId>>> {
    let mut last: HashMap<ValueId, (usize, usize)> = HashMap::new();
    for (pass, steps) in plan.passes.iter().enumerate() {
        for (index, step) in steps.tile.steps().enumerate() {
            let read = step.inputs.iter();
            let read = read.filter(|i| matches!(i.place, Location::Tile(_) | Location::Kept(_)));
            last.extend(read.map(|operand| (operand.value, (pass, index))));
        }
    }
    let before = plan.passes.iter().flat_map(|pass| pass.before.steps());
    let collected = before
        .chain(plan.after.steps())
        .flat_map(|step| &step.inputs);
    let collected = collected.filter(|i| matches!(i.place, Location::Kept(_)));
    let outputs = plan.outputs.iter().map(|output| &output.operand);
    for operand in outputs.chain(collected) {
        last.remove(&operand.value);
    }
    let steps = |pass: &crate::schedule::plan::Pass| vec![Vec::new(); pass.tile.steps().count()];
    let mut done: Vec<Vec<Vec<ValueId>>> = plan.passes.iter().map(steps).collect();
    for (value, (pass, index)) in last {
        done[pass][index].push(value);
    }
    done
}

impl Context {
    fn batches(&self, parameters: &[Fixed], batch: usize) -> Vec<Batch> {
        let samples = self.graph.samples;
        let mut shared = vec![None; self.graph.values.len()];
        let mut batches = Vec::new();
        for start in (0..samples).step_by(batch) {
            let backend = OnBatch {
                context: self,
                samples: start..samples.min(start + batch),
            };
            let once = Once {
                graph: &self.graph,
                analysis: &self.analysis,
                backend: &backend,
            };
            let fixed = once.run(parameters, shared.clone());
            if start == 0 {
                let same = |(fixed, samples): (&Option<Fixed<_>>, &bool)| match samples {
                    true => None,
                    false => fixed.clone(),
                };
                shared = fixed.iter().zip(&self.analysis.samples).map(same).collect();
            }
            let samples = backend.samples;
            batches.push(Batch { samples, fixed });
        }
        batches
    }

    /// Shape of a value for a batch of `n` samples.
    fn shape(&self, value: ValueId, n: usize) -> Vec<usize> {
        let mut shape = self.graph.values[value].shape.clone();
        if self.analysis.samples[value] {
            shape[0] = n;
        }
        shape
    }

    /// Calls the operation that makes `value`.
    fn call(
        &self,
        operation: &dyn Operation,
        value: ValueId,
        n: usize,
        samples: bool,
        inputs: &[DeviceTensor],
    ) -> DeviceTensor {
        let shape = self.shape(value, n);
        let run = |inputs: &[DeviceTensor]| {
            operation.device(DeviceCall {
                inputs,
                shape: &shape,
                samples,
            })
        };
        match self.numbers {
            Numbers::F32(Precision::Bf16) if operation.is_product() => {
                let to = |x: &DeviceTensor| Replay::float_cast(x.clone(), FloatDType::BF16);
                let rounded: Vec<DeviceTensor> = inputs.iter().map(to).collect();
                Replay::float_cast(run(&rounded), FloatDType::F32)
            }
            _ => run(inputs),
        }
    }

    /// An affine value at points.
    fn affine(&self, fixed: &Fixed<DeviceTensor>, points: &[Point]) -> DeviceTensor {
        let mut result = fixed.constant.clone().expect("a constant");
        for (k, slope) in fixed.slopes.iter().enumerate() {
            if let Some(slope) = slope {
                let at: Vec<f64> = points.iter().map(|point| point[k]).collect();
                let at = self.upload(at, points.len(), &vec![1; dims(slope).len() - 1]);
                result = Replay::float_add(result, Replay::float_mul(at, slope.clone()));
            }
        }
        result
    }

    /// Numbers with an axis of length `count` in front.
    fn upload(&self, data: Vec<f64>, count: usize, shape: &[usize]) -> DeviceTensor {
        let mut all = vec![count];
        all.extend_from_slice(shape);
        let data = TensorData::new(data, Shape::from(all));
        let data = match self.numbers {
            Numbers::F32(_) => data.convert_dtype(DType::F32),
            Numbers::F64 => data,
        };
        Replay::float_from_data(data, &self.device)
    }
}

/// What is computed once, for some of the samples.
struct OnBatch<'a> {
    context: &'a Context,
    samples: std::ops::Range<usize>,
}

impl Backend for OnBatch<'_> {
    type Data = DeviceTensor;

    fn put(&self, value: ValueId, data: &Data) -> DeviceTensor {
        let shape = self.context.shape(value, self.samples.len());
        let data = match self.context.analysis.samples[value] {
            true => {
                let row: usize = shape[1..].iter().product();
                &data[self.samples.start * row..self.samples.end * row]
            }
            false => &data[..],
        };
        let data = data.iter().map(|&x| f64::from(x)).collect();
        self.context.upload(data, 1, &shape)
    }

    fn zeros(&self, value: ValueId) -> DeviceTensor {
        let shape = self.context.shape(value, self.samples.len());
        self.context
            .upload(vec![0.0; shape.iter().product()], 1, &shape)
    }

    fn apply(
        &self,
        index: usize,
        operands: &[crate::ir::operation::Operand],
        inputs: Vec<DeviceTensor>,
    ) -> DeviceTensor {
        let Context { graph, .. } = self.context;
        let node = &graph.nodes[index];
        let samples = operands.iter().any(|operand| operand.samples);
        let n = self.samples.len();
        let out = self
            .context
            .call(&*node.operation, node.output, n, samples, &inputs);
        let shape = &graph.values[node.output].shape;
        // All samples are one batch where they are summed.
        let sum = match samples.then(|| node.operation.samples(operands, shape)) {
            Some(Samples::Reduced { mean: true }) => Replay::float_mean_dim(out, 1),
            Some(Samples::Reduced { mean: false }) => Replay::float_sum_dim(out, 1),
            _ => return out,
        };
        reshape(sum, &[&[1], &shape[..]].concat())
    }
}

impl Executor for DeviceExecutor {
    fn evaluate(&self, points: &[Point]) -> Result<Vec<Evaluated>, ObjectiveError> {
        let mut all = Vec::with_capacity(points.len());
        for points in points.chunks(self.group.points) {
            let found = caught(&self.group.device, || self.at(points));
            all.extend(found.map_err(ObjectiveError::new)?);
        }
        Ok(all)
    }

    fn describe(&self) -> String {
        self.group.device.clone()
    }

    fn group(&self) -> Option<Group> {
        Some(self.group.clone())
    }
}

/// Drivers and LibTorch panic where their memory ends; nothing here is changed by a run.
fn caught<T>(device: &str, run: impl FnOnce() -> Result<T, String>) -> Result<T, TraceError> {
    let found = catch_unwind(AssertUnwindSafe(run));
    let found = found.unwrap_or_else(|panic| Err(panic_message(panic.as_ref())));
    found.map_err(|reason| TraceError::Device {
        device: device.to_owned(),
        reason,
    })
}

/// Whether the data themselves are summed over the samples, so that they can't be cut into batches.
fn reduces_data(graph: &Graph, analysis: &Analysis) -> bool {
    let mut stages = graph.nodes.iter().zip(&analysis.stage);
    stages.any(|(node, stage)| {
        *stage == Stage::Once
            && node.inputs.iter().any(|&v| analysis.samples[v])
            && !analysis.samples[node.output]
    })
}
