use super::values::{GridArgs, choice, path_parser, tolerance};
use super::{DataArgs, EvalArgs, Given, NetworkArgs, NormArgs, ShardArgs, StoreArgs};
use clap::Args;
use landscape_core::{Adaptive, BiasMode, Distribution, Normalization, Shard};
use landscape_models::Regularizer;
use landscape_study::directions::{DirectionKind, Moves, PlaneRequest};
use landscape_study::runs::LandscapeRequest;
use landscape_trace::Precision;
use std::path::PathBuf;

const LINE: &str = examples![
    "line --run moons --grid 201 --range=-2:2",
    "line --model mlp:2-8-4-1 --weights a.safetensors --to b.safetensors --data moons",
];
const SURFACE: &str = examples![
    "surface --run moons --grid 51 --name plane",
    "surface --model mlp:2-8-4-1 --weights w.safetensors --data moons --grid 51x31",
    "surface --run mnist --step 0 --range=-1:1,-2:2 --norm layer --bias layer",
    "surface --run moons --grid 201 --adaptive 0.01",
    "surface --model resnet20 --weights a.pt --to b.pt --to c.pt --data cifar10",
    "surface --model resnet56 --weights w.pt --data cifar10 --log -o plane.png",
    "surface --run moons --grid 1001 --dry-run",
    "surface --run moons --grid 201 --shard 0/4",
];
const VOLUME: &str = examples![
    "volume --run moons --grid 21 --name cube",
    "volume --run moons --grid 21x21x11 --range=-1:1,-1:1,-0.5:0.5",
];
/// Sample the loss on a line, plane or volume through parameter space.
#[derive(Debug, Args)]
#[command(before_help = match DIMS { 1 => LINE, 2 => SURFACE, _ => VOLUME })]
#[command(about = match DIMS {
    1 => "Sample the loss along one direction",
    2 => "Sample the loss on a plane",
    _ => "Sample the loss in a volume",
}, long_about = None)]
pub struct SampleArgs<const DIMS: usize> {
    #[command(flatten)]
    pub network: NetworkArgs,
    #[command(flatten)]
    pub data: DataArgs,
    #[command(flatten)]
    pub plane: PlaneArgs,
    #[command(flatten)]
    pub terms: TermArgs,
    #[command(flatten)]
    pub norm: NormArgs,
    #[command(flatten)]
    pub eval: EvalArgs,
    /// Points that are evaluated together, and stored together; 0 adapts to the speed
    #[arg(long, default_value_t = 0, help_heading = "Evaluation")]
    pub batch: usize,
    /// Measure only where interpolation is not expected to hold within TOL, a fraction of the range of
    /// the loss (0.01 is 1%), and interpolate the rest; every point records which it is. Points drawn at random
    /// check that, with 95% confidence, 95% of the interpolated ones hold; a needle between them can be missed
    #[arg(
        long,
        value_name = "TOL",
        value_parser = tolerance,
        allow_hyphen_values = true,
        help_heading = "Evaluation"
    )]
    pub adaptive: Option<Adaptive>,
    /// The number format of products; f32 on the device cpu
    #[arg(
        long,
        default_value = "f32",
        value_parser = choice(Precision::ALL),
        help_heading = "Evaluation"
    )]
    pub precision: Precision,
    #[command(flatten)]
    pub store: StoreArgs,
    /// Draw what is sampled, as `landscape plot` does, to FILE.svg, .pdf, .png, .tex or .html; may be given
    /// several times
    #[arg(long, short, help_heading = "Figure")]
    pub output: Vec<PathBuf>,
    /// Logarithmic scale of the loss in figures
    #[arg(long, requires = "output", help_heading = "Figure")]
    pub log: bool,
    /// Print how much there is to do, and estimates of time and memory; store nothing
    #[arg(long, help_heading = "Evaluation")]
    pub dry_run: bool,
    #[command(flatten)]
    pub shard: ShardArgs,
    /// What was typed.
    #[arg(skip)]
    pub given: Given,
}

