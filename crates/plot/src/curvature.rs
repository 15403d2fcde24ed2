//! What figures of curvature are made from: plain values.

use crate::error::PlotError;
use landscape_core::Grid;

/// An eigenvalue, and how far it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eigenvalue {
    /// The eigenvalue.
    pub value: f64,
    /// `||H y - value y||` for the unit vector found with it: an eigenvalue lies within.
    pub residual: f64,
    /// Whether the residual met the tolerance. Values that did not converge are drawn hollow.
    pub converged: bool,
}

/// A spectral density by stochastic Lanczos quadrature, smoothed with a Gaussian.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Density {
    /// Where it is known, ascending.
    pub grid: Vec<f64>,
    /// The density there, per unit of eigenvalue; its integral is 1.
    pub density: Vec<f64>,
    /// Lower edge of the interval of the density; empty where it is not known.
    pub lower: Vec<f64>,
    /// Upper edge of that interval; empty where it is not known.
    pub upper: Vec<f64>,
    /// The share of cases that the interval covers, in (0, 1); 0 where it is not known.
    pub confidence: f64,
    /// Lanczos steps a probe, `m`.
    pub lanczos_steps: usize,
    /// Random vectors.
    pub probes: usize,
    /// Standard deviation of the Gaussian.
    pub width: f64,
}

/// The largest eigenvalue at which an optimiser is stable.
#[derive(Debug, Clone, PartialEq)]
pub struct StabilityLimit {
    /// What it is: `2/η` for gradient descent, `2(1+β)/η` with momentum.
    pub name: String,
    /// Its value.
    pub value: f64,
}

/// What is known of the spectrum of one operator.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spectrum {
    /// A short name: the label of its row where several stand on one axis.
    pub name: String,
    /// Number of parameters, the dimension of the operator, where it is known.
    pub parameters: Option<usize>,
    /// The density; `None` where it was not computed.
    pub density: Option<Density>,
    /// Single eigenvalues, of both ends.
    pub eigenvalues: Vec<Eigenvalue>,
    /// All eigenvalues, where they were computed densely.
    pub exact: Vec<f64>,
    /// Eigenvalues above it count as outliers; the caption says how many converged.
    pub outlier_cut: Option<f64>,
    /// The limit of stability while training.
    pub stability_limit: Option<StabilityLimit>,
}

impl Spectrum {
    /// Checks that lists belong together and that there is something to draw.
    pub(crate) fn check(&self) -> Result<(), PlotError> {
        if let Some(density) = &self.density {
            let places = density.grid.len();
            let lists = [
                (&density.density, false),
                (&density.lower, true),
                (&density.upper, true),
            ];
            for (list, optional) in lists {
                if list.len() != places && !(optional && list.is_empty()) {
                    return Err(PlotError::ValueCount {
                        name: format!("density of {}", self.name),
                        places,
                        values: list.len(),
                    });
                }
            }
        }
        let drawn = self.density.as_ref().map_or(0, |d| d.grid.len());
        match drawn < 2 && self.exact.is_empty() {
            true => Err(PlotError::Empty {
                figure: "spectrum",
                what: "spectral density or dense spectrum",
            }),
            false => Ok(()),
        }
    }
}

/// The two ends of the spectrum at a point of a plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvaturePoint {
    /// The algebraically largest eigenvalue.
    pub lambda_max: f64,
    /// The algebraically smallest eigenvalue.
    pub lambda_min: f64,
    /// Whether both converged.
    pub converged: bool,
}

/// The two ends of the spectrum over a plane.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvatureMap {
    /// The grid, of two axes.
    pub grid: Grid,
    /// One entry a point of the grid; `None` where it is not computed.
    pub points: Vec<Option<CurvaturePoint>>,
}

/// The largest eigenvalue while training, beside the limit of stability.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StabilityCurve {
    /// Name in the legend; empty for a single run.
    pub name: String,
    /// Steps or epochs, ascending.
    pub steps: Vec<f64>,
    /// One largest eigenvalue a step.
    pub lambda_max: Vec<f64>,
    /// Whether each of them converged; empty when all did.
    pub converged: Vec<bool>,
    /// One limit a step, as the learning rate may change; empty where it is not known.
    pub limit: Vec<f64>,
    /// What the limit is, such as `2/η`.
    pub limit_name: String,
    /// Steps or epochs of the losses, ascending; empty for none.
    pub loss_steps: Vec<f64>,
    /// One loss of the training a step, which stand below.
    pub losses: Vec<f64>,
}

/// A measure of sharpness.
#[derive(Debug, Clone, PartialEq)]
pub struct SharpnessRow {
    /// Its name.
    pub measure: String,
    /// Its value.
    pub value: f64,
    /// The standard error of the value, where there is one.
    pub se: Option<f64>,
    /// What it was computed with, in words.
    pub settings: String,
}

/// What has to be said beside every measure of sharpness; after Andriushchenko et al., *A modern
/// look at the relationship between sharpness and generalization*, ICML 2023.
pub const SHARPNESS_NOTE: &str =
    "Sharpness by itself does not predict generalisation (arXiv:2302.07011).";
