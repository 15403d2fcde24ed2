//! What was found, as programs read it: as JSON, what `landscape hessian --json` prints.

use super::matrices::{TRUE_FISHER, equals_true_fisher, other_matrix, true_fisher};
use super::parts::{FROBENIUS, is_block, names_of_pair};
use super::subspace::{self, is_of_subspace};
use super::{FoundCurvature, Per, Wanted};
use crate::record::{Provenance, Settings};
use crate::shard::ShardPart;
use landscape_core::json::{float, float_list, float_option};
use landscape_models::LossKind;
use landscape_storage::{
    ALL_PARAMETERS, Curvature, CurvatureMap, Eigenvalue, Run, Sharpness, Side, SpectralDensity,
    TraceEstimate,
};
use landscape_trace::Matrix;
use serde::Serialize;

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundSummary {
    /// The run.
    pub run: String,
    /// The matrix.
    pub matrix: &'static str,
    /// Which parameters it is of, where not of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<String>,
    /// At the parameters, or the last of them; products and seconds are those of all.
    #[serde(flatten)]
    pub last: CurvatureSummary,
    /// Products that were computed now.
    pub computed: u64,
    /// Over the plane.
    pub map: Option<MapSummary>,
    /// The part of the map that was asked for, where it was not all of it.
    pub shard: Option<ShardPart>,
    /// What the true Fisher matrix is, where the matrices are side by side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub true_fisher: Option<&'static str>,
    /// At every step, where all were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<CurvatureSummary>>,
}

/// Curvature at one set of parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CurvatureSummary {
    /// The step of the training.
    pub step: Option<u64>,
    /// Number of parameters.
    pub parameters: u64,
    /// The loss.
    #[serde(with = "float_option")]
    pub loss: Option<f64>,
    /// Norm of its gradient.
    #[serde(with = "float_option")]
    pub gradient_norm: Option<f64>,
    /// The largest eigenvalue at which the optimiser is stable.
    #[serde(with = "float_option")]
    pub stability_limit: Option<f64>,
    /// The largest eigenvalues, descending.
    pub eigenvalues: Vec<EigenvalueSummary>,
    /// The smallest, ascending.
    pub bottom: Vec<EigenvalueSummary>,
    /// The trace.
    pub trace: Option<TraceSummary>,
    /// The spectral density.
    pub density: Option<DensitySummary>,
    /// The diagonal blocks of layers.
    pub layers: Option<Vec<LayerSummary>>,
    /// Those of blocks of layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks: Option<Vec<LayerSummary>>,
    /// What is between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pairs: Option<Vec<PairSummary>>,
    /// The other matrices of second derivatives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matrices: Option<Vec<MatrixSummary>>,
    /// What of the training lies in the leading eigenspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subspace: Option<SubspaceSummary>,
    /// Measures of sharpness.
    pub sharpness: Option<Vec<Sharpness>>,
    /// Products of the matrix with a vector.
    pub hvps: u64,
    /// Seconds that they took.
    #[serde(with = "float")]
    pub seconds: f64,
}

/// An eigenvalue with what is known about its error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EigenvalueSummary {
    /// The eigenvalue.
    #[serde(with = "float")]
    pub value: f64,
    /// The true residual `||H v - value v||`: an eigenvalue lies within.
    #[serde(with = "float")]
    pub residual: f64,
    /// Whether the residual met the tolerance.
    pub converged: bool,
}

/// A trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TraceSummary {
    /// The estimate.
    #[serde(with = "float")]
    pub mean: f64,
    /// Its standard error.
    #[serde(with = "float_option")]
    pub se: Option<f64>,
    /// Products of the matrix with a vector.
    pub hvps: u64,
    /// The estimator.
    pub method: String,
    /// Random vectors.
    pub probes: u64,
}

