//! What can go wrong, with what, where and the remedy in each message.

use landscape_core as core;
use landscape_hessian as hessian;

/// Every failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// There are not two things to compare.
    #[error("a comparison of {what} needs at least two of them, {given} given")]
    TooFew {
        /// What is compared, in the plural.
        what: &'static str,
        /// How many there are.
        given: usize,
    },
    /// Two variants are the same.
    #[error("`{label}` is given twice; every variant must differ from the others")]
    Repeated {
        /// The label of both.
        label: String,
    },
    /// The network has no width that could be varied.
    #[error(
        "network {model} cannot be made wider or narrower: perceptrons with hidden layers \
         (mlp:2-8-1) and wide residual networks (wrn56-2) can"
    )]
    NoWidth {
        /// The network.
        model: String,
    },
    /// There is no network of that width.
    #[error("network {model} does not come in the width {width}: {reason}")]
    Width {
        /// The network.
        model: String,
        /// The width.
        width: usize,
        /// Why not.
        reason: String,
    },
    /// Initial parameters of one network do not start others.
    #[error(
        "networks of several widths cannot start from the same parameters; start them at random"
    )]
    InitialWidths,
    /// Networks of different layouts share no plane.
    #[error(
        "`{first}` ({first_model}) and `{other}` ({other_model}) have different parameters and \
         share no plane; give each a plane of its own"
    )]
    Layouts {
        /// The first network.
        first: String,
        /// What it is.
        first_model: String,
        /// Another one.
        other: String,
        /// What that is.
        other_model: String,
    },
    /// A way is measured at its ends at least.
    #[error("a way between networks is measured at 2 points or more, {given} given")]
    FewPoints {
        /// How many there are.
        given: usize,
    },
    /// A curve without inner control points is a line, which is not trained.
    #[error("a curve that is trained has at least one bend")]
    NoBends,
    /// A network has parameters that are not finite.
    #[error("`{tensor}` of network {network} of the way is not finite")]
    NotFinite {
        /// Its place on the way, from 1.
        network: usize,
        /// The first such tensor.
        tensor: String,
    },
    /// There is nothing to align.
    #[error("network {model} has no units that could be permuted")]
    NoUnits {
        /// The network.
        model: String,
    },
    /// Alignment.
    #[error(transparent)]
    Alignment(#[from] core::alignment::AlignmentError),
    /// Curves.
    #[error(transparent)]
    Curve(#[from] core::CurveError),
    /// Parameters of different layouts.
    #[error(transparent)]
    Params(#[from] core::ParamsError),
    /// The threads could not be started.
    #[error("the threads could not be started")]
    Threads(#[source] rayon::ThreadPoolBuildError),
    /// Networks, data and training.
    #[error(transparent)]
    Models(#[from] landscape_models::ModelsError),
    /// Losses and their derivatives.
    #[error(transparent)]
    Trace(#[from] landscape_trace::TraceError),
    /// Paths and their planes.
    #[error(transparent)]
    Trajectory(#[from] core::TrajectoryError),
    /// Directions.
    #[error(transparent)]
    Direction(#[from] core::DirectionError),
    /// Planes.
    #[error(transparent)]
    Plane(#[from] core::PlaneError),
    /// Grids.
    #[error(transparent)]
    Grid(#[from] core::GridError),
    /// Sampling.
    #[error(transparent)]
    Sampler(#[from] core::SamplerError),
    /// Evaluation of single points.
    #[error(transparent)]
    Objective(#[from] core::ObjectiveError),
    /// Eigenvalues.
    #[error(transparent)]
    Lanczos(#[from] hessian::LanczosError),
    /// Sharpness.
    #[error(transparent)]
    Sharpness(#[from] hessian::sharpness::SharpnessError),
}
