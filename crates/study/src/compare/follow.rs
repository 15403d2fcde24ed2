//! What belongs to trainings that are compared: their joint plane, the curvature at their ends, the surfaces around them.
//! Each is a run of its own, as one that was asked for alone.

use super::{Eigenvalue, Factor, Fate};
use crate::StudyError;
use crate::device::Evaluation;
use crate::diagnose::{Evidence, evidence};
use crate::directions::GridRequest;
use crate::hessian::{CurvatureRequest, CurvatureStudy, Measure};
use crate::record::Settings;
use crate::report::{Quiet, Reporter};
use crate::runs::{Keep, Landscape, LandscapeRequest};
use crate::trajectory::{ProjectedPaths, TrajectoryRequest};
use landscape_core::{Metrics, Origin, Params, Role, Surface, Trajectory, Value, metrics};
use landscape_storage::{ALL_PARAMETERS, Run, Side, Store, TrainRecord};

/// A training that is compared.
#[derive(Debug)]
pub struct Compared {
    /// What it is called.
    pub label: String,
    /// Its run.
    pub run: Run,
}

impl Compared {
    /// One that was stored before.
    pub fn stored(run: Run) -> Self {
        Compared {
            label: run.name.clone(),
            run,
        }
    }
}

/// All that is known of a comparison.
#[derive(Debug)]
pub struct Comparison {
    /// The plane of all paths, where the networks have one.
    pub plane: Option<JointPlane>,
    /// The trainings.
    pub rows: Vec<TrainingRow>,
}

/// How trainings are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonRequest {
    /// What the run of the joint plane is called.
    pub name: String,
    /// What is varied, where something is.
    pub factor: Option<Factor>,
    /// Points of the joint plane on each axis.
    pub counts: Vec<usize>,
    /// Points of the planes around the ends on each axis.
    pub end_counts: Vec<usize>,
    /// Whether the largest eigenvalue and the sharpness are computed.
    pub curvature: bool,
    /// Where it is evaluated.
    pub evaluation: Evaluation,
    /// How the runs are kept; their names are made from those of the trainings.
    pub keep: Keep,
}

impl ComparisonRequest {
    /// Everything as it is usual: 51 x 51 points of the joint plane, 31 x 31 around each end, curvature.
    pub fn new(name: impl Into<String>) -> Self {
        ComparisonRequest {
            name: name.into(),
            factor: None,
            counts: vec![51],
            end_counts: vec![31],
            curvature: true,
            evaluation: Evaluation::default(),
            keep: Keep::default(),
        }
    }

    /// Points of all planes of a comparison of so many trainings.
    pub(super) fn points(&self, trainings: usize) -> Result<usize, StudyError> {
        let of = |counts: &Vec<usize>| {
            let counts = Some(counts.clone());
            GridRequest {
                counts,
                ranges: None,
            }
            .of(2)
        };
        let joint = match self.factor {
            // Networks of different sizes have no plane in common.
            Some(Factor::Width) => 0,
            _ => of(&self.counts)?.len(),
        };
        Ok(joint + trainings * of(&self.end_counts)?.len())
    }
}

/// The plane of all paths.
#[derive(Debug)]
pub struct JointPlane {
    /// Its run.
    pub run: Run,
    /// The loss on it.
    pub surface: Surface,
    /// Shares of the variance that its components explain.
    pub explained: Vec<f64>,
    /// Paths in the order of the rows.
    pub paths: Vec<Trajectory>,
}

/// One training.
#[derive(Debug)]
pub struct TrainingRow {
    /// What it is called.
    pub label: String,
    /// Its run.
    pub run: Run,
    /// The network.
    pub model: String,
    /// Numbers that are trained.
    pub parameters: usize,
    /// Steps done.
    pub steps: u64,
    /// Time of the training, where it is known.
    pub seconds: Option<f64>,
    /// Loss before the first step.
    pub first_loss: f64,
    /// Loss at the end.
    pub loss: f64,
    /// Accuracy at the end.
    pub accuracy: Option<f64>,
    /// What became of it.
    pub fate: Fate,
    /// The first recorded step at which the loss was not finite, or, where it stayed finite, at which it was above the
    /// first loss for good; of a training that diverged.
    pub diverged_at: Option<u64>,
    /// The largest eigenvalue of the Hessian at the end.
    pub lambda_max: Option<Eigenvalue>,
    /// SAM's sharpness at the end.
    pub sharpness: Option<f64>,
    /// Figures of the surface around the end.
    pub metrics: Option<Metrics>,
    /// The surface around its end.
    pub surface: Option<Surface>,
    /// The standard error of the loss there.
    pub loss_se: Option<f64>,
    /// What is known of the network, for its verdicts.
    pub evidence: Option<Evidence>,
    /// The name of that run.
    pub end: Option<String>,
    /// The name of the run with its curvature.
    pub curvature: Option<String>,
    /// Where it ended.
    params: Params,
}

