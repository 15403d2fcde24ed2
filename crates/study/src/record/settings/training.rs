//! Of trainings, and of the curves that are trained.

use super::ProblemSettings;
use landscape_models::TrainConfig;
use landscape_storage::CheckpointForm;
use serde::{Deserialize, Serialize};

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
    /// How images are changed; nothing where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub augment: Option<String>,
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
            augment: (!config.augment.is_none()).then(|| config.augment.to_string()),
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
    /// What of each update is made, in the words of [`crate::runs::ProjectedUpdates`]; all of it where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projected: Option<String>,
}

impl TrainingRunSettings {
    /// Those of a training whose checkpoints are stored in that form. One that rounds makes other numbers.
    pub fn new(problem: ProblemSettings, config: &TrainConfig, form: CheckpointForm) -> Self {
        TrainingRunSettings {
            problem,
            training: config.into(),
            checkpoints: (form == CheckpointForm::F16).then(|| form.name().to_owned()),
            projected: None,
        }
    }
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
