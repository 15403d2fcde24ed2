//! Curvature as plain values: what is stored of eigenvalues, traces, spectral densities, sharpness
//! and maps.

use crate::error::Error;
use landscape_core::Grid;
use landscape_core::json::{float, float_option};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// The part that is the whole operator, not a diagonal block of it.
pub const ALL_PARAMETERS: &str = "all";

/// An end of a spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The algebraically largest eigenvalues, in descending order.
    Top,
    /// The algebraically smallest eigenvalues, in ascending order.
    Bottom,
}

impl Side {
    /// The word in the database.
    pub fn name(self) -> &'static str {
        match self {
            Side::Top => "top",
            Side::Bottom => "bottom",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Side {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self, Error> {
        [Side::Top, Side::Bottom]
            .into_iter()
            .find(|side| side.name() == given)
            .ok_or_else(|| Error::damaged(format!("the unknown end of a spectrum `{given}`")))
    }
}

/// A table of curvature, as it is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CurvatureTable {
    /// A row an eigenvalue.
    Eigenvalues,
    /// A row an estimate of a trace.
    Traces,
    /// A row a point of a spectral density.
    Spectrum,
    /// A row a measure of sharpness.
    Sharpness,
    /// A row a point of a map.
    Map,
}

landscape_core::choices!(CurvatureTable);

impl CurvatureTable {
    /// Every table.
    pub const ALL: &'static [CurvatureTable] = &[
        CurvatureTable::Eigenvalues,
        CurvatureTable::Traces,
        CurvatureTable::Spectrum,
        CurvatureTable::Sharpness,
        CurvatureTable::Map,
    ];

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            CurvatureTable::Eigenvalues => "eigenvalues",
            CurvatureTable::Traces => "traces",
            CurvatureTable::Spectrum => "spectrum",
            CurvatureTable::Sharpness => "sharpness",
            CurvatureTable::Map => "map",
        }
    }
}

impl FromStr for CurvatureTable {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self, Error> {
        let mut all = CurvatureTable::ALL.iter().copied();
        all.find(|table| table.name() == given)
            .ok_or_else(|| Error::UnknownTable {
                given: given.to_owned(),
            })
    }
}

/// All that is known about the curvature at one set of parameters.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Curvature {
    /// The step of training; `None` for the parameters that the run is about.
    pub step: Option<u64>,
    /// Number of parameters, the dimension of the operator.
    pub parameters: u64,
    /// The mean loss there.
    pub loss: Option<f64>,
    /// The Euclidean norm of its gradient.
    pub gradient_norm: Option<f64>,
    /// The largest eigenvalue at which the optimiser is stable: `2 / eta` for gradient descent,
    /// `2 (1 + beta) / eta` with momentum.
    pub stability_limit: Option<f64>,
    /// Products of the operator with a vector that were computed in all.
    pub products: u64,
    /// Time in seconds that they took.
    pub seconds: f64,
    /// Eigenvalues of the operator and of its diagonal blocks, by part, end and rank.
    pub eigenvalues: Vec<Eigenvalue>,
    /// Estimates of traces.
    pub traces: Vec<TraceEstimate>,
    /// Spectral densities.
    pub densities: Vec<SpectralDensity>,
    /// Measures of sharpness.
    pub sharpness: Vec<Sharpness>,
}

impl Curvature {
    /// The eigenvalues of a part at one end, by rank.
    pub fn eigenvalues_of(&self, part: &str, side: Side) -> Vec<&Eigenvalue> {
        let wanted = |value: &&Eigenvalue| value.part == part && value.side == side;
        self.eigenvalues.iter().filter(wanted).collect()
    }
}

/// An eigenvalue, and how far it can be trusted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Eigenvalue {
    /// [`ALL_PARAMETERS`], or the layer or block whose diagonal block has it.
    pub part: String,
    /// The end it was found at.
    pub side: Side,
    /// Its place from that end, from 0.
    pub rank: u64,
    /// The eigenvalue.
    pub value: f64,
    /// `||H y - value y||` for the unit vector `y` found with it: an eigenvalue lies within.
    pub residual: f64,
    /// Whether the residual met the tolerance.
    pub converged: bool,
    /// How it was found, such as `lanczos`, `power`, `dense`.
    pub method: String,
}

