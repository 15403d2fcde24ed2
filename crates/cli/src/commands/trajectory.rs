//! The path of training on the plane of its principal components.

mod losses;
mod paths;
mod report;

pub use paths::Path;
pub use report::warnings;

use losses::Losses;
use paths::Paths;

use crate::args::{Counts, Ranges, TrajectoryArgs, grid_request};
use crate::error::CliError;
use crate::inputs::{open_store, read_store};
use crate::interrupt::Interrupt;
use crate::output::{Console, Typed};
use landscape_core::{
    Grid, Objective, PathOptions, PathPlane, Plane, RowSource, StreamError, Trajectory,
    TrajectoryError, ranges,
};
use landscape_storage::{NamedTrajectory, Run, RunKind, RunSpec, Status, Store};
use landscape_study::Smaller;
use landscape_study::directions::{is_drawable, say_without_statistics};
use landscape_study::files::may_store;
use landscape_study::memory::{plan_grid, plan_memory};
use landscape_study::record::{PathSettings, ProblemSettings, Provenance};
use landscape_study::runs::StoredSampling;

/// Projects paths, and samples their plane where that is asked for.
pub fn trajectory(args: &TrajectoryArgs, console: &Console) -> Result<(), CliError> {
    let targets = args.eval.request().targets()?;
    check(args, console)?;
    may_store(&args.store.db.db)?;
    let reading = match args.run.is_empty() {
        true => None,
        false => Some(read_store(&args.store.db.db, console)?),
    };
    let hold = reading.as_ref().map(Store::hold);
    let paths = Paths::load(args, reading.as_ref(), console)?;
    plan_products(&paths, console)?;
    let shadow = Shadow::new(&paths, args)?;
    let grid = shadow.grid(args)?;
    say_without_statistics(
        args.norm.batch_norm.statistics(),
        &paths.spec,
        shadow.plane.origin(),
        console,
    );
    let statistics = args.norm.batch_norm.statistics();
    let losses = Losses::new(&paths, &shadow.plane, &targets, statistics, console)?;
    let settings = shadow.settings(&paths, grid.as_ref(), args)?;
    drop(hold);
    let settings = serde_json::to_value(&settings).expect("settings are JSON");
    let mut spec = RunSpec::new(RunKind::Trajectory, settings).determined();
    spec.name = args.store.name.clone();
    spec.replace = args.store.force;
    let labels = paths.labels().into_iter().map(str::to_owned).collect();
    let provenance = Provenance {
        data: Some(paths.source.clone()),
        paths: Some(labels),
        device: Some(losses.on_plane.describe()),
        ..Provenance::now(Some(console.command()))
    };
    spec.provenance = provenance.to_json();
    // From here on, stopping it saves what is done.
    Interrupt::listen();
    let store = open_store(&args.store.db.db, console)?;
    let place = Place {
        store: &store,
        spec: &spec,
    };
    let followed = shadow.keep(&paths, grid.as_ref(), &losses, &place, console)?;
    report::print(
        &followed.run,
        &followed.paths,
        paths.files(),
        paths.loss,
        console,
    )?;
    report::warn(&followed.paths, console);
    let name = &followed.run.name;
    let db = &args.store.db;
    if grid.as_ref().is_some_and(is_drawable) {
        console.next(&[
            Typed::plot(name, "svg").flag("--log").db(&db.db),
            Typed::plot(name, "html").db(&db.db),
        ]);
        return Ok(());
    }
    let mut plot = Typed::plot(name, "svg").option("--kind", "plane-losses");
    if let [first, _, ..] = followed.paths.as_slice() {
        plot = plot.option("--path", &first.label);
    }
    let sampled = console.again(&["--name", "--grid"]).option("--grid", "51");
    console.next(&[
        plot.db(&db.db).to_string(),
        format!("{sampled}    # samples the plane around the path"),
    ]);
    Ok(())
}

/// Plans the memory of the products of all checkpoints with each other, which the analysis holds twice.
fn plan_products(paths: &Paths, console: &Console) -> Result<(), CliError> {
    let count: usize = paths.paths.iter().map(|path| path.steps.len()).sum();
    let bytes = 16 * (count as u64).saturating_pow(2).min(u64::MAX / 16);
    let what = format!("the principal components of {count} checkpoints");
    Ok(plan_memory(&what, bytes, Smaller::Checkpoints, console)?)
}

