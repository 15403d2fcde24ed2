//! Settings of a training.

use super::{Augment, Schedule};
use crate::ModelsError;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, AdamWConfig, DynOptimizer, ModuleOptimizer, SgdConfig};
use landscape_core::as_words;
use landscape_core::is_logarithmic_step;
use landscape_core::named;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// Which optimiser, with PyTorch's conventions.
///
/// `g` is the gradient of the mean loss of the batch, plus `weight_decay * theta` except for AdamW.
/// All parameters decay, biases too, as in PyTorch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OptimizerKind {
    /// `theta -= lr g`.
    Sgd,
    /// `v = momentum v + g` (first `v = g`), `theta -= lr v`.
    Momentum,
    /// `v` as for momentum, `theta -= lr (g + momentum v)`.
    Nesterov,
    /// Adam with betas 0.9 and 0.999 and epsilon 1e-8 outside the root.
    Adam,
    /// Adam with decay `theta *= 1 - lr weight_decay` before the step.
    AdamW,
}

impl Serialize for OptimizerKind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        as_words::serialize(self, to)
    }
}

impl<'de> Deserialize<'de> for OptimizerKind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        as_words::deserialize(from)
    }
}

named!(OptimizerKind, "optimizer", {
    Sgd => "sgd",
    Momentum => "momentum",
    Nesterov => "nesterov",
    Adam => "adam",
    AdamW => "adamw",
});

/// Settings of a training. Together with the network, the data and the loss they determine every
/// number of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainConfig {
    /// Passes over the data. 0 measures the initial state and nothing more.
    pub epochs: usize,
    /// Samples in a batch, at least 1, or [`TrainConfig::FULL_BATCH`]; the last batch of an epoch takes what is left.
    pub batch: usize,
    /// The optimiser.
    pub optimizer: OptimizerKind,
    /// Learning rate, positive; the largest one of schedules that change it.
    pub lr: f64,
    /// Momentum of the optimisers that have one, in [0, 1).
    pub momentum: f64,
    /// Weight decay, at least 0; nothing means PyTorch's default: 0.01 for AdamW, else 0.
    pub weight_decay: Option<f64>,
    /// How the learning rate changes.
    #[serde(with = "landscape_core::as_words")]
    pub schedule: Schedule,
    /// Seed of the order of the samples, and of changes of images.
    pub seed: u64,
    /// Record every so many steps; 0 means at the end of each epoch. The initial and the last state
    /// are always recorded.
    pub every: usize,
    /// Records so many steps more from each power of ten to the next, dense at first and then thinner
    /// (see [`landscape_core::is_logarithmic_step`]); 0 for none.
    pub per_decade: u32,
    /// Whether each epoch takes the samples in another random order.
    pub shuffle: bool,
    /// How images are changed at random in each step.
    #[serde(with = "landscape_core::as_words")]
    pub augment: Augment,
}

impl Default for TrainConfig {
    /// SGD with rate 0.01, 30 epochs of shuffled batches of 64, a record an epoch.
    fn default() -> Self {
        TrainConfig {
            epochs: 30,
            batch: 64,
            optimizer: OptimizerKind::Sgd,
            lr: 0.01,
            momentum: 0.9,
            weight_decay: None,
            schedule: Schedule::Constant,
            seed: 42,
            every: 0,
            per_decade: 0,
            shuffle: true,
            augment: Augment::default(),
        }
    }
}

impl TrainConfig {
    /// The batch of all samples, whatever their number.
    pub const FULL_BATCH: usize = usize::MAX;

    /// The same on so many samples: the full batch is as large as they are many.
    #[must_use]
    pub fn on(&self, samples: usize) -> Self {
        let mut config = self.clone();
        if config.batch == TrainConfig::FULL_BATCH {
            config.batch = samples;
        }
        config
    }

