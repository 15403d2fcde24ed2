#![doc = include_str!("../README.md")]

pub mod density;
pub mod lanczos;
pub mod operator;
pub mod power;
mod products;
mod progress;
pub mod sharpness;
pub mod stats;
pub mod subspace;
pub mod trace;
mod vectors;

pub use density::{Density, DensityError, DensityParams, SpectralDensity};
pub use lanczos::{
    Lanczos, LanczosError, LanczosParams, Pair, Spectrum, State, StateParts, Stop, Waiting,
};
pub use operator::{
    Congruent, Dense, DenseError, Operator, OperatorError, Restricted, Scaled, from_fn, try_from_fn,
};
pub use power::{Power, PowerError, PowerPairs, PowerParams};
pub use products::ProductError;
pub use progress::{Observer, Progress, Stage, unobserved};
pub use subspace::Subspace;
pub use trace::{
    BlockTraces, Coupling, Couplings, Diagonal, Estimate, Method, Probe, Trace, TraceError,
    TraceParams,
};
