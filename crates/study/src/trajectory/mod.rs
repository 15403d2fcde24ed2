//! The paths of trainings on the plane of their principal components.

mod losses;
mod matching;
mod order;
mod paths;
mod summary;
mod warnings;

pub use paths::{PathOfRun, Paths};
pub use summary::{FidelitySummary, PathSummary, PathsSummary, PointSummary};
pub use warnings::plane_warnings;

use crate::StudyError;
use crate::device::Evaluation;
use crate::directions::{GridRequest, say_without_statistics};
use crate::error::Smaller;
use crate::estimate::{Estimate, Part, seconds_each};
use crate::memory::{plan_grid, plan_memory};
use crate::problem::ModelSource;
use crate::problem::{DataRequest, LossChoice};
use crate::record::{self, PathSettings, ProblemSettings, Provenance};
use crate::report::Reporter;
use crate::runs::{Keep, StoredSampling};
use landscape_core::{
    Grid, Objective, Origin, PathOptions, PathPlane, Plane, Projection, RowSource, Selection,
    Shard, StreamError, Trajectory, TrajectoryError, TrajectoryPoint, ranges,
};
use landscape_models::Rename;
use landscape_storage::{NamedTrajectory, Run, RunKind, RunSpec, Status, Store};
use landscape_trace::BatchStatistics;
use losses::Losses;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Points that an estimate measures at most.
const TRIAL: usize = 64;

/// Checkpoints to be projected on the plane of their principal components.
///
/// ```
/// use landscape_storage::Store;
/// use landscape_study::runs::{TrainRequest, Training};
/// use landscape_study::trajectory::{ProjectedPaths, TrajectoryRequest};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path().join("landscape.duckdb"))?;
/// let mut training = TrainRequest::new("mlp:2-8-1".parse()?);
/// training.data.data = Some("moons:n=50".parse()?);
/// training.config.epochs = 5;
/// training.keep.name = Some("moons".to_owned());
/// Training::prepare(&training, &())?.run(&store, &())?;
///
/// let request = TrajectoryRequest { runs: vec!["moons".to_owned()], ..TrajectoryRequest::default() };
/// let followed = ProjectedPaths::prepare(&request, Some(&store), &())?.run(&store, &())?;
/// let path = &followed.paths[0].trajectory;
/// assert_eq!(path.points.len(), 6);
/// assert!(path.explained_variance.iter().sum::<f64>() > 0.9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrajectoryRequest {
    /// Training runs; several share one analysis.
    pub runs: Vec<String>,
    /// Or files, by a pattern, in the order of the steps in their names. `PATTERN:KEY` is the network under a key of
    /// each.
    pub checkpoints: Option<String>,
    /// Other names for the tensors in the files.
    #[serde(with = "landscape_core::as_words::list")]
    pub renames: Vec<Rename>,
    /// The network of the files; of runs, in place of theirs.
    #[serde(with = "landscape_core::as_words::option")]
    pub model: Option<ModelSource>,
    /// The data and the loss; those of the first run where absent.
    pub data: DataRequest,
    /// Which parameters the analysis is about; all where absent. The rest are those of the centre on the plane.
    #[serde(with = "landscape_core::as_words::option")]
    pub params: Option<Selection>,
    /// BatchNorm.
    #[serde(with = "landscape_core::as_words")]
    pub statistics: BatchStatistics,
    /// Only the checkpoints of these steps; of files whose names tell none, their places from 0.
    pub window: Option<RangeInclusive<u64>>,
    /// Only the checkpoints of these epochs.
    pub epochs: Option<RangeInclusive<f64>>,
    /// Steps from which on the checkpoints of a run are left out, by its name: of one that diverged there.
    pub left_out: BTreeMap<String, u64>,
    /// What the components are taken around.
    pub center: Origin,
    /// Components: 2 or 3.
    pub components: u8,
    /// Whether tensors of one dimension are left out of the analysis.
    pub ignore_one_dimensional: bool,
    /// How checkpoints get their coordinates.
    pub project: Projection,
    /// Counts of the part of the plane that is sampled, and its ranges; the paths and a margin where these are absent.
    /// Nothing is sampled without counts.
    pub grid: GridRequest,
    /// What is sampled beyond the paths on either side, as a share of their extent.
    pub margin: f64,
    /// Only this part of the checkpoints, and of the points of the plane, is measured; see [`crate::shard`].
    #[serde(with = "landscape_core::as_words::option")]
    pub shard: Option<Shard>,
    /// Where it is evaluated.
    pub evaluation: Evaluation,
    /// How it is kept.
    pub keep: Keep,
}

