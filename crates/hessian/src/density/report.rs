use super::interval::Window;
use super::params::MARGIN;
use super::{Atom, DensityParams};
use crate::stats::mean_and_error;
use crate::trace::{Ended, Estimate};
use rayon::prelude::*;
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

/// What an eigenvalue may be off by rounding, as a share of the largest magnitude, whatever its residual.
const ROUNDING: f64 = 1e-13;

/// A spectral density with its error band; integrates to 1.
///
/// It is `(atoms + (n - k) rest) / n`: `k` eigenvalues that are known, and the mean density of the
/// others over the random vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct SpectralDensity {
    /// Eigenvalues, equally spaced, ascending. Empty when no random vector is complete.
    pub grid: Vec<f64>,
    /// The density there, broadened by the width.
    pub density: Vec<f64>,
    /// Its standard error over the random vectors. Where few eigenvalues are near, the estimate is
    /// skewed: [`SpectralDensity::band`] has the intervals.
    pub standard_errors: Vec<f64>,
    /// Standard deviation of the broadening Gaussian, in units of eigenvalues.
    pub width: f64,
    /// The smallest and largest node or atom: within the range of the spectrum, close to its ends.
    pub range: (f64, f64),
    /// Steps of Lanczos from each random vector.
    pub steps: usize,
    /// Eigenvalues that were known; what follows is about the others.
    pub atoms: Vec<Atom>,
    /// What every random vector gave; to store, and to go on from.
    pub quadratures: Vec<Quadrature>,
    /// Dimension of the matrix.
    pub dim: usize,
    /// Products spent, those of earlier runs included, those for the atoms not.
    pub products: usize,
    /// Why it ended; [`Ended::Exact`] when all eigenvalues were known.
    pub ended: Ended,
}

impl SpectralDensity {
    pub(super) fn new(
        params: &DensityParams,
        dim: usize,
        atoms: Vec<Atom>,
        quadratures: Vec<Quadrature>,
        (products, ended): (usize, Ended),
    ) -> Self {
        let range = range(&atoms, &quadratures);
        let width = width(params.width, range);
        let mut found = SpectralDensity {
            grid: vec![],
            density: vec![],
            standard_errors: vec![],
            width,
            range,
            steps: params.steps,
            atoms,
            quadratures,
            dim,
            products,
            ended,
        };
        if !found.quadratures.is_empty() || found.rest() == 0.0 {
            found.grid = grid(range, MARGIN * width, params.points);
            let columns = found
                .grid
                .iter()
                .map(|&t| found.mean(|v| gaussian(t - v, width)));
            (found.density, found.standard_errors) = columns.unzip();
        }
        found
    }

    /// Random vectors.
    pub fn probes(&self) -> usize {
        self.quadratures.len()
    }

    /// Lower and upper edge of the band that covers the broadened density at each point of the grid in
    /// this share of cases, `confidence` in (0, 1).
    ///
    /// The atoms' part is known up to their residuals. The rest's follows the beta distribution of the
    /// share of eigenvalues in the Gaussian's window, so that it is right for single eigenvalues, which
    /// are skewed, as for many; see the [module](crate::density#the-band).
    pub fn band(&self, confidence: f64) -> Vec<(f64, f64)> {
        let rest = self.rest();
        let samples = rest * self.probes() as f64;
        let share = rest / self.dim as f64;
        let edges = |(&t, &density): (&f64, &f64)| {
            let (low, high) = self.atoms_between(t);
            let (from, to) = match rest == 0.0 {
                true => (0.0, 0.0),
                false => Window::at(t, self.width, &self.quadratures).interval(samples, confidence),
            };
            // Rounding does not set the density beside its own band.
            let (low, high) = (low + share * from, high + share * to);
            (low.min(density), high.max(density))
        };
        let points = self.grid.par_iter().zip(&self.density);
        points.map(edges).collect()
    }

