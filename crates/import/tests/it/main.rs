//! Programs from files, against PyTorch.
