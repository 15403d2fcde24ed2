//! The steps that are run for every point, with the place of every value.

use super::once::{TILE, Tiles, WIDE_TILE};
use super::pack;
use super::wide::widened;
use crate::ir::graph::{Graph, ValueId};
use crate::ir::operation::Operation;
use crate::ops::unary::Unary;
use crate::passes::dependence::{Analysis, Class, Stage};
use crate::passes::fuse::transform_weights;
use std::collections::HashMap;
use std::sync::Arc;

/// Where a value is while steps run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// Computed once; the value's index.
    Fixed(ValueId),
    /// In the buffer of a point, at this offset.
    Point(usize),
    /// In the buffer of a tile, at this row.
    Tile(usize),
    /// Among the values that are kept for a later pass over the samples, at this row.
    Kept(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Operand {
    pub place: Place,
    pub shape: Vec<usize>,
    pub samples: bool,
}

impl Operand {
    /// Rows in a tile buffer, or numbers in a point buffer.
    pub fn size(&self) -> usize {
        self.shape[usize::from(self.samples)..].iter().product()
    }
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
}

#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub action: Action,
    pub inputs: Vec<Operand>,
    pub output: Operand,
    /// Where the output is kept for later passes, if it is.
    pub keep: Option<usize>,
}

/// One pass over the samples.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pass {
    /// Once a point, before the pass.
    pub before: Vec<Step>,
    /// For every tile.
    pub tile: Vec<Step>,
}

/// A sum over the samples.
#[derive(Clone, Debug)]
pub(crate) struct Sum {
    /// Numbers that are summed separately.
    pub size: usize,
    pub mean: bool,
    /// Index of its first number among all sums.
    pub start: usize,
    /// Where the result goes in the point buffer.
    pub offset: usize,
    pub value: ValueId,
    /// The pass that adds it up.
    pub pass: usize,
}

/// All steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// One or, where later operations need sums over the samples, more.
    pub passes: Vec<Pass>,
    /// Once a point, after all sums.
    pub after: Vec<Step>,
    /// Of the steps before the first pass those that the steps after all sums, or the outputs, need.
    pub again: Vec<Step>,
    pub sums: Vec<Sum>,
    /// Numbers in the buffer of a point.
    pub point_size: usize,
    /// Rows in the buffer of a tile.
    pub tile_rows: usize,
    /// Rows that are kept from pass to pass.
    pub kept_rows: usize,
    /// Numbers in all sums.
    pub sum_size: usize,
    places: HashMap<ValueId, Place>,
}

/// The plan of a graph, with the graph and the analysis that it belongs to, and how the samples are cut.
pub(crate) fn planned(
    graph: &Graph,
    analysis: &Analysis,
    varies: &[bool],
) -> (Graph, Analysis, Plan, Tiles) {
    let graph = transform_weights(graph.clone(), &|v| analysis.in_tiles(v));
    let analysis = Analysis::new(&graph, varies);
    let plan = Plan::new(&graph, &analysis);
    let tiles = Tiles::new(graph.samples, plan.tile_rows);
    let Some(wide) = widened(&graph, &analysis, tiles) else {
        return (graph, analysis, plan, tiles);
    };
    let wide_analysis = Analysis::new(&wide, varies);
    let wide_plan = Plan::new(&wide, &wide_analysis);
    let wide_tiles = Tiles::within(wide.samples, wide_plan.tile_rows, WIDE_TILE);
    match wide_tiles.lanes > tiles.lanes {
        true => (wide, wide_analysis, wide_plan, wide_tiles),
        false => (graph, analysis, plan, tiles),
    }
}

impl Plan {
    /// Plans the graph; values of [`Stage::Once`] are known.
    pub fn new(graph: &Graph, analysis: &Analysis) -> Self {
        let mut this = Self {
            passes: vec![Pass::default(); analysis.levels()],
            ..Self::default()
        };
        let relu_of = relus_of_affine(graph, analysis);
        for (index, node) in graph.nodes.iter().enumerate() {
            let stage = analysis.stage[index];
            if stage == Stage::Once {
                continue;
            }
            let level = analysis.level[index];
            if let Some(&affine) = relu_of.get(&index) {
                this.evaluate(graph, analysis, level, affine, node.output, true);
                continue;
            }
            let inputs = node
                .inputs
                .iter()
                .map(|&v| this.input(graph, analysis, level, v))
                .collect();
            this.step(graph, analysis, index, stage, inputs);
        }
        for value in graph.outputs() {
            let needs = analysis.class[value] == Class::Affine;
            if needs && !this.places.contains_key(&value) {
                this.evaluate(graph, analysis, 0, value, value, false);
            }
        }
        pack::pack(&mut this);
        this.again = this.needed_after(graph);
        this
    }

