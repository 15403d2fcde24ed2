//! A training under way.

use super::{
    Batch, EpochLoss, Record, Step, TrainConfig, TrainObserver, TrainReport, TrainState, Trainee,
};
use crate::{ModelsError, host, streams};
use burn::tensor::Tensor;
use landscape_core::{Outcome, Rng, Sample};
use std::ops::ControlFlow;

/// The state between two steps.
pub(super) struct Run<'a, T> {
    trainee: T,
    config: &'a TrainConfig,
    per_epoch: u64,
    step: u64,
    batch_loss: Option<Tensor<1>>,
    gradient_norm: Option<f64>,
    /// Losses of the batches of the epoch under way, as far as they are known.
    known: Vec<f32>,
    /// Those after them, read when it ends so that devices need not wait for each.
    losses: Vec<Tensor<1>>,
    epochs: Vec<EpochLoss>,
    first: Sample,
    last: Sample,
    /// The last step that was recorded.
    recorded: Option<u64>,
}

impl<'a, T: Trainee> Run<'a, T> {
    pub(super) fn new(trainee: T, config: &'a TrainConfig) -> Result<Self, ModelsError> {
        trainee.check_batches(config.batch)?;
        let first = trainee.evaluate()?;
        Ok(Run {
            per_epoch: trainee.samples().div_ceil(config.batch) as u64,
            trainee,
            config,
            step: 0,
            batch_loss: None,
            gradient_norm: None,
            known: Vec::new(),
            losses: Vec::new(),
            epochs: Vec::new(),
            last: first.clone(),
            first,
            recorded: None,
        })
    }

    /// A training that goes on from a state, which says how the network is.
    pub(super) fn resumed(
        mut trainee: T,
        config: &'a TrainConfig,
        state: &TrainState,
    ) -> Result<Self, ModelsError> {
        let bad = |reason: String| ModelsError::BadState { reason };
        let per_epoch = trainee.samples().div_ceil(config.batch) as u64;
        let [stored] = state.networks.as_slice() else {
            let count = state.networks.len();
            return Err(bad(format!("it is of {count} networks")));
        };
        state.check(config, per_epoch).map_err(bad)?;
        let first = { state.first.clone() }.ok_or_else(|| bad("it has no initial loss".into()))?;
        trainee.restore(stored, state.step)?;
        let epochs = state.epochs.iter().enumerate();
        Ok(Run {
            per_epoch,
            trainee,
            config,
            step: state.step,
            batch_loss: None,
            gradient_norm: None,
            known: state.batch_losses.clone(),
            losses: Vec::new(),
            epochs: epochs
                .map(|(epoch, &loss)| EpochLoss { epoch, loss })
                .collect(),
            last: first.clone(),
            first,
            recorded: (state.next_record > state.step).then_some(state.step),
        })
    }

    /// Every epoch that is left, unless the observer ends it; the last state is recorded either way.
    pub(super) fn all(
        mut self,
        observer: &mut dyn TrainObserver,
    ) -> Result<TrainReport<T>, ModelsError> {
        let mut flow = ControlFlow::Continue(());
        if self.step == 0 && self.recorded.is_none() {
            self.recorded = Some(0);
            flow = observer.record(self.record(&self.first));
            if flow.is_continue() {
                flow = self.offer(observer);
            }
        }
        while flow.is_continue() && self.step < self.steps() {
            flow = self.epoch(observer)?;
        }
        if self.recorded != Some(self.step) {
            // Nothing is left to be ended by the answer.
            let _ = self.measure(observer)?;
        }
        if flow.is_break() {
            let _ = self.offer(observer);
        }
        Ok(self.report())
    }