    /// The sizes that batches of so many samples have: the full one, and what is left of an epoch.
    pub fn batch_sizes(&self, samples: usize) -> Vec<usize> {
        let full = self.batch.min(samples);
        let rest = samples % full.max(1);
        [full, rest].into_iter().filter(|&size| size > 0).collect()
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`ModelsError::BadTraining`] with the first setting that breaks its rule.
    pub fn check(&self) -> Result<(), ModelsError> {
        let rule = |holds: bool, field, value: String, rule| match holds {
            true => Ok(()),
            false => Err(ModelsError::BadTraining { field, value, rule }),
        };
        // Parameters are 32-bit floats, and so are their steps.
        let positive = (self.lr as f32).is_finite() && self.lr as f32 > 0.0;
        rule(
            self.batch > 0,
            "batch",
            self.batch.to_string(),
            "it must be at least 1",
        )?;
        rule(
            positive,
            "lr",
            format!("{:?}", self.lr),
            "it must be positive, from 1e-45 to 3.4e38",
        )?;
        rule(
            (0.0..1.0).contains(&self.momentum),
            "momentum",
            self.momentum.to_string(),
            "it must be in [0, 1)",
        )?;
        let decay = self.decay();
        rule(
            (decay as f32).is_finite() && decay >= 0.0,
            "weight_decay",
            decay.to_string(),
            "it must be at least 0",
        )?;
        match self.schedule.broken_rule() {
            None => Ok(()),
            Some(broken) => rule(false, "schedule", self.schedule.to_string(), broken),
        }
    }

    /// The weight decay in effect.
    pub fn decay(&self) -> f64 {
        let default = match self.optimizer {
            OptimizerKind::AdamW => 0.01,
            _ => 0.0,
        };
        self.weight_decay.unwrap_or(default)
    }

    /// Whether a state is recorded after a step, with so many steps an epoch.
    pub fn is_due(&self, step: u64, per_epoch: u64) -> bool {
        let every = match self.every {
            0 => per_epoch,
            every => every as u64,
        };
        step.is_multiple_of(every)
            || self.per_decade > 0 && is_logarithmic_step(step, self.per_decade)
    }

    /// Burn's optimiser with these settings and PyTorch's constants (Burn's own defaults are a dampening of
    /// 0.1 and an epsilon of 1e-5). The settings must be valid, see [`TrainConfig::check`].
    pub fn optimizer(&self) -> ModuleOptimizer {
        match self.optimizer {
            OptimizerKind::Adam => self.adam().init(),
            OptimizerKind::AdamW => self.adam_w().init(),
            _ => self.sgd().init(),
        }
    }

    /// The same for one tensor.
    pub(super) fn rule(&self) -> Arc<dyn DynOptimizer> {
        match self.optimizer {
            OptimizerKind::Adam => Arc::new(self.adam().build()),
            OptimizerKind::AdamW => Arc::new(self.adam_w().build()),
            _ => Arc::new(self.sgd().build()),
        }
    }

    fn l2(&self) -> Option<WeightDecayConfig> {
        (self.decay() > 0.0).then(|| WeightDecayConfig::new(self.decay() as f32))
    }

    fn sgd(&self) -> SgdConfig {
        let momentum = |nesterov| {
            MomentumConfig::new()
                .with_momentum(self.momentum)
                .with_dampening(0.0)
                .with_nesterov(nesterov)
        };
        let sgd = SgdConfig::new().with_weight_decay(self.l2());
        match self.optimizer {
            OptimizerKind::Momentum => sgd.with_momentum(Some(momentum(false))),
            OptimizerKind::Nesterov => sgd.with_momentum(Some(momentum(true))),
            _ => sgd,
        }
    }

    fn adam(&self) -> AdamConfig {
        AdamConfig::new()
            .with_epsilon(EPSILON)
            .with_weight_decay(self.l2())
    }

    fn adam_w(&self) -> AdamWConfig {
        AdamWConfig::new()
            .with_epsilon(EPSILON)
            .with_weight_decay(self.decay() as f32)
    }
}

/// What is added to the root in Adam.
const EPSILON: f32 = 1e-8;
