//! The steps that are run for every point, with the place of every value.

use super::pack;
use super::pack_points::pack_points;
use super::tiles::{TILE, Tiles, WIDE_TILE};
use super::wide::widened;
use crate::ir::graph::{Graph, Source, ValueId};
use crate::ir::operation::Operation;
use crate::ops::unary::Unary;
use crate::passes::dependence::{Analysis, Class, Stage};
use crate::passes::fuse::transform_weights;
use crate::passes::heads::fuse_for_loss;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Where a value is while steps run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Location {
    /// Computed once; the value's index.
    Fixed(ValueId),
    /// In the buffer of a point, at this offset.
    Point(usize),
    /// In the buffer of a vector, at this offset.
    Vector(usize),
    /// In the buffer of a tile, at this row.
    Tile(usize),
    /// Among the values that are kept for a later pass over the samples, at this row.
    Kept(usize),
    /// In a buffer of its own, to which a kernel adds the samples of a tile.
    Whole,
}

#[derive(Clone, Debug)]
pub(crate) struct Operand {
    /// The value; of views, the one that they show.
    pub value: ValueId,
    pub place: Location,
    pub shape: Vec<usize>,
    pub samples: bool,
    /// Rows in a tile buffer, or numbers in that of a point or a vector.
    pub size: usize,
}

/// What a step does.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Evaluates the affine value of that index.
    Affine { value: ValueId, relu: bool },
    /// Calls a kernel.
    Kernel(Arc<dyn Operation>),
    /// Calls a kernel and adds its output, sample by sample, to that sum.
    Reduce(Arc<dyn Operation>, usize),
    /// Puts the tiles of a value that was kept together.
    Collect(Arc<dyn Operation>),
}

#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub action: Action,
    pub inputs: Vec<Operand>,
    pub output: Operand,
    /// Where the output is kept for later passes, if it is.
    pub keep: Option<usize>,
}

/// Steps for a point, and after them those for each vector.
#[derive(Clone, Debug, Default)]
pub(crate) struct Phase {
    pub point: Vec<Step>,
    pub vector: Vec<Step>,
}

impl Phase {
    fn of(&mut self, vector: bool) -> &mut Vec<Step> {
        match vector {
            true => &mut self.vector,
            false => &mut self.point,
        }
    }

    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.point.iter().chain(&self.vector)
    }

    pub fn steps_mut(&mut self) -> impl Iterator<Item = &mut Step> {
        self.point.iter_mut().chain(&mut self.vector)
    }
}

/// One pass over the samples.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pass {
    /// Before the pass.
    pub before: Phase,
    /// For every tile.
    pub tile: Phase,
}

/// A sum over the samples.
#[derive(Clone, Debug)]
pub(crate) struct Sum {
    /// Numbers that are summed separately.
    pub size: usize,
    pub mean: bool,
    /// Whether the kernel adds the samples of a tile up itself.
    pub whole: bool,
    /// Whether every vector has its own.
    pub vector: bool,
    /// Index of its first number among all sums of a point, or of a vector.
    pub start: usize,
    /// Where the result goes.
    pub result: Operand,
    /// The pass that adds it up.
    pub pass: usize,
}

/// A parameter, or the part of a vector that belongs to one, which is given anew for every run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    pub value: ValueId,
    /// The parameter.
    pub slot: usize,
    pub vector: bool,
    /// Where it goes in the buffer of the point or the vector.
    pub offset: usize,
    pub size: usize,
}

/// A value that is wanted in the end.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub operand: Operand,
    /// Whether every vector has its own.
    pub vector: bool,
    /// The sum that it is a multiple of, by its index: more exact than the value itself.
    pub multiple: Option<(usize, f64)>,
    /// Of outputs with samples: the pass that computes them.
    pub pass: usize,
}

/// All steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// One or, where later operations need sums over the samples, more.
    pub passes: Vec<Pass>,
    /// After all sums.
    pub after: Phase,
    /// Of the steps of a point before the first pass those that the steps after all sums, or the outputs, need.
    pub again: Vec<Step>,
    pub sums: Vec<Sum>,
    /// The sum that the loss is a multiple of, where the samples are one number each.
    pub loss: Option<usize>,
    /// The excess weights of the samples in the loss, where it is a weighted mean.
    pub excess: Option<Arc<Vec<f64>>>,
    pub given: Vec<Given>,
    /// In the order of [`Graph::outputs`].
    pub outputs: Vec<Output>,
    /// Numbers in the buffer of a point.
    pub point_size: usize,
    /// Numbers in the buffer of a vector.
    pub vector_size: usize,
    /// Numbers in all values without samples, where none takes the place of another.
    pub flat_size: usize,
    /// Rows in the buffer of a tile.
    pub tile_rows: usize,
    /// Rows of a tile that are kept for later passes, or to be collected after the last.
    pub kept_rows: usize,
    /// Numbers in all sums of a point, and in those of a vector.
    pub sum_sizes: [usize; 2],
    places: HashMap<ValueId, (ValueId, Location)>,
}