/// What can be found out before a file is read.
fn check(args: &TrajectoryArgs, console: &Console) -> Result<(), CliError> {
    if let Some(counts) = &args.grid {
        let grid = grid_of(args, counts, args.range.as_ref())?;
        plan_grid(&grid, 0, console)?;
    }
    match args.margin >= 0.0 && args.margin.is_finite() {
        true => Ok(()),
        false => Err(CliError::Conflict {
            what: format!("--margin {} is no share of a path's extent", args.margin),
            remedy: "give 0 or more, for example --margin 0.25".to_owned(),
        }),
    }
}

/// The grid of as many axes as components are asked for.
fn grid_of(
    args: &TrajectoryArgs,
    counts: &Counts,
    ranges: Option<&Ranges>,
) -> Result<Grid, CliError> {
    let (given, wanted) = (counts.0.len(), usize::from(args.components));
    if given != 1 && given != wanted {
        let other = match given {
            2 | 3 => format!(", or --components {given}"),
            _ => String::new(),
        };
        return Err(CliError::Conflict {
            what: format!("--grid has {given} counts for {wanted} components"),
            remedy: format!("give one for all axes, or {wanted}{other}"),
        });
    }
    Ok(grid_request(Some(counts), ranges).of(wanted)?)
}

/// Paths on the plane of their principal components.
struct Shadow {
    plane: Plane,
    projected: Vec<Trajectory>,
}

/// Where paths are kept.
struct Place<'a> {
    store: &'a Store,
    spec: &'a RunSpec,
}

/// What is stored of it.
struct Followed {
    run: Run,
    paths: Vec<NamedTrajectory>,
}

impl Shadow {
    /// The principal components of all checkpoints together.
    fn new(paths: &Paths, args: &TrajectoryArgs) -> Result<Self, CliError> {
        let options = PathOptions {
            components: args.components.into(),
            origin: args.center.origin(),
            window: None,
            ignore_one_dimensional: args.ignore_biasbn,
            projection: args.project,
        };
        let fitted = PathPlane::fit_sources(&paths.sources(), &options);
        let fitted = fitted.map_err(|error| named(error, paths))?;
        Ok(Shadow {
            plane: fitted.plane,
            projected: fitted.trajectories,
        })
    }

    /// The part of the plane that is to be sampled, where it is.
    fn grid(&self, args: &TrajectoryArgs) -> Result<Option<Grid>, CliError> {
        let Some(counts) = &args.grid else {
            return Ok(None);
        };
        let around = || Ranges(ranges(&self.projected, self.plane.dims(), args.margin));
        let range = args.range.clone().unwrap_or_else(around);
        grid_of(args, counts, Some(&range)).map(Some)
    }

    fn settings(
        &self,
        paths: &Paths,
        grid: Option<&Grid>,
        args: &TrajectoryArgs,
    ) -> Result<PathSettings, CliError> {
        let checkpoints = paths.paths.iter().map(Path::settings);
        Ok(PathSettings {
            problem: ProblemSettings::new(&paths.spec, None, &paths.data, paths.loss.kind),
            checkpoints: checkpoints.collect::<Result<_, _>>()?,
            center: Some(args.center.name().to_owned()),
            project: Some(args.project.name().to_owned()),
            components: Some(args.components),
            statistics: args.norm.batch_norm.statistics().into(),
            ignore: args.ignore_biasbn.then(|| "biasbn".to_owned()),
            grid: grid.cloned(),
        })
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
        let run = match grid {
            None => self.begin(place)?,
            Some(grid) => {
                let job = StoredSampling {
                    adaptive: None,
                    store: place.store,
                    spec: place.spec,
                    plane: &self.plane,
                    grid,
                    objective: &losses.on_plane,
                    batch: 0,
                    last: false,
                };
                job.run(console)?.run
            }
        };
        let mut stored = place.store.load_trajectories(&run)?;
        if stored.len() != self.projected.len() {
            let Some(measured) = self.measure(paths, losses)? else {
                place.store.finish(&run, Status::Interrupted)?;
                return Err(CliError::Interrupted {
                    saved: format!("the plane of run `{}` is stored", run.name),
                    again: "the same command continues from there",
                });
            };
            stored = measured;
            put(&stored, &run, place.store)?;
        } else if run.status != Status::Complete {
            place.store.finish(&run, Status::Complete)?;
        }
        let labels = paths.labels();
        stored.sort_by_key(|named| labels.iter().position(|label| *label == named.label));
        Ok(Followed { run, paths: stored })
    }

