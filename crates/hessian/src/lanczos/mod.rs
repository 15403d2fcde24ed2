//! Eigenpairs at both ends of the spectrum, with true residuals.
//!
//! The method of Lanczos builds an orthonormal basis `Q` of the Krylov space of a random vector, one
//! product a step, and takes the eigenpairs `(theta, s)` of `T = Q^T H Q`; `y = Q s` are the Ritz
//! vectors. Decisions:
//!
//! - *Full re-orthogonalisation*, twice. Without it copies of converged eigenvalues appear and
//!   everything counted from the spectrum is wrong. It costs little beside products with Hessians.
//! - *`T` is measured*: its entries are the coefficients of that orthogonalisation, all of them, in
//!   f64. So `theta` is the Rayleigh quotient of `y` even where noise or a restart breaks the
//!   three-term recurrence.
//! - *Thick restart* (Wu and Simon 2000): when the basis reaches its bound, the wanted Ritz pairs and
//!   half of the free places' next ones stay, and the search goes on from there.
//! - *True residuals.* When the recurrence claims convergence (`|beta s_m|` within the tolerance), the
//!   products with all wanted Ritz vectors are computed as one block, and `||H y - theta y||` decides.
//!   With products that carry noise of 1e-5 the recurrence claims 1e-33 where the truth is 1e-5. When
//!   the truth is worse than the claim, the search goes on along the residual vectors of all pairs that have
//!   not converged, as a band (Ruhe 1979): each vector that comes is multiplied in its turn, and what is left
//!   of its product waits behind the others. When the worst residual is not halved twice in a row it ends as
//!   [`Stop::Stagnated`].
//! - *Breakdown*: when nothing but rounding is left of a new vector (`beta <= c eps ||T||`), the basis
//!   is an invariant subspace, and the search goes on with a random vector orthogonal to it.
//!
//! # Nothing is missed
//!
//! From one starting vector, Lanczos sees one copy of a multiple eigenvalue; the next values below
//! then pass for the second copy. So when all pairs have converged, the search goes on from a new
//! random vector in what is orthogonal to them. A Ritz value found there beyond the last pair of an end
//! proves that one was missed, and the search resumes with it. Otherwise, after `k` steps without one, the
//! chance that an eigenvalue beyond the last pair was missed is estimated as
//! `1.648 sqrt(n) exp(-sqrt(epsilon) (2k - 1))`, the bound of Kuczyński and Woźniakowski (1992). It is an
//! estimate here, because it needs the other end of the spectrum, of which a Ritz value is known. `epsilon` is the
//! distance between that last pair and the outermost Ritz value found, as a share of the distance between that
//! pair and the other end of what is left, which is taken as found, with its residual. It ends when
//! the chance is below
//! [`LanczosParams::miss`], or when it has cost as many products as finding the pairs did, and
//! [`Spectrum::missed`] says how far it got.
//!
//! # Long runs
//!
//! The [`State`] is a plain value that holds the basis. A cancelled run, one that reached its limit, and
//! one whose operator failed continue from it with the same result, bit for bit, as if nothing had
//! happened.
//!
//! ```
//! use landscape_hessian::{Dense, Lanczos, LanczosParams, unobserved};
//!
//! let laplacian = Dense::from_fn(50, |i, j| match i - j {
//!     0 => 2.0,
//!     1 => -1.0,
//!     _ => 0.0,
//! });
//! let lanczos = Lanczos::new(LanczosParams { top: 2, bottom: 1, ..Default::default() })?;
//! let mut state = lanczos.start(50)?;
//! let spectrum = lanczos.run(&laplacian, &mut state, &mut unobserved)?;
//! assert!(spectrum.is_converged());
//! let exact = 2.0 + 2.0 * (std::f64::consts::PI / 51.0).cos();
//! assert!((spectrum.top[0].value - exact).abs() < 1e-5);
//! # Ok::<(), landscape_hessian::LanczosError>(())
//! ```
//!
//! # References
//! - K. Wu, H. Simon, *Thick-restart Lanczos method for large symmetric eigenvalue problems*, SIAM J.
//!   Matrix Anal. Appl. 22, 2000.
//! - L. Giraud, J. Langou, M. Rozložník, *The loss of orthogonality in the Gram-Schmidt
//!   orthogonalization process*, Comput. Math. Appl. 50, 2005.
//! - A. Ruhe, *Implementation aspects of band Lanczos algorithms for computation of eigenvalues of large
//!   sparse symmetric matrices*, Math. Comp. 33, 1979.
//! - J. Kuczyński, H. Woźniakowski, *Estimating the largest eigenvalue by the power and Lanczos
//!   algorithms with a random start*, SIAM J. Matrix Anal. Appl. 13, 1992.

mod confirm;
mod count;
mod error;
mod params;
mod refine;
mod ritz;
mod run;
mod spectrum;
mod state;

pub use count::{Condition, ConditionError, EigenvalueRatio, Outliers};
pub use error::LanczosError;
pub use params::{Lanczos, LanczosParams};
pub use spectrum::{Pair, Spectrum, Stop};
pub(crate) use state::Absorbed;
pub use state::{State, StateParts, Waiting};
