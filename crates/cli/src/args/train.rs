use super::values::{EPOCHS, batch_size, choice, count, path_parser};
use super::{DataArgs, StoreArgs};
use crate::words::DEVICE;
use clap::Args;
use landscape_models::{Augment, Init, OptimizerKind, Rename, Schedule, TrainConfig};
use landscape_storage::CheckpointForm;
use landscape_study::device::DeviceName;
use landscape_study::problem::ModelSource;
use landscape_study::runs::{ProjectedUpdates, TrainRequest};
use std::path::PathBuf;

/// Train a network and record its path
#[derive(Debug, Args)]
#[command(before_help = examples![
    "train --model mlp:2-8-4-1 --data moons --epochs 100 --optimizer adam --name moons",
    "train --model mlp:784-20-10 --data mnist-1k --epochs 30 --lr 0.01 --name mnist",
    "train --model mlp:2-8-4-1 --data moons --every 10 --save moons.safetensors",
    "train --model net.pt2 --data data.npz --epochs 20 --optimizer adam --lr 0.001 --name net",
    "train --model resnet20 --data cifar10 --every 20 --per-decade 10 --record f16 --name r20",
])]
pub struct TrainArgs {
    /// The network, by its name.
    #[arg(long, value_name = "SPEC", help = ModelSource::known(), value_parser = path_parser::<ModelSource>(), help_heading = "Network")]
    pub model: ModelSource,
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
    /// Make of each update only what lies in the space of the K leading eigenvectors of the Hessian (dominant:K), or across it (bulk:K)
    #[arg(long, value_name = "SPACE:K", help_heading = "Training")]
    pub updates: Option<ProjectedUpdates>,
    #[arg(
        help = "Where it is trained: cpu and flex are the same here, wgpu[:i], vulkan[:i], \
                cuda[:i], libtorch, libtorch-cuda[:i]; programs from files on the cpu alone"
    )]
    #[arg(
        long,
        value_name = "NAME",
        default_value = "cpu",
        env = DEVICE,
        hide_env_values = true,
        help_heading = "Training"
    )]
    pub device: DeviceName,
    /// How checkpoints are kept: f32 (compressed, bit for bit: about two thirds of their size), f16
    /// (compressed with an error of a two-thousandth of a step: less than half), raw (each tensor as it
    /// is, to be read in SQL)
    #[arg(
        long,
        value_name = "FORM",
        default_value = "f32",
        value_parser = choice(CheckpointForm::ALL),
        help_heading = "Store"
    )]
    pub record: CheckpointForm,
    /// Also write the trained parameters to a safetensors file
    #[arg(long, help_heading = "Store")]
    pub save: Option<PathBuf>,
    #[command(flatten)]
    pub store: StoreArgs,
    /// Print how much there is to do, and estimates of time and memory; store nothing
    #[arg(long, help_heading = "Training")]
    pub dry_run: bool,
}

/// How parameters are improved.
#[derive(Debug, Clone, Args)]
pub struct OptimizerArgs {
    /// Passes over the data; 0 records and saves the initial network
    #[arg(long, default_value_t = 30, value_parser = count::<0, EPOCHS>)]
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
    #[arg(long, default_value = "sgd", value_parser = choice(OptimizerKind::ALL))]
    pub optimizer: OptimizerKind,
    /// Learning rate
    #[arg(long, value_name = "RATE", default_value_t = 0.01)]
    pub lr: f64,
    /// Momentum, where the optimiser has one
    #[arg(long, value_name = "M", default_value_t = 0.9)]
    pub momentum: f64,
    /// Weight decay; PyTorch's default if not given
    #[arg(long, value_name = "W")]
    pub weight_decay: Option<f64>,
    /// How the learning rate changes: constant, step:EPOCHS,GAMMA, cosine, warmup-cosine:FRACTION or one-cycle:FRACTION
    #[arg(long, value_name = "NAME", default_value = "constant")]
    pub schedule: Schedule,
}

/// How it is trained.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Training")]
pub struct TrainSettings {
    #[command(flatten)]
    pub optimizer: OptimizerArgs,
    /// Record a checkpoint every K steps; 0 for the end of each epoch
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub every: usize,
    /// Record N steps more from each power of ten to the next: dense at first, then thinner
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1000))]
    pub per_decade: u32,
    /// Change images at random in every step: crop, a random part of the image padded with four black pixels; flip, every
    /// second image mirrored; or crop,flip
    #[arg(long, value_name = "NAMES", default_value = "none")]
    pub augment: Augment,
    /// Take the samples in file order in every epoch
    #[arg(long)]
    pub no_shuffle: bool,
    /// Seed of the initial parameters, where they are drawn, and of the order of the samples
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
}

impl TrainArgs {
    /// What the library is asked for, by a command in these words.
    pub fn request(&self, command: &str) -> TrainRequest {
        TrainRequest {
            model: self.model.clone(),
            weights: self.weights.clone(),
            renames: self.rename.clone(),
            init: self.init,
            data: self.data.request(),
            config: self.settings.config(),
            projected: self.updates,
            device: self.device,
            form: self.record,
            keep: self.store.keep(command),
        }
    }
}

impl OptimizerArgs {
    /// What the library is asked for.
    pub fn config(&self) -> TrainConfig {
        TrainConfig {
            epochs: self.epochs,
            batch: self.batch,
            optimizer: self.optimizer,
            lr: self.lr,
            momentum: self.momentum,
            weight_decay: self.weight_decay,
            schedule: self.schedule,
            ..TrainConfig::default()
        }
    }
}

impl TrainSettings {
    /// What the library is asked for.
    pub fn config(&self) -> TrainConfig {
        TrainConfig {
            seed: self.seed,
            every: self.every,
            per_decade: self.per_decade,
            shuffle: !self.no_shuffle,
            augment: self.augment,
            ..self.optimizer.config()
        }
    }
}
