use super::values::{batch_size, choice, path_parser};
use super::{DataArgs, EvalArgs, Given, ShardArgs, StoreArgs, TrainSettings};
use crate::error::CliError;
use clap::Args;
use landscape_core::{Selection, Shard};
use landscape_models::{Init, Rename};
use landscape_study::compare::{SweepRequest, Variation};
use landscape_study::problem::ModelSource;
use landscape_study::text::{Counts, Rated, Seeds};
use std::path::PathBuf;

const DEVICE: &str = "Where losses and curvature are evaluated, as of `landscape surface`; networks are trained on the CPU";

const WHAT: &str = "What is compared";

/// Train variants of one network, or take stored runs, and put them side by side
///
/// Trainings are compared on the plane of their joint principal components (where the networks have the
/// same layout) and by a table: final loss, accuracy, largest eigenvalue, sharpness, convexity and
/// basin width, on the same kind of plane around each end. Everything is kept as runs of its own
/// that other commands know: NAME-sgd (train), NAME-sgd-end (surface), NAME-sgd-curvature (hessian), and
/// NAME (trajectory). Stored landscapes are compared by their figures, and point by point where their
/// grids are the same.
#[derive(Debug, Args)]
#[command(before_help = examples![
    "compare --optimizers sgd=0.1,momentum=0.02,adam=0.005 --model mlp:2-8-4-1 --data moons",
    "compare --lrs 0.1,0.25,0.5 --batch-size full --model mlp:2-8-4-1 --data moons --log -o rates.svg",
    "compare --seeds 0..10 --model mlp:2-8-4-1 --data moons:noise=0.2 --batch-size 32 --lr 0.1 --epochs 100",
    "compare --widths 2,8,32 --model mlp:2-8-8-1 --data moons --log -o widths.svg",
    "compare --batch-sizes 16,64,256 --model mlp:784-20-10 --data mnist-1k -o batches.html",
    "compare sgd adam --grid 51 --name both -o both.svg",
    "compare plane-before plane-after --tolerance 1e-6",
])]
#[command(mut_arg("device", |arg| arg.help(DEVICE)))]
pub struct CompareArgs {
    /// Stored runs: trainings, or landscapes
    #[arg(
        value_name = "RUN",
        conflicts_with_all = ["optimizers", "lrs", "seeds", "widths", "batch_sizes", "model", "data"],
        help_heading = WHAT
    )]
    pub runs: Vec<String>,
    /// Which options were typed.
    #[arg(skip)]
    pub given: Given,
    /// One training per optimiser, from the same initial parameters; =RATE where --lr is not its rate. An
    /// optimiser may be given at several rates: sgd=0.25,sgd=0.5
    #[arg(
        long,
        value_name = "NAME[=RATE]",
        value_delimiter = ',',
        conflicts_with_all = ["lrs", "seeds", "widths", "batch_sizes"],
        help_heading = WHAT
    )]
    pub optimizers: Option<Vec<Rated>>,
    /// One training per learning rate, from the same initial parameters
    #[arg(
        long,
        value_name = "RATE,...",
        value_delimiter = ',',
        conflicts_with_all = ["seeds", "widths", "batch_sizes"],
        help_heading = WHAT
    )]
    pub lrs: Option<Vec<f64>>,
    /// One training per seed: 0..10 (without 10), or a list 1,2,5; for a program it only orders the samples
    #[arg(
        long,
        value_name = "A..B",
        conflicts_with_all = ["widths", "batch_sizes"],
        help_heading = WHAT
    )]
    pub seeds: Option<Seeds>,
    /// One training per width: units of the widest hidden layer of a perceptron, the others in
    /// proportion; the factor of a wide residual network
    #[arg(
        long,
        value_name = "N,...",
        value_delimiter = ',',
        conflicts_with = "batch_sizes",
        help_heading = WHAT
    )]
    pub widths: Option<Vec<usize>>,
    /// One training per batch size, from the same initial parameters; full takes all samples at once
    #[arg(
        long,
        value_name = "N,...",
        value_delimiter = ',',
        value_parser = batch_size,
        help_heading = WHAT
    )]
    pub batch_sizes: Option<Vec<usize>>,
    /// The network, by its name.
    #[arg(long, value_name = "SPEC", help = ModelSource::known(), value_parser = path_parser::<ModelSource>(), help_heading = "Network")]
    pub model: Option<ModelSource>,
    /// Start from these parameters rather than from random ones, or those in the file of a program
    #[arg(long, help_heading = "Network")]
    pub weights: Option<PathBuf>,
    /// How initial parameters of a family are drawn: pytorch, the defaults of its layers (the usual choice); li, as in the
    /// training code of tomgoldstein/loss-landscape
    #[arg(long, value_parser = choice(Init::ALL), conflicts_with = "weights", help_heading = "Network")]
    pub init: Option<Init>,
    /// Other names for tensors in that file, as `landscape line --help` says; may be given several times
    #[arg(
        long,
        value_name = "REGEX=REPLACEMENT",
        requires = "weights",
        help_heading = "Network"
    )]
    pub rename: Vec<Rename>,
    #[command(flatten)]
    pub data: DataArgs,
    #[command(flatten)]
    pub settings: TrainSettings,
    /// Points of the joint plane on each axis: 51, or 51x31
    #[arg(
        long,
        value_name = "N[xM]",
        default_value = "51",
        help_heading = "Landscapes"
    )]
    pub grid: Counts,
    /// Points of the planes around the ends, which are random, filter-normalised, from -1 to 1
    #[arg(
        long,
        value_name = "N[xM]",
        default_value = "31",
        help_heading = "Landscapes"
    )]
    pub end_grid: Counts,
    /// Which parameters the planes move and curvature is of, as `landscape line --help` says
    #[arg(long, value_name = "GLOB,...", help_heading = "Landscapes")]
    pub params: Option<Selection>,
    /// Leave out the largest eigenvalue and the sharpness, which are slow for large networks
    #[arg(long, help_heading = "Landscapes")]
    pub no_curvature: bool,
    /// End with the exit code 1 if landscapes on the same grid differ anywhere by more than this fraction
    /// of the first one's range
    #[arg(
        long,
        value_name = "FRACTION",
        allow_hyphen_values = true,
        help_heading = "Landscapes"
    )]
    pub tolerance: Option<f64>,
    #[command(flatten)]
    pub eval: EvalArgs,
    #[command(flatten)]
    pub store: StoreArgs,
    /// Draw the comparison to FILE.svg, .pdf, .png, .tex or .html: of trainings FILE (the joint plane with
    /// all paths), FILE-ends (the planes around the ends on one scale) and FILE-losses; may be given
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
}

