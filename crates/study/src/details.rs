//! Everything that is known about a run.

use crate::diagnose::{DiagnosisReport, Evidence, evidence};
use crate::hessian::{CurvatureSummary, MapSummary, steps_words};
use crate::list::{holdings, state_words};
use crate::record::{ProblemSettings, Provenance, Settings};
use crate::shard::ShardState;
use crate::words::{cosine_words, or_dash, percent, percents, perplexity_words};
use crate::{Numbers, StudyError};
use landscape_core::json::{float, float_list};
use landscape_core::{Adaptive, AdaptiveReport, Direction, short};
use landscape_storage::{
    Error, NamedTrajectory, RunSummary, Status, Store, StoredDirections, TrainRecord, timestamp,
};
use serde::Serialize;
use serde_json::Value;
use std::fmt;

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
    /// Of a run that is not complete, which shards of the whole it is, and how much of them there is.
    pub shard: Option<ShardState>,
    /// What adaptive sampling did, of a complete run.
    pub adaptive: Option<AdaptiveReport>,
    /// The directions of its landscape.
    pub directions: Option<DirectionsDetails>,
    /// The records of its training.
    pub records: Vec<TrainRecord>,
    /// Its curvature, one for each set of parameters.
    pub curvature: Vec<CurvatureSummary>,
    /// Its curvature over a plane.
    pub map: Option<MapSummary>,
    /// Its paths.
    pub trajectories: Vec<PathDetails>,
    /// What is said of its trainings.
    pub diagnoses: Vec<DiagnosisReport>,
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
        let evidence = evidence(store, run)?;
        let told = evidence.iter().filter(|evidence| !evidence.is_empty());
        let directions = optional(store.directions_without_tensors(run))?;
        let map = optional(store.load_curvature_map(run))?;
        let curvature = store.curvature(run)?;
        let paths = store.load_trajectories(run)?;
        Ok(RunDetails {
            adaptive: adaptive(&summary, store)?,
            directions: directions.as_ref().map(DirectionsDetails::of),
            records: store.records(run)?,
            curvature: { curvature.iter() }
                .map(CurvatureSummary::in_run(run))
                .collect(),
            map: map.as_ref().map(MapSummary::of),
            trajectories: paths.iter().map(PathDetails::of).collect(),
            diagnoses: told.map(Evidence::report).collect(),
            shard: ShardState::of(&summary),
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

impl fmt::Display for RunDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = &self.summary.run;
        self.heading(f)?;
        if let Some(report) = &self.adaptive {
            writeln!(f, "  {report}")?;
        }
        for (name, value) in [("settings", &run.settings), ("provenance", &run.provenance)] {
            writeln!(f, "{name}")?;
            for (name, value) in flat(value) {
                writeln!(f, "  {name}: {value}")?;
            }
        }
        if let Some(directions) = &self.directions {
            directions.fmt(f)?;
        }
        if let (Some(first), Some(last)) = (self.records.first(), self.records.last()) {
            writeln!(f, "training")?;
            let settings = Settings::of(&self.summary.run);
            for record in [first, last] {
                let words = record_words(record, settings.problem());
                writeln!(f, "  step {:<8} {words}", record.step)?;
            }
        }
        match &self.curvature[..] {
            [] => {}
            [one] => write!(f, "curvature\n{one}")?,
            all => write!(f, "curvature\n{}", steps_words(all))?,
        }
        if let Some(map) = &self.map {
            map.fmt(f)?;
        }
        self.trajectories.iter().try_for_each(|path| path.fmt(f))?;
        for told in &self.diagnoses {
            write!(f, "diagnosis of {}\n{}", told.path, told.answers)?;
        }
        Ok(())
    }
}

impl RunDetails {
    fn heading(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = &self.summary.run;
        writeln!(f, "{} ({}, number {})", run.name, run.kind, run.id)?;
        let finished = run.finished.map_or("-".to_owned(), timestamp);
        let model = Provenance::of(run).model_name(&Settings::of(run));
        for (name, value) in [
            ("model", model.unwrap_or_else(|| "-".to_owned())),
            ("status", state_words(run.status, self.shard.as_ref())),
            ("holds", holdings(&self.summary)),
            ("created", timestamp(run.created)),
            ("finished", finished),
            ("identity", run.identity.clone()),
        ] {
            writeln!(f, "  {name:<8}  {value}")?;
        }
        Ok(())
    }
}

fn record_words(record: &TrainRecord, problem: &ProblemSettings) -> String {
    let loss = or_dash(record.loss);
    let accuracy = record.accuracy.map(percent);
    let accuracy = accuracy.map_or(String::new(), |share| format!(", accuracy {share}"));
    let perplexity = record.loss.and_then(|loss| problem.perplexity(loss));
    let perplexity = perplexity.map_or(String::new(), perplexity_words);
    format!("loss {loss}{accuracy}{perplexity}")
}

impl fmt::Display for PathDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, shares) = (self.checkpoints, percents(&self.explained_variance));
        writeln!(f, "path {}", self.label)?;
        writeln!(f, "  {count} checkpoints, variance explained {shares}")
    }
}

impl fmt::Display for DirectionsDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "directions")?;
        for (place, direction) in self.each.iter().enumerate() {
            writeln!(
                f,
                "  {}  {}, norm {}, normalised: {}, one-dimensional tensors: {}",
                place + 1,
                direction.source,
                short(direction.norm),
                direction.normalization,
                direction.bias,
            )?;
        }
        let cosines = cosine_words(&self.cosines);
        cosines
            .iter()
            .try_for_each(|words| writeln!(f, "  {words}"))
    }
}

/// The parts of a value in words, each with its path in it.
pub(crate) fn flat(value: &Value) -> Vec<(String, String)> {
    let mut parts = Vec::new();
    flatten("", value, &mut parts);
    parts
}

fn flatten(path: &str, value: &Value, parts: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            let dot = if path.is_empty() { "" } else { "." };
            flatten(&format!("{path}{dot}{key}"), value, parts);
        }),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            let items = items.iter().enumerate();
            items.for_each(|(place, item)| flatten(&format!("{path}[{place}]"), item, parts));
        }
        Value::Null => {}
        Value::String(word) => parts.push((path.to_owned(), word.clone())),
        other => parts.push((path.to_owned(), other.to_string())),
    }
}
