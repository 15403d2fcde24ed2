#![doc = include_str!("../README.md")]

pub mod checkpoint;
pub mod data;
mod error;
mod files;
mod host;
pub mod loss;
pub mod mlp;
mod names;
mod network;
mod objective;
mod spec;
mod streams;
pub mod train;

pub use checkpoint::{load_network_params, load_weights, save_weights};
pub use data::{
    Angles, DataSpec, Dataset, IdxArray, MoonsSpec, Pixels, Split, load, make_moons, read_idx,
};
pub use error::ModelsError;
pub use loss::{LossKind, TargetTensor, Targets};
pub use mlp::{Activation, Mlp, MlpSpec};
pub use network::Network;
pub use objective::{Regularizer, trace_network};
pub use spec::ModelSpec;
pub use train::{
    EpochLoss, OptimizerKind, Record, Schedule, Step, TrainConfig, TrainObserver, TrainReport,
pub use files::PickleError;
    evaluate, train,
};
