use super::train::OptimizerArgs;
use super::values::{GridArgs, choice, count, path_parser};
use super::{DataArgs, EvalArgs, Given, NormArgs, StoreArgs};
use crate::error::CliError;
use clap::Args;
use landscape_core::{CurveKind, Selection};
use landscape_models::{Rename, TrainConfig};
use landscape_study::connect::{ConnectRequest, CurveConfig, CurveRequest, Endpoint, Matching};
use landscape_study::problem::ModelSource;
use std::path::PathBuf;

const ENDS: &str = "Networks";
const ALIGNMENT: &str = "Alignment";
const CURVE: &str = "Curve";

const BATCH_NORM: &str = "Statistics of BatchNorm layers between the networks; those that depend on the point need all \
samples at once, and more memory";
const EPOCHS: &str = "Passes over the data, each batch at another point of the curve";
const GRID: &str = "Sample the plane through the curve's ends and its (middle) inner control point: 51, or 51x31 points";
const RANGE: &str = "The part of the plane that is sampled; by default the curve and a margin";
const WEIGHT_DECAY: &str = "Weight decay of the points on the curve";

/// Find low-loss paths between two trained networks
///
/// Measures the straight line and its barrier. With --align the units of the second network are
/// permuted to match those of the first, and the line is measured again. With --curve a curve between both
/// is trained whose loss is low all along (Garipov et al. 2018), and with --grid the plane through it is
/// sampled. Line, aligned line, control points and plane are runs of their own, NAME-line,
/// NAME-aligned, NAME-curve and NAME-plane, and are not computed again.
#[derive(Debug, Args)]
#[command(before_help = examples![
    "connect --run a --run b",
    "connect --run a --run b --align weights --save aligned.safetensors",
    "connect --run a --run b --curve bezier --epochs 50 --grid 51 --name ab",
    "connect --run a --run b --run c --soup --save soup.safetensors",
    "connect --weights base.safetensors --adapter a/ --to b/ --soup --model gpt:dim=64,depth=2,heads=4 --data chars",
    "connect --weights a.safetensors --to b.safetensors --model resnet20 --data cifar10 --samples 1000 --align activations",
])]
#[command(mut_arg("batch_norm", |arg| arg.help(BATCH_NORM).default_value("reestimate").help_heading("Paths")))]
#[command(mut_arg("epochs", |arg| arg.help(EPOCHS).default_value("50")))]
#[command(mut_arg("optimizer", |arg| arg.default_value("adam")))]
#[command(mut_arg("lr", |arg| arg.default_value("0.003")))]
#[command(mut_arg("weight_decay", |arg| arg.help(WEIGHT_DECAY).default_value("0")))]
#[command(mut_arg("schedule", |arg| arg.default_value("cosine")))]
#[command(mut_arg("grid", |arg| arg.help(GRID).requires("curve")))]
#[command(mut_arg("range", |arg| arg.help(RANGE).requires("grid")))]
pub struct ConnectArgs {
    /// Which options were typed.
    #[arg(skip)]
    pub given: Given,
    /// A training run, whose last checkpoint is one of the networks; give it twice
    #[arg(long, value_name = "NAME", help_heading = ENDS)]
    pub run: Vec<String>,
    /// The network where paths begin: a safetensors or PyTorch file, or FILE:KEY for the network under a key of it
    #[arg(long, conflicts_with = "run", help_heading = ENDS)]
    pub weights: Option<PathBuf>,
    /// Low-rank adapters (LoRA) on the parameters where paths begin: a folder of PEFT, or its file
    #[arg(long, value_name = "FILE", help_heading = ENDS)]
    pub adapter: Option<PathBuf>,
    /// Other names for tensors in the files, as `landscape line --help` says; may be given several times
    #[arg(long, value_name = "REGEX=REPLACEMENT", help_heading = ENDS)]
    pub rename: Vec<Rename>,
    /// The network that paths lead to; with --soup several
    #[arg(long, help_heading = ENDS)]
    pub to: Vec<PathBuf>,
    /// Measure the average of all networks ('soup'; Wortsman et al. 2022) and the greedy one beside them
    #[arg(long, help_heading = ENDS)]
    pub soup: bool,
    /// The network, by its name.
    #[arg(long, value_name = "SPEC", help = ModelSource::known(), value_parser = path_parser::<ModelSource>(), help_heading = ENDS)]
    pub model: Option<ModelSource>,
    /// Which parameters move, as `landscape line --help` says; the rest stay as they are in the first network
    #[arg(long, value_name = "GLOB,...", help_heading = ENDS)]
    pub params: Option<Selection>,
    #[command(flatten)]
    pub data: DataArgs,
    /// Points that are measured on each path
    #[arg(long, default_value_t = 61, value_parser = count::<0, 1_000_000>, help_heading = "Paths")]
    pub points: usize,
    #[command(flatten)]
    pub norm: NormArgs,
    /// Permute the units of the second network to match those of the first, by their weights or by their
    /// activations on the data; paths then lead to the permuted network
    #[arg(long, value_name = "BY", value_parser = choice(Matching::ALL), help_heading = ALIGNMENT)]
    pub align: Option<Matching>,
    /// Write the permuted network, or the average of all, to a safetensors file
    #[arg(long, help_heading = ALIGNMENT)]
    pub save: Option<PathBuf>,
    #[command(flatten)]
    pub curve: CurveArgs,
    #[command(flatten)]
    pub eval: EvalArgs,
    #[command(flatten)]
    pub store: StoreArgs,
    /// Print how much there is to do, and estimates of time and memory; store nothing
    #[arg(long, help_heading = "Evaluation")]
    pub dry_run: bool,
}

