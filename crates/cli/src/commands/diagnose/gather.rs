//! What the store holds of a training.

use super::Evidence;
use crate::commands::trajectory::Path;
use crate::error::CliError;
use landscape_core::{
    PathOptions, PathPlane, PathSource, Position, Surface, Trajectory, Value, metrics,
};
use landscape_models::ModelSpec;
use landscape_storage::{Error, NamedTrajectory, Run, RunKind, Status, Store, TrainRecord};

/// How much is done for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What is stored is read.
    Stored,
    /// Paths that are not stored are analysed.
    Paths,
}

/// The evidence of each training that a run is about: one, or as many as it has paths.
pub fn gather(store: &Store, run: &Run, depth: Depth) -> Result<Vec<Evidence>, CliError> {
    let paths = store.load_trajectories(run)?;
    match run.kind {
        RunKind::Hessian | RunKind::Curve => Ok(Vec::new()),
        RunKind::Train => Ok(vec![of_training(store, run, depth)?]),
        // A curve between networks is no training.
        _ if paths.is_empty() || run.settings.get("curve").is_some() => {
            Ok(vec![of_landscape(store, run)?])
        }
        _ => {
            let surface = surface_of(store, run)?;
            let one = |named| of_path(store, run, surface.as_ref(), named);
            paths.iter().map(one).collect()
        }
    }
}

/// Of a training, with a path and a landscape of it where there are such.
fn of_training(store: &Store, run: &Run, depth: Depth) -> Result<Evidence, CliError> {
    let records = store.records(run)?;
    let mut evidence = Evidence {
        label: run.name.clone(),
        trained: Some(run.clone()),
        losses: records.iter().filter_map(|record| record.loss).collect(),
        records,
        ..Evidence::default()
    };
    let runs = store.runs()?.into_iter().map(|summary| summary.run);
    let complete: Vec<Run> = runs.filter(|run| run.status == Status::Complete).collect();
    let mut followed: Vec<&Run> = { complete.iter().rev() }
        .filter(|run| run.kind == RunKind::Trajectory)
        .collect();
    // The plane of this path alone comes before those of several.
    let paths = |run: &&Run| run.provenance.get("paths")?.as_array().map(Vec::len);
    followed.sort_by_key(paths);
    for other in followed {
        let Some(path) = path_in(store, other, &evidence)? else {
            continue;
        };
        let surface = surface_of(store, other)?;
        if evidence.coordinates.is_empty() || surface.is_some() {
            evidence.take_path(&path);
        }
        if let Some(surface) = surface {
            evidence.take_surface(other, &surface, end_of(&path), evidence.explained);
            break;
        }
    }
    if evidence.metrics.is_none() {
        around(store, run, &complete, &mut evidence)?;
    }
    if evidence.coordinates.is_empty()
        && depth == Depth::Paths
        && let Some(path) = projected(store, run)?
    {
        evidence.take_path(&path);
    }
    Ok(evidence)
}

/// The path of a training in a trajectory run, where it is that of the stored records.
fn path_in(
    store: &Store,
    other: &Run,
    evidence: &Evidence,
) -> Result<Option<Trajectory>, CliError> {
    let paths = store.load_trajectories(other)?;
    let own = paths
        .into_iter()
        .find(|named| named.label == evidence.label);
    let own = own.map(|named| named.trajectory);
    Ok(own.filter(|path| is_whole(path, &evidence.records)))
}

/// Whether a path leads to the end of the records.
fn is_whole(path: &Trajectory, records: &[TrainRecord]) -> bool {
    let (Some(point), Some(record)) = (path.points.last(), records.last()) else {
        return false;
    };
    let begins = path.points.first().map(|p| p.step) == records.first().map(|r| r.step);
    let same = match (point.loss, record.loss) {
        (Some(a), Some(b)) => {
            (a - b).abs() <= 1e-3 * b.abs() || a.is_nan() == b.is_nan() && !a.is_finite()
        }
        _ => true,
    };
    begins && point.step == record.step && same
}

/// A landscape around the end of a training.
fn around(
    store: &Store,
    run: &Run,
    complete: &[Run],
    evidence: &mut Evidence,
) -> Result<(), CliError> {
    let planes = complete.iter().rev();
    let mut planes = planes
        .filter(|r| matches!(r.kind, RunKind::Surface | RunKind::Volume))
        .filter(|r| r.settings.get("data") == run.settings.get("data"))
        .peekable();
    if planes.peek().is_none() {
        return Ok(());
    }
    let Some(last) = store.last_checkpoint(run)? else {
        return Ok(());
    };
    let digest = last.params.digest();
    let same = |r: &&Run| r.settings.get("weights").and_then(|w| w.as_str()) == Some(&digest);
    if let Some(plane) = planes.find(same)
        && let Some(surface) = surface_of(store, plane)?
    {
        evidence.take_surface(plane, &surface, [0.0; 3], None);
    }
    Ok(())
}

