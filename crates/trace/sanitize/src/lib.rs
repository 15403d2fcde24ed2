//! The kernels of `landscape-trace`, every `unsafe` block of it among them, and their tests.

#![allow(dead_code)]

#[path = "../../src/kernels"]
mod kernels {
    pub(crate) mod affine;
    mod buffer;
    pub(crate) mod conv;
    pub(crate) mod conv_input;
    pub(crate) mod conv_weight;
    pub(crate) mod elementwise;
    pub(crate) mod gemm;
    pub(crate) mod gemm_weight;
    pub(crate) mod math;
    pub(crate) mod norm;
    pub(crate) mod pool;
    mod products;
    pub(crate) mod reduce;
    pub(crate) mod simd;
    pub(crate) mod softmax;
    pub(crate) mod sum;
    pub(crate) mod trigonometry;
    mod turn;
    pub(crate) mod winograd;
    mod winograd_weight;

    #[cfg(test)]
    mod conv_tests;
    #[cfg(test)]
    mod tests;
}