/// How a curve is found and shown.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = CURVE)]
pub struct CurveArgs {
    /// Train a curve: a Bézier curve, or a chain of straight pieces
    #[arg(long, value_name = "KIND", value_parser = choice(CurveKind::ALL))]
    pub curve: Option<CurveKind>,
    /// Control points between the ends, which are trained; Garipov's num_bends counts both ends too and
    /// is two more
    #[arg(long, alias = "bends", default_value_t = 1, value_parser = count::<0, 1000>)]
    pub inner_points: usize,
    #[command(flatten)]
    pub optimizer: OptimizerArgs,
    /// Seed of the batches, of the points on the curve, and of the order of weight matching
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    #[command(flatten)]
    pub plane: GridArgs,
}

impl ConnectArgs {
    /// What the library is asked for, by a command in these words.
    ///
    /// # Errors
    /// Where not two networks are given.
    pub fn request(&self, command: &str) -> Result<ConnectRequest, CliError> {
        let (ends, others) = self.ends()?;
        let mut request = ConnectRequest::new(ends);
        (request.others, request.soup) = (others, self.soup);
        request.adapter.clone_from(&self.adapter);
        request.model.clone_from(&self.model);
        request.data = self.data.request();
        request.params.clone_from(&self.params);
        request.points = self.points;
        request.statistics = { self.given.has("batch_norm") }.then_some(self.norm.batch_norm);
        request.align = self.align;
        request.seed = self.curve.seed;
        request.save.clone_from(&self.save);
        request.renames.clone_from(&self.rename);
        request.curve = self.curve.request();
        request.evaluation = self.eval.request();
        request.keep = self.store.keep(command);
        Ok(request)
    }

    /// Where paths begin, where they lead to, and further networks.
    fn ends(&self) -> Result<([Endpoint; 2], Vec<Endpoint>), CliError> {
        let files = self.weights.iter().chain(&self.to);
        let files = files.map(|path| Endpoint::File(path.clone()));
        let runs = self.run.iter().map(|name| Endpoint::Run(name.clone()));
        let mut given = runs.chain(files);
        match (given.next(), given.next()) {
            (Some(from), Some(to)) => Ok(([from, to], given.collect())),
            (None, _) => Err(CliError::Missing {
                what: "--run",
                remedy: "give two training runs, --run A --run B, or two files, --weights FILE --to FILE",
            }),
            (Some(_), None) => Err(CliError::Conflict {
                what: "one network is given, and a path leads from one to another".to_owned(),
                remedy: "give --run A --run B, --weights FILE --to FILE, or --run A --to FILE"
                    .to_owned(),
            }),
        }
    }
}

impl CurveArgs {
    /// What the library is asked for, where a curve is.
    fn request(&self) -> Option<CurveRequest> {
        let training = TrainConfig {
            seed: self.seed,
            ..self.optimizer.config()
        };
        Some(CurveRequest {
            config: CurveConfig {
                kind: self.curve?,
                inner_points: self.inner_points,
                training,
            },
            grid: self.plane.grid.as_ref().map(|_| self.plane.request()),
        })
    }
}
