use crate::params::ParamsError;

/// What can be wrong with a trajectory.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrajectoryError {
    /// A checkpoint does not have the layout of the centre or the plane.
    #[error("checkpoint {index} does not fit")]
    Layout {
        /// Which one, from 0.
        index: usize,
        /// What does not fit.
        #[source]
        source: ParamsError,
    },
    /// There are too few checkpoints for principal components.
    #[error("{given} checkpoints; principal components need at least 2")]
    TooFew {
        /// How many there are.
        given: usize,
    },
    /// More components are wanted than the path has dimensions.
    #[error("{wanted} components of a path that spans {rank} dimensions")]
    Rank {
        /// Components asked for.
        wanted: usize,
        /// Dimensions with a variance above rounding.
        rank: usize,
    },
    /// A checkpoint holds NaN or infinite values.
    #[error("checkpoint {index} has values that are not finite")]
    NotFinite {
        /// Which one, from 0.
        index: usize,
    },
    /// The centre holds NaN or infinite values.
    #[error("the centre of the trajectory has values that are not finite")]
    CenterNotFinite,
    /// The layout of the parameters is not that of the plane.
    #[error("the parameters do not fit the plane")]
    Plane(#[from] ParamsError),
    /// The directions of the plane are linearly dependent, so that coordinates are not determined.
    #[error("the plane's directions are linearly dependent")]
    Dependent,
}
