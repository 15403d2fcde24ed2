//! Curves between networks: trained once, and shown on the plane of their bend.

use super::Work;
use super::report::Found;
use crate::args::{CurveArgs, grid_request};
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::{Console, Meter};
use landscape_core::{
    Curve, CurveKind, CurvePlane, Grid, Objective, Outcome, Params, Progress, Sample, Sampler,
    Surface, Trajectory, counted, ranges,
};
use landscape_models::TrainConfig;
use landscape_storage::{Run, RunKind, RunSpec, Status, Store, StoredCheckpoint, TrainRecord};
use landscape_study::connect::{CurveConfig, CurveStep, Way, trajectory_on};
use landscape_study::directions::{GridRequest, is_drawable};
use landscape_study::memory::{plan_grid, plan_memory};
use landscape_study::record::{CurvePlaneSettings, CurveSettings, CurveShape};
use landscape_study::runs::StoredSampling;
use landscape_study::{Smaller, StudyError, train_stored_curve};
use std::ops::ControlFlow;
use std::time::Instant;

/// Points by which the extent of a curve is found, and the share of it that is shown around it.
const FINE: usize = 61;
const MARGIN: f64 = 0.25;

/// A curve that is to be found.
pub struct CurveJob {
    config: CurveConfig,
    args: CurveArgs,
    /// Whether the grid can be drawn.
    drawable: bool,
}

/// A curve that was found.
pub struct FoundCurve {
    pub kind: CurveKind,
    pub bends: usize,
    /// The run with the control points.
    pub run: String,
    /// The plane and the losses on the way.
    pub way: Found,
    /// Whether the plane is sampled.
    pub sampled: bool,
    /// Whether it is, at enough points for a figure.
    pub drawable: bool,
}

impl CurveJob {
    /// `None` where no curve is asked for.
    pub fn new(args: &CurveArgs, console: &Console) -> Result<Option<Self>, CliError> {
        let Some(kind) = args.curve else {
            return Ok(None);
        };
        let config = CurveConfig {
            kind,
            bends: args.bends,
            training: TrainConfig {
                epochs: args.epochs,
                batch: args.batch,
                optimizer: args.optimizer,
                lr: args.lr,
                momentum: args.momentum,
                weight_decay: Some(args.weight_decay),
                schedule: args.schedule,
                seed: args.seed,
                ..TrainConfig::default()
            },
        };
        config.training.check()?;
        for (option, value) in [("--bends", args.bends), ("--epochs", args.epochs)] {
            if value == 0 {
                return Err(CliError::Conflict {
                    what: format!("{option} 0 leaves nothing to train"),
                    remedy: format!("give {option} 1 or more"),
                });
            }
        }
        let grid = grid_request(args.grid.as_ref(), args.range.as_ref()).of(2)?;
        plan_grid(&grid, 0, console)?;
        Ok(Some(CurveJob {
            config,
            args: args.clone(),
            drawable: args.grid.is_some() && is_drawable(&grid),
        }))
    }

    /// Trains the curve to a network and measures it, unless that is stored.
    pub fn run(
        &self,
        work: &Work,
        to: &Params,
        store: &Store,
        console: &Console,
    ) -> Result<FoundCurve, CliError> {
        let (run, curve) = self.trained(work, to, store, console)?;
        let (name, way) = self.shown(work, &curve, store, console)?;
        Ok(FoundCurve {
            kind: self.config.kind,
            bends: self.config.bends,
            run: run.name,
            way: Found::of(Some(name), &way),
            sampled: self.args.grid.is_some(),
            drawable: self.drawable,
        })
    }

    /// Memory for the control points, their gradients and the state of the optimiser.
    fn plan(&self, to: &Params, console: &Console) -> Result<(), CliError> {
        let points = self.config.bends as u64 + 2;
        let bytes = 6 * 4 * points * to.iter().map(|t| t.data.len() as u64).sum::<u64>();
        let what = format!("a curve with {}", counted(self.config.bends, "bend"));
        Ok(plan_memory(&what, bytes, Smaller::Bends, console)?)
    }

