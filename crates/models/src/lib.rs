#![doc = include_str!("../README.md")]

pub mod checkpoint;
pub mod data;
pub mod densenet;
mod error;
mod families;
mod files;
pub mod gpt;
mod host;
pub mod layers;
pub mod loss;
pub mod mlp;
mod names;
mod network;
mod objective;
pub mod resnet;
mod streams;
pub mod train;
pub mod vgg;
pub mod vit;
pub mod wideresnet;

pub use checkpoint::{
    Adapters, LoadNote, LoadOptions, Loaded, Rename, load_layout, load_layout_with, load_network,
    load_network_params, load_network_with, load_weights, may_be_safetensors, save_weights,
};
pub use data::{
    Angles, Channels, CharsSpec, ChosenTargets, DataSpec, Dataset, FileSpec, FolderSpec, IdxArray,
    Input, MoonsSpec, Normalisation, Pixels, Scale, Split, TableSpec, load, make_moons, read_idx,
};
pub use densenet::{DenseNet, DenseNetSpec};
pub use error::{GetError, ModelsError, PickleError};
pub use families::{ModelSpec, Network};
pub use gpt::{Gpt, GptSpec};
pub use layers::{ImageSettings, Init, Stem, Tokens};
pub use loss::{LossKind, SuggestedLoss, TargetTensor, Targets, TokenTargets};
pub use mlp::{Activation, Mlp, MlpSpec};
pub use objective::{Regularizer, trace_network};
pub use resnet::{ResNet, ResNetSpec};
#[cfg(feature = "learner")]
pub use train::Recorded;
pub use train::{
    Augment, Batch, BatchStep, EpochLoss, NetworkState, NetworkTrainee, OptimizerKind,
    OptimizerState, Record, ResumableOptimizer, Schedule, Step, StepHook, Stepped, TensorState,
    TracedBatches, TracedLoss, TracedTrainee, TrainConfig, TrainObserver, TrainReport, TrainState,
    Trainee, check_training, evaluate, evaluation_bytes, gradient_norm, resume, resume_with, train,
    train_with,
};
pub use vgg::{Vgg, VggSpec};
pub use vit::{Vit, VitSpec};
pub use wideresnet::{WideResNet, WideResNetSpec};
