use super::Quadrature;
use crate::vectors::{orthogonalize, scale};
use nalgebra::{DMatrix, SymmetricEigen};

/// Lanczos from one vector, with its basis.
pub(super) struct Chain {
    basis: Vec<Vec<f64>>,
    next: Option<Vec<f64>>,
    diagonal: Vec<f64>,
    beside: Vec<f64>,
}

/// Share of `eps ||T|| sqrt(dim)` below which a remainder is rounding.
const BREAKDOWN: f64 = 10.0;

impl Chain {
    /// From a unit vector.
    pub(super) fn new(start: Vec<f64>) -> Self {
        Chain {
            basis: vec![],
            next: Some(start),
            diagonal: vec![],
            beside: vec![],
        }
    }

    /// Whether the basis is an invariant subspace: the quadrature is exact for every function.
    pub(super) fn is_done(&self) -> bool {
        self.next.is_none()
    }

    /// The vector to multiply.
    pub(super) fn take_next(&mut self) -> Option<Vec<f64>> {
        self.next.take()
    }

    /// Takes that vector into the basis, with its product.
    pub(super) fn extend(&mut self, vector: Vec<f64>, mut product: Vec<f64>) {
        let dim = vector.len();
        self.basis.push(vector);
        let split = orthogonalize(&self.basis, &mut product);
        self.diagonal.extend(split.coefficients.last());
        self.beside.push(split.norm);
        let entries = self
            .diagonal
            .iter()
            .chain(&self.beside[..self.basis.len() - 1]);
        let largest = entries.fold(0.0f64, |m, v| m.max(v.abs()));
        let rounding = BREAKDOWN * (dim as f64).sqrt() * f64::EPSILON * largest;
        if split.norm > rounding && self.basis.len() < dim {
            scale(&mut product, 1.0 / split.norm);
            self.next = Some(product);
        }
    }

    pub(super) fn quadrature(&self) -> Quadrature {
        let size = self.diagonal.len();
        let tridiagonal = DMatrix::from_fn(size, size, |i, j| match i.abs_diff(j) {
            0 => self.diagonal[i],
            1 => self.beside[i.min(j)],
            _ => 0.0,
        });
        if size == 0 {
            return Quadrature::default();
        }
        let eigen = SymmetricEigen::new(tridiagonal);
        let mut order: Vec<usize> = (0..size).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[a].total_cmp(&eigen.eigenvalues[b]));
        let weight = |&k: &usize| eigen.eigenvectors[(0, k)].powi(2);
        Quadrature {
            nodes: order.iter().map(|&k| eigen.eigenvalues[k]).collect(),
            weights: order.iter().map(weight).collect(),
        }
    }
}
