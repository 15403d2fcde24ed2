//! Of curvature.

use super::{DirectionsSettings, ProblemSettings};
use landscape_core::Grid;
use serde::{Deserialize, Serialize};

/// Curvature at a point, along a training, or over a plane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvatureSettings {
    /// The network and its parameters, data, loss.
    #[serde(flatten)]
    pub problem: ProblemSettings,
    /// Which matrix: `hessian`, `gauss-newton`, `fisher` or `residual`.
    #[serde(default)]
    pub matrix: Option<String>,
    /// Seed of random vectors.
    #[serde(default)]
    pub seed: u64,
    /// Of residuals, relative to the largest eigenvalue.
    #[serde(default)]
    pub tolerance: f64,
    /// Bound on products, where one was given.
    #[serde(default)]
    pub max_products: Option<usize>,
    /// Eigenvalues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eigenvalues: Option<EigenvalueSettings>,
    /// The trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceSettings>,
    /// The spectral density.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub density: Option<DensitySettings>,
    /// Whether the layers are looked at one by one.
    #[serde(default, skip_serializing_if = "is_not")]
    pub per_layer: bool,
    /// What else it is looked at in parts for: `block`, `pair`, `matrix`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub per: Vec<String>,
    /// Dimension of the leading eigenspace that gradient and path are projected on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subspace: Option<usize>,
    /// Whether all checkpoints of a training are.
    #[serde(default, skip_serializing_if = "is_not")]
    pub all_steps: bool,
    /// Measures of sharpness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharpness: Option<SharpnessSettings>,
    /// The directions of a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directions: Option<DirectionsSettings>,
    /// The points of a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<Grid>,
    /// Identity of the training whose checkpoints are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<String>,
}

fn is_not(flag: &bool) -> bool {
    !flag
}

/// Eigenvalues at the ends of the spectrum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EigenvalueSettings {
    /// How many of the largest.
    pub top: usize,
    /// How many of the smallest.
    pub bottom: usize,
    /// `lanczos` or `power`.
    pub method: String,
}

/// How a trace is estimated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceSettings {
    /// `xtrace`, `hutchinson`, ...
    pub method: String,
}

/// How a spectral density is estimated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DensitySettings {
    /// Steps of a Lanczos iteration.
    pub lanczos_steps: usize,
    /// Random vectors.
    pub probes: usize,
    /// Standard deviation of the Gaussian, as a share of the range of the spectrum, where it is narrower than 0.02.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
}

/// Measures of sharpness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharpnessSettings {
    /// Their names.
    pub measures: Vec<String>,
    /// Their radius, where one was given.
    pub rho: Option<f64>,
}
