//! Curves between networks: trained once, and shown on the plane of their control points.

use super::{
    Connection, CurvePath, CurveRequest, CurveStep, LossProfile, PathSummary, train_stored_curve,
    trajectory_on,
};
use crate::directions::{GridRequest, is_drawable};
use crate::memory::plan_memory;
use crate::record::{CurvePlaneSettings, CurveSettings, CurveShape};
use crate::report::{Reported, ReportedSteps, Reporter};
use crate::runs::StoredSampling;
use crate::{Smaller, StudyError};
use landscape_core::{
    Curve, CurveKind, CurvePlane, Grid, Objective, Outcome, Params, Sample, Sampler, Surface,
    Trajectory, counted, ranges,
};
use landscape_storage::{Run, RunKind, RunSpec, Status, Store, StoredCheckpoint, TrainRecord};

/// Points by which the extent of a curve is found, and the share of it that is shown around it.
const FINE: usize = 61;
const MARGIN: f64 = 0.25;

/// A curve that is to be found.
pub(super) struct StoredCurve<'a> {
    connection: &'a Connection,
    request: &'a CurveRequest,
    /// Where it leads to.
    to: &'a Params,
}

impl<'a> StoredCurve<'a> {
    pub fn new(connection: &'a Connection, request: &'a CurveRequest, to: &'a Params) -> Self {
        StoredCurve {
            connection,
            request,
            to,
        }
    }

    /// Trains the curve and measures it, unless that is stored.
    pub fn run(&self, store: &Store, reporter: &dyn Reporter) -> Result<CurvePath, StudyError> {
        let (run, curve) = self.trained(store, reporter)?;
        let shown = curve.plane()?;
        let grid = self.grid(&curve, &shown)?;
        let (plane, profile) = self.shown(&curve, &shown, grid.as_ref(), store, reporter)?;
        let config = &self.request.config;
        Ok(CurvePath {
            path: PathSummary::new(Some(plane), &profile, &[]),
            kind: config.kind,
            inner_points: config.inner_points,
            control_points: run.name,
            sampled: grid.is_some(),
            drawable: grid.as_ref().is_some_and(is_drawable),
        })
    }

    /// Memory for the control points, their gradients and the state of the optimiser.
    fn plan(&self, reporter: &dyn Reporter) -> Result<(), StudyError> {
        let inner = self.request.config.inner_points;
        let values: u64 = self.to.iter().map(|t| t.data.len() as u64).sum();
        let bytes = 6 * 4 * (inner as u64 + 2) * values;
        let what = format!("a curve with {}", counted(inner, "inner control point"));
        plan_memory(&what, bytes, Smaller::ControlPoints, reporter)
    }

    fn trained(&self, store: &Store, reporter: &dyn Reporter) -> Result<(Run, Curve), StudyError> {
        self.plan(reporter)?;
        let config = &self.request.config;
        let settings = CurveSettings {
            problem: self.connection.settings(),
            to: self.to.digest(),
            curve: CurveShape {
                kind: config.kind.name().to_owned(),
                bends: config.inner_points,
            },
            training: (&config.training).into(),
        };
        let spec = self
            .connection
            .spec(RunKind::Curve, "curve", &settings, None);
        let run = store.begin(&spec)?;
        if run.status == Status::Complete {
            reporter.note(format_args!("{}: trained already", run.name));
            let points = store.checkpoints(&run)?.map(|point| Ok(point?.params));
            let points = points.collect::<Result<Vec<Params>, landscape_storage::Error>>()?;
            return Ok((run, Curve::new(config.kind, points)?));
        }
        let curve = self.train(&run, store, reporter)?;
        store.put_checkpoints(&run, &self.checkpoints(&curve)?)?;
        store.finish(&run, Status::Complete)?;
        Ok((run, curve))
    }

    fn train(
        &self,
        run: &Run,
        store: &Store,
        reporter: &dyn Reporter,
    ) -> Result<Curve, StudyError> {
        let mut steps = ReportedSteps::new(reporter, &run.name);
        let mut watch = |step: CurveStep| steps.step(step.step, step.steps);
        let ends = [self.connection.start(), self.to];
        let (context, config) = (&self.connection.context, &self.request.config);
        let found = train_stored_curve(context, ends, config, (store, run), &mut watch)?;
        match found.outcome {
            Outcome::Complete => Ok(found.curve),
            Outcome::Cancelled => Err(StudyError::Interrupted {
                saved: format!(
                    "the lines are stored, and the curve up to step {}",
                    found.steps
                ),
                again: "the same command continues from there",
            }),
        }
    }

    /// The control points with their losses, as checkpoints.
    fn checkpoints(&self, curve: &Curve) -> Result<Vec<StoredCheckpoint>, StudyError> {
        let points = curve.points();
        let chain = Curve::new(CurveKind::Chain, points.to_vec())?;
        let losses = self.connection.context.profile(&chain, points.len())?;
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
        Ok(points.iter().enumerate().map(one).collect())
    }