/// A spectral density. Its lists have one length.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DensitySummary {
    /// Where it is known.
    #[serde(with = "float_list")]
    pub grid: Vec<f64>,
    /// The density there.
    #[serde(with = "float_list")]
    pub density: Vec<f64>,
    /// Its standard error.
    #[serde(with = "float_list")]
    pub se: Vec<f64>,
    /// Lower edge of its interval.
    #[serde(with = "float_list")]
    pub lower: Vec<f64>,
    /// Upper edge of its interval.
    #[serde(with = "float_list")]
    pub upper: Vec<f64>,
    /// The share of cases that the intervals are for.
    #[serde(with = "float_option")]
    pub confidence: Option<f64>,
    /// Known eigenvalues with their exact weight.
    pub atoms: Option<u64>,
    /// Lanczos steps of each random vector.
    pub lanczos_steps: u64,
    /// Random vectors.
    pub probes: u64,
    /// Standard deviation of the Gaussian that smooths it.
    #[serde(with = "float")]
    pub width: f64,
}

/// The diagonal block of a layer, or of a block of layers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerSummary {
    /// The layer, or the block with `.*` behind its name.
    pub layer: String,
    /// Number of its parameters, where that is known.
    pub parameters: Option<u64>,
    /// The trace of its block.
    pub trace: TraceSummary,
    /// That as a share of the traces of all layers, or blocks, which is the trace of the whole.
    #[serde(with = "float")]
    pub share: f64,
    /// The largest eigenvalue of its block.
    pub top: Option<EigenvalueSummary>,
}

/// The block of the matrix between two parts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairSummary {
    /// The parts; twice the same for a block on the diagonal.
    pub pair: [String; 2],
    /// Its Frobenius norm.
    #[serde(with = "float")]
    pub norm: f64,
    /// The standard error of that.
    #[serde(with = "float_option")]
    pub se: Option<f64>,
    /// That norm over the root of the product of both norms on the diagonal: how strongly the parts interact, 1 for a part with
    /// itself.
    #[serde(with = "float_option")]
    pub relative: Option<f64>,
}

/// A matrix beside others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MatrixSummary {
    /// The matrix.
    pub matrix: String,
    /// Its trace.
    pub trace: TraceSummary,
    /// Its largest eigenvalue.
    pub top: Option<EigenvalueSummary>,
    /// The matrix that it equals, whose numbers these are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as: Option<&'static str>,
}

/// What lies in the space of the leading eigenvectors: shares of squared norms, in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SubspaceSummary {
    /// Its dimension.
    pub dimension: u64,
    /// Of the gradient.
    #[serde(with = "float")]
    pub gradient: f64,
    /// Of the way to the next recorded checkpoint.
    #[serde(with = "float_option")]
    pub update: Option<f64>,
    /// Of the way from the first checkpoint.
    #[serde(with = "float_option")]
    pub path: Option<f64>,
    /// The mean squared cosine between this space and that of the checkpoint before.
    #[serde(with = "float_option")]
    pub overlap: Option<f64>,
}

/// Curvature over a plane: how far it is from convex, as `abs(lambda_min / lambda_max)`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MapSummary {
    /// Points on each axis.
    pub shape: Vec<usize>,
    /// Points of the grid.
    pub points: usize,
    /// Those that are not computed.
    pub missing: usize,
    /// Those whose eigenvalues have not converged.
    pub not_converged: usize,
    /// The smallest ratio of the converged points.
    #[serde(with = "float_option")]
    pub min_ratio: Option<f64>,
    /// The median.
    #[serde(with = "float_option")]
    pub median_ratio: Option<f64>,
    /// The largest.
    #[serde(with = "float_option")]
    pub max_ratio: Option<f64>,
}

impl FoundCurvature {
    /// What was found of what was wanted.
    pub fn summary(&self, wanted: &Wanted) -> FoundSummary {
        let last = self.points.last().cloned().unwrap_or_default();
        let settings = Settings::of(&self.run);
        let summary = CurvatureSummary::in_run(&self.run);
        let steps = self.points.iter().map(&summary);
        let matrices = wanted.has(Per::Matrix);
        FoundSummary {
            run: self.run.name.clone(),
            matrix: wanted.asked.matrix.name(),
            params: settings.problem().params.clone(),
            true_fisher: matrices.then(|| true_fisher(self.loss.kind)),
            last: CurvatureSummary {
                hvps: self.points.iter().map(|point| point.products).sum(),
                seconds: self.seconds,
                ..summary(&last)
            },
            computed: self.computed,
            map: self.map.as_ref().map(MapSummary::of),
            shard: self.shard.clone(),
            steps: wanted.asked.all_steps.then(|| steps.collect()),
        }
    }
}

