#![doc = include_str!("../README.md")]

pub mod compare;
pub mod connect;
mod curvature;
pub mod demo;
pub mod describe;
pub mod details;
pub mod device;
pub mod diagnose;
pub mod directions;
pub mod doctor;
mod error;
pub mod estimate;
pub mod export;
pub mod figures;
pub mod files;
pub mod hessian;
pub mod import;
pub mod list;
pub mod memory;
pub mod merge;
pub mod metrics;
mod numbers;
pub mod problem;
pub mod record;
mod recording;
pub mod report;
pub mod runs;
pub mod shard;
pub mod text;
pub mod trajectory;
pub mod words;

pub use curvature::MeanLoss;
pub use error::{NoCurvature, Smaller, StudyError};
pub use numbers::Numbers;
pub use recording::{StoredBefore, StoredTraining, TrainingRecorder, stored_before};
pub use report::Reporter;
