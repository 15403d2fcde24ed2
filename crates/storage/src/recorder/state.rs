//! What a step is recorded with.

use crate::training::TrainRecord;
use landscape_core::Params;

/// What is measured only at steps that are recorded: the parameters, and what takes time to compute.
/// Parameters alone are one; what is `None` leaves the record as it was given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepState {
    /// The parameters; without them a step has a record and no checkpoint.
    pub params: Option<Params>,
    /// True loss over the data.
    pub loss: Option<f64>,
    /// Share classified correctly, in [0, 1].
    pub accuracy: Option<f64>,
    /// Loss of the batch, where reading it has to wait for a device.
    pub batch_loss: Option<f64>,
    /// Norm of the gradient.
    pub gradient_norm: Option<f64>,
}

impl From<Params> for StepState {
    fn from(params: Params) -> Self {
        StepState {
            params: Some(params),
            ..StepState::default()
        }
    }
}

impl StepState {
    /// The same with the true loss over the data, and the share classified correctly.
    #[must_use]
    pub fn with_loss(mut self, loss: f64, accuracy: Option<f64>) -> Self {
        self.loss = Some(loss);
        self.accuracy = accuracy;
        self
    }

    /// Completes a record, and gives the parameters.
    pub(super) fn into_record(self, record: &mut TrainRecord) -> Option<Params> {
        record.loss = self.loss.or(record.loss);
        record.accuracy = self.accuracy.or(record.accuracy);
        record.batch_loss = self.batch_loss.or(record.batch_loss);
        record.gradient_norm = self.gradient_norm.or(record.gradient_norm);
        self.params
    }
}