/// The plan of a graph, with the graph and the analysis that it belongs to, and how the samples are cut; for the CPU's
/// kernels, which have convolutions of their own.
pub(crate) fn planned(graph: &Graph, analysis: &Analysis) -> (Graph, Analysis, Plan, Tiles) {
    let graph = transform_weights(graph.clone(), &|v| analysis.in_tiles(v));
    let graph = fuse_for_loss(graph, analysis);
    let analysis = analysis.again(&graph);
    let plan = Plan::new(&graph, &analysis);
    let tiles = Tiles::new(graph.samples, plan.tile_rows + plan.data_rows());
    if !plan.given.is_empty() {
        let tiles = plan.tiles_of_sums(tiles);
        return (graph, analysis, plan, tiles);
    }
    let Some(wide) = widened(&graph, &analysis, tiles) else {
        return (graph, analysis, plan, tiles);
    };
    let wide_analysis = analysis.again(&wide);
    let wide_plan = Plan::new(&wide, &wide_analysis);
    let wide_tiles = Tiles::within(wide.samples, wide_plan.tile_rows, WIDE_TILE);
    match wide_tiles.lanes > tiles.lanes {
        true => (wide, wide_analysis, wide_plan, wide_tiles),
        false => (graph, analysis, plan, tiles),
    }
}

impl Plan {
    /// Wider tiles than these where kernels add up sums of many numbers: those are read and written once a tile, which
    /// costs more than values of a few samples that no near cache holds, as in derivatives of wide perceptrons.
    fn tiles_of_sums(&self, narrow: Tiles) -> Tiles {
        // Wider ones would leave threads without a tile where the samples are a few hundred.
        const LANES: usize = 64;
        let rows = self.tile_rows + self.data_rows();
        let bytes = WIDE_TILE.min(rows * LANES * size_of::<f32>());
        let wide = Tiles::within(narrow.samples, rows, bytes);
        let numbers: usize = self.whole_sums().map(|sum| sum.size).sum();
        let [once, again] = [narrow, wide].map(|tiles| numbers as f64 / tiles.lanes as f64);
        match once - again > rows as f64 {
            true => wide,
            false => narrow,
        }
    }

    /// The sums that kernels add up themselves.
    pub fn whole_sums(&self) -> impl Iterator<Item = &Sum> {
        self.sums.iter().filter(|sum| sum.whole)
    }

    /// Plans the graph; values of [`Stage::Once`] are known.
    pub fn new(graph: &Graph, analysis: &Analysis) -> Self {
        let mut planner = Planner {
            graph,
            analysis,
            first: first_uses(graph, analysis),
            plan: Self {
                passes: vec![Pass::default(); analysis.levels()],
                ..Self::default()
            },
        };
        planner.give();
        let relu_of = relus_of_affine(graph, analysis);
        for (index, node) in graph.nodes.iter().enumerate() {
            if analysis.stage[index] == Stage::Once {
                continue;
            }
            let level = analysis.level[index];
            if let Some(&affine) = relu_of.get(&index) {
                planner.evaluate(level, affine, node.output, true);
                continue;
            }
            let inputs = node.inputs.iter().map(|&v| planner.input(level, v));
            let inputs = inputs.collect();
            planner.node(index, inputs);
        }
        planner.outputs();
        let mut this = planner.plan;
        pack::pack(&mut this);
        pack_points(&mut this);
        this.order_sums();
        this.again = this.needed_after();
        this
    }

    fn needed_after(&self) -> Vec<Step> {
        let of_steps = self.after.steps().flat_map(|step| &step.inputs);
        let of_outputs = self.outputs.iter().map(|output| &output.operand);
        let needed = of_steps.chain(of_outputs).map(|operand| operand.place);
        let mut needed: Vec<Location> = needed.collect();
        let mut again = Vec::new();
        for step in self.passes[0].before.point.iter().rev() {
            if needed.contains(&step.output.place) {
                needed.extend(step.inputs.iter().map(|i| i.place));
                again.push(step.clone());
            }
        }
        again.reverse();
        again
    }

    /// Numbers the sums of one pass after those of the passes before.
    fn order_sums(&mut self) {
        for vector in [false, true] {
            let mut start = 0;
            for pass in 0..self.passes.len() {
                let own = |sum: &&mut Sum| sum.vector == vector && sum.pass == pass;
                for sum in self.sums.iter_mut().filter(own) {
                    sum.start = start;
                    start += sum.size;
                }
            }
        }
    }