impl Default for TrajectoryRequest {
    /// Two components around the last checkpoint; nothing is sampled.
    fn default() -> Self {
        TrajectoryRequest {
            runs: Vec::new(),
            checkpoints: None,
            renames: Vec::new(),
            model: None,
            data: DataRequest::default(),
            params: None,
            statistics: BatchStatistics::Frozen,
            window: None,
            epochs: None,
            left_out: BTreeMap::new(),
            center: Origin::Last,
            components: 2,
            ignore_one_dimensional: false,
            project: Projection::LeastSquares,
            grid: GridRequest::default(),
            margin: 0.25,
            shard: None,
            evaluation: Evaluation::default(),
            keep: Keep::default(),
        }
    }
}

impl TrajectoryRequest {
    /// Checks what can be checked before a file is read, the memory of the points included.
    ///
    /// # Errors
    /// For the first thing that cannot work.
    pub fn check(&self, reporter: &dyn Reporter) -> Result<(), StudyError> {
        if self.grid.counts.is_some() {
            plan_grid(&self.grid_in(self.grid.ranges.as_ref())?, 0, reporter)?;
        }
        match self.margin >= 0.0 && self.margin.is_finite() {
            true => Ok(()),
            false => Err(StudyError::Margin {
                margin: self.margin,
            }),
        }
    }

    /// The grid of as many axes as components are asked for.
    fn grid_in(&self, ranges: Option<&Vec<(f64, f64)>>) -> Result<Grid, StudyError> {
        let components = usize::from(self.components);
        let counts = self.grid.counts.as_ref().map_or(1, Vec::len);
        if counts != 1 && counts != components {
            return Err(StudyError::ComponentCounts { counts, components });
        }
        let request = GridRequest {
            counts: self.grid.counts.clone(),
            ranges: ranges.cloned(),
        };
        request.of(components)
    }

    fn options(&self) -> PathOptions {
        PathOptions {
            components: self.components.into(),
            origin: self.center,
            window: None,
            ignore_one_dimensional: self.ignore_one_dimensional,
            projection: self.project,
        }
    }
}

/// Paths on the plane of their principal components, ready to be measured.
pub struct ProjectedPaths {
    /// The plane.
    pub plane: Plane,
    /// The part of it that is sampled, where one is.
    pub grid: Option<Grid>,
    /// The run that it makes.
    pub spec: RunSpec,
    shard: Option<Shard>,
    projected: Vec<Trajectory>,
    paths: Paths,
    losses: Losses,
}

/// What is stored of it.
#[derive(Debug)]
pub struct MeasuredPaths {
    /// The run.
    pub run: Run,
    /// The paths, in the order in which they were named.
    pub paths: Vec<NamedTrajectory>,
    /// The files of the checkpoints, where they were read from files, which are one path.
    pub files: Vec<PathBuf>,
    /// The loss, and why it is this one.
    pub loss: LossChoice,
}

