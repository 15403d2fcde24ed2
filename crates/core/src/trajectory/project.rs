//! Coordinates on a plane, and the distance to it.

use super::{Projection, TrajectoryError};
use crate::grid::Point;
use crate::numeric::dot64;
use crate::params::{Params, Role};
use crate::plane::Plane;
use nalgebra::{DMatrix, DVector};

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
    plane.origin.same_layout(params)?;
    let along = along(params, plane);
    let norms = plane.norms();
    let nearest = solve(plane, &norms, &along)?;
    let distance = distance(params, plane, &nearest);
    let mut point = [0.0; 3];
    for (k, coordinate) in point.iter_mut().enumerate().take(plane.dims()) {
        *coordinate = match projection {
            Projection::Cos => along[k] / norms[k],
            Projection::LeastSquares => nearest[k],
        };
    }
    Ok((point, distance))
}

/// `<x, d_k>` for each direction.
fn along(params: &Params, plane: &Plane) -> Vec<f64> {
    let mut sums = vec![0.0; plane.dims()];
    for (index, origin) in plane.origin.iter().enumerate() {
        if origin.role == Role::Buffer {
            continue;
        }
        let x = displacement(params, plane, index);
        for (sum, direction) in sums.iter_mut().zip(&plane.directions) {
            *sum += dot64(&x, &widen(&direction.tensors.tensor(index).data));
        }
    }
    sums
}

fn displacement(params: &Params, plane: &Plane, index: usize) -> Vec<f64> {
    let origin = &plane.origin.tensor(index).data;
    let values = params.tensor(index).data.iter().zip(origin);
    values.map(|(v, o)| f64::from(*v) - f64::from(*o)).collect()
}

fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

/// Solves the normal equations, scaled to directions of norm 1.
fn solve(plane: &Plane, norms: &[f64], along: &[f64]) -> Result<Vec<f64>, TrajectoryError> {
    let dims = plane.dims();
    let cosines = plane.cosines();
    let matrix = DMatrix::from_fn(dims, dims, |i, j| cosines[i][j]);
    if matrix.symmetric_eigenvalues().min() < INDEPENDENT {
        return Err(TrajectoryError::Dependent);
    }
    let right = DVector::from_fn(dims, |k, _| along[k] / norms[k]);
    let scaled = matrix.cholesky().ok_or(TrajectoryError::Dependent)?;
    let solution = scaled.solve(&right);
    Ok(solution.iter().zip(norms).map(|(c, n)| c / n).collect())
}

fn distance(params: &Params, plane: &Plane, coordinates: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (index, origin) in plane.origin.iter().enumerate() {
        if origin.role == Role::Buffer {
            continue;
        }
        let mut x = displacement(params, plane, index);
        for (c, direction) in coordinates.iter().zip(&plane.directions) {
            let data = &direction.tensors.tensor(index).data;
            for (value, d) in x.iter_mut().zip(data) {
                *value -= c * f64::from(*d);
            }
        }
        sum += dot64(&x, &x);
    }
    sum.sqrt()
}
