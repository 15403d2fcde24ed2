//! How a traced loss runs: what is computed once, at each point, and for each tile of samples.

use crate::ir::operation::Operation;
use crate::objective::Trace;
use crate::ops::stretch::Stretch;
use crate::passes::dependence::{Analysis, Stage};
use crate::schedule::plan::planned;
use landscape_core::memory_words;
use std::fmt;

/// How often something is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Runs {
    /// Once, for all points.
    Once,
    /// Once a point.
    Point,
    /// For every point and tile of samples.
    Tile,
}

impl Runs {
    /// `once`, `a point`, `a tile`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Point => "a point",
            Self::Tile => "a tile",
        }
    }
}

/// All operations of one name that are computed equally often.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// How often they are computed.
    pub runs: Runs,
    /// Their name, see [`Trace::operations`].
    pub operation: &'static str,
    /// How many there are.
    pub count: usize,
    /// Numbers in their outputs, of all samples.
    pub numbers: usize,
    /// Multiplications and additions for all samples, roughly: an element of an elementwise operation counts as one.
    pub work: f64,
}

/// How a traced loss runs on the CPU's own kernels, on a plane along which all parameters move; see [`Trace::summary`].
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Number of samples; of data that the loss cuts into equal parts, one of each part is a sample.
    pub samples: usize,
    /// Samples that are computed together.
    pub tile: usize,
    /// Passes over the samples a point: one, and one more for everything that is made of all samples, such as sums over them,
    /// and that later operations on samples need.
    pub passes: usize,
    /// What runs, in the order of how often; within that, the most work first.
    pub parts: Vec<Part>,
    /// Bytes of working memory a thread needs for one point: weights, what is made of all samples, the values of a tile, and
    /// those of all tiles that later passes need.
    pub memory: usize,
    /// The operation that mixes samples first, see [`Trace::mixes_samples`].
    pub mixes: Option<&'static str>,
    /// Whether the loss is a mean over samples, weighted or not, whose losses do not depend on each other, and so has a standard
    /// error.
    pub has_error: bool,
}

impl Summary {
    /// Multiplications and additions of a point, for all samples.
    pub fn work_a_point(&self) -> f64 {
        let parts = self.parts.iter().filter(|part| part.runs != Runs::Once);
        parts.map(|part| part.work).sum()
    }

    /// Samples, tiles, operations and memory of a point, in a line.
    pub fn headline(&self) -> String {
        let passes = match self.passes {
            1 => String::new(),
            n => format!(" and {n} passes"),
        };
        let mixed = self
            .mixes
            .map(|operation| format!(" (`{operation}` mixes them)"));
        format!(
            "{} samples in tiles of {}{passes}{}; a point takes {} operations, and {} of memory in each thread",
            self.samples,
            self.tile,
            mixed.unwrap_or_default(),
            count(self.work_a_point()),
            memory_words(self.memory as u64),
        )
    }

    /// What is slower or less than it could be, and the way out, in sentences.
    pub fn warnings(&self) -> Vec<String> {
        let mixed = self.mixes.map(|operation| {
            format!(
                "`{operation}` mixes the {} samples: they are processed in more than one pass, and their losses depend on \
                 each other, so the mean has no standard error. Where each sample's loss needs that sample alone, compute it from \
                 its own rows, along the first axis of the data",
                self.samples
            )
        });
        let unknown = (self.samples > 1 && !self.has_error && self.mixes.is_none()).then(|| {
            "the loss is not recognised as one mean over the samples, weighted or not, so it has no standard error; a loss \
             given sample by sample has one"
                .to_owned()
        });
        mixed.into_iter().chain(unknown).collect()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.headline())?;
        for part in &self.parts {
            write!(
                f,
                "\n{:8} {:>4} x {:20} {:>9} numbers {:>9} operations",
                part.runs.name(),
                part.count,
                part.operation,
                count(part.numbers as f64),
                count(part.work),
            )?;
        }
        Ok(())
    }
}