/// An estimate of a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceEstimate {
    /// [`ALL_PARAMETERS`], or a layer or block.
    pub part: String,
    /// The estimator, such as `hutchinson`, `hutch++`, `xtrace`.
    pub method: String,
    /// The estimate.
    pub mean: f64,
    /// Its standard error; `None` where there is none.
    pub se: Option<f64>,
    /// Random vectors.
    pub probes: u64,
    /// Products of the operator with a vector.
    pub products: u64,
}

/// A spectral density by stochastic Lanczos quadrature, smoothed with a Gaussian. The five lists
/// have one length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpectralDensity {
    /// [`ALL_PARAMETERS`], or a layer or block.
    pub part: String,
    /// Lanczos steps a probe.
    pub lanczos_steps: u64,
    /// Random vectors.
    pub probes: u64,
    /// Standard deviation of the Gaussian.
    pub width: f64,
    /// Where the density is known, ascending.
    pub grid: Vec<f64>,
    /// The density there; its integral is 1.
    pub density: Vec<f64>,
    /// Its standard error; NaN where there is none.
    pub se: Vec<f64>,
    /// Lower edge of the interval that covers it in [`SpectralDensity::confidence`] of cases; NaN where
    /// there is none, as in files of schema version 4 and before.
    pub lower: Vec<f64>,
    /// Upper edge of that interval; NaN where there is none.
    pub upper: Vec<f64>,
    /// The share of cases that the intervals are for, in (0, 1); `None` where there are none.
    pub confidence: Option<f64>,
    /// Eigenvalues that were known and have their exact weight; `None` where that was not noted.
    pub atoms: Option<u64>,
}

/// A measure of sharpness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sharpness {
    /// Its name, such as `keskar`, `sam`, `adaptive-average`, `pac-bayes-loss`.
    pub measure: String,
    /// Its value.
    #[serde(with = "float")]
    pub value: f64,
    /// The standard error of the value; `None` where nothing was drawn at random.
    #[serde(with = "float_option")]
    pub se: Option<f64>,
    /// What it was computed with, such as radius, draws, seed.
    pub settings: Value,
}

/// The two ends of the spectrum at a point of a grid.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvaturePoint {
    /// The point's index in the grid.
    pub index: usize,
    /// The algebraically largest eigenvalue.
    pub lambda_max: f64,
    /// The algebraically smallest eigenvalue.
    pub lambda_min: f64,
    /// The residual of the largest.
    pub residual_max: f64,
    /// The residual of the smallest.
    pub residual_min: f64,
    /// Whether both residuals met the tolerance.
    pub converged: bool,
}

impl CurvaturePoint {
    /// `|lambda_min / lambda_max|`, after Li et al., *Visualizing the Loss Landscape of Neural
    /// Nets*, NeurIPS 2018: near 0 where the loss is nearly convex.
    pub fn ratio(&self) -> f64 {
        (self.lambda_min / self.lambda_max).abs()
    }
}

/// The two ends of the spectrum over a grid, as far as they are known.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvatureMap {
    /// The grid.
    pub grid: Grid,
    /// One entry a point of the grid; `None` where it is not computed.
    pub points: Vec<Option<CurvaturePoint>>,
}

impl CurvatureMap {
    /// A map without points.
    pub fn new(grid: Grid) -> Self {
        let points = vec![None; grid.len()];
        CurvatureMap { grid, points }
    }

    /// How many points are not computed.
    pub fn missing(&self) -> usize {
        self.points.iter().filter(|point| point.is_none()).count()
    }

    /// How many points are computed but not converged.
    pub fn not_converged(&self) -> usize {
        let computed = self.points.iter().flatten();
        computed.filter(|point| !point.converged).count()
    }
}

/// A Lanczos iteration under way.
#[derive(Debug, Clone, PartialEq)]
pub struct LanczosState {
    /// All but the basis: the projected matrix, counts, the generator.
    pub state: Value,
    /// The vectors of the basis.
    pub basis: Vec<Vec<f64>>,
}
