//! What was found between two networks.

use super::{Connectivity, LossProfile, Matching};
use landscape_core::json::{float, float_list};
use landscape_core::{Barrier, CurveKind, Params};
use landscape_trace::BatchStatistics;
use serde::{Serialize, Serializer};

/// All that was found. As JSON it is what `landscape connect --json` prints, loss and seconds apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Connected {
    /// The straight line.
    pub line: PathSummary,
    /// The statistics that paths are measured with, where the network has some.
    #[serde(serialize_with = "statistics")]
    pub batch_norm: Option<BatchStatistics>,
    /// The losses of both networks with the statistics that they hold, where others are used.
    #[serde(serialize_with = "losses")]
    pub network_losses: Option<[f64; 2]>,
    /// The line to the second network with its units permuted.
    pub aligned: Option<AlignedPath>,
    /// The curve.
    pub curve: Option<CurvePath>,
}

/// What is worth saying of a path.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PathSummary {
    /// The run with its losses; of a curve, the plane that it lies on. Nothing where the path does not move.
    pub run: Option<String>,
    /// How far the loss rises above the chord between the ends.
    pub barrier: Option<Barrier>,
    /// How far the loss deviates from the mean of the ends.
    pub connectivity: Option<Connectivity>,
    /// The highest loss.
    #[serde(with = "float")]
    pub max_loss: f64,
    /// Length in parameter space, running statistics apart.
    #[serde(with = "float")]
    pub length: f64,
}

/// An alignment, and the line after it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlignedPath {
    /// The line.
    #[serde(flatten)]
    pub path: PathSummary,
    /// What told that units are alike.
    #[serde(serialize_with = "matching")]
    pub by: Matching,
    /// Groups of units that can be permuted.
    pub groups: usize,
    /// Units that can be permuted.
    pub units: usize,
    /// Units that changed their place.
    pub moved: usize,
    /// The inner product of the weights, or the sum of correlations, before and after.
    #[serde(serialize_with = "float_list::serialize")]
    pub similarity: [f64; 2],
    /// Whether the search ended by itself.
    pub converged: bool,
    /// The permuted network.
    #[serde(skip)]
    pub params: Params,
}

/// A curve that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CurvePath {
    /// Its losses.
    #[serde(flatten)]
    pub path: PathSummary,
    /// Its shape.
    pub kind: CurveKind,
    /// Control points between the ends.
    #[serde(rename = "bends")]
    pub inner_points: usize,
    /// The run whose checkpoints are the control points.
    pub control_points: String,
    /// Whether its plane is sampled.
    #[serde(skip)]
    pub sampled: bool,
    /// Whether it is, at enough points for a figure.
    #[serde(skip)]
    pub drawable: bool,
}

impl PathSummary {
    pub(super) fn new(run: Option<String>, profile: &LossProfile) -> Self {
        PathSummary {
            run,
            barrier: profile.barrier(),
            connectivity: profile.connectivity(),
            max_loss: profile.highest(),
            length: profile.length,
        }
    }

    /// A path that does not leave the start of this one.
    pub(super) fn at_its_start(&self) -> Self {
        let barrier = self.barrier.map(|barrier| Barrier {
            height: 0.0,
            at: 0.0,
            ends: [barrier.ends[0]; 2],
        });
        PathSummary {
            run: None,
            max_loss: barrier.map_or(f64::NAN, |barrier| barrier.ends[0]),
            barrier,
            connectivity: self.connectivity.map(|_| Connectivity {
                value: 0.0,
                at: 0.0,
            }),
            length: 0.0,
        }
    }
}

fn statistics<S: Serializer>(of: &Option<BatchStatistics>, to: S) -> Result<S::Ok, S::Error> {
    of.map(BatchStatistics::name).serialize(to)
}

fn losses<S: Serializer>(of: &Option<[f64; 2]>, to: S) -> Result<S::Ok, S::Error> {
    match of {
        None => to.serialize_none(),
        Some(losses) => float_list::serialize(losses, to),
    }
}

fn matching<S: Serializer>(by: &Matching, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(by.name())
}
