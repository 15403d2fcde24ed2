use super::{Counts, DataArgs, EvalArgs, NormArgs, Ranges, StoreArgs};
use clap::{Args, ValueEnum};
use landscape_core::Projection;
use landscape_models::ModelSpec;

const EXAMPLES: &str = "\
Examples:
  landscape trajectory --run moons
  landscape trajectory --run moons --grid 51 --name path
  landscape trajectory --run sgd --run adam --grid 51
  landscape trajectory --checkpoints 'epoch_*.safetensors' --model mlp:784-20-10 --data mnist-1k
  landscape trajectory --checkpoints 'epoch_*.pt' --model resnet20 --data cifar10 --batch-norm batch";

const PATH: &str = "Path";
const PLANE: &str = "Plane";

/// Project recorded checkpoints on the plane of their principal components
///
/// Gives the variance explained, the coordinates and the distance from the plane of each
/// checkpoint, its true loss, and the loss of the plane there. With --grid the plane is sampled
/// too.
#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub struct TrajectoryArgs {
    /// A training run; several share one analysis
    #[arg(long, value_name = "NAME", required_unless_present = "checkpoints", help_heading = PATH)]
    pub run: Vec<String>,
    /// Checkpoint files, in the order of their names
    #[arg(long, value_name = "GLOB", conflicts_with = "run", help_heading = PATH)]
    pub checkpoints: Option<String>,
    /// Network of the checkpoint files
    #[arg(long, value_name = "SPEC", help_heading = PATH)]
    pub model: Option<ModelSpec>,
    #[command(flatten)]
    pub data: DataArgs,
    #[command(flatten)]
    pub norm: NormArgs,
    /// The origin of the coordinates: the last or the first checkpoint (of the first run)
    #[arg(long, value_enum, default_value = "last", help_heading = PLANE)]
    pub center: Center,
    /// How checkpoints get their coordinates: lstsq (nearest point of the plane) or cos (length along
    /// each direction)
    #[arg(long, value_name = "NAME", default_value = "lstsq", help_heading = PLANE)]
    pub project: Projection,
    /// Sample the plane around the path too: 51, or 51x31 points
    #[arg(long, value_name = "N[xM]", help_heading = PLANE)]
    pub grid: Option<Counts>,
    /// The part of the plane that is sampled; the path and a margin where absent
    #[arg(
        long,
        value_name = "MIN:MAX",
        allow_hyphen_values = true,
        requires = "grid",
        help_heading = PLANE
    )]
    pub range: Option<Ranges>,
    #[command(flatten)]
    pub eval: EvalArgs,
    #[command(flatten)]
    pub store: StoreArgs,
}

/// The origin of the coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Center {
    /// The last checkpoint.
    Last,
    /// The first checkpoint.
    First,
}