    /// The numbers that one pass adds up, among those of a point or of a vector.
    pub fn sums_of(&self, pass: usize, vector: bool) -> Range<usize> {
        let size = |passes: Range<usize>| -> usize {
            let of = self.sums.iter().filter(|sum| sum.vector == vector);
            of.filter(|sum| passes.contains(&sum.pass))
                .map(|sum| sum.size)
                .sum()
        };
        size(0..pass)..size(0..pass + 1)
    }

    /// Whether the samples are passed over once, and nothing of a tile is needed after it.
    pub fn in_one_pass(&self) -> bool {
        self.passes.len() == 1 && self.kept_rows == 0
    }

    /// Rows of the data that steps read, where parameters are given: derivatives read them more than once.
    fn data_rows(&self) -> usize {
        if self.given.is_empty() {
            return 0;
        }
        let steps = self.passes.iter().flat_map(|pass| pass.tile.steps());
        let inputs = steps.flat_map(|step| &step.inputs);
        let data = inputs.filter(|i| i.samples && matches!(i.place, Location::Fixed(_)));
        let sizes: HashMap<ValueId, usize> = data.map(|i| (i.value, i.size)).collect();
        sizes.values().sum()
    }

    /// Points that share the tile buffer: as many as the first-level cache holds (32 KiB), and at least two,
    /// so that coefficients that were read once serve several points; one where tiles are large.
    pub fn points_a_tile(&self, tiles: Tiles) -> usize {
        const BUDGET: usize = 24 * 1024;
        let bytes = self.tile_rows.max(1) * tiles.lanes * size_of::<f32>();
        match bytes > TILE {
            true => 1,
            false => (BUDGET / bytes).clamp(2, 8),
        }
    }

    /// Points whose weights are prepared together: up to 32, within 16 MiB.
    pub fn points_a_block(&self) -> usize {
        const BUDGET: usize = 16 * 1024 * 1024;
        (BUDGET / (self.point_size.max(1) * size_of::<f32>())).clamp(1, 32)
    }
}

/// A plan under way.
struct Planner<'a> {
    graph: &'a Graph,
    analysis: &'a Analysis,
    /// The first pass that needs a value.
    first: Vec<usize>,
    plan: Plan,
}

