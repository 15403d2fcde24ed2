#![doc = include_str!("../README.md")]

mod batches;
mod builder;
mod capture;
mod cpu;
mod curvature;
mod device;
mod direct;
mod error;
#[cfg(test)]
mod function_tests;
mod ir;
#[allow(unsafe_code)]
mod kernels;
mod objective;
mod ops;
mod passes;
mod pool;
mod replay;
mod schedule;
mod summary;
mod units;

pub use batches::{BatchGradient, BatchGradients, BatchStatistic};
pub use builder::{Convolution, GridPadding, GridSample, Padding, TraceBuilder, Value, Windows};
pub use capture::inputs::Inputs;
pub use capture::loss::Loss;
pub use capture::module::{params_of, with_params};
pub use curvature::{Block, Curvature, Gradient};
pub use device::Precision;
pub use device::open::open_device;
#[cfg(feature = "wgpu")]
pub use device::open::{vulkan_device, wgpu_device};
pub use direct::DirectObjective;
pub use error::{MOST_THREADS, TraceError};
pub use kernels::simd::Level;
pub use objective::{BatchStatistics, PlaneObjective, Target, Trace};
pub use ops::binary::Binary;
pub use ops::composed_index::Update;
pub use ops::reduce::Reduction;
pub use ops::table::SUPPORTED as SUPPORTED_OPERATIONS;
pub use ops::unary::Unary;
pub use passes::derive::Matrix;
pub use passes::low_rank::LowRank;
pub use schedule::group::{Bound, Group};
pub use summary::{Part, Runs, Summary};
pub use units::Activations;
