//! What is trained, as the loop of a training sees it.

use super::NetworkState;
use crate::ModelsError;
use burn::tensor::Tensor;
use landscape_core::{Params, Sample};

/// A network with its optimiser, and the data and the loss that it is trained on: what [`train_with`](super::train_with) takes.
pub trait Trainee {
    /// Samples in the data.
    fn samples(&self) -> usize;

    /// Checks that batches of so many samples, and the rest of an epoch, are large enough for layers that measure them.
    ///
    /// # Errors
    /// [`ModelsError::BatchOfOne`]
    fn check_batches(&self, batch: usize) -> Result<(), ModelsError>;

    /// Mean loss, its standard error and the accuracy over all the data, as in evaluation.
    ///
    /// # Errors
    /// What evaluation reports.
    fn evaluate(&self) -> Result<Sample, ModelsError>;

    /// One step along the gradient of a batch's mean loss.
    ///
    /// # Errors
    /// What the gradient reports.
    fn step(&mut self, batch: &Batch) -> Result<BatchStep, ModelsError>;

    /// Parameters and running statistics, in PyTorch's layout.
    fn params(&self) -> Params;

    /// All that later steps depend on.
    fn state(&self) -> NetworkState;

    /// Goes on where another one was after so many steps.
    ///
    /// # Errors
    /// [`ModelsError::BadState`] and [`ModelsError::Layout`] where that was another network or optimiser.
    fn restore(&mut self, state: &NetworkState, steps: u64) -> Result<(), ModelsError>;
}

/// The samples of a step.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'b> {
    /// Their places among the data.
    pub places: &'b [i64],
    /// Steps that were done before.
    pub step: u64,
    /// Learning rate.
    pub lr: f64,
    /// Whether the norm of the gradient is wanted.
    pub wants_norm: bool,
}

/// What came of a step.
#[derive(Debug)]
pub struct BatchStep {
    /// Mean loss of the batch before it, on its device: `[1]`.
    pub loss: Tensor<1>,
    /// Norm of the gradient of that, where it was wanted.
    pub gradient_norm: Option<f64>,
}

impl<T: Trainee + ?Sized> Trainee for Box<T> {
    fn samples(&self) -> usize {
        (**self).samples()
    }

    fn check_batches(&self, batch: usize) -> Result<(), ModelsError> {
        (**self).check_batches(batch)
    }

    fn evaluate(&self) -> Result<Sample, ModelsError> {
        (**self).evaluate()
    }

    fn step(&mut self, batch: &Batch) -> Result<BatchStep, ModelsError> {
        (**self).step(batch)
    }

    fn params(&self) -> Params {
        (**self).params()
    }

    fn state(&self) -> NetworkState {
        (**self).state()
    }

    fn restore(&mut self, state: &NetworkState, steps: u64) -> Result<(), ModelsError> {
        (**self).restore(state, steps)
    }
}
