use crate::params::ParamsError;

/// What can be wrong with a direction.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DirectionError {
    /// The tensors do not have the layout of the parameters, or of the other direction.
    #[error("the direction does not fit the parameters")]
    Layout(#[from] ParamsError),
    /// A direction has no length, or values that are not finite.
    #[error("direction {} has norm {norm}", index + 1)]
    Degenerate {
        /// Which one, from 0.
        index: usize,
        /// Its norm.
        norm: f64,
    },
    /// A direction lies in the span of those before it, so nothing orthogonal is left of it.
    #[error(
        "direction {} is parallel to those before it (only {remainder:.1e} of its length is not)",
        index + 1
    )]
    Parallel {
        /// Which one, from 0.
        index: usize,
        /// Sine of its angle to the span of the directions before it.
        remainder: f64,
    },
}
