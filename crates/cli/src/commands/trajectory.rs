//! The path of training on the plane of its principal components.

mod losses;
mod paths;
mod report;

use losses::Losses;
use paths::{Path, Paths};

use super::engine::Job;
use crate::args::{BatchNorm, Center, Ranges, TrajectoryArgs};
use crate::error::CliError;
use crate::inputs::{build_grid, digest, provenance, targets};
use crate::output::Console;
use landscape_core::{Axis, Grid, Objective, Params, Pca, Plane, Projection, Surface, Trajectory};
use landscape_storage::{NamedTrajectory, Run, RunKind, RunSpec, Status, Store};
use serde_json::{Value, json};

/// Projects paths, and samples their plane where that is asked for.
pub fn trajectory(args: &TrajectoryArgs, console: &Console) -> Result<(), CliError> {
    let targets = targets(&args.eval)?;
    if let Some(counts) = &args.grid {
        // Wrong counts and ranges are found before any file is read.
        build_grid(Some(counts), args.range.as_ref(), 2)?;
    }
    let reading = match args.run.is_empty() {
        true => None,
        false => Some(Store::open_read(&args.store.db.db)?),
    };
    let paths = Paths::load(args, reading.as_ref())?;
    let shadow = Shadow::new(&paths, args.center, args.project)?;
    let grid = shadow.grid(args)?;
    let batch_norm = args.norm.batch_norm;
    let losses = Losses::new(&paths, &shadow.plane, &targets, batch_norm)?;
    let settings = shadow.settings(&paths, grid.as_ref(), batch_norm);
    let mut spec = RunSpec::new(RunKind::Trajectory, settings);
    spec.name = args.store.name.clone();
    let (data, labels) = (paths.source.to_json(), json!(paths.labels()));
    spec.provenance = provenance(console.command(), [("data", data), ("paths", labels)]);
    let store = Store::open(&args.store.db.db)?;
    let place = Place {
        store: &store,
        spec: &spec,
        replace: args.store.force,
    };
    let followed = shadow.keep(&paths, grid.as_ref(), &losses, &place, console)?;
    report::print(&followed.run, &followed.paths, console)?;
    let name = &followed.run.name;
    console.next(&match &followed.surface {
        Some(_) => [
            format!("landscape plot {name} --log -o {name}.svg"),
            format!("landscape plot {name} -o {name}.html"),
        ],
        None => [
            format!("landscape plot {name} --kind plane-losses -o {name}.svg"),
            "landscape trajectory ... --grid 51    (samples the plane around the path)".to_owned(),
        ],
    });
    Ok(())
}

/// Paths on the plane of their principal components.
struct Shadow {
    plane: Plane,
    pca: Pca,
    center: Center,
    projection: Projection,
    projected: Vec<Trajectory>,
}

/// Where paths are kept.
struct Place<'a> {
    store: &'a Store,
    spec: &'a RunSpec,
    /// Forget what is stored under that name.
    replace: bool,
}

/// What is stored of it.
struct Followed {
    run: Run,
    paths: Vec<NamedTrajectory>,
    surface: Option<Surface>,
}

impl Shadow {
    /// The principal components of all checkpoints together.
    fn new(paths: &Paths, center: Center, projection: Projection) -> Result<Self, CliError> {
        let rows: Vec<&Params> = paths.rows().collect();
        let first = &paths.paths[0].checkpoints;
        let origin = match center {
            Center::Last => first.last(),
            Center::First => first.first(),
        };
        let origin = &origin.ok_or(CliError::Missing {
            what: "a checkpoint",
            remedy: "give a training run, or files",
        })?;
        let pca = Pca::fit(&rows, &origin.params, 2)?;
        let plane = Plane::new(origin.params.clone(), pca.components.clone())?;
        let project = |path: &Path| -> Result<Trajectory, CliError> {
            let mut projected = Trajectory::project(&path.checkpoints, &plane, projection)?;
            projected
                .explained_variance
                .clone_from(&pca.explained_variance_ratio);
            Ok(projected)
        };
        let projected = paths.paths.iter().map(project).collect::<Result<_, _>>()?;
        Ok(Shadow {
            plane,
            pca,
            center,
            projection,
            projected,
        })
    }

    /// The part of the plane that is to be sampled, where it is.
    fn grid(&self, args: &TrajectoryArgs) -> Result<Option<Grid>, CliError> {
        let Some(counts) = &args.grid else {
            return Ok(None);
        };
        let range = args.range.clone().unwrap_or_else(|| Ranges(self.ranges()));
        build_grid(Some(counts), Some(&range), 2).map(Some)
    }