    /// The least and the most that the atoms may add at `t`, each within its residual.
    fn atoms_between(&self, t: f64) -> (f64, f64) {
        let rounding = ROUNDING * self.range.0.abs().max(self.range.1.abs());
        let one = |atom: &Atom| {
            let (distance, apart) = ((t - atom.value).abs(), atom.residual.max(rounding));
            let (near, far) = ((distance - apart).max(0.0), distance + apart);
            (gaussian(far, self.width), gaussian(near, self.width))
        };
        let sums = self.atoms.iter().map(one);
        let (low, high) = sums.fold((0.0, 0.0), |(a, b), (low, high)| (a + low, b + high));
        (low / self.dim as f64, high / self.dim as f64)
    }

    /// Eigenvalues that are not atoms.
    fn rest(&self) -> f64 {
        (self.dim - self.atoms.len()) as f64
    }

    /// `tr H^power / n` and its standard error; exact for each random vector while `power <= 2 steps - 1`.
    pub fn moment(&self, power: i32) -> (f64, f64) {
        self.mean(|value| value.powi(power))
    }

    /// `tr f(H) / n` and its standard error.
    fn mean(&self, f: impl Fn(f64) -> f64) -> (f64, f64) {
        let dim = self.dim as f64;
        let known = self.atoms.iter().map(|atom| f(atom.value)).sum::<f64>() / dim;
        let share = self.rest() / dim;
        if share == 0.0 {
            return (known, 0.0);
        }
        let of = |q: &Quadrature| known + share * q.sum(&f);
        let samples: Vec<f64> = self.quadratures.iter().map(of).collect();
        mean_and_error(&samples)
    }

    /// The trace, from the same products.
    pub fn trace(&self) -> Estimate {
        self.sum(|value| value)
    }

    /// `log det (H + damping I)`, the sum of the logarithms of all eigenvalues plus `damping`, from the same products (Ubaru, Chen
    /// and Saad 2017); nothing where an eigenvalue that was met is not above `-damping`, as at a saddle point.
    ///
    /// Half of it is what the volume of a minimum adds to its free energy. The standard error is that over the random vectors. Beside
    /// it the logarithm is not a polynomial of degree `2 steps - 1`: with `kappa = (largest + damping) / (smallest + damping)` that
    /// error falls as `((sqrt(kappa) - 1) / (sqrt(kappa) + 1))^(2 steps)`, and is below the other one where `steps` are some times
    /// `sqrt(kappa)`.
    ///
    /// ```
    /// use landscape_hessian::{Density, DensityParams, Dense, unobserved};
    ///
    /// let matrix = Dense::from_fn(100, |i, j| if i == j { (i % 2) as f64 } else { 0.0 });
    /// let found = Density::new(DensityParams::default())?.run(&matrix, &[], &mut unobserved)?;
    /// let volume = found.log_determinant(1.0).expect("no eigenvalue below -1");
    /// assert!((volume.mean - 50.0 * 2f64.ln()).abs() < 4.0 * volume.standard_error);
    /// assert!(found.log_determinant(0.0).is_none());
    /// # Ok::<(), landscape_hessian::DensityError>(())
    /// ```
    pub fn log_determinant(&self, damping: f64) -> Option<Estimate> {
        // A node may lie beyond a bare zero by rounding.
        let least = f64::EPSILON * self.range.0.abs().max(self.range.1.abs()) * self.dim as f64;
        (self.range.0 + damping > least).then(|| self.sum(|value| libm::log(value + damping)))
    }

    /// `tr f(H)`.
    fn sum(&self, f: impl Fn(f64) -> f64) -> Estimate {
        let atoms: f64 = self.atoms.iter().map(|atom| f(atom.value)).sum();
        let of = |q: &Quadrature| self.rest() * q.sum(&f);
        let samples = match self.rest() == 0.0 {
            true => vec![0.0; 2],
            false => self.quadratures.iter().map(of).collect(),
        };
        Estimate {
            ended: self.ended,
            ..Estimate::of(atoms, samples, self.products)
        }
    }
}

fn range(atoms: &[Atom], quadratures: &[Quadrature]) -> (f64, f64) {
    let nodes = quadratures.iter().flat_map(|q| q.nodes.iter().copied());
    let nodes = nodes.chain(atoms.iter().map(|atom| atom.value));
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