impl ProjectedPaths {
    /// Reads and checks everything that was asked for, and projects it; stores nothing. Runs are looked up in `store`.
    ///
    /// # Errors
    /// Whatever is absent or does not fit.
    pub fn prepare(
        request: &TrajectoryRequest,
        store: Option<&Store>,
        reporter: &dyn Reporter,
    ) -> Result<Self, StudyError> {
        request.check(reporter)?;
        let targets = request.evaluation.shared_targets(reporter)?;
        let paths = Paths::load(request, store, reporter)?;
        plan_products(&paths, reporter)?;
        let fitted = PathPlane::fit_sources(&paths.sources(), &request.options());
        let fitted = fitted.map_err(|error| named(error, &paths))?;
        let plane = fitted.plane;
        let projected = fitted.trajectories;
        let grid = match (&request.grid.counts, &request.grid.ranges) {
            (None, _) => None,
            (Some(_), Some(given)) => Some(request.grid_in(Some(given))?),
            (Some(_), None) => {
                let around = ranges(&projected, plane.dims(), request.margin);
                Some(request.grid_in(Some(&around))?)
            }
        };
        let statistics = request.statistics;
        say_without_statistics(statistics, &paths.model, plane.origin(), reporter);
        let losses = Losses::new(&paths, &plane, &targets, statistics, reporter)?;
        let settings = settings(request, &paths, grid.as_ref())?;
        let labels = paths.labels().into_iter().map(str::to_owned).collect();
        let provenance = Provenance {
            model: paths.model.file(),
            data: Some(paths.source.clone()),
            paths: Some(labels),
            device: Some(losses.on_plane.describe()),
            shard: request.shard.map(|shard| shard.to_string()),
            ..Provenance::now()
        };
        let spec = record::request(RunKind::Trajectory, &settings);
        Ok(ProjectedPaths {
            plane,
            grid,
            spec: request.keep.spec(spec, provenance),
            shard: request.shard,
            projected,
            paths,
            losses,
        })
    }

    /// Units that can be divided into shards: checkpoints, and points of the whole grid.
    pub fn units(&self) -> usize {
        let checkpoints: usize = self.projected.iter().map(|path| path.points.len()).sum();
        checkpoints + self.grid.as_ref().map_or(0, Grid::len)
    }

    /// What it would cost, from at most 64 points that are measured and not kept.
    ///
    /// # Errors
    /// Those of the objective.
    pub fn estimate(&self) -> Result<Estimate, StudyError> {
        let points: Vec<_> = { self.projected.iter() }
            .flat_map(|path| &path.points)
            .map(|point| point.coords)
            .take(TRIAL)
            .collect();
        let objective = &self.losses.on_plane;
        let each = seconds_each(points.len(), |count| {
            objective.evaluate(&points[..count]).map(drop)
        })?;
        let checkpoints: usize = self.projected.iter().map(|path| path.points.len()).sum();
        let missing = |path: &PathOfRun| {
            let places =
                (0..path.len()).filter(|&place| self.losses.recorded(path, place).is_none());
            places.count()
        };
        let missing: usize = self.paths.paths.iter().map(missing).sum();
        let parts = [
            (
                "points of the plane",
                self.grid.as_ref().map_or(0, Grid::len),
            ),
            ("losses at projections", checkpoints),
            ("losses of checkpoints", missing),
        ];
        let own = |count| self.shard.map_or(count, |shard| shard.count(count));
        let parts = parts.map(|(what, count)| (what, own(count)));
        let parts = parts.into_iter().filter(|(_, count)| *count > 0);
        Ok(Estimate::of(
            parts
                .map(|(what, count)| Part::new(what, count, each))
                .collect(),
        ))
    }

    /// Measures and stores what is not stored yet. The reporter can stop it.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`] when it was stopped, and those of store and objective.
    pub fn run(&self, store: &Store, reporter: &dyn Reporter) -> Result<MeasuredPaths, StudyError> {
        let (run, sampled) = self.sampled(store, reporter)?;
        let (own, kept) = self.labels(&run);
        let mut stored = relabelled(store.load_trajectories(&run)?, &kept, &own);
        let complete = run.status == Status::Complete && stored.len() == self.projected.len();
        if !complete {
            let Some(measured) = self.measure(&stored, reporter)? else {
                store.finish(&run, Status::Interrupted)?;
                return Err(StudyError::Interrupted {
                    saved: format!("the plane of run `{}` is stored", run.name),
                    again: "the same command continues from there",
                });
            };
            if stored != measured {
                put(relabelled(measured.clone(), &own, &kept), &run, store)?;
            }
            stored = measured;
            let whole = sampled && stored.iter().all(is_whole);
            store.finish(
                &run,
                if whole {
                    Status::Complete
                } else {
                    Status::Interrupted
                },
            )?;
        }
        stored.sort_by_key(|named| own.iter().position(|label| *label == named.label));
        Ok(MeasuredPaths {
            run,
            paths: stored,
            files: self.paths.files().to_vec(),
            loss: self.paths.loss,
        })
    }

