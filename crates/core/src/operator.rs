//! A symmetric matrix that is known by its products with vectors.

use std::error::Error;

/// A symmetric linear operator, usually the Hessian of a loss, known by its products with vectors.
///
/// That it is symmetric, and the same at every call, is for the caller to see to: of the algorithms of `landscape-hessian`,
/// `Lanczos` and `Power` measure their residuals with it and claim nothing beyond these, `Density` gives an error where
/// products contradict each other, and `Trace` doesn't see it.
pub trait Operator {
    /// Number of rows, and of columns.
    fn dim(&self) -> usize;

    /// The products with each vector of the block, in its order; every vector has [`Operator::dim`]
    /// entries. A product may not depend on what else is in the block beyond rounding, but work may
    /// be shared between vectors: algorithms ask for many at once where they can.
    ///
    /// # Errors
    /// Whatever keeps the products from being computed.
    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, OperatorError>;
}

impl<T: Operator + ?Sized> Operator for &T {
    fn dim(&self) -> usize {
        (**self).dim()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, OperatorError> {
        (**self).apply(block)
    }
}

impl<T: Operator + ?Sized> Operator for Box<T> {
    fn dim(&self) -> usize {
        (**self).dim()
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, OperatorError> {
        (**self).apply(block)
    }
}

/// What went wrong inside an [`Operator`].
#[derive(Debug, thiserror::Error)]
#[error("the products could not be computed")]
pub struct OperatorError(#[source] pub Box<dyn Error + Send + Sync>);

impl OperatorError {
    /// Wraps any error, or a message.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        OperatorError(source.into())
    }
}
