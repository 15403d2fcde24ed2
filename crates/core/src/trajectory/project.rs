use super::{Projection, TrajectoryError};
use crate::grid::Point;
use crate::params::Params;
use crate::plane::Plane;

/// Coordinates of parameters on a plane and their distance to it.
///
/// # Errors
/// When the layouts differ, or the directions are linearly dependent.
pub fn project(
    params: &Params,
    plane: &Plane,
    projection: Projection,
) -> Result<(Point, f64), TrajectoryError> {
    let _ = (params, plane, projection);
    todo!()
}
