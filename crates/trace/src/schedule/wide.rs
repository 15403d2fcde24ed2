//! Wider tiles, for layers of many weights and few values.
//!
//! Weights are read once a tile, so that a tile of 16 samples, as large images need to stay in a cache, leaves deep
//! layers of few pixels waiting for memory. Where there are such layers the tile holds more samples, and what lies between them and is
//! large runs for a few samples at a time, as one operation ([`Stretch`]).

use super::pack::Rows;
use super::tiles::{TILE, Tiles};
use crate::ir::graph::{Graph, Node, Value, ValueId};
use crate::ops::shape::{Reshape, Slice};
use crate::ops::stretch::{Location, Part, Step, Stretch};
use crate::passes::dependence::{Analysis, Stage};
use crate::passes::fuse::transform_for;
use std::collections::HashMap;
use std::sync::Arc;

/// Samples of a wider tile for which it is decided what is worth it.
const WIDE: usize = 128;
/// Weights of a layer from which on it can matter how often they are read: a few of its kind fill a second-level cache.
const HEAVY: usize = 32 * 1024;
/// Bytes of a layer's values in a wider tile up to which it is not run in parts.
const SMALL: usize = 2 << 20;

/// The graph for wider tiles than `narrow`, where layers gain by them.
pub(crate) fn widened(graph: &Graph, analysis: &Analysis, narrow: Tiles) -> Option<Graph> {
    let lanes = WIDE.min(Tiles::new(graph.samples, 1).lanes);
    let known = |v: ValueId| !analysis.samples[v];
    if lanes <= narrow.lanes || !graph.outputs().all(known) {
        return None;
    }
    let mut pass = Widening {
        graph: graph.clone(),
        analysis,
        narrow: narrow.lanes,
        lanes,
    };
    let nodes = std::mem::take(&mut pass.graph.nodes);
    let heavy: Vec<bool> = (0..nodes.len())
        .map(|index| analysis.stage[index] == Stage::Tile && pass.is_heavy(&nodes[index]))
        .collect();
    if !heavy.contains(&true) {
        return None;
    }
    let users = users(&nodes);
    let (mut run, mut level) = (Vec::new(), 0);
    for (index, node) in nodes.iter().enumerate() {
        // A stretch is of one pass over the samples.
        let in_tiles = matches!(analysis.stage[index], Stage::Tile | Stage::Reduce { .. });
        if in_tiles && analysis.level[index] != level {
            pass.end(&mut run, &users);
            level = analysis.level[index];
        }
        let inside = |v: &ValueId| run.iter().any(|n: &Node| n.output == *v);
        match analysis.stage[index] {
            Stage::Once | Stage::Point => pass.graph.nodes.push(node.clone()),
            Stage::Collect => {
                pass.end(&mut run, &users);
                pass.graph.nodes.push(node.clone());
            }
            Stage::Tile if !heavy[index] => {
                // What only shows another value in another shape costs nothing anywhere.
                match node.operation.is_view() && !inside(&node.inputs[0]) {
                    true => pass.graph.nodes.push(node.clone()),
                    false => run.push(node.clone()),
                }
            }
            Stage::Tile | Stage::Reduce { .. } => {
                pass.end(&mut run, &users);
                let mut node = node.clone();
                transform_for(&mut pass.graph, &mut node, lanes);
                pass.graph.nodes.push(node);
            }
        }
    }
    pass.end(&mut run, &users);
    pass.graph.prune();
    Some(pass.graph)
}

/// The outputs of the nodes that use each value.
fn users(nodes: &[Node]) -> HashMap<ValueId, Vec<ValueId>> {
    let mut users: HashMap<ValueId, Vec<ValueId>> = HashMap::new();
    for node in nodes {
        for &input in &node.inputs {
            users.entry(input).or_default().push(node.output);
        }
    }
    users
}

struct Widening<'a> {
    graph: Graph,
    analysis: &'a Analysis,
    /// Samples of a tile, and of a wider one.
    narrow: usize,
    lanes: usize,
}

