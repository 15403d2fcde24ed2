//! Eigenpairs that are known, taken out of what is sampled.

use super::DensityError;
use crate::lanczos::Pair;
use crate::vectors::{norm, orthogonalize, scale};

/// An eigenvalue whose share of a density, `1 / n`, is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Atom {
    /// The eigenvalue.
    pub value: f64,
    /// It lies within this of `value`.
    pub residual: f64,
}

/// Atoms with their orthonormal vectors.
pub(super) struct Atoms {
    pub(super) values: Vec<Atom>,
    pub(super) vectors: Vec<Vec<f64>>,
}

/// Share of a vector that the others may hold: less is left of a pair that is listed twice.
const DISTINCT: f64 = 0.5;

impl Atoms {
    /// The converged ones of these pairs, each once.
    pub(super) fn of(pairs: &[Pair], dim: usize) -> Result<Self, DensityError> {
        let mut atoms = Atoms {
            values: vec![],
            vectors: vec![],
        };
        for pair in pairs.iter().filter(|pair| pair.converged) {
            let given = pair.vector.len();
            if given != dim {
                return Err(DensityError::Pair { given, dim });
            }
            let mut vector = pair.vector.clone();
            let before = norm(&vector);
            let left = orthogonalize(&atoms.vectors, &mut vector).norm;
            if left > DISTINCT * before {
                scale(&mut vector, 1.0 / left);
                atoms.vectors.push(vector);
                atoms.values.push(Atom {
                    value: pair.value,
                    residual: pair.residual,
                });
            }
        }
        Ok(atoms)
    }
}
