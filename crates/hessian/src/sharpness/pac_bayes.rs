use super::average::{Noise, check_sampling};
use super::{Evaluations, Point, SharpnessError};
use crate::progress::{Observer, Progress, Stage};
use crate::stats::{mean_and_error, student_t};
use crate::vectors::norm;

/// What noise displaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Displaced {
    /// The mean loss rises.
    #[default]
    Loss,
    /// The accuracy falls: the displacement that Jiang et al. bound. Needs
    /// [`super::LossFunction::accuracies`].
    Accuracy,
}

/// Settings of [`Point::pac_bayes`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PacBayesParams {
    /// What is displaced, the mean loss by default.
    pub displaced: Displaced,
    /// By how much: the rise of the mean loss or the fall of the accuracy, a share; 0.1 by default.
    pub rise: f64,
    /// Random vectors, the same at every size of the noise; 50 by default, each with both signs.
    pub samples: usize,
    /// Width of the last bracket of sigma, as a share of it; 1e-3 by default.
    pub tolerance: f64,
    /// Random vectors that are evaluated together, 8 by default.
    pub block: usize,
    /// Their seed, 0 by default.
    pub seed: u64,
}

impl Default for PacBayesParams {
    fn default() -> Self {
        PacBayesParams {
            displaced: Displaced::default(),
            rise: 0.1,
            samples: 50,
            tolerance: 1e-3,
            block: 8,
            seed: 0,
        }
    }
}

/// The size of Gaussian noise that raises the loss, or lowers the accuracy, by a given amount.
#[derive(Debug, Clone, PartialEq)]
pub struct PacBayes {
    /// The standard deviation of the noise.
    pub sigma: f64,
    /// Its standard error over the random vectors: that of the rise, divided by the slope of the rise in
    /// sigma.
    pub standard_error: f64,
    /// Degrees of freedom of that error.
    pub degrees: usize,
    /// The bracket that the search ended with; the rise is below the one asked for at its lower end and
    /// above at its upper.
    pub bracket: (f64, f64),
    /// Whether the bracket is as narrow as asked for; not when the observer ended it.
    pub converged: bool,
    /// What it cost.
    pub evaluations: Evaluations,
}

impl PacBayes {
    /// `1 / sigma^2`: PAC-Bayes flatness, larger for sharper minima.
    pub fn flatness(&self) -> f64 {
        1.0 / (self.sigma * self.sigma)
    }

    /// The interval that covers sigma in this share of cases, by Student's distribution.
    pub fn interval(&self, confidence: f64) -> (f64, f64) {
        let half = match self.standard_error == 0.0 {
            true => 0.0,
            false => student_t(self.degrees as f64, confidence) * self.standard_error,
        };
        (self.sigma - half, self.sigma + half)
    }
}

/// Mean rise at a size of the noise.
#[derive(Debug, Clone, Copy)]
struct Level {
    sigma: f64,
    rise: f64,
    error: f64,
}

/// First size of the noise, as a share of the root mean square of the parameters.
const FIRST: f64 = 1e-3;

/// Enlargements before the loss counts as one that does not rise.
const ENLARGEMENTS: usize = 40;

