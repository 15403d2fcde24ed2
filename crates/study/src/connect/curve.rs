//! Curves of low loss, found by training their inner control points.

use super::context::EvaluationContext;
use super::control_points::ControlPoints;
use super::profile::check_finite;
use crate::StudyError;
use landscape_core::{Curve, CurveKind, Outcome, Params, Rng};
use landscape_models::{EpochLoss, ModelsError, OptimizerKind, TrainConfig, TrainState};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Stream of the positions on the curve.
const POSITIONS: u64 = 5 << 32;
/// Stream of the order of the samples; the epoch is added.
const SHUFFLE: u64 = 6 << 32;

/// How a curve is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CurveConfig {
    /// Its shape.
    pub kind: CurveKind,
    /// Control points between the ends, at least 1. Garipov et al. count the ends too: their `num_bends` is two more.
    pub inner_points: usize,
    /// How they are trained. Weight decay is that of the point on the curve, whose gradient is
    /// `decay theta(t)`, for every optimiser; checkpoints are not recorded.
    pub training: TrainConfig,
}

impl Default for CurveConfig {
    /// A Bézier curve with one inner control point, trained for 50 epochs with Adam and half a cosine from the rate
    /// 0.003.
    fn default() -> Self {
        CurveConfig {
            kind: CurveKind::Bezier,
            inner_points: 1,
            training: TrainConfig {
                epochs: 50,
                optimizer: OptimizerKind::Adam,
                lr: 0.003,
                schedule: landscape_models::Schedule::Cosine,
                ..TrainConfig::default()
            },
        }
    }
}

/// A step of the training of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurveStep {
    /// Steps done, from 1.
    pub step: u64,
    /// Steps in all.
    pub steps: u64,
    /// The point on the curve at which the step was taken.
    pub t: f64,
    /// Mean loss of the batch there, before the step.
    pub loss: f64,
}

/// Who is told of the training of a curve and may end it: `Break` ends it after the step.
///
/// A closure from [`CurveStep`] to `ControlFlow<()>` is one.
pub trait CurveObserver {
    /// A step was done.
    fn step(&mut self, step: CurveStep) -> ControlFlow<()>;

    /// Whether the state is wanted, to go on from it later. It is asked after each step but the last, and once more where
    /// training is ended early. Taking a state copies the control points and what their optimisers keep.
    fn wants_state(&mut self, _step: u64) -> bool {
        false
    }

