//! Programs from files, against PyTorch.

mod filters;
mod frameworks;
mod onnx;
mod operations;
mod pt2;
mod reference;
mod versions;
