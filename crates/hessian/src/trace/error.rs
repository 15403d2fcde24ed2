use crate::products::ProductError;

/// Why a trace was not estimated.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// Too few products for a mean with a standard error.
    #[error("{given} products are too few for a mean and its error; at least {least} are needed")]
    Products {
        /// Products allowed.
        given: usize,
        /// Products needed.
        least: usize,
    },
    /// No random vector is multiplied at once.
    #[error("a block of 0 random vectors does no work; give at least 1")]
    Block,
    /// The target is not a share.
    #[error("the target {given} is not a positive fraction of the mean; give for example 0.01")]
    Target {
        /// What was given.
        given: f64,
    },
    /// The matrix has no entries.
    #[error("the operator has dimension 0")]
    Empty,
    /// Blocks are measured by Hutchinson's method alone.
    #[error(
        "only Hutchinson's method estimates traces of blocks and continues estimates; set `method`"
    )]
    Method,
    /// A range of entries is not within the operator.
    #[error("the range {start}..{end} is empty or not within an operator of dimension {dim}")]
    Range {
        /// First entry.
        start: usize,
        /// Past the last entry.
        end: usize,
        /// Dimension of the operator.
        dim: usize,
    },
    /// A product could not be had.
    #[error(transparent)]
    Product(#[from] ProductError),
}
