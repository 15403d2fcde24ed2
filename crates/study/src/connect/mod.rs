//! Whether two trained networks are connected: by a straight line, by a line once the units of one of
//! them are permuted, or by a curve that is found by training.
//!
//! [`Ground`] is what losses are measured on: network, data, loss, and how BatchNorm is treated between
//! networks. [`Ground::line`] and [`Ground::way`] measure a [`Way`], which knows its barrier;
//! [`Ground::align`] permutes the units of one network for the other; [`train_curve`] finds a curve of
//! low loss, and [`CurvePlane`](landscape_core::CurvePlane) with [`trajectory_on`] shows it.
//!
//! ```
//! use burn::tensor::Device;
//! use landscape_core::{Curve, CurveKind, Cancel};
//! use landscape_models::{LossKind, ModelSpec, Network, Split, load};
//! use landscape_study::connect::{Ground, Matching, Way};
//!
//! let spec: ModelSpec = "mlp:2-8-8-1".parse()?;
//! let data = load(&"moons:n=50".parse()?, None, Split::Train, None)?;
//! let ground = Ground::new(&spec, data, LossKind::BceWithLogits)?;
//! let network = |seed| Network::init(&spec, seed, &Device::flex()).params();
//! let (a, b) = (network(1), network(2));
//! let line: Way = ground.line(&a, &b, 11)?;
//! assert!(line.barrier().is_some());
//! let aligned = ground.align(&a, &b, Matching::Weights, 0)?;
//! // The same function, nearer to the other network.
//! assert!(ground.line(&a, &aligned.params, 11)?.length < line.length);
//! let curve = Curve::straight(CurveKind::Bezier, &a, &b, 1)?;
//! let along = ground.way(&curve, 11)?.losses();
//! assert!(along.iter().zip(line.losses()).all(|(a, b)| (a - b).abs() < 1e-6));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod align;
mod bends;
mod curve;
mod ground;
mod show;
mod way;

pub use align::{Aligned, Matching};
pub use curve::{CurveConfig, CurveObserver, CurveStep, TrainedCurve, resume_curve, train_curve};
pub use ground::Ground;
pub use show::trajectory_on;
pub use way::{Connectivity, Way, WayObjective};
