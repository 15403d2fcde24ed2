//! Sharpness of a minimum: how much, and where to, the loss rises around a point.
//!
//! | measure | what it is | survives rescaling of layers |
//! |---|---|---|
//! | [`Point::keskar`] | the largest rise in Keskar's box, in percent of `1 + L` | no |
//! | [`Point::epsilon_sharpness`] | the largest rise in a ball, as a share of `1 + L` (Dinh) | no |
//! | [`Point::worst_case`] | the largest rise in a ball or box, adaptive or not | adaptive |
//! | [`Point::average`] | the mean rise under Gaussian noise, adaptive or not | adaptive |
//! | [`Point::sam`], [`Point::m_sharpness`] | the rise after one step up the gradient | ASAM, up to eta |
//! | [`Point::pac_bayes`] | the noise that raises the loss, or lowers the accuracy, by 0.1 | no |
//! | [`Point::relative_flatness`] | layer traces weighed by the layer's weights; convolutions are an extension | yes |
//! | [`Point::fisher_rao`] | `sqrt(theta^T F theta)` | yes |
//! | [`edge_of_stability`] | `2 / eta`, for the largest eigenvalue | no |
//! | [`crate::Spectrum::ratio`] | `abs(lambda_min / lambda_max)`, the map of Li et al. | no |
//!
//! "Survives" is about the rescaling of Dinh et al. 2017: `W1 -> a W1, W2 -> W2 / a` leaves a
//! bias-free ReLU network the same function, but multiplies the curvature of its layers by `1 / a^2` and `a^2`.
//! Sharpness does not by itself predict generalisation (Andriushchenko et al. 2023): compare like with
//! like.
//!
//! Worst cases are the best that an ascent found, a lower bound. An ascent is the method of Frank and Wolfe: it
//! goes towards the point of the region that is furthest along the gradient, all the way, or half of it where
//! that is not higher, and so on. It never goes down, and on a convex quadratic it is the power
//! iteration. Stochastic measures have standard errors.
//!
//! Everything starts from a [`Point`], which is checked once:
//!
//! ```
//! use landscape_hessian::sharpness::{LossError, LossFunction, Point, Scaling, WorstCaseParams};
//! use landscape_hessian::unobserved;
//!
//! /// `x^2 + 5 y^2`.
//! struct Bowl;
//! impl LossFunction for Bowl {
//!     fn dim(&self) -> usize {
//!         2
//!     }
//!     fn loss(&self, t: &[f64]) -> Result<f64, LossError> {
//!         Ok(t[0] * t[0] + 5.0 * t[1] * t[1])
//!     }
//!     fn gradient(&self, t: &[f64]) -> Result<(f64, Vec<f64>), LossError> {
//!         Ok((self.loss(t)?, vec![2.0 * t[0], 10.0 * t[1]]))
//!     }
//! }
//! let point = Point::new(&Bowl, vec![0.0, 0.0])?;
//! let params = WorstCaseParams { rho: 0.1, scaling: Scaling::Unit, ..Default::default() };
//! let worst = point.worst_case(&params, &mut unobserved)?;
//! assert!((worst.rise - 0.5 * 0.01 * 10.0).abs() < 1e-6);
//! # Ok::<(), landscape_hessian::sharpness::SharpnessError>(())
//! ```
//!
//! # References
//! - N. S. Keskar et al., *On large-batch training for deep learning: generalization gap and sharp
//!   minima*, ICLR 2017.
//! - L. Dinh, R. Pascanu, S. Bengio, Y. Bengio, *Sharp minima can generalize for deep nets*, ICML 2017.
//! - M. Frank, P. Wolfe, *An algorithm for quadratic programming*, Naval Res. Logist. 3, 1956.
//! - P. Foret et al., *Sharpness-aware minimization for efficiently improving generalization*, ICLR 2021.
//! - J. Kwon et al., *ASAM: adaptive sharpness-aware minimization*, ICML 2021.
//! - M. Andriushchenko et al., *A modern look at the relationship between sharpness and
//!   generalization*, ICML 2023.
//! - Y. Jiang et al., *Fantastic generalization measures and where to find them*, ICLR 2020.
//! - H. Petzka et al., *Relative flatness and generalization*, NeurIPS 2021.
//! - T. Liang et al., *Fisher-Rao metric, geometry, and complexity of neural networks*, AISTATS 2019.
//! - J. Cohen et al., *Gradient descent on neural networks typically occurs at the edge of stability*,
//!   ICLR 2021.

mod ascent;
mod average;
mod edge;
mod error;
mod function;
mod layers;
mod pac_bayes;
mod point;
mod sam;
mod worst;

pub use ascent::Norm;
pub use average::AverageParams;
pub use edge::{EdgeOfStability, edge_of_stability};
pub use error::SharpnessError;
pub use function::{LossError, LossFunction, Tensor};
pub use layers::FisherRao;
pub use pac_bayes::{Displaced, PacBayes, PacBayesParams};
pub use point::{Evaluations, Point};
pub use sam::{MSharpness, Metric, OneStep, SamParams};
pub use worst::{
    EpsilonSharpness, EpsilonSharpnessParams, Keskar, KeskarParams, Scaling, WorstCase,
    WorstCaseParams,
};
