//! Trainings side by side, as programs read them.

use super::{Comparison, Eigenvalue, Factor, Statistics, TrainingRow};
use crate::diagnose::DiagnosisReport;
use crate::diagnose::Evidence;
use landscape_core::json::{float, float_list, float_option};
use serde::Serialize;

/// A comparison of trainings. As JSON it is what `landscape compare --json` prints, the files of figures apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparisonReport {
    /// What is varied.
    pub factor: Option<String>,
    /// The run of the joint plane.
    pub run: Option<String>,
    /// Shares of the variance that its components explain.
    pub explained_variance: Option<Shares>,
    /// The trainings.
    pub trainings: Vec<TrainingReport>,
    /// Of the final losses.
    pub statistics: Statistics,
}

/// A list of shares.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Shares(#[serde(with = "float_list")] pub Vec<f64>);

/// One training; see [`TrainingRow`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields of a row
pub struct TrainingReport {
    pub label: String,
    pub run: String,
    pub model: String,
    pub parameters: usize,
    pub steps: u64,
    #[serde(with = "float_option")]
    pub seconds: Option<f64>,
    #[serde(with = "float")]
    pub first_loss: f64,
    #[serde(with = "float")]
    pub loss: f64,
    #[serde(with = "float_option")]
    pub accuracy: Option<f64>,
    #[serde(with = "float_option")]
    pub loss_se: Option<f64>,
    pub diagnosis: Option<DiagnosisReport>,
    pub fate: &'static str,
    pub diverged_at: Option<u64>,
    pub lambda_max: Option<Eigenvalue>,
    #[serde(with = "float_option")]
    pub sharpness: Option<f64>,
    #[serde(with = "float_option")]
    pub convexity: Option<f64>,
    #[serde(with = "float_option")]
    pub basin_width: Option<f64>,
    pub basin_open: Option<bool>,
    pub end: Option<String>,
    pub curvature: Option<String>,
}

impl Comparison {
    /// What is told of it, where that factor is varied.
    pub fn report(&self, factor: Option<Factor>) -> ComparisonReport {
        let plane = self.plane.as_ref();
        let losses = self.rows.iter().map(|row| (row.first_loss, row.loss));
        ComparisonReport {
            factor: factor.map(|factor| factor.to_string()),
            run: plane.map(|plane| plane.run.name.clone()),
            explained_variance: plane.map(|plane| Shares(plane.explained.clone())),
            trainings: self.rows.iter().map(TrainingRow::report).collect(),
            statistics: Statistics::of_losses(&losses.collect::<Vec<_>>()),
        }
    }
}

impl TrainingRow {
    fn report(&self) -> TrainingReport {
        let metrics = self.metrics.as_ref();
        TrainingReport {
            label: self.label.clone(),
            run: self.run.name.clone(),
            model: self.model.clone(),
            parameters: self.parameters,
            steps: self.steps,
            seconds: self.seconds,
            first_loss: self.first_loss,
            loss: self.loss,
            accuracy: self.accuracy,
            loss_se: self.loss_se,
            diagnosis: self.evidence.as_ref().map(Evidence::report),
            fate: self.fate.name(),
            diverged_at: self.diverged_at,
            lambda_max: self.lambda_max,
            sharpness: self.sharpness,
            convexity: metrics.and_then(|m| m.convexity),
            basin_width: metrics.map(|m| m.basin_width),
            basin_open: metrics.map(|m| m.basin_open),
            end: self.end.clone(),
            curvature: self.curvature.clone(),
        }
    }
}
