//! What is recorded of a training.

use landscape_core::json::{float, float_option};
use serde::{Deserialize, Serialize};

/// What a training goes on from, as the trainer codes it: bytes mean nothing to the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingState {
    /// Steps done.
    pub step: u64,
    /// The first step that is recorded after it: what is stored from there on is recorded again.
    pub next_record: u64,
    /// Seconds of training so far.
    pub seconds: f64,
    /// The state.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// What is known about one recorded step of training.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct TrainRecord {
    /// Optimiser step, 0 before the first.
    pub step: u64,
    /// Epochs done; fractions within one.
    #[serde(with = "float")]
    pub epoch: f64,
    /// True loss over the data.
    #[serde(with = "float_option")]
    pub loss: Option<f64>,
    /// Share classified correctly, in [0, 1].
    #[serde(with = "float_option")]
    pub accuracy: Option<f64>,
    /// Loss of the batch of that step.
    #[serde(with = "float_option")]
    pub batch_loss: Option<f64>,
    /// Learning rate.
    #[serde(with = "float_option")]
    pub lr: Option<f64>,
    /// Euclidean norm of the gradient of the batch's loss, before the step.
    #[serde(with = "float_option")]
    pub gradient_norm: Option<f64>,
    /// Seconds of training so far.
    #[serde(with = "float_option")]
    pub seconds: Option<f64>,
}
