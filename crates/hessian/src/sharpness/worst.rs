use super::ascent::{Effort, Peak, Region, ascend};
use super::point::radius;
use super::{Evaluations, Norm, Point, SharpnessError};
use crate::progress::Observer;
use crate::vectors::{coefficients, gaussian, orthogonalize, scale};

/// How far each parameter may move, relative to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scaling {
    /// All by as much.
    Unit,
    /// In proportion to its magnitude, so that rescaling weights without changing the function changes
    /// nothing: *adaptive* sharpness. Parameters that are zero do not move.
    #[default]
    Magnitude,
}

impl Scaling {
    pub(super) fn of(self, theta: &[f64]) -> Vec<f64> {
        match self {
            Scaling::Unit => vec![1.0; theta.len()],
            Scaling::Magnitude => theta.iter().map(|t| t.abs()).collect(),
        }
    }
}

/// Settings of [`Point::worst_case`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorstCaseParams {
    /// Radius of the region: `|| d / scaling ||_norm <= rho`; 0.01 by default.
    pub rho: f64,
    /// Its shape, a ball by default.
    pub norm: Norm,
    /// The scaling of the parameters, their magnitude by default.
    pub scaling: Scaling,
    /// The most gradients a start, 20 by default.
    pub steps: usize,
    /// Starts, 2 by default: one along the gradient, the others at random.
    pub starts: usize,
    /// Seed of random starts, 0 by default.
    pub seed: u64,
}

impl Default for WorstCaseParams {
    fn default() -> Self {
        WorstCaseParams {
            rho: 0.01,
            norm: Norm::default(),
            scaling: Scaling::default(),
            steps: 20,
            starts: 2,
            seed: 0,
        }
    }
}

/// The largest rise of the loss that an ascent found: a lower bound of the largest there is.
#[derive(Debug, Clone, PartialEq)]
pub struct WorstCase {
    /// `L(theta + delta) - L(theta)`; infinite where the loss overflows or is NaN.
    pub rise: f64,
    /// Where that is.
    pub delta: Vec<f64>,
    /// Whether the ascent that found it ended because there was no way up, not at its limit. Where nothing
    /// higher than the point itself was found, whether all ascents did.
    pub converged: bool,
    /// What it cost.
    pub evaluations: Evaluations,
}

/// Settings of [`Point::keskar`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeskarParams {
    /// Size of the box, 1e-3 by default; the paper's other choice is 5e-4.
    pub epsilon: f64,
    /// Dimensions of the random subspace that `A` spans; the whole space (`A = I`) by default. The paper
    /// uses 100. The columns of `A` are orthonormal here, so that `A^+ = A^T`.
    pub subspace: Option<usize>,
    /// The most gradients a start, 20 by default.
    pub steps: usize,
    /// Starts, 2 by default.
    pub starts: usize,
    /// Seed of the subspace and of random starts, 0 by default.
    pub seed: u64,
}

impl Default for KeskarParams {
    fn default() -> Self {
        KeskarParams {
            epsilon: 1e-3,
            subspace: None,
            steps: 20,
            starts: 2,
            seed: 0,
        }
    }
}

/// Keskar's sharpness.
#[derive(Debug, Clone, PartialEq)]
pub struct Keskar {
    /// `100 (max f - f) / (1 + f)`: percent.
    pub value: f64,
    /// The worst case behind it.
    pub worst: WorstCase,
}

/// Settings of [`Point::epsilon_sharpness`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpsilonSharpnessParams {
    /// Radius of the ball, 1e-3 by default.
    pub epsilon: f64,
    /// The most gradients a start, 20 by default.
    pub steps: usize,
    /// Starts, 2 by default.
    pub starts: usize,
    /// Seed of random starts, 0 by default.
    pub seed: u64,
}

impl Default for EpsilonSharpnessParams {
    fn default() -> Self {
        EpsilonSharpnessParams {
            epsilon: 1e-3,
            steps: 20,
            starts: 2,
            seed: 0,
        }
    }
}

/// The epsilon-sharpness of Dinh et al.
#[derive(Debug, Clone, PartialEq)]
pub struct EpsilonSharpness {
    /// `(max f - f) / (1 + f)` over the ball: a share.
    pub value: f64,
    /// The worst case behind it.
    pub worst: WorstCase,
}

