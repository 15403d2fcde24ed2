//! A base and its variants along one factor.

use super::widths::widened;
use crate::StudyError;
use crate::device::DeviceName;
use crate::problem::{Model, TrainingTask};
use crate::report::Reporter;
use burn::tensor::Device;
use landscape_core::Params;
use landscape_models::{Dataset, Init, LossKind, Network, OptimizerKind, TrainConfig, Trainee};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::collections::HashSet;
use std::fmt;

/// What the variants of a study have in common.
#[derive(Debug, Clone)]
pub struct Base {
    /// The network.
    pub model: Model,
    /// The data that it is trained on.
    pub data: Dataset,
    /// The loss.
    pub loss: LossKind,
    /// How it is trained. Its seed gives the initial parameters too.
    pub config: TrainConfig,
    /// Initial parameters, instead of random ones or those in the file of a program.
    pub initial: Option<Params>,
    /// What random ones are drawn from; [`Init::PyTorch`] where absent.
    pub init: Option<Init>,
}

/// What a study varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Factor {
    /// The optimiser; all start from the same parameters and see the samples in the same order.
    Optimizer,
    /// The learning rate; all start from the same parameters and see the samples in the same order.
    LearningRate,
    /// The seed of the initial parameters and of the order of the samples.
    Seed,
    /// The width of the network.
    Width,
    /// The samples in a batch; all start from the same parameters.
    BatchSize,
}

impl Factor {
    /// Its name in the plural.
    pub fn plural(self) -> &'static str {
        match self {
            Factor::Optimizer => "optimisers",
            Factor::LearningRate => "learning rates",
            Factor::Seed => "seeds",
            Factor::Width => "widths",
            Factor::BatchSize => "batch sizes",
        }
    }
}

impl Serialize for Factor {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Factor {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use Factor::{BatchSize, LearningRate, Optimizer, Seed, Width};
        let word = String::deserialize(from)?;
        let all = [Optimizer, LearningRate, Seed, Width, BatchSize];
        let known = all.into_iter().find(|factor| factor.to_string() == word);
        known.ok_or_else(|| D::Error::custom(format!("`{word}` is not varied by a comparison")))
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Factor::Optimizer => "optimiser",
            Factor::LearningRate => "learning rate",
            Factor::Seed => "seed",
            Factor::Width => "width",
            Factor::BatchSize => "batch size",
        })
    }
}

/// One training of a study.
#[derive(Debug, Clone)]
pub struct Variant {
    /// What it is called: `adam`, `sgd 0.25` where there are several of one optimiser, `lr 0.25`, `seed 3`, `width 8`,
    /// `batch size 64`.
    pub label: String,
    /// The network.
    pub model: Model,
    /// How it is trained.
    pub config: TrainConfig,
    /// Where it starts.
    pub initial: Params,
}

/// Trainings that differ in one factor. Everything is checked when it is made.
#[derive(Debug, Clone)]
pub struct Study {
    pub(super) factor: Factor,
    pub(super) data: Dataset,
    pub(super) loss: LossKind,
    pub(super) variants: Vec<Variant>,
}

impl Study {
    /// One training an optimiser, each with a learning rate of its own, from the same initial
    /// parameters and with the samples in the same order. One optimiser may be there at several rates.
    ///
    /// # Errors
    /// [`StudyError::TooFew`], [`StudyError::Repeated`], and [`StudyError::Models`] where the
    /// settings, the network, the data and the loss do not go together.
    pub fn optimizers(base: Base, optimizers: &[(OptimizerKind, f64)]) -> Result<Self, StudyError> {
        let change = |&(optimizer, lr): &(OptimizerKind, f64)| {
            let config = TrainConfig {
                optimizer,
                lr,
                ..base.config.clone()
            };
            let several = optimizers.iter().filter(|other| other.0 == optimizer);
            let label = match several.count() {
                1 => optimizer.name().to_owned(),
                _ => format!("{optimizer} {lr}"),
            };
            (label, base.model.clone(), config)
        };
        let changed = optimizers.iter().map(change).collect();
        Study::new(Factor::Optimizer, base, changed)
    }

    /// One training per learning rate, from the same initial parameters and with the samples in the same
    /// order.
    ///
    /// # Errors
    /// As [`Study::optimizers`].
    pub fn learning_rates(base: Base, rates: &[f64]) -> Result<Self, StudyError> {
        let change = |&lr: &f64| {
            let config = TrainConfig {
                lr,
                ..base.config.clone()
            };
            (format!("lr {lr}"), base.model.clone(), config)
        };
        let changed = rates.iter().map(change).collect();
        Study::new(Factor::LearningRate, base, changed)
    }

