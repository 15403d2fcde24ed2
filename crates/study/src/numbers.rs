use landscape_core::json::float_list;
use serde::Serialize;

/// A list of numbers that survives JSON, in a list of such lists.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Numbers(#[serde(with = "float_list")] pub Vec<f64>);

impl Numbers {
    /// The rows of a matrix.
    pub(crate) fn rows(matrix: &[Vec<f64>]) -> Vec<Self> {
        matrix.iter().cloned().map(Numbers).collect()
    }
}
