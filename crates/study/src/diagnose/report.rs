//! A diagnosis and what it rests on, as programs read it: as JSON, what `landscape diagnose --json` prints.

use super::{Evidence, Lambda, Seen};
use landscape_core::Position;
use landscape_core::diagnosis::{Answer, Figure};
use landscape_core::json::{float, float_list, float_option};
use serde::Serialize;
use std::fmt::Display;

/// The three answers on one network and its training.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiagnosisReport {
    /// What the training, or the landscape, is called.
    pub path: String,
    /// Is it hard to train?
    pub difficulty: AnswerReport,
    /// Can it improve?
    pub outlook: AnswerReport,
    /// What happened?
    pub course: AnswerReport,
    /// What they rest on.
    pub evidence: EvidenceReport,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnswerReport {
    /// In a word.
    pub verdict: String,
    /// How sure it is.
    pub confidence: String,
    /// In a sentence with the figures.
    pub words: String,
    /// The figures.
    pub figures: Vec<FigureReport>,
    /// Why it is not surer.
    pub reservations: Vec<String>,
    /// The landscapes that it rests on.
    pub surfaces: Vec<String>,
}

/// A figure of an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FigureReport {
    /// Its name.
    pub name: String,
    /// Its value.
    #[serde(with = "float")]
    pub value: f64,
    /// What it was held against, rising.
    #[serde(with = "float_list")]
    pub thresholds: Vec<f64>,
    /// What it says.
    pub says: String,
}

/// What answers rest on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvidenceReport {
    /// The training run.
    pub training: Option<String>,
    /// Its optimiser.
    pub optimizer: Option<String>,
    /// Its last learning rate.
    #[serde(with = "float_option")]
    pub learning_rate: Option<f64>,
    /// How many losses are recorded.
    pub losses: usize,
    /// Checkpoints on the plane.
    pub checkpoints: usize,
    /// Share of their variance that the plane explains.
    #[serde(with = "float_option")]
    pub explained: Option<f64>,
    /// Classes among which the network decides.
    pub classes: Option<usize>,
    /// The first landscape in words.
    pub landscape: Option<String>,
    /// All landscapes in words.
    pub landscapes: Vec<String>,
    /// Where the network is on the first landscape.
    pub position: Option<PositionReport>,
    /// The largest eigenvalue of the Hessian.
    pub lambda_max: Option<LambdaReport>,
}

/// Where a network is on a landscape.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PositionReport {
    /// Its coordinates.
    #[serde(with = "float_list")]
    pub at: Vec<f64>,
    /// Its value.
    #[serde(with = "float")]
    pub value: f64,
    /// The coordinates of the smallest value.
    #[serde(with = "float_list")]
    pub lowest_at: Vec<f64>,
}

/// A largest eigenvalue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LambdaReport {
    /// The eigenvalue.
    #[serde(with = "float")]
    pub value: f64,
    /// The step of the training.
    pub step: u64,
    /// Where it is from.
    pub from: String,
}

impl Evidence {
    /// The answers and what they rest on.
    pub fn report(&self) -> DiagnosisReport {
        let told = self.diagnose();
        DiagnosisReport {
            path: self.label.clone(),
            difficulty: AnswerReport::of(&told.difficulty),
            outlook: AnswerReport::of(&told.outlook),
            course: AnswerReport::of(&told.course),
            evidence: EvidenceReport::of(self),
        }
    }
}

impl AnswerReport {
    fn of<V: Display>(answer: &Answer<V>) -> Self {
        let figure = |figure: &Figure| FigureReport {
            name: figure.name.clone(),
            value: figure.value,
            thresholds: figure.thresholds.clone(),
            says: figure.says.clone(),
        };
        AnswerReport {
            verdict: answer.verdict.to_string(),
            confidence: answer.confidence.to_string(),
            words: answer.words.clone(),
            figures: answer.figures.iter().map(figure).collect(),
            reservations: answer.reservations.clone(),
            surfaces: answer.surfaces.clone(),
        }
    }
}

impl EvidenceReport {
    fn of(evidence: &Evidence) -> Self {
        let first = evidence.surfaces.first();
        let position = |position: Position| PositionReport {
            at: position.at.to_vec(),
            value: position.value,
            lowest_at: position.lowest_at.to_vec(),
        };
        let lambda = |lambda: &Lambda| LambdaReport {
            value: lambda.value,
            step: lambda.step,
            from: lambda.from.clone(),
        };
        EvidenceReport {
            training: evidence.trained.as_ref().map(|run| run.name.clone()),
            optimizer: evidence.optimizer(),
            learning_rate: evidence.learning_rate(),
            losses: evidence.losses.len(),
            checkpoints: evidence.coordinates.len(),
            explained: evidence.explained,
            classes: evidence.classes,
            landscape: first.map(Seen::words),
            landscapes: evidence.surfaces.iter().map(Seen::words).collect(),
            position: first.and_then(|seen| seen.position).map(position),
            lambda_max: evidence.lambda.as_ref().map(lambda),
        }
    }
}
