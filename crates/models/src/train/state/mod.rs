//! The state between two steps of a training, with which it goes on later and elsewhere.

mod bytes;

use super::TrainConfig;
use crate::ModelsError;
use bytes::{Reader, Writer};
use landscape_core::{Params, Sample};
use std::collections::BTreeMap;

/// All that the rest of a training depends on, beside its settings, data and loss. Training that goes on from it gives
/// the same bits as one that was never stopped, on the same device.
///
/// The order of the samples is drawn from the seed and the number of the epoch, so that the step says where the
/// generator is.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainState {
    /// Steps done.
    pub step: u64,
    /// The first step that is recorded after this state. Where training was ended early it is the step of the state
    /// itself, whose record then stands for no step of an undisturbed training.
    pub next_record: u64,
    /// What is trained: a network, or several control points of a curve.
    pub networks: Vec<NetworkState>,
    /// Mean loss of each batch of the epoch under way.
    pub batch_losses: Vec<f32>,
    /// Mean loss of each complete epoch.
    pub epochs: Vec<f64>,
    /// The initial state over all the data, where it was evaluated.
    pub first: Option<Sample>,
}

/// A network under training.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkState {
    /// Parameters and running statistics, in PyTorch's names and layout.
    pub params: Params,
    /// Its optimiser.
    pub optimizer: OptimizerState,
}

/// What an optimiser keeps from step to step: one entry a float tensor of the module, in the module's order. The last
/// ones may be missing, where no step has come to them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OptimizerState(pub Vec<TensorState>);

/// What an optimiser keeps for one tensor; empty where it keeps nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TensorState {
    /// Velocities and moments, row-major in Burn's layout.
    pub tensors: BTreeMap<String, Vec<f32>>,
    /// Numbers of steps.
    pub counts: BTreeMap<String, u64>,
}

impl TrainState {
    /// The state in bytes: a version, then the fields in order, numbers in little endian, lists after their lengths.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.u64(self.step);
        to.u64(self.next_record);
        to.count(self.networks.len());
        for network in &self.networks {
            to.params(&network.params);
            to.count(network.optimizer.0.len());
            for tensor in &network.optimizer.0 {
                to.tensor_state(tensor);
            }
        }
        to.f32s(&self.batch_losses);
        to.f64s(&self.epochs);
        to.sample(self.first.as_ref());
        to.bytes()
    }

    /// The state that [`TrainState::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`ModelsError::BadState`] for any other bytes. Memory is bounded by their number.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelsError> {
        Self::read(bytes).map_err(|reason| ModelsError::BadState { reason })
    }

    /// Whether it may be the state of a training with these settings, and so many steps an epoch.
    pub(super) fn check(&self, config: &TrainConfig, per_epoch: u64) -> Result<(), String> {
        let steps = per_epoch.saturating_mul(config.epochs as u64);
        if self.step >= steps {
            return Err(format!("it is at step {} of {steps}", self.step));
        }
        let due = config.is_due(self.step, per_epoch);
        let lengths = [self.epochs.len() as u64, self.batch_losses.len() as u64];
        let expected = [self.step / per_epoch, self.step % per_epoch];
        if self.next_record != self.step + u64::from(due) || lengths != expected {
            return Err("its losses are not those of its step".to_owned());
        }
        Ok(())
    }

    fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut from = Reader::new(bytes)?;
        let (step, next_record) = (from.u64()?, from.u64()?);
        let networks = from.list(|from| {
            let params = from.params()?;
            let optimizer = OptimizerState(from.list(Reader::tensor_state)?);
            Ok(NetworkState { params, optimizer })
        })?;
        let state = TrainState {
            step,
            next_record,
            networks,
            batch_losses: from.f32s()?,
            epochs: from.f64s()?,
            first: from.sample()?,
        };
        from.end()?;
        Ok(state)
    }
}
