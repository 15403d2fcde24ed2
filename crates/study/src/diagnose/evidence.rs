//! What a diagnosis rests on.

use crate::problem::Model;
use crate::record::{Settings, TrainingSettings};
use landscape_core::diagnosis::thresholds::LEARNT;
use landscape_core::json::float;
use landscape_core::{Diagnosis, Facts, Metrics, Point, Position, View};
use landscape_storage::{Run, TrainRecord};
use serde::Serialize;

/// What is known of one network and its training, and where it is from.
#[derive(Debug, Default)]
pub struct Evidence {
    /// What the training, or the landscape, is called.
    pub label: String,
    /// The training run.
    pub trained: Option<Run>,
    /// The records that count, by step.
    pub records: Vec<TrainRecord>,
    /// True losses, in order.
    pub losses: Vec<f64>,
    /// Classes among which the network decides, where its loss is the cross-entropy.
    pub classes: Option<usize>,
    /// Coordinates on a plane, in order.
    pub coordinates: Vec<Point>,
    /// Share of the variance that the plane of the coordinates explains.
    pub explained: Option<f64>,
    /// Why the path is not known, where it could be.
    pub no_path: Option<String>,
    /// The landscapes around the network, that of its path first.
    pub surfaces: Vec<Seen>,
    /// The largest eigenvalue.
    pub lambda: Option<Lambda>,
}

/// A landscape around a network.
#[derive(Debug)]
pub struct Seen {
    /// The run that holds it.
    pub run: String,
    /// Its size in words.
    pub size: String,
    /// Its figures; nothing where no value is finite.
    pub metrics: Option<Metrics>,
    /// Where the network is on it.
    pub position: Option<Position>,
    /// Share of the variance that its plane explains, where it is one of the path.
    pub seen: Option<f64>,
    /// How far its loss is from that of the path, where that is known.
    pub disagreement: Option<f64>,
}

impl Seen {
    /// Its run and size, and whether all of it is lost.
    pub fn words(&self) -> String {
        let (run, size) = (&self.run, &self.size);
        match self.metrics {
            Some(_) => format!("{run}, {size} points"),
            None => format!("{run}, {size} points, none of them finite"),
        }
    }

    fn view(&self) -> View<'_> {
        View {
            name: Some(&self.run),
            metrics: self.metrics.as_ref(),
            position: self.position,
            seen: self.seen,
            disagreement: self.disagreement,
        }
    }
}

/// A largest eigenvalue of the Hessian.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lambda {
    /// The eigenvalue.
    #[serde(with = "float")]
    pub value: f64,
    /// The step of the training that it belongs to.
    pub step: u64,
    /// Where it is from.
    pub from: String,
}

impl Evidence {
    /// Whether nothing can be said.
    pub fn is_empty(&self) -> bool {
        self.losses.is_empty() && self.coordinates.is_empty() && self.surfaces.is_empty()
    }

    /// The answers.
    pub fn diagnose(&self) -> Diagnosis {
        let limited = self.has_limit();
        let views: Vec<View> = self.surfaces.iter().map(Seen::view).collect();
        let first = views.first().copied().unwrap_or_default();
        let last = self.records.last();
        landscape_core::diagnose(&Facts {
            plane: first.name,
            metrics: first.metrics,
            position: first.position,
            seen: first.seen,
            disagreement: first.disagreement,
            further: views.get(1..).unwrap_or_default(),
            true_loss: self.losses.last().copied().filter(|loss| loss.is_finite()),
            true_accuracy: last.and_then(|record| record.accuracy),
            classes: self.classes,
            coordinates: &self.coordinates,
            losses: &self.losses,
            explained: self.explained,
            learning_rate: self.learning_rate().filter(|_| limited),
            momentum: self.momentum(),
            nesterov: self.optimizer().as_deref() == Some("nesterov"),
            // Decay adds its square, whose second derivative it is.
            lambda_max: { self.lambda.as_ref() }.map(|lambda| lambda.value + self.decay()),
        })
    }

    /// Takes from a run among how many classes its network decides.
    pub fn take_classes(&mut self, run: &Run) {
        let settings = Settings::of(run);
        let problem = settings.problem();
        let model = Model::of_run(run, &()).ok();
        let outputs = model.map(|model| model.outputs());
        self.classes = match (problem.loss.as_deref(), outputs) {
            (Some("cross-entropy"), outputs) => outputs,
            (Some("bce" | "bce-with-logits"), Some(1)) => Some(2),
            _ => None,
        };
    }

    /// How the network was trained.
    fn training(&self) -> Option<TrainingSettings> {
        Settings::of(self.trained.as_ref()?).training().cloned()
    }

    /// The optimiser.
    pub fn optimizer(&self) -> Option<String> {
        Some(self.training()?.optimizer)
    }

    /// Whether the optimiser has a largest stable learning rate on a quadratic.
    pub fn has_limit(&self) -> bool {
        matches!(
            self.optimizer().as_deref(),
            Some("sgd" | "momentum" | "nesterov")
        )
    }

    /// The learning rate of the last record that has one.
    pub fn learning_rate(&self) -> Option<f64> {
        let rates = self.records.iter().rev();
        rates
            .filter_map(|record| record.lr)
            .find(|rate| *rate > 0.0)
    }

    /// The momentum, 0 of optimisers without one.
    pub fn momentum(&self) -> f64 {
        match self.training() {
            Some(training) if matches!(&*training.optimizer, "momentum" | "nesterov") => {
                training.momentum
            }
            _ => 0.0,
        }
    }

    fn decay(&self) -> f64 {
        self.training()
            .map_or(0.0, |training| training.weight_decay)
    }

    /// The step whose curvature tells most: the last one, or the first of a training that gained
    /// nothing, as after a divergence.
    pub fn telling_step(&self) -> Option<u64> {
        let (first, last) = (self.records.first()?, self.records.last()?);
        let fell = match (first.loss, last.loss) {
            (Some(before), Some(after)) => before - after >= LEARNT * before.abs(),
            _ => true,
        };
        Some(if fell { last.step } else { first.step })
    }
}
