//! What the store holds of a training.

use super::Evidence;
use super::evidence::Seen;
use crate::StudyError;
use crate::problem::Model;
use crate::record::{Origin, Provenance, Settings};
use crate::trajectory::PathOfRun;
use landscape_core::{
    Fidelity, PathOptions, PathPlane, PathSource, Point, Position, Surface, Trajectory, Value,
    metrics,
};
use landscape_storage::{Error, NamedTrajectory, Run, RunKind, Status, Store, TrainRecord};

/// Numbers in the checkpoints of a path up to which it is analysed where it is not stored.
const NUMBERS: usize = 1 << 26;

/// The evidence of each training that a run is about: one, or as many as it has paths. Of one network
/// it is the same whichever of its runs is asked for.
///
/// # Errors
/// Those of the store.
pub fn evidence(store: &Store, run: &Run) -> Result<Vec<Evidence>, StudyError> {
    let paths = store.load_trajectories(run)?;
    let mut all = match run.kind {
        RunKind::Hessian | RunKind::Curve => Vec::new(),
        RunKind::Train => vec![of_training(store, run)?],
        // A curve between networks is not a training.
        _ if paths.is_empty() || Settings::of(run).is_curve() => {
            vec![of_landscape(store, run)?]
        }
        _ => {
            let surface = surface_of(store, run)?;
            let several = paths.len() > 1;
            let one = |named| of_path(store, run, surface.as_ref(), named, several);
            paths.iter().map(one).collect::<Result<_, _>>()?
        }
    };
    for evidence in &mut all {
        evidence.take_stored_curvature(store)?;
    }
    Ok(all)
}

/// Of a training, with its path and all landscapes around its end.
fn of_training(store: &Store, run: &Run) -> Result<Evidence, StudyError> {
    let records = store.records(run)?;
    let mut evidence = Evidence {
        label: run.name.clone(),
        trained: Some(run.clone()),
        losses: records.iter().filter_map(|record| record.loss).collect(),
        records,
        ..Evidence::default()
    };
    evidence.take_classes(run);
    let complete = complete(store)?;
    followed(store, &complete, &mut evidence)?;
    let planes = planes_of(&complete, run);
    if !planes.is_empty()
        && let Some(last) = store.last_checkpoint(run)?
    {
        around(store, &planes, &last.params.digest(), &mut evidence)?;
    }
    if evidence.coordinates.is_empty() {
        projected(store, run, &mut evidence)?;
    }
    Ok(evidence)
}

fn complete(store: &Store) -> Result<Vec<Run>, StudyError> {
    Ok(store.runs_in(Status::Complete)?)
}

/// The path of a training, and the plane of it.
fn followed(store: &Store, complete: &[Run], evidence: &mut Evidence) -> Result<(), StudyError> {
    let mut followed: Vec<&Run> = { complete.iter().rev() }
        .filter(|run| run.kind == RunKind::Trajectory)
        .collect();
    // The plane of this path alone comes before those of several.
    let paths = |run: &&Run| Provenance::of(run).paths.map(|paths| paths.len());
    followed.sort_by_key(paths);
    for other in followed {
        let Some((path, several)) = path_in(store, other, evidence)? else {
            continue;
        };
        let surface = surface_of(store, other)?;
        if evidence.coordinates.is_empty() || surface.is_some() {
            evidence.take_path(&path, several);
        }
        if let Some(surface) = surface {
            evidence.take_plane(other, &surface, &path);
            break;
        }
    }
    Ok(())
}