impl Point<'_> {
    /// The standard deviation `sigma` at which the mean rise `E L(theta + N(0, sigma^2 I)) - L(theta)`
    /// reaches [`PacBayesParams::rise`], by bisection on common random numbers: the same vectors at every
    /// size, so that the rise is a smooth function of sigma. Jiang et al. (2020) bound the fall of the
    /// accuracy, as [`Displaced::Accuracy`] does; it moves in steps of `1 / samples` of the data. Where the mean rise is
    /// not monotone it is the first crossing that is met while the noise grows. On a quadratic
    /// `sigma^2 = 2 rise / tr H`.
    ///
    /// # Errors
    /// When a setting cannot work, before any evaluation; when the loss never rises by as much (or the
    /// accuracy does not fall by as much), or cannot be evaluated; when the loss has no accuracy and that is to
    /// fall.
    pub fn pac_bayes(
        &self,
        params: &PacBayesParams,
        observer: Observer,
    ) -> Result<PacBayes, SharpnessError> {
        check(params)?;
        self.take_spent();
        let noise = Noise {
            scale: vec![1.0; self.dim()],
            antithetic: true,
            seed: params.seed,
        };
        let from = match params.displaced {
            Displaced::Loss => self.loss(),
            Displaced::Accuracy => self.accuracy()?,
        };
        let level = |sigma: f64| self.level(params, &noise, from, sigma);
        let (mut low, mut high) = self.bracket(params, &level)?;
        let mut cancelled = false;
        while high.sigma > low.sigma * (1.0 + params.tolerance) && !cancelled {
            let middle = level(0.5 * (low.sigma + high.sigma))?;
            match middle.rise > params.rise {
                true => high = middle,
                false => low = middle,
            }
            let progress = Progress {
                stage: Stage::Sampling,
                products: self.spent().total(),
                limit: usize::MAX,
                error: high.sigma / low.sigma - 1.0,
                target: params.tolerance,
            };
            cancelled = observer(&progress).is_break();
        }
        Ok(self.crossing(params, low, high, !cancelled))
    }

    fn level(
        &self,
        params: &PacBayesParams,
        noise: &Noise,
        from: f64,
        sigma: f64,
    ) -> Result<Level, SharpnessError> {
        let mut rises = vec![];
        while rises.len() < params.samples {
            let (first, left) = (rises.len(), params.samples - rises.len());
            let of = |deltas: &[Vec<f64>]| match params.displaced {
                Displaced::Loss => self.rises(deltas),
                Displaced::Accuracy => self.falls(from, deltas),
            };
            rises.extend(noise.means(sigma, first, params.block.min(left), of)?);
        }
        let (rise, error) = mean_and_error(&rises);
        Ok(Level { sigma, rise, error })
    }

    /// Enlarges the noise until the rise is exceeded; a quadratic is met at the second attempt.
    fn bracket(
        &self,
        params: &PacBayesParams,
        level: &dyn Fn(f64) -> Result<Level, SharpnessError>,
    ) -> Result<(Level, Level), SharpnessError> {
        let size = norm(self.theta()) / (self.dim().max(1) as f64).sqrt();
        let mut low = Level {
            sigma: 0.0,
            rise: 0.0,
            error: 0.0,
        };
        let mut sigma = FIRST * if size > 0.0 { size } else { 1.0 };
        for _ in 0..ENLARGEMENTS {
            let next = level(sigma)?;
            if next.rise > params.rise {
                return Ok((low, next));
            }
            let growth = match next.rise > 0.0 {
                true => (1.05 * (params.rise / next.rise).sqrt()).clamp(1.5, 10.0),
                false => 10.0,
            };
            sigma *= growth;
            low = next;
        }
        let Level { sigma, rise, .. } = low;
        Err(SharpnessError::NoRise { sigma, rise })
    }

    fn crossing(
        &self,
        params: &PacBayesParams,
        low: Level,
        high: Level,
        converged: bool,
    ) -> PacBayes {
        let slope = (high.rise - low.rise) / (high.sigma - low.sigma);
        // An infinite rise has no slope to interpolate with.
        let (sigma, standard_error) = match slope.is_finite() && slope > 0.0 {
            true => {
                let sigma = low.sigma + (params.rise - low.rise) / slope;
                (sigma, low.error.max(high.error) / slope)
            }
            false => (low.sigma, f64::INFINITY),
        };
        PacBayes {
            sigma,
            standard_error,
            degrees: params.samples - 1,
            bracket: (low.sigma, high.sigma),
            converged,
            evaluations: self.take_spent(),
        }
    }
}

fn check(params: &PacBayesParams) -> Result<(), SharpnessError> {
    check_sampling(params.samples, params.block)?;
    let (given, share) = (params.rise, params.tolerance);
    if !(given > 0.0 && given.is_finite()) {
        return Err(SharpnessError::Rise { given });
    }
    match share > 1e-12 && share < 1.0 {
        true => Ok(()),
        false => Err(SharpnessError::Share { given: share }),
    }
}
