//! A curve on a plane.

use super::profile::LossProfile;
use crate::StudyError;
use landscape_core::{Checkpoint, Curve, Plane, Projection, Trajectory};

/// The points of a curve on a plane, as a path that figures draw: coordinates by least squares, the distance
/// from the plane, and the losses that were measured along it. On
/// [`Curve::plane`](landscape_core::Curve::plane) a curve with one bend lies exactly. Steps count the
/// points.
///
/// # Errors
/// When the plane does not fit the curve.
pub fn trajectory_on(
    plane: &Plane,
    curve: &Curve,
    profile: &LossProfile,
) -> Result<Trajectory, StudyError> {
    let checkpoint = |(step, t): (usize, f64)| Checkpoint {
        step: step as u64,
        params: curve.at(t),
    };
    let points: Vec<Checkpoint> = profile
        .t()
        .into_iter()
        .enumerate()
        .map(checkpoint)
        .collect();
    let mut path = Trajectory::project(&points, plane, Projection::LeastSquares)?;
    for (index, point) in path.points.iter_mut().enumerate() {
        point.loss = profile.surface.get(index).map(|sample| sample.loss);
    }
    Ok(path)
}
