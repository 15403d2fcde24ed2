//! A traced loss for measures of sharpness.

use landscape_core::Role;
use landscape_hessian::sharpness::{LossError, LossFunction, Tensor};
use landscape_trace::Curvature;

/// The accuracy at parameters of as many entries as the loss has.
type Accuracy<'a> = Box<dyn Fn(&[f64]) -> Result<f64, LossError> + 'a>;

/// A traced mean loss, with its gradients and tensors, as measures of sharpness want it.
pub struct MeanLoss<'a> {
    curvature: &'a Curvature,
    tensors: Vec<Tensor>,
    accuracy: Option<Accuracy<'a>>,
}

impl std::fmt::Debug for MeanLoss<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MeanLoss")
            .field("curvature", &self.curvature)
            .field("tensors", &self.tensors)
            .finish_non_exhaustive()
    }
}

impl<'a> MeanLoss<'a> {
    /// The loss whose derivatives these are.
    pub fn new(curvature: &'a Curvature) -> Self {
        let tensors = curvature.blocks().iter().map(|block| Tensor {
            name: block.name.clone(),
            range: block.range.clone(),
            shape: block.shape.clone(),
            weight: block.role == Role::Weight,
        });
        MeanLoss {
            curvature,
            tensors: tensors.collect(),
            accuracy: None,
        }
    }

    /// With the accuracy, a share from 0 to 1, for the measures that are about it.
    #[must_use]
    pub fn with_accuracy(
        mut self,
        accuracy: impl Fn(&[f64]) -> Result<f64, LossError> + 'a,
    ) -> Self {
        self.accuracy = Some(Box::new(accuracy));
        self
    }
}

impl LossFunction for MeanLoss<'_> {
    fn dim(&self) -> usize {
        self.curvature.dim()
    }

    fn loss(&self, theta: &[f64]) -> Result<f64, LossError> {
        Ok(self.gradient(theta)?.0)
    }

    fn gradient(&self, theta: &[f64]) -> Result<(f64, Vec<f64>), LossError> {
        let found = self.curvature.gradient_at(theta).map_err(LossError::new)?;
        Ok((found.loss, found.gradient))
    }

    fn accuracies(&self, points: &[Vec<f64>]) -> Result<Option<Vec<f64>>, LossError> {
        let all = { self.accuracy.as_ref() }
            .map(|accuracy| points.iter().map(|theta| accuracy(theta)).collect());
        all.transpose()
    }

    fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }
}
