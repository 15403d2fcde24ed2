#![doc = include_str!("../README.md")]

pub mod lanczos;
pub mod operator;
mod products;
mod progress;
pub mod stats;
pub mod trace;
mod vectors;

pub use lanczos::{Lanczos, LanczosError, LanczosParams, Pair, Spectrum, State, StateParts, Stop};
pub use operator::{
    Dense, DenseError, Operator, OperatorError, Restricted, Scaled, from_fn, try_from_fn,
};
pub use products::ProductError;
pub use progress::{Observer, Progress, Stage, unobserved};
pub use trace::{Estimate, Method, Probe, Trace, TraceError, TraceParams};
