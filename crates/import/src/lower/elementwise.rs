//! Functions of single elements.

use super::{Kind, Lowered, Lowering, Tensor};
use landscape_trace::{Binary, Unary};

impl Lowering {
    /// A function of one number; whole numbers become others where it is one of floats.
    pub fn unary(&mut self, f: Unary, x: &Tensor, kind: Kind) -> Tensor {
        let value = self.builder.unary(f, x.value);
        self.tensor(value, kind)
    }

    /// A function of two numbers, which broadcast as in NumPy.
    pub fn binary(&mut self, f: Binary, a: &Tensor, b: &Tensor, kind: Kind) -> Lowered {
        let value = self.builder.binary(f, a.value, b.value)?;
        Ok(self.tensor(value, kind))
    }
}