/// The path of a training in a trajectory run, where it is that of the stored records, and whether there
/// are several.
fn path_in(
    store: &Store,
    other: &Run,
    evidence: &Evidence,
) -> Result<Option<(Trajectory, bool)>, StudyError> {
    let paths = store.load_trajectories(other)?;
    let several = paths.len() > 1;
    let own = paths
        .into_iter()
        .find(|named| named.label == evidence.label);
    let own = own.map(|named| named.trajectory);
    let whole = own.filter(|path| is_whole(path, &evidence.records));
    Ok(whole.map(|path| (path, several)))
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

/// The planes and volumes that have the data and the loss of a run.
fn planes_of<'a>(complete: &'a [Run], run: &Run) -> Vec<&'a Run> {
    let own = Settings::of(run);
    { complete.iter() }
        .filter(|other| matches!(other.kind, RunKind::Surface | RunKind::Volume))
        .filter(|other| Settings::of(other).problem().same_function(own.problem()))
        .collect()
}

/// All landscapes around the parameters of that digest, in the order in which they were begun.
fn around(
    store: &Store,
    planes: &[&Run],
    digest: &str,
    evidence: &mut Evidence,
) -> Result<(), StudyError> {
    for plane in planes
        .iter()
        .filter(|plane| weights_of(plane).as_deref() == Some(digest))
    {
        if let Some(surface) = surface_of(store, plane)? {
            evidence.take_surface(plane, &surface, [0.0; 3]);
        }
    }
    Ok(())
}

fn weights_of(run: &Run) -> Option<String> {
    Settings::of(run).problem().weights.clone()
}

/// The path on its own components; nothing where it has none, as after a divergence.
fn projected(store: &Store, run: &Run, evidence: &mut Evidence) -> Result<(), StudyError> {
    let (Ok(model), Some(last)) = (Model::of_run(run, &()), store.last_checkpoint(run)?) else {
        return Ok(());
    };
    let numbers: usize = last.params.iter().map(|tensor| tensor.data.len()).sum();
    if numbers.saturating_mul(evidence.records.len()) > NUMBERS {
        let count = evidence.records.len();
        evidence.no_path = Some(format!(
            "{count} checkpoints of {numbers} numbers are too many to be projected here; if they are projected as a run \
             of their own first, it will be used"
        ));
        return Ok(());
    }
    let path = PathOfRun::of_run(run, &model, store)?;
    let source = PathSource {
        steps: &path.steps,
        rows: &path,
    };
    let plane = PathPlane::fit_sources(&[source], &PathOptions::default());
    if let Some(path) = plane.ok().and_then(|p| p.trajectories.into_iter().next()) {
        evidence.take_path(&path, false);
    }
    Ok(())
}

/// The stored training whose end a path of a complete run leads to.
///
/// # Errors
/// Those of the store.
pub(crate) fn end_of_training(
    store: &Store,
    run: &Run,
    named: &NamedTrajectory,
) -> Result<Option<Run>, StudyError> {
    let trained = optional(store.find(&named.label))?.filter(|run| run.kind == RunKind::Train);
    let Some(trained) = trained.filter(|_| run.status == Status::Complete) else {
        return Ok(None);
    };
    let records = store.records(&trained)?;
    Ok(is_whole(&named.trajectory, &records).then_some(trained))
}

/// Of one path on a plane: of its training where it leads to its end, else of the path alone.
fn of_path(
    store: &Store,
    run: &Run,
    surface: Option<&Surface>,
    named: &NamedTrajectory,
    several: bool,
) -> Result<Evidence, StudyError> {
    if let Some(trained) = end_of_training(store, run, named)? {
        return of_training(store, &trained);
    }
    let path = &named.trajectory;
    let trained = optional(store.find(&named.label))?.filter(|run| run.kind == RunKind::Train);
    let mut evidence = Evidence {
        label: named.label.clone(),
        losses: path.points.iter().filter_map(|point| point.loss).collect(),
        ..Evidence::default()
    };
    evidence.take_classes(run);
    let steps = path.points.first().zip(path.points.last());
    if let (Some(trained), Some((first, last))) = (trained, steps) {
        let records = store.records(&trained)?;
        let inside = |record: &TrainRecord| (first.step..=last.step).contains(&record.step);
        evidence.records = records.into_iter().filter(inside).collect();
        evidence.trained = Some(trained);
    }
    evidence.take_path(path, several);
    if let Some(surface) = surface {
        evidence.take_plane(run, surface, path);
    }
    Ok(evidence)
}

