//! Of paths on planes.

use super::{ProblemSettings, StatisticsSettings};
use landscape_core::Grid;
use serde::{Deserialize, Serialize};

/// Paths of trainings on the plane of their principal components.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PathSettings {
    /// The network, data and loss.
    #[serde(flatten)]
    pub problem: ProblemSettings,
    /// Of each path, what tells its checkpoints.
    #[serde(default)]
    pub checkpoints: Vec<PathDigest>,
    /// What the components are taken around.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub center: Option<String>,
    /// How checkpoints are projected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// How many components.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub components: Option<u8>,
    /// BatchNorm.
    #[serde(flatten)]
    pub statistics: StatisticsSettings,
    /// `biasbn` where tensors of one dimension are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// The part of the plane that is sampled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<Grid>,
}

/// The checkpoints of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathDigest {
    /// Digest of the digests of their parameters, see [`landscape_core::digest_all`].
    pub sha256: String,
    /// How many there are.
    pub count: usize,
    /// Their steps, where the names of files tell them, or where they were given with the checkpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<u64>>,
}

/// The plane of a curve between two networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePlaneSettings {
    /// The network and the parameters at one end, data, loss.
    #[serde(flatten)]
    pub problem: ProblemSettings,
    /// Digests of the control points, as the only path.
    #[serde(default)]
    pub checkpoints: Vec<Vec<String>>,
    /// The kind of curve, by [`landscape_core::CurveKind::name`].
    pub curve: String,
    /// Points along the curve.
    #[serde(default)]
    pub points: usize,
    /// BatchNorm.
    #[serde(flatten)]
    pub statistics: StatisticsSettings,
    /// The part of the plane that is sampled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<Grid>,
}
