//! Paths of training as polylines.

use super::landscape::runs;
use super::{Column, Data, Height, Shape, Values};
use landscape_core::{Trajectory, TrajectoryPoint};

/// A path at the height of the loss at the projection where that is known, so that it lies on the plane's
/// mesh; else at the height of the checkpoint's own loss, else at 0. In a volume all three
/// coordinates are places.
pub(super) fn data(trajectory: &Trajectory, dims: usize, height: Height) -> Data {
    let points = &trajectory.points;
    let place = |point: &TrajectoryPoint| {
        let [x, y, z] = point.coords;
        let loss = point.plane_loss.or(point.loss);
        let up = loss.map(|loss| height.of(loss)).filter(|z| z.is_finite());
        match dims {
            1 => [x, 0.0, up.unwrap_or(0.0)],
            2 => [x, y, up.unwrap_or(0.0)],
            _ => [x, y, z],
        }
    };
    let finite = |point: &TrajectoryPoint| point.coords.iter().all(|c| c.is_finite());
    let known: Vec<bool> = points.iter().map(finite).collect();
    let of = |value: fn(&TrajectoryPoint) -> Option<f64>| -> Vec<f64> {
        points
            .iter()
            .map(|point| value(point).unwrap_or(f64::NAN))
            .collect()
    };
    let steps = points.iter().map(|point| point.step as i64);
    Data {
        shape: Shape::Mesh {
            points: points.iter().map(place).collect(),
            lines: runs(&known),
            quads: Vec::new(),
        },
        columns: vec![
            Column::f64("loss", of(|point| point.loss)),
            Column::f64("plane_loss", of(|point| point.plane_loss)),
            Column::f64("residual", of(|point| Some(point.residual))),
            Column {
                name: "step".to_owned(),
                values: Values::I64(steps.collect()),
            },
        ],
    }
}
