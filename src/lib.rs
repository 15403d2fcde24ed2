#![doc = include_str!("../README.md")]

pub use landscape_core as core;
pub use landscape_hessian as hessian;
pub use landscape_import as import;
pub use landscape_models as models;
pub use landscape_plot as plot;
pub use landscape_storage as storage;
pub use landscape_study as study;
pub use landscape_trace as trace;
