//! Shapes: the same numbers in other places.

use super::{Lowered, Lowering, Tensor, axis};

impl Lowering {
    /// The same numbers with another shape.
    pub fn reshape(&mut self, x: &Tensor, shape: &[usize]) -> Lowered {
        let value = self.builder.reshape(x.value, shape)?;
        Ok(Tensor {
            value,
            exported: None,
            ..x.clone()
        })
    }

    /// The axes in another order.
    pub fn permute(&mut self, x: &Tensor, axes: &[i64]) -> Lowered {
        let rank = self.shape(x).len();
        let axes: Vec<usize> = axes
            .iter()
            .map(|&a| axis(a, rank))
            .collect::<Lowered<_>>()?;
        let value = self.builder.permute(x.value, &axes)?;
        Ok(Tensor {
            origin: x.origin,
            ..self.tensor(value, x.kind)
        })
    }
}
