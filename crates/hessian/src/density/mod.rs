//! The density of all eigenvalues, by stochastic Lanczos quadrature, with an error band.
//!
//! From a random unit vector `v`, `m` steps of Lanczos give nodes `theta_k` and weights
//! `w_k = (first entry of the k-th eigenvector of T)^2` with
//!
//! ```text
//! sum_k w_k p(theta_k) = v^T p(H) v     for every polynomial p of degree up to 2m - 1
//! ```
//!
//! (Golub and Welsch 1969), whose mean over `v` is `tr p(H) / n`. The density shown is the mean over
//! random vectors of `sum_k w_k g(t - theta_k)` with a Gaussian `g`; its width is a share of the range of
//! the nodes. It is the true density, broadened by `g`, as far as `g` is a polynomial of degree `2m - 1` on that
//! range: a width of 0.02 wants some 80 steps. The band is the standard error over the vectors; it does
//! not contain the broadening.
//!
//! Every vector is re-orthogonalised against all before, twice; without that, copies of converged
//! eigenvalues would split their weights. Several random vectors advance together, so that the operator
//! sees blocks.
//!
//! Weights say little about how many eigenvalues stand apart, because they are random: count those with
//! [`crate::Spectrum::outliers_above`].
//!
//! ```
//! use landscape_hessian::{Density, DensityParams, Dense, unobserved};
//! let matrix = Dense::from_fn(200, |i, j| if i == j { (i % 2) as f64 } else { 0.0 });
//! let density = Density::new(DensityParams { probes: 4, ..Default::default() })?;
//! let found = density.run(&matrix, &[], &mut unobserved)?;
//! let (half, error) = found.moment(1);
//! assert!((half - 0.5).abs() < 5.0 * error);
//! # Ok::<(), landscape_hessian::DensityError>(())
//! ```
//!
//! # References
//! - G. H. Golub, J. H. Welsch, *Calculation of Gauss quadrature rules*, Math. Comp. 23, 1969.
//! - S. Ubaru, J. Chen, Y. Saad, *Fast estimation of tr(f(A)) via stochastic Lanczos quadrature*, SIAM
//!   J. Matrix Anal. Appl. 38, 2017.
//! - B. Ghorbani, S. Krishnan, Y. Xiao, *An investigation into neural net optimization via Hessian
//!   eigenvalue density*, ICML 2019.

mod chain;
mod error;
mod params;
mod report;

pub use error::DensityError;
pub use params::{Density, DensityParams};
pub use report::{Quadrature, SpectralDensity};

use crate::operator::Operator;
use crate::products::multiply;
use crate::progress::{Observer, Progress, Stage};
use crate::trace::Ended;
use crate::vectors::{gaussian, norm, scale};
use chain::Chain;

impl Density {
    /// Estimates the density. `known` are the quadratures of an earlier run with the same settings (but
    /// for `probes`), which are kept; none for a new run. When the observer ends it, the result is made of the
    /// random vectors that are complete.
    ///
    /// # Errors
    /// When the operator has no dimension; when a product cannot be had.
    pub fn run(
        &self,
        operator: &dyn Operator,
        known: &[Quadrature],
        observer: Observer,
    ) -> Result<SpectralDensity, DensityError> {
        if operator.dim() == 0 {
            return Err(DensityError::Empty);
        }
        let params = *self.params();
        let mut quadratures = known.to_vec();
        let mut products = known.iter().map(|q| q.nodes.len()).sum();
        let mut ended = Ended::Products;
        while quadratures.len() < params.probes && ended != Ended::Cancelled {
            let first = quadratures.len();
            let count = params.block.min(params.probes - first);
            let start = |i: usize| gaussian(operator.dim(), params.seed, i as u64);
            let mut chains: Vec<Chain> = (first..first + count)
                .map(|i| Chain::new(unit(start(i))))
                .collect();
            match self.advance(operator, &mut chains, &mut products, observer)? {
                true => quadratures.extend(chains.iter().map(Chain::quadrature)),
                false => ended = Ended::Cancelled,
            }
        }
        quadratures.truncate(params.probes);
        let dim = operator.dim();
        Ok(SpectralDensity::new(
            &params,
            dim,
            quadratures,
            products,
            ended,
        ))
    }

    /// Takes the chains through all steps together; false when the observer ended it.
    fn advance(
        &self,
        operator: &dyn Operator,
        chains: &mut [Chain],
        products: &mut usize,
        observer: Observer,
    ) -> Result<bool, DensityError> {
        let params = self.params();
        for _ in 0..params.steps {
            let mut live: Vec<&mut Chain> = chains.iter_mut().filter(|c| !c.is_done()).collect();
            let block: Vec<Vec<f64>> = live.iter_mut().filter_map(|c| c.take_next()).collect();
            if block.is_empty() {
                break;
            }
            let multiplied = multiply(operator, &block, products)?;
            for ((chain, vector), product) in live.iter_mut().zip(block).zip(multiplied) {
                chain.extend(vector, product);
            }
            let progress = Progress {
                stage: Stage::Sampling,
                products: *products,
                limit: params.steps * params.probes,
                error: f64::INFINITY,
                target: 0.0,
            };
            if observer(&progress).is_break() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The quadrature of one starting vector after at most `steps` products: `sum_k w_k p(theta_k) =
/// v^T p(H) v / v^T v` for polynomials up to degree `2 steps - 1`.
///
/// # Errors
/// When the vector has another length than the operator, is zero or not finite; when a product cannot
/// be had.
pub fn quadrature(
    operator: &dyn Operator,
    start: Vec<f64>,
    steps: usize,
) -> Result<Quadrature, DensityError> {
    let length = norm(&start);
    if start.len() != operator.dim() || !(length.is_finite() && length > 0.0) {
        return Err(DensityError::Start);
    }
    let mut chain = Chain::new(unit(start));
    let mut products = 0;
    for _ in 0..steps {
        let Some(vector) = chain.take_next() else {
            break;
        };
        let block = [vector];
        let product = multiply(operator, &block, &mut products)?.swap_remove(0);
        let [vector] = block;
        chain.extend(vector, product);
    }
    Ok(chain.quadrature())
}

fn unit(mut vector: Vec<f64>) -> Vec<f64> {
    let length = norm(&vector);
    scale(&mut vector, 1.0 / length);
    vector
}