    /// The paths and a margin around them.
    fn ranges(&self) -> Vec<(f64, f64)> {
        let of = |axis: usize| {
            let values = self.projected.iter().flat_map(|path| &path.points);
            values.fold((0.0f64, 0.0f64), |(low, high), point| {
                (low.min(point.coords[axis]), high.max(point.coords[axis]))
            })
        };
        let ends = [of(0), of(1)];
        let longest = ends
            .iter()
            .map(|(low, high)| high - low)
            .fold(0.0, f64::max);
        ends.iter()
            .map(|&(low, high)| wider(low, high, longest))
            .collect()
    }

    fn settings(&self, paths: &Paths, grid: Option<&Grid>, batch_norm: BatchNorm) -> Value {
        let of = |path: &Path| {
            let digests = path.checkpoints.iter().map(|c| digest(&c.params));
            digests.collect::<Vec<_>>()
        };
        let mut settings = json!({
            "model": paths.spec.to_string(),
            "data": {"sha256": paths.data.digest(), "samples": paths.data.len()},
            "loss": paths.loss.name(),
            "precision": "f32",
            "batch_norm": batch_norm.name(),
            "checkpoints": paths.paths.iter().map(of).collect::<Vec<_>>(),
            "center": match self.center { Center::Last => "last", Center::First => "first" },
            "project": self.projection.name(),
            "components": self.pca.components.len(),
        });
        if let Some(grid) = grid {
            settings["grid"] = json!(grid);
        }
        settings
    }

    /// Measures and stores what is not stored yet.
    fn keep(
        &self,
        paths: &Paths,
        grid: Option<&Grid>,
        losses: &Losses,
        place: &Place,
        console: &Console,
    ) -> Result<Followed, CliError> {
        let (run, surface) = match grid {
            None => (self.begin(place)?, None),
            Some(grid) => {
                let job = Job {
                    adaptive: None,
                    store: place.store,
                    spec: place.spec,
                    plane: &self.plane,
                    grid,
                    objective: &losses.on_plane,
                    batch: 0,
                    replace: place.replace,
                };
                let sampled = job.run(console)?;
                (sampled.run, Some(sampled.surface))
            }
        };
        let mut stored = place.store.load_trajectories(&run)?;
        if stored.len() != self.projected.len() {
            stored = self.measure(paths, losses)?;
            put(&stored, &run, place.store)?;
        }
        Ok(Followed {
            run,
            paths: stored,
            surface,
        })
    }

    /// A run without a landscape.
    fn begin(&self, place: &Place) -> Result<Run, CliError> {
        let run = match place.replace {
            true => place.store.replace(place.spec)?,
            false => place.store.begin(place.spec)?,
        };
        place.store.put_plane(&run, &self.plane)?;
        Ok(run)
    }

    /// Fills in the true losses and those of the plane.
    fn measure(&self, paths: &Paths, losses: &Losses) -> Result<Vec<NamedTrajectory>, CliError> {
        let one = |(path, projected): (&Path, &Trajectory)| -> Result<_, CliError> {
            let mut trajectory = projected.clone();
            let nearest: Vec<_> = self.nearest(path)?;
            let samples = losses.on_plane.evaluate(&nearest)?;
            for (place, point) in trajectory.points.iter_mut().enumerate() {
                point.plane_loss = Some(samples[place].loss);
                point.loss = Some(losses.of(path, place)?);
            }
            Ok(NamedTrajectory {
                label: path.label.clone(),
                trajectory,
            })
        };
        paths.paths.iter().zip(&self.projected).map(one).collect()
    }

    /// Coordinates of the nearest points of the plane, whatever the projection shows.
    fn nearest(&self, path: &Path) -> Result<Vec<landscape_core::Point>, CliError> {
        let way = Projection::LeastSquares;
        let projected = Trajectory::project(&path.checkpoints, &self.plane, way)?;
        Ok(projected.points.iter().map(|point| point.coords).collect())
    }
}

fn put(paths: &[NamedTrajectory], run: &Run, store: &Store) -> Result<(), CliError> {
    let _hold = store.hold();
    for named in paths {
        store.put_trajectory(run, &named.label, &named.trajectory)?;
    }
    Ok(store.finish(run, Status::Complete)?)
}

/// A range with a quarter of its length on either side, not too narrow, with ends in few digits.
fn wider(low: f64, high: f64, longest: f64) -> (f64, f64) {
    let length = (high - low).max(0.2 * longest).max(f64::MIN_POSITIVE);
    let (middle, half) = ((low + high) / 2.0, 0.75 * length);
    let unit = 10f64.powf(half.log10().floor() - 1.0);
    let (low, high) = ((middle - half) / unit, (middle + half) / unit);
    let (low, high) = (low.floor() * unit, high.ceil() * unit);
    match Axis::new(low, high, 2) {
        Ok(_) => (low, high),
        Err(_) => (-1.0, 1.0),
    }
}