impl Planner<'_> {
    /// Places for the parameters and vectors that are given.
    fn give(&mut self) {
        for (value, of) in self.graph.values.iter().enumerate() {
            let (Source::Parameter(slot) | Source::Vector(slot)) = of.source else {
                continue;
            };
            if self.analysis.class[value] != Class::Point {
                continue;
            }
            let mut operand = self.operand(value);
            let vector = self.analysis.vector[value];
            let (place, offset) = self.flat(vector, operand.size);
            operand.place = place;
            self.plan.places.insert(value, (value, place));
            self.plan.given.push(Given {
                value,
                slot,
                vector,
                offset,
                size: operand.size,
            });
        }
    }

    /// The operand, with its place where that is known.
    fn operand(&self, value: ValueId) -> Operand {
        let found = self.plan.places.get(&value).copied();
        let (shown, place) = found.unwrap_or((value, Location::Fixed(value)));
        let shape = self.graph.values[value].shape.clone();
        let samples = self.analysis.samples[value];
        Operand {
            value: shown,
            place,
            size: shape[usize::from(samples)..].iter().product(),
            shape,
            samples,
        }
    }

    fn input(&mut self, level: usize, value: ValueId) -> Operand {
        let affine = self.analysis.class[value] == Class::Affine;
        if affine && !self.plan.places.contains_key(&value) {
            self.evaluate(level, value, value, false);
        }
        self.operand(value)
    }

    fn rows(&mut self, size: usize) -> Location {
        self.plan.tile_rows += size;
        Location::Tile(self.plan.tile_rows - size)
    }

    /// A place without samples, and its offset.
    fn flat(&mut self, vector: bool, size: usize) -> (Location, usize) {
        let (counter, place): (_, fn(usize) -> Location) = match vector {
            true => (&mut self.plan.vector_size, Location::Vector),
            false => (&mut self.plan.point_size, Location::Point),
        };
        *counter += size;
        (place(*counter - size), *counter - size)
    }

    fn allocate(&mut self, value: ValueId) -> Operand {
        let mut operand = self.operand(value);
        let size = operand.size;
        operand.place = match operand.samples {
            true => self.rows(size),
            false => self.flat(self.analysis.vector[value], size).0,
        };
        self.plan.places.insert(value, (value, operand.place));
        operand
    }

    /// Adds the evaluation of `affine` into `output` (itself, or its ReLU), with samples in the pass
    /// that needs it first.
    fn evaluate(&mut self, level: usize, affine: ValueId, output: ValueId, relu: bool) {
        let output = self.allocate(output);
        let steps = match output.samples {
            true => &mut self.plan.passes[self.first[affine].min(level)].tile,
            false => &mut self.plan.passes[0].before,
        };
        steps.point.push(Step {
            action: Action::Affine {
                value: affine,
                relu,
            },
            inputs: Vec::new(),
            output,
            keep: None,
        });
    }

    fn node(&mut self, index: usize, inputs: Vec<Operand>) {
        let (node, stage) = (&self.graph.nodes[index], self.analysis.stage[index]);
        let value = node.output;
        if node.operation.is_view() && !matches!(stage, Stage::Reduce { .. }) {
            let shown = (inputs[0].value, inputs[0].place);
            self.plan.places.insert(value, shown);
            return;
        }
        let mut output = self.allocate(value);
        let operation = node.operation.clone();
        let action = match stage {
            Stage::Reduce { mean, whole } => {
                let sum = self.sum(index, output.clone(), (mean, whole));
                // The kernel leaves one value a sample, or adds them up.
                output.place = Location::Whole;
                if !whole {
                    output.place = self.rows(output.size);
                    output.shape.insert(0, 0);
                    output.samples = true;
                }
                Action::Reduce(operation, sum)
            }
            Stage::Collect => Action::Collect(operation),
            _ => Action::Kernel(operation),
        };
        let vector = self.analysis.vector[value];
        let level = self.analysis.level[index];
        let level = level + usize::from(stage == Stage::Collect);
        let phase = match (stage, self.plan.passes.get_mut(level)) {
            (Stage::Point | Stage::Collect, None) => &mut self.plan.after,
            (Stage::Point | Stage::Collect, Some(pass)) => &mut pass.before,
            (_, pass) => &mut pass.expect("as many passes as levels").tile,
        };
        phase.of(vector).push(Step {
            action,
            inputs,
            output,
            keep: None,
        });
    }

    fn sum(&mut self, index: usize, result: Operand, (mean, whole): (bool, bool)) -> usize {
        let vector = self.analysis.vector[result.value];
        let size = result.size;
        let start = &mut self.plan.sum_sizes[usize::from(vector)];
        *start += size;
        self.plan.sums.push(Sum {
            size,
            mean,
            whole,
            vector,
            start: *start - size,
            result,
            pass: self.analysis.level[index],
        });
        self.plan.sums.len() - 1
    }

    fn outputs(&mut self) {
        let (graph, analysis) = (self.graph, self.analysis);
        let sum = |plan: &Plan, value| plan.sums.iter().position(|s| s.result.value == value);
        for value in graph.outputs() {
            let operand = self.input(0, value);
            let multiple = analysis.multiple(graph, value);
            let multiple = multiple.and_then(|m| Some((sum(&self.plan, m.sum)?, m.factor)));
            self.plan.outputs.push(Output {
                operand,
                vector: analysis.vector[value],
                multiple,
                pass: 0,
            });
        }
        let loss = analysis.multiple_of_mean(graph, graph.loss);
        self.plan.loss = loss.as_ref().and_then(|m| sum(&self.plan, m.sum));
        self.plan.excess = loss.and_then(|m| m.excess);
    }
}

/// For each value: the first pass in which something is computed from it.
fn first_uses(graph: &Graph, analysis: &Analysis) -> Vec<usize> {
    let mut first = vec![usize::MAX; graph.values.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        if analysis.stage[index] != Stage::Once {
            let level = analysis.level[index];
            node.inputs
                .iter()
                .for_each(|&v| first[v] = first[v].min(level));
        }
    }
    first
}

/// ReLU nodes over affine values that nothing else needs at points: (node, affine value).
fn relus_of_affine(graph: &Graph, analysis: &Analysis) -> HashMap<usize, ValueId> {
    let mut uses: HashMap<ValueId, usize> = HashMap::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        if analysis.stage[index] != Stage::Once {
            node.inputs
                .iter()
                .for_each(|&v| *uses.entry(v).or_default() += 1);
        }
    }
    graph
        .outputs()
        .for_each(|v| *uses.entry(v).or_default() += 1);
    let relu = |op: &Arc<dyn Operation>| op.as_any().downcast_ref::<Unary>() == Some(&Unary::Relu);
    let nodes = graph
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| relu(&node.operation));
    nodes
        .map(|(index, node)| (index, node.inputs[0]))
        .filter(|(_, v)| analysis.class[*v] == Class::Affine && uses.get(v) == Some(&1))
        .collect()
}
