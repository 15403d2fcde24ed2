//! Coordinates on a plane, and the distance to it.

use super::{Projection, TrajectoryError};
use crate::grid::Point;
use crate::numeric::dot64;
use crate::params::{Params, Role};
use crate::plane::Plane;
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

/// Smallest eigenvalue of the cosine matrix of directions that still span a plane.
const INDEPENDENT: f64 = 1e-12;

/// Coordinates of parameters on a plane, and their distance to its nearest point.
///
/// With `x = theta - origin` over all tensors but buffers: [`Projection::Cos`] gives
/// `<x, d_k> / ||d_k||`, [`Projection::LeastSquares`] the `c` that solves `G c = (<x, d_k>)_k` with
/// the Gram matrix `G` of the directions. The distance is `||x - sum_k c_k d_k||` with the least
/// squares `c` in both cases, summed value by value in f64.
///
/// # Errors
/// When the layouts differ, or the directions are linearly dependent.
pub fn project(
    params: &Params,
    plane: &Plane,
    projection: Projection,
) -> Result<(Point, f64), TrajectoryError> {
    Projector::new(plane, projection)?.project(params)
}

/// What [`project`] needs to know of a plane, computed once for many parameters.
#[derive(Debug, Clone)]
pub struct Projector<'a> {
    plane: &'a Plane,
    projection: Projection,
    norms: Vec<f64>,
    cosines: Cholesky<f64, Dyn>,
}

impl<'a> Projector<'a> {
    /// A projection onto a plane.
    ///
    /// # Errors
    /// When the directions are linearly dependent.
    pub fn new(plane: &'a Plane, projection: Projection) -> Result<Self, TrajectoryError> {
        let dims = plane.dims();
        let cosines = plane.cosines();
        let matrix = DMatrix::from_fn(dims, dims, |i, j| cosines[i][j]);
        if matrix.symmetric_eigenvalues().min() < INDEPENDENT {
            return Err(TrajectoryError::Dependent);
        }
        Ok(Projector {
            plane,
            projection,
            norms: plane.norms(),
            cosines: matrix.cholesky().ok_or(TrajectoryError::Dependent)?,
        })
    }

    /// Coordinates and distance, see [`project`].
    ///
    /// # Errors
    /// When the layouts differ.
    pub fn project(&self, params: &Params) -> Result<(Point, f64), TrajectoryError> {
        self.plane.origin().same_layout(params)?;
        let along = along(params, self.plane);
        let nearest = self.solve(&along);
        let distance = distance(params, self.plane, &nearest);
        let mut point = [0.0; 3];
        for (k, coordinate) in point.iter_mut().enumerate().take(self.plane.dims()) {
            *coordinate = match self.projection {
                Projection::Cos => along[k] / self.norms[k],
                Projection::LeastSquares => nearest[k],
            };
        }
        Ok((point, distance))
    }

    /// Solves the normal equations, scaled to directions of norm 1.
    fn solve(&self, along: &[f64]) -> Vec<f64> {
        let scaled = along.iter().zip(&self.norms).map(|(a, n)| a / n);
        let right = DVector::from_iterator(along.len(), scaled);
        let solution = self.cosines.solve(&right);
        solution
            .iter()
            .zip(&self.norms)
            .map(|(c, n)| c / n)
            .collect()
    }
}

/// `<x, d_k>` for each direction.
fn along(params: &Params, plane: &Plane) -> Vec<f64> {
    let mut sums = vec![0.0; plane.dims()];
    for index in moving(plane) {
        for (start, len) in pieces(plane, index) {
            let x = displacement(params, plane, index, start, len);
            for (sum, direction) in sums.iter_mut().zip(plane.directions()) {
                let data = &direction.tensors.tensor(index).data[start..start + len];
                *sum += dot64(&x, &widened(data));
            }
        }
    }
    sums
}

/// Values that are worked on together, on the stack.
const PIECE: usize = 256;

/// The tensors that count.
fn moving(plane: &Plane) -> impl Iterator<Item = usize> {
    let tensors = plane.origin().iter().enumerate();
    tensors
        .filter(|(_, t)| t.role != Role::Buffer)
        .map(|(i, _)| i)
}

/// Starts and lengths of the pieces of a tensor.
fn pieces(plane: &Plane, index: usize) -> impl Iterator<Item = (usize, usize)> {
    let numel = plane.origin().tensor(index).numel();
    (0..numel)
        .step_by(PIECE)
        .map(move |start| (start, PIECE.min(numel - start)))
}

fn displacement(
    params: &Params,
    plane: &Plane,
    index: usize,
    start: usize,
    len: usize,
) -> [f64; PIECE] {
    let values = &params.tensor(index).data[start..start + len];
    let origin = &plane.origin().tensor(index).data[start..start + len];
    let mut x = [0.0; PIECE];
    for ((x, v), o) in x.iter_mut().zip(values).zip(origin) {
        *x = f64::from(*v) - f64::from(*o);
    }
    x
}

fn widened(values: &[f32]) -> [f64; PIECE] {
    let mut wide = [0.0; PIECE];
    for (to, from) in wide.iter_mut().zip(values) {
        *to = f64::from(*from);
    }
    wide
}

fn distance(params: &Params, plane: &Plane, coordinates: &[f64]) -> f64 {
    let mut sum = 0.0;
    for index in moving(plane) {
        for (start, len) in pieces(plane, index) {
            let mut x = displacement(params, plane, index, start, len);
            for (c, direction) in coordinates.iter().zip(plane.directions()) {
                let data = &direction.tensors.tensor(index).data[start..start + len];
                for (value, d) in x.iter_mut().zip(data) {
                    *value -= c * f64::from(*d);
                }
            }
            sum += dot64(&x, &x);
        }
    }
    sum.sqrt()
}
