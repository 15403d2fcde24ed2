use super::{Place, Problem, eigen_directions, gradient_direction, may_save, places};
use crate::args::{BatchNorm, DirectionName, DirectionType, End, PlaneArgs};
use crate::error::CliError;
use landscape_core::{
    Direction, Normalization, Parameter, Params, Pca, Plane, Source, orthogonalize,
};
use landscape_models::{load_network_params, load_weights, save_weights};
use landscape_storage::{Format, Run, Store, import_directions};
use landscape_trace::Target;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A plane, and how it was made.
#[derive(Debug)]
pub struct Directions {
    pub plane: Plane,
    /// Everything that determines the directions, for the identity of a run.
    pub settings: Value,
    /// The model at the origin, and those that the directions lead to.
    pub models: Vec<Place>,
    /// How many directions lead to other models; they come first.
    pub towards: usize,
}

/// The directions that were asked for, through the parameters of the problem.
pub fn build_directions(
    args: &PlaneArgs,
    dims: usize,
    problem: &Problem,
    store: Option<&Store>,
    target: &Target,
) -> Result<Directions, CliError> {
    let others = others(args, dims, problem)?;
    let mut directions = towards(args, &others, problem)?;
    let rest = dims - directions.len();
    if rest > 0 {
        directions.extend(asked(args, directions.len(), rest, problem, store, target)?);
    }
    if args.orthogonal {
        orthogonalize(&mut directions)?;
    }
    let each: Vec<Value> = directions.iter().map(describe_direction).collect();
    let plane = Plane::new(problem.origin.clone(), directions)?;
    Ok(Directions {
        models: places(problem, &plane, &others)?,
        towards: others.len(),
        settings: json!({"each": each, "orthogonal": args.orthogonal}),
        plane,
    })
}

/// Random directions are told by how they are drawn, all others by their values.
pub fn describe_direction(direction: &Direction) -> Value {
    match &direction.source {
        Source::Random {
            seed,
            stream,
            distribution,
        } => json!({
            "source": "random",
            "seed": seed,
            "stream": stream,
            "distribution": distribution.name(),
            "norm": direction.normalization.name(),
            "bias": direction.bias.name(),
        }),
        source => json!({
            "source": source.to_string(),
            "norm": direction.normalization.name(),
            "sha256": direction.tensors.digest(),
        }),
    }
}

/// The models that directions lead to, with their files; and whether the direction stays as it is.
fn others(
    args: &PlaneArgs,
    dims: usize,
    problem: &Problem,
) -> Result<Vec<(PathBuf, Params, bool)>, CliError> {
    if args.to.len() > dims {
        return Err(CliError::Conflict {
            what: format!(
                "--to is given {} times for {dims} direction(s)",
                args.to.len()
            ),
            remedy: format!("give it at most {dims} time(s)"),
        });
    }
    let one = |(axis, path): (usize, &PathBuf)| -> Result<_, CliError> {
        let exact = args.norm.is_none() && (axis == 0 || !args.orthogonal);
        Ok((
            path.clone(),
            load_network_params(path, &problem.spec)?,
            exact,
        ))
    };
    args.to.iter().enumerate().map(one).collect()
}

fn towards(
    args: &PlaneArgs,
    others: &[(PathBuf, Params, bool)],
    problem: &Problem,
) -> Result<Vec<Direction>, CliError> {
    let one = |(path, to, _): &(PathBuf, Params, bool)| -> Result<_, CliError> {
        let both = Direction::between(&problem.origin, to)?;
        if *to == problem.origin {
            return Err(same_network(path));
        }
        let direction = match args.dir_type {
            DirectionType::States => both,
            DirectionType::Weights if !both.clone().without_buffers().moves() => {
                return Err(only_statistics(path));
            }
            DirectionType::Weights => both.without_buffers(),
        };
        scaled(direction, args, problem)
    };
    others.iter().map(one).collect()
}

fn same_network(path: &Path) -> CliError {
    CliError::Conflict {
        what: format!(
            "--to `{}`: it is the network that the line starts from, in all its parameters",
            path.display()
        ),
        remedy: "give another network".to_owned(),
    }
}

fn only_statistics(path: &Path) -> CliError {
    CliError::Conflict {
        what: format!(
            "--to `{}`: its weights are those of the network that the line starts from; running statistics \
             alone differ, and --dir-type weights leaves them in place",
            path.display()
        ),
        remedy: "use --dir-type states to move along them".to_owned(),
    }
}

/// Running statistics that are measured anew at every point make no difference between two networks.
pub fn check_statistics(direction: &Direction, batch_norm: BatchNorm) -> Result<(), CliError> {
    if batch_norm == BatchNorm::Frozen || direction.norm() > 0.0 || !direction.moves() {
        return Ok(());
    }
    Err(CliError::Conflict {
        what: format!(
            "the weights are equal and running statistics alone differ, which --batch-norm {} measures anew: \
             both ends are one network",
            batch_norm.name()
        ),
        remedy: "use --batch-norm frozen to move along the statistics that the files hold"
            .to_owned(),
    })
}

/// Directions that are given are used as they are unless a normalisation is asked for.
fn scaled(
    direction: Direction,
    args: &PlaneArgs,
    problem: &Problem,
) -> Result<Direction, CliError> {
    match args.norm {
        None => Ok(direction),
        Some(norm) => Ok(direction.normalize(&problem.origin, norm, args.bias)?),
    }
}