    /// What the paths are called here, and what the run calls them: the same checkpoints may have had other names.
    fn labels(&self, run: &Run) -> (Vec<String>, Vec<String>) {
        let own: Vec<String> = { self.paths.labels().into_iter() }
            .map(str::to_owned)
            .collect();
        let kept = Provenance::of(run).paths;
        let kept = kept.filter(|kept| kept.len() == own.len());
        let kept = kept.unwrap_or_else(|| own.clone());
        (own, kept)
    }

    /// The run of the plane, sampled where that is asked for, and whether all of its points are known.
    fn sampled(&self, store: &Store, reporter: &dyn Reporter) -> Result<(Run, bool), StudyError> {
        let Some(grid) = &self.grid else {
            let run = store.begin(&self.spec)?;
            store.put_plane(&run, &self.plane)?;
            return Ok((run, true));
        };
        let sampling = StoredSampling {
            store,
            spec: &self.spec,
            plane: &self.plane,
            grid,
            objective: &self.losses.on_plane,
            batch: 0,
            shard: self.shard,
            earlier: None,
            adaptive: None,
            last: false,
        };
        let sampled = sampling.run(reporter)?;
        Ok((sampled.run, sampled.surface.is_complete()))
    }

    /// Fills in the true losses and those of the plane, of the shard alone where one is asked for, and leaves those that are stored;
    /// nothing where the reporter wants to stop.
    fn measure(
        &self,
        stored: &[NamedTrajectory],
        reporter: &dyn Reporter,
    ) -> Result<Option<Vec<NamedTrajectory>>, StudyError> {
        let losses = &self.losses;
        let mut before = 0;
        let one = |(path, projected): (&PathOfRun, &Trajectory)| -> Result<_, StudyError> {
            let first = before;
            before += path.len();
            let mut trajectory = match stored.iter().find(|known| known.label == path.label) {
                Some(known) if known.trajectory.points.len() == projected.points.len() => {
                    known.trajectory.clone()
                }
                _ => projected.clone(),
            };
            let own = |place: usize| self.shard.is_none_or(|shard| shard.has(first + place));
            let is_left = |place: usize, point: &TrajectoryPoint| own(place) && !is_measured(point);
            let left: Vec<bool> = { trajectory.points.iter().enumerate() }
                .map(|(place, point)| is_left(place, point))
                .collect();
            if !left.contains(&true) {
                return Ok(Some(NamedTrajectory {
                    label: path.label.clone(),
                    trajectory,
                }));
            }
            // Components are orthonormal, so that both projections are the nearest point.
            let nearest = trajectory
                .points
                .iter()
                .zip(&left)
                .filter(|(_, left)| **left);
            let nearest: Vec<_> = nearest.map(|(point, _)| point.coords).collect();
            let mut samples = losses.on_plane.evaluate(&nearest)?.into_iter();
            let known: Vec<_> = (0..path.len()).map(|k| losses.recorded(path, k)).collect();
            let mut rows = match known.iter().all(Option::is_some) {
                true => None,
                false => Some(path.rows()),
            };
            for (place, point) in trajectory.points.iter_mut().enumerate() {
                if reporter.cancelled() {
                    return Ok(None);
                }
                let row = rows.as_mut().and_then(Iterator::next).transpose();
                let row = row.map_err(|error| path.unread(place, error))?;
                if !left[place] {
                    continue;
                }
                point.plane_loss = samples.next().map(|sample| sample.loss);
                point.loss = match (known[place], row) {
                    (Some(loss), _) => Some(loss),
                    (None, Some(params)) => Some(losses.of(&params)?),
                    (None, None) => None,
                };
            }
            Ok(Some(NamedTrajectory {
                label: path.label.clone(),
                trajectory,
            }))
        };
        // One path after the other: their checkpoints are counted on.
        { self.paths.paths.iter() }
            .zip(&self.projected)
            .map(one)
            .collect()
    }
}

