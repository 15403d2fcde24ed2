use landscape_core::{Direction, Grid, Source};
use landscape_models::{Dataset, LossKind, TrainConfig};
use landscape_storage::{CheckpointForm, Run, RunKind, RunSpec};
use landscape_trace::BatchStatistics;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
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
            data: None,
            loss: None,
            precision: None,
        }
    }
}

impl ProblemSettings {
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
            data: Some(DataDigest::of(data)),
            loss: Some(loss.name().to_owned()),
            precision: Some("f32".to_owned()),
        }
    }

    /// Whether data and loss are the same; of data that are not told nothing is the same.
    pub fn same_loss(&self, other: &ProblemSettings) -> bool {
        self.data.is_some() && (&self.data, &self.loss) == (&other.data, &other.loss)
    }
}

fn is_first(number: &u32) -> bool {
    *number == 1
}

/// How a network is trained: all of [`TrainConfig`] that determines numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainingSettings {
    /// Passes over the data.
    pub epochs: usize,
    /// Samples in a batch.
    pub batch: usize,
    /// By [`landscape_models::OptimizerKind::name`].
    pub optimizer: String,
    /// Learning rate; the largest one of schedules that change it.
    pub lr: f64,
    /// Of the optimisers that have one.
    pub momentum: f64,
    /// The one that was used.
    pub weight_decay: f64,
    /// In the words of [`landscape_models::Schedule`].
    pub schedule: String,
    /// Seed of the order of the samples.
    pub seed: u64,
    /// Steps from one record to the next; 0 for one an epoch.
    pub every: usize,
    /// Whether each epoch has another order.
    pub shuffle: bool,
    /// Records from a power of ten to the next; 0 is left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub per_decade: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl From<&TrainConfig> for TrainingSettings {
    fn from(config: &TrainConfig) -> Self {
        TrainingSettings {
            epochs: config.epochs,
            batch: config.batch,
            optimizer: config.optimizer.name().to_owned(),
            lr: config.lr,
            momentum: config.momentum,
            weight_decay: config.decay(),
            schedule: config.schedule.to_string(),
            seed: config.seed,
            every: config.every,
            shuffle: config.shuffle,
            per_decade: config.per_decade,
        }
    }
}

/// A training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRunSettings {
    /// The network and its initial parameters, data, loss.
    #[serde(flatten)]
    pub problem: ProblemSettings,
    /// How it is trained.
    #[serde(default)]
    pub training: TrainingSettings,
    /// The form of checkpoints that are rounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoints: Option<String>,
}

impl TrainingRunSettings {
    /// Those of a training whose checkpoints are stored in that form. One that rounds makes other numbers.
    pub fn new(problem: ProblemSettings, config: &TrainConfig, form: CheckpointForm) -> Self {
        TrainingRunSettings {
            problem,
            training: config.into(),
            checkpoints: (form == CheckpointForm::F16).then(|| form.name().to_owned()),
        }
    }
}

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
    /// Their steps, where the names of files tell them.
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

/// A curve between two networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurveSettings {
    /// The network and the parameters at one end, data, loss.
    #[serde(flatten)]
    pub problem: ProblemSettings,
    /// Digest of the parameters at the other end.
    #[serde(default)]
    pub to: String,
    /// What curve it is.
    pub curve: CurveShape,
    /// How it is trained.
    #[serde(default)]
    pub training: TrainingSettings,
}

/// A curve before it is trained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurveShape {
    /// By [`landscape_core::CurveKind::name`].
    pub kind: String,
    /// Control points between the ends.
    pub bends: usize,
}

/// Curvature at a point, along a training, or over a plane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvatureSettings {
    /// The network and its parameters, data, loss.
    #[serde(flatten)]
    pub problem: ProblemSettings,
    /// Which matrix: `hessian`, `gauss-newton` or `fisher`.
    #[serde(default)]
    pub matrix: Option<String>,
    /// Seed of random vectors.
    #[serde(default)]
    pub seed: u64,
    /// Of residuals, relative to the largest eigenvalue.
    #[serde(default)]
    pub tolerance: f64,
    /// Bound on products, where one was given.
    #[serde(default)]
    pub max_products: Option<usize>,
    /// Eigenvalues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eigenvalues: Option<EigenvalueSettings>,
    /// The trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceSettings>,
    /// The spectral density.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub density: Option<DensitySettings>,
    /// Whether the layers are looked at one by one.
    #[serde(default, skip_serializing_if = "is_not")]
    pub per_layer: bool,
    /// Whether all checkpoints of a training are.
    #[serde(default, skip_serializing_if = "is_not")]
    pub all_steps: bool,
    /// Measures of sharpness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharpness: Option<SharpnessSettings>,
    /// The directions of a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directions: Option<DirectionsSettings>,
    /// The points of a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<Grid>,
    /// Identity of the training whose checkpoints are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<String>,
}

fn is_not(flag: &bool) -> bool {
    !flag
}

/// Eigenvalues at the ends of the spectrum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EigenvalueSettings {
    /// How many of the largest.
    pub top: usize,
    /// How many of the smallest.
    pub bottom: usize,
    /// `lanczos` or `power`.
    pub method: String,
}

/// How a trace is estimated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceSettings {
    /// `xtrace`, `hutchinson`, ...
    pub method: String,
}

/// How a spectral density is estimated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DensitySettings {
    /// Steps of a Lanczos iteration.
    pub lanczos_steps: usize,
    /// Random vectors.
    pub probes: usize,
}

/// Measures of sharpness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharpnessSettings {
    /// Their names.
    pub measures: Vec<String>,
    /// Their radius, where one was given.
    pub rho: Option<f64>,
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
        data: json.get("data").and_then(read),
        loss: word("loss"),
        precision: word("precision"),
        ..ProblemSettings::default()
    }
}

/// A request for a run with these settings, which hold digests of all that determines its numbers.
///
/// # Panics
/// Where they are no JSON, which those of this module always are.
pub fn request(kind: RunKind, settings: &impl Serialize) -> RunSpec {
    let settings = serde_json::to_value(settings).expect("settings are JSON");
    RunSpec::new(kind, settings).determined()
}
