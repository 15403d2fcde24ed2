#![doc = include_str!("../README.md")]

pub mod compare;
pub mod connect;
mod curvature;
mod error;

pub use curvature::MeanLoss;
pub use error::StudyError;
