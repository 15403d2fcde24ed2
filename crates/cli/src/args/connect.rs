use super::values::{EPOCHS, batch_size, count, one_of, path_parser};
use super::{BatchNorm, Counts, DataArgs, EvalArgs, Given, Ranges, StoreArgs, grid_request};
use crate::error::CliError;
use clap::{Args, ValueEnum};
use landscape_core::CurveKind;
use landscape_models::{OptimizerKind, Schedule, TrainConfig};
use landscape_study::connect::{ConnectRequest, CurveConfig, CurveRequest, Endpoint, Matching};
use landscape_study::problem::ModelSource;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  landscape connect --run a --run b
  landscape connect --run a --run b --align weights --save aligned.safetensors
  landscape connect --run a --run b --curve bezier --epochs 50 --grid 51 --name ab
  landscape connect --weights a.safetensors --to b.safetensors --model resnet20 --data cifar10 \
--samples 1000 --align activations";

const ENDS: &str = "Networks";
const ALIGNMENT: &str = "Alignment";
const CURVE: &str = "Curve";

/// Find low-loss paths between two trained networks
///
/// Measures the straight line and its barrier. With --align the units of the second network are
/// permuted to match those of the first, and the line is measured again. With --curve a curve between both
/// is trained whose loss is low all along (Garipov et al. 2018), and with --grid the plane through it is
/// sampled. Line, aligned line, control points and plane are runs of their own, NAME-line,
/// NAME-aligned, NAME-curve and NAME-plane, and are not computed again.
#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub struct ConnectArgs {
    /// Which options were typed.
    #[arg(skip)]
    pub given: Given,
    /// A training run, whose last checkpoint is one of the networks; give it twice
    #[arg(long, value_name = "NAME", help_heading = ENDS)]
    pub run: Vec<String>,
    /// The network where paths begin: a safetensors or PyTorch file
    #[arg(long, value_name = "FILE", conflicts_with = "run", help_heading = ENDS)]
    pub weights: Option<PathBuf>,
    /// The network that paths lead to
    #[arg(long, value_name = "FILE", help_heading = ENDS)]
    pub to: Option<PathBuf>,
    /// The network, by its name.
    #[arg(long, value_name = "SPEC", help = ModelSource::known(), value_parser = path_parser::<ModelSource>(), help_heading = ENDS)]
    pub model: Option<ModelSource>,
    #[command(flatten)]
    pub data: DataArgs,
    /// Points that are measured on each path
    #[arg(
        long,
        value_name = "N",
        default_value_t = 61,
        value_parser = count::<0, 1_000_000>,
        help_heading = "Paths"
    )]
    pub points: usize,
    /// Statistics of BatchNorm layers between the networks; those that depend on the point need all
    /// samples at once, and more memory
    #[arg(
        long,
        value_name = "MODE",
        default_value = "reestimate",
        help_heading = "Paths"
    )]
    pub batch_norm: BatchNorm,
    /// Permute the units of the second network to match those of the first, by their weights or by their
    /// activations on the data; paths lead to the permuted network then
    #[arg(long, value_name = "BY", help_heading = ALIGNMENT)]
    pub align: Option<AlignBy>,
    /// Write the permuted network to a safetensors file
    #[arg(long, value_name = "FILE", requires = "align", help_heading = ALIGNMENT)]
    pub save: Option<PathBuf>,
    #[command(flatten)]
    pub curve: CurveArgs,
    #[command(flatten)]
    pub eval: EvalArgs,
    #[command(flatten)]
    pub store: StoreArgs,
    /// Print how much is to be done, and estimates of time and memory; store nothing
    #[arg(long, help_heading = "Evaluation")]
    pub dry_run: bool,
}

