//! Spaces spanned by a few vectors, such as the leading eigenvectors of a Hessian: how much of a vector lies in one, and how far
//! two of them agree.
//!
//! The gradient of networks lies to a large part in the space of the leading eigenvectors, which changes slowly (Gur-Ari, Roberts
//! and Dyer 2018); what moves the loss is nevertheless the rest (Song, Ahn and Yun 2024).
//!
//! ```
//! use landscape_hessian::Subspace;
//!
//! let plane = Subspace::of(&[vec![1.0, 0.0, 0.0], vec![1.0, 2.0, 0.0]]);
//! assert_eq!(plane.dim(), 2);
//! assert!((plane.share(&[3.0, 0.0, 4.0]) - 9.0 / 25.0).abs() < 1e-15);
//! let turned = Subspace::of(&[vec![1.0, 0.0, 0.0], vec![0.0, 0.0, 1.0]]);
//! assert_eq!(plane.overlap(&turned), 0.5);
//! ```
//!
//! # References
//! - G. Gur-Ari, D. A. Roberts, E. Dyer, *Gradient descent happens in a tiny subspace*, 2018 (arXiv:1812.04754).
//! - M. Song, K. Ahn, C. Yun, *Does SGD really happen in tiny subspaces?*, 2024 (arXiv:2405.16002).

use crate::vectors::{add_scaled, coefficients, dot, norm, orthogonalize, scale};

/// The share of a vector below which what others leave of it is rounding.
const RANK: f64 = 1e-10;

/// A space, by an orthonormal basis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Subspace {
    basis: Vec<Vec<f64>>,
}

impl Subspace {
    /// The span of vectors of one length. Those that lie in the span of the ones before, up to rounding, add nothing.
    pub fn of<V: AsRef<[f64]>>(vectors: &[V]) -> Self {
        let mut basis: Vec<Vec<f64>> = Vec::with_capacity(vectors.len());
        for vector in vectors {
            let mut own = vector.as_ref().to_vec();
            let before = norm(&own);
            let left = orthogonalize(&basis, &mut own).norm;
            if left > RANK * before {
                scale(&mut own, 1.0 / left);
                basis.push(own);
            }
        }
        Subspace { basis }
    }

    /// Its dimension.
    pub fn dim(&self) -> usize {
        self.basis.len()
    }

    /// An orthonormal basis.
    pub fn basis(&self) -> &[Vec<f64>] {
        &self.basis
    }

    /// The part of a vector in the space, `P v`.
    pub fn project(&self, vector: &[f64]) -> Vec<f64> {
        let mut inside = vec![0.0; vector.len()];
        let along = coefficients(&self.basis, vector);
        for (direction, factor) in self.basis.iter().zip(along) {
            add_scaled(&mut inside, factor, direction);
        }
        inside
    }

    /// The part of a vector across the space, `v - P v`.
    pub fn reject(&self, vector: &[f64]) -> Vec<f64> {
        let mut outside = vector.to_vec();
        orthogonalize(&self.basis, &mut outside);
        outside
    }

    /// The share of a vector in the space, `||P v||^2 / ||v||^2`, in [0, 1]; NaN for the zero vector. The root of it is what Song et
    /// al. call alignment.
    pub fn share(&self, vector: &[f64]) -> f64 {
        let along = coefficients(&self.basis, vector);
        along.iter().map(|c| c * c).sum::<f64>() / dot(vector, vector)
    }

    /// How far two spaces agree: the mean squared cosine of the principal angles, `tr P Q / min(dim P, dim Q)`, in [0, 1]: 1 where
    /// the smaller lies in the larger, 0 where they are orthogonal, and about `k / n` for random ones (Gur-Ari et al. 2018). NaN where
    /// one has no dimension.
    pub fn overlap(&self, other: &Subspace) -> f64 {
        let squares = { other.basis.iter() }.map(|vector| {
            let along = coefficients(&self.basis, vector);
            along.iter().map(|c| c * c).sum::<f64>()
        });
        squares.sum::<f64>() / self.dim().min(other.dim()) as f64
    }
}
