//! Which values of parameters are the columns of the analysed matrix.

use crate::params::{Parameter, Params};

/// All free tensors, or of those only the ones of two dimensions and more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    pub(super) ignore_one_dimensional: bool,
}

impl Columns {
    pub(super) fn takes(self, tensor: &Parameter) -> bool {
        let ignored = self.ignore_one_dimensional && tensor.is_one_dimensional();
        tensor.is_free() && !ignored
    }

    /// Number of values of a row, `p`.
    pub(super) fn width(self, layout: &Params) -> usize {
        let taken = layout.iter().filter(|t| self.takes(t));
        taken.map(Parameter::numel).sum()
    }

    /// Appends the values of a row, minus `offset`; says whether all are finite.
    pub(super) fn append(
        self,
        row: &Params,
        layout: &Params,
        offset: Option<&[f64]>,
        into: &mut Vec<f64>,
    ) -> bool {
        let start = into.len();
        for (tensor, model) in row.iter().zip(layout) {
            if self.takes(model) {
                let values = tensor.data.iter().map(|&v| f64::from(v));
                match offset {
                    None => into.extend(values),
                    Some(offset) => {
                        let offset = &offset[into.len() - start..];
                        into.extend(values.zip(offset).map(|(v, o)| v - o));
                    }
                }
            }
        }
        // Without an early end, so that several are looked at together.
        into[start..]
            .iter()
            .fold(true, |all, v| all & v.is_finite())
    }

    /// Tensors with these values; zero where no column is.
    pub(super) fn unflatten(self, layout: &Params, vector: &[f64]) -> Params {
        let mut tensors = layout.zeros_like();
        let mut values = vector.iter();
        for tensor in tensors.tensors_mut() {
            if self.takes(tensor) {
                for (to, from) in tensor.data.iter_mut().zip(&mut values) {
                    *to = *from as f32;
                }
            }
        }
        tensors
    }
}
