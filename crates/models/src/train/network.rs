//! A network of a family under training: Burn's automatic differentiation, on any of its devices.

use super::augment::{Images, images_of};
use super::hook::gradient_norm;
use super::task::Task;
use super::{Batch, BatchStep, NetworkState, ResumableOptimizer, TrainConfig, Trainee};
use crate::{Dataset, LossKind, ModelsError, Network};
use burn::module::Module;
use burn::optim::GradientsParams;
use landscape_core::{Params, Sample};

/// A [`Network`] with its optimiser, data and loss.
pub struct NetworkTrainee {
    network: Network,
    optimizer: ResumableOptimizer,
    task: Task,
    /// Those that are changed at random.
    images: Option<Images>,
    config: TrainConfig,
}

impl std::fmt::Debug for NetworkTrainee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NetworkTrainee")
            .field("network", &self.network.spec())
            .finish_non_exhaustive()
    }
}

impl NetworkTrainee {
    /// The network, where it starts, on its device.
    ///
    /// # Errors
    /// [`ModelsError::BadTraining`] for the settings, and those of [`evaluate`](super::evaluate).
    pub fn new(
        network: Network,
        data: &Dataset,
        loss: LossKind,
        config: &TrainConfig,
    ) -> Result<Self, ModelsError> {
        config.check()?;
        let task = Task::new(&network, data, loss)?;
        let shape = network.spec().image();
        Ok(NetworkTrainee {
            images: images_of(data, shape, config)?,
            network: network.train(),
            optimizer: ResumableOptimizer::new(config),
            task,
            config: config.clone(),
        })
    }

    /// The network as it is now, not tracking gradients.
    pub fn into_network(self) -> Network {
        self.network.valid()
    }
}

impl Trainee for NetworkTrainee {
    fn samples(&self) -> usize {
        self.task.samples()
    }

    fn check_batches(&self, batch: usize) -> Result<(), ModelsError> {
        self.task.check_batches(&self.network.valid(), batch)
    }

    fn evaluate(&self) -> Result<Sample, ModelsError> {
        self.task.evaluate(&self.network)
    }

    fn step(&mut self, batch: &Batch) -> Result<BatchStep, ModelsError> {
        let images = self.images.as_ref();
        let changed = images.map(|images| images.batch(batch.places, batch.step));
        let loss = self.task.batch_loss(&self.network, batch.places, changed);
        let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
        let norm = || gradient_norm(&self.network, &gradients);
        let gradient_norm = batch.wants_norm.then(norm);
        self.network = self
            .optimizer
            .step(batch.lr, self.network.clone(), gradients);
        let loss = loss.without_autodiff();
        Ok(BatchStep {
            loss,
            gradient_norm,
        })
    }

    fn params(&self) -> Params {
        self.network.params()
    }

    fn state(&self) -> NetworkState {
        NetworkState {
            params: self.network.params(),
            optimizer: self.optimizer.state(),
        }
    }

    fn restore(&mut self, state: &NetworkState, steps: u64) -> Result<(), ModelsError> {
        let network = self.network.valid().with_params(&state.params)?;
        let optimizer =
            ResumableOptimizer::resumed(&self.config, &network, &state.optimizer, steps);
        self.optimizer = optimizer.map_err(|reason| ModelsError::BadState { reason })?;
        self.network = network.train();
        Ok(())
    }
}