impl CurvatureSummary {
    /// Of what is stored.
    pub fn of(point: &Curvature) -> Self {
        let end = |side: Side| {
            let values = point.eigenvalues_of(ALL_PARAMETERS, side);
            values.into_iter().map(EigenvalueSummary::of).collect()
        };
        let whole = |part: &str| part == ALL_PARAMETERS;
        let trace = point.traces.iter().find(|trace| whole(&trace.part));
        let density = { point.densities.iter() }.find(|density| whole(&density.part));
        let is_part = |trace: &&TraceEstimate| {
            trace.method != FROBENIUS && !whole(&trace.part) && other_matrix(&trace.part).is_none()
        };
        let parts = || point.traces.iter().filter(is_part);
        let sharpness = point.sharpness.iter().filter(|row| !is_of_subspace(row));
        CurvatureSummary {
            step: point.step,
            parameters: point.parameters,
            loss: point.loss,
            gradient_norm: point.gradient_norm,
            stability_limit: point.stability_limit,
            eigenvalues: end(Side::Top),
            bottom: end(Side::Bottom),
            trace: trace.map(TraceSummary::of),
            density: density.map(DensitySummary::of),
            layers: some(layers(point, parts().filter(|part| !is_block(&part.part)))),
            blocks: some(layers(point, parts().filter(|part| is_block(&part.part)))),
            pairs: some(pairs(point)),
            matrices: some(matrices(point)),
            subspace: SubspaceSummary::of(&point.sharpness),
            sharpness: some(sharpness.cloned().collect()),
            hvps: point.products,
            seconds: point.seconds,
        }
    }
}

/// A list that is not empty.
fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

impl EigenvalueSummary {
    pub(crate) fn of(found: &Eigenvalue) -> Self {
        EigenvalueSummary {
            value: found.value,
            residual: found.residual,
            converged: found.converged,
        }
    }
}

impl TraceSummary {
    fn of(found: &TraceEstimate) -> Self {
        TraceSummary {
            mean: found.mean,
            se: found.se,
            hvps: found.products,
            method: found.method.clone(),
            probes: found.probes,
        }
    }
}

impl DensitySummary {
    fn of(found: &SpectralDensity) -> Self {
        DensitySummary {
            grid: found.grid.clone(),
            density: found.density.clone(),
            se: found.se.clone(),
            lower: found.lower.clone(),
            upper: found.upper.clone(),
            confidence: found.confidence,
            atoms: found.atoms,
            lanczos_steps: found.lanczos_steps,
            probes: found.probes,
            width: found.width,
        }
    }
}

/// Parts of one division, in their order.
fn layers<'a>(
    point: &Curvature,
    traces: impl Iterator<Item = &'a TraceEstimate>,
) -> Vec<LayerSummary> {
    let traces: Vec<&TraceEstimate> = traces.collect();
    let whole: f64 = traces.iter().map(|trace| trace.mean).sum();
    let one = |trace: &&TraceEstimate| LayerSummary {
        layer: trace.part.clone(),
        parameters: None,
        trace: TraceSummary::of(trace),
        share: trace.mean / whole,
        top: largest(point, &trace.part),
    };
    traces.iter().map(one).collect()
}

fn largest(point: &Curvature, part: &str) -> Option<EigenvalueSummary> {
    let top = point.eigenvalues_of(part, Side::Top);
    top.first().map(|top| EigenvalueSummary::of(top))
}

/// Norms between parts, from the estimates of their squares.
fn pairs(point: &Curvature) -> Vec<PairSummary> {
    let squares = || point.traces.iter().filter(|row| row.method == FROBENIUS);
    let on_diagonal = |name: &str| {
        let mut found = squares().filter(|row| names_of_pair(&row.part) == Some((name, name)));
        found.next().map(|row| row.mean)
    };
    let one = |row: &TraceEstimate| {
        let (first, second) = names_of_pair(&row.part)?;
        let norm = row.mean.sqrt();
        let both = on_diagonal(first).zip(on_diagonal(second));
        Some(PairSummary {
            pair: [first.to_owned(), second.to_owned()],
            norm,
            // To first order, as of `landscape_hessian::Coupling`.
            se: row
                .se
                .map(|se| if se == 0.0 { 0.0 } else { se / (2.0 * norm) }),
            relative: both.map(|(a, b)| (row.mean / (a * b).sqrt()).sqrt()),
        })
    };
    squares().filter_map(one).collect()
}

