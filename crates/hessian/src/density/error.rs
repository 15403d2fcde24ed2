use crate::products::ProductError;

/// Why a density was not estimated.
#[derive(Debug, thiserror::Error)]
pub enum DensityError {
    /// Too few steps for a shape.
    #[error(
        "{given} Lanczos steps are too few for a density; at least 2 are needed, and 80 are usual"
    )]
    Steps {
        /// What was given.
        given: usize,
    },
    /// Too few random vectors for an error.
    #[error("{given} random vectors are too few for an error band; at least 2 are needed")]
    Probes {
        /// What was given.
        given: usize,
    },
    /// No random vector is multiplied at once.
    #[error("a block of 0 random vectors does no work; give at least 1")]
    Block,
    /// The width is not a share.
    #[error(
        "the width {given} is not between 0 and 1; it is a fraction of the range of the spectrum"
    )]
    Width {
        /// What was given.
        given: f64,
    },
    /// The grid is too coarse for the width.
    #[error("{given} points are too few to draw this width; at least {least} are needed")]
    Points {
        /// What was given.
        given: usize,
        /// Two points a width.
        least: usize,
    },
    /// The matrix has no entries.
    #[error("the operator has dimension 0")]
    Empty,
    /// A known eigenvector does not fit the operator.
    #[error("an eigenvector of {given} entries does not fit an operator of dimension {dim}")]
    Pair {
        /// Entries of the vector.
        given: usize,
        /// Dimension of the operator.
        dim: usize,
    },
    /// A starting vector cannot be used.
    #[error("the starting vector is zero, not finite, or has a different length from the operator")]
    Start,
    /// Products contradict each other.
    #[error(
        "products contradict each other by {share:.2} of their size: the operator is not symmetric, or changes \
         between calls"
    )]
    Asymmetric {
        /// The contradiction, as a share of the largest entries.
        share: f64,
    },
    /// A product could not be had.
    #[error(transparent)]
    Product(#[from] ProductError),
}
