//! Of lines, surfaces and volumes.

use super::ProblemSettings;
use landscape_core::{Direction, FilterAxes, Grid, Parameter, Source};
use landscape_trace::BatchStatistics;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What BatchNorm layers normalise with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatisticsSettings {
    /// By [`BatchStatistics::name`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_norm: Option<String>,
    /// How statistics are estimated anew. Without the word, each layer was measured behind unbiased variances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate: Option<String>,
}

impl From<BatchStatistics> for StatisticsSettings {
    fn from(statistics: BatchStatistics) -> Self {
        let anew = statistics == BatchStatistics::Reestimated;
        StatisticsSettings {
            batch_norm: Some(statistics.name().to_owned()),
            estimate: anew.then(|| "update_bn".to_owned()),
        }
    }
}

/// A direction: a random one is told by how it is drawn, any other by its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectionSettings {
    /// Where it is from.
    pub source: String,
    /// Seed of the generator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Stream of the generator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<u64>,
    /// What each value is drawn from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution: Option<String>,
    /// How it is normalised.
    pub norm: String,
    /// How tensors of one dimension move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<String>,
    /// Digest of its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Which axes count the filters of a random direction, for the tensors where it is not axis 0: values are drawn by filters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub filters: BTreeMap<String, FilterAxes>,
}

impl From<&Direction> for DirectionSettings {
    fn from(direction: &Direction) -> Self {
        let mut settings = DirectionSettings {
            source: direction.source.to_string(),
            seed: None,
            stream: None,
            distribution: None,
            norm: direction.normalization.name().to_owned(),
            bias: None,
            sha256: None,
            filters: BTreeMap::new(),
        };
        match &direction.source {
            Source::Random {
                seed,
                stream,
                distribution,
            } => {
                settings.source = "random".to_owned();
                settings.seed = Some(*seed);
                settings.stream = Some(*stream);
                settings.distribution = Some(distribution.name().to_owned());
                settings.bias = Some(direction.bias.name().to_owned());
                let elsewhere = |tensor: &&Parameter| tensor.filter_axes != FilterAxes::default();
                let tensors = direction.tensors.weights().filter(elsewhere);
                settings.filters = tensors.map(|t| (t.name.clone(), t.filter_axes)).collect();
            }
            _ => settings.sha256 = Some(direction.tensors.digest()),
        }
        settings
    }
}

/// The directions of a line, plane or volume.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DirectionsSettings {
    /// In the order of the axes.
    pub each: Vec<DirectionSettings>,
    /// Whether they are.
    pub orthogonal: bool,
}

impl DirectionsSettings {
    /// Those of directions, which are then made orthogonal or stay as they are.
    pub fn new<'a>(directions: impl IntoIterator<Item = &'a Direction>, orthogonal: bool) -> Self {
        DirectionsSettings {
            each: directions.into_iter().map(Into::into).collect(),
            orthogonal,
        }
    }
}

/// A line, surface or volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LandscapeSettings {
    /// The network and the parameters at the origin, data, loss.
    #[serde(flatten)]
    pub problem: ProblemSettings,
    /// The directions from there.
    #[serde(default)]
    pub directions: DirectionsSettings,
    /// The points.
    #[serde(default)]
    pub grid: Option<Grid>,
    /// Weights of the terms that are stored beside the loss, by name.
    #[serde(default)]
    pub terms: BTreeMap<String, f64>,
    /// BatchNorm.
    #[serde(flatten)]
    pub statistics: StatisticsSettings,
    /// The tolerance of runs that measure only where interpolation is not expected to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptive: Option<f64>,
}

impl LandscapeSettings {
    /// Those of the loss alone, at every point of a grid, with the statistics of BatchNorm as they are.
    pub fn new(problem: ProblemSettings, directions: DirectionsSettings, grid: &Grid) -> Self {
        LandscapeSettings {
            problem,
            directions,
            grid: Some(grid.clone()),
            terms: BTreeMap::new(),
            statistics: BatchStatistics::Frozen.into(),
            adaptive: None,
        }
    }
}
