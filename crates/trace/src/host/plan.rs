//! The steps that are run for every point, with the place of every value.

use super::once::Tiles;
use crate::analysis::{Analysis, Class, Stage};
use crate::graph::{Graph, ValueId};
use crate::operations::Operation;
use crate::operations::unary::Unary;
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
    pub node: usize,
}

/// All steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Once a point.
    pub before: Vec<Step>,
    /// For every point and tile.
    pub tile: Vec<Step>,
    /// Once a point, after the sums.
    pub after: Vec<Step>,
    pub sums: Vec<Sum>,
    /// Numbers in the buffer of a point.
    pub point_size: usize,
    /// Rows in the buffer of a tile.
    pub tile_rows: usize,
    /// Numbers in all sums.
    pub sum_size: usize,
    places: HashMap<ValueId, Place>,
}

impl Plan {
    /// Plans the graph; values of [`Stage::Once`] are known.
    pub fn new(graph: &Graph, analysis: &Analysis) -> Self {
        let mut this = Self::default();
        let relu_of = relus_of_affine(graph, analysis);
        for (index, node) in graph.nodes.iter().enumerate() {
            let stage = analysis.stage[index];
            if stage == Stage::Once {
                continue;
            }
            if let Some(&affine) = relu_of.get(&index) {
                this.evaluate(graph, analysis, affine, node.output, true);
                continue;
            }
            let inputs = node
                .inputs
                .iter()
                .map(|&v| this.input(graph, analysis, v))
                .collect();
            this.step(graph, analysis, index, stage, inputs);
        }
        for value in graph.outputs() {
            let needs = analysis.class[value] == Class::Affine;
            if needs && !this.places.contains_key(&value) {
                this.evaluate(graph, analysis, value, value, false);
            }
        }
        this.pack();
        this
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

    fn input(&mut self, graph: &Graph, analysis: &Analysis, value: ValueId) -> Operand {
        let affine = analysis.class[value] == Class::Affine;
        if affine && !self.places.contains_key(&value) {
            self.evaluate(graph, analysis, value, value, false);
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

    /// Adds the evaluation of `affine` into `output` (itself, or its ReLU).
    fn evaluate(
        &mut self,
        graph: &Graph,
        analysis: &Analysis,
        affine: ValueId,
        output: ValueId,
        relu: bool,
    ) {
        let mut operand = self.operand(graph, analysis, output);
        operand.place = self.allocate(&operand);
        self.places.insert(output, operand.place);
        let program = if operand.samples {
            &mut self.tile
        } else {
            &mut self.before
        };
        let action = Action::Affine {
            value: affine,
            relu,
        };
        program.push(Step {
            action,
            inputs: Vec::new(),
            output: operand,
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
                    node: index,
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
        let program = match stage {
            Stage::Before => &mut self.before,
            Stage::After => &mut self.after,
            _ => &mut self.tile,
        };
        program.push(Step {
            action,
            inputs,
            output,
        });
    }

    /// Gives rows of tile buffers, which are allocated one after another, places that are used
    /// again when a value is not needed any more.
    fn pack(&mut self) {
        let mut last: HashMap<usize, usize> = HashMap::new();
        for (i, step) in self.tile.iter().enumerate() {
            for operand in step.inputs.iter().chain([&step.output]) {
                if let Place::Tile(row) = operand.place {
                    last.insert(row, i);
                }
            }
        }
        let mut live: Vec<(usize, usize, usize)> = Vec::new(); // (start, size, last use)
        let mut moved: HashMap<usize, usize> = HashMap::new();
        let mut rows = 0;
        for (i, step) in self.tile.iter_mut().enumerate() {
            for input in &mut step.inputs {
                if let Place::Tile(row) = &mut input.place {
                    *row = moved[row];
                }
            }
            let size = step.output.size();
            if let Place::Tile(row) = &mut step.output.place {
                live.retain(|&(_, _, end)| end >= i);
                live.sort_unstable();
                let mut start = 0;
                for &(taken, length, _) in &live {
                    if start + size <= taken {
                        break;
                    }
                    start = start.max(taken + length);
                }
                live.push((start, size, last[row]));
                moved.insert(*row, start);
                *row = start;
                rows = rows.max(start + size);
            }
        }
        self.tile_rows = rows;
    }

    /// Points that share the tile buffer: as many as the first-level cache holds (32 KiB), and at least two,
    /// so that coefficients that were read once serve several points.
    pub fn points_a_tile(&self, tiles: Tiles) -> usize {
        const BUDGET: usize = 24 * 1024;
        let bytes = self.tile_rows.max(1) * tiles.lanes * size_of::<f32>();
        (BUDGET / bytes).clamp(2, 8)
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
