use super::values::{choice, path_parser};
use crate::words::{DATA_DIR, variable};
use clap::Args;
use landscape_core::Selection;
use landscape_models::{DataSpec, Init, LossKind, Rename, Split};
use landscape_study::problem::{AdapterUse, DataRequest, ModelSource, NetworkRequest};
use std::path::PathBuf;

/// The data and the loss.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Data")]
pub struct DataArgs {
    /// The data, by name.
    #[arg(long, value_name = "SPEC", help = DataSpec::KNOWN, value_parser = path_parser::<DataSpec>())]
    pub data: Option<DataSpec>,
    /// The column of a table that holds the targets; all others are inputs
    #[arg(long, value_name = "COLUMN")]
    pub target: Option<String>,
    /// Folder of the standard files of MNIST or CIFAR, as `landscape data get` writes it [env: LANDSCAPE_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Which part of the data; train by default
    #[arg(long, value_name = "PART", value_parser = choice(Split::ALL))]
    pub split: Option<Split>,
    /// The first N samples in file order
    #[arg(long)]
    pub samples: Option<usize>,
    /// The loss of a sample; chosen from network and data by default
    #[arg(long, value_parser = choice(LossKind::ALL))]
    pub loss: Option<LossKind>,
}

/// The network and its parameters.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkArgs {
    /// The network, by its name.
    #[arg(long, value_name = "SPEC", help = ModelSource::known(), value_parser = path_parser::<ModelSource>())]
    pub model: Option<ModelSource>,
    /// Parameters: a safetensors or PyTorch file (.pt, .pth, .t7), PyTorch's names and layout, or the index of one in
    /// parts; FILE:KEY for the network under a key of it
    #[arg(long, conflicts_with = "run")]
    pub weights: Option<PathBuf>,
    /// Low-rank adapters (LoRA) on the parameters, in the place of those in --weights: a folder of PEFT, or its file
    #[arg(long, value_name = "FILE")]
    pub adapter: Option<PathBuf>,
    /// What becomes of adapters, those in --weights too: merged into the weights, or parameters of their own, which
    /// --params '*lora*' selects
    #[arg(long, default_value = "merged", value_parser = choice(AdapterUse::ALL))]
    pub lora: AdapterUse,
    /// Other names for tensors in files of parameters: what the expression matches becomes the replacement, where $1 is
    /// what the first parentheses match; may be given several times
    #[arg(long, value_name = "REGEX=REPLACEMENT")]
    pub rename: Vec<Rename>,
    /// How initial parameters are drawn: pytorch, the defaults of its layers; li, as in the training code of
    /// tomgoldstein/loss-landscape
    #[arg(long, default_value = "pytorch", value_parser = choice(Init::ALL), conflicts_with_all = ["weights", "run"])]
    pub init: Init,
    /// Parameters of a training run; network, data and loss are then the run's unless given
    #[arg(long, value_name = "NAME")]
    pub run: Option<String>,
    /// Which checkpoint of the run, by step: 0 is the initial state; the last by default
    #[arg(long)]
    pub step: Option<u64>,
    /// Which parameters move, or are differentiated, by patterns of the names of tensors or modules: layer1,fc.weight;
    /// * stands for any characters, ! leaves out, and trainable is all with requires_grad. The rest stay as they are
    #[arg(long, value_name = "GLOB,...")]
    pub params: Option<Selection>,
}

impl DataArgs {
    /// What the library is asked for.
    pub fn request(&self) -> DataRequest {
        DataRequest {
            data: self.data.clone(),
            target: self.target.clone(),
            dir: self.data_dir.clone(),
            usual_dir: variable(DATA_DIR).map(PathBuf::from),
            split: self.split,
            samples: self.samples,
            loss: self.loss,
            memory: None,
        }
    }
}

impl NetworkArgs {
    /// What the library is asked for.
    pub fn request(&self) -> NetworkRequest {
        NetworkRequest {
            model: self.model.clone(),
            weights: self.weights.clone(),
            adapter: self.adapter.clone(),
            lora: self.lora,
            renames: self.rename.clone(),
            init: self.init,
            measured: false,
            run: self.run.clone(),
            step: self.step,
            params: self.params.clone(),
        }
    }
}