/// Grid and directions.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Directions and grid")]
pub struct PlaneArgs {
    #[command(flatten)]
    pub grid: GridArgs,
    /// random; pca (needs --run); hessian: eigenvectors of the largest eigenvalues, or of the ends named as
    /// in hessian:top,bottom; gradient: the negative gradient as it is, further directions random; or a file:
    /// safetensors with tensors d1.NAME, d2.NAME, ..., or .h5 as of tomgoldstein/loss-landscape. All but
    /// random ones are used as they are unless --norm is given. Running statistics that a file leaves out do
    /// not move
    #[arg(
        long,
        value_name = "KIND|FILE",
        default_value = "random",
        value_parser = path_parser::<DirectionKind>()
    )]
    pub direction: DirectionKind,
    /// Towards other parameters, which lie at the coordinate 1; once for each axis. Running statistics that a file leaves
    /// out do not move
    #[arg(long)]
    pub to: Vec<PathBuf>,
    /// What moves towards the parameters of --to
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "states",
        value_parser = choice(Moves::ALL),
        requires = "to"
    )]
    pub dir_type: Moves,
    /// Which parts of a direction are scaled to the norm of the same part of the network; by default filter for random directions and
    /// none for all others
    #[arg(long, value_parser = choice(Normalization::ALL))]
    pub norm: Option<Normalization>,
    /// How tensors of one dimension move: not at all, scaled to their own norm, unscaled, or as a copy of the
    /// parameters
    #[arg(long, default_value = "zero", value_parser = choice(BiasMode::ALL))]
    pub bias: BiasMode,
    /// Make the directions orthogonal, after they are normalised
    #[arg(long)]
    pub orthogonal: bool,
    /// From which distribution random directions are drawn
    #[arg(long, default_value = "gaussian", value_parser = choice(Distribution::ALL))]
    pub distribution: Distribution,
    /// Seed of random directions and vectors, and of the parameters where none are given
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Write the directions to a safetensors file
    #[arg(long)]
    pub save_directions: Option<PathBuf>,
}

/// Extra terms of the loss.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Loss")]
pub struct TermArgs {
    /// Also store W * sum |theta|, apart from the data loss
    #[arg(long, value_name = "W", allow_hyphen_values = true)]
    pub l1: Option<f64>,
    /// Also store W * sum theta^2, apart from the data loss
    #[arg(long, value_name = "W", allow_hyphen_values = true)]
    pub l2: Option<f64>,
}

impl<const DIMS: usize> SampleArgs<DIMS> {
    /// What the library is asked for, by a command in these words, of a shard where one is asked for.
    pub fn request(&self, command: &str, shard: Option<Shard>) -> LandscapeRequest {
        LandscapeRequest {
            dims: DIMS,
            network: self.network.request(),
            data: self.data.request(),
            plane: self.plane.request(),
            grid: self.plane.grid.request(),
            statistics: self.norm.batch_norm,
            terms: self.terms.regularizers(),
            precision: self.precision,
            adaptive: self.adaptive,
            shard,
            rounds: None,
            batch: self.batch,
            evaluation: self.eval.request(),
            keep: self.store.keep(command),
        }
    }
}

impl PlaneArgs {
    /// What the library is asked for.
    pub fn request(&self) -> PlaneRequest {
        PlaneRequest {
            to: self.to.clone(),
            moves: self.dir_type,
            direction: self.direction.clone(),
            norm: self.norm,
            bias: self.bias,
            orthogonal: self.orthogonal,
            distribution: self.distribution,
            seed: self.seed,
        }
    }
}

impl TermArgs {
    /// What the library is asked for.
    fn regularizers(&self) -> Vec<Regularizer> {
        let l1 = self.l1.map(Regularizer::L1);
        l1.into_iter().chain(self.l2.map(Regularizer::L2)).collect()
    }
}
