//! Whether two trained networks are connected: by a straight line, by a line once the units of one of
//! them are permuted, or by a curve that is found by training.
//!
//! A [`ConnectRequest`] says what is wanted of two networks; [`Connection`] measures it into a store. Below it,
//! [`EvaluationContext`] is what losses are measured on: network, data, loss, and how BatchNorm is treated between
//! networks; [`EvaluationContext::soup`] averages several. [`EvaluationContext::line`] and [`EvaluationContext::profile`] measure a [`LossProfile`], which knows its
//! barrier; [`EvaluationContext::align`] permutes the units of one network for the other; [`train_curve`] finds a curve of
//! low loss, and [`CurvePlane`](landscape_core::CurvePlane) with [`trajectory_on`] shows it.
//!
//! ```
//! use burn::tensor::Device;
//! use landscape_core::{Curve, CurveKind, Cancel};
//! use landscape_models::{LossKind, ModelSpec, Network, Split, load};
//! use landscape_study::connect::{EvaluationContext, Matching, LossProfile};
//!
//! let spec: ModelSpec = "mlp:2-8-8-1".parse()?;
//! let data = load(&"moons:n=50".parse()?, None, Split::Train, None)?;
//! let context = EvaluationContext::new(&spec, data, LossKind::BceWithLogits)?;
//! let network = |seed| Network::init(&spec, seed, &Device::flex()).params();
//! let (a, b) = (network(1), network(2));
//! let line: LossProfile = context.line(&a, &b, 11)?;
//! assert!(line.barrier().is_some());
//! let aligned = context.align(&a, &b, Matching::Weights, 0)?;
//! // The same function, nearer to the other network.
//! assert!(context.line(&a, &aligned.params, 11)?.length < line.length);
//! let curve = Curve::straight(CurveKind::Bezier, &a, &b, 1)?;
//! let along = context.profile(&curve, 11)?.losses();
//! assert!(along.iter().zip(line.losses()).all(|(a, b)| (a - b).abs() < 1e-6));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod align;
mod connection;
mod context;
mod control_points;
mod curve;
mod point_network;
mod profile;
mod recorded;
mod request;
mod result;
mod show;
mod soup;
mod stored;

pub use align::{Aligned, Matching};
pub use connection::Connection;
pub use context::EvaluationContext;
pub use curve::{CurveConfig, CurveObserver, CurveStep, TrainedCurve, resume_curve, train_curve};
pub use profile::{Connectivity, CurveObjective, LossProfile};
pub use recorded::train_stored_curve;
pub use request::{ConnectRequest, CurveRequest, Endpoint};
pub use result::{AlignedPath, Connected, CurvePath, PathSummary};
pub use show::trajectory_on;
pub use soup::{Ingredient, Measured, Soup, average};
