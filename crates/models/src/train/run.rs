//! A training under way.

use super::augment::Images;
use super::hook::gradient_norm;
use super::task::Task;
use super::{
    EpochLoss, NetworkState, Record, ResumableOptimizer, Step, TrainConfig, TrainObserver,
    TrainReport, TrainState,
};
use crate::{ModelsError, Network, host, streams};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use landscape_core::{Outcome, Rng, Sample};
use std::ops::ControlFlow;

/// The state between two steps.
pub(super) struct Run<'a> {
    network: Network,
    optimizer: ResumableOptimizer,
    task: Task,
    /// Those that are changed at random.
    images: Option<Images>,
    config: &'a TrainConfig,
    per_epoch: u64,
    step: u64,
    batch_loss: Option<Tensor<1>>,
    gradient_norm: Option<f64>,
    /// Losses of the batches of the epoch under way, read when it ends so that devices need not wait for each.
    losses: Vec<Tensor<1>>,
    epochs: Vec<EpochLoss>,
    first: Sample,
    last: Sample,
    /// The last step that was recorded.
    recorded: Option<u64>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        network: Network,
        (task, images): (Task, Option<Images>),
        config: &'a TrainConfig,
    ) -> Result<Self, ModelsError> {
        task.check_batches(&network, config.batch)?;
        let first = task.evaluate(&network)?;
        Ok(Run {
            network: network.train(),
            optimizer: ResumableOptimizer::new(config),
            per_epoch: task.samples().div_ceil(config.batch) as u64,
            task,
            images,
            config,
            step: 0,
            batch_loss: None,
            gradient_norm: None,
            losses: Vec::new(),
            epochs: Vec::new(),
            last: first.clone(),
            first,
            recorded: None,
        })
    }

    /// A training that goes on from a state, which says how the network is.
    pub(super) fn resumed(
        network: &Network,
        (task, images): (Task, Option<Images>),
        config: &'a TrainConfig,
        state: &TrainState,
    ) -> Result<Self, ModelsError> {
        let bad = |reason: String| ModelsError::BadState { reason };
        let per_epoch = task.samples().div_ceil(config.batch) as u64;
        let [stored] = state.networks.as_slice() else {
            let count = state.networks.len();
            return Err(bad(format!("it is of {count} networks")));
        };
        state.check(config, per_epoch).map_err(bad)?;
        let first = { state.first.clone() }.ok_or_else(|| bad("it has no initial loss".into()))?;
        let network = network.with_params(&stored.params)?;
        let optimizer =
            ResumableOptimizer::resumed(config, &network, &stored.optimizer, state.step);
        let losses = match state.batch_losses.as_slice() {
            [] => Vec::new(),
            losses => vec![Tensor::from_floats(losses, &network.device())],
        };
        let epochs = state.epochs.iter().enumerate();
        Ok(Run {
            optimizer: optimizer.map_err(bad)?,
            network: network.train(),
            per_epoch,
            task,
            images,
            config,
            step: state.step,
            batch_loss: None,
            gradient_norm: None,
            losses,
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
    ) -> Result<TrainReport, ModelsError> {
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
            self.advance(places);
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
    fn advance(&mut self, places: &[i64]) {
        let images = self.images.as_ref();
        let changed = images.map(|images| images.batch(places, self.step));
        let loss = self.task.batch_loss(&self.network, places, changed);
        let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
        let lr = self.lr(self.step);
        let next = self.step + 1;
        let shown = self.config.is_due(next, self.per_epoch) || next == self.steps();
        self.gradient_norm = shown.then(|| gradient_norm(&self.network, &gradients));
        self.network = self.optimizer.step(lr, self.network.clone(), gradients);
        self.step = next;
        let loss = loss.without_autodiff();
        self.batch_loss = Some(loss.clone());
        self.losses.push(loss);
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
        let losses = match self.losses.as_slice() {
            [] => Vec::new(),
            losses => host::floats(Tensor::cat(losses.to_vec(), 0)),
        };
        let due = self.config.is_due(self.step, self.per_epoch);
        TrainState {
            step: self.step,
            next_record: self.step + u64::from(due),
            networks: vec![NetworkState {
                params: self.network.params(),
                optimizer: self.optimizer.state(),
            }],
            batch_losses: losses,
            epochs: self.epochs.iter().map(|epoch| epoch.loss).collect(),
            first: Some(self.first.clone()),
        }
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

    /// Evaluates the present state and records it.
    fn measure(
        &mut self,
        observer: &mut dyn TrainObserver,
    ) -> Result<ControlFlow<()>, ModelsError> {
        self.last = self.task.evaluate(&self.network)?;
        self.recorded = Some(self.step);
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

    /// Ends an epoch.
    fn close(&mut self, epoch: usize) {
        let (n, full) = (self.task.samples(), self.config.batch);
        let losses = host::floats(Tensor::cat(std::mem::take(&mut self.losses), 0));
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
