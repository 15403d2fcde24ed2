#![doc = include_str!("../README.md")]

pub mod compare;
pub mod connect;
mod curvature;
pub mod device;
pub mod diagnose;
pub mod directions;
mod error;
pub mod estimate;
pub mod files;
pub mod hessian;
pub mod memory;
pub mod metrics;
pub mod problem;
pub mod record;
mod recording;
pub mod report;
pub mod runs;
pub mod trajectory;

pub use curvature::MeanLoss;
pub use error::{Smaller, StudyError, file_help};
pub use recording::{StoredBefore, StoredTraining, TrainingRecorder, stored_before};
pub use report::Reporter;
