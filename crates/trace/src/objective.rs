//! From a capture to an objective on a plane.

use crate::capture::inputs::Inputs;
use crate::capture::loss::Loss;
use crate::capture::module::to_burn;
use crate::capture::record;
use crate::cpu::executor::HostExecutor;
use crate::cpu::threads::pool;
use crate::cpu::totals::compute_totals;
use crate::device::Precision;
use crate::device::executor::{DeviceExecutor, Numbers, Setting};
use crate::error::TraceError;
use crate::ir::graph::{Graph, Slot};
use crate::kernels::simd::Level;
use crate::passes::convert::convert;
use crate::passes::dependence::{Analysis, Multiple};
use crate::passes::fuse::{batch_statistics, fold_norms, fuse};
use crate::passes::low_rank::{LowRank, low_rank};
use crate::pool::{Pool, prepared};
use crate::schedule::group::Group;
use crate::schedule::once::Fixed;
use crate::schedule::{Evaluated, Executor};
use burn::module::Module;
use burn::tensor::Device;
use landscape_core::{
    DeviceShare, Direction, Objective, ObjectiveError, Params, Plane, Point, Role, Sample, Source,
    Term, named,
};
use std::sync::Arc;

/// A module and its loss on given data, recorded as a graph that can be evaluated anywhere in
/// parameter space.
#[derive(Clone, Debug)]
pub struct Trace {
    pub(crate) graph: Graph,
    /// The graph before its totals became numbers, where there are some.
    open: Option<Arc<Graph>>,
    /// The numbers of every sample, in the order in which they were given; none of recorded modules.
    pub(crate) data: Vec<Arc<Vec<f32>>>,
    pub(crate) masks: Vec<Mask>,
    precision: Precision,
    /// Bytes that a group of samples and points may take on a device, where the user says so.
    pub(crate) device_memory: Option<u64>,
}

/// Numbers that are drawn anew for each batch.
#[derive(Clone, Debug)]
pub(crate) struct Mask {
    /// What holds their place in the graph.
    pub data: Arc<Vec<f32>>,
    /// With which they are 1, and else 0.
    pub probability: f64,
}

/// Which statistics BatchNorm layers normalise with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BatchStatistics {
    /// The running statistics of the module, as in evaluation.
    #[default]
    Frozen,
    /// Mean and variance of all samples at each point, as in training with one batch.
    Batch,
    /// Running statistics estimated anew at each point from all samples, and an evaluation with them, as
    /// PyTorch's `swa_utils.update_bn` with one batch: the samples pass as with [`Self::Batch`], each layer
    /// keeps the mean and the unbiased variance (divided by n - 1) of what it meets, and the loss is that of a
    /// second pass with those.
    Reestimated,
}

named!(BatchStatistics, "statistics of BatchNorm", {
    Frozen => "frozen": "Running statistics as they were trained, as in evaluation",
    Batch => "batch": "Mean and variance of all samples at each point, as in training with one batch",
    Reestimated => "reestimate": "Running statistics estimated anew at each point from all samples, and an evaluation with \
                                  them: as PyTorch's update_bn with one batch",
});

/// Where an objective is evaluated.
#[derive(Clone, Debug)]
pub enum Target {
    /// Own kernels on the CPU.
    Host {
        /// Number of threads; 0 means all cores; at most 1024.
        threads: usize,
        /// Instruction set; see [`Level::detect`].
        level: Level,
    },
    /// Replay on a Burn device.
    Device {
        /// The device.
        device: Device,
        /// Samples that are computed together; 0 means as many as fit the memory, see [`Trace::with_device_memory`].
        /// The result does not depend on it beyond rounding.
        batch: usize,
    },
}

impl Default for Target {
    fn default() -> Self {
        Self::Host {
            threads: 0,
            level: Level::detect(),
        }
    }
}

