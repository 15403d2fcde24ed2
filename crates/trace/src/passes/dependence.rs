//! What each value of a graph depends on, and so when and how often it is computed.

use crate::ir::graph::{Graph, Node, Source, ValueId};
use crate::ir::operation::{Linearity, Operand, Samples};
use crate::ops::binary::Binary;
use crate::ops::reduce::Reduce;
use crate::ops::unary::Unary;
use std::sync::Arc;

/// How a value depends on the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Not at all: computed once.
    Shared,
    /// `T0 + a T1 + b T2 + c T3`: the coefficients are computed once.
    Affine,
    /// In another way: computed at every point.
    Point,
}

/// How often a node is computed. When, is said by its level, see [`Analysis::level`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stage {
    /// Once, for all points.
    Once,
    /// Once a point.
    Point,
    /// For every point and tile of samples.
    Tile,
    /// As `Tile`, and then summed over the samples.
    Reduce {
        /// Whether the sum is divided by their number.
        mean: bool,
        /// Whether the kernel adds the samples of a tile up itself, see [`Samples::Summed`].
        whole: bool,
    },
    /// Once a point, from what all tiles have computed, see [`Samples::Collected`].
    Collect,
}

/// A multiple of a sum over the samples.
#[derive(Clone, Debug)]
pub(crate) struct Multiple {
    /// The value that is summed over the samples.
    pub sum: ValueId,
    /// What the mean of the samples is multiplied with.
    pub factor: f64,
    /// Where the factor is 1 over the sum of the samples' weights: those, divided by their mean, minus 1.
    pub excess: Option<Arc<Vec<f64>>>,
}

/// The analysis of a graph.
#[derive(Clone, Debug)]
pub(crate) struct Analysis {
    pub class: Vec<Class>,
    /// Whether axis 0 of a value counts the samples.
    pub samples: Vec<bool>,
    /// Whether a value depends on a vector, see [`Source::Vector`].
    pub vector: Vec<bool>,
    /// One a node.
    pub stage: Vec<Stage>,
    /// Passes over the samples that must be complete before a node is computed, one a node: 0 but
    /// for what needs all samples, such as batch statistics, similarities within the batch, or the mean loss.
    pub level: Vec<usize>,
    /// Of the parameters.
    classes: Vec<Class>,
    /// Whether samples are told apart.
    cut: bool,
    affine_data: bool,
}

/// Memory that affine values of the data may take; above, they are computed at every point.
const AFFINE_BYTES: usize = 1 << 30;

impl Analysis {
    /// Analyses `graph` for parameters of which some vary with the point.
    pub fn new(graph: &Graph, varies: &[bool]) -> Self {
        let class = |&varies: &bool| match varies {
            true => Class::Affine,
            false => Class::Shared,
        };
        let classes: Vec<Class> = varies.iter().map(class).collect();
        let attempt = |affine_data: bool| {
            let try_with = |samples: bool| Self::attempt(graph, &classes, samples, affine_data);
            try_with(true)
                .or_else(|| try_with(false))
                .expect("without a sample axis nothing can be mixed")
        };
        let this = attempt(true);
        match this.affine_bytes(graph) > AFFINE_BYTES {
            true => attempt(false),
            false => this,
        }
    }

    /// Analyses `graph` for parameters, and vectors, that are given anew for every point; `samples`: whether the data
    /// are told apart.
    ///
    /// `None` where samples are mixed.
    pub fn of_given(graph: &Graph, samples: bool) -> Option<Self> {
        let classes = vec![Class::Point; graph.parameters.len()];
        Self::attempt(graph, &classes, samples, false)
    }

    /// The analysis of a graph in which operations have been replaced by equal ones.
    pub fn again(&self, graph: &Graph) -> Self {
        Self::attempt(graph, &self.classes, self.cut, self.affine_data)
            .expect("what mixes no samples")
    }

    /// Memory for the coefficients of affine values, sample by sample, that are needed at points.
    fn affine_bytes(&self, graph: &Graph) -> usize {
        const COEFFICIENTS: usize = 4;
        let mut needed = vec![false; graph.values.len()];
        for (node, stage) in graph.nodes.iter().zip(&self.stage) {
            if *stage != Stage::Once {
                node.inputs.iter().for_each(|&v| needed[v] = true);
            }
        }
        let affine = |&v: &ValueId| needed[v] && self.samples[v] && self.class[v] == Class::Affine;
        let values = (0..graph.values.len()).filter(affine);
        let numbers: usize = values.map(|v| graph.values[v].numel()).sum();
        numbers * COEFFICIENTS * size_of::<f32>()
    }

    /// `classes`: of the parameters; `samples`: whether inputs have a sample axis; `affine_data`: whether values with
    /// samples may be affine.
    fn attempt(graph: &Graph, classes: &[Class], samples: bool, affine_data: bool) -> Option<Self> {
        let count = graph.values.len();
        let mut this = Self {
            class: vec![Class::Shared; count],
            samples: vec![false; count],
            vector: vec![false; count],
            stage: Vec::with_capacity(graph.nodes.len()),
            level: Vec::with_capacity(graph.nodes.len()),
            classes: classes.to_vec(),
            cut: samples,
            affine_data,
        };
        for (i, value) in graph.values.iter().enumerate() {
            match &value.source {
                Source::Parameter(p) => this.class[i] = classes[*p],
                Source::Vector(_) => (this.class[i], this.vector[i]) = (Class::Point, true),
                Source::Constant { input, .. } => this.samples[i] = samples && *input,
                _ => {}
            }
        }
        let mut known_at = vec![0; count];
        for node in 0..graph.nodes.len() {
            let level = graph.nodes[node].inputs.iter().map(|&v| known_at[v]);
            let level = level.max().unwrap_or(0);
            let stage = this.node(graph, node)?;
            let reduces = matches!(stage, Stage::Reduce { .. } | Stage::Collect);
            known_at[graph.nodes[node].output] = level + usize::from(reduces);
            this.stage.push(stage);
            this.level.push(level);
        }
        Some(this)
    }

