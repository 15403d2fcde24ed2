//! Layers with weights.

use super::{Kind, Lowered, Lowering, Tensor};
use landscape_core::Role;

impl Lowering {
    /// `x W^T + b`.
    pub fn linear(&mut self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Lowered {
        self.role(weight, Role::Weight);
        if let Some(bias) = bias {
            self.role(bias, Role::Bias);
        }
        let value = self
            .builder
            .linear(x.value, weight.value, bias.map(|b| b.value))?;
        Ok(self.tensor(value, Kind::Float))
    }
}