    /// A run without a landscape.
    fn begin(&self, place: &Place) -> Result<Run, CliError> {
        let run = place.store.begin(place.spec)?;
        place.store.put_plane(&run, &self.plane)?;
        Ok(run)
    }

    /// Fills in the true losses and those of the plane; nothing where the user wants to stop.
    fn measure(
        &self,
        paths: &Paths,
        losses: &Losses,
    ) -> Result<Option<Vec<NamedTrajectory>>, CliError> {
        let interrupt = Interrupt::listen();
        let one = |(path, projected): (&Path, &Trajectory)| -> Result<_, CliError> {
            let mut trajectory = projected.clone();
            // Components are orthonormal, so that both projections are the nearest point.
            let nearest: Vec<_> = trajectory.points.iter().map(|point| point.coords).collect();
            let samples = losses.on_plane.evaluate(&nearest)?;
            let known: Vec<_> = (0..path.len()).map(|k| losses.recorded(path, k)).collect();
            let mut rows = match known.iter().all(Option::is_some) {
                true => None,
                false => Some(path.rows()),
            };
            for (place, point) in trajectory.points.iter_mut().enumerate() {
                if interrupt.raised() {
                    return Ok(None);
                }
                point.plane_loss = Some(samples[place].loss);
                let row = rows.as_mut().and_then(Iterator::next).transpose();
                let row = row.map_err(|error| path.unread(place, error))?;
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
        paths.paths.iter().zip(&self.projected).map(one).collect()
    }
}

/// An error with the names of the runs.
fn named(error: StreamError, paths: &Paths) -> CliError {
    match error {
        StreamError::Path(TrajectoryError::StartsDiffer { path }) => CliError::Conflict {
            what: format!(
                "--center first: run `{}` does not start where run `{}` does",
                paths.paths[path].label, paths.paths[0].label
            ),
            remedy: "train them with one --seed, or use --center last or mean".to_owned(),
        },
        StreamError::Read { index, source } => paths.paths[0].unread(index, source),
        StreamError::Path(error) => flat(&error, paths).unwrap_or_else(|| error.into()),
        error => error.into(),
    }
}

/// What to do about files that span no plane: there is nothing to record anew.
fn flat(error: &TrajectoryError, paths: &Paths) -> Option<CliError> {
    let path = &paths.paths[0];
    let ((first, last), count) = (path.ends()?, path.steps.len());
    let (what, remedy) = match error {
        TrajectoryError::TooFew { .. } => (
            "one checkpoint is no path".to_owned(),
            "give a pattern of --checkpoints that matches several files".to_owned(),
        ),
        TrajectoryError::Rank { rank: 0, .. } => (
            format!("the {count} checkpoints hold the same parameters: there is no path"),
            "give files of other steps".to_owned(),
        ),
        TrajectoryError::Rank { wanted: 2, .. } => {
            let line = Typed::new("line").option("--model", paths.spec.to_string());
            let line = line.option("--weights", first).option("--to", last);
            let mut line = line.data(&paths.source);
            if paths.loss.is_given() {
                line = line.option("--loss", paths.loss.kind.name());
            }
            (
                format!("the {count} checkpoints lie on one line, which spans no plane"),
                format!("sample the line: `{line}`"),
            )
        }
        TrajectoryError::Rank { wanted, rank } => (
            format!("the {count} checkpoints span {rank} dimensions, and {wanted} are asked for"),
            format!("give --components {rank}, or more files"),
        ),
        _ => return None,
    };
    Some(CliError::Conflict { what, remedy })
}

fn put(paths: &[NamedTrajectory], run: &Run, store: &Store) -> Result<(), CliError> {
    let _hold = store.hold();
    for named in paths {
        store.put_trajectory(run, &named.label, &named.trajectory)?;
    }
    Ok(store.finish(run, Status::Complete)?)
}
