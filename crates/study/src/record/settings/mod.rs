//! The settings of each kind of run: what determines its numbers.

mod curvature;
mod landscape;
mod paths;
mod training;

pub use curvature::{
    CurvatureSettings, DensitySettings, EigenvalueSettings, SharpnessSettings, TraceSettings,
};
pub use landscape::{DirectionSettings, DirectionsSettings, LandscapeSettings, StatisticsSettings};
pub use paths::{CurvePlaneSettings, PathDigest, PathSettings};
pub use training::{CurveSettings, CurveShape, TrainingRunSettings, TrainingSettings};

use landscape_models::{Dataset, LossKind, ModelSpec};
use landscape_storage::{Run, RunKind, RunSpec};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// The form of settings: which fields there are and what they mean.
pub const SCHEMA: u32 = 1;

/// The algorithms behind the numbers. Whoever changes numbers beyond rounding counts on: points of two algorithms are
/// then points of two runs.
pub const ALGORITHM: u32 = 1;

/// What the runs of every kind share: the algorithms, the network, its parameters, the data and the loss. What is absent
/// was not written by an earlier version, or does not belong to the kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProblemSettings {
    /// See [`SCHEMA`]; 1 is left out.
    #[serde(skip_serializing_if = "is_first")]
    pub schema: u32,
    /// See [`ALGORITHM`]; 1 is left out.
    #[serde(skip_serializing_if = "is_first")]
    pub algorithm: u32,
    /// The network, in the words of its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Digest of the parameters, see [`landscape_core::Params::digest`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Which parameters move and are differentiated, in the words of a [`landscape_core::Selection`]; all where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<String>,
    /// The data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<DataDigest>,
    /// The loss, by [`LossKind::name`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<String>,
    /// In which numbers products are computed: `f32`, `bf16` or `f64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
}

/// Data that are told by their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataDigest {
    /// Digest of inputs and targets, see [`Dataset::digest`].
    pub sha256: String,
    /// Samples.
    pub samples: usize,
}

impl DataDigest {
    /// Those of some data.
    pub fn of(data: &Dataset) -> Self {
        DataDigest {
            sha256: data.digest(),
            samples: data.len(),
        }
    }
}

impl Default for ProblemSettings {
    /// Of the first schema and algorithms, with nothing known.
    fn default() -> Self {
        ProblemSettings {
            schema: 1,
            algorithm: 1,
            model: None,
            weights: None,
            params: None,
            data: None,
            loss: None,
            precision: None,
        }
    }
}

impl ProblemSettings {
    /// The perplexity, e to the power of a mean cross-entropy of tokens: how many equally likely tokens would be as hard to
    /// tell. `None` for networks that are not one of the families' language models.
    pub fn perplexity(&self, loss: f64) -> Option<f64> {
        let model: ModelSpec = self.model.as_deref()?.parse().ok()?;
        model.tokens().map(|_| loss.exp())
    }

    /// Those of a network with parameters of that digest, where it has some of its own, on some data; products in f32.
    pub fn new(
        model: &impl fmt::Display,
        weights: Option<String>,
        data: &Dataset,
        loss: LossKind,
    ) -> Self {
        ProblemSettings {
            schema: SCHEMA,
            algorithm: ALGORITHM,
            model: Some(model.to_string()),
            weights,
            params: None,
            data: Some(DataDigest::of(data)),
            loss: Some(loss.name().to_owned()),
            precision: Some("f32".to_owned()),
        }
    }

    /// Whether data and loss are the same; of data that are not told nothing is the same.
    pub fn same_loss(&self, other: &ProblemSettings) -> bool {
        self.data.is_some() && (&self.data, &self.loss) == (&other.data, &other.loss)
    }

    /// Whether they are the same as functions of the same parameters.
    pub fn same_function(&self, other: &ProblemSettings) -> bool {
        self.same_loss(other) && self.params == other.params
    }
}

fn is_first(number: &u32) -> bool {
    *number == 1
}

/// The settings of a stored run.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)] // read once a run
pub enum Settings {
    /// Of a training.
    Training(TrainingRunSettings),
    /// Of a line, surface or volume.
    Landscape(LandscapeSettings),
    /// Of the paths of trainings.
    Paths(PathSettings),
    /// Of the plane of a curve.
    CurvePlane(CurvePlaneSettings),
    /// Of curvature.
    Curvature(CurvatureSettings),
    /// Of a curve.
    Curve(CurveSettings),
    /// Of anything else: a file that was imported, or what another program stored. What it shares with runs of this
    /// one is known.
    Other(ProblemSettings),
}

impl Settings {
    /// What a stored run says of itself.
    pub fn of(run: &Run) -> Self {
        let json = &run.settings;
        let curve = json.get("curve").is_some();
        let known = match run.kind {
            // Curves were stored as trainings once.
            RunKind::Train | RunKind::Curve if curve => read(json).map(Settings::Curve),
            RunKind::Train => read(json).map(Settings::Training),
            RunKind::Line | RunKind::Surface | RunKind::Volume => {
                read(json).map(Settings::Landscape)
            }
            RunKind::Trajectory if curve => read(json).map(Settings::CurvePlane),
            RunKind::Trajectory => read(json).map(Settings::Paths),
            RunKind::Hessian => read(json).map(Settings::Curvature),
            RunKind::Curve | RunKind::Import => None,
        };
        known.unwrap_or_else(|| Settings::Other(shared(json)))
    }

    /// What runs of every kind share.
    pub fn problem(&self) -> &ProblemSettings {
        match self {
            Settings::Training(settings) => &settings.problem,
            Settings::Landscape(settings) => &settings.problem,
            Settings::Paths(settings) => &settings.problem,
            Settings::CurvePlane(settings) => &settings.problem,
            Settings::Curvature(settings) => &settings.problem,
            Settings::Curve(settings) => &settings.problem,
            Settings::Other(problem) => problem,
        }
    }

    /// How a network, or a curve, was trained.
    pub fn training(&self) -> Option<&TrainingSettings> {
        match self {
            Settings::Training(settings) => Some(&settings.training),
            Settings::Curve(settings) => Some(&settings.training),
            _ => None,
        }
    }

    /// The tolerance of an adaptive run.
    pub fn adaptive(&self) -> Option<f64> {
        match self {
            Settings::Landscape(settings) => settings.adaptive,
            _ => None,
        }
    }

    /// Whether a run is about a curve between networks: its control points, or its plane.
    pub fn is_curve(&self) -> bool {
        matches!(self, Settings::Curve(_) | Settings::CurvePlane(_))
    }

    /// The matrix whose curvature was computed.
    pub fn matrix(&self) -> Option<&str> {
        match self {
            Settings::Curvature(settings) => settings.matrix.as_deref(),
            _ => None,
        }
    }
}

fn read<'a, T: Deserialize<'a>>(json: &'a Value) -> Option<T> {
    T::deserialize(json).ok()
}

/// Of settings in another form, each field that is as it is here.
fn shared(json: &Value) -> ProblemSettings {
    let word = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    ProblemSettings {
        model: word("model"),
        weights: word("weights"),
        params: word("params"),
        data: json.get("data").and_then(read),
        loss: word("loss"),
        precision: word("precision"),
        ..ProblemSettings::default()
    }
}

/// A request for a run with these settings, which hold digests of all that determines its numbers.
///
/// # Panics
/// Where they are not JSON, which those of this module always are.
pub fn request(kind: RunKind, settings: &impl Serialize) -> RunSpec {
    let settings = serde_json::to_value(settings).expect("settings are JSON");
    RunSpec::new(kind, settings).determined()
}
