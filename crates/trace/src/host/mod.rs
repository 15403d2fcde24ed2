//! The host executor: own f32 kernels on the CPU, many points at once.

pub(crate) mod affine;
pub(crate) mod executor;
pub(crate) mod gemm;
pub(crate) mod math;
pub(crate) mod once;
pub(crate) mod plan;
pub mod simd;

#[cfg(test)]
mod tests;
