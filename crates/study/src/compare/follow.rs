//! What belongs to trainings that are compared: their joint plane, the curvature at their ends, the surfaces around them.
//! Each is a run of its own, as one that was asked for alone.

use super::table::trained_numbers;
use super::{Factor, Fate, Row, Statistics};
use crate::device::Evaluation;
use crate::diagnose::{DiagnosisReport, Evidence, evidence};
use crate::directions::GridRequest;
use crate::hessian::{CurvatureRequest, CurvatureStudy, EigenvalueSummary, Measure};
use crate::record::{Provenance, Settings};
use crate::report::{Quiet, Reporter};
use crate::runs::{Keep, Landscape, LandscapeRequest};
use crate::trajectory::{ProjectedPaths, TrajectoryRequest};
use crate::{Numbers, StudyError};
use landscape_core::json::float_option;
use landscape_core::{
    Origin, Params, Selection, Surface, Trajectory, TrajectoryError, Value, metrics,
};
use landscape_storage::{ALL_PARAMETERS, Run, Side, Store, TrainRecord};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

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

/// All that is known of trainings side by side. As JSON it is what `landscape compare --json` prints of trainings, the files of
/// figures apart.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// What is varied, where something is.
    pub factor: Option<Factor>,
    /// The plane of all paths, where the networks have one.
    #[serde(flatten, serialize_with = "plane")]
    pub plane: Option<JointPlane>,
    /// The trainings.
    pub trainings: Vec<ComparedTraining>,
    /// Of the final losses.
    pub statistics: Statistics,
}

/// How trainings are compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparisonRequest {
    /// What the run of the joint plane is called.
    pub name: String,
    /// What is varied, where something is.
    #[serde(default)]
    pub factor: Option<Factor>,
    /// Points of the joint plane on each axis.
    pub counts: Vec<usize>,
    /// Points of the planes around the ends on each axis.
    pub end_counts: Vec<usize>,
    /// Whether the largest eigenvalue and the sharpness are computed.
    pub curvature: bool,
    /// The parameters that planes move and that curvature is of; all of them where absent.
    #[serde(default, with = "landscape_core::as_words::option")]
    pub params: Option<Selection>,
    /// Where it is evaluated.
    #[serde(default)]
    pub evaluation: Evaluation,
    /// How the runs are kept; their names are made from those of the trainings.
    #[serde(default)]
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
            params: None,
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

/// A training that was compared.
#[derive(Debug, Serialize)]
pub struct ComparedTraining {
    /// What it came to.
    #[serde(flatten)]
    pub row: Row,
    /// Its run.
    #[serde(serialize_with = "name")]
    pub run: Run,
    /// The first recorded step at which the loss was not finite, or, where it stayed finite, at which it was above the
    /// first loss for good; of a training that diverged.
    pub diverged_at: Option<u64>,
    /// Where it left for good what it began with.
    #[serde(skip)]
    astray_from: Option<u64>,
    /// The standard error of the loss at the end.
    #[serde(with = "float_option")]
    pub loss_se: Option<f64>,
    /// What is said of the network.
    pub diagnosis: Option<DiagnosisReport>,
    /// The name of the run of the surface around the end.
    pub end: Option<String>,
    /// The name of the run with its curvature.
    pub curvature: Option<String>,
    /// Where it ended.
    #[serde(skip)]
    params: Params,
}

fn plane<S: Serializer>(of: &Option<JointPlane>, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Plane<'a> {
        run: Option<&'a str>,
        explained_variance: Option<Numbers>,
    }
    let of = of.as_ref();
    let plane = Plane {
        run: of.map(|plane| plane.run.name.as_str()),
        explained_variance: of.map(|plane| Numbers(plane.explained.clone())),
    };
    plane.serialize(to)
}

fn name<S: Serializer>(of: &Run, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&of.name)
}

impl Comparison {
    /// What each training came to.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.trainings.iter().map(|one| &one.row)
    }
}

/// Trainings that are ready to be put side by side.
#[derive(Debug)]
pub struct TrainingComparison<'a> {
    request: &'a ComparisonRequest,
    trainings: Vec<ComparedTraining>,
}

impl<'a> TrainingComparison<'a> {
    /// Reads what the trainings recorded; stores nothing.
    ///
    /// # Errors
    /// A training without checkpoints, and those of the store.
    pub fn prepare(
        request: &'a ComparisonRequest,
        compared: &[Compared],
        store: &Store,
    ) -> Result<Self, StudyError> {
        let trainings = { compared.iter() }.map(|one| ComparedTraining::new(one, store));
        Ok(TrainingComparison {
            request,
            trainings: trainings.collect::<Result<_, _>>()?,
        })
    }

    /// Computes what is not stored yet. The reporter can stop it.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`] when it was stopped, and those of the parts.
    pub fn run(self, store: &Store, reporter: &dyn Reporter) -> Result<Comparison, StudyError> {
        let (quiet, mut trainings) = (Quiet(reporter), self.trainings);
        let parts = Parts {
            request: self.request,
            store,
            reporter: &quiet,
        };
        let plane = match shares_plane(&trainings) {
            true => plane_of_paths(&trainings, &parts, reporter)?,
            false => {
                reporter.note(
                    "no joint plane: these networks have different parameters, or none that are finite",
                );
                None
            }
        };
        for one in trainings.iter_mut().filter(|one| one.is_usable()) {
            one.around(&parts)?;
        }
        for one in &mut trainings {
            let known = evidence(store, &one.run)?.pop();
            one.diagnosis = known.as_ref().map(Evidence::report);
        }
        let losses = { trainings.iter() }.map(|one| (one.row.first_loss, one.row.loss));
        Ok(Comparison {
            factor: self.request.factor,
            statistics: Statistics::of_losses(&losses.collect::<Vec<_>>()),
            plane,
            trainings,
        })
    }
}

