//! A training under way.

use super::hook::gradient_norm;
use super::task::Task;
use super::{EpochLoss, Record, Step, TrainConfig, TrainObserver, TrainReport};
use crate::{ModelsError, Network, host, streams};
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use landscape_core::{Outcome, Rng, Sample, is_logarithmic_step};
use std::ops::ControlFlow;

/// The state between two steps.
pub(super) struct Run<'a> {
    network: Network,
    optimizer: ModuleOptimizer,
    task: Task,
    config: &'a TrainConfig,
    per_epoch: u64,
    step: u64,
    batch_loss: Option<Tensor<1>>,
    gradient_norm: Option<f64>,
    epochs: Vec<EpochLoss>,
    first: Sample,
    last: Sample,
    recorded: u64,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        network: Network,
        task: Task,
        config: &'a TrainConfig,
    ) -> Result<Self, ModelsError> {
        task.check_batches(&network, config.batch)?;
        let first = task.evaluate(&network)?;
        Ok(Run {
            network: network.train(),
            optimizer: config.optimizer(),
            per_epoch: task.samples().div_ceil(config.batch) as u64,
            task,
            config,
            step: 0,
            batch_loss: None,
            gradient_norm: None,
            epochs: Vec::new(),
            last: first.clone(),
            first,
            recorded: 0,
        })
    }

    /// Every epoch, unless the observer ends it; the last state is recorded either way.
    pub(super) fn all(
        mut self,
        observer: &mut dyn TrainObserver,
    ) -> Result<TrainReport, ModelsError> {
        let mut flow = observer.record(self.record(&self.first));
        for epoch in 0..self.config.epochs {
            if flow.is_break() {
                break;
            }
            flow = self.epoch(epoch, observer)?;
        }
        if self.recorded != self.step {
            // Nothing is left to be ended by the answer.
            let _ = self.measure(observer)?;
        }
        Ok(self.report())
    }

    fn epoch(
        &mut self,
        epoch: usize,
        observer: &mut dyn TrainObserver,
    ) -> Result<ControlFlow<()>, ModelsError> {
        let order = self.order(epoch);
        let mut losses = Vec::with_capacity(self.per_epoch as usize);
        let mut flow = ControlFlow::Continue(());
        for places in order.chunks(self.config.batch) {
            losses.push(self.advance(places));
            flow = self.tell(observer)?;
            if flow.is_break() {
                break;
            }
        }
        if losses.len() as u64 == self.per_epoch {
            self.close(epoch, losses);
        }
        Ok(flow)
    }

    /// One step; the batch's loss before it.
    fn advance(&mut self, places: &[i64]) -> Tensor<1> {
        let loss = self.task.batch_loss(&self.network, places);
        let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
        let lr = self.lr(self.step);
        let shown = self.is_due(self.step + 1) || self.step + 1 == self.steps();
        self.gradient_norm = shown.then(|| gradient_norm(&self.network, &gradients));
        self.network = self.optimizer.step(lr, self.network.clone(), gradients);
        self.step += 1;
        let loss = loss.without_autodiff();
        self.batch_loss = Some(loss.clone());
        loss
    }

    /// Tells the observer of the step, and of the state when it is due.
    fn tell(&mut self, observer: &mut dyn TrainObserver) -> Result<ControlFlow<()>, ModelsError> {
        let flow = observer.step(Step {
            step: self.step,
            steps: self.steps(),
        });
        if self.is_due(self.step) && self.measure(observer)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        Ok(flow)
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
        let mut places: Vec<i64> = (0..self.task.samples() as i64).collect();
        if self.config.shuffle {
            let stream = streams::SHUFFLE + epoch as u64;
            Rng::new(self.config.seed, stream).shuffle(&mut places);
        }
        places
    }

    fn is_due(&self, step: u64) -> bool {
        let every = match self.config.every {
            0 => self.per_epoch,
            every => every as u64,
        };
        let per_decade = self.config.per_decade;
        step.is_multiple_of(every) || per_decade > 0 && is_logarithmic_step(step, per_decade)
    }

    /// Evaluates the present state and records it.
    fn measure(
        &mut self,
        observer: &mut dyn TrainObserver,
    ) -> Result<ControlFlow<()>, ModelsError> {
        self.last = self.task.evaluate(&self.network)?;
        self.recorded = self.step;
        Ok(observer.record(self.record(&self.last)))
    }

    fn record(&self, sample: &Sample) -> Record {
        let batch_loss = self.batch_loss.clone();
        Record {
            step: self.step,
            epoch: self.step as f64 / self.per_epoch as f64,
            params: self.network.params(),
            loss: sample.loss,
            accuracy: sample.accuracy,
            batch_loss: batch_loss.map(|loss| f64::from(host::floats(loss)[0])),
            lr: self.lr(self.step.saturating_sub(1)),
            gradient_norm: self.gradient_norm,
        }
    }

    /// Ends an epoch: its batches' losses are read at once, so that devices need not wait for each.
    fn close(&mut self, epoch: usize, losses: Vec<Tensor<1>>) {
        let (n, full) = (self.task.samples(), self.config.batch);
        let losses = host::floats(Tensor::cat(losses, 0));
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

    fn report(self) -> TrainReport {
        let outcome = match self.step == self.steps() {
            true => Outcome::Complete,
            false => Outcome::Cancelled,
        };
        TrainReport {
            network: self.network.valid(),
            steps: self.step,
            steps_per_epoch: self.per_epoch,
            epochs: self.epochs,
            first: self.first,
            last: self.last,
            outcome,
        }
    }
}