impl Trace {
    /// Records `loss` of `module` on `inputs`.
    ///
    /// The closure runs once, on a device that records operations. Random tensors that it makes
    /// (noise, mixup coefficients) are drawn then, from the seed 0, and stay the same at all
    /// points; see [`Trace::capture_with_seed`]. The module is traced as in evaluation.
    ///
    /// # Errors
    /// Operations that the executors do not have, inputs that disagree on the number of samples,
    /// a loss of another shape than `[1]` or `[samples]`.
    pub fn capture<M, I, F>(module: &M, inputs: &I, loss: F) -> Result<Self, TraceError>
    where
        M: Module,
        I: Inputs,
        F: Fn(&M, &I) -> Loss,
    {
        Self::capture_with_seed(module, inputs, loss, 0)
    }

    /// As [`Trace::capture`], with a seed for the random tensors of the closure.
    ///
    /// # Errors
    /// As [`Trace::capture`].
    pub fn capture_with_seed<M, I, F>(
        module: &M,
        inputs: &I,
        loss: F,
        seed: u64,
    ) -> Result<Self, TraceError>
    where
        M: Module,
        I: Inputs,
        F: Fn(&M, &I) -> Loss,
    {
        Ok(Self::of(convert(record(module, inputs, loss)?, seed)?))
    }

    /// The trace of a program.
    pub(crate) fn of(graph: Graph) -> Self {
        let mut whole = graph.clone();
        compute_totals(&mut whole);
        Self {
            open: (!whole.totals.is_empty()).then(|| Arc::new(graph)),
            graph: whole,
            data: Vec::new(),
            masks: Vec::new(),
            precision: Precision::F32,
            device_memory: None,
        }
    }

    pub(crate) fn with_data(self, data: Vec<Arc<Vec<f32>>>, masks: Vec<Mask>) -> Self {
        Self {
            data,
            masks,
            ..self
        }
    }

    /// The graph for any data of this size: nothing of it has been computed of those that it was made with.
    pub(crate) fn of_any_data(&self) -> &Graph {
        self.open.as_deref().unwrap_or(&self.graph)
    }

    /// The same loss with other statistics in its BatchNorm layers.
    ///
    /// Statistics that depend on the point need all samples at once: memory for a few layers'
    /// activations of all samples, for every thread.
    ///
    /// # Errors
    /// [`TraceError::OneValue`] where a layer would measure one value per channel, as in PyTorch's training.
    pub fn with_batch_norm(&self, statistics: BatchStatistics) -> Result<Self, TraceError> {
        let graph = self.graph.clone();
        let graph = match statistics {
            BatchStatistics::Frozen => graph,
            BatchStatistics::Batch => batch_statistics(graph, false)?,
            BatchStatistics::Reestimated => batch_statistics(graph, true)?,
        };
        Ok(Self {
            graph,
            open: None,
            data: Vec::new(),
            ..self.clone()
        })
    }

    /// The same loss where weights are `W0 + scale B A`: `W0` is the parameter that the weight was, `A` and `B` are further
    /// ones. Objectives and derivatives have all three, each of which may stay as it is.
    ///
    /// ```
    /// use burn::module::{Module, Param};
    /// use burn::tensor::{Device, Tensor};
    /// use landscape_core::{Parameter, Params, Role};
    /// use landscape_trace::{Loss, LowRank, Trace};
    ///
    /// #[derive(Module, Debug)]
    /// struct Line {
    ///     matrix: Param<Tensor<2>>,
    /// }
    ///
    /// let device = Device::flex();
    /// let matrix = Param::from_tensor(Tensor::from_data([[1.0], [2.0]], &device));
    /// let x = Tensor::<2>::from_data([[3.0, 4.0]], &device);
    /// let trace = Trace::capture(&Line { matrix }, &x, |line, x| {
    ///     Loss::new(x.clone().matmul(line.matrix.val()).reshape([1]))
    /// })?;
    /// let adapted = trace.with_low_rank(&[LowRank {
    ///     weight: "matrix".to_owned(),
    ///     factors: ["a", "b"].map(str::to_owned),
    ///     rank: 1,
    ///     scale: 0.5,
    ///     across: false,
    /// }])?;
    /// let tensor = |name, shape: &[usize], data| Parameter::new(name, shape, data, Role::Weight);
    /// let params = Params::new(vec![
    ///     tensor("matrix", &[2, 1], vec![1.0, 2.0])?,
    ///     tensor("a", &[1, 1], vec![2.0])?,
    ///     tensor("b", &[2, 1], vec![10.0, 20.0])?,
    /// ])?;
    /// // 3 (1 + 10) + 4 (2 + 20)
    /// assert_eq!(adapted.sample_at(&params, &[])?.loss, 121.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TraceError::Adapter`] where the loss has no such weight, or it has an adapter already.
    pub fn with_low_rank(&self, adapters: &[LowRank]) -> Result<Self, TraceError> {
        let open = self.open.as_deref();
        let open = open.map(|graph| low_rank(graph.clone(), adapters).map(Arc::new));
        Ok(Self {
            graph: low_rank(self.graph.clone(), adapters)?,
            open: open.transpose()?,
            ..self.clone()
        })
    }

