//! Gradients of mini-batches, as training takes them.

use crate::capture::module::to_burn;
use crate::cpu::executor::HostExecutor;
use crate::cpu::threads::pool;
use crate::error::TraceError;
use crate::ir::graph::{Graph, Source};
use crate::kernels::simd::Level;
use crate::objective::Trace;
use crate::passes::dependence::Analysis;
use crate::passes::derive::{Standing, Wanted, derive};
use crate::passes::fuse::{Measured, training};
use landscape_core::{Params, Rng, Role};
use std::sync::Arc;

/// The mean loss of a batch and what training takes from it.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchGradient {
    /// The mean loss over the batch.
    pub loss: f64,
    /// Its derivative, one entry a tensor of the parameters, in their layout; empty where the loss does not depend on it, and
    /// for buffers.
    pub gradient: Vec<Vec<f32>>,
    /// What normalisations measured, in the order in which the batch passes them.
    pub statistics: Vec<BatchStatistic>,
}

/// A statistic that a normalisation measured of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchStatistic {
    /// The running statistic that it belongs to, by its place among the parameters.
    pub place: usize,
    /// The share of this batch in it.
    pub momentum: f64,
    /// Means, or variances divided by n - 1, of all channels.
    pub values: Vec<f32>,
}

impl BatchStatistic {
    /// The running statistic after the batch, `(1 - momentum) running + momentum values`, as PyTorch's BatchNorm has it.
    pub fn update(&self, running: &mut [f32]) {
        for (running, value) in running.iter_mut().zip(&self.values) {
            let mixed =
                self.momentum * f64::from(*value) + (1.0 - self.momentum) * f64::from(*running);
            *running = mixed as f32;
        }
    }
}

/// Loss and gradient of any batch of one size from the data of a trace, on the CPU's own kernels.
///
/// The graph is derived and planned once; a batch changes the data in it alone. Normalisations have the statistics of the
/// batch, as in training.
pub struct BatchGradients {
    executor: HostExecutor,
    graph: Graph,
    analysis: Analysis,
    samples: usize,
    data: Vec<Data>,
    masks: Vec<Drawn>,
    /// Whether a value depends on the data.
    depends: Vec<bool>,
    slots: Vec<Slot>,
    /// For each tensor of the parameters: the place of its derivative among the outputs, and its slot.
    gradients: Vec<Option<(usize, usize)>>,
    statistics: Vec<Statistic>,
}

/// Numbers of every sample.
struct Data {
    /// The values of the graph that hold those of the batch.
    values: Vec<usize>,
    /// Those of all samples.
    all: Arc<Vec<f32>>,
    /// Numbers of a sample.
    width: usize,
}

/// Numbers that are drawn for each batch.
struct Drawn {
    values: Vec<usize>,
    count: usize,
    probability: f64,
}

/// A parameter of the graph.
struct Slot {
    /// Its place among the parameters.
    place: usize,
    /// Shape in the graph's layout.
    shape: Vec<usize>,
    transposed: bool,
}

/// An output that is a statistic.
struct Statistic {
    output: usize,
    place: usize,
    momentum: f64,
}

impl std::fmt::Debug for BatchGradients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchGradients")
            .field("samples", &self.samples)
            .finish_non_exhaustive()
    }
}

impl BatchGradients {
    /// Batches from the data of `whole`, as large as the data of `sized`, which is the same loss of as many samples: which ones
    /// makes no difference. `layout` has the parameters' names and shapes; `threads`: 0 means all cores.
    ///
    /// # Errors
    /// [`TraceError::NoBatches`] where samples can't be exchanged, [`TraceError::OneValue`], [`TraceError::Layout`],
    /// [`TraceError::NoParameters`], [`TraceError::NoDerivative`], [`TraceError::TooManyThreads`].
    pub fn new(
        whole: &Trace,
        sized: &Trace,
        layout: &Params,
        threads: usize,
    ) -> Result<Self, TraceError> {
        let samples = sized.samples();
        check_exchangeable(whole, sized)?;
        let (graph, measured) = training(sized.of_any_data().clone())?;
        sized.check(layout, &graph.parameter_shapes())?;
        let slots = slots(&graph, layout);
        let roles: Vec<Role> = layout.iter().map(|tensor| tensor.role).collect();
        let standing = |slot: &Slot| match roles[slot.place] {
            Role::Buffer => Standing::State,
            _ => Standing::Free,
        };
        let standings: Vec<Standing> = slots.iter().map(standing).collect();
        if !standings.contains(&Standing::Free) {
            return Err(TraceError::NoParameters);
        }
        let derived = derive(&graph, &standings, Wanted::Gradient)?;
        let mut gradients = vec![None; layout.len()];
        for (slot, output) in derived.outputs.iter().enumerate() {
            gradients[slots[slot].place] = output.map(|output| (output, slot));
        }
        let first = 1 + derived.outputs.iter().flatten().count();
        let of_graph = (&derived.graph, &derived.analysis);
        let (executor, graph, analysis) =
            HostExecutor::with_graph(of_graph, &[], Level::detect(), pool(threads)?);
        let data = data(whole, sized, &graph);
        let masks = masks(sized, &graph);
        Ok(Self {
            depends: depends(&graph, &data, &masks),
            statistics: statistics(&measured, &slots, first),
            executor,
            graph,
            analysis,
            samples,
            data,
            masks,
            slots,
            gradients,
        })
    }