impl CompareArgs {
    /// What is to be trained, by a command in these words.
    ///
    /// # Errors
    /// Where nothing is varied, or the network is absent.
    pub fn request(&self, command: &str, shard: Option<Shard>) -> Result<SweepRequest, CliError> {
        let variation = self.variation().ok_or(CliError::Missing {
            what: "what to compare",
            remedy: "give --optimizers, --lrs, --seeds, --widths or --batch-sizes, or the names of runs",
        })?;
        let model = self.model.clone().ok_or(CliError::Missing {
            what: "--model",
            remedy: "give the network, for example --model mlp:2-8-4-1",
        })?;
        Ok(SweepRequest {
            model,
            weights: self.weights.clone(),
            renames: self.rename.clone(),
            init: self.init,
            data: self.data.request(),
            config: self.settings.config(),
            variation,
            shard,
            threads: self.eval.threads,
            keep: self.store.keep(command),
        })
    }

    /// What is varied.
    fn variation(&self) -> Option<Variation> {
        let rated = |all: &Vec<Rated>| all.iter().map(|one| (one.optimizer, one.lr)).collect();
        let optimizers = self.optimizers.as_ref().map(rated);
        let seeds = self.seeds.as_ref().map(|seeds| seeds.0.clone());
        { optimizers.map(Variation::Optimizers) }
            .or_else(|| self.lrs.clone().map(Variation::LearningRates))
            .or_else(|| seeds.map(Variation::Seeds))
            .or_else(|| self.widths.clone().map(Variation::Widths))
            .or_else(|| self.batch_sizes.clone().map(Variation::BatchSizes))
    }
}