    fn needed_after(&self, graph: &Graph) -> Vec<Step> {
        let of_steps = self
            .after
            .iter()
            .flat_map(|step| &step.inputs)
            .map(|i| i.place);
        let of_outputs = graph.outputs().map(|v| self.place(v));
        let mut needed: Vec<Place> = of_steps.chain(of_outputs).collect();
        let mut again = Vec::new();
        for step in self.passes[0].before.iter().rev() {
            if needed.contains(&step.output.place) {
                needed.extend(step.inputs.iter().map(|i| i.place));
                again.push(step.clone());
            }
        }
        again.reverse();
        again
    }

    /// The place of an output value in the end.
    pub fn place(&self, value: ValueId) -> Place {
        self.places
            .get(&value)
            .copied()
            .unwrap_or(Place::Fixed(value))
    }

    fn operand(&self, graph: &Graph, analysis: &Analysis, value: ValueId) -> Operand {
        Operand {
            place: self.place(value),
            shape: graph.values[value].shape.clone(),
            samples: analysis.samples[value],
        }
    }

    fn input(
        &mut self,
        graph: &Graph,
        analysis: &Analysis,
        level: usize,
        value: ValueId,
    ) -> Operand {
        let affine = analysis.class[value] == Class::Affine;
        if affine && !self.places.contains_key(&value) {
            self.evaluate(graph, analysis, level, value, value, false);
        }
        self.operand(graph, analysis, value)
    }

    fn allocate(&mut self, operand: &Operand) -> Place {
        let size = operand.size();
        let counter = if operand.samples {
            &mut self.tile_rows
        } else {
            &mut self.point_size
        };
        *counter += size;
        let start = *counter - size;
        if operand.samples {
            Place::Tile(start)
        } else {
            Place::Point(start)
        }
    }

    /// Adds the evaluation of `affine` into `output` (itself, or its ReLU), with samples in the pass
    /// that needs it first.
    fn evaluate(
        &mut self,
        graph: &Graph,
        analysis: &Analysis,
        level: usize,
        affine: ValueId,
        output: ValueId,
        relu: bool,
    ) {
        let mut operand = self.operand(graph, analysis, output);
        operand.place = self.allocate(&operand);
        self.places.insert(output, operand.place);
        let program = if operand.samples {
            &mut self.passes[level].tile
        } else {
            &mut self.passes[0].before
        };
        let action = Action::Affine {
            value: affine,
            relu,
        };
        program.push(Step {
            action,
            inputs: Vec::new(),
            output: operand,
            keep: None,
        });
    }

    fn step(
        &mut self,
        graph: &Graph,
        analysis: &Analysis,
        index: usize,
        stage: Stage,
        inputs: Vec<Operand>,
    ) {
        let node = &graph.nodes[index];
        let mut output = self.operand(graph, analysis, node.output);
        if node.operation.is_view() && !matches!(stage, Stage::Reduce { .. }) {
            self.places.insert(node.output, inputs[0].place);
            return;
        }
        let operation = node.operation.clone();
        let action = match stage {
            Stage::Reduce { mean } => {
                let size = output.size();
                let result = self.allocate(&output);
                self.places.insert(node.output, result);
                let Place::Point(offset) = result else {
                    unreachable!("sums have no samples")
                };
                self.sums.push(Sum {
                    size,
                    mean,
                    start: self.sum_size,
                    offset,
                    value: node.output,
                    pass: analysis.level[index],
                });
                self.sum_size += size;
                // The kernel leaves one value a sample: `size` rows of a tile.
                output.shape.insert(0, 0);
                output.samples = true;
                output.place = self.allocate(&output);
                Action::Reduce(operation, self.sums.len() - 1)
            }
            _ => {
                output.place = self.allocate(&output);
                self.places.insert(node.output, output.place);
                Action::Kernel(operation)
            }
        };
        let program = match (stage, self.passes.get_mut(analysis.level[index])) {
            (Stage::Point, None) => &mut self.after,
            (Stage::Point, Some(pass)) => &mut pass.before,
            (_, pass) => &mut pass.expect("as many passes as levels").tile,
        };
        program.push(Step {
            action,
            inputs,
            output,
            keep: None,
        });
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