    /// Samples in a batch.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The running statistics that batches have a share in, by their places among the parameters.
    pub fn measured(&self) -> impl Iterator<Item = usize> {
        let with_share = self.statistics.iter().filter(|of| of.momentum != 0.0);
        with_share.map(|of| of.place)
    }

    /// Loss, gradient and statistics of the samples at these places, as many as a batch has, at `params`, which have the
    /// layout's order. `changed`: what the first input of those samples is instead; `rng` draws the masks of dropout.
    ///
    /// # Errors
    /// [`TraceError::BatchLength`]
    pub fn at(
        &mut self,
        params: &Params,
        places: &[usize],
        changed: Option<&[f32]>,
        rng: &mut Rng,
    ) -> Result<BatchGradient, TraceError> {
        length("samples", self.samples, places.len())?;
        length("tensors", self.gradients.len(), params.len())?;
        self.give(places, changed)?;
        self.draw(rng);
        self.executor
            .refresh(&self.graph, &self.analysis, &self.depends);
        let tensors: Vec<&[f32]> = params.iter().map(|tensor| &tensor.data[..]).collect();
        let given = self.slots.iter().map(|slot| {
            let data = tensors[slot.place];
            length(
                "numbers in a tensor",
                slot.shape.iter().product(),
                data.len(),
            )?;
            Ok(to_burn(data, &slot.shape, slot.transposed))
        });
        let given = given.collect::<Result<Vec<_>, TraceError>>()?;
        let outputs = self.executor.derivatives(given, &[]).outputs.swap_remove(0);
        let gradient = |of: &Option<(usize, usize)>| match of {
            None => Vec::new(),
            Some((output, slot)) => self.slots[*slot].back(&outputs[*output]),
        };
        let statistic = |of: &Statistic| BatchStatistic {
            place: of.place,
            momentum: of.momentum,
            values: outputs[of.output].iter().map(|&x| x as f32).collect(),
        };
        Ok(BatchGradient {
            loss: outputs[0][0],
            gradient: self.gradients.iter().map(gradient).collect(),
            statistics: self.statistics.iter().map(statistic).collect(),
        })
    }

    /// Puts a batch in the place of the one before.
    fn give(&mut self, places: &[usize], changed: Option<&[f32]>) -> Result<(), TraceError> {
        let used = self.data.iter().enumerate();
        for (input, data) in used.filter(|(_, data)| !data.values.is_empty()) {
            let numbers = match changed.filter(|_| input == 0) {
                Some(changed) => {
                    length(
                        "numbers in the first input",
                        places.len() * data.width,
                        changed.len(),
                    )?;
                    changed.to_vec()
                }
                None => data.rows(places),
            };
            put(&mut self.graph, &data.values, numbers);
        }
        Ok(())
    }

    /// Draws the masks of a batch, one after the other.
    fn draw(&mut self, rng: &mut Rng) {
        for mask in &self.masks {
            let one = |_| f32::from(u8::from(rng.uniform(0.0, 1.0) < mask.probability));
            let numbers = (0..mask.count).map(one).collect();
            put(&mut self.graph, &mask.values, numbers);
        }
    }
}

/// Gives constants of a graph other numbers.
fn put(graph: &mut Graph, values: &[usize], numbers: Vec<f32>) {
    let numbers = Arc::new(numbers);
    for &value in values {
        if let Source::Constant { data, .. } = &mut graph.values[value].source {
            *data = numbers.clone();
        }
    }
}

