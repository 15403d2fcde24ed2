use super::PowerError;

/// Settings of a [`Power`] iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerParams {
    /// Pairs of largest magnitude, 1 by default.
    pub pairs: usize,
    /// A pair is converged when its residual is at most this share of its eigenvalue's magnitude; 1e-3 by
    /// default.
    pub tolerance: f64,
    /// The most products in all, 1,000 by default.
    pub max_products: usize,
    /// Seed of the starting vectors, 0 by default.
    pub seed: u64,
}

impl Default for PowerParams {
    fn default() -> Self {
        PowerParams {
            pairs: 1,
            tolerance: 1e-3,
            max_products: 1000,
            seed: 0,
        }
    }
}

/// A checked power iteration; see the [module](crate::power).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power {
    params: PowerParams,
}

impl Power {
    /// With settings that can work.
    ///
    /// # Errors
    /// One for each rule that they break.
    pub fn new(params: PowerParams) -> Result<Self, PowerError> {
        let (given, pairs) = (params.max_products, params.pairs);
        if pairs == 0 {
            return Err(PowerError::NothingWanted);
        }
        if !(params.tolerance > 0.0 && params.tolerance < 1.0) {
            let given = params.tolerance;
            return Err(PowerError::Tolerance { given });
        }
        if given < pairs {
            return Err(PowerError::Products { given, pairs });
        }
        Ok(Power { params })
    }

    /// The settings.
    pub fn params(&self) -> &PowerParams {
        &self.params
    }
}
