use crate::products::ProductError;

/// Why a Lanczos run did not start, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum LanczosError {
    /// No pair is asked for.
    #[error("neither a largest nor a smallest eigenvalue is asked for; set `top` or `bottom`")]
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
    /// The accepted chance of a miss is not a probability.
    #[error("the accepted chance {given} of a missed eigenvalue is not between 0 and 1")]
    Miss {
        /// What was given.
        given: f64,
    },
    /// The basis is too small for the pairs.
    #[error("a basis of {given} vectors is too small for these pairs; at least {least} are needed")]
    Basis {
        /// Vectors allowed.
        given: usize,
        /// Vectors needed.
        least: usize,
    },
    /// The limit on products leaves no room for the pairs.
    #[error(
        "{given} products are too few: each pair needs one for its basis vector and one for its \
         residual, {least} in all"
    )]
    Products {
        /// Products allowed.
        given: usize,
        /// Products needed.
        least: usize,
    },
    /// More pairs are asked for than there are.
    #[error("{given} eigenvalues at one end are asked for, but the matrix has dimension {dim}")]
    TooMany {
        /// Pairs asked for at that end.
        given: usize,
        /// Dimension of the matrix.
        dim: usize,
    },
    /// A starting vector cannot be used.
    #[error("the starting vector is zero or not finite")]
    Start,
    /// A state does not fit the operator.
    #[error("a state of dimension {state} does not fit an operator of dimension {operator}")]
    Dimension {
        /// Dimension of the state.
        state: usize,
        /// Dimension of the operator.
        operator: usize,
    },
    /// The parts of a state contradict each other.
    #[error("the parts of the state do not fit together: {what}")]
    Parts {
        /// What does not fit.
        what: &'static str,
    },
    /// A product could not be had; the state is as it was before.
    #[error(transparent)]
    Product(#[from] ProductError),
}
