use nalgebra::{DMatrix, SymmetricEigen};

/// Eigenpairs of the projected matrix, by descending value.
pub(super) struct Ritz {
    pub(super) values: Vec<f64>,
    /// Eigenvectors of the projected matrix, as columns.
    pub(super) vectors: DMatrix<f64>,
    /// What couples each pair to the next vector; its magnitude is the residual in exact arithmetic.
    pub(super) couplings: Vec<f64>,
}

impl Ritz {
    pub(super) fn new(projected: DMatrix<f64>, coupling: &[f64]) -> Self {
        if coupling.is_empty() {
            return Ritz {
                values: vec![],
                vectors: projected,
                couplings: vec![],
            };
        }
        let eigen = SymmetricEigen::new(projected);
        let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let vectors = eigen.eigenvectors.select_columns(&order);
        let columns = vectors.column_iter();
        let couple =
            |s: nalgebra::DVectorView<f64>| s.iter().zip(coupling).map(|(s, c)| s * c).sum::<f64>();
        let couplings = columns.map(couple).collect();
        Ritz {
            values: order.iter().map(|&i| eigen.eigenvalues[i]).collect(),
            couplings,
            vectors,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The largest magnitude: the norm of the projected matrix.
    pub(super) fn norm(&self) -> f64 {
        self.values.iter().fold(0.0, |m, v| m.max(v.abs()))
    }

    /// Numbers of `top` pairs at the upper end and `bottom` at the lower, ascending, without
    /// repetition.
    pub(super) fn ends(&self, top: usize, bottom: usize) -> Vec<usize> {
        let len = self.len();
        let low = len.saturating_sub(bottom);
        (0..len).filter(|&i| i < top || i >= low).collect()
    }
}