    /// The same loss with products in other numbers. [`Trace::objective`] fails on targets that do
    /// not have them; the own kernels on the CPU have f32 alone.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// The same loss, of whose values a device holds about so many bytes at once, which decides how many samples and points
    /// it computes together ([`PlaneObjective::groups`]). Without it that is: 4 MiB on CPUs, or 256 MiB for products with a
    /// vector; on other devices an eighth of the memory that they state, up to 2 GiB, or 256 MiB; and never more than a
    /// share of the system's free memory where the values are in it. No tensor is larger than the device takes.
    #[must_use]
    pub fn with_device_memory(mut self, bytes: u64) -> Self {
        self.device_memory = Some(bytes);
        self
    }

    /// The same loss, in which a layer of at least so many outputs that a cross-entropy alone needs, as the head of a language
    /// model, is computed with it, some outputs at a time, so that memory does not grow with their number. Without it that
    /// is as it pays on the CPU's own kernels: for 2,048 outputs and more, and where those of 16 samples take 32 MiB; in derivatives the
    /// latter alone. On other devices it is never done, and with it in derivatives, where its definition is replayed. `usize::MAX`: nowhere.
    #[must_use]
    pub fn with_heads_from(mut self, outputs: usize) -> Self {
        self.graph.heads_from = Some(outputs);
        let open = self.open.as_deref().cloned();
        self.open = open.map(|mut graph| {
            graph.heads_from = Some(outputs);
            Arc::new(graph)
        });
        self
    }

    /// The graph, for derivatives on the CPU's own kernels or elsewhere.
    pub(crate) fn graph_on(&self, host: bool) -> Graph {
        let mut graph = self.graph.clone();
        if !host {
            graph.heads_from.get_or_insert(usize::MAX);
        }
        graph
    }

    /// Number of samples in the data.
    pub fn samples(&self) -> usize {
        self.graph.samples * self.graph.parts
    }

