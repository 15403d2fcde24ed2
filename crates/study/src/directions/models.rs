//! Networks that a plane goes through: where they lie on it, and what lies between them.

use crate::StudyError;
use crate::problem::{Model, Problem};
use crate::record::{Origin, PlacedNetwork, stem};
use crate::report::Reporter;
use landscape_core::{Direction, Grid, Params, Plane, Projection, Role, project};
use landscape_trace::BatchStatistics;
use std::path::PathBuf;

/// A model whose distance from the plane is below this share of its distance from the origin lies
/// on the plane.
const ON_PLANE: f64 = 1e-4;

/// Another network: its file, its parameters, and whether the direction towards it stays as it is taken.
pub(super) struct Other {
    pub file: PathBuf,
    pub params: Params,
    pub exact: bool,
}

/// The network at the origin and the `others`. One that lies beside the plane, since the direction towards it was changed
/// after it was taken, is left out.
pub(super) fn placed_networks(
    problem: &Problem,
    plane: &Plane,
    others: &[Other],
) -> Result<Vec<PlacedNetwork>, StudyError> {
    let mut networks = vec![at_origin(problem, plane.dims())];
    for (axis, other) in others.iter().enumerate() {
        let at = match other.exact {
            true => Some((0..plane.dims()).map(|k| f64::from(k == axis)).collect()),
            false => nearest(plane, &other.params)?,
        };
        networks.extend(at.map(|at| PlacedNetwork {
            name: stem(&other.file),
            file: Some(other.file.clone()),
            at,
        }));
    }
    tell_apart(&mut networks);
    Ok(networks)
}

/// The network at the origin.
fn at_origin(problem: &Problem, dims: usize) -> PlacedNetwork {
    let file = problem.origin.as_file();
    let name = match (&problem.origin, &file) {
        (_, Some(file)) => stem(file),
        (Origin::Run { run, step }, _) => format!("{run}, step {step}"),
        _ => "initial point".to_owned(),
    };
    let at = vec![0.0; dims];
    PlacedNetwork { name, file, at }
}

fn nearest(plane: &Plane, params: &Params) -> Result<Option<Vec<f64>>, StudyError> {
    let (point, distance) = project(params, plane, Projection::LeastSquares)?;
    let way = Direction::between(plane.origin(), params)?.norm();
    Ok((distance <= ON_PLANE * way).then(|| point[..plane.dims()].to_vec()))
}

/// Files of one name are told apart by their whole paths.
fn tell_apart(networks: &mut [PlacedNetwork]) {
    let names: Vec<String> = networks
        .iter()
        .map(|network| network.name.clone())
        .collect();
    for network in networks {
        let twins = names.iter().filter(|name| **name == network.name).count();
        if let Some(file) = network.file.as_ref().filter(|_| twins > 1) {
            network.name = file.display().to_string();
        }
    }
}

/// Whether a line leads to a network at the coordinate 1.
pub fn ends_at_models(networks: &[PlacedNetwork]) -> bool {
    networks.iter().any(|network| network.at == [1.0])
}

/// Whether a direction moves the running statistics of normalisation layers.
pub fn moves_statistics(direction: &Direction) -> bool {
    let moved = |p: &landscape_core::Parameter| {
        p.role == Role::Buffer && p.data.iter().any(|&value| value != 0.0)
    };
    direction.tensors.iter().any(moved)
}

/// Running statistics that are measured anew at every point make no difference between two networks.
///
/// # Errors
/// [`StudyError::StatisticsMeasured`] where nothing else does.
pub fn check_statistics(
    direction: &Direction,
    statistics: BatchStatistics,
) -> Result<(), StudyError> {
    let frozen = statistics == BatchStatistics::Frozen;
    match frozen || direction.norm() > 0.0 || !direction.moves() {
        true => Ok(()),
        false => Err(StudyError::StatisticsMeasured {
            mode: statistics.name(),
        }),
    }
}

/// Says that a mode of BatchNorm layers changes nothing, where a network has none.
pub fn say_without_statistics(
    mode: BatchStatistics,
    model: &Model,
    params: &Params,
    reporter: &dyn Reporter,
) {
    let has = params.iter().any(|tensor| tensor.role == Role::Buffer);
    if mode != BatchStatistics::Frozen && !has {
        reporter.note(format_args!(
            "{model} has no BatchNorm layers: the mode {} changes nothing",
            mode.name()
        ));
    }
}

/// The lowest running variance on a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Lowest {
    /// Name of its tensor.
    pub name: String,
    /// The variance.
    pub value: f64,
    /// Where it is reached, one coordinate an axis.
    pub at: Vec<f64>,
}

/// The lowest running variance on a grid, where it is below zero: it is affine in the coordinates, so
/// that a corner has it.
pub fn negative_variance(plane: &Plane, grid: &Grid) -> Option<Lowest> {
    let mut lowest: Option<Lowest> = None;
    if !plane.directions().iter().any(moves_statistics) {
        return None;
    }
    for corner in corners(grid) {
        let mut point = [0.0; 3];
        point[..corner.len()].copy_from_slice(&corner);
        for tensor in &plane.at(point) {
            if !tensor.name.ends_with("running_var") {
                continue;
            }
            let least = tensor.data.iter().copied().fold(f32::INFINITY, f32::min);
            let value = f64::from(least);
            if value < lowest.as_ref().map_or(0.0, |lowest| lowest.value) {
                let (name, at) = (tensor.name.clone(), corner.clone());
                lowest = Some(Lowest { name, value, at });
            }
        }
    }
    lowest
}

/// The corners of a grid, in grid order.
pub fn corners(grid: &Grid) -> Vec<Vec<f64>> {
    grid.axes().iter().fold(vec![Vec::new()], |corners, axis| {
        let ends = [axis.value(0), axis.value(axis.count() - 1)];
        let ends = &ends[..axis.count().min(2)];
        let longer = |corner: &Vec<f64>| {
            let one = |&end: &f64| corner.iter().copied().chain([end]).collect();
            ends.iter().map(one).collect::<Vec<Vec<f64>>>()
        };
        corners.iter().flat_map(longer).collect()
    })
}
