#![doc = include_str!("../README.md")]

mod analysis;
mod batch;
mod capture;
mod curvature;
mod derive;
mod device;
mod direct;
mod error;
mod fuse;
mod graph;
#[allow(unsafe_code)]
mod host;
mod inputs;
mod loss;
mod module;
mod objective;
mod operations;
mod panics;
mod units;

pub use curvature::{Block, Curvature, Gradient};
pub use derive::Matrix;
pub use device::open::open_device;
#[cfg(feature = "wgpu")]
pub use device::open::{vulkan_device, wgpu_device};
pub use direct::DirectObjective;
pub use error::TraceError;
pub use host::simd::Level;
pub use host::threads::MOST_THREADS;
pub use inputs::Inputs;
pub use loss::Loss;
pub use module::{params_of, with_params};
pub use objective::{BatchStatistics, PlaneObjective, Precision, Target, Trace};
pub use operations::table::SUPPORTED as SUPPORTED_OPERATIONS;
pub use units::Activations;