    /// The operation that mixes samples first, such as a product of all samples with each other, where there is one: it
    /// finds them collected at each point. The losses of the samples are not independent then, and their mean has no standard
    /// error. [`Summary::warnings`](crate::Summary::warnings) says so in words.
    pub fn mixes_samples(&self) -> Option<&'static str> {
        self.graph.mixes
    }

    /// The operations of the graph, in order, by name.
    pub fn operations(&self) -> Vec<&'static str> {
        self.graph
            .nodes
            .iter()
            .map(|node| node.operation.name())
            .collect()
    }

    /// The objective on a plane whose origin and directions have the module's names and shapes
    /// (PyTorch layout; parameters that the loss does not use may be among them).
    ///
    /// `targets` share the points where there are several, as their speeds tell; one that fails, on the way or before, gives its points to the
    /// others ([`Objective::shares`]). None means the default.
    ///
    /// # Errors
    /// [`TraceError::Layout`] where a parameter is missing or of another shape,
    /// [`TraceError::Precision`] where a target does not have the numbers asked for,
    /// [`TraceError::NoDevice`] where a device can't be opened,
    /// [`TraceError::TooManyThreads`].
    pub fn objective(
        &self,
        plane: &Plane,
        targets: &[Target],
    ) -> Result<PlaneObjective, TraceError> {
        let parameters = self.parameters(plane)?;
        let varies: Vec<bool> = parameters.iter().map(Fixed::varies).collect();
        let (graph, analysis) = self.lowered(&varies);
        let default = [Target::default()];
        let targets = if targets.is_empty() {
            &default[..]
        } else {
            targets
        };
        let executors = prepared(targets, |target| {
            self.executor((&graph, &analysis), &parameters, target, targets.len())
        })?;
        Ok(PlaneObjective {
            dims: plane.dims(),
            samples: graph.samples,
            terms: graph.terms.iter().map(|(term, _)| term.clone()).collect(),
            has_accuracy: graph.accuracy.is_some(),
            mean: match graph.mixes {
                None => analysis.multiple_of_mean(&graph, graph.loss),
                Some(_) => None,
            },
            pool: Pool::new(executors),
        })
    }

    /// The loss at these parameters, with the running statistics that are among them.
    ///
    /// # Errors
    /// As [`Trace::objective`]; [`TraceError::Evaluation`] for what a device reports.
    pub fn sample_at(&self, params: &Params, targets: &[Target]) -> Result<Sample, TraceError> {
        // One objective serves one origin: running statistics do not lie on a plane. What is free of the parameters is nothing to it.
        let mut tensors = params.clone().into_inner();
        tensors.iter_mut().for_each(|tensor| tensor.fixed = false);
        let origin = Params::new(tensors.clone())?;
        for tensor in &mut tensors {
            let moves = tensor.role != Role::Buffer;
            tensor.data.fill(if moves { 1.0 } else { 0.0 });
        }
        let any = Direction::from_tensors(Params::new(tensors)?, &origin, Source::Between)?;
        let around = Plane::new(origin, vec![any])?;
        let objective = self.objective(&around, targets)?;
        let found = objective.evaluate(&[[0.0; 3]]);
        Ok(found.map_err(TraceError::Evaluation)?.swap_remove(0))
    }

    fn executor(
        &self,
        graph: (&Graph, &Analysis),
        parameters: &[Fixed],
        target: &Target,
        targets: usize,
    ) -> Result<Box<dyn Executor>, TraceError> {
        Ok(match target {
            Target::Host { .. } if self.precision != Precision::F32 => {
                return Err(TraceError::Precision {
                    device: "cpu".into(),
                    precision: self.precision.name(),
                });
            }
            Target::Host { threads, level } => {
                let pool = pool(*threads)?;
                Box::new(HostExecutor::new(graph, parameters, *level, pool))
            }
            Target::Device { device, batch } => {
                let setting = Setting {
                    device,
                    numbers: Numbers::F32(self.precision),
                    batch: *batch,
                    memory: self.device_memory,
                    devices: targets,
                };
                Box::new(DeviceExecutor::new(graph, parameters, setting)?)
            }
        })
    }

    /// The graph with operations fused, for parameters of which some vary with the point.
    pub(crate) fn lowered(&self, varies: &[bool]) -> (Graph, Analysis) {
        let analysis = Analysis::new(&self.graph, varies);
        let graph = fold_norms(self.graph.clone(), &analysis);
        let analysis = Analysis::new(&graph, varies);
        let graph = fuse(graph, &analysis);
        let analysis = Analysis::new(&graph, varies);
        (graph, analysis)
    }

    /// Origin and directions of every parameter of the graph, in Burn's layout.
    fn parameters(&self, plane: &Plane) -> Result<Vec<Fixed>, TraceError> {
        let shapes = self.graph.parameter_shapes();
        self.check(plane.origin(), &shapes)?;
        let read = |params: &Params, slot: &Slot, shape: &[usize]| {
            params
                .get(&slot.name)
                .map(|p| to_burn(&p.data, shape, slot.transposed))
        };
        let slots = self.graph.parameters.iter().zip(&shapes);
        Ok(slots
            .map(|(slot, shape)| {
                let mut slopes = [None, None, None];
                for (slope, direction) in slopes.iter_mut().zip(plane.directions()) {
                    let data = read(&direction.tensors, slot, shape);
                    *slope = data.filter(|d| d.iter().any(|&x| x != 0.0)).map(Arc::new);
                }
                Fixed {
                    constant: read(plane.origin(), slot, shape).map(Arc::new),
                    slopes,
                }
            })
            .collect())
    }

    pub(crate) fn check(&self, params: &Params, shapes: &[&[usize]]) -> Result<(), TraceError> {
        let (mut missing, mut misshaped) = (Vec::new(), Vec::new());
        for (slot, shape) in self.graph.parameters.iter().zip(shapes) {
            let mut shape = shape.to_vec();
            if slot.transposed {
                shape.reverse();
            }
            match params.get(&slot.name) {
                None => missing.push(slot.name.clone()),
                Some(found) if found.shape != shape => {
                    misshaped.push((slot.name.clone(), shape, found.shape.clone()));
                }
                Some(_) => {}
            }
        }
        if missing.is_empty() && misshaped.is_empty() {
            return Ok(());
        }
        Err(TraceError::Layout {
            missing,
            unexpected: Vec::new(),
            misshaped,
        })
    }
}

