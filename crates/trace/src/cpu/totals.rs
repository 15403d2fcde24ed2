//! Sums over the samples that no parameter enters, such as that of class weights, or the number of tokens that are not
//! ignored. They are known at capture, in f64, and a loss that is divided by one is a weighted mean, of which
//! the standard error is known too.

use super::once::HostOnce;
use crate::ir::graph::{Graph, Source, Total, Value, ValueId};
use crate::kernels::simd::Level;
use crate::ops::reduce::{Reduce, Reduction};
use crate::ops::unary::Unary;
use crate::passes::dependence::Analysis;
use crate::schedule::tiles::Tiles;
use std::sync::Arc;

/// A node that sums numbers that no parameter enters.
struct Sum {
    node: usize,
    mean: bool,
}

/// Computes all sums to one number that no parameter enters, which then are numbers of the graph, where the samples are
/// told apart.
pub(crate) fn compute_totals(graph: &mut Graph) {
    let sums = sums(graph);
    if sums.is_empty() || graph.samples == 1 {
        return;
    }
    let inputs: Vec<ValueId> = sums.iter().map(|s| graph.nodes[s.node].inputs[0]).collect();
    let numbers = each_sample(graph, &inputs);
    for (sum, parts) in sums.iter().zip(numbers) {
        let scale = match sum.mean {
            true => graph.values[graph.nodes[sum.node].inputs[0]].numel() as f64,
            false => 1.0,
        };
        let total = parts.iter().sum::<f64>() / scale;
        let value = graph.nodes[sum.node].output;
        hold(graph, sum.node, total);
        let excess = (parts.len() > 1).then(|| Arc::new(excess(&parts)));
        let number = total;
        graph.totals.push(Total {
            value,
            number,
            excess,
        });
    }
    follow(graph);
}

/// Sums and means to one number of values that depend on no parameter.
fn sums(graph: &Graph) -> Vec<Sum> {
    let constant = |source: &Source| matches!(source, Source::Constant { .. });
    let mut known: Vec<bool> = graph.values.iter().map(|v| constant(&v.source)).collect();
    let mut sums = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        known[node.output] = node.inputs.iter().all(|&v| known[v]);
        let Some(reduce) = node.operation.as_any().downcast_ref::<Reduce>() else {
            continue;
        };
        let one = graph.values[node.output].numel() == 1;
        let mean = match reduce.reduction {
            Reduction::Sum => false,
            Reduction::Mean => true,
            _ => continue,
        };
        if known[node.output] && one {
            sums.push(Sum { node: index, mean });
        }
    }
    sums
}

/// For each value: what its numbers are in sum, sample by sample; all in one where it has no samples.
fn each_sample(graph: &Graph, values: &[ValueId]) -> Vec<Vec<f64>> {
    let mut part = graph.clone();
    (part.loss, part.accuracy, part.derived) = (values[0], None, values[1..].to_vec());
    part.terms.clear();
    part.prune();
    let analysis = Analysis::new(&part, &vec![false; part.parameters.len()]);
    let tiles = Tiles::new(part.samples, 1);
    let once = HostOnce {
        graph: &part,
        analysis: &analysis,
        tiles,
        level: Level::detect(),
    };
    let found = once.run(&[], vec![None; graph.values.len()]);
    let numbers = |&value: &ValueId| {
        let data = found[value].as_ref().and_then(|f| f.constant.clone());
        let data = data.expect("no parameter enters");
        match analysis.samples[value] {
            true => by_sample(&data, tiles),
            false => vec![data.iter().map(|&x| f64::from(x)).sum()],
        }
    };
    values.iter().map(numbers).collect()
}

/// The sums over the rows of `[tiles][rows][lanes]`.
fn by_sample(data: &[f32], tiles: Tiles) -> Vec<f64> {
    let mut sums = vec![0.0; tiles.samples];
    let size = data.len() / tiles.count();
    for (tile, sums) in sums.chunks_mut(tiles.lanes).enumerate() {
        for row in data[tile * size..][..size].chunks_exact(tiles.lanes) {
            sums.iter_mut()
                .zip(row)
                .for_each(|(sum, &x)| *sum += f64::from(x));
        }
    }
    sums
}

fn excess(parts: &[f64]) -> Vec<f64> {
    let mean = parts.iter().sum::<f64>() / parts.len() as f64;
    parts.iter().map(|x| x / mean - 1.0).collect()
}

/// The output of a node as a number that is exact in f64.
fn hold(graph: &mut Graph, node: usize, number: f64) {
    let shape = graph.values[graph.nodes[node].output].shape.clone();
    graph.values.push(Value {
        shape,
        source: Source::Constant {
            data: Arc::new(vec![0.0]),
            input: false,
        },
    });
    let zero = graph.values.len() - 1;
    graph.nodes[node].operation = Arc::new(Unary::AddScalar(number));
    graph.nodes[node].inputs = vec![zero];
}

/// Follows totals through views, multiples, and limits that they are within.
fn follow(graph: &mut Graph) {
    for node in &graph.nodes {
        let [input] = node.inputs[..] else { continue };
        let Some(total) = graph.totals.iter().find(|t| t.value == input) else {
            continue;
        };
        let x = total.number;
        let function = node.operation.as_any().downcast_ref::<Unary>();
        let number = match function {
            _ if node.operation.is_view() => Some(x),
            Some(Unary::Neg) => Some(-x),
            Some(Unary::MulScalar(c)) => Some(x * c),
            Some(Unary::DivScalar(c)) => Some(x / c),
            Some(&function) => {
                let (from, mut to) = ([x as f32], [0.0]);
                function.map(Level::detect(), &from, &mut to);
                (from == to).then_some(x)
            }
            None => None,
        };
        let followed = number.map(|number| Total {
            value: node.output,
            number,
            excess: total.excess.clone(),
        });
        graph.totals.extend(followed);
    }
}
