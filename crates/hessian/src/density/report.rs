use super::DensityParams;
use super::params::MARGIN;
use crate::stats::{mean_and_error, student_t};
use crate::trace::{Ended, Estimate};
use serde::{Deserialize, Serialize};

/// Nodes and weights of one starting vector.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Quadrature {
    /// Ritz values, ascending. Fewer than the steps when the space was exhausted before.
    pub nodes: Vec<f64>,
    /// Their weights, which sum to 1.
    pub weights: Vec<f64>,
}

impl Quadrature {
    /// `sum_k w_k f(theta_k)`.
    pub fn sum(&self, f: impl Fn(f64) -> f64) -> f64 {
        let pairs = self.nodes.iter().zip(&self.weights);
        pairs.map(|(node, weight)| weight * f(*node)).sum()
    }
}

/// A spectral density with its error band; integrates to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct SpectralDensity {
    /// Eigenvalues, equally spaced, ascending. Empty when no random vector is complete.
    pub grid: Vec<f64>,
    /// The density there, broadened by the width.
    pub density: Vec<f64>,
    /// Its standard error over the random vectors.
    pub standard_errors: Vec<f64>,
    /// Standard deviation of the broadening Gaussian, in units of eigenvalues.
    pub width: f64,
    /// The smallest and largest node: within the range of the spectrum, close to its ends.
    pub range: (f64, f64),
    /// Steps of Lanczos from each random vector.
    pub steps: usize,
    /// What every random vector gave; to store, and to go on from.
    pub quadratures: Vec<Quadrature>,
    /// Dimension of the matrix.
    pub dim: usize,
    /// Products spent, those of earlier runs included.
    pub products: usize,
    /// Why it ended.
    pub ended: Ended,
}

impl SpectralDensity {
    pub(super) fn new(
        params: &DensityParams,
        dim: usize,
        quadratures: Vec<Quadrature>,
        products: usize,
        ended: Ended,
    ) -> Self {
        let range = range(&quadratures);
        let width = width(params.width, range);
        let grid = match quadratures.is_empty() {
            true => vec![],
            false => grid(range, MARGIN * width, params.points),
        };
        let columns = grid.iter().map(|&t| {
            let at = |q: &Quadrature| q.sum(|node| gaussian(t - node, width));
            let samples: Vec<f64> = quadratures.iter().map(at).collect();
            mean_and_error(&samples)
        });
        let (density, standard_errors) = columns.unzip();
        SpectralDensity {
            grid,
            density,
            standard_errors,
            width,
            range,
            steps: params.steps,
            quadratures,
            dim,
            products,
            ended,
        }
    }

    /// Random vectors.
    pub fn probes(&self) -> usize {
        self.quadratures.len()
    }

    /// Lower and upper edge of the band that covers the broadened density at each point of the grid in
    /// this share of cases, by Student's distribution; the lower edge is not below 0.
    pub fn band(&self, confidence: f64) -> Vec<(f64, f64)> {
        let t = student_t(self.probes() as f64 - 1.0, confidence);
        let points = self.density.iter().zip(&self.standard_errors);
        let edges = |(mean, error): (&f64, &f64)| {
            let half = if *error == 0.0 { 0.0 } else { t * error };
            ((mean - half).max(0.0), mean + half)
        };
        points.map(edges).collect()
    }

    /// `tr H^power / n` and its standard error; exact for each random vector while `power <= 2 steps - 1`.
    pub fn moment(&self, power: i32) -> (f64, f64) {
        let of = |q: &Quadrature| q.sum(|node| node.powi(power));
        let samples: Vec<f64> = self.quadratures.iter().map(of).collect();
        mean_and_error(&samples)
    }

    /// The trace, from the same products.
    pub fn trace(&self) -> Estimate {
        let of = |q: &Quadrature| self.dim as f64 * q.sum(|node| node);
        let samples: Vec<f64> = self.quadratures.iter().map(of).collect();
        let (mean, standard_error) = mean_and_error(&samples);
        Estimate {
            mean,
            standard_error,
            degrees: samples.len().saturating_sub(1),
            samples,
            products: self.products,
            ended: self.ended,
        }
    }
}

fn range(quadratures: &[Quadrature]) -> (f64, f64) {
    let nodes = quadratures.iter().flat_map(|q| q.nodes.iter().copied());
    let ends = (f64::INFINITY, f64::NEG_INFINITY);
    nodes.fold(ends, |(low, high), v| (low.min(v), high.max(v)))
}

/// The width in units of eigenvalues; where all are equal, a share of their magnitude, or of 1.
fn width(share: f64, (low, high): (f64, f64)) -> f64 {
    let magnitude = low.abs().max(high.abs());
    match high - low {
        span if span > 1e-12 * magnitude => share * span,
        _ if magnitude > 0.0 && magnitude.is_finite() => share * magnitude,
        _ => share,
    }
}

fn grid((low, high): (f64, f64), margin: f64, points: usize) -> Vec<f64> {
    let (low, high) = (low - margin, high + margin);
    let step = (high - low) / (points - 1) as f64;
    (0..points).map(|i| low + step * i as f64).collect()
}

fn gaussian(distance: f64, width: f64) -> f64 {
    let scaled = distance / width;
    libm::exp(-0.5 * scaled * scaled) / (width * (2.0 * std::f64::consts::PI).sqrt())
}
