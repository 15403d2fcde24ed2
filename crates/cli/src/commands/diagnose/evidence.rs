//! What a diagnosis rests on.

use landscape_core::diagnosis::thresholds::LEARNT;
use landscape_core::{Diagnosis, Facts, Metrics, Point, Position};
use landscape_storage::{Run, TrainRecord};
use serde_json::Value;

/// What is known of one training, and where it is from.
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
    /// Coordinates on a plane, in order.
    pub coordinates: Vec<Point>,
    /// Share of the variance that the plane of the coordinates explains.
    pub explained: Option<f64>,
    /// The run with the landscape, and its points in words.
    pub surface: Option<String>,
    /// Figures of the landscape.
    pub metrics: Option<Metrics>,
    /// Where the network is on it.
    pub position: Option<Position>,
    /// Share of the variance that the landscape's plane explains, where it is one of the path.
    pub seen: Option<f64>,
    /// The largest eigenvalue.
    pub lambda: Option<Lambda>,
}

/// A largest eigenvalue of the Hessian.
#[derive(Debug, Clone)]
pub struct Lambda {
    pub value: f64,
    pub step: u64,
    /// Where it is from.
    pub from: String,
}

impl Evidence {
    /// Whether nothing can be said.
    pub fn is_empty(&self) -> bool {
        self.losses.is_empty() && self.coordinates.is_empty() && self.metrics.is_none()
    }

    /// The answers.
    pub fn diagnose(&self) -> Diagnosis {
        let limited = self.has_limit();
        landscape_core::diagnose(&Facts {
            metrics: self.metrics.as_ref(),
            position: self.position,
            true_loss: self.losses.last().copied().filter(|loss| loss.is_finite()),
            coordinates: &self.coordinates,
            losses: &self.losses,
            explained: self.explained,
            seen: self.seen,
            learning_rate: self.learning_rate().filter(|_| limited),
            momentum: self.momentum(),
            nesterov: self.optimizer() == Some("nesterov"),
            // Decay adds its square, whose second derivative it is.
            lambda_max: { self.lambda.as_ref() }.map(|lambda| lambda.value + self.decay()),
        })
    }

    /// A setting of the training.
    fn setting(&self, name: &str) -> Option<&Value> {
        self.trained.as_ref()?.settings.get("training")?.get(name)
    }

    /// The optimiser.
    pub fn optimizer(&self) -> Option<&str> {
        self.setting("optimizer")?.as_str()
    }

    /// Whether the optimiser has a largest stable learning rate on a quadratic.
    pub fn has_limit(&self) -> bool {
        matches!(self.optimizer(), Some("sgd" | "momentum" | "nesterov"))
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
        match self.optimizer() {
            Some("momentum" | "nesterov") => self
                .setting("momentum")
                .and_then(Value::as_f64)
                .unwrap_or(0.0),
            _ => 0.0,
        }
    }

    fn decay(&self) -> f64 {
        let decay = self.setting("weight_decay").and_then(Value::as_f64);
        decay.unwrap_or(0.0)
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