/// Streams of a random subspace, away from those of starts.
const STREAM: u64 = 1 << 40;

impl Point<'_> {
    /// The largest rise of the loss within a region, by the method of Frank and Wolfe (Andriushchenko et
    /// al. 2023: adaptive worst-case sharpness; they use projected gradient ascent). On a quadratic without slope and with unit scaling it is
    /// `rho^2 lambda_max / 2` for the ball.
    ///
    /// # Errors
    /// When a setting cannot work, before any evaluation; when the loss cannot be evaluated.
    pub fn worst_case(
        &self,
        params: &WorstCaseParams,
        observer: Observer,
    ) -> Result<WorstCase, SharpnessError> {
        let region = Region {
            norm: params.norm,
            radius: radius(params.rho)?,
            scale: params.scaling.of(self.theta()),
            basis: None,
        };
        let effort = effort(params.steps, params.starts, params.seed)?;
        self.search(&region, effort, observer)
    }

    /// Keskar's sharpness (Keskar et al. 2017, metric 2.1): the largest rise in the box
    /// `|y_i| <= epsilon (|(A^+ theta)_i| + 1)`, in percent of `1 + f`. (They search it by L-BFGS-B.)
    ///
    /// # Errors
    /// As [`Point::worst_case`].
    pub fn keskar(
        &self,
        params: &KeskarParams,
        observer: Observer,
    ) -> Result<Keskar, SharpnessError> {
        let radius = radius(params.epsilon)?;
        let effort = effort(params.steps, params.starts, params.seed)?;
        let basis = self.subspace(params)?;
        let y = match &basis {
            Some(basis) => coefficients(basis, self.theta()),
            None => self.theta().to_vec(),
        };
        let region = Region {
            norm: Norm::LInf,
            radius,
            scale: y.iter().map(|y| y.abs() + 1.0).collect(),
            basis,
        };
        let worst = self.search(&region, effort, observer)?;
        let value = 100.0 * worst.rise / (1.0 + self.loss());
        Ok(Keskar { value, worst })
    }

    /// Epsilon-sharpness (Dinh et al. 2017, definition 2): the largest rise in the ball
    /// `||delta||_2 <= epsilon`, as a share of `1 + f`.
    ///
    /// # Errors
    /// As [`Point::worst_case`].
    pub fn epsilon_sharpness(
        &self,
        params: &EpsilonSharpnessParams,
        observer: Observer,
    ) -> Result<EpsilonSharpness, SharpnessError> {
        let region = Region {
            norm: Norm::L2,
            radius: radius(params.epsilon)?,
            scale: vec![1.0; self.dim()],
            basis: None,
        };
        let effort = effort(params.steps, params.starts, params.seed)?;
        let worst = self.search(&region, effort, observer)?;
        let value = worst.rise / (1.0 + self.loss());
        Ok(EpsilonSharpness { value, worst })
    }

    fn search(
        &self,
        region: &Region,
        effort: Effort,
        observer: Observer,
    ) -> Result<WorstCase, SharpnessError> {
        self.take_spent();
        let Peak {
            rise,
            delta,
            converged,
        } = ascend(self, region, effort, observer)?;
        Ok(WorstCase {
            rise,
            delta,
            converged,
            evaluations: self.take_spent(),
        })
    }

    /// Orthonormal random vectors.
    fn subspace(&self, params: &KeskarParams) -> Result<Option<Vec<Vec<f64>>>, SharpnessError> {
        let Some(given) = params.subspace else {
            return Ok(None);
        };
        let dim = self.dim();
        if given == 0 || given > dim {
            return Err(SharpnessError::Subspace { given, dim });
        }
        let mut basis: Vec<Vec<f64>> = vec![];
        for column in 0..given {
            let mut vector = gaussian(dim, params.seed, STREAM + column as u64);
            let length = orthogonalize(&basis, &mut vector).norm;
            scale(&mut vector, 1.0 / length);
            basis.push(vector);
        }
        Ok(Some(basis))
    }
}

fn effort(steps: usize, starts: usize, seed: u64) -> Result<Effort, SharpnessError> {
    match (steps, starts) {
        (0, _) => Err(SharpnessError::Steps),
        (_, 0) => Err(SharpnessError::Starts),
        _ => Ok(Effort {
            steps,
            starts,
            seed,
        }),
    }
}