fn shares_plane(trainings: &[ComparedTraining]) -> bool {
    let Some(first) = trainings.first() else {
        return false;
    };
    let same = |one: &ComparedTraining| first.params.same_layout(&one.params).is_ok();
    let has_path = |one: &ComparedTraining| one.is_usable() || one.left_out_from().is_some();
    trainings.iter().all(|one| has_path(one) && same(one))
}

/// The joint plane, of trainings that diverged without what came when they did: it would be the scale of all others.
fn plane_of_paths(
    trainings: &[ComparedTraining],
    parts: &Parts<'_>,
    reporter: &dyn Reporter,
) -> Result<Option<JointPlane>, StudyError> {
    let left_out = |one: &ComparedTraining| Some((one.run.name.clone(), one.left_out_from()?));
    let left_out: BTreeMap<String, u64> = trainings.iter().filter_map(left_out).collect();
    for (run, step) in &left_out {
        reporter.note(format_args!(
            "run `{run}` diverged: the joint plane has its path before step {step}"
        ));
    }
    let short = !left_out.is_empty();
    match joint_plane(trainings, left_out, parts) {
        Err(StudyError::Trajectory(
            error @ (TrajectoryError::TooFew { .. } | TrajectoryError::Rank { .. }),
        )) if short => {
            reporter.note(format_args!("no joint plane of the others: {error}"));
            Ok(None)
        }
        plane => plane.map(Some),
    }
}

/// Operations that are parts of this one.
struct Parts<'a> {
    request: &'a ComparisonRequest,
    store: &'a Store,
    reporter: &'a dyn Reporter,
}

impl Parts<'_> {
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

fn joint_plane(
    trainings: &[ComparedTraining],
    left_out: BTreeMap<String, u64>,
    parts: &Parts<'_>,
) -> Result<JointPlane, StudyError> {
    let asked = parts.request;
    let mut request = TrajectoryRequest {
        runs: trainings.iter().map(|one| one.run.name.clone()).collect(),
        left_out,
        center: match asked.factor {
            Some(Factor::Optimizer | Factor::LearningRate | Factor::BatchSize) => Origin::First,
            _ => Origin::Mean,
        },
        params: asked.params.clone(),
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
    let path = |one: &ComparedTraining| {
        let named = stored.iter().find(|named| named.label == one.run.name);
        named.map(|named| named.trajectory.clone())
    };
    let paths: Vec<Trajectory> = trainings.iter().filter_map(path).collect();
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

/// The first of the steps at the end whose losses are all not finite or above the first one.
pub(super) fn astray_from(records: &[TrainRecord]) -> Option<u64> {
    let first = records.first()?.loss?;
    let is_good = |record: &TrainRecord| record.loss.is_some_and(|loss| loss <= first);
    let last_good = records.iter().rposition(is_good)?;
    records.get(last_good + 1).map(|record| record.step)
}

impl ComparedTraining {
    /// The step from which on a training that diverged is left out of the joint plane; something of it is left.
    fn left_out_from(&self) -> Option<u64> {
        let step = self.astray_from.filter(|&step| step > 0);
        step.filter(|_| self.row.fate == Fate::Diverged)
    }

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
        let (first, end) = (loss(first), last.record);
        let settings = Settings::of(run);
        let model = Provenance::of(run).model_name(&settings);
        let row = Row {
            label: compared.label.clone(),
            model: model.unwrap_or_else(|| "-".to_owned()),
            parameters: trained_numbers(&last.params),
            steps: end.step,
            seconds: end.seconds,
            first_loss: first,
            loss: loss(&end),
            accuracy: end.accuracy,
            fate: Fate::of(first, loss(&end)),
            lambda_max: None,
            sharpness: None,
            metrics: None,
            surface: None,
        };
        Ok(ComparedTraining {
            row,
            run: run.clone(),
            diverged_at: diverged_at(&records),
            astray_from: astray_from(&records),
            loss_se: None,
            diagnosis: None,
            end: None,
            curvature: None,
            params: last.params,
        })
    }

    /// Whether there is a point to look around at.
    fn is_usable(&self) -> bool {
        self.row.is_usable(&self.params)
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
        request.network.params.clone_from(&parts.request.params);
        request.grid.counts = Some(parts.request.end_counts.clone());
        let sampled = parts.run(|store, reporter| {
            Landscape::prepare(&request, Some(store), reporter)?.run(store, reporter)
        })?;
        let surface = sampled.sampled.surface;
        self.loss_se = surface.interpolate(Value::LossSe, [0.0; 3]);
        self.row.metrics = metrics(&surface).ok();
        self.row.surface = Some(surface);
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
        request.network.params.clone_from(&parts.request.params);
        let found = parts.run(|store, reporter| {
            CurvatureStudy::prepare(&request, Some(store), reporter)?.run(store, reporter)
        })?;
        if let Some(point) = found.points.first() {
            let largest = point.eigenvalues_of(ALL_PARAMETERS, Side::Top);
            self.row.lambda_max = largest.first().map(|&found| EigenvalueSummary::of(found));
            let sam = point.sharpness.iter().find(|s| s.measure == "sam");
            self.row.sharpness = sam.map(|sam| sam.value);
        }
        self.curvature = Some(name);
        Ok(())
    }
}
