//! The host executor: own f32 kernels on the CPU, many points at once.

pub(crate) mod affine;
mod buffer;
pub(crate) mod conv;
#[allow(dead_code)]
pub(crate) mod conv_input;
#[allow(dead_code)]
pub(crate) mod conv_weight;
pub(crate) mod executor;
pub(crate) mod gemm;
#[allow(dead_code)]
pub(crate) mod gemm_weight;
pub(crate) mod math;
pub(crate) mod once;
mod pack;
pub(crate) mod plan;
#[allow(dead_code)]
mod products;
pub mod simd;
#[allow(dead_code)]
mod turn;
pub(crate) mod winograd;
#[allow(dead_code)]
mod winograd_weight;

#[cfg(test)]
mod tests;
