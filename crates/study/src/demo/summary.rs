//! What the demonstration found.

use crate::StudyError;
use crate::diagnose::{DiagnosisReport, Evidence, evidence};
use crate::files::serialize_path;
use crate::hessian::CurvatureSummary;
use crate::words::{Align, Table, percent, percents, with_error};
use landscape_core::json::{float, float_list, float_option};
use landscape_core::{Metrics, counted, metrics, path_words, short};
use landscape_storage::{Error, RunKind, RunSummary, Store, TrainRecord};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// What the demonstration found. As JSON it is what `landscape demo --json` prints.
#[derive(Debug, Serialize)]
pub struct DemoSummary {
    /// Where its files are.
    #[serde(serialize_with = "serialize_path")]
    pub folder: PathBuf,
    /// Seconds that it took.
    #[serde(with = "float")]
    pub seconds: f64,
    /// The runs.
    pub runs: Vec<DemoRun>,
}

/// A run, and what is worth saying of it.
#[derive(Debug, Serialize)]
pub struct DemoRun {
    /// Its name.
    pub run: String,
    /// Its kind.
    pub kind: RunKind,
    /// Its points.
    pub points: u64,
    /// The loss at the end of training, or at the origin.
    #[serde(with = "float_option")]
    pub loss: Option<f64>,
    /// The accuracy at the end of training.
    #[serde(with = "float_option")]
    pub accuracy: Option<f64>,
    /// The smallest loss of its landscape.
    #[serde(with = "float_option")]
    pub min_loss: Option<f64>,
    /// The largest.
    #[serde(with = "float_option")]
    pub max_loss: Option<f64>,
    /// The share of its landscape that is convex.
    #[serde(with = "float_option")]
    pub convexity: Option<f64>,
    /// Shares of the variance that the components of its path explain.
    #[serde(with = "float_list")]
    pub explained_variance: Vec<f64>,
    /// The training in words, of its path.
    pub diagnosis: Option<DiagnosisReport>,
    /// Its checkpoints.
    #[serde(skip)]
    pub checkpoints: u64,
    /// Its curvature.
    #[serde(skip)]
    pub curvature: Option<CurvatureSummary>,
}

impl DemoSummary {
    /// What is worth saying of each run, after a demonstration of so many seconds into a folder.
    ///
    /// # Errors
    /// Those of the store.
    pub fn load(store: &Store, folder: &Path, seconds: f64) -> Result<Self, StudyError> {
        let runs = store.runs()?.into_iter();
        let runs = runs.map(|run| DemoRun::load(store, run));
        Ok(DemoSummary {
            folder: folder.to_owned(),
            seconds,
            runs: runs.collect::<Result<_, _>>()?,
        })
    }
}

impl DemoRun {
    fn load(store: &Store, summary: RunSummary) -> Result<Self, StudyError> {
        let run = &summary.run;
        let figures = figures(store, &summary)?;
        let figure = |of: fn(&Metrics) -> f64| figures.as_ref().map(of);
        let records = store.records(run)?;
        let end = records.last().filter(|record| record.loss.is_some());
        let curvature = store.curvature(run)?.pop();
        let center = figures.as_ref().and_then(|figures| figures.center_loss);
        let known = curvature.as_ref().and_then(|point| point.loss);
        let evidence = match run.kind {
            RunKind::Trajectory => evidence(store, run)?.pop(),
            _ => None,
        };
        let path = store.load_trajectories(run)?.into_iter().next();
        let explained = path.map(|path| path.trajectory.explained_variance);
        Ok(DemoRun {
            kind: run.kind,
            points: summary.points,
            loss: { end.and_then(|record: &TrainRecord| record.loss) }
                .or(center)
                .or(known),
            accuracy: end.and_then(|record| record.accuracy),
            min_loss: figure(|figures| figures.min_loss),
            max_loss: figure(|figures| figures.max_loss),
            convexity: figures.as_ref().and_then(|figures| figures.convexity),
            explained_variance: explained.unwrap_or_default(),
            diagnosis: evidence.as_ref().map(Evidence::report),
            checkpoints: summary.checkpoints,
            curvature: curvature.as_ref().map(CurvatureSummary::of),
            run: summary.run.name,
        })
    }
}

fn figures(store: &Store, summary: &RunSummary) -> Result<Option<Metrics>, StudyError> {
    match store.load_surface(&summary.run) {
        Ok(surface) => Ok(metrics(&surface).ok()),
        Err(Error::Lacks { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl fmt::Display for DemoSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Table::new([
            ("RUN", Align::Left),
            ("KIND", Align::Left),
            ("POINTS", Align::Right),
            ("LOSS", Align::Right),
            ("LOWEST", Align::Right),
            ("HIGHEST", Align::Right),
            ("CONVEX", Align::Right),
            ("", Align::Left),
        ])
        .with(self.runs.iter().map(DemoRun::cells))
        .fmt(f)?;
        for told in self.runs.iter().filter_map(|run| run.diagnosis.as_ref()) {
            write!(f, "\n{}\n{}", told.path, told.answers)?;
        }
        let folder = path_words(&self.folder);
        writeln!(f, "\nfigures, database and page: {folder}")
    }
}

impl DemoRun {
    fn cells(&self) -> [String; 8] {
        let number = |value: Option<f64>| value.map_or(String::new(), short);
        [
            self.run.clone(),
            self.kind.to_string(),
            match self.points {
                0 => String::new(),
                points => points.to_string(),
            },
            number(self.loss),
            number(self.min_loss),
            number(self.max_loss),
            self.convexity.map_or(String::new(), percent),
            self.remark(),
        ]
    }

    fn remark(&self) -> String {
        if let Some(accuracy) = self.accuracy {
            let checkpoints = counted(self.checkpoints as usize, "checkpoint");
            return format!("accuracy {}, {checkpoints}", percent(accuracy));
        }
        if !self.explained_variance.is_empty() {
            return format!("variance explained {}", percents(&self.explained_variance));
        }
        let Some(found) = &self.curvature else {
            return String::new();
        };
        let largest = found.eigenvalues.first();
        let largest = largest.map(|top| format!("largest eigenvalue {}", short(top.value)));
        let trace = found.trace.as_ref();
        let trace = trace.map(|trace| format!("trace {}", with_error(trace.mean, trace.se)));
        let words: Vec<String> = largest.into_iter().chain(trace).collect();
        words.join(", ")
    }
}
