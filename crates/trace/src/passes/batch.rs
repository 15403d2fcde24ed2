//! The batch as a fact: which axis of a value runs over the samples, and how many rows of it belong to one.
//!
//! Programs fold samples into other axes (`[n, t, d]` becomes `[n t, d]` for a matrix product), move them (`[t, n, d]`),
//! or repeat for every sample what is the same for all (class tokens, positions, masks). This pass follows them and
//! rewrites the graph so that axis 0 of every value with samples counts them, and nothing else does; what is the same for
//! all samples is computed once. What mixes samples, such as a product of all with each other, finds those of one of its
//! inputs collected: the other still knows its samples, so that most of such a loss is computed sample by sample too.
//! Executors need to know no other form.

use crate::ir::batching::{BatchAxis, Batching, Placed};
use crate::ir::graph::{Graph, Source, Value, ValueId};
use crate::ir::operation::{Operand, Operation, Samples};
use crate::ops::shape::Slice;
use std::collections::HashMap;
use std::sync::Arc;

/// Rewrites a graph so that axis 0 counts the samples wherever a value has some, and says which operation mixes them
/// first ([`Graph::mixes`]).
pub(crate) fn batch(program: &Graph) -> Graph {
    let parts = parts(program);
    let mut this = Batching {
        graph: Graph {
            samples: program.samples / parts,
            parts,
            values: Vec::new(),
            nodes: Vec::new(),
            derived: Vec::new(),
            ones: Vec::new(),
            ..program.clone()
        },
        numbers: None,
        collected: HashMap::new(),
    };
    let varies = varies(program);
    let mut placed: Vec<Option<Placed>> = vec![None; program.values.len()];
    for (old, value) in program.values.iter().enumerate() {
        if !matches!(value.source, Source::Node(_)) {
            placed[old] = Some(this.given(value));
        }
    }
    for node in &program.nodes {
        let inputs = node.inputs.iter().map(|&v| placed[v].clone());
        let inputs: Vec<Placed> = inputs.map(|p| p.expect("made before it is used")).collect();
        let shape = &program.values[node.output].shape;
        let alone = this.node(&node.operation, &inputs, shape);
        if alone.is_none() && varies[node.output] {
            this.graph.mixes.get_or_insert(node.operation.name());
        }
        let made = alone.unwrap_or_else(|| this.mixing(&node.operation, &inputs, shape));
        placed[node.output] = Some(made);
    }
    let mut output = |old: ValueId| {
        let placed = placed[old].clone().expect("every output was made");
        this.collected(&placed).value
    };
    let loss = output(program.loss);
    let accuracy = program.accuracy.map(&mut output);
    let terms = program.terms.iter();
    let terms = terms.map(|(term, value)| (term.clone(), output(*value)));
    let terms = terms.collect();
    (this.graph.loss, this.graph.accuracy, this.graph.terms) = (loss, accuracy, terms);
    this.graph.prune();
    this.graph
}

/// The most parts that data are taken to consist of.
const PARTS: usize = 4;