/// The loss of a traced module on a plane.
pub struct PlaneObjective {
    dims: usize,
    samples: usize,
    terms: Vec<Term>,
    has_accuracy: bool,
    /// The mean over the samples that the loss is a multiple of.
    mean: Option<Multiple>,
    pool: Pool,
}

impl std::fmt::Debug for PlaneObjective {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlaneObjective")
            .field("dims", &self.dims)
            .field("on", &self.describe())
            .finish()
    }
}

impl PlaneObjective {
    /// Where the points are evaluated, in words.
    pub fn describe(&self) -> String {
        let on: Vec<String> = self.pool.members().map(|e| e.describe()).collect();
        on.join(", ")
    }

    /// Samples and points that its devices compute together; the CPU's own kernels are not among them, see
    /// [`Trace::summary`].
    pub fn groups(&self) -> Vec<Group> {
        self.pool.members().filter_map(|e| e.group()).collect()
    }

    fn sample(&self, evaluated: &Evaluated) -> Sample {
        let mut values = evaluated.outputs.iter().copied();
        let loss = values.next().expect("the loss is the first output");
        let accuracy = self.has_accuracy.then(|| values.next().unwrap_or(f64::NAN));
        Sample {
            loss,
            loss_se: self.standard_error(evaluated),
            accuracy,
            terms: values.collect(),
        }
    }

    /// `sqrt(sum (l_i - l)^2 / (n - 1) / n)`: of the mean over the samples.
    ///
    /// Of a weighted mean `l = sum w_i l_i / sum w_i`: `sqrt(n / (n - 1) sum w_i^2 (l_i - l)^2) / sum w_i`, that of a
    /// ratio estimator (delta method; Cochran, Sampling Techniques, 1977, section 2.11).
    fn standard_error(&self, evaluated: &Evaluated) -> Option<f64> {
        let mean = self.mean.as_ref()?;
        let n = self.samples as f64;
        let spread = evaluated.spread.filter(|_| self.samples > 1)?;
        let mut squares = mean.factor.powi(2) * spread.squares;
        if let Some(excess) = &mean.excess {
            let loss = evaluated.outputs[0];
            let own: f64 = excess.iter().map(|w| w * w).sum();
            squares += loss * (loss * own - 2.0 * mean.factor * spread.product);
        }
        // Rounding may leave a little below 0; NaN, of losses that are not finite, stays NaN.
        let squares = if squares < 0.0 { 0.0 } else { squares };
        Some((squares / (n - 1.0) / n).sqrt())
    }
}

impl Objective for PlaneObjective {
    fn dims(&self) -> usize {
        self.dims
    }

    fn terms(&self) -> &[Term] {
        &self.terms
    }

    fn evaluate(&self, points: &[Point]) -> Result<Vec<Sample>, ObjectiveError> {
        let evaluated = self.pool.evaluate(points)?;
        Ok(evaluated.iter().map(|e| self.sample(e)).collect())
    }

    fn at_once(&self) -> usize {
        self.pool.at_once()
    }

    fn shares(&self) -> Vec<DeviceShare> {
        self.pool.shares()
    }
}
