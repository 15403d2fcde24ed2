//! Trainings side by side: what an optimiser, a seed, a width or a batch size changes.
//!
//! A [`Study`] is a base and its variants along one factor. [`Study::train`] trains them all, one
//! network a thread; [`joint_plane`] puts their paths on one plane, where their layouts agree;
//! [`Study::table`] says what they came to, the curvature at their ends, and the shape of the surface
//! around them, on the same kind of plane for all; [`Statistics`] sums up their final losses.
//!
//! Into a store, a [`Sweep`] trains the variants of a [`SweepRequest`], a [`Selection`] finds stored runs by their names,
//! and a [`TrainingComparison`] puts either side by side.
//!
//! ```
//! use landscape_core::{Cancel, PathOptions};
//! use landscape_models::{LossKind, ModelSpec, Split, TrainConfig, load};
//! use landscape_study::compare::{Base, Paths, Statistics, Study, TableOptions, joint_plane};
//!
//! let study = Study::seeds(
//!     Base {
//!         model: "mlp:2-4-1".parse::<ModelSpec>()?.into(),
//!         data: load(&"moons:n=50".parse()?, None, Split::Train, None)?,
//!         loss: LossKind::BceWithLogits,
//!         config: TrainConfig { epochs: 5, lr: 0.1, ..TrainConfig::default() },
//!         initial: None,
//!         init: None,
//!     },
//!     0..3,
//! )?;
//! let paths = Paths::default();
//! let trained = study.train(2, &paths)?;
//! let paths = joint_plane(&trained, &paths.into_inner(), &PathOptions::default())?;
//! let around = study.sample(&trained[0].model, &paths.plane, &paths.grid(&[9, 9], 0.25)?, 2, &Cancel::new())?;
//! assert_eq!(around.measured(), 81);
//! assert_eq!(Statistics::of(&trained).count, 3);
//! let rows = study.table(&trained, &TableOptions::default())?;
//! assert!(rows[0].lambda_max.as_ref().is_some_and(|lambda| lambda.converged));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod follow;
mod landscapes;
mod markdown;
mod plane;
mod recorder;
mod relation;
mod select;
mod statistics;
mod study;
mod sweep;
mod table;
mod train;
mod widths;
mod words;

pub use follow::{
    Compared, ComparedTraining, Comparison, ComparisonRequest, JointPlane, TrainingComparison,
};
pub use landscapes::{
    ComparedLandscape, Difference, DifficultyVerdict, LandscapeComparison, compare_landscapes,
};
pub use markdown::markdown;
pub use plane::{end_plane, joint_plane, same_layout};
pub use select::Selection;
pub use statistics::{Fate, Statistics};
pub use study::{Base, Factor, Study, Variant};
pub use sweep::{Sweep, SweepRequest, TrainedShard, Variation};
pub use table::{Curved, Row, TableOptions, curved};
pub use train::{Paths, StudyObserver, Trained, Unobserved};
pub use widths::widened;
