use crate::products::ProductError;

/// Why a trace was not estimated.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// Too few products for a mean with a standard error.
    #[error("{given} products are too few for a mean and its error; {least} are the least")]
    Products {
        /// Products allowed.
        given: usize,
        /// Products needed.
        least: usize,
    },
    /// No random vector is multiplied at once.
    #[error("a block of 0 random vectors does no work; 1 is the least")]
    Block,
    /// The target is not a share.
    #[error("the target {given} is not a positive share of the mean, for example 0.01")]
    Target {
        /// What was given.
        given: f64,
    },
    /// The matrix has no entries.
    #[error("the operator has dimension 0")]
    Empty,
    /// Blocks are measured by Hutchinson's method alone.
    #[error(
        "traces of blocks, and estimates that go on, are made by Hutchinson's method alone; set `method`"
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
