/// An eigenpair with what is known about its error.
///
/// In exact arithmetic some eigenvalue lies within `residual` of `value`, and where the next
/// eigenvalue is `gap` away the error of `value` is at most `residual^2 / gap`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The Rayleigh quotient of the vector.
    pub value: f64,
    /// Unit vector; its entry of largest magnitude, the first of them, is positive.
    pub vector: Vec<f64>,
    /// The true residual `||H y - theta y||`, from a product with this vector.
    pub residual: f64,
    /// What the method's own recurrence says the residual is, without that product. It ignores the
    /// noise of the products and may lie by any factor.
    pub estimate: f64,
    /// Whether the true residual is within the tolerance, or below the floor of what products can tell.
    pub converged: bool,
}

impl Pair {
    /// The residual as a share of the eigenvalue's magnitude.
    pub fn relative(&self) -> f64 {
        match self.residual == 0.0 {
            true => 0.0,
            false => self.residual / self.value.abs(),
        }
    }
}

/// Why a search for eigenpairs ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Every pair wanted is within the tolerance.
    Converged,
    /// The limit on products is spent.
    Products,
    /// The residuals do not fall any more: the products are not exact enough for this tolerance.
    Stagnated,
    /// The observer ended it.
    Cancelled,
}

/// Eigenpairs at the ends of a spectrum.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// The largest eigenvalues, descending. Fewer than wanted when the run ended before it had as
    /// many vectors; none when it was cancelled before any residual was measured.
    pub top: Vec<Pair>,
    /// The smallest eigenvalues, ascending. In a small matrix a pair may be in both lists.
    pub bottom: Vec<Pair>,
    /// Why it ended.
    pub stop: Stop,
    /// Products in all, those of earlier runs of the same state included.
    pub products: usize,
    /// Thick restarts.
    pub restarts: usize,
    /// The largest magnitude of a Ritz value: the norm of the matrix as far as it is known.
    pub norm: f64,
    /// An estimate of the chance that an eigenvalue beyond those listed was missed, see the
    /// [module](crate::lanczos#nothing-is-missed); `None` when that was not looked into. 1 says that
    /// nothing is known.
    pub missed: Option<f64>,
}

impl Spectrum {
    /// Whether every pair listed is converged, and all wanted are listed.
    pub fn is_converged(&self) -> bool {
        self.stop == Stop::Converged
    }
}
