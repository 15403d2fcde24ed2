//! The host executor: own f32 kernels on the CPU, many points at once.

pub(crate) mod affine;
mod buffer;
pub(crate) mod conv;
pub(crate) mod executor;
pub(crate) mod gemm;
pub(crate) mod math;
pub(crate) mod once;
mod pack;
pub(crate) mod plan;
pub mod simd;
pub(crate) mod winograd;

#[cfg(test)]
mod tests;