/// The matrices of a run that has several, its own one first.
fn matrices(point: &Curvature) -> Vec<MatrixSummary> {
    let one = |matrix: Matrix, trace: &TraceEstimate| MatrixSummary {
        matrix: matrix.to_string(),
        trace: TraceSummary::of(trace),
        top: largest(point, &trace.part),
        same_as: None,
    };
    let mut missing = Matrix::ALL.to_vec();
    let mut all = Vec::with_capacity(missing.len());
    for trace in &point.traces {
        if let Some(matrix) = other_matrix(&trace.part) {
            missing.retain(|other| *other != matrix);
            all.push(one(matrix, trace));
        }
    }
    let own = { point.traces.iter() }.find(|trace| trace.part == ALL_PARAMETERS);
    if let (&[matrix], Some(own)) = (&missing[..], own) {
        all.insert(0, one(matrix, own));
    }
    all
}

impl CurvatureSummary {
    /// Of what is stored in a run, which says the sizes of its parts, and of its loss which matrix is the true Fisher matrix.
    pub(crate) fn in_run(run: &Run) -> impl Fn(&Curvature) -> Self + use<> {
        let loss = Settings::of(run).problem().loss.clone();
        let loss = loss.and_then(|loss| loss.parse::<LossKind>().ok());
        let (same, stored) = (loss.and_then(equals_true_fisher), Provenance::of(run));
        move |point| {
            let mut found = CurvatureSummary::of(point).sized(&stored);
            if let (Some(matrices), Some(same)) = (&mut found.matrices, same) {
                add_true_fisher(matrices, same);
            }
            found
        }
    }

    /// The same with the sizes of its parts, as far as the run says them.
    fn sized(mut self, stored: &Provenance) -> Self {
        let Some(sizes) = &stored.parts else {
            return self;
        };
        for part in self.layers.iter_mut().chain(&mut self.blocks).flatten() {
            part.parameters = sizes.get(&part.layer).copied();
        }
        self
    }
}

/// Puts the true Fisher matrix behind the one that it equals.
fn add_true_fisher(matrices: &mut Vec<MatrixSummary>, same: Matrix) {
    let known = matrices.iter().position(|row| row.matrix == same.name());
    if let Some(place) = known {
        let row = MatrixSummary {
            matrix: TRUE_FISHER.to_owned(),
            same_as: Some(same.name()),
            ..matrices[place].clone()
        };
        matrices.insert(place + 1, row);
    }
}

impl MatrixSummary {
    /// Its name; of one that equals another, both.
    pub(crate) fn label(&self) -> String {
        match self.same_as {
            Some(same) => format!("{} = {same}", self.matrix),
            None => self.matrix.clone(),
        }
    }
}

impl SubspaceSummary {
    /// Of the numbers of a checkpoint; nothing where its space was not computed.
    pub(crate) fn of(rows: &[Sharpness]) -> Option<Self> {
        let row = |name: &str| rows.iter().find(|row| row.measure == name);
        let value = |name: &str| row(name).map(|row| row.value);
        let gradient = row(subspace::GRADIENT)?;
        Some(SubspaceSummary {
            dimension: gradient.settings["dimension"].as_u64().unwrap_or(0),
            gradient: gradient.value,
            update: value(subspace::UPDATE),
            path: value(subspace::PATH),
            overlap: value(subspace::OVERLAP),
        })
    }
}

impl MapSummary {
    /// Of what is stored.
    pub fn of(map: &CurvatureMap) -> Self {
        let converged = map.points.iter().flatten().filter(|point| point.converged);
        let ratios = converged.map(landscape_storage::CurvaturePoint::ratio);
        let mut ratios: Vec<f64> = ratios.filter(|ratio| ratio.is_finite()).collect();
        ratios.sort_by(f64::total_cmp);
        MapSummary {
            shape: map.grid.shape(),
            points: map.grid.len(),
            missing: map.missing(),
            not_converged: map.not_converged(),
            min_ratio: ratios.first().copied(),
            median_ratio: ratios.get(ratios.len() / 2).copied(),
            max_ratio: ratios.last().copied(),
        }
    }
}
