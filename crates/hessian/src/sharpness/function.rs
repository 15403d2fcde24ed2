use std::error::Error;
use std::ops::Range;

/// A loss with its gradient: what sharpness is measured of. Everything is the mean over the data.
pub trait LossFunction {
    /// Number of parameters.
    fn dim(&self) -> usize;

    /// The loss at a point of [`LossFunction::dim`] entries. NaN and infinities are kept as they are.
    ///
    /// # Errors
    /// Whatever keeps the loss from being evaluated at all.
    fn loss(&self, theta: &[f64]) -> Result<f64, LossError>;

    /// The losses at several points; work may be shared between them.
    ///
    /// # Errors
    /// As [`LossFunction::loss`].
    fn losses(&self, points: &[Vec<f64>]) -> Result<Vec<f64>, LossError> {
        points.iter().map(|theta| self.loss(theta)).collect()
    }

    /// The loss and its gradient at a point.
    ///
    /// # Errors
    /// As [`LossFunction::loss`].
    fn gradient(&self, theta: &[f64]) -> Result<(f64, Vec<f64>), LossError>;

    /// The share of samples that are predicted correctly, at several points; `None`, the default, where
    /// that has no meaning or is not known.
    ///
    /// # Errors
    /// As [`LossFunction::loss`].
    fn accuracies(&self, _points: &[Vec<f64>]) -> Result<Option<Vec<f64>>, LossError> {
        Ok(None)
    }

    /// Number of mini-batches that the data are split into, for m-sharpness; 0 when they are not.
    fn batches(&self) -> usize {
        0
    }

    /// Samples in a mini-batch: its weight in the mean.
    fn batch_size(&self, _batch: usize) -> usize {
        1
    }

    /// The mean loss of one mini-batch.
    ///
    /// # Errors
    /// As [`LossFunction::loss`]; always where there are no mini-batches.
    fn batch_loss(&self, _batch: usize, _theta: &[f64]) -> Result<f64, LossError> {
        Err(LossError::new("this loss is not split into mini-batches"))
    }

    /// The mean loss of one mini-batch and its gradient.
    ///
    /// # Errors
    /// As [`LossFunction::batch_loss`].
    fn batch_gradient(&self, _batch: usize, _theta: &[f64]) -> Result<(f64, Vec<f64>), LossError> {
        Err(LossError::new("this loss is not split into mini-batches"))
    }

    /// The tensors that the parameters consist of; none where that is not known.
    fn tensors(&self) -> &[Tensor] {
        &[]
    }
}

/// A tensor among the parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name, for example `fc1.weight`.
    pub name: String,
    /// Its entries among the parameters.
    pub range: Range<usize>,
    /// Its shape in PyTorch's layout: outputs first.
    pub shape: Vec<usize>,
    /// Whether it is a weight, not a bias or the scale or shift of a normalisation.
    pub weight: bool,
}

/// What went wrong inside a [`LossFunction`].
#[derive(Debug, thiserror::Error)]
#[error("the loss could not be evaluated")]
pub struct LossError(#[source] pub Box<dyn Error + Send + Sync>);

impl LossError {
    /// Wraps any error, or a message.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        LossError(source.into())
    }
}