    /// Classifies one node; `None` where it mixes samples.
    fn node(&mut self, graph: &Graph, index: usize) -> Option<Stage> {
        let node = &graph.nodes[index];
        let inputs: Vec<Operand> = node
            .inputs
            .iter()
            .map(|&v| self.operand(graph, v))
            .collect();
        let shape = &graph.values[node.output].shape;
        let any_samples = inputs.iter().any(|i| i.samples);
        let samples = match any_samples {
            true => node.operation.samples(&inputs, shape),
            false => Samples::Kept,
        };
        let kept = any_samples && samples == Samples::Kept;
        if samples == Samples::Mixed {
            return None;
        }
        let mut class = self.class_of(node.operation.linearity(&inputs), &node.inputs);
        if class == Class::Affine && any_samples && !kept {
            // Summed at every point: the spread over the samples is wanted, batch by batch.
            class = Class::Point;
        }
        if class == Class::Affine && kept && !self.affine_data {
            class = Class::Point;
        }
        self.class[node.output] = class;
        self.samples[node.output] = kept;
        self.vector[node.output] = node.inputs.iter().any(|&v| self.vector[v]);
        let stage = match (class, samples) {
            (Class::Shared | Class::Affine, _) => Stage::Once,
            (Class::Point, Samples::Reduced { mean }) => Stage::Reduce { mean, whole: false },
            (Class::Point, Samples::Summed) => Stage::Reduce {
                mean: false,
                whole: true,
            },
            (Class::Point, Samples::Collected) => Stage::Collect,
            (Class::Point, _) if kept => Stage::Tile,
            (Class::Point, _) => Stage::Point,
        };
        Some(stage)
    }

    /// What is known of a value, as operations ask for it.
    pub fn operand<'a>(&self, graph: &'a Graph, value: ValueId) -> Operand<'a> {
        Operand {
            shape: &graph.values[value].shape,
            samples: self.samples[value],
            varies: self.class[value] != Class::Shared,
        }
    }

    fn class_of(&self, linearity: Linearity, inputs: &[ValueId]) -> Class {
        let mut varying = inputs
            .iter()
            .map(|&v| self.class[v])
            .filter(|&c| c != Class::Shared)
            .peekable();
        if varying.peek().is_none() {
            Class::Shared
        } else if linearity != Linearity::None && varying.all(|c| c == Class::Affine) {
            Class::Affine
        } else {
            Class::Point
        }
    }

    /// Passes over the samples.
    pub fn levels(&self) -> usize {
        let with_samples = |stage: &Stage| !matches!(stage, Stage::Once | Stage::Point);
        let levels = self.stage.iter().zip(&self.level);
        let passes = levels
            .filter(|(stage, _)| with_samples(stage))
            .map(|(_, &l)| l + 1);
        passes.max().unwrap_or(1)
    }

    /// Whether a value is computed for every point and tile.
    pub fn in_tiles(&self, value: ValueId) -> bool {
        self.samples[value] && self.class[value] == Class::Point
    }

    /// Follows a value back to the sum over the samples that it is a multiple of, or to a weighted mean.
    pub fn multiple(&self, graph: &Graph, value: ValueId) -> Option<Multiple> {
        let Source::Node(index) = graph.values[value].source else {
            return None;
        };
        let node = &graph.nodes[index];
        if let Stage::Reduce { mean, .. } = self.stage[index] {
            return Some(Multiple {
                sum: value,
                factor: if mean { 1.0 } else { graph.samples as f64 },
                excess: None,
            });
        }
        let further = |f: f64| {
            let mut found = self.multiple(graph, node.inputs[0])?;
            found.factor *= f;
            Some(found)
        };
        if node.operation.as_any().downcast_ref::<Binary>() == Some(&Binary::Div) {
            let by = graph.totals.iter().find(|t| t.value == node.inputs[1])?;
            let found = further(1.0 / by.number)?;
            return match (&found.excess, &by.excess) {
                (_, None) => Some(found),
                (None, excess) => Some(Multiple {
                    excess: excess.clone(),
                    ..found
                }),
                _ => None,
            };
        }
        if node.operation.is_view() {
            return further(1.0);
        }
        match node.operation.as_any().downcast_ref::<Unary>()? {
            Unary::Neg => further(-1.0),
            Unary::MulScalar(c) => further(*c),
            Unary::DivScalar(c) => further(1.0 / *c),
            _ => None,
        }
    }

    /// As [`Self::multiple`], where the samples are one number each, whose spread says how well the mean is known.
    pub fn multiple_of_mean(&self, graph: &Graph, value: ValueId) -> Option<Multiple> {
        let found = self.multiple(graph, value)?;
        let one = graph.values[found.sum].numel() == 1;
        let reduces = |node: &Node| node.operation.as_any().is::<Reduce>();
        (one && graph.producer(found.sum).is_some_and(reduces)).then_some(found)
    }
}