/// Everything that determines the numbers.
fn settings(
    request: &TrajectoryRequest,
    paths: &Paths,
    grid: Option<&Grid>,
) -> Result<PathSettings, StudyError> {
    let checkpoints = paths.paths.iter().map(PathOfRun::settings);
    Ok(PathSettings {
        problem: ProblemSettings {
            params: paths.selection.as_ref().map(Selection::to_string),
            ..ProblemSettings::new(&paths.model, None, &paths.data, paths.loss.kind)
        },
        checkpoints: checkpoints.collect::<Result<_, _>>()?,
        center: Some(request.center.name().to_owned()),
        project: Some(request.project.name().to_owned()),
        components: Some(request.components),
        statistics: request.statistics.into(),
        ignore: request.ignore_one_dimensional.then(|| "biasbn".to_owned()),
        grid: grid.cloned(),
    })
}

/// Plans the memory of the products of all checkpoints with each other, which the analysis holds twice.
fn plan_products(paths: &Paths, reporter: &dyn Reporter) -> Result<(), StudyError> {
    let count: usize = paths.paths.iter().map(|path| path.steps.len()).sum();
    let bytes = 16 * (count as u64).saturating_pow(2).min(u64::MAX / 16);
    let what = format!("the principal components of {count} checkpoints");
    plan_memory(&what, bytes, Smaller::Checkpoints, reporter)
}

/// An error with the names of the runs.
fn named(error: StreamError, paths: &Paths) -> StudyError {
    match error {
        StreamError::Path(TrajectoryError::StartsDiffer { path }) => StudyError::StartsDiffer {
            run: paths.paths[path].label.clone(),
            first: paths.paths[0].label.clone(),
        },
        StreamError::Read { index, source } => paths.paths[0].unread(index, source),
        StreamError::Path(error) => flat(&error, paths).unwrap_or_else(|| error.into()),
        error => error.into(),
    }
}

/// Files that span no plane: there is nothing to record anew.
fn flat(error: &TrajectoryError, paths: &Paths) -> Option<StudyError> {
    let path = &paths.paths[0];
    let (first, last) = path.ends()?;
    let (wanted, rank) = match error {
        TrajectoryError::TooFew { .. } => (2, 0),
        TrajectoryError::Rank { wanted, rank } => (*wanted, *rank),
        _ => return None,
    };
    Some(StudyError::FlatPath {
        files: path.steps.len(),
        wanted,
        rank,
        ends: (first.to_owned(), last.to_owned()),
    })
}

fn is_measured(point: &TrajectoryPoint) -> bool {
    point.loss.is_some() && point.plane_loss.is_some()
}

fn is_whole(named: &NamedTrajectory) -> bool {
    named.trajectory.points.iter().all(is_measured)
}

/// Paths under other labels.
fn relabelled(
    mut paths: Vec<NamedTrajectory>,
    from: &[String],
    to: &[String],
) -> Vec<NamedTrajectory> {
    for named in &mut paths {
        if let Some(place) = from.iter().position(|label| *label == named.label) {
            named.label.clone_from(&to[place]);
        }
    }
    paths
}

fn put(paths: Vec<NamedTrajectory>, run: &Run, store: &Store) -> Result<(), StudyError> {
    for named in paths {
        store.put_trajectory(run, &named.label, &named.trajectory)?;
    }
    Ok(())
}
