//! The matrix in parts, in words.

use super::words::{eigenvalue_cells, eigenvalue_columns};
use super::{CurvatureSummary, LayerSummary, MatrixSummary, PairSummary};
use crate::words::{Align, Table, or_dash, percent};
use landscape_core::{counted, short};

/// Pairs in words at most: the ones that interact most.
const PAIRS: usize = 20;

/// A row for each layer, or block.
pub(super) fn layer_table(name: &str, layers: &[LayerSummary]) -> Table {
    let columns = [
        (name, Align::Left),
        ("PARAMETERS", Align::Right),
        ("TRACE", Align::Right),
        ("STANDARD ERROR", Align::Right),
        ("SHARE", Align::Right),
    ];
    let mut table = Table::new(columns.into_iter().chain(eigenvalue_columns("LARGEST")));
    for layer in layers {
        let size = layer
            .parameters
            .map_or("-".to_owned(), |size| size.to_string());
        let (mean, se) = (short(layer.trace.mean), or_dash(layer.trace.se));
        let cells = [layer.layer.clone(), size, mean, se, percent(layer.share)];
        table.row(
            cells
                .into_iter()
                .chain(eigenvalue_cells(layer.top.as_ref())),
        );
    }
    table
}

/// The pairs of different parts that interact most.
pub(super) fn pair_table(pairs: &[PairSummary]) -> String {
    let mut apart: Vec<&PairSummary> = pairs
        .iter()
        .filter(|pair| pair.pair[0] != pair.pair[1])
        .collect();
    let strength = |pair: &&PairSummary| pair.relative.unwrap_or(0.0);
    apart.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
    let cells = |pair: &&PairSummary| {
        let [first, second] = pair.pair.clone();
        let numbers = [Some(pair.norm), pair.se, pair.relative].map(or_dash);
        [vec![first, second], numbers.to_vec()].concat()
    };
    let mut table = Table::new([
        ("BETWEEN", Align::Left),
        ("AND", Align::Left),
        ("FROBENIUS NORM", Align::Right),
        ("STANDARD ERROR", Align::Right),
        ("RELATIVE", Align::Right),
    ]);
    for pair in apart.iter().take(PAIRS) {
        table.row(cells(pair));
    }
    match apart.len().saturating_sub(PAIRS) {
        0 => table.to_string(),
        more => format!("{table}and {} of less interaction\n", counted(more, "pair")),
    }
}

/// A row for each matrix.
pub(super) fn matrix_table(matrices: &[MatrixSummary]) -> Table {
    let columns = [
        ("MATRIX", Align::Left),
        ("TRACE", Align::Right),
        ("STANDARD ERROR", Align::Right),
    ];
    let mut table = Table::new(columns.into_iter().chain(eigenvalue_columns("LARGEST")));
    for row in matrices {
        let (mean, se) = (short(row.trace.mean), or_dash(row.trace.se));
        let largest = eigenvalue_cells(row.top.as_ref());
        table.row([row.label(), mean, se].into_iter().chain(largest));
    }
    table
}

/// What of a training lies in the leading eigenspace, a row for each step.
pub(super) fn subspace_table(points: &[CurvatureSummary]) -> Option<Table> {
    let known = points
        .iter()
        .filter_map(|point| Some((point.step?, point.subspace?)));
    let known: Vec<_> = known.collect();
    let dimension = known.first()?.1.dimension;
    let inside = format!("GRADIENT IN TOP {dimension}");
    let mut table = Table::new([
        ("STEP", Align::Right),
        (inside.as_str(), Align::Right),
        ("UPDATE", Align::Right),
        ("PATH", Align::Right),
        ("OVERLAP WITH THE STEP BEFORE", Align::Right),
    ]);
    let cell = |share: Option<f64>| share.map_or("-".to_owned(), percent);
    for (step, shares) in known {
        let all = [
            Some(shares.gradient),
            shares.update,
            shares.path,
            shares.overlap,
        ];
        table.row([step.to_string()].into_iter().chain(all.map(cell)));
    }
    Some(table)
}