impl Widening<'_> {
    /// Numbers that a node needs without samples, and rows of its values with samples.
    fn sizes(&self, node: &Node) -> [usize; 2] {
        let mut sizes = [0, 0];
        for &v in node.inputs.iter().chain([&node.output]) {
            let numel = self.graph.values[v].numel();
            match self.analysis.samples[v] {
                true => sizes[1] += numel / self.graph.samples,
                false => sizes[0] += numel,
            }
        }
        sizes
    }

    /// Whether reading the weights once a tile takes longer than values of a wider tile that no near cache holds.
    fn is_heavy(&self, node: &Node) -> bool {
        let [weights, rows] = self.sizes(node).map(|n| n as f64);
        let saved = weights / self.narrow as f64 - weights / self.lanes as f64;
        node.operation.is_product() && weights >= HEAVY as f64 && saved > 1.5 * rows
    }

    /// Whether a run of nodes is better done for a few samples at a time.
    fn is_large(&self, run: &[Node]) -> bool {
        let rows = run.iter().map(|node| self.sizes(node)[1]).max();
        let bytes = rows.unwrap_or(0) * self.lanes * size_of::<f32>();
        bytes > SMALL && run.iter().any(|node| node.operation.is_product())
    }

    /// Ends a run of nodes between those that are wider: adds them, as one where they are large.
    fn end(&mut self, run: &mut Vec<Node>, users: &HashMap<ValueId, Vec<ValueId>>) {
        let run = std::mem::take(run);
        if !self.is_large(&run) {
            self.graph.nodes.extend(run);
            return;
        }
        let inside: Vec<ValueId> = run.iter().map(|node| node.output).collect();
        let outside = |user: &ValueId| !inside.contains(user);
        let wanted = |v: &&ValueId| users.get(v).is_some_and(|users| users.iter().any(outside));
        let wanted: Vec<ValueId> = inside.iter().filter(wanted).copied().collect();
        let (stretch, inputs) = Packing::new(self, &run, &wanted).pack(&run, &wanted);
        self.replace(stretch, inputs, &wanted);
    }

    /// Adds the stretch, and its results as the values that they were.
    fn replace(&mut self, stretch: Stretch, inputs: Vec<ValueId>, wanted: &[ValueId]) {
        let samples = self.graph.samples;
        let sizes: Vec<usize> = stretch.results.iter().map(|&(_, rows)| rows).collect();
        let operation = Arc::new(stretch);
        if let [only] = wanted {
            self.graph.nodes.push(Node {
                operation,
                inputs,
                output: *only,
            });
            return;
        }
        let whole = vec![samples, sizes.iter().sum()];
        let all = self.graph.push(operation, inputs, whole);
        let mut first = 0;
        for (&output, rows) in wanted.iter().zip(sizes) {
            let ranges = vec![(0, 1), (first, 1)];
            let shape = vec![samples, rows];
            let own = self
                .graph
                .push(Arc::new(Slice { ranges }), vec![all], shape);
            self.graph.nodes.push(Node {
                operation: Arc::new(Reshape),
                inputs: vec![own],
                output,
            });
            first += rows;
        }
    }
}

/// Finds the places of a stretch's values.
struct Packing<'a> {
    values: &'a [Value],
    samples: &'a [bool],
    /// What views show.
    shown: HashMap<ValueId, ValueId>,
    inputs: Vec<ValueId>,
    /// The last step that needs a value.
    last: HashMap<ValueId, usize>,
    rows: Rows,
    places: HashMap<ValueId, usize>,
}

impl<'a> Packing<'a> {
    fn new(of: &'a Widening, run: &[Node], wanted: &[ValueId]) -> Self {
        let mut this = Self {
            values: &of.graph.values,
            samples: &of.analysis.samples,
            shown: HashMap::new(),
            inputs: Vec::new(),
            last: HashMap::new(),
            rows: Rows::default(),
            places: HashMap::new(),
        };
        let inside: Vec<ValueId> = run.iter().map(|node| node.output).collect();
        for (time, node) in run.iter().enumerate() {
            if node.operation.is_view() {
                this.shown.insert(node.output, this.base(node.inputs[0]));
            }
            for &input in &node.inputs {
                if !inside.contains(&input) && !this.inputs.contains(&input) {
                    this.inputs.push(input);
                }
                this.last.insert(this.base(input), time);
            }
        }
        for &value in wanted {
            this.last.insert(this.base(value), run.len());
        }
        this
    }

    fn base(&self, value: ValueId) -> ValueId {
        self.shown.get(&value).copied().unwrap_or(value)
    }

    fn size(&self, value: ValueId) -> usize {
        self.values[value].shape[1..].iter().product()
    }

    /// Gives a value its rows.
    fn place(&mut self, value: ValueId, now: usize) -> usize {
        let last = self.last.get(&value).copied().unwrap_or(now);
        let row = self.rows.take(self.size(value), now, last);
        self.places.insert(value, row);
        row
    }

    fn part(&self, value: ValueId) -> Part {
        let place = match self.inputs.iter().position(|&input| input == value) {
            Some(index) if !self.samples[value] => Location::Input(index),
            _ => Location::Row(self.places[&self.base(value)]),
        };
        let shape = self.values[value].shape.clone();
        Part { place, shape }
    }

    /// The stretch, and its inputs.
    fn pack(mut self, run: &[Node], wanted: &[ValueId]) -> (Stretch, Vec<ValueId>) {
        let mut given = Vec::new();
        for value in self.inputs.clone() {
            given.push(self.samples[value].then(|| self.place(value, 0)));
        }
        let mut steps = Vec::new();
        for (time, node) in run.iter().enumerate() {
            if node.operation.is_view() {
                continue;
            }
            let inputs = node.inputs.iter().map(|&v| self.part(v)).collect();
            let row = self.place(node.output, time);
            steps.push(Step {
                operation: node.operation.clone(),
                inputs,
                row,
                shape: self.values[node.output].shape.clone(),
            });
        }
        let result = |&v: &ValueId| (self.places[&self.base(v)], self.size(v));
        let stretch = Stretch {
            steps,
            lanes: Tiles::most(self.rows.count, TILE),
            rows: self.rows.count,
            given,
            results: wanted.iter().map(result).collect(),
        };
        (stretch, self.inputs)
    }
}