/// Of a landscape: of the training that led to its middle, or of all landscapes around the same parameters.
fn of_landscape(store: &Store, run: &Run) -> Result<Evidence, StudyError> {
    let mut evidence = Evidence {
        label: run.name.clone(),
        ..Evidence::default()
    };
    evidence.take_classes(run);
    let origin = Provenance::of(run).weights;
    let complete = complete(store)?;
    let planes = planes_of(&complete, run);
    let among = planes.iter().any(|plane| plane.id == run.id);
    if let Some(Origin::Run { run: name, step }) = origin
        && let Some(trained) = optional(store.find(&name))?.filter(|r| r.kind == RunKind::Train)
    {
        let records = store.records(&trained)?;
        let ends = records.last().is_some_and(|record| record.step == step);
        let same = planes_of(&complete, &trained)
            .iter()
            .any(|plane| plane.id == run.id);
        if ends && same {
            return of_training(store, &trained);
        }
        evidence.records = { records.into_iter() }
            .filter(|record| record.step <= step)
            .collect();
        let losses = evidence.records.iter().filter_map(|record| record.loss);
        evidence.losses = losses.collect();
        evidence.trained = Some(trained);
    }
    match weights_of(run) {
        Some(digest) if among => around(store, &planes, &digest, &mut evidence)?,
        _ => {
            if let Some(surface) = surface_of(store, run)? {
                evidence.take_surface(run, &surface, [0.0; 3]);
            }
        }
    }
    Ok(evidence)
}

impl Evidence {
    fn take_path(&mut self, path: &Trajectory, several: bool) {
        self.coordinates = path.points.iter().map(|point| point.coords).collect();
        let shares = &path.explained_variance;
        let joint: Option<f64> = (!shares.is_empty()).then(|| shares.iter().sum());
        // A joint plane may explain other paths than this one.
        self.explained = joint.map(|joint| match several {
            true => joint.min(own_share(path)),
            false => joint,
        });
    }

    /// The plane of a path, which was taken before.
    fn take_plane(&mut self, run: &Run, surface: &Surface, path: &Trajectory) {
        self.take_surface(run, surface, end_of(path));
        if let Some(seen) = self.surfaces.last_mut() {
            seen.seen = self.explained;
            seen.disagreement = Fidelity::of(path).disagreement;
        }
    }

    fn take_surface(&mut self, run: &Run, surface: &Surface, at: Point) {
        let shape = surface.grid().shape();
        let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
        self.surfaces.push(Seen {
            run: run.name.clone(),
            size: shape.join("x"),
            metrics: metrics(surface).ok(),
            position: Position::of(surface, Value::Loss, at),
            seen: None,
            disagreement: None,
        });
    }
}

/// Share of a path's scatter that lies within the plane.
fn own_share(path: &Trajectory) -> f64 {
    let count = path.points.len() as f64;
    let mean = [0, 1, 2].map(|k| path.points.iter().map(|p| p.coords[k]).sum::<f64>() / count);
    let within = |c: &Point| -> f64 { c.iter().zip(&mean).map(|(c, m)| (c - m).powi(2)).sum() };
    let inside: f64 = path.points.iter().map(|p| within(&p.coords)).sum();
    let outside: f64 = path.points.iter().map(|p| p.residual.powi(2)).sum();
    match inside + outside > 0.0 {
        true => inside / (inside + outside),
        false => 1.0,
    }
}

fn end_of(path: &Trajectory) -> Point {
    path.points.last().map_or([0.0; 3], |point| point.coords)
}

/// The landscape of a run; nothing where it has none.
fn surface_of(store: &Store, run: &Run) -> Result<Option<Surface>, StudyError> {
    optional(store.load_surface(run))
}

fn optional<T>(found: Result<T, Error>) -> Result<Option<T>, StudyError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::Lacks { .. } | Error::UnknownRun { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