/// How a curve is found and shown.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = CURVE)]
pub struct CurveArgs {
    /// Train a curve: a Bézier curve, or a chain of straight pieces
    #[arg(long, value_name = "KIND", value_parser = one_of(CurveKind::ALL, CurveKind::name))]
    pub curve: Option<CurveKind>,
    /// Control points between the ends, which are trained; Garipov's num_bends counts both ends too and
    /// is two more
    #[arg(
        long,
        alias = "bends",
        value_name = "N",
        default_value_t = 1,
        value_parser = count::<0, 1000>
    )]
    pub inner_points: usize,
    /// Passes over the data, each batch at another point of the curve
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = count::<0, EPOCHS>)]
    pub epochs: usize,
    /// Samples in a batch; full takes all of them at once
    #[arg(
        id = "batch_size",
        long = "batch-size",
        alias = "batch",
        value_name = "N",
        default_value = "64",
        value_parser = batch_size
    )]
    pub batch: usize,
    /// How parameters follow the gradient
    #[arg(
        long,
        value_name = "NAME",
        default_value = "adam",
        value_parser = one_of(OptimizerKind::ALL, OptimizerKind::name)
    )]
    pub optimizer: OptimizerKind,
    /// Learning rate
    #[arg(long, value_name = "RATE", default_value_t = 0.003)]
    pub lr: f64,
    /// Momentum, where the optimiser has one
    #[arg(long, value_name = "M", default_value_t = 0.9)]
    pub momentum: f64,
    /// Weight decay of the points on the curve
    #[arg(long, value_name = "W", default_value_t = 0.0)]
    pub weight_decay: f64,
    /// How the learning rate changes: constant, step:EPOCHS,GAMMA, cosine, warmup-cosine:SHARE or one-cycle:SHARE
    #[arg(long, value_name = "NAME", default_value = "cosine")]
    pub schedule: Schedule,
    /// Seed of the batches, of the points on the curve, and of the order of weight matching
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub seed: u64,
    /// Sample the plane through the curve's ends and its (middle) inner control point: 51, or 51x31
    /// points
    #[arg(long, value_name = "N[xM]", requires = "curve")]
    pub grid: Option<Counts>,
    /// The part of the plane that is sampled; the curve and a margin where absent
    #[arg(
        long,
        value_name = "MIN:MAX",
        allow_hyphen_values = true,
        requires = "grid"
    )]
    pub range: Option<Ranges>,
}

impl ConnectArgs {
    /// What the library is asked for, by a command in these words.
    ///
    /// # Errors
    /// Where not two networks are given.
    pub fn request(&self, command: &str) -> Result<ConnectRequest, CliError> {
        let statistics = self.batch_norm.statistics();
        let mut request = ConnectRequest::new(self.ends()?);
        request.model.clone_from(&self.model);
        request.data = self.data.request();
        request.points = self.points;
        request.statistics = self.given.has("batch_norm").then_some(statistics);
        request.align = self.align.map(AlignBy::matching);
        request.seed = self.curve.seed;
        request.save.clone_from(&self.save);
        request.curve = self.curve.request();
        request.evaluation = self.eval.request();
        request.keep = self.store.keep(command);
        Ok(request)
    }

    /// Where paths begin, and where they lead to.
    fn ends(&self) -> Result<[Endpoint; 2], CliError> {
        let run = |name: &String| Endpoint::Run(name.clone());
        let file = |path: &PathBuf| Endpoint::File(path.clone());
        let runs = self.run.iter().map(run);
        let files = self.weights.iter().chain(&self.to).map(file);
        let given: Vec<Endpoint> = runs.chain(files).collect();
        let count = given.len();
        if count == 0 {
            return Err(CliError::Missing {
                what: "--run",
                remedy: "give two training runs, --run A --run B, or two files, --weights FILE --to FILE",
            });
        }
        given.try_into().map_err(|_| CliError::Conflict {
            what: match count {
                1 => "one network is given, and a path leads from one to another".to_owned(),
                _ => format!("{count} networks are given, and a path leads from one to another"),
            },
            remedy: "give --run A --run B, --weights FILE --to FILE, or --run A --to FILE"
                .to_owned(),
        })
    }
}

impl CurveArgs {
    /// What the library is asked for, where a curve is.
    fn request(&self) -> Option<CurveRequest> {
        let training = TrainConfig {
            epochs: self.epochs,
            batch: self.batch,
            optimizer: self.optimizer,
            lr: self.lr,
            momentum: self.momentum,
            weight_decay: Some(self.weight_decay),
            schedule: self.schedule,
            seed: self.seed,
            ..TrainConfig::default()
        };
        let grid = grid_request(self.grid.as_ref(), self.range.as_ref());
        Some(CurveRequest {
            config: CurveConfig {
                kind: self.curve?,
                inner_points: self.inner_points,
                training,
            },
            grid: self.grid.is_some().then_some(grid),
        })
    }
}

/// By what units are told to be alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AlignBy {
    /// Their weights
    Weights,
    /// What they do on the data
    Activations,
}

impl AlignBy {
    /// What the study calls it.
    pub fn matching(self) -> Matching {
        match self {
            AlignBy::Weights => Matching::Weights,
            AlignBy::Activations => Matching::Activations,
        }
    }
}
