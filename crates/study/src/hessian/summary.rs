//! What was found, as programs read it: as JSON, what `landscape hessian --json` prints.

use super::{FoundCurvature, Wanted};
use crate::record::Settings;
use crate::shard::ShardPart;
use landscape_core::json::{float, float_list, float_option};
use landscape_storage::{
    ALL_PARAMETERS, Curvature, CurvatureMap, Eigenvalue, Sharpness, Side, SpectralDensity,
    TraceEstimate,
};
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

/// The diagonal block of a layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerSummary {
    /// The layer.
    pub layer: String,
    /// The trace of its block.
    pub trace: TraceSummary,
    /// The largest eigenvalue of its block.
    pub top: Option<EigenvalueSummary>,
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
        let steps = self.points.iter().map(CurvatureSummary::of);
        FoundSummary {
            run: self.run.name.clone(),
            matrix: wanted.asked.matrix.name(),
            params: Settings::of(&self.run).problem().params.clone(),
            last: CurvatureSummary {
                hvps: self.points.iter().map(|point| point.products).sum(),
                seconds: self.seconds,
                ..CurvatureSummary::of(&last)
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
        let layers = { point.traces.iter() }.filter(|trace| !whole(&trace.part));
        let layers = layers.map(|trace| LayerSummary::of(point, trace)).collect();
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
            layers: some(layers),
            sharpness: some(point.sharpness.clone()),
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

impl LayerSummary {
    fn of(point: &Curvature, trace: &TraceEstimate) -> Self {
        let top = point.eigenvalues_of(&trace.part, Side::Top);
        LayerSummary {
            layer: trace.part.clone(),
            trace: TraceSummary::of(trace),
            top: top.first().map(|top| EigenvalueSummary::of(top)),
        }
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
