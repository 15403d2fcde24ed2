#![doc = include_str!("../README.md")]

pub mod adaptive;
pub mod alignment;
pub mod analytic;
pub mod as_words;
mod counted;
pub mod curve;
pub mod diagnosis;
mod digest;
pub mod direction;
pub mod files;
pub mod grid;
pub mod json;
mod memory;
pub mod metrics;
mod names;
mod numeric;
pub mod objective;
mod operator;
pub mod params;
mod path_text;
pub mod plane;
mod reasons;
pub mod rng;
pub mod sampler;
mod shard;
mod short;
pub mod surface;
pub mod trajectory;

pub use adaptive::{Adapted, Adaptive, AdaptiveError, AdaptiveReport};
pub use counted::{counted, counted_are};
pub use curve::{Curve, CurveError, CurveKind, CurvePlane};
pub use diagnosis::{Diagnosis, Facts, Position, View, diagnose};
pub use digest::digest_all;
pub use direction::{
    BiasMode, Direction, DirectionError, Distribution, Normalization, Source, orthogonalize,
};
pub use grid::{Axis, Grid, GridError, MAX_POINTS, Point};
pub use memory::{free_memory, memory_words};
pub use metrics::{
    Barrier, Basins, Goal, Merge, MergeTree, Metrics, MetricsError, Optimum, OptimumParams,
    Passage, Persistence, Reach, Rise, RiseError, USUAL_RISES, Width, barrier, basins, lowest_way,
    merge_tree, metrics, metrics_of, optimum, width, width_of_groups, widths,
};
pub use names::{Choice, UnknownName};
pub use objective::{DeviceShare, FnObjective, Objective, ObjectiveError, Sample, Term, from_fn};
pub use operator::{Operator, OperatorError};
pub use params::{
    FilterAxes, Parameter, Params, ParamsError, Role, Selection, SelectionError, UnknownSelection,
};
pub use path_text::{escaped, name_words, path_text, path_words, text_path};
pub use plane::{Plane, PlaneError};
pub use reasons::in_full;
pub use rng::Rng;
pub use sampler::{
    Cancel, Measured, Observer, ObserverError, Outcome, Progress, Sampler, SamplerError,
};
pub use shard::{MOST_SHARDS, Shard, ShardError, Shards};
pub use short::short;
pub use surface::{PointSource, Surface, SurfaceError, Value};
pub use trajectory::{
    Checkpoint, Fidelity, Joined, Origin, PathOptions, PathPlane, PathSource, Pca, PcaOptions,
    Projection, Projector, RowError, RowIter, RowSource, StreamError, Trajectory, TrajectoryError,
    TrajectoryPoint, is_logarithmic_step, project, ranges,
};
