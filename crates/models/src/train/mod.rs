//! Training that records its path.

mod augment;
mod config;
mod hook;
#[cfg(feature = "learner")]
mod learner;
mod network;
mod optimizer;
mod run;
mod schedule;
mod state;
mod task;
mod traced;
mod trainee;

pub use augment::{Augment, UnknownAugment};
pub use config::{OptimizerKind, TrainConfig};
pub use hook::{StepHook, Stepped, gradient_norm};
#[cfg(feature = "learner")]
pub use learner::Recorded;
pub use network::NetworkTrainee;
pub use optimizer::ResumableOptimizer;
pub use schedule::Schedule;
pub use state::{NetworkState, OptimizerState, TensorState, TrainState};
pub use task::{evaluate, evaluation_bytes};
pub use traced::{TracedBatches, TracedLoss, TracedTrainee};
pub use trainee::{Batch, BatchStep, Trainee};

use crate::{Dataset, LossKind, ModelsError, Network};
use landscape_core::{Outcome, Params, Sample};
use run::Run;
use std::ops::ControlFlow;

/// A state of the network on its way.
#[derive(Debug, Clone)]
pub struct Record {
    /// Steps done, 0 for the initial state.
    pub step: u64,
    /// Epochs done, with the started one as a fraction.
    pub epoch: f64,
    /// The parameters, PyTorch's names and layout.
    pub params: Params,
    /// Mean loss over all the data.
    pub loss: f64,
    /// Share of all the data that is predicted right, for a classification.
    pub accuracy: Option<f64>,
    /// Mean loss of the batch of the last step, before that step; nothing for the initial state.
    pub batch_loss: Option<f64>,
    /// Learning rate of the last step; of the first one for the initial state.
    pub lr: f64,
    /// Norm of the gradient of that batch's mean loss, without weight decay; nothing for the initial
    /// state, nor for a last one that was not due.
    pub gradient_norm: Option<f64>,
}

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Steps done.
    pub step: u64,
    /// Steps in all.
    pub steps: u64,
}

/// Who is told of a training and may end it: `Break` ends it after the step, with the last state
/// still recorded.
///
/// A closure from [`Record`] to `ControlFlow<()>` is one.
pub trait TrainObserver {
    /// A state was recorded.
    fn record(&mut self, record: Record) -> ControlFlow<()>;

    /// A step was done.
    fn step(&mut self, _step: Step) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Whether the state is wanted, to go on from it later. It is asked before the first step, after each but the last,
    /// and, once more, where training is ended early. Taking a state copies the parameters and what the optimiser keeps
    /// from the device.
    fn wants_state(&mut self, _step: Step) -> bool {
        false
    }

    /// The state that was wanted.
    fn state(&mut self, _state: TrainState) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl<F: FnMut(Record) -> ControlFlow<()>> TrainObserver for F {
    fn record(&mut self, record: Record) -> ControlFlow<()> {
        self(record)
    }
}

/// The mean of an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochLoss {
    /// The epoch, from 0.
    pub epoch: usize,
    /// Mean over its samples of the loss at the moment of their batch: what training loops print.
    pub loss: f64,
}

/// What came of a training.
#[derive(Debug, Clone)]
pub struct TrainReport<N = Network> {
    /// What was trained: the network, on its device, not tracking gradients; or the [`Trainee`].
    pub network: N,
    /// Steps done.
    pub steps: u64,
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// The complete epochs.
    pub epochs: Vec<EpochLoss>,
    /// The initial state over all the data.
    pub first: Sample,
    /// The last state over all the data.
    pub last: Sample,
    /// Whether all steps were done.
    pub outcome: Outcome,
}

impl<N> TrainReport<N> {
    fn map<M>(self, change: impl FnOnce(N) -> M) -> TrainReport<M> {
        TrainReport {
            network: change(self.network),
            steps: self.steps,
            steps_per_epoch: self.steps_per_epoch,
            epochs: self.epochs,
            first: self.first,
            last: self.last,
            outcome: self.outcome,
        }
    }
}

