//! Own f32 kernels on the CPU, for every instruction set.

pub(crate) mod affine;
pub(crate) mod buffer;
pub(crate) mod by_sixteen;
pub(crate) mod conv;
pub(crate) mod conv_input;
pub(crate) mod conv_weight;
mod depthwise;
pub(crate) mod elementwise;
pub(crate) mod gemm;
pub(crate) mod gemm_weight;
pub(crate) mod head;
mod head_rows;
pub(crate) mod math;
pub(crate) mod matrices;
pub(crate) mod norm;
pub(crate) mod pool;
mod products;
pub(crate) mod reduce;
pub mod simd;
pub(crate) mod softmax;
pub(crate) mod sum;
pub(crate) mod trigonometry;
pub(crate) mod turn;
mod wide;
pub(crate) mod winograd;
mod winograd_weight;

#[cfg(test)]
mod conv_tests;
#[cfg(test)]
mod head_tests;
#[cfg(test)]
mod tests;
