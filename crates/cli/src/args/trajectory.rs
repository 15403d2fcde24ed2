use super::values::{GridArgs, choice, path_parser};
use super::{DataArgs, EvalArgs, Given, NormArgs, ShardArgs, StoreArgs};
use clap::Args;
use landscape_core::{Origin, Projection, Selection, Shard};
use landscape_models::Rename;
use landscape_study::problem::ModelSource;
use landscape_study::text::Window;
use landscape_study::trajectory::TrajectoryRequest;

const PATH: &str = "Path";
const PLANE: &str = "Plane";

const GRID: &str =
    "Sample the plane around the path too: 51, or 51x31 points; 21x21x21 of three components";
const RANGE: &str = "The part of the plane that is sampled; by default the path and a margin";

/// Project recorded checkpoints on the plane of their principal components
///
/// Gives the variance explained, the coordinates and the distance from the plane of each
/// checkpoint, its true loss and the loss at its projection, and says where the plane misleads. With
/// --grid the plane, or the volume of three components, is sampled too.
#[derive(Debug, Args)]
#[command(before_help = examples![
    "trajectory --run moons",
    "trajectory --run moons --grid 51 --name path",
    "trajectory --run sgd --run adam --center first --grid 51",
    "trajectory --run moons --epoch-window 10:100 --components 3 --grid 21",
    "trajectory --checkpoints 'epoch_*.safetensors' --model mlp:784-20-10 --data mnist-1k",
    "trajectory --checkpoints 'epoch_*.pt' --model resnet20 --data cifar10 --batch-norm batch",
])]
#[command(mut_arg("grid", |arg| arg.help(GRID).value_name("N[xM[xK]]").help_heading(PLANE)))]
#[command(mut_arg("range", |arg| arg.help(RANGE).requires("grid").help_heading(PLANE)))]
pub struct TrajectoryArgs {
    /// A training run; several share one analysis
    #[arg(long, value_name = "NAME", required_unless_present = "checkpoints", help_heading = PATH)]
    pub run: Vec<String>,
    /// Checkpoint files, in the order of the steps in their names or their folders' (numbers behind step, iter or epoch,
    /// else the last ones), or else of the names; GLOB:KEY for the network under a key of each
    #[arg(long, value_name = "GLOB", conflicts_with = "run", help_heading = PATH)]
    pub checkpoints: Option<String>,
    /// Other names for tensors in the files, as `landscape line --help` says; may be given several times
    #[arg(long, value_name = "REGEX=REPLACEMENT", requires = "checkpoints", help_heading = PATH)]
    pub rename: Vec<Rename>,
    /// Network of the checkpoint files
    #[arg(long, value_name = "SPEC", value_parser = path_parser::<ModelSource>(), help_heading = PATH)]
    pub model: Option<ModelSource>,
    /// Which parameters the analysis is about, as `landscape line --help` says; the rest are those of the centre
    #[arg(long, value_name = "GLOB,...", help_heading = PLANE)]
    pub params: Option<Selection>,
    #[command(flatten)]
    pub data: DataArgs,
    #[command(flatten)]
    pub norm: NormArgs,
    /// Only the checkpoints from step A to step B; for files whose names give no step, their positions from 0. A or B may
    /// be left out
    #[arg(long, value_name = "A:B", conflicts_with = "epoch_window", help_heading = PATH)]
    pub window: Option<Window<u64>>,
    /// Only the checkpoints from epoch A to epoch B
    #[arg(
        id = "epoch_window",
        long = "epoch-window",
        alias = "epochs",
        value_name = "A:B",
        conflicts_with = "checkpoints",
        help_heading = PATH
    )]
    pub epochs: Option<Window<f64>>,
    /// The origin of the coordinates: the last checkpoint (of the first run), the first one (which all
    /// runs must share), or the mean of all
    #[arg(long, default_value = "last", value_parser = choice(Origin::ALL), help_heading = PLANE)]
    pub center: Origin,
    /// Principal components: 2 span a plane, 3 a volume
    #[arg(
        long,
        default_value_t = 2,
        value_parser = clap::value_parser!(u8).range(2..=3),
        help_heading = PLANE
    )]
    pub components: u8,
    /// Leave tensors of one dimension (biases, scales and shifts) out of the analysis
    #[arg(long, help_heading = PLANE)]
    pub ignore_biasbn: bool,
    /// How checkpoints get their coordinates: lstsq (nearest point of the plane) or cos (length along
    /// each direction)
    #[arg(
        long,
        default_value = "lstsq",
        value_parser = choice(Projection::ALL),
        help_heading = PLANE
    )]
    pub project: Projection,
    #[command(flatten)]
    pub grid: GridArgs,
    /// What is sampled beyond the path on either side, as a fraction of its extent
    #[arg(
        long,
        value_name = "FRACTION",
        default_value_t = 0.25,
        conflicts_with = "range",
        help_heading = PLANE
    )]
    pub margin: f64,
    #[command(flatten)]
    pub eval: EvalArgs,
    #[command(flatten)]
    pub store: StoreArgs,
    /// Print how much there is to do, and estimates of time and memory; store nothing
    #[arg(long, help_heading = "Evaluation")]
    pub dry_run: bool,
    #[command(flatten)]
    pub shard: ShardArgs,
    /// What was typed.
    #[arg(skip)]
    pub given: Given,
}

impl TrajectoryArgs {
    /// What the library is asked for, by a command in these words.
    pub fn request(&self, command: &str, shard: Option<Shard>) -> TrajectoryRequest {
        TrajectoryRequest {
            runs: self.run.clone(),
            checkpoints: self.checkpoints.clone(),
            renames: self.rename.clone(),
            model: self.model.clone(),
            data: self.data.request(),
            params: self.params.clone(),
            statistics: self.norm.batch_norm,
            window: self.window.as_ref().map(|window| window.0.clone()),
            epochs: self.epochs.as_ref().map(|window| window.0.clone()),
            left_out: Default::default(),
            center: self.center,
            components: self.components,
            ignore_one_dimensional: self.ignore_biasbn,
            project: self.project,
            grid: self.grid.request(),
            margin: self.margin,
            shard,
            evaluation: self.eval.request(),
            keep: self.store.keep(command),
        }
    }
}
