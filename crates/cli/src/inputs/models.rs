//! Models that a plane goes through: where they lie on it, and what lies between them.

use super::Problem;
use crate::args::BatchNorm;
use crate::error::CliError;
use crate::output::Console;
use landscape_core::{
    Direction, Grid, Params, Plane, Projection, Role, path_text, project, text_path,
};
use landscape_models::ModelSpec;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A model whose distance from the plane is below this share of its distance from the origin lies
/// on the plane.
const ON_PLANE: f64 = 1e-4;

/// A model on a plane.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// What it is called in figures.
    pub name: String,
    /// Its file, where it has one.
    pub file: Option<PathBuf>,
    /// Its coordinates, one an axis.
    pub at: Vec<f64>,
}

impl Place {
    /// The model at the origin.
    fn origin(problem: &Problem, dims: usize) -> Self {
        let word = |name: &str| problem.weights.get(name).and_then(Value::as_str);
        let step = problem.weights.get("step").and_then(Value::as_u64);
        let file = word("file").map(text_path);
        let name = match (&file, word("run"), step) {
            (Some(file), _, _) => stem(file),
            (None, Some(run), Some(step)) => format!("{run}, step {step}"),
            _ => "initial point".to_owned(),
        };
        let at = vec![0.0; dims];
        Place { name, file, at }
    }

    fn to_json(&self) -> Value {
        let file = self.file.as_deref().map(path_text);
        json!({"name": self.name, "file": file, "at": self.at})
    }

    fn from_json(value: &Value) -> Option<Self> {
        let at = value.get("at")?.as_array()?;
        Some(Place {
            name: value.get("name")?.as_str()?.to_owned(),
            file: value.get("file").and_then(Value::as_str).map(text_path),
            at: at.iter().map(Value::as_f64).collect::<Option<_>>()?,
        })
    }
}

fn stem(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or(file.as_os_str());
    stem.to_string_lossy().into_owned()
}

/// The model at the origin and the `others`, each with its file and, where the direction towards it
/// was changed after it was taken, `false`. One that lies beside the plane then is left out.
///
/// # Errors
/// When the directions do not span the plane.
pub fn places(
    problem: &Problem,
    plane: &Plane,
    others: &[(PathBuf, Params, bool)],
) -> Result<Vec<Place>, CliError> {
    let mut places = vec![Place::origin(problem, plane.dims())];
    for (axis, (file, params, exact)) in others.iter().enumerate() {
        let at = match exact {
            true => Some((0..plane.dims()).map(|k| f64::from(k == axis)).collect()),
            false => nearest(plane, params)?,
        };
        places.extend(at.map(|at| Place {
            name: stem(file),
            file: Some(file.clone()),
            at,
        }));
    }
    tell_apart(&mut places);
    Ok(places)
}

fn nearest(plane: &Plane, params: &Params) -> Result<Option<Vec<f64>>, CliError> {
    let (point, distance) = project(params, plane, Projection::LeastSquares)?;
    let way = Direction::between(plane.origin(), params)?.norm();
    Ok((distance <= ON_PLANE * way).then(|| point[..plane.dims()].to_vec()))
}

/// Files of one name are told apart by their whole paths.
fn tell_apart(places: &mut [Place]) {
    let names: Vec<String> = places.iter().map(|place| place.name.clone()).collect();
    for place in places {
        let twins = names.iter().filter(|name| **name == place.name).count();
        if let Some(file) = place.file.as_ref().filter(|_| twins > 1) {
            place.name = file.display().to_string();
        }
    }
}

/// For the provenance of a run; `null` where it goes through one model alone.
pub fn places_json(places: &[Place]) -> Value {
    match places.len() {
        0 | 1 => Value::Null,
        _ => places.iter().map(Place::to_json).collect(),
    }
}

/// The models of a stored run, from its provenance; none where it goes through one alone.
pub fn stored_places(provenance: &Value) -> Vec<Place> {
    let all = provenance.get("models").and_then(Value::as_array);
    let all = all.into_iter().flatten();
    all.filter_map(Place::from_json).collect()
}

/// Whether a line leads to a model at the coordinate 1.
pub fn ends_at_models(places: &[Place]) -> bool {
    places.iter().any(|place| place.at == [1.0])
}

/// Whether a direction moves the running statistics of normalisation layers.
pub fn moves_statistics(direction: &Direction) -> bool {
    let moved = |p: &landscape_core::Parameter| {
        p.role == Role::Buffer && p.data.iter().any(|&value| value != 0.0)
    };
    direction.tensors.iter().any(moved)
}

/// Says that a mode of BatchNorm layers changes nothing, where a network has none.
pub fn say_without_statistics(
    mode: BatchNorm,
    spec: &ModelSpec,
    params: &Params,
    console: &Console,
) {
    let has = params.iter().any(|tensor| tensor.role == Role::Buffer);
    if mode != BatchNorm::Frozen && !has {
        console.note(format_args!(
            "{spec} has no BatchNorm layers: --batch-norm {} changes nothing",
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
