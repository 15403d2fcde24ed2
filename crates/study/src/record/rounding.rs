use landscape_core::json;
use serde::{Deserialize, Serialize};

/// The difference of an objective in bf16 from the same in f32 at a few points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rounding {
    /// Points compared: those at which the loss is finite in f32.
    pub points: usize,
    /// Largest difference of the loss; infinite where it is lost.
    #[serde(with = "json::float")]
    pub loss: f64,
    /// Largest difference of the loss as a share of it.
    #[serde(with = "json::float")]
    pub relative: f64,
    /// Largest difference of the accuracy, where there is one.
    #[serde(default, with = "json::float_option")]
    pub accuracy: Option<f64>,
}
