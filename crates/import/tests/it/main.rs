//! Programs from files, against PyTorch.

mod batch_norm;
mod filters;
mod frameworks;
mod one_sample;
mod onnx;
mod operations;
mod pt2;
mod reference;
mod versions;