fn asked(
    args: &PlaneArgs,
    first: usize,
    count: usize,
    problem: &Problem,
    store: Option<&Store>,
    target: &Target,
) -> Result<Vec<Direction>, CliError> {
    let given = match &args.direction {
        DirectionName::Random => return random(args, first, count, problem),
        DirectionName::Pca => principal(problem, store, count)?,
        DirectionName::File(path) => from_file(path, first, count, problem)?,
        DirectionName::Hessian(ends) => {
            eigen_directions(problem, &ends_of(ends, count)?, target, args.seed)?
        }
        DirectionName::Gradient => vec![gradient_direction(problem, target)?],
    };
    let scale = |direction| scaled(direction, args, problem);
    let mut directions = given
        .into_iter()
        .map(scale)
        .collect::<Result<Vec<_>, _>>()?;
    // There is one gradient.
    let known = directions.len();
    directions.extend(random(args, first + known, count - known, problem)?);
    Ok(directions)
}

/// The end that each direction belongs to: the top where nothing is said.
fn ends_of(given: &[End], count: usize) -> Result<Vec<End>, CliError> {
    match given.len() {
        0 => Ok(vec![End::Top; count]),
        n if n == count => Ok(given.to_vec()),
        n => Err(CliError::Conflict {
            what: format!("--direction hessian: names {n} end(s) for {count} direction(s)"),
            remedy: format!("name {count}, each `top` or `bottom`, or give --direction hessian"),
        }),
    }
}

fn random(
    args: &PlaneArgs,
    first: usize,
    count: usize,
    problem: &Problem,
) -> Result<Vec<Direction>, CliError> {
    let norm = args.norm.unwrap_or(Normalization::Filter);
    let draw = |stream: usize| -> Result<_, CliError> {
        let origin = &problem.origin;
        let drawn = Direction::random(origin, args.distribution, args.seed, stream as u64);
        Ok(drawn.normalize(origin, norm, args.bias)?)
    };
    (first..first + count).map(draw).collect()
}

fn principal(
    problem: &Problem,
    store: Option<&Store>,
    count: usize,
) -> Result<Vec<Direction>, CliError> {
    let (Some(store), Some(run)) = (store, &problem.trained) else {
        return Err(CliError::Missing {
            what: "--run",
            remedy: "--direction pca needs the checkpoints of a training run; give its name",
        });
    };
    let rows = path(store, run)?;
    let rows: Vec<&Params> = rows.iter().collect();
    Ok(Pca::fit(&rows, &problem.origin, count)?.components)
}

fn path(store: &Store, run: &Run) -> Result<Vec<Params>, CliError> {
    let checkpoints = store.checkpoints(run)?;
    let params = checkpoints.map(|checkpoint| Ok::<_, CliError>(checkpoint?.params));
    params.collect()
}

fn from_file(
    path: &Path,
    first: usize,
    count: usize,
    problem: &Problem,
) -> Result<Vec<Direction>, CliError> {
    if !path.exists() && path.extension().is_none() {
        let word = path.display();
        return Err(CliError::Conflict {
            what: format!("--direction `{word}` is neither a kind of direction nor a file"),
            remedy: "give random, pca, hessian, gradient, or a file (.safetensors, .h5)".to_owned(),
        });
    }
    if matches!(Format::of_path(path), Ok(Format::H5)) {
        return from_h5(path, first, count, problem);
    }
    let all = load_weights(path)?;
    let wrong = |reason: String| CliError::Directions {
        path: path.to_owned(),
        reason,
    };
    let one = |number: usize| -> Result<_, CliError> {
        let prefix = format!("d{number}.");
        let tensors = with_prefix(&all, &prefix);
        if tensors.is_empty() {
            return Err(wrong(format!(
                "it has no tensors named `{prefix}PARAMETER`, and {count} direction(s) are needed"
            )));
        }
        let tensors = Params::new(tensors).map_err(|error| wrong(error.to_string()))?;
        Direction::from_tensors(tensors, &problem.origin, Source::File).map_err(|error| {
            let reason = std::error::Error::source(&error).map(ToString::to_string);
            wrong(format!(
                "direction {number} does not fit {}: {}",
                problem.spec,
                reason.unwrap_or_else(|| error.to_string())
            ))
        })
    };
    (first + 1..=first + count).map(one).collect()
}

/// From a file in the layout of tomgoldstein/loss-landscape.
fn from_h5(
    path: &Path,
    first: usize,
    count: usize,
    problem: &Problem,
) -> Result<Vec<Direction>, CliError> {
    let all = import_directions(path, &problem.origin)?;
    if all.len() < first + count {
        let (given, needed) = (all.len(), first + count);
        return Err(CliError::Conflict {
            what: format!(
                "directions `{}`: it has {given} direction(s), and {needed} are needed",
                path.display()
            ),
            remedy: "`landscape export NAME --directions` writes those of a run".to_owned(),
        });
    }
    let one = |tensors| Direction::from_tensors(tensors, &problem.origin, Source::File);
    let chosen = all.into_iter().skip(first).take(count).map(one);
    Ok(chosen.collect::<Result<_, _>>()?)
}

fn with_prefix(all: &Params, prefix: &str) -> Vec<Parameter> {
    let stripped = |tensor: &Parameter| {
        let name = tensor.name.strip_prefix(prefix)?.to_owned();
        Some(Parameter {
            name,
            ..tensor.clone()
        })
    };
    all.iter().filter_map(stripped).collect()
}

/// Writes the directions to a file that can be given to `--direction`.
pub fn save_directions(path: &Path, plane: &Plane, force: bool) -> Result<(), CliError> {
    may_save(path, force)?;
    let mut tensors = Vec::new();
    for (place, direction) in plane.directions().iter().enumerate() {
        let named = |tensor: &Parameter| Parameter {
            name: format!("d{}.{}", place + 1, tensor.name),
            ..tensor.clone()
        };
        tensors.extend(direction.tensors.iter().map(named));
    }
    Ok(save_weights(path, &Params::new(tensors)?)?)
}
