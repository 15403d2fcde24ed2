/// What can be wrong with the parameters of adaptive sampling.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AdaptiveError {
    /// The tolerance is not a fraction of the range.
    #[error(
        "the tolerance {given} is not between 0 and 1; it is a fraction of the range of the loss, \
         for example 0.01"
    )]
    Tolerance {
        /// What was given.
        given: f64,
    },
}
