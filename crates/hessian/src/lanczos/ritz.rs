use nalgebra::{DMatrix, SymmetricEigen};

/// Eigenpairs of the projected matrix, by descending value.
pub(super) struct Ritz {
    pub(super) values: Vec<f64>,
    /// Eigenvectors of the projected matrix, as columns.
    pub(super) vectors: DMatrix<f64>,
    /// The norm of what couples each pair to the vectors to come: the residual in exact arithmetic.
    pub(super) couplings: Vec<f64>,
}

impl Ritz {
    pub(super) fn new<'a>(
        projected: DMatrix<f64>,
        couplings: impl Iterator<Item = &'a [f64]>,
    ) -> Self {
        if projected.is_empty() {
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
        let mut squares = vec![0.0; order.len()];
        for coupling in couplings {
            for (square, s) in squares.iter_mut().zip(vectors.column_iter()) {
                let along: f64 = s.iter().zip(coupling).map(|(s, c)| s * c).sum();
                *square += along * along;
            }
        }
        let couplings = squares.into_iter().map(f64::sqrt).collect();
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
