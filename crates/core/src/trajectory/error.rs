use crate::counted::counted;
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
    #[error("{}; principal components need at least 2", counted(*given, "checkpoint"))]
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
    /// The components did not settle.
    #[error(
        "the components did not settle in {passes} passes: residual {residual:.1e} of the largest variance"
    )]
    NotConverged {
        /// Times that all rows were read.
        passes: usize,
        /// `||S v - l v|| / l_1`, the largest of the wanted components.
        residual: f64,
    },
    /// Runs that were to share their first checkpoint do not.
    #[error("path {path} does not start where the first one does")]
    StartsDiffer {
        /// Which one, from 0.
        path: usize,
    },
    /// No checkpoint is left after those outside a window of steps were taken out.
    #[error("no checkpoint of path {path} lies in the window of steps")]
    EmptyWindow {
        /// Which path, from 0.
        path: usize,
    },
    /// There is no path, or one has no checkpoints.
    #[error("path {path} has no checkpoints")]
    EmptyPath {
        /// Which one, from 0.
        path: usize,
    },
    /// A plane has one to three components.
    #[error("a plane has 1 to 3 components, not {wanted}")]
    Components {
        /// Components asked for.
        wanted: usize,
    },
}