/// Puts trainings side by side: computes what is not stored yet. The reporter can stop it.
///
/// # Errors
/// [`StudyError::Interrupted`] when it was stopped; a training without checkpoints, and those of the parts.
pub fn follow(
    request: &ComparisonRequest,
    compared: &[Compared],
    store: &Store,
    reporter: &dyn Reporter,
) -> Result<Comparison, StudyError> {
    let quiet = Quiet(reporter);
    let parts = Parts::new(request, store, &quiet);
    let rows = compared.iter().map(|one| TrainingRow::new(one, store));
    let mut rows: Vec<TrainingRow> = rows.collect::<Result<_, _>>()?;
    let plane = match shares_plane(&rows) {
        true => Some(joint_plane(&rows, &parts)?),
        false => {
            reporter.note(
                "no joint plane: these networks have other parameters, or none that are finite",
            );
            None
        }
    };
    for row in rows.iter_mut().filter(|row| row.usable()) {
        row.around(&parts)?;
    }
    for row in &mut rows {
        row.evidence = evidence(store, &row.run)?.pop();
    }
    Ok(Comparison { plane, rows })
}

fn shares_plane(rows: &[TrainingRow]) -> bool {
    let first = &rows[0].params;
    rows.iter()
        .all(|row| row.usable() && first.same_layout(&row.params).is_ok())
}

/// Operations that are parts of this one.
struct Parts<'a> {
    request: &'a ComparisonRequest,
    store: &'a Store,
    reporter: &'a dyn Reporter,
}

impl<'a> Parts<'a> {
    fn new(request: &'a ComparisonRequest, store: &'a Store, reporter: &'a dyn Reporter) -> Self {
        Parts {
            request,
            store,
            reporter,
        }
    }

    /// Does a part, unless it is to stop.
    fn run<T>(
        &self,
        part: impl FnOnce(&Store, &dyn Reporter) -> Result<T, StudyError>,
    ) -> Result<T, StudyError> {
        if self.reporter.cancelled() {
            return Err(StudyError::Interrupted {
                saved: "all that was computed is stored".to_owned(),
                again: "the same command continues from there",
            });
        }
        part(self.store, self.reporter)
    }

    /// How a part is kept.
    fn keep(&self, name: &str) -> Keep {
        Keep {
            name: Some(name.to_owned()),
            comparison: Some(self.request.name.clone()),
            ..self.request.keep.clone()
        }
    }
}

fn joint_plane(rows: &[TrainingRow], parts: &Parts<'_>) -> Result<JointPlane, StudyError> {
    let asked = parts.request;
    let mut request = TrajectoryRequest {
        runs: rows.iter().map(|row| row.run.name.clone()).collect(),
        center: match asked.factor {
            Some(Factor::Optimizer | Factor::LearningRate | Factor::BatchSize) => Origin::Start,
            _ => Origin::Mean,
        },
        evaluation: asked.evaluation.clone(),
        keep: Keep {
            name: Some(asked.name.clone()),
            ..asked.keep.clone()
        },
        ..TrajectoryRequest::default()
    };
    request.grid.counts = Some(asked.counts.clone());
    let measured = parts.run(|store, reporter| {
        ProjectedPaths::prepare(&request, Some(store), reporter)?.run(store, reporter)
    })?;
    let stored = measured.paths;
    let path = |row: &TrainingRow| {
        let named = stored.iter().find(|named| named.label == row.run.name);
        named.map(|named| named.trajectory.clone())
    };
    let paths: Vec<Trajectory> = rows.iter().filter_map(path).collect();
    let explained = paths.first().map(|path| path.explained_variance.clone());
    Ok(JointPlane {
        surface: parts.store.load_surface(&measured.run)?,
        explained: explained.unwrap_or_default(),
        paths,
        run: measured.run,
    })
}

