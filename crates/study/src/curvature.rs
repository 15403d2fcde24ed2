//! A traced loss for measures of sharpness.

use landscape_core::Role;
use landscape_hessian::sharpness::{LossError, LossFunction, Tensor};
use landscape_trace::Curvature;

/// A traced mean loss, with its gradients and tensors, as measures of sharpness want it.
#[derive(Debug)]
pub struct MeanLoss<'a> {
    curvature: &'a Curvature,
    tensors: Vec<Tensor>,
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
        }
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

    fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }
}
