use super::error::AdaptiveError;
use serde::{Deserialize, Serialize};

/// Adaptive sampling to a tolerance; see the [module](crate::adaptive).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Adaptive {
    tolerance: f64,
}

impl Adaptive {
    /// To a largest error of interpolated losses, as a share of the range of the measured ones:
    /// 0.01 is 1% of it.
    ///
    /// # Errors
    /// When it is not above 0 and below 1.
    pub fn new(tolerance: f64) -> Result<Self, AdaptiveError> {
        match tolerance > 0.0 && tolerance < 1.0 {
            true => Ok(Adaptive { tolerance }),
            false => Err(AdaptiveError::Tolerance { given: tolerance }),
        }
    }

    /// The largest error of interpolated losses, as a share of the range.
    pub fn tolerance(&self) -> f64 {
        self.tolerance
    }
}
