use super::{LossFunction, SharpnessError, Tensor};
use std::cell::Cell;

/// Evaluations spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evaluations {
    /// Losses; a mini-batch counts as one.
    pub losses: usize,
    /// Losses with gradients; a mini-batch counts as one.
    pub gradients: usize,
}

impl Evaluations {
    /// Both.
    pub fn total(&self) -> usize {
        self.losses + self.gradients
    }
}

/// A point of finite loss, at which sharpness is measured.
pub struct Point<'a> {
    function: &'a dyn LossFunction,
    theta: Vec<f64>,
    loss: f64,
    spent: Cell<Evaluations>,
}

impl<'a> Point<'a> {
    /// The point, with its loss: one evaluation.
    ///
    /// # Errors
    /// When the point does not fit the loss, it or its loss is not finite, or a tensor does not fit.
    pub fn new(function: &'a dyn LossFunction, theta: Vec<f64>) -> Result<Self, SharpnessError> {
        let (dim, given) = (function.dim(), theta.len());
        if dim != given {
            return Err(SharpnessError::Dimension { dim, given });
        }
        if let Some(index) = theta.iter().position(|value| !value.is_finite()) {
            let value = theta[index];
            return Err(SharpnessError::PointNotFinite { index, value });
        }
        if let Some(tensor) = function.tensors().iter().find(|t| !fits(t, dim)) {
            let (name, shape) = (tensor.name.clone(), tensor.shape.clone());
            return Err(SharpnessError::TensorLayout { name, shape });
        }
        let loss = function.loss(&theta)?;
        if !loss.is_finite() {
            return Err(SharpnessError::LossNotFinite { loss });
        }
        Ok(Point {
            function,
            theta,
            loss,
            spent: Cell::default(),
        })
    }

    /// The parameters.
    pub fn theta(&self) -> &[f64] {
        &self.theta
    }

    /// The loss there.
    pub fn loss(&self) -> f64 {
        self.loss
    }

    pub(super) fn dim(&self) -> usize {
        self.theta.len()
    }

    pub(super) fn function(&self) -> &dyn LossFunction {
        self.function
    }

    /// Sets the count of evaluations to zero and returns what it was.
    pub(super) fn take_spent(&self) -> Evaluations {
        self.spent.take()
    }

    pub(super) fn spent(&self) -> Evaluations {
        self.spent.get()
    }

    fn spend(&self, losses: usize, gradients: usize) {
        let before = self.spent.get();
        self.spent.set(Evaluations {
            losses: before.losses + losses,
            gradients: before.gradients + gradients,
        });
    }

    /// The point moved by `delta`.
    pub(super) fn moved(&self, delta: &[f64]) -> Vec<f64> {
        self.theta.iter().zip(delta).map(|(t, d)| t + d).collect()
    }

    /// How much the loss rises for each displacement. A loss that is NaN has risen beyond all bounds.
    pub(super) fn rises(&self, deltas: &[Vec<f64>]) -> Result<Vec<f64>, SharpnessError> {
        let points: Vec<Vec<f64>> = deltas.iter().map(|delta| self.moved(delta)).collect();
        let losses = self.function.losses(&points)?;
        self.spend(points.len(), 0);
        if losses.len() != points.len() {
            let (points, given) = (points.len(), losses.len());
            return Err(SharpnessError::Losses { points, given });
        }
        Ok(losses
            .into_iter()
            .map(|loss| rise(loss, self.loss))
            .collect())
    }

    /// The accuracy at the point.
    pub(super) fn accuracy(&self) -> Result<f64, SharpnessError> {
        Ok(self.accuracies(&[vec![0.0; self.dim()]])?[0])
    }

    /// How much the accuracy falls for each displacement. One that is NaN has fallen to nothing.
    pub(super) fn falls(&self, from: f64, deltas: &[Vec<f64>]) -> Result<Vec<f64>, SharpnessError> {
        let accuracies = self.accuracies(deltas)?.into_iter();
        Ok(accuracies
            .map(|a| from - if a.is_nan() { 0.0 } else { a })
            .collect())
    }

    fn accuracies(&self, deltas: &[Vec<f64>]) -> Result<Vec<f64>, SharpnessError> {
        let points: Vec<Vec<f64>> = deltas.iter().map(|delta| self.moved(delta)).collect();
        let found = self.function.accuracies(&points)?;
        self.spend(points.len(), 0);
        let accuracies = found.ok_or(SharpnessError::NoAccuracy)?;
        match accuracies.len() == points.len() {
            true => Ok(accuracies),
            false => Err(SharpnessError::Losses {
                points: points.len(),
                given: accuracies.len(),
            }),
        }
    }

    /// How much the loss rises for one displacement.
    pub(super) fn rise(&self, delta: &[f64]) -> Result<f64, SharpnessError> {
        self.spend(1, 0);
        Ok(rise(self.function.loss(&self.moved(delta))?, self.loss))
    }

    /// The rise at a displacement, and the gradient there, which is `None` where the loss is not finite.
    pub(super) fn gradient(
        &self,
        delta: &[f64],
    ) -> Result<(f64, Option<Vec<f64>>), SharpnessError> {
        self.spend(0, 1);
        let (loss, gradient) = self.function.gradient(&self.moved(delta))?;
        if !loss.is_finite() {
            return Ok((rise(loss, self.loss), None));
        }
        Ok((loss - self.loss, Some(self.checked(gradient)?)))
    }

    /// The loss of a mini-batch at a displacement.
    pub(super) fn batch_loss(&self, batch: usize, delta: &[f64]) -> Result<f64, SharpnessError> {
        self.spend(1, 0);
        Ok(self.function.batch_loss(batch, &self.moved(delta))?)
    }

    /// The loss and gradient of a mini-batch at the point.
    pub(super) fn batch_gradient(&self, batch: usize) -> Result<(f64, Vec<f64>), SharpnessError> {
        self.spend(0, 1);
        let (loss, gradient) = self.function.batch_gradient(batch, &self.theta)?;
        Ok((loss, self.checked(gradient)?))
    }

    fn checked(&self, gradient: Vec<f64>) -> Result<Vec<f64>, SharpnessError> {
        let given = gradient.iter().filter(|value| value.is_finite()).count();
        let dim = self.dim();
        match given == dim && gradient.len() == dim {
            true => Ok(gradient),
            false => Err(SharpnessError::Gradient { dim, given }),
        }
    }
}

/// A rise, infinite where the loss is NaN.
pub(super) fn rise(loss: f64, from: f64) -> f64 {
    match loss.is_nan() {
        true => f64::INFINITY,
        false => loss - from,
    }
}

fn fits(tensor: &Tensor, dim: usize) -> bool {
    let range = &tensor.range;
    let entries: usize = tensor.shape.iter().product();
    range.start <= range.end && range.end <= dim && range.len() == entries
}

/// A radius, or its error.
pub(super) fn radius(given: f64) -> Result<f64, SharpnessError> {
    match given > 0.0 && given.is_finite() {
        true => Ok(given),
        false => Err(SharpnessError::Radius { given }),
    }
}