/// Whether a training can begin: its settings, the fit of network, data and loss, and batches that are large enough
/// for BatchNorm layers. What [`train`] checks first.
///
/// # Errors
/// As [`train`]; [`ModelsError::BatchOfOne`].
pub fn check_training(
    network: &Network,
    data: &Dataset,
    loss: LossKind,
    config: &TrainConfig,
) -> Result<(), ModelsError> {
    NetworkTrainee::new(network.clone(), data, loss, config)?.check_batches(config.batch)
}

/// Trains a network and records its path: the initial state, every [`TrainConfig::every`]-th step,
/// and the last state, each with its loss over all the data.
///
/// The same arguments give the same bits on the same device. A loss that overflows is recorded as
/// it is; it does not end the training.
///
/// ```
/// use landscape_models::*;
/// use std::ops::ControlFlow;
///
/// let spec: ModelSpec = "mlp:2-8-4-1".parse()?;
/// let data = load(&"moons".parse()?, None, Split::Train, None)?;
/// let network = Network::init(&spec, 1, &burn::tensor::Device::flex());
/// let config = TrainConfig { optimizer: OptimizerKind::Adam, epochs: 5, ..TrainConfig::default() };
/// let mut path = Vec::new();
/// let report = train(network, &data, LossKind::BceWithLogits, &config, &mut |record: Record| {
///     path.push(record.params);
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(path.len(), 6);
/// assert!(report.last.loss < report.first.loss);
/// # Ok::<(), ModelsError>(())
/// ```
///
/// # Errors
/// Before anything is computed: [`ModelsError::BadTraining`] for the settings, and those of
/// [`evaluate`].
pub fn train(
    network: Network,
    data: &Dataset,
    loss: LossKind,
    config: &TrainConfig,
    observer: &mut dyn TrainObserver,
) -> Result<TrainReport, ModelsError> {
    let trainee = NetworkTrainee::new(network, data, loss, config)?;
    let report = train_with(trainee, config, observer)?;
    Ok(report.map(NetworkTrainee::into_network))
}

/// The same for anything that can be trained. The settings are those that the trainee was made with.
///
/// # Errors
/// [`ModelsError::BatchOfOne`], and what steps and evaluations report.
pub fn train_with<T: Trainee>(
    trainee: T,
    config: &TrainConfig,
    observer: &mut dyn TrainObserver,
) -> Result<TrainReport<T>, ModelsError> {
    Run::new(trainee, config)?.all(observer)
}

/// Goes on with a training from a state that [`TrainObserver::state`] was given: the rest of it, bit for bit on the same
/// device. The network says what is trained and where; its parameters do not count. Nothing is recorded of the
/// state itself.
///
/// # Errors
/// As [`train`]; [`ModelsError::BadState`] and [`ModelsError::Layout`] where the state is not one of a training with
/// this network, these data and settings.
pub fn resume(
    network: &Network,
    data: &Dataset,
    loss: LossKind,
    config: &TrainConfig,
    state: &TrainState,
    observer: &mut dyn TrainObserver,
) -> Result<TrainReport, ModelsError> {
    let trainee = NetworkTrainee::new(network.clone(), data, loss, config)?;
    let report = resume_with(trainee, config, state, observer)?;
    Ok(report.map(NetworkTrainee::into_network))
}

/// The same for anything that can be trained.
///
/// # Errors
/// As [`train_with`]; [`ModelsError::BadState`] and [`ModelsError::Layout`].
pub fn resume_with<T: Trainee>(
    trainee: T,
    config: &TrainConfig,
    state: &TrainState,
    observer: &mut dyn TrainObserver,
) -> Result<TrainReport<T>, ModelsError> {
    Run::resumed(trainee, config, state)?.all(observer)
}