    /// The name of the run of the curve's plane, and the losses along the curve.
    fn shown(
        &self,
        curve: &Curve,
        shown: &CurvePlane,
        grid: Option<&Grid>,
        store: &Store,
        reporter: &dyn Reporter,
    ) -> Result<(String, LossProfile), StudyError> {
        let context = &self.connection.context;
        let objective = (context.between()?).objective(&shown.plane, context.targets())?;
        let run = self.begin(curve, shown, grid, &objective, store, reporter)?;
        if let [named] = store.load_trajectories(&run)?.as_slice() {
            if run.status != Status::Complete {
                store.finish(&run, Status::Complete)?;
            }
            return Ok((run.name, stored(&named.trajectory, curve)?));
        }
        let profile = self.measured(curve, &run, reporter)?;
        let mut trajectory = trajectory_on(&shown.plane, curve, &profile)?;
        fill(&mut trajectory, &objective)?;
        let label = match self.request.config.kind {
            CurveKind::Bezier => "Bézier curve",
            CurveKind::Chain => "chain",
        };
        store.put_trajectory(&run, label, &trajectory)?;
        store.finish(&run, Status::Complete)?;
        Ok((run.name, profile))
    }

    /// The run of the plane, sampled where that is asked for.
    fn begin(
        &self,
        curve: &Curve,
        shown: &CurvePlane,
        grid: Option<&Grid>,
        objective: &dyn Objective,
        store: &Store,
        reporter: &dyn Reporter,
    ) -> Result<Run, StudyError> {
        let spec = self.plane_spec(curve, grid);
        if let Some(grid) = grid {
            let sampling = StoredSampling {
                store,
                spec: &spec,
                plane: &shown.plane,
                grid,
                objective,
                batch: 0,
                shard: None,
                earlier: None,
                adaptive: None,
                last: false,
            };
            return Ok(sampling.run(reporter)?.run);
        }
        let run = store.begin(&spec)?;
        store.put_plane(&run, &shown.plane)?;
        Ok(run)
    }

    fn plane_spec(&self, curve: &Curve, grid: Option<&Grid>) -> RunSpec {
        let asked = self.connection.request();
        let settings = CurvePlaneSettings {
            problem: self.connection.settings(),
            checkpoints: vec![curve.points().iter().map(Params::digest).collect()],
            curve: self.request.config.kind.name().to_owned(),
            points: asked.points,
            statistics: asked.statistics().into(),
            grid: grid.cloned(),
        };
        (self.connection).spec(RunKind::Trajectory, "plane", &settings, None)
    }

    /// The part of the plane that is to be sampled: the curve and a margin.
    fn grid(&self, curve: &Curve, shown: &CurvePlane) -> Result<Option<Grid>, StudyError> {
        let Some(asked) = &self.request.grid else {
            return Ok(None);
        };
        let ranges = match &asked.ranges {
            Some(ranges) => ranges.clone(),
            None => around(curve, shown)?,
        };
        let request = GridRequest {
            counts: asked.counts.clone(),
            ranges: Some(ranges),
        };
        Ok(Some(request.of(2)?))
    }

    /// Measures a curve.
    fn measured(
        &self,
        curve: &Curve,
        run: &Run,
        reporter: &dyn Reporter,
    ) -> Result<LossProfile, StudyError> {
        let objective = self.connection.context.objective(curve)?;
        let mut surface = Surface::new(self.connection.grid.clone(), Vec::new());
        let mut reported = Reported::new(reporter, &run.name, false);
        let sampler = Sampler {
            batch: 0,
            cancel: reported.cancel.clone(),
        };
        match sampler.run(&objective, &mut surface, &mut [&mut reported])? {
            Outcome::Complete => Ok(LossProfile::new(surface, curve)),
            Outcome::Cancelled => Err(StudyError::Interrupted {
                saved: "the curve is stored, the losses along it are not".to_owned(),
                again: "the same command continues from there",
            }),
        }
    }
}

/// The ranges that hold a curve and a margin.
fn around(curve: &Curve, shown: &CurvePlane) -> Result<Vec<(f64, f64)>, StudyError> {
    let surface = Surface::new(LossProfile::grid(FINE)?, Vec::new());
    let path = trajectory_on(&shown.plane, curve, &LossProfile::new(surface, curve))?;
    Ok(ranges(&[path], 2, MARGIN))
}

/// A path whose losses were stored.
fn stored(trajectory: &Trajectory, curve: &Curve) -> Result<LossProfile, StudyError> {
    let grid = LossProfile::grid(trajectory.points.len())?;
    let mut surface = Surface::new(grid, Vec::new());
    for (index, point) in trajectory.points.iter().enumerate() {
        let sample = Sample::of(point.loss.unwrap_or(f64::NAN));
        surface
            .set(index, sample)
            .expect("a grid of as many points");
    }
    Ok(LossProfile::new(surface, curve))
}

/// The losses of the plane where the curve is drawn.
fn fill(trajectory: &mut Trajectory, plane: &dyn Objective) -> Result<(), StudyError> {
    let points: Vec<_> = trajectory.points.iter().map(|point| point.coords).collect();
    for (point, sample) in trajectory.points.iter_mut().zip(plane.evaluate(&points)?) {
        point.plane_loss = Some(sample.loss);
    }
    Ok(())
}