    fn trained(
        &self,
        work: &Work,
        to: &Params,
        store: &Store,
        console: &Console,
    ) -> Result<(Run, Curve), CliError> {
        self.plan(to, console)?;
        let settings = CurveSettings {
            problem: work.settings(),
            to: to.digest(),
            curve: CurveShape {
                kind: self.config.kind.name().to_owned(),
                bends: self.config.bends,
            },
            training: (&self.config.training).into(),
        };
        let spec = work.spec(RunKind::Curve, "curve", &settings, None, console);
        let run = store.begin(&spec)?;
        if run.status == Status::Complete {
            console.note(format_args!("{}: trained already", run.name));
            let points = store.checkpoints(&run)?;
            let points: Vec<Params> = points
                .map(|point| point.map(|point| point.params))
                .collect::<Result<_, _>>()?;
            let curve = Curve::new(self.config.kind, points).map_err(StudyError::from)?;
            return Ok((run, curve));
        }
        let curve = self.train(work, to, &run, store, console)?;
        store.put_checkpoints(&run, &checkpoints(work, &curve)?)?;
        store.finish(&run, Status::Complete)?;
        Ok((run, curve))
    }

    fn train(
        &self,
        work: &Work,
        to: &Params,
        run: &Run,
        store: &Store,
        console: &Console,
    ) -> Result<Curve, CliError> {
        let (interrupt, start) = (Interrupt::listen(), Instant::now());
        let mut meter = console.meter(&run.name);
        let mut watch = |step: CurveStep| {
            advance(&mut meter, step, start);
            match interrupt.raised() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let ends = [&work.ends.problem.params, to];
        let config = &self.config;
        let found = train_stored_curve(&work.ground, ends, config, (store, run), &mut watch)?;
        match found.outcome {
            Outcome::Complete => Ok(found.curve),
            Outcome::Cancelled => Err(CliError::Interrupted {
                saved: format!(
                    "the lines are stored, and the curve up to step {}",
                    found.steps
                ),
                again: "the same command goes on from there",
            }),
        }
    }

    /// The plane of the curve, the losses on the way, and the name of its run.
    fn shown(
        &self,
        work: &Work,
        curve: &Curve,
        store: &Store,
        console: &Console,
    ) -> Result<(String, Way), CliError> {
        let shown = curve.plane().map_err(StudyError::from)?;
        let objective = (work.ground.between()?).objective(&shown.plane, work.ground.targets())?;
        let run = self.begin(work, curve, &shown, &objective, store, console)?;
        if let [named] = store.load_trajectories(&run)?.as_slice() {
            if run.status != Status::Complete {
                store.finish(&run, Status::Complete)?;
            }
            return Ok((run.name, stored(&named.trajectory, curve)?));
        }
        let way = measured(work, curve, &run, console)?;
        let mut trajectory = trajectory_on(&shown.plane, curve, &way)?;
        fill(&mut trajectory, &objective)?;
        let label = match self.config.kind {
            CurveKind::Bezier => "bezier curve",
            CurveKind::Chain => "chain",
        };
        store.put_trajectory(&run, label, &trajectory)?;
        store.finish(&run, Status::Complete)?;
        Ok((run.name, way))
    }

    /// The run of the plane, sampled where that is asked for.
    fn begin(
        &self,
        work: &Work,
        curve: &Curve,
        shown: &CurvePlane,
        objective: &dyn Objective,
        store: &Store,
        console: &Console,
    ) -> Result<Run, CliError> {
        let grid = self.grid(curve, shown)?;
        let spec = self.plane_spec(work, curve, grid.as_ref(), console);
        if let Some(grid) = &grid {
            let job = StoredSampling {
                store,
                spec: &spec,
                plane: &shown.plane,
                grid,
                objective,
                batch: 0,
                adaptive: None,
                last: false,
            };
            return Ok(job.run(console)?.run);
        }
        let run = store.begin(&spec)?;
        store.put_plane(&run, &shown.plane)?;
        Ok(run)
    }

    fn plane_spec(
        &self,
        work: &Work,
        curve: &Curve,
        grid: Option<&Grid>,
        console: &Console,
    ) -> RunSpec {
        let settings = CurvePlaneSettings {
            problem: work.settings(),
            checkpoints: vec![curve.points().iter().map(Params::digest).collect()],
            curve: self.config.kind.name().to_owned(),
            points: work.args.points,
            statistics: work.args.batch_norm.statistics().into(),
            grid: grid.cloned(),
        };
        work.spec(RunKind::Trajectory, "plane", &settings, None, console)
    }

    /// The part of the plane that is to be sampled: the curve and a margin.
    fn grid(&self, curve: &Curve, shown: &CurvePlane) -> Result<Option<Grid>, CliError> {
        let Some(counts) = &self.args.grid else {
            return Ok(None);
        };
        let ranges = match &self.args.range {
            Some(ranges) => ranges.0.clone(),
            None => around(curve, shown)?,
        };
        let request = GridRequest {
            counts: Some(counts.0.clone()),
            ranges: Some(ranges),
        };
        Ok(Some(request.of(2)?))
    }
}

/// The ranges that hold a curve and a margin.
fn around(curve: &Curve, shown: &CurvePlane) -> Result<Vec<(f64, f64)>, CliError> {
    let way = Way::new(Surface::new(Way::grid(FINE)?, Vec::new()), curve);
    let path = trajectory_on(&shown.plane, curve, &way)?;
    Ok(ranges(&[path], 2, MARGIN))
}

fn advance(meter: &mut Meter, step: CurveStep, start: Instant) {
    meter.update(Progress {
        done: step.step as usize,
        total: step.steps as usize,
        resumed: 0,
        elapsed: start.elapsed(),
    });
}

/// The control points with their losses, as checkpoints.
fn checkpoints(work: &Work, curve: &Curve) -> Result<Vec<StoredCheckpoint>, CliError> {
    let points = curve.points().to_vec();
    let chain = Curve::new(CurveKind::Chain, points).map_err(StudyError::from)?;
    let losses = work.ground.way(&chain, curve.points().len())?;
    let one = |(index, params): (usize, &Params)| {
        let sample = losses.surface.get(index);
        StoredCheckpoint {
            record: TrainRecord {
                step: index as u64,
                loss: sample.map(|sample| sample.loss),
                accuracy: sample.and_then(|sample| sample.accuracy),
                ..TrainRecord::default()
            },
            params: params.clone(),
        }
    };
    Ok(curve.points().iter().enumerate().map(one).collect())
}

/// Measures a curve.
fn measured(work: &Work, curve: &Curve, run: &Run, console: &Console) -> Result<Way, CliError> {
    let objective = work.ground.objective(curve)?;
    let mut surface = Surface::new(work.grid.clone(), Vec::new());
    let mut interrupt = Interrupt::listen();
    let sampler = Sampler {
        batch: 0,
        cancel: interrupt.cancel(),
    };
    let mut meter = console.meter(&run.name);
    match sampler.run(&objective, &mut surface, &mut [&mut interrupt, &mut meter])? {
        Outcome::Complete => Ok(Way::new(surface, curve)),
        Outcome::Cancelled => Err(CliError::Interrupted {
            saved: "the curve is stored, the losses along it are not".to_owned(),
            again: "the same command continues from there",
        }),
    }
}

/// A way whose losses were stored.
fn stored(trajectory: &Trajectory, curve: &Curve) -> Result<Way, CliError> {
    let grid = Way::grid(trajectory.points.len())?;
    let mut surface = Surface::new(grid, Vec::new());
    for (index, point) in trajectory.points.iter().enumerate() {
        let sample = Sample::of(point.loss.unwrap_or(f64::NAN));
        surface
            .set(index, sample)
            .expect("a grid of as many points");
    }
    Ok(Way::new(surface, curve))
}

/// The losses of the plane where the curve is drawn.
fn fill(trajectory: &mut Trajectory, plane: &dyn Objective) -> Result<(), CliError> {
    let points: Vec<_> = trajectory.points.iter().map(|point| point.coords).collect();
    for (point, sample) in trajectory.points.iter_mut().zip(plane.evaluate(&points)?) {
        point.plane_loss = Some(sample.loss);
    }
    Ok(())
}
