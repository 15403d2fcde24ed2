//! The path of training: principal components of its checkpoints, and its shadow on a plane.

mod columns;
mod error;
mod fidelity;
mod krylov;
mod path;
mod pca;
mod project;
mod source;
mod steps;
mod tall;
#[allow(unsafe_code)]
mod thin;

pub use error::TrajectoryError;
pub use fidelity::Fidelity;
pub use path::{Origin, PathOptions, PathPlane, PathSource, ranges};
pub use pca::{Pca, PcaOptions};
pub use project::{Projector, project};
pub use source::{Joined, RowError, RowIter, RowSource, StreamError};
pub use steps::is_logarithmic_step;

use crate::grid::Point;
use crate::names::named;
use crate::params::Params;
use crate::plane::Plane;
use crate::surface::{Surface, Value};
use serde::{Deserialize, Serialize};

/// Parameters recorded while training.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Optimiser step, 0 before the first.
    pub step: u64,
    /// The parameters then.
    pub params: Params,
}

/// How a displacement gets its coordinates on a plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Projection {
    /// `<theta - origin, d> / ||d||` for each direction on its own: arc length along `d`, as in
    /// Li et al. The plane's own coordinates only when the directions are orthonormal, as principal
    /// components are.
    Cos,
    /// Least squares: the coordinates of the nearest point of the plane, right for any directions.
    #[default]
    #[serde(rename = "lstsq")]
    LeastSquares,
}

named!(Projection, "projection", {
    Cos => "cos",
    LeastSquares => "lstsq",
});

/// One checkpoint on a plane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrajectoryPoint {
    /// Optimiser step.
    pub step: u64,
    /// Coordinates on the plane.
    pub coords: Point,
    /// Distance to the nearest point of the plane, over all tensors but buffers.
    pub residual: f64,
    /// The true loss of the checkpoint.
    pub loss: Option<f64>,
    /// The loss at the projection, `coords`: what a picture shows there.
    pub plane_loss: Option<f64>,
}

/// A path on a plane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trajectory {
    /// The checkpoints, in the order given.
    pub points: Vec<TrajectoryPoint>,
    /// Share of the path's variance along each direction; empty for planes that are not PCA planes.
    pub explained_variance: Vec<f64>,
    /// How coordinates were found.
    pub projection: Projection,
}

impl Trajectory {
    /// The checkpoints projected on a plane; losses are left open.
    ///
    /// # Errors
    /// When a checkpoint does not have the plane's layout, or, for least squares, when the plane's
    /// directions are linearly dependent.
    pub fn project<'a>(
        checkpoints: impl IntoIterator<Item = &'a Checkpoint>,
        plane: &Plane,
        projection: Projection,
    ) -> Result<Self, TrajectoryError> {
        let projector = Projector::new(plane, projection)?;
        let point = |(index, checkpoint): (usize, &Checkpoint)| -> Result<_, TrajectoryError> {
            let fits = plane.origin().same_layout(&checkpoint.params);
            fits.map_err(|source| TrajectoryError::Layout { index, source })?;
            let (coords, residual) = projector.project(&checkpoint.params)?;
            Ok(TrajectoryPoint {
                step: checkpoint.step,
                coords,
                residual,
                loss: None,
                plane_loss: None,
            })
        };
        Ok(Trajectory {
            points: checkpoints
                .into_iter()
                .enumerate()
                .map(point)
                .collect::<Result<_, _>>()?,
            explained_variance: Vec::new(),
            projection,
        })
    }

    /// Fills `plane_loss` by interpolation of a surface sampled on the same plane, where the path is
    /// on the surface and the loss at the projection is not known yet.
    pub fn interpolate_plane_loss(&mut self, surface: &Surface) {
        for point in &mut self.points {
            point.plane_loss = point
                .plane_loss
                .or_else(|| surface.interpolate(Value::Loss, point.coords));
        }
    }
}
