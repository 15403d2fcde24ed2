use super::PowerError;

/// Settings of a [`Power`] iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerParams {
    /// Pairs of largest magnitude, 1 by default.
    pub pairs: usize,
    /// A pair is converged when its residual is at most this share of its eigenvalue's magnitude; 1e-3 by
    /// default.
    pub tolerance: f64,
    /// A residual that is at most this share of the largest eigenvalue's magnitude is accepted whatever the
    /// tolerance. 1e-13 by default, for products in f64; 1e-6 suits products in f32.
    pub floor: f64,
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
            floor: 1e-13,
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

impl PowerParams {
    /// What a residual may be, for the largest magnitude known.
    pub(super) fn allowed(&self, value: f64, largest: f64) -> f64 {
        (self.tolerance * value.abs()).max(self.floor * largest)
    }
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
        if !(params.floor >= 0.0 && params.floor < 1.0) {
            let given = params.floor;
            return Err(PowerError::Floor { given });
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
