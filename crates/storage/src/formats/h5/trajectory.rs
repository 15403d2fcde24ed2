//! Paths of training, projected.

use super::directions::EXPLAINED;
use super::hdf5::{Node, Values};
use super::save;
use crate::error::Error;
use landscape_core::{Trajectory, TrajectoryPoint};
use std::path::Path;

/// The coordinates of each checkpoint; the programs that this layout comes from know the first two.
const COORDINATES: [&str; 3] = ["proj_xcoord", "proj_ycoord", "proj_zcoord"];

/// One number of a checkpoint.
type Measure = fn(&TrajectoryPoint) -> Option<f64>;

/// Writes a path with as many coordinates as its plane has directions.
pub(crate) fn write(trajectory: &Trajectory, dims: usize, path: &Path) -> Result<(), Error> {
    let points = &trajectory.points;
    let list = |values: Vec<f64>| Node::f64(vec![values.len()], values);
    let mut entries = Vec::new();
    for (axis, name) in COORDINATES.iter().enumerate().take(dims) {
        let values = points.iter().map(|point| point.coords[axis]);
        entries.push(((*name).to_owned(), list(values.collect())));
    }
    let steps: Vec<i64> = points.iter().map(|point| point.step as i64).collect();
    let shape = vec![steps.len()];
    let values = Values::I64(steps.into());
    entries.push(("step".to_owned(), Node::Array { shape, values }));
    let columns: [(&str, Measure); 3] = [
        ("loss", |point| point.loss),
        ("plane_loss", |point| point.plane_loss),
        ("residual", |point| Some(point.residual)),
    ];
    for (name, value) in columns {
        let values = points.iter().map(|point| value(point).unwrap_or(f64::NAN));
        entries.push((name.to_owned(), list(values.collect())));
    }
    if !trajectory.explained_variance.is_empty() {
        entries.push((
            EXPLAINED.to_owned(),
            list(trajectory.explained_variance.clone()),
        ));
    }
    save(&Node::Group(entries), path)
}
