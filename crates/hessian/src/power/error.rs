use crate::products::ProductError;

/// Why a power iteration did not start, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum PowerError {
    /// No pair is asked for.
    #[error("no eigenpair is asked for; set `pairs`")]
    NothingWanted,
    /// The tolerance is not a share.
    #[error("the tolerance {given} is not between 0 and 1; it is a fraction of the eigenvalue")]
    Tolerance {
        /// What was given.
        given: f64,
    },
    /// The floor is not a share.
    #[error("the floor {given} is not in [0, 1); it is a fraction of the largest eigenvalue")]
    Floor {
        /// What was given.
        given: f64,
    },
    /// The limit on products leaves no room for the pairs.
    #[error("{given} products are too few for {pairs} pairs, which need one each")]
    Products {
        /// Products allowed.
        given: usize,
        /// Pairs wanted.
        pairs: usize,
    },
    /// More pairs are asked for than there are.
    #[error("{given} eigenpairs are asked for, but the matrix has dimension {dim}")]
    TooMany {
        /// Pairs asked for.
        given: usize,
        /// Dimension of the matrix.
        dim: usize,
    },
    /// A product could not be had.
    #[error(transparent)]
    Product(#[from] ProductError),
}
