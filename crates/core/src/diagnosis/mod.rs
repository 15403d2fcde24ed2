//! Three questions about a training, answered in words with the figures they rest on: is it hard to
//! train, can it improve, what happened.
//!
//! [`diagnose`] is a function of plain numbers; what is not known makes an answer less sure, or
//! `unknown`. The thresholds are constants of [`thresholds`] and written down in `docs/metrics.md`.
//!
//! ```
//! use landscape_core::{Facts, diagnose};
//!
//! let losses = [1.0, 0.6, 0.4, 0.3, 0.25, 0.22, 0.21, 0.205, 0.203, 0.202];
//! let told = diagnose(&Facts { losses: &losses, ..Facts::default() });
//! assert_eq!(told.course.verdict.name(), "smooth");
//! println!("{}", told.course.words);
//! ```

mod course;
mod difficulty;
mod outlook;
mod position;
pub mod thresholds;
mod views;

pub use course::Course;
pub use difficulty::Difficulty;
pub use outlook::Outlook;
pub use position::Position;
pub use views::View;

use crate::grid::Point;
use crate::metrics::Metrics;
use crate::names::named;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is known of a training. Everything may be left out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// What the surface is called that `metrics`, `position`, `seen` and `disagreement` are of.
    pub plane: Option<&'a str>,
    /// Figures of the surface around the path or the trained network.
    pub metrics: Option<&'a Metrics>,
    /// Where the trained network is on that surface, see [`Position::of`].
    pub position: Option<Position>,
    /// Further surfaces around the same network.
    pub further: &'a [View<'a>],
    /// The true loss of the network, which the surface has at its place where it lies on the plane.
    pub true_loss: Option<f64>,
    /// Its accuracy, in [0, 1].
    pub true_accuracy: Option<f64>,
    /// Classes among which it decides, where the loss is the cross-entropy: guessing loses `ln C`.
    pub classes: Option<usize>,
    /// Coordinates of the recorded steps on a plane, in order.
    pub coordinates: &'a [Point],
    /// True losses of the recorded steps, in order.
    pub losses: &'a [f64],
    /// Share of the path's variance that the plane of the coordinates explains, in [0, 1].
    pub explained: Option<f64>,
    /// The same of the plane of the surface; nothing where that is not a plane of the path.
    pub seen: Option<f64>,
    /// How far the loss of that surface is from that of the path, see
    /// [`Fidelity::disagreement`](crate::Fidelity::disagreement); nothing where that is not known.
    pub disagreement: Option<f64>,
    /// Learning rate of the last steps.
    pub learning_rate: Option<f64>,
    /// Momentum of the optimiser, in [0, 1); 0 for plain gradient descent.
    pub momentum: f64,
    /// Whether it is Nesterov's momentum.
    pub nesterov: bool,
    /// Largest eigenvalue of the Hessian of the full loss at the end.
    pub lambda_max: Option<f64>,
}

/// How much an answer can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Few figures, or they contradict each other.
    Low,
    /// Some figures are missing, or the plane shows a part only.
    Medium,
    /// Several figures agree.
    High,
}

named!(Confidence, "confidence", {
    Low => "low",
    Medium => "medium",
    High => "high",
});

/// A number that an answer rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Its name, as in `docs/metrics.md`.
    pub name: String,
    /// Its value.
    #[serde(with = "crate::json::float")]
    pub value: f64,
    /// The thresholds it was held against, rising; empty where it is for information.
    #[serde(with = "crate::json::float_list")]
    pub thresholds: Vec<f64>,
    /// What it says.
    pub says: String,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer<V> {
    /// In one word.
    pub verdict: V,
    /// In a sentence, without figures.
    pub sentence: String,
    /// The sentence with the figures.
    pub words: String,
    /// The figures.
    pub figures: Vec<Figure>,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why it is no surer; empty where it is sure.
    pub reservations: Vec<String>,
    /// The surfaces that it rests on, by name.
    #[serde(default)]
    pub surfaces: Vec<String>,
}

/// The three answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Is it hard to train?
    pub difficulty: Answer<Difficulty>,
    /// Can it improve?
    pub outlook: Answer<Outlook>,
    /// What happened?
    pub course: Answer<Course>,
}

/// Answers the three questions.
pub fn diagnose(facts: &Facts) -> Diagnosis {
    Diagnosis {
        difficulty: difficulty::answer(facts),
        outlook: outlook::answer(facts),
        course: course::answer(facts),
    }
}

impl Figure {
    fn new(name: &str, value: f64, thresholds: &[f64], says: impl Into<String>) -> Self {
        Figure {
            name: name.to_owned(),
            value,
            thresholds: thresholds.to_vec(),
            says: says.into(),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.name, short(self.value), self.says)
    }
}

impl<V: fmt::Display> fmt::Display for Answer<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verdict, sure) = (&self.verdict, self.confidence);
        write!(f, "{verdict} (confidence: {sure}): {}", self.sentence)
    }
}

impl Diagnosis {
    /// The three questions, in the order of the answers.
    pub const QUESTIONS: [&str; 3] = ["Is it hard to train?", "Can it improve?", "What happened?"];
}

/// A line for each question with its answer.
impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [difficulty, outlook, course] = Diagnosis::QUESTIONS;
        writeln!(f, "  {difficulty:<20}  {}", self.difficulty)?;
        writeln!(f, "  {outlook:<20}  {}", self.outlook)?;
        writeln!(f, "  {course:<20}  {}", self.course)
    }
}

impl<V> Answer<V> {
    /// An answer whose words are a sentence and its figures, as sure as its reservations leave it.
    fn new(verdict: V, sentence: &str, figures: Vec<Figure>, reservations: Vec<String>) -> Self {
        let list: Vec<String> = figures.iter().map(Figure::to_string).collect();
        let words = match list.is_empty() {
            true => format!("{sentence}."),
            false => format!("{sentence}: {}.", list.join("; ")),
        };
        let confidence = confidence(figures.len(), reservations.len());
        Answer {
            verdict,
            sentence: format!("{sentence}."),
            words,
            figures,
            confidence,
            reservations,
            surfaces: Vec::new(),
        }
    }

    /// The answer with further reservations.
    fn but(mut self, more: Vec<String>) -> Self {
        self.reservations.extend(more);
        self.confidence = confidence(self.figures.len(), self.reservations.len());
        self
    }

    /// The answer with the names of the surfaces that it rests on.
    fn on(mut self, views: &[&View]) -> Self {
        let names = views.iter().filter_map(|view| view.name);
        self.surfaces = names.map(str::to_owned).collect();
        self
    }
}

/// How sure an answer is with so many figures and reservations.
fn confidence(figures: usize, reservations: usize) -> Confidence {
    match (figures, reservations) {
        (0, _) | (_, 2..) => Confidence::Low,
        (1, _) | (_, 1) => Confidence::Medium,
        _ => Confidence::High,
    }
}

/// Three significant digits.
fn short(value: f64) -> String {
    let size = value.abs();
    match size {
        0.0 => "0".to_owned(),
        s if !(1e-3..1e5).contains(&s) => format!("{value:.2e}"),
        s if s >= 100.0 => format!("{value:.0}"),
        s => {
            let digits = (2 - s.log10().floor() as i32).max(0) as usize;
            let text = format!("{value:.digits$}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

/// Why an answer is less sure on a plane that explains so little of the path.
fn little_explained(share: Option<f64>) -> Option<String> {
    let percent = 100.0 * share.filter(|&share| share < thresholds::EXPLAINED)?;
    Some(format!("the plane explains {percent:.0}% of the path"))
}