/// Where a training that diverged blew up: the first step without a finite loss, else the first of those at its end with a
/// loss above the first one.
fn diverged_at(records: &[TrainRecord]) -> Option<u64> {
    let losses = records.iter().map(|record| record.loss.unwrap_or(f64::NAN));
    let losses: Vec<f64> = losses.collect();
    let first = losses.first()?;
    let blown = losses.iter().position(|loss| !loss.is_finite());
    let above = losses.iter().rev().take_while(|loss| *loss > first);
    let above = losses.len() - above.count();
    blown
        .or((above < losses.len()).then_some(above))
        .map(|place| records[place].step)
}

impl TrainingRow {
    /// What training recorded.
    fn new(compared: &Compared, store: &Store) -> Result<Self, StudyError> {
        let run = &compared.run;
        let records = store.records(run)?;
        let last = store.last_checkpoint(run)?;
        let (Some(first), Some(last)) = (records.first(), last) else {
            return Err(StudyError::NoCheckpoint {
                run: run.name.clone(),
                step: None,
                steps: Vec::new(),
            });
        };
        let loss = |record: &TrainRecord| record.loss.unwrap_or(f64::NAN);
        let weights = last.params.iter().filter(|t| t.role != Role::Buffer);
        let settings = Settings::of(run);
        let model = settings.problem().model.as_deref();
        Ok(TrainingRow {
            label: compared.label.clone(),
            run: run.clone(),
            model: model.unwrap_or("-").to_owned(),
            parameters: weights.map(|tensor| tensor.data.len()).sum(),
            steps: last.record.step,
            seconds: last.record.seconds,
            first_loss: loss(first),
            loss: loss(&last.record),
            accuracy: last.record.accuracy,
            fate: Fate::of(loss(first), loss(&last.record)),
            diverged_at: diverged_at(&records),
            lambda_max: None,
            sharpness: None,
            metrics: None,
            surface: None,
            loss_se: None,
            evidence: None,
            end: None,
            curvature: None,
            params: last.params,
        })
    }

    /// Whether there is a point to look around at.
    fn usable(&self) -> bool {
        let finite = |v: &f32| v.is_finite();
        self.loss.is_finite() && self.params.iter().all(|t| t.data.iter().all(finite))
    }

    /// The surface around the end, and the curvature there.
    fn around(&mut self, parts: &Parts<'_>) -> Result<(), StudyError> {
        let end = format!("{}-end", self.run.name);
        let mut request = LandscapeRequest {
            evaluation: parts.request.evaluation.clone(),
            keep: parts.keep(&end),
            ..LandscapeRequest::default()
        };
        request.network.run = Some(self.run.name.clone());
        request.grid.counts = Some(parts.request.end_counts.clone());
        let sampled = parts.run(|store, reporter| {
            Landscape::prepare(&request, Some(store), reporter)?.run(store, reporter)
        })?;
        let surface = sampled.sampled.surface;
        self.metrics = metrics(&surface).ok();
        self.loss_se = surface.interpolate(Value::LossSe, [0.0; 3]);
        self.surface = Some(surface);
        self.end = Some(end);
        match parts.request.curvature {
            true => self.curvature(parts),
            false => Ok(()),
        }
    }

    fn curvature(&mut self, parts: &Parts<'_>) -> Result<(), StudyError> {
        let name = format!("{}-curvature", self.run.name);
        let mut request = CurvatureRequest {
            top: Some(1),
            sharpness: vec![Measure::Sam],
            evaluation: parts.request.evaluation.clone(),
            keep: parts.keep(&name),
            ..CurvatureRequest::default()
        };
        // Products are computed on one device.
        request.evaluation.devices.truncate(1);
        request.network.run = Some(self.run.name.clone());
        let found = parts.run(|store, reporter| {
            CurvatureStudy::prepare(&request, Some(store), reporter)?.run(store, reporter)
        })?;
        if let Some(point) = found.points.first() {
            let largest = point.eigenvalues_of(ALL_PARAMETERS, Side::Top);
            self.lambda_max = largest.first().map(|found| Eigenvalue {
                value: found.value,
                residual: found.residual,
                converged: found.converged,
            });
            let sam = point.sharpness.iter().find(|s| s.measure == "sam");
            self.sharpness = sam.map(|sam| sam.value);
        }
        self.curvature = Some(name);
        Ok(())
    }
}