    /// One training a seed, which gives the initial parameters (where [`Base::initial`] does not)
    /// and the order of the samples.
    ///
    /// # Errors
    /// As [`Study::optimizers`].
    pub fn seeds(base: Base, seeds: impl IntoIterator<Item = u64>) -> Result<Self, StudyError> {
        let change = |seed: u64| {
            let config = TrainConfig {
                seed,
                ..base.config.clone()
            };
            (format!("seed {seed}"), base.model.clone(), config)
        };
        let changed = seeds.into_iter().map(change).collect();
        Study::new(Factor::Seed, base, changed)
    }

    /// One training a width, see [`widened`].
    ///
    /// # Errors
    /// As [`Study::optimizers`] and [`widened`]; [`StudyError::InitialWidths`] where the base has
    /// initial parameters.
    pub fn widths(base: Base, widths: &[usize]) -> Result<Self, StudyError> {
        if base.initial.is_some() {
            return Err(StudyError::InitialWidths);
        }
        let change = |&width: &usize| -> Result<_, StudyError> {
            let model = widened(base.model.family()?, width)?.into();
            Ok((format!("width {width}"), model, base.config.clone()))
        };
        let changed = widths.iter().map(change).collect::<Result<_, _>>()?;
        Study::new(Factor::Width, base, changed)
    }

    /// One training per batch size, from the same initial parameters; [`TrainConfig::FULL_BATCH`] is all samples.
    ///
    /// # Errors
    /// As [`Study::optimizers`].
    pub fn batch_sizes(base: Base, sizes: &[usize]) -> Result<Self, StudyError> {
        let change = |&batch: &usize| {
            let config = TrainConfig {
                batch,
                ..base.config.clone()
            }
            .on(base.data.len());
            (
                format!("batch size {}", config.batch),
                base.model.clone(),
                config,
            )
        };
        let changed = sizes.iter().map(change).collect();
        Study::new(Factor::BatchSize, base, changed)
    }

    fn new(
        factor: Factor,
        base: Base,
        changed: Vec<(String, Model, TrainConfig)>,
    ) -> Result<Self, StudyError> {
        let given = changed.len();
        if given < 2 {
            let what = factor.plural();
            return Err(StudyError::TooFew { what, given });
        }
        let mut labels = HashSet::new();
        if let Some((label, ..)) = changed.iter().find(|v| !labels.insert(v.0.clone())) {
            let label = label.clone();
            return Err(StudyError::Repeated { label });
        }
        let variant = |(label, model, config): (String, Model, TrainConfig)| {
            config.check()?;
            Ok(Variant {
                label,
                initial: initial(&base, &model, config.seed)?,
                model,
                config,
            })
        };
        let variants = changed.into_iter().map(variant);
        let variants = variants.collect::<Result<Vec<_>, StudyError>>()?;
        let study = Study {
            factor,
            data: base.data,
            loss: base.loss,
            variants,
        };
        study.check_data()?;
        Ok(study)
    }

    /// Whether every network takes the data and the loss.
    fn check_data(&self) -> Result<(), StudyError> {
        let device = Device::flex();
        for variant in &self.variants {
            match &variant.model {
                Model::Family(spec) => {
                    self.data.check_inputs(spec)?;
                    self.data.targets(self.loss, spec, &device)?;
                }
                Model::Program(_) | Model::Adapted(_) => drop(self.trainee(variant, &())?),
            }
        }
        Ok(())
    }

    /// A variant under training, on the CPU, where it starts. What of it is not as in PyTorch's training is said.
    ///
    /// # Errors
    /// As [`Model::trainee`].
    pub fn trainee(
        &self,
        variant: &Variant,
        reporter: &dyn Reporter,
    ) -> Result<Box<dyn Trainee>, StudyError> {
        let task = self.task(variant);
        let Variant { model, initial, .. } = variant;
        model.trainee(initial, DeviceName::Cpu, task, reporter)
    }

    pub(super) fn task<'v>(&'v self, variant: &'v Variant) -> TrainingTask<'v> {
        TrainingTask {
            data: &self.data,
            loss: self.loss,
            config: &variant.config,
        }
    }

    /// What is varied.
    pub fn factor(&self) -> Factor {
        self.factor
    }

    /// The data.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// The loss.
    pub fn loss(&self) -> LossKind {
        self.loss
    }

    /// The trainings, in the order given.
    pub fn variants(&self) -> &[Variant] {
        &self.variants
    }

    /// The same study with those variants alone whose places are given: what is left to train.
    #[must_use]
    pub fn only(&self, places: &[usize]) -> Self {
        let variants = places.iter().filter_map(|&place| self.variants.get(place));
        Study {
            variants: variants.cloned().collect(),
            ..self.clone()
        }
    }
}

fn initial(base: &Base, model: &Model, seed: u64) -> Result<Params, StudyError> {
    match (&base.initial, model) {
        (None, model) => Ok(model.start(base.init, seed)?.0),
        (Some(params), Model::Family(spec)) => {
            let network = Network::from_params(spec, params, &Device::flex())?;
            Ok(network.params())
        }
        (Some(params), Model::Program(_) | Model::Adapted(_)) => Ok(params.clone()),
    }
}
