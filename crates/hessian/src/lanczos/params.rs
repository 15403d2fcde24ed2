use super::LanczosError;

/// Settings of a [`Lanczos`] run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LanczosParams {
    /// Number of largest eigenvalues, 1 by default.
    pub top: usize,
    /// Number of smallest (most negative) eigenvalues, 0 by default. Both ends come out of one run.
    pub bottom: usize,
    /// A pair is converged when its residual `||H y - theta y||` is at most this share of `|theta|`;
    /// 1e-3 by default.
    pub tolerance: f64,
    /// A residual that is at most this share of the largest eigenvalue's magnitude is accepted whatever the
    /// tolerance: no smaller one can be had, and eigenvalues of that size are zero as far as products can
    /// tell. 1e-13 by default, for products in f64; 1e-6 suits products in f32.
    pub floor: f64,
    /// The most products, those that measure the residuals included; 1,000 by default.
    pub max_products: usize,
    /// The most vectors of the basis that are held at once, `8 * dim` bytes each; `None` takes
    /// 40, and 20 beyond twice the pairs wanted where that is more. A smaller basis restarts more
    /// often and needs more products. See [`LanczosParams::basis_in`].
    pub basis: Option<usize>,
    /// The chance up to which a missed eigenvalue is accepted, 1e-3 by default; `None` does not look
    /// for missed ones. See the [module](crate::lanczos#nothing-is-missed).
    pub miss: Option<f64>,
    /// Seed of the starting vector; 0 by default.
    pub seed: u64,
}

impl Default for LanczosParams {
    fn default() -> Self {
        LanczosParams {
            top: 1,
            bottom: 0,
            tolerance: 1e-3,
            floor: 1e-13,
            max_products: 1000,
            basis: None,
            miss: Some(1e-3),
            seed: 0,
        }
    }
}

impl LanczosParams {
    /// Pairs wanted at both ends.
    pub fn wanted(&self) -> usize {
        self.top + self.bottom
    }

    /// The vectors of a basis that fit into `bytes` of memory, beside the few that work needs.
    pub fn basis_in(bytes: usize, dim: usize) -> usize {
        (bytes / (8 * dim.max(1))).saturating_sub(WORKING_VECTORS)
    }

    /// Vectors of the basis held at once.
    pub fn basis_limit(&self) -> usize {
        self.basis.unwrap_or((2 * self.wanted() + 20).max(40))
    }
}

/// Vectors beside the basis: the next one, its product, and their copies on the way.
const WORKING_VECTORS: usize = 4;

/// Vectors a basis needs beyond the pairs wanted, to go on after a restart.
pub(super) const SPARE: usize = 4;

/// A checked Lanczos run; see the [module](crate::lanczos).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lanczos {
    params: LanczosParams,
}

impl Lanczos {
    /// With settings that can work.
    ///
    /// # Errors
    /// One for each rule that they break.
    pub fn new(params: LanczosParams) -> Result<Self, LanczosError> {
        let wanted = params.wanted();
        if wanted == 0 {
            return Err(LanczosError::NothingWanted);
        }
        let share = |given: f64| given > 0.0 && given < 1.0;
        if !share(params.tolerance) {
            let given = params.tolerance;
            return Err(LanczosError::Tolerance { given });
        }
        if !(params.floor >= 0.0 && params.floor < 1.0) {
            let given = params.floor;
            return Err(LanczosError::Floor { given });
        }
        if let Some(given) = params.miss.filter(|&miss| !share(miss)) {
            return Err(LanczosError::Miss { given });
        }
        if params.basis_limit() < wanted + SPARE {
            let given = params.basis_limit();
            let least = wanted + SPARE;
            return Err(LanczosError::Basis { given, least });
        }
        if params.max_products < 2 * wanted {
            let given = params.max_products;
            let least = 2 * wanted;
            return Err(LanczosError::Products { given, least });
        }
        Ok(Lanczos { params })
    }

    /// The settings.
    pub fn params(&self) -> &LanczosParams {
        &self.params
    }
}