/// Three digits with a unit of thousands.
fn count(x: f64) -> String {
    let units = ["", " k", " M", " G", " T", " P"];
    let power = (0..units.len() - 1).find(|&i| x < 999.5 * 1000f64.powi(i as i32));
    let power = power.unwrap_or(units.len() - 1);
    let scaled = x / 1000f64.powi(power as i32);
    let digits = match (power, scaled) {
        (0, _) => 0,
        (_, x) if x < 9.995 => 2,
        (_, x) if x < 99.95 => 1,
        _ => 0,
    };
    format!("{scaled:.digits$}{}", units[power])
}

impl Trace {
    /// How the loss runs on the CPU's own kernels: which parts once, at each point, and for each tile of samples, with
    /// their sizes, their operations and the memory of a point; with warnings of what is slower than it could be.
    ///
    /// It is planned for a plane along which all parameters move, and prints as a table.
    pub fn summary(&self) -> Summary {
        let varies = vec![true; self.graph.parameters.len()];
        let (graph, analysis) = self.lowered(&varies);
        let mean = analysis.multiple_of_mean(&graph, graph.loss);
        let has_error = mean.is_some() && graph.mixes.is_none();
        let (graph, analysis, plan, tiles) = planned(&graph, &analysis);
        let mut parts: Vec<Part> = Vec::new();
        for (index, node) in graph.nodes.iter().enumerate() {
            if node.operation.is_view() {
                continue;
            }
            let runs = runs(&analysis, index);
            let mut count = |operation: &dyn Operation, inputs: &[&[usize]], shape: &[usize]| {
                let own = Part {
                    runs,
                    operation: operation.name(),
                    count: 1,
                    numbers: shape.iter().product(),
                    work: operation.work(inputs, shape),
                };
                add(&mut parts, own);
            };
            let shape = |v: &usize| &graph.values[*v].shape[..];
            match node.operation.as_any().downcast_ref::<Stretch>() {
                Some(stretch) => stretch.steps.iter().for_each(|step| {
                    let inputs = step.inputs.iter().map(|input| &input.shape[..]);
                    count(&*step.operation, &inputs.collect::<Vec<_>>(), &step.shape);
                }),
                None => {
                    let inputs = node.inputs.iter().map(shape);
                    let inputs: Vec<&[usize]> = inputs.collect();
                    count(&*node.operation, &inputs, shape(&node.output));
                }
            }
        }
        parts.sort_by(|a, b| a.runs.cmp(&b.runs).then(b.work.total_cmp(&a.work)));
        let cut = analysis.samples.iter().any(|&s| s);
        let rows = plan.tile_rows + plan.kept_rows * tiles.count();
        Summary {
            samples: graph.samples,
            tile: if cut {
                tiles.lanes.min(graph.samples)
            } else {
                graph.samples
            },
            passes: plan.passes.len(),
            parts,
            memory: (plan.point_size + rows * tiles.lanes) * size_of::<f32>(),
            mixes: graph.mixes,
            has_error,
        }
    }
}

/// Adds an operation to those of its name that are computed equally often.
fn add(parts: &mut Vec<Part>, own: Part) {
    let same = |p: &&mut Part| p.runs == own.runs && p.operation == own.operation;
    match parts.iter_mut().find(same) {
        Some(part) => {
            part.count += own.count;
            part.numbers += own.numbers;
            part.work += own.work;
        }
        None => parts.push(own),
    }
}

fn runs(analysis: &Analysis, node: usize) -> Runs {
    match analysis.stage[node] {
        Stage::Once => Runs::Once,
        Stage::Point | Stage::Collect => Runs::Point,
        Stage::Tile | Stage::Reduce { .. } => Runs::Tile,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let cases = [
            (0.0, "0"),
            (999.0, "999"),
            (1000.0, "1.00 k"),
            (15_360.0, "15.4 k"),
            (999_499.0, "999 k"),
            (2.5e9, "2.50 G"),
        ];
        for (x, text) in cases {
            assert_eq!(count(x), text);
        }
    }
}