    /// The state that was wanted.
    fn state(&mut self, _state: TrainState) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl<F: FnMut(CurveStep) -> ControlFlow<()>> CurveObserver for F {
    fn step(&mut self, step: CurveStep) -> ControlFlow<()> {
        self(step)
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainedCurve {
    /// The curve. Buffers of its inner control points, such as statistics of BatchNorm, are those of the
    /// straight line: estimate them anew.
    pub curve: Curve,
    /// The complete epochs, each with its mean loss over random points of the curve.
    pub epochs: Vec<EpochLoss>,
    /// Steps done.
    pub steps: u64,
    /// Whether all steps were done.
    pub outcome: Outcome,
}

/// Finds a curve between two networks along which the loss is low: minimises `E_t L(theta(t))`, `t` uniform
/// in [0, 1] and drawn anew for every batch, over the inner control points, from the straight line on
/// (Garipov et al., *Loss Surfaces, Mode Connectivity, and Fast Ensembling of DNNs*, NeurIPS 2018). The
/// ends stay. BatchNorm normalises by the batch, as in any training.
///
/// `observer` is told of every step; `Break` ends the training after it. The same arguments give the same
/// bits.
///
/// # Errors
/// Before any work: when the ends do not fit the network or are not finite, a setting breaks its rule,
/// or there are no inner control points.
pub fn train_curve(
    context: &EvaluationContext,
    a: &Params,
    b: &Params,
    config: &CurveConfig,
    observer: &mut dyn CurveObserver,
) -> Result<TrainedCurve, StudyError> {
    let (run, curve) = Run::new(context, a, b, config)?;
    run.all(curve, observer)
}

/// Goes on with the training of a curve from a state that [`CurveObserver::state`] was given: the rest of it, bit for bit.
///
/// # Errors
/// As [`train_curve`]; [`ModelsError::BadState`] and [`ModelsError::Layout`] where the state is not one of a curve with these
/// ends, data and settings.
pub fn resume_curve(
    context: &EvaluationContext,
    a: &Params,
    b: &Params,
    config: &CurveConfig,
    state: &TrainState,
    observer: &mut dyn CurveObserver,
) -> Result<TrainedCurve, StudyError> {
    let (mut run, curve) = Run::new(context, a, b, config)?;
    run.resume(state)?;
    run.all(curve, observer)
}

struct Run<'a> {
    config: &'a CurveConfig,
    samples: usize,
    positions: Rng,
    points: ControlPoints,
    step: u64,
    /// Losses of the batches of the epoch under way.
    losses: Vec<f32>,
    epochs: Vec<EpochLoss>,
}

impl<'a> Run<'a> {
    fn new(
        context: &EvaluationContext,
        a: &Params,
        b: &Params,
        config: &'a CurveConfig,
    ) -> Result<(Self, Curve), StudyError> {
        config.training.check()?;
        if config.inner_points == 0 {
            return Err(StudyError::NoInnerPoints);
        }
        a.same_layout(b)?;
        check_finite(&[a.clone(), b.clone()])?;
        let curve = Curve::straight(config.kind, a, b, config.inner_points)?;
        let run = Run {
            config,
            samples: context.data().len(),
            positions: Rng::new(config.training.seed, POSITIONS),
            points: ControlPoints::new(context, &curve, &config.training)?,
            step: 0,
            losses: Vec::new(),
            epochs: Vec::new(),
        };
        Ok((run, curve))
    }

    fn resume(&mut self, state: &TrainState) -> Result<(), StudyError> {
        let bad = |reason: String| StudyError::Models(ModelsError::BadState { reason });
        let per_epoch = self.per_epoch();
        if state.step >= self.steps() {
            return Err(bad(format!(
                "it is at step {} of {}",
                state.step,
                self.steps()
            )));
        }
        let lengths = [state.epochs.len() as u64, state.batch_losses.len() as u64];
        if lengths != [state.step / per_epoch, state.step % per_epoch] {
            return Err(bad("its losses are not those of its step".to_owned()));
        }
        self.points
            .resume(&self.config.training, &state.networks, state.step)?;
        // One position a step.
        for _ in 0..state.step {
            self.positions.uniform(0.0, 1.0);
        }
        self.step = state.step;
        self.losses = state.batch_losses.clone();
        let epochs = state.epochs.iter().enumerate();
        self.epochs = epochs
            .map(|(epoch, &loss)| EpochLoss { epoch, loss })
            .collect();
        Ok(())
    }

    fn state(&self) -> TrainState {
        TrainState {
            step: self.step,
            next_record: 0,
            networks: self.points.states(),
            batch_losses: self.losses.clone(),
            epochs: self.epochs.iter().map(|epoch| epoch.loss).collect(),
            first: None,
        }
    }

    fn offer(&self, observer: &mut dyn CurveObserver) -> ControlFlow<()> {
        match self.step < self.steps() && observer.wants_state(self.step) {
            true => observer.state(self.state()),
            false => ControlFlow::Continue(()),
        }
    }

    fn all(
        mut self,
        mut curve: Curve,
        observer: &mut dyn CurveObserver,
    ) -> Result<TrainedCurve, StudyError> {
        let mut flow = ControlFlow::Continue(());
        while flow.is_continue() && self.step < self.steps() {
            flow = self.epoch(observer)?;
        }
        if flow.is_break() {
            let _ = self.offer(observer);
        }
        for (index, params) in self.points.params().into_iter().enumerate() {
            curve.set_bend(index + 1, params)?;
        }
        let outcome = match self.step < self.steps() {
            true => Outcome::Cancelled,
            false => Outcome::Complete,
        };
        Ok(TrainedCurve {
            curve,
            epochs: self.epochs,
            steps: self.step,
            outcome,
        })
    }

    fn per_epoch(&self) -> u64 {
        self.samples.div_ceil(self.config.training.batch) as u64
    }

    fn steps(&self) -> u64 {
        let epochs = self.config.training.epochs as u64;
        self.per_epoch().saturating_mul(epochs)
    }

    /// What is left of an epoch.
    fn epoch(&mut self, observer: &mut dyn CurveObserver) -> Result<ControlFlow<()>, StudyError> {
        let training = &self.config.training;
        let (steps, per_epoch) = (self.steps(), self.per_epoch());
        let (epoch, done) = (self.step / per_epoch, self.step % per_epoch);
        let order = self.order(epoch as usize);
        for places in order.chunks(training.batch).skip(done as usize) {
            let t = self.positions.uniform(0.0, 1.0);
            let share = training.schedule.factor(self.step, steps, per_epoch);
            let drawn = [training.seed, self.step];
            let loss = self.points.step((t, training.lr * share), places, drawn)?;
            self.losses.push(loss);
            self.step += 1;
            if self.step.is_multiple_of(per_epoch) {
                self.close(epoch as usize);
            }
            let mut flow = observer.step(CurveStep {
                step: self.step,
                steps,
                t,
                loss: f64::from(loss),
            });
            if flow.is_continue() {
                flow = self.offer(observer);
            }
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Ends an epoch.
    fn close(&mut self, epoch: usize) {
        let (n, full) = (self.samples, self.config.training.batch);
        let mut sum = 0.0;
        for (batch, loss) in self.losses.drain(..).enumerate() {
            let size = full.min(n - batch * full);
            sum += f64::from(loss) * size as f64;
        }
        self.epochs.push(EpochLoss {
            epoch,
            loss: sum / n as f64,
        });
    }

    /// Places of the samples in the order of an epoch.
    fn order(&self, epoch: usize) -> Vec<i64> {
        let training = &self.config.training;
        let mut places: Vec<i64> = (0..self.samples as i64).collect();
        if training.shuffle {
            Rng::new(training.seed, SHUFFLE + epoch as u64).shuffle(&mut places);
        }
        places
    }
}