/// The path on its own components; nothing where it has none, as after a divergence.
fn projected(store: &Store, run: &Run) -> Result<Option<Trajectory>, CliError> {
    let spec = run.settings.get("model").and_then(|m| m.as_str());
    let Some(Ok(spec)) = spec.map(str::parse::<ModelSpec>) else {
        return Ok(None);
    };
    let path = Path::of_run(run, &spec, store)?;
    let source = PathSource {
        steps: &path.steps,
        rows: &path,
    };
    let plane = PathPlane::fit_sources(&[source], &PathOptions::default());
    Ok(plane
        .ok()
        .and_then(|plane| plane.trajectories.into_iter().next()))
}

/// Of one path on a plane.
fn of_path(
    store: &Store,
    run: &Run,
    surface: Option<&Surface>,
    named: &NamedTrajectory,
) -> Result<Evidence, CliError> {
    let path = &named.trajectory;
    let mut evidence = Evidence {
        label: named.label.clone(),
        losses: path.points.iter().filter_map(|point| point.loss).collect(),
        ..Evidence::default()
    };
    let steps = path.points.first().zip(path.points.last());
    let trained = optional(store.find(&named.label))?.filter(|run| run.kind == RunKind::Train);
    if let (Some(trained), Some((first, last))) = (trained, steps) {
        let inside = |record: &TrainRecord| (first.step..=last.step).contains(&record.step);
        let records = store.records(&trained)?;
        evidence.records = records.into_iter().filter(inside).collect();
        evidence.trained = Some(trained);
    }
    evidence.take_path(path);
    if let Some(surface) = surface {
        evidence.take_surface(run, surface, end_of(path), evidence.explained);
    }
    Ok(evidence)
}

/// Of a landscape, with the training that led to its middle.
fn of_landscape(store: &Store, run: &Run) -> Result<Evidence, CliError> {
    let mut evidence = Evidence {
        label: run.name.clone(),
        ..Evidence::default()
    };
    let weights = run.provenance.get("weights");
    let name = weights.and_then(|w| w.get("run")?.as_str());
    let step = weights.and_then(|w| w.get("step")?.as_u64());
    if let (Some(name), Some(step)) = (name, step)
        && let Some(trained) = optional(store.find(name))?.filter(|r| r.kind == RunKind::Train)
    {
        let records = store.records(&trained)?.into_iter();
        evidence.records = records.filter(|record| record.step <= step).collect();
        let losses = evidence.records.iter().filter_map(|record| record.loss);
        evidence.losses = losses.collect();
        evidence.trained = Some(trained);
    }
    if let Some(surface) = surface_of(store, run)? {
        evidence.take_surface(run, &surface, [0.0; 3], None);
    }
    Ok(evidence)
}

impl Evidence {
    fn take_path(&mut self, path: &Trajectory) {
        self.coordinates = path.points.iter().map(|point| point.coords).collect();
        let shares = &path.explained_variance;
        let joint: Option<f64> = (!shares.is_empty()).then(|| shares.iter().sum());
        // A joint plane may explain other paths than this one.
        self.explained = joint.map(|joint| joint.min(own_share(path)));
    }

    fn take_surface(
        &mut self,
        run: &Run,
        surface: &Surface,
        at: landscape_core::Point,
        seen: Option<f64>,
    ) {
        let shape: Vec<String> = surface
            .grid()
            .shape()
            .iter()
            .map(ToString::to_string)
            .collect();
        self.surface = Some(format!("{}, {} points", run.name, shape.join("x")));
        self.metrics = metrics(surface).ok();
        self.position = Position::of(surface, Value::Loss, at);
        self.seen = seen;
    }
}

/// Share of a path's scatter that lies within the plane.
fn own_share(path: &Trajectory) -> f64 {
    let count = path.points.len() as f64;
    let mean = [0, 1, 2].map(|k| path.points.iter().map(|p| p.coords[k]).sum::<f64>() / count);
    let within = |c: &landscape_core::Point| -> f64 {
        c.iter().zip(&mean).map(|(c, m)| (c - m).powi(2)).sum()
    };
    let inside: f64 = path.points.iter().map(|p| within(&p.coords)).sum();
    let outside: f64 = path.points.iter().map(|p| p.residual.powi(2)).sum();
    match inside + outside > 0.0 {
        true => inside / (inside + outside),
        false => 1.0,
    }
}

fn end_of(path: &Trajectory) -> landscape_core::Point {
    path.points.last().map_or([0.0; 3], |point| point.coords)
}

/// The landscape of a run; nothing where it has none.
fn surface_of(store: &Store, run: &Run) -> Result<Option<Surface>, CliError> {
    optional(store.load_surface(run))
}

fn optional<T>(found: Result<T, Error>) -> Result<Option<T>, CliError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::Lacks { .. } | Error::UnknownRun { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
