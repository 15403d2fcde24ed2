//! Programs from files, against PyTorch.

mod operations;
mod pt2;
mod reference;
