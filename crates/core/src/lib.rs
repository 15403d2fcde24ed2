#![doc = include_str!("../README.md")]

pub mod adaptive;
pub mod analytic;
pub mod direction;
pub mod grid;
pub mod metrics;
mod names;
mod numeric;
pub mod objective;
pub mod params;
pub mod plane;
pub mod rng;
pub mod sampler;
pub mod surface;
pub mod trajectory;

pub use adaptive::{Adapted, Adaptive, AdaptiveError, AdaptiveReport};
pub use direction::{
    BiasMode, Direction, DirectionError, Distribution, Normalization, Source, orthogonalize,
};
pub use grid::{Axis, Grid, GridError, MAX_POINTS, Point};
pub use metrics::{
    Barrier, Merge, MergeTree, Metrics, MetricsError, barrier, merge_tree, metrics, metrics_of,
};
pub use names::UnknownName;
pub use objective::{FnObjective, Objective, ObjectiveError, Sample, Term, from_fn};
pub use params::{Parameter, Params, ParamsError, Role};
pub use plane::{Plane, PlaneError};
pub use rng::Rng;
pub use sampler::{
    Cancel, Measured, Observer, ObserverError, Outcome, Progress, Sampler, SamplerError,
};
pub use surface::{PointSource, Surface, SurfaceError, Value};
pub use trajectory::{
    Checkpoint, Pca, PcaOptions, Projection, Trajectory, TrajectoryError, TrajectoryPoint, project,
};
