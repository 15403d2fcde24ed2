//! Everything that is known about a run.

use crate::diagnose::{DiagnosisReport, Evidence, evidence};
use crate::hessian::{CurvatureSummary, MapSummary};
use crate::record::Settings;
use crate::{Numbers, StudyError};
use landscape_core::json::{float, float_list, float_option};
use landscape_core::{Adaptive, AdaptiveReport, Direction};
use landscape_storage::{
    Error, NamedTrajectory, RunSummary, Status, Store, StoredDirections, TrainRecord,
};
use serde::Serialize;

/// Everything that is known about a run, apart from points and tensors. As JSON it is what `landscape show --json`
/// prints.
///
/// ```
/// use landscape_storage::Store;
/// use landscape_study::details::RunDetails;
/// use landscape_study::runs::{TrainRequest, Training};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path().join("landscape.duckdb"))?;
/// let mut request = TrainRequest::new("mlp:2-8-1".parse()?);
/// request.data.data = Some("moons:n=50".parse()?);
/// request.config.epochs = 3;
/// request.keep.name = Some("moons".to_owned());
/// Training::prepare(&request, &())?.run(&store, &())?;
///
/// let details = RunDetails::load(&store, "moons")?;
/// assert_eq!(details.records.len(), 4);
/// assert_eq!(serde_json::to_value(&details)?["run"]["kind"], "train");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Serialize)]
pub struct RunDetails {
    /// The run, its settings and its provenance, and how much it holds.
    #[serde(rename = "run")]
    pub summary: RunSummary,
    /// What adaptive sampling did, of a complete run.
    pub adaptive: Option<AdaptiveReport>,
    /// The directions of its landscape.
    pub directions: Option<DirectionsDetails>,
    /// The records of its training.
    pub records: Vec<RecordDetails>,
    /// Its curvature, one for each set of parameters.
    pub curvature: Vec<CurvatureSummary>,
    /// Its curvature over a plane.
    pub map: Option<MapSummary>,
    /// Its paths.
    pub trajectories: Vec<PathDetails>,
    /// What is said of its trainings.
    pub diagnoses: Vec<DiagnosisReport>,
    /// What that rests on, in the same order.
    #[serde(skip)]
    pub evidence: Vec<Evidence>,
}

/// Directions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DirectionsDetails {
    /// Each of them.
    pub each: Vec<DirectionDetails>,
    /// Cosines between all pairs.
    pub cosines: Vec<Numbers>,
}

/// A direction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DirectionDetails {
    /// Where it is from.
    pub source: String,
    /// Its norm.
    #[serde(with = "float")]
    pub norm: f64,
    /// How it was normalised.
    pub normalization: &'static str,
    /// How its tensors of one dimension move.
    pub bias: &'static str,
}

/// A recorded step of a training.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordDetails {
    /// The step.
    pub step: u64,
    /// Epochs done.
    #[serde(with = "float")]
    pub epoch: f64,
    /// The loss over all the data.
    #[serde(with = "float_option")]
    pub loss: Option<f64>,
    /// The accuracy.
    #[serde(with = "float_option")]
    pub accuracy: Option<f64>,
    /// The loss of the batch.
    #[serde(with = "float_option")]
    pub batch_loss: Option<f64>,
    /// The learning rate.
    #[serde(with = "float_option")]
    pub lr: Option<f64>,
    /// Norm of the gradient.
    #[serde(with = "float_option")]
    pub gradient_norm: Option<f64>,
    /// Seconds of training so far.
    #[serde(with = "float_option")]
    pub seconds: Option<f64>,
}

/// A path.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PathDetails {
    /// Its name.
    pub label: String,
    /// Its checkpoints.
    pub checkpoints: usize,
    /// Shares of the variance that the components explain.
    #[serde(with = "float_list")]
    pub explained_variance: Vec<f64>,
    /// How its checkpoints got their coordinates.
    pub projection: &'static str,
}

impl RunDetails {
    /// Loads them by the name or number of a run.
    ///
    /// # Errors
    /// Those of the store, which knows no such run or cannot be read.
    pub fn load(store: &Store, name: &str) -> Result<Self, StudyError> {
        let summary = store.summary(name)?;
        let run = &summary.run;
        let mut told = evidence(store, run)?;
        told.retain(|evidence| !evidence.is_empty());
        let directions = optional(store.directions_without_tensors(run))?;
        let map = optional(store.load_curvature_map(run))?;
        let curvature = store.curvature(run)?;
        let paths = store.load_trajectories(run)?;
        Ok(RunDetails {
            adaptive: adaptive(&summary, store)?,
            directions: directions.as_ref().map(DirectionsDetails::of),
            records: store.records(run)?.iter().map(RecordDetails::of).collect(),
            curvature: curvature.iter().map(CurvatureSummary::of).collect(),
            map: map.as_ref().map(MapSummary::of),
            trajectories: paths.iter().map(PathDetails::of).collect(),
            diagnoses: told.iter().map(Evidence::report).collect(),
            evidence: told,
            summary,
        })
    }
}

fn adaptive(summary: &RunSummary, store: &Store) -> Result<Option<AdaptiveReport>, StudyError> {
    let tolerance = Settings::of(&summary.run).adaptive();
    match tolerance.map(Adaptive::new) {
        Some(Ok(adaptive)) if summary.run.status == Status::Complete => {
            Ok(adaptive.report(&store.load_surface(&summary.run)?))
        }
        _ => Ok(None),
    }
}

fn optional<T>(found: Result<T, Error>) -> Result<Option<T>, StudyError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::Lacks { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl DirectionsDetails {
    fn of(stored: &StoredDirections) -> Self {
        let one = |(direction, norm): (&Direction, &f64)| DirectionDetails {
            source: direction.source.to_string(),
            norm: *norm,
            normalization: direction.normalization.name(),
            bias: direction.bias.name(),
        };
        DirectionsDetails {
            each: { stored.directions.iter().zip(&stored.norms) }
                .map(one)
                .collect(),
            cosines: Numbers::rows(&stored.cosines),
        }
    }
}

impl RecordDetails {
    fn of(record: &TrainRecord) -> Self {
        RecordDetails {
            step: record.step,
            epoch: record.epoch,
            loss: record.loss,
            accuracy: record.accuracy,
            batch_loss: record.batch_loss,
            lr: record.lr,
            gradient_norm: record.gradient_norm,
            seconds: record.seconds,
        }
    }
}

impl PathDetails {
    fn of(named: &NamedTrajectory) -> Self {
        PathDetails {
            label: named.label.clone(),
            checkpoints: named.trajectory.points.len(),
            explained_variance: named.trajectory.explained_variance.clone(),
            projection: named.trajectory.projection.name(),
        }
    }
}
