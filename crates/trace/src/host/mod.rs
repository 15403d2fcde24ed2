//! The host executor: own f32 kernels on the CPU, many points at once.

pub(crate) mod affine;
mod buffer;
pub(crate) mod conv;
pub(crate) mod conv_input;
pub(crate) mod conv_weight;
pub(crate) mod derivative;
pub(crate) mod elementwise;
pub(crate) mod executor;
pub(crate) mod gemm;
pub(crate) mod gemm_weight;
mod in_order;
pub(crate) mod math;
pub(crate) mod norm;
pub(crate) mod once;
mod pack;
pub(crate) mod plan;
pub(crate) mod pool;
mod products;
pub(crate) mod reduce;
pub mod simd;
pub(crate) mod softmax;
pub(crate) mod threads;
pub(crate) mod trigonometry;
mod turn;
pub(crate) mod winograd;
mod winograd_weight;

#[cfg(test)]
mod conv_tests;
#[cfg(test)]
mod tests;
