use crate::products::ProductError;

/// Why a density was not estimated.
#[derive(Debug, thiserror::Error)]
pub enum DensityError {
    /// Too few steps for a shape.
    #[error("{given} steps of Lanczos are too few for a density; 2 are the least, 80 are usual")]
    Steps {
        /// What was given.
        given: usize,
    },
    /// Too few random vectors for an error.
    #[error("{given} random vectors are too few for an error band; 2 are the least")]
    Probes {
        /// What was given.
        given: usize,
    },
    /// No random vector is multiplied at once.
    #[error("a block of 0 random vectors does no work; 1 is the least")]
    Block,
    /// The width is not a share.
    #[error("the width {given} is not between 0 and 1; it is a share of the range of the spectrum")]
    Width {
        /// What was given.
        given: f64,
    },
    /// The grid is too coarse for the width.
    #[error("{given} points are too few to draw this width; {least} are the least")]
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
    #[error("the starting vector is zero, not finite, or of another length than the operator")]
    Start,
    /// Products contradict each other.
    #[error(
        "products contradict each other by {share:.2} of their size: the operator is not symmetric, or not the \
         same at every call"
    )]
    Asymmetric {
        /// The contradiction, as a share of the largest entries.
        share: f64,
    },
    /// A product could not be had.
    #[error(transparent)]
    Product(#[from] ProductError),
}