impl Data {
    /// The numbers of some samples.
    fn rows(&self, places: &[usize]) -> Vec<f32> {
        let row = |&place: &usize| &self.all[place * self.width..][..self.width];
        places.iter().flat_map(row).copied().collect()
    }
}

impl Slot {
    /// Numbers of the graph's layout in that of the parameters.
    fn back(&self, numbers: &[f64]) -> Vec<f32> {
        let numbers: Vec<f32> = numbers.iter().map(|&x| x as f32).collect();
        let mut shape = self.shape.clone();
        if self.transposed {
            // Transposing back is transposing the other way round.
            shape.reverse();
        }
        to_burn(&numbers, &shape, self.transposed)
    }
}

fn length(what: &'static str, expected: usize, found: usize) -> Result<(), TraceError> {
    match expected == found {
        true => Ok(()),
        false => Err(TraceError::BatchLength {
            what,
            expected,
            found,
        }),
    }
}

/// Both hold the same data, which no pass has taken apart.
fn check_exchangeable(whole: &Trace, sized: &Trace) -> Result<(), TraceError> {
    let widths = |trace: &Trace| -> Vec<usize> {
        let data = trace.data.iter();
        data.map(|data| data.len() / trace.samples().max(1))
            .collect()
    };
    let no = |reason: &str| {
        Err(TraceError::NoBatches {
            reason: reason.to_owned(),
        })
    };
    match (whole.data.is_empty(), [whole, sized].map(|t| t.graph.parts)) {
        (true, _) => no("it was recorded of a module, whose data are part of it"),
        (_, [1, 1]) if widths(whole) == widths(sized) => Ok(()),
        (_, [1, 1]) => no("its data are not those of the other trace"),
        _ => no("the loss cuts its data into parts that belong together"),
    }
}

fn slots(graph: &Graph, layout: &Params) -> Vec<Slot> {
    let shapes = graph.parameter_shapes();
    let slots = graph.parameters.iter().zip(shapes);
    let slot = |(slot, shape): (&crate::ir::graph::Slot, &[usize])| Slot {
        place: { layout.iter() }
            .position(|tensor| tensor.name == slot.name)
            .expect("checked before"),
        shape: shape.to_vec(),
        transposed: slot.transposed,
    };
    slots.map(slot).collect()
}

/// Where the data of a batch are in its graph, and those of all samples.
fn data(whole: &Trace, sized: &Trace, graph: &Graph) -> Vec<Data> {
    let both = sized.data.iter().zip(&whole.data);
    let one = |(given, all): (&Arc<Vec<f32>>, &Arc<Vec<f32>>)| Data {
        values: places(graph, given),
        all: all.clone(),
        width: given.len() / sized.samples(),
    };
    both.map(one).collect()
}

/// The masks that the loss depends on.
fn masks(sized: &Trace, graph: &Graph) -> Vec<Drawn> {
    let all = sized.masks.iter().map(|mask| Drawn {
        values: places(graph, &mask.data),
        count: mask.data.len(),
        probability: mask.probability,
    });
    all.filter(|mask| !mask.values.is_empty()).collect()
}

/// The constants of a graph that hold these numbers.
fn places(graph: &Graph, numbers: &Arc<Vec<f32>>) -> Vec<usize> {
    let holds = |source: &Source| matches!(source, Source::Constant { data, .. } if Arc::ptr_eq(data, numbers));
    let values = graph.values.iter().enumerate();
    let held = values.filter(|(_, value)| holds(&value.source));
    held.map(|(id, _)| id).collect()
}

fn depends(graph: &Graph, data: &[Data], masks: &[Drawn]) -> Vec<bool> {
    let mut depends = vec![false; graph.values.len()];
    let held = data.iter().map(|data| &data.values);
    let held = held.chain(masks.iter().map(|mask| &mask.values)).flatten();
    held.for_each(|&value| depends[value] = true);
    for node in &graph.nodes {
        depends[node.output] = node.inputs.iter().any(|&v| depends[v]);
    }
    depends
}

/// The statistics among the outputs, of which the first has this place.
fn statistics(measured: &[Measured], slots: &[Slot], first: usize) -> Vec<Statistic> {
    let of = measured.iter().flat_map(|norm| {
        let both = norm.running.into_iter();
        both.map(|slot| (slot, norm.momentum))
    });
    let statistic = |(index, (slot, momentum)): (usize, (Option<usize>, f64))| {
        Some(Statistic {
            output: first + index,
            place: slots[slot?].place,
            momentum,
        })
    };
    of.enumerate().filter_map(statistic).collect()
}
