//! An affine line, plane or volume in parameter space.

use crate::direction::Direction;
use crate::grid::Point;
use crate::params::{Params, ParamsError};

/// `theta(a, b, c) = origin + a d1 + b d2 + c d3`, with one to three directions.
#[derive(Debug, Clone)]
pub struct Plane {
    origin: Params,
    directions: Vec<Direction>,
}

/// Why directions do not make a plane.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlaneError {
    /// There are not one, two or three directions.
    #[error("a plane has 1 to 3 directions, not {given}")]
    Dimensions {
        /// How many there are.
        given: usize,
    },
    /// A direction does not have the parameters' layout.
    #[error("direction {} does not fit the parameters", index + 1)]
    Layout {
        /// Which one, from 0.
        index: usize,
        /// What does not fit.
        #[source]
        source: ParamsError,
    },
    /// A direction does not move at all, or is not finite.
    #[error("direction {} has norm {norm}", index + 1)]
    Degenerate {
        /// Which one, from 0.
        index: usize,
        /// Its norm: zero, infinite or NaN.
        norm: f64,
    },
}

impl Plane {
    /// A plane through `origin`.
    ///
    /// # Errors
    /// When there are not 1 to 3 directions, when one has another layout than `origin`, or when
    /// one moves nothing or is not finite. One that moves buffers alone (running statistics) has the norm 0 and
    /// makes a plane.
    pub fn new(origin: Params, directions: Vec<Direction>) -> Result<Self, PlaneError> {
        if !(1..=3).contains(&directions.len()) {
            return Err(PlaneError::Dimensions {
                given: directions.len(),
            });
        }
        for (index, direction) in directions.iter().enumerate() {
            origin
                .same_layout(&direction.tensors)
                .map_err(|source| PlaneError::Layout { index, source })?;
            let norm = direction.norm();
            if !direction.moves() {
                return Err(PlaneError::Degenerate { index, norm });
            }
        }
        Ok(Plane { origin, directions })
    }

    /// The parameters at the point 0.
    pub fn origin(&self) -> &Params {
        &self.origin
    }

    /// The directions, in the order of the grid's axes; all of the layout of the origin.
    pub fn directions(&self) -> &[Direction] {
        &self.directions
    }

    /// Number of directions: 1, 2 or 3.
    pub fn dims(&self) -> usize {
        self.directions.len()
    }

    /// The parameters at a point: f64 arithmetic, rounded once to f32. Coordinates beyond
    /// [`Plane::dims`] are ignored. Buffers move only where a direction moves them.
    pub fn at(&self, point: Point) -> Params {
        let mut params = self.origin.clone();
        for (index, tensor) in params.tensors_mut().iter_mut().enumerate() {
            let moves: Vec<(f64, &[f32])> = self
                .directions
                .iter()
                .zip(point)
                .map(|(d, c)| (c, d.tensors.tensor(index).data.as_slice()))
                .collect();
            for (i, value) in tensor.data.iter_mut().enumerate() {
                let moved = moves
                    .iter()
                    .fold(f64::from(*value), |sum, (c, d)| sum + c * f64::from(d[i]));
                *value = moved as f32;
            }
        }
        params
    }

    /// Norm of each direction.
    pub fn norms(&self) -> Vec<f64> {
        self.directions.iter().map(Direction::norm).collect()
    }

    /// Cosines between all pairs of directions; 1 on the diagonal.
    pub fn cosines(&self) -> Vec<Vec<f64>> {
        let gram = self.gram();
        // A direction that moves buffers alone is at right angles to all others.
        let cosine = |i: usize, j: usize| match gram[i][i] * gram[j][j] {
            _ if i == j => 1.0,
            0.0 => 0.0,
            squares => gram[i][j] / squares.sqrt(),
        };
        (0..self.dims())
            .map(|i| (0..self.dims()).map(|j| cosine(i, j)).collect())
            .collect()
    }

    /// Inner products of all pairs of directions.
    pub(crate) fn gram(&self) -> Vec<Vec<f64>> {
        let row = |a: &Direction| {
            self.directions
                .iter()
                .map(|b| a.tensors.dot_unchecked(&b.tensors))
                .collect()
        };
        self.directions.iter().map(row).collect()
    }
}
