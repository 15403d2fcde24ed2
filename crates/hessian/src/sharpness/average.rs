use super::point::radius;
use super::worst::Scaling;
use super::{Point, SharpnessError};
use crate::progress::{Observer, Progress, Stage};
use crate::trace::{Ended, Estimate};
use crate::vectors::gaussian;

/// Settings of [`Point::average`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AverageParams {
    /// Standard deviation of the noise, relative to the scaling; 0.01 by default.
    pub rho: f64,
    /// The scaling of the parameters, their magnitude by default.
    pub scaling: Scaling,
    /// The most random vectors, 100 by default.
    pub samples: usize,
    /// Ends it, after at least eight vectors, as soon as the half-width of the 95% interval is at most this
    /// share of the mean; `None`, the default, takes all samples.
    pub target: Option<f64>,
    /// Whether every random vector is used with both signs, the default: two losses for each, and the slope of
    /// the loss adds nothing to the error.
    pub antithetic: bool,
    /// Random vectors that are evaluated together, 8 by default.
    pub block: usize,
    /// Their seed, 0 by default.
    pub seed: u64,
}

impl Default for AverageParams {
    fn default() -> Self {
        AverageParams {
            rho: 0.01,
            scaling: Scaling::default(),
            samples: 100,
            target: None,
            antithetic: true,
            block: 8,
            seed: 0,
        }
    }
}

/// Samples before a target may end an average.
const LEAST_SAMPLES: usize = 8;

impl AverageParams {
    fn check(&self) -> Result<(), SharpnessError> {
        radius(self.rho)?;
        check_sampling(self.samples, self.block)?;
        match self.target {
            Some(given) if !(given > 0.0 && given.is_finite()) => {
                Err(SharpnessError::Share { given })
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn check_sampling(samples: usize, block: usize) -> Result<(), SharpnessError> {
    match (samples, block) {
        (given @ 0..2, _) => Err(SharpnessError::Samples { given }),
        (_, 0) => Err(SharpnessError::Block),
        _ => Ok(()),
    }
}

impl Point<'_> {
    /// The mean rise of the loss under Gaussian noise, `E L(theta + d) - L(theta)` with
    /// `d ~ N(0, rho^2 diag(scaling^2))`: adaptive average-case sharpness with the scaling by magnitude
    /// (Andriushchenko et al. 2023), the plain Gaussian average with unit scaling. On a quadratic they are
    /// `rho^2 sum h_ii theta_i^2 / 2` and `rho^2 tr H / 2`. [`Estimate::products`] counts losses.
    ///
    /// # Errors
    /// When a setting cannot work, before any evaluation; when the loss cannot be evaluated.
    pub fn average(
        &self,
        params: &AverageParams,
        observer: Observer,
    ) -> Result<Estimate, SharpnessError> {
        params.check()?;
        self.take_spent();
        let noise = Noise {
            scale: params.scaling.of(self.theta()),
            antithetic: params.antithetic,
            seed: params.seed,
        };
        let mut samples: Vec<f64> = vec![];
        loop {
            let first = samples.len();
            let count = params.block.min(params.samples - first);
            samples.extend(noise.rises(self, params.rho, first, count)?);
            let losses = self.spent().losses;
            let estimate = Estimate::of(0.0, samples.clone(), losses);
            let error = estimate.relative_error();
            let progress = Progress {
                stage: Stage::Sampling,
                products: losses,
                limit: params.samples * if params.antithetic { 2 } else { 1 },
                error,
                target: params.target.unwrap_or(0.0),
            };
            let cancelled = observer(&progress).is_break();
            let ended = match params.target {
                Some(target) if samples.len() >= LEAST_SAMPLES && error <= target => Ended::Target,
                _ if samples.len() == params.samples => Ended::Products,
                _ if cancelled => Ended::Cancelled,
                _ => continue,
            };
            self.take_spent();
            return Ok(Estimate { ended, ..estimate });
        }
    }
}

/// Gaussian displacements that can be drawn again at another size: common random numbers.
pub(super) struct Noise {
    pub(super) scale: Vec<f64>,
    pub(super) antithetic: bool,
    pub(super) seed: u64,
}

impl Noise {
    /// The rises for `count` vectors from number `first` on, with standard deviation `sigma`; the mean of
    /// both signs where they are antithetic.
    pub(super) fn rises(
        &self,
        point: &Point,
        sigma: f64,
        first: usize,
        count: usize,
    ) -> Result<Vec<f64>, SharpnessError> {
        self.means(sigma, first, count, |deltas| point.rises(deltas))
    }

    /// As [`Noise::rises`], of any function of displacements.
    pub(super) fn means(
        &self,
        sigma: f64,
        first: usize,
        count: usize,
        of: impl Fn(&[Vec<f64>]) -> Result<Vec<f64>, SharpnessError>,
    ) -> Result<Vec<f64>, SharpnessError> {
        let mut deltas: Vec<Vec<f64>> = vec![];
        for number in first..first + count {
            let mut delta = gaussian(self.scale.len(), self.seed, number as u64);
            let entries = delta.iter_mut().zip(&self.scale);
            entries.for_each(|(d, s)| *d *= sigma * s);
            if self.antithetic {
                deltas.push(delta.iter().map(|d| -d).collect());
            }
            deltas.push(delta);
        }
        let rises = of(&deltas)?;
        let each = if self.antithetic { 2 } else { 1 };
        let mean = |group: &[f64]| group.iter().sum::<f64>() / group.len() as f64;
        Ok(rises.chunks(each).map(mean).collect())
    }
}
