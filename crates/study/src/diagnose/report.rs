//! A diagnosis and what it rests on: as JSON, what `landscape diagnose --json` prints.

use super::{Evidence, Lambda, Seen};
use crate::words::{Align, Table, indented, percent, plain};
use landscape_core::diagnosis::{Answer, Figure};
use landscape_core::json::float_option;
use landscape_core::{Diagnosis, Position, short};
use serde::Serialize;
use std::fmt;

/// The three answers on one network and its training.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiagnosisReport {
    /// What the training, or the landscape, is called.
    pub path: String,
    /// The answers.
    #[serde(flatten)]
    pub answers: Diagnosis,
    /// What they rest on.
    pub evidence: EvidenceReport,
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
    /// Why the path is not known, where it could be.
    pub no_path: Option<String>,
    /// Classes among which the network decides.
    pub classes: Option<usize>,
    /// The first landscape in words.
    pub landscape: Option<String>,
    /// All landscapes in words.
    pub landscapes: Vec<String>,
    /// Where the network is on the first landscape.
    pub position: Option<Position>,
    /// The largest eigenvalue of the Hessian.
    pub lambda_max: Option<Lambda>,
}

impl Evidence {
    /// The answers and what they rest on.
    pub fn report(&self) -> DiagnosisReport {
        DiagnosisReport {
            path: self.label.clone(),
            answers: self.diagnose(),
            evidence: EvidenceReport::of(self),
        }
    }
}

impl EvidenceReport {
    fn of(evidence: &Evidence) -> Self {
        let landscapes: Vec<String> = evidence.surfaces.iter().map(Seen::words).collect();
        let first = evidence.surfaces.first();
        EvidenceReport {
            training: evidence.trained.as_ref().map(|run| run.name.clone()),
            optimizer: evidence.optimizer(),
            learning_rate: evidence.learning_rate(),
            losses: evidence.losses.len(),
            checkpoints: evidence.coordinates.len(),
            explained: evidence.explained,
            no_path: evidence.no_path.clone(),
            classes: evidence.classes,
            landscape: landscapes.first().cloned(),
            landscapes,
            position: first.and_then(|seen| seen.position),
            lambda_max: evidence.lambda.clone(),
        }
    }
}

/// The answers with their figures, thresholds and reservations, and what they rest on.
impl fmt::Display for DiagnosisReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.path, self.evidence)?;
        let [difficulty, outlook, course] = Diagnosis::QUESTIONS;
        answer(f, difficulty, &self.answers.difficulty)?;
        answer(f, outlook, &self.answers.outlook)?;
        answer(f, course, &self.answers.course)
    }
}

fn answer<V: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    question: &str,
    answer: &Answer<V>,
) -> fmt::Result {
    let (verdict, sure) = (&answer.verdict, answer.confidence);
    write!(
        f,
        "\n{question}  {verdict} (confidence: {sure})\n  {}\n",
        answer.sentence
    )?;
    if !answer.figures.is_empty() {
        let table = Table::new([
            ("FIGURE", Align::Left),
            ("VALUE", Align::Right),
            ("THRESHOLDS", Align::Left),
            ("", Align::Left),
        ])
        .with(answer.figures.iter().map(cells));
        f.write_str(&indented(&table.to_string(), 4))?;
    }
    let mut reservations = answer.reservations.iter();
    reservations.try_for_each(|why| writeln!(f, "  but {why}"))
}

/// A figure: its name, its value, the thresholds, and what it says.
pub(crate) fn cells(figure: &Figure) -> [String; 4] {
    let limits = figure.thresholds.iter().map(|limit| plain(*limit));
    let limits: Vec<String> = limits.collect();
    let (name, says) = (figure.name.clone(), figure.says.clone());
    [name, plain(figure.value), limits.join(", "), says]
}

impl fmt::Display for EvidenceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(run) = &self.training {
            let rate = self.learning_rate.map(plain);
            let rate = rate.map(|rate| format!("learning rate {rate}"));
            let how: Vec<String> = self.optimizer.clone().into_iter().chain(rate).collect();
            let how = match how.is_empty() {
                true => String::new(),
                false => format!(" ({})", how.join(", ")),
            };
            writeln!(f, "  training: run {run}{how}")?;
        }
        if self.losses > 0 {
            writeln!(f, "  losses: {} recorded steps", self.losses)?;
        }
        if self.checkpoints > 0 {
            let share = self.explained.map(percent);
            let share = share.map_or(String::new(), |share| format!(", which explains {share}"));
            let n = self.checkpoints;
            writeln!(
                f,
                "  path: {n} checkpoints on the plane of their principal components{share}"
            )?;
        }
        if let Some(why) = &self.no_path {
            writeln!(f, "  path: {why}")?;
        }
        for landscape in &self.landscapes {
            writeln!(f, "  landscape: {landscape}")?;
        }
        let Some(Lambda { value, step, from }) = &self.lambda_max else {
            return Ok(());
        };
        let value = short(*value);
        writeln!(
            f,
            "  largest eigenvalue of the Hessian: {value} at step {step} ({from})"
        )
    }
}
