//! Gram-Schmidt that holds after normalisation.

use super::{Direction, DirectionError};
use crate::numeric::dot64;
use crate::params::Role;

/// Sine below which a direction counts as lying in the span of the others: f32 values do not
/// determine a smaller remainder.
const PARALLEL: f64 = 1e-6;

/// Makes each direction orthogonal to all before it and gives it back the norm it had:
/// `d2 - (d1.d2)/(d1.d1) d1`, then scaled. Apply it *after* normalisation, which would otherwise
/// undo it; the norm of the whole direction is kept, those of its filters only about.
///
/// Each direction is projected twice (modified Gram-Schmidt with re-orthogonalisation), in f64, and
/// rounded once. Buffers, where they move, are combined with the same coefficients.
///
/// # Errors
/// When layouts differ, when a direction has no length or is not finite, or when it is parallel to
/// the span of those before it; the directions are then as they were.
pub fn orthogonalize(directions: &mut [Direction]) -> Result<(), DirectionError> {
    for pair in directions.windows(2) {
        pair[0].tensors.same_layout(&pair[1].tensors)?;
    }
    let mut done: Vec<Flat> = Vec::with_capacity(directions.len());
    for (index, direction) in directions.iter().enumerate() {
        let mut flat = Flat::of(direction);
        let norm = flat.norm();
        if !(norm.is_finite() && norm > 0.0) {
            return Err(DirectionError::Degenerate { index, norm });
        }
        for _ in 0..2 {
            for basis in &done {
                flat.remove(basis);
            }
        }
        let remainder = flat.norm() / norm;
        if remainder < PARALLEL {
            return Err(DirectionError::Parallel { index, remainder });
        }
        flat.scale(1.0 / remainder);
        done.push(flat);
    }
    for (direction, flat) in directions.iter_mut().zip(&done).skip(1) {
        flat.store(direction);
    }
    Ok(())
}

/// A direction in f64: parameters in one vector, buffers in another.
struct Flat {
    weights: Vec<f64>,
    buffers: Vec<f64>,
}

impl Flat {
    fn of(direction: &Direction) -> Self {
        let mut flat = Flat {
            weights: Vec::with_capacity(direction.tensors.numel()),
            buffers: Vec::new(),
        };
        for tensor in &direction.tensors {
            let values = tensor.data.iter().map(|&v| f64::from(v));
            match tensor.role {
                Role::Buffer => flat.buffers.extend(values),
                _ => flat.weights.extend(values),
            }
        }
        flat
    }

    fn norm(&self) -> f64 {
        dot64(&self.weights, &self.weights).sqrt()
    }

    fn remove(&mut self, basis: &Flat) {
        let share = dot64(&self.weights, &basis.weights) / dot64(&basis.weights, &basis.weights);
        let subtract = |values: &mut [f64], from: &[f64]| {
            for (value, b) in values.iter_mut().zip(from) {
                *value -= share * b;
            }
        };
        subtract(&mut self.weights, &basis.weights);
        subtract(&mut self.buffers, &basis.buffers);
    }

    fn scale(&mut self, factor: f64) {
        for value in self.weights.iter_mut().chain(&mut self.buffers) {
            *value *= factor;
        }
    }

    fn store(&self, direction: &mut Direction) {
        let mut weights = self.weights.iter();
        let mut buffers = self.buffers.iter();
        for tensor in direction.tensors.tensors_mut() {
            let values = match tensor.role {
                Role::Buffer => &mut buffers,
                _ => &mut weights,
            };
            for (to, from) in tensor.data.iter_mut().zip(values) {
                *to = *from as f32;
            }
        }
    }
}
