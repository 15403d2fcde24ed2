//! Curvature of loss landscapes: eigenvalues, traces, spectral densities and sharpness.
//!
//! This crate has no content yet; it keeps the place in the workspace.
