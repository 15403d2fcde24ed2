//! Intervals of a broadened density, from the distribution of its quadratures.
//!
//! With a random unit vector `v`, the density at `t` is sampled as `sum_i g_i (v^T u_i)^2` over the
//! eigenpairs, with `g_i = g(t - lambda_i)`. Of `n` eigenvalues, let `nu` lie in the window, that is
//! `nu = (sum g_i)^2 / sum g_i^2`, with the mean `h = sum g_i^2 / sum g_i` of `g` there, so that the density is
//! `h nu / n`. The squares have the Dirichlet distribution with parameters 1/2. So, exactly where `g` is `h`
//! in the window and 0 elsewhere, and with the right mean and nearly the right variance otherwise
//! (Satterthwaite 1946), the mean over `p` vectors is `h x` with
//!
//! ```text
//! x ~ Beta(p nu / 2, p (n - nu) / 2)
//! ```
//!
//! The interval holds each `nu` for which `x` as it was found is within the central share of that
//! distribution (as Clopper and Pearson's does for a proportion). `h` is itself taken from the
//! quadratures, as the mean of `g^2` divided by the mean of `g`: where one eigenvalue, simple or multiple, stands
//! alone, its random weight cancels. The interval is narrow and symmetric where many eigenvalues
//! are in the window, and wide and skewed, as the truth is, where they are few.

use super::Quadrature;
use crate::stats::beta_below;

/// What the quadratures see of a broadened density at one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    /// The estimate of the share of eigenvalues in the window, `x`.
    pub(super) share: f64,
    /// The mean height of the Gaussian there, `h`.
    pub(super) height: f64,
}

impl Window {
    /// The window about `t` of a Gaussian of standard deviation `width`.
    pub(super) fn at(t: f64, width: f64, quadratures: &[Quadrature]) -> Self {
        let square = |node: f64| ((t - node) / width).powi(2);
        let nodes = quadratures.iter().flat_map(|q| q.nodes.iter());
        // Relative to the nearest node, so that nothing underflows far away.
        let nearest = nodes.fold(f64::INFINITY, |m, &node| m.min(square(node)));
        let (mut first, mut second) = (0.0, 0.0);
        for quadrature in quadratures {
            for (&node, weight) in quadrature.nodes.iter().zip(&quadrature.weights) {
                let g = libm::exp(-0.5 * (square(node) - nearest));
                first += weight * g;
                second += weight * g * g;
            }
        }
        let probes = quadratures.len() as f64;
        if first <= 0.0 || second <= 0.0 {
            return Window {
                share: 0.0,
                height: 0.0,
            };
        }
        let peak = width * (2.0 * std::f64::consts::PI).sqrt();
        Window {
            share: (first * first / (second * probes)).min(1.0),
            height: second / first * libm::exp(-0.5 * nearest) / peak,
        }
    }

    /// Lower and upper edge of the density, for `samples = p n`.
    pub(super) fn interval(&self, samples: f64, confidence: f64) -> (f64, f64) {
        let (low, high) = share_interval(self.share, samples, confidence);
        (self.height * low, self.height * high)
    }
}

/// The shares `f` for which `x`, from Beta(samples f / 2, samples (1 - f) / 2), is within the
/// central `confidence`; `x` itself is always among them.
fn share_interval(x: f64, samples: f64, confidence: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 0.0);
    }
    let tail = 0.5 * (1.0 - confidence);
    let below = |f: f64| beta_below(0.5 * samples * f, 0.5 * samples * (1.0 - f), x);
    // It falls in f; the middle is the geometric one, because shares may be of any size.
    let crossing = |mut low: f64, mut high: f64, level: f64| {
        while high > low * (1.0 + 1e-9) {
            let middle = (low * high).sqrt();
            match below(middle) > level {
                true => low = middle,
                false => high = middle,
            }
        }
        high
    };
    let least = (1e-9 / samples).min(x);
    let low = crossing(least, 1.0, 1.0 - tail);
    (low.min(x), crossing(least, 1.0, tail).max(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One eigenvalue of very many, by 8 vectors: the quantiles of chi-square with 8 degrees.
    #[test]
    fn of_one_eigenvalue_it_ends_where_chi_square_says() {
        let n = 1e9;
        for (quantile, edge) in [(17.534_546, 0), (2.179_731, 1)] {
            // The weight is as large (small) as it is in 2.5% of cases: the truth is at the edge.
            let found = share_interval(quantile / (8.0 * n), 8.0 * n, 0.95);
            let truth = [found.0, found.1][edge] * n;
            assert!((truth - 1.0).abs() < 1e-4, "{truth}");
        }
    }

    /// With everything in the window nothing is random.
    #[test]
    fn of_all_eigenvalues_it_is_narrow() {
        let (low, high) = share_interval(1.0, 80.0, 0.95);
        assert!(low > 0.99 && high == 1.0, "{low} {high}");
        let (low, high) = share_interval(1.0, 2.0, 0.95);
        assert!(low > 0.9 && high == 1.0, "{low} {high}");
    }

    /// Half of a million: the normal interval.
    #[test]
    fn of_many_eigenvalues_it_is_normal() {
        let (n, p) = (1e6, 8.0);
        let (low, high) = share_interval(0.5, n * p, 0.95);
        let half = 1.959_964 * (2.0 * 0.25 / (n * p)).sqrt();
        assert!(((high - low) / (2.0 * half) - 1.0).abs() < 1e-3);
    }
}