    /// What is left of an epoch.
    fn epoch(&mut self, observer: &mut dyn TrainObserver) -> Result<ControlFlow<()>, ModelsError> {
        let epoch = (self.step / self.per_epoch) as usize;
        let done = (self.step % self.per_epoch) as usize;
        let order = self.order(epoch);
        for places in order.chunks(self.config.batch).skip(done) {
            self.advance(places)?;
            if self.step.is_multiple_of(self.per_epoch) {
                self.close(epoch);
            }
            let flow = self.tell(observer)?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// One step.
    fn advance(&mut self, places: &[i64]) -> Result<(), ModelsError> {
        let next = self.step + 1;
        let done = self.trainee.step(&Batch {
            places,
            step: self.step,
            lr: self.lr(self.step),
            wants_norm: self.config.is_due(next, self.per_epoch) || next == self.steps(),
        })?;
        self.step = next;
        self.gradient_norm = done.gradient_norm;
        self.batch_loss = Some(done.loss.clone());
        self.losses.push(done.loss);
        Ok(())
    }

    /// Tells the observer of the step, of what is recorded when it is due, and of the state when that is wanted.
    fn tell(&mut self, observer: &mut dyn TrainObserver) -> Result<ControlFlow<()>, ModelsError> {
        let flow = observer.step(self.place());
        let due = self.config.is_due(self.step, self.per_epoch);
        if due && self.measure(observer)?.is_break() || flow.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        Ok(self.offer(observer))
    }

    fn place(&self) -> Step {
        Step {
            step: self.step,
            steps: self.steps(),
        }
    }

    /// Gives the state to the observer if it wants it. There is nothing to go on with after the last step.
    fn offer(&self, observer: &mut dyn TrainObserver) -> ControlFlow<()> {
        match self.step < self.steps() && observer.wants_state(self.place()) {
            true => observer.state(self.state()),
            false => ControlFlow::Continue(()),
        }
    }

    fn state(&self) -> TrainState {
        let due = self.config.is_due(self.step, self.per_epoch);
        TrainState {
            step: self.step,
            next_record: self.step + u64::from(due),
            networks: vec![self.trainee.state()],
            batch_losses: self.batch_losses(),
            epochs: self.epochs.iter().map(|epoch| epoch.loss).collect(),
            first: Some(self.first.clone()),
        }
    }

    /// Losses of the batches of the epoch under way.
    fn batch_losses(&self) -> Vec<f32> {
        let mut all = self.known.clone();
        if !self.losses.is_empty() {
            all.extend(host::floats(Tensor::cat(self.losses.clone(), 0)));
        }
        all
    }

    fn steps(&self) -> u64 {
        self.per_epoch.saturating_mul(self.config.epochs as u64)
    }

    fn lr(&self, step: u64) -> f64 {
        let schedule = self.config.schedule;
        self.config.lr * schedule.factor(step, self.steps(), self.per_epoch)
    }

    /// Places of the samples in the order of an epoch.
    fn order(&self, epoch: usize) -> Vec<i64> {
        let mut places: Vec<i64> = (0..self.trainee.samples() as i64).collect();
        if self.config.shuffle {
            let stream = streams::SHUFFLE + epoch as u64;
            Rng::new(self.config.seed, stream).shuffle(&mut places);
        }
        places
    }

    /// Evaluates the present state and records it.
    fn measure(
        &mut self,
        observer: &mut dyn TrainObserver,
    ) -> Result<ControlFlow<()>, ModelsError> {
        self.last = self.trainee.evaluate()?;
        self.recorded = Some(self.step);
        Ok(observer.record(self.record(&self.last)))
    }

    fn record(&self, sample: &Sample) -> Record {
        let batch_loss = self.batch_loss.clone();
        Record {
            step: self.step,
            epoch: self.step as f64 / self.per_epoch as f64,
            params: self.trainee.params(),
            loss: sample.loss,
            accuracy: sample.accuracy,
            batch_loss: batch_loss.map(|loss| f64::from(host::floats(loss)[0])),
            lr: self.lr(self.step.saturating_sub(1)),
            gradient_norm: self.gradient_norm,
        }
    }

    /// Ends an epoch.
    fn close(&mut self, epoch: usize) {
        let (n, full) = (self.trainee.samples(), self.config.batch);
        let losses = self.batch_losses();
        self.known.clear();
        self.losses.clear();
        let weighted = |(batch, &loss): (usize, &f32)| {
            let size = full.min(n - batch * full);
            size as f64 * f64::from(loss)
        };
        let sum: f64 = losses.iter().enumerate().map(weighted).sum();
        self.epochs.push(EpochLoss {
            epoch,
            loss: sum / n as f64,
        });
    }

    fn report(self) -> TrainReport<T> {
        let outcome = match self.step == self.steps() {
            true => Outcome::Complete,
            false => Outcome::Cancelled,
        };
        TrainReport {
            network: self.trainee,
            steps: self.step,
            steps_per_epoch: self.per_epoch,
            epochs: self.epochs,
            first: self.first,
            last: self.last,
            outcome,
        }
    }
}
