//! Programs from files, against PyTorch.

mod onnx;
mod operations;
mod pt2;
mod reference;
