//! What the demonstration found, as programs read it.

use crate::StudyError;
use crate::diagnose::{DiagnosisReport, Evidence, evidence};
use crate::hessian::CurvatureSummary;
use landscape_core::json::{float_list, float_option};
use landscape_core::{Metrics, metrics};
use landscape_storage::{Error, RunKind, RunSummary, Store, TrainRecord};
use serde::Serialize;

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
    /// What that rests on.
    #[serde(skip)]
    pub evidence: Option<Evidence>,
    /// Its checkpoints.
    #[serde(skip)]
    pub checkpoints: u64,
    /// Its curvature.
    #[serde(skip)]
    pub curvature: Option<CurvatureSummary>,
}

/// What is worth saying of each run.
///
/// # Errors
/// Those of the store.
pub fn summary(store: &Store) -> Result<Vec<DemoRun>, StudyError> {
    let runs = store.runs()?.into_iter();
    runs.map(|run| DemoRun::load(store, run)).collect()
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
            evidence,
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