/// Equal parts that the program cuts its data into, such as two views of everything, one after the other: each data of
/// which there are slices is used in such parts alone.
fn parts(program: &Graph) -> usize {
    let n = program.samples;
    let is_data = |v: ValueId| match program.values[v].source {
        Source::Constant { input, .. } => input && program.values[v].shape[0] == n,
        _ => false,
    };
    let users = program
        .nodes
        .iter()
        .filter(|node| node.inputs.iter().any(|&v| is_data(v)));
    let mut size = n;
    let mut cut = Vec::new();
    let mut used = Vec::new();
    for node in users {
        let length = program.values[node.output]
            .shape
            .first()
            .copied()
            .unwrap_or(0);
        match node.operation.as_any().downcast_ref::<Slice>() {
            Some(slice) if slice.ranges[0] != (0, 1) || length < n => {
                let (start, step) = slice.ranges[0];
                size = match step {
                    1 => gcd(gcd(size, start), length),
                    _ => 1,
                };
                cut.push(node.inputs[0]);
            }
            _ => used.extend(&node.inputs),
        }
    }
    let alone = cut.iter().all(|v| !used.contains(v));
    let parts = n / size;
    if alone && size > 1 && parts <= PARTS {
        parts
    } else {
        1
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Whether each value depends on parameters.
fn varies(program: &Graph) -> Vec<bool> {
    let parameter = |value: &Value| matches!(value.source, Source::Parameter(_));
    let mut varies: Vec<bool> = program.values.iter().map(parameter).collect();
    for node in &program.nodes {
        varies[node.output] = node.inputs.iter().any(|&v| varies[v]);
    }
    varies
}

impl Batching {
    /// A value that no node makes.
    fn given(&mut self, value: &Value) -> Placed {
        let place = match &value.source {
            Source::Constant { data, input: true } if self.graph.parts > 1 => {
                let place = BatchAxis {
                    outer: self.graph.parts,
                    ..BatchAxis::PLAIN
                };
                return Placed {
                    value: self.constant(data, &value.shape, place),
                    shape: value.shape.clone(),
                    place: Some(place),
                };
            }
            Source::Constant { input: true, .. } => Some(BatchAxis::PLAIN),
            // A row for each sample, all the same (the first state of a recurrent layer).
            Source::Constant { data, .. }
                if value.shape.first() == Some(&self.graph.samples)
                    && data.len() == value.numel()
                    && self.are_same(data, &value.shape, BatchAxis::PLAIN) =>
            {
                return Placed {
                    value: self.constant(data, &value.shape, BatchAxis::PLAIN),
                    shape: value.shape.clone(),
                    place: Some(BatchAxis::PLAIN),
                };
            }
            _ => None,
        };
        self.graph.values.push(value.clone());
        Placed {
            value: self.graph.values.len() - 1,
            shape: value.shape.clone(),
            place,
        }
    }

    /// Adds an operation of the program. Where what is the same for all samples stands in its way, it is taken for what
    /// has none: an axis may be as long as there are samples by chance. `None` where it mixes samples.
    fn node(
        &mut self,
        operation: &Arc<dyn Operation>,
        inputs: &[Placed],
        shape: &[usize],
    ) -> Option<Placed> {
        if let Some(placed) = self.attempt(operation, inputs, shape) {
            return Some(placed);
        }
        let fixed: Vec<Placed> = inputs.iter().map(|p| self.without(p)).collect();
        if fixed.iter().all(|p| p.place.is_none()) {
            return Some(self.whole_node(operation, &fixed, shape));
        }
        self.attempt(operation, &fixed, shape)
    }

    /// Adds an operation of values without samples.
    fn whole_node(
        &mut self,
        operation: &Arc<dyn Operation>,
        inputs: &[Placed],
        shape: &[usize],
    ) -> Placed {
        let values = inputs.iter().map(|p| p.value).collect();
        Placed {
            value: self.graph.push(operation.clone(), values, shape.to_vec()),
            shape: shape.to_vec(),
            place: None,
        }
    }

    /// Adds an operation that mixes samples. As few of its inputs as possible are collected, or the samples of an only one
    /// are told along another axis that is as long, such as those of a matrix of similarities; what is left is computed for all samples at once.
    fn mixing(
        &mut self,
        operation: &Arc<dyn Operation>,
        inputs: &[Placed],
        shape: &[usize],
    ) -> Placed {
        let inputs: Vec<Placed> = inputs.iter().map(|p| self.without(p)).collect();
        for kept in kept_first(&inputs) {
            let one = |(i, p): (usize, &Placed)| match kept.contains(&i) {
                true => p.clone(),
                false => self.collected(p),
            };
            let some: Vec<Placed> = inputs.iter().enumerate().map(one).collect();
            if let Some(placed) = self.attempt(operation, &some, shape) {
                return placed;
            }
        }
        if let [only] = &inputs[..] {
            for axis in 0..only.shape.len() {
                if only.shape[axis] == self.graph.samples
                    && let Some(turned) = self.turned(only, axis)
                    && let Some(placed) = self.attempt(operation, &[turned], shape)
                {
                    return placed;
                }
            }
        }
        let all: Vec<Placed> = inputs.iter().map(|p| self.collected(p)).collect();
        let made = self.whole_node(operation, &all, shape);
        self.told_apart(made, &inputs)
    }

    /// What was made of all samples at once, and has one row for each, is told apart again.
    fn told_apart(&mut self, made: Placed, inputs: &[Placed]) -> Placed {
        let same = |p: &&Placed| p.shape == made.shape && p.place.is_some_and(|p| p.rows() == 1);
        let Some(place) = inputs.iter().find(same).and_then(|p| p.place) else {
            return made;
        };
        match self.beside(made.value, place) {
            Some(value) => {
                self.collected.insert((value, place), made.value);
                Placed {
                    value,
                    place: Some(place),
                    ..made
                }
            }
            None => made,
        }
    }

    fn attempt(
        &mut self,
        operation: &Arc<dyn Operation>,
        inputs: &[Placed],
        shape: &[usize],
    ) -> Option<Placed> {
        self.plain(operation, inputs, shape)
            .or_else(|| operation.batched(self, inputs, shape))
    }

    /// A value without samples where all of them are the same, else as it is.
    fn without(&mut self, placed: &Placed) -> Placed {
        match self.fixed(placed) {
            Some(value) => Placed {
                value,
                shape: placed.shape.clone(),
                place: None,
            },
            None => placed.clone(),
        }
    }

    /// The operation as it is, where its inputs have the form that executors know.
    fn plain(
        &mut self,
        operation: &Arc<dyn Operation>,
        inputs: &[Placed],
        shape: &[usize],
    ) -> Option<Placed> {
        let n = self.graph.samples;
        let known = |p: &Placed| match p.place {
            Some(place) => place == BatchAxis::PLAIN && self.graph.values[p.value].shape[0] == n,
            None => true,
        };
        if !inputs.iter().all(known) || inputs.iter().all(|p| p.place.is_none()) {
            return None;
        }
        let operand = |p: &'_ Placed| p.place.is_some();
        let operands = inputs.iter().map(|p| Operand {
            shape: &p.shape,
            samples: operand(p),
            varies: true,
        });
        let samples = operation.samples(&operands.collect::<Vec<_>>(), shape);
        let place = match samples {
            Samples::Kept => Some(BatchAxis::PLAIN),
            Samples::Reduced { .. } => None,
            Samples::Summed | Samples::Collected | Samples::Mixed => return None,
        };
        let ids = inputs.iter().map(|p| p.value).collect();
        Some(Placed {
            value: self.graph.push(operation.clone(), ids, shape.to_vec()),
            shape: shape.to_vec(),
            place,
        })
    }
}

/// The most inputs of which some are collected and others not.
const FEW: usize = 4;

/// Which inputs with samples keep them, while those of the others are collected: as many as possible first, and of equally
/// many those whose samples are along the first axes.
fn kept_first(inputs: &[Placed]) -> Vec<Vec<usize>> {
    let axis = |i: usize| inputs[i].place.map_or(0, |place| place.axis);
    let with: Vec<usize> = (0..inputs.len())
        .filter(|&i| inputs[i].place.is_some())
        .collect();
    if with.len() > FEW {
        return Vec::new();
    }
    let every = 1usize << with.len();
    let set = |bits: usize| {
        with.iter()
            .enumerate()
            .filter(move |(k, _)| bits >> k & 1 == 1)
    };
    let sets = (1..every - 1).map(|bits| set(bits).map(|(_, &i)| i).collect());
    let mut sets: Vec<Vec<usize>> = sets.collect();
    sets.sort_by_key(|kept| {
        let axes = kept.iter().map(|&i| axis(i)).sum::<usize>();
        (std::cmp::Reverse(kept.len()), axes)
    });
    sets
}
