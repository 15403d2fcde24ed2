//! Curves of low loss, found by training their inner control points.

use super::bends::Bends;
use super::ground::Ground;
use super::way::check_finite;
use crate::StudyError;
use landscape_core::{Curve, CurveKind, Outcome, Params, Rng};
use landscape_models::{EpochLoss, OptimizerKind, TrainConfig};
use std::ops::ControlFlow;

/// Stream of the positions on the curve.
const POSITIONS: u64 = 5 << 32;
/// Stream of the order of the samples; the epoch is added.
const SHUFFLE: u64 = 6 << 32;

/// How a curve is found.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveConfig {
    /// Its shape.
    pub kind: CurveKind,
    /// Inner control points, at least 1.
    pub bends: usize,
    /// How they are trained. Weight decay is that of the point on the curve, whose gradient is
    /// `decay theta(t)`, for every optimiser; checkpoints are not recorded.
    pub training: TrainConfig,
}

impl Default for CurveConfig {
    /// A Bezier curve with one bend, trained for 50 epochs with Adam and half a cosine from the rate
    /// 0.003.
    fn default() -> Self {
        CurveConfig {
            kind: CurveKind::Bezier,
            bends: 1,
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
/// or there are no bends.
pub fn train_curve(
    ground: &Ground,
    a: &Params,
    b: &Params,
    config: &CurveConfig,
    observer: &mut dyn FnMut(CurveStep) -> ControlFlow<()>,
) -> Result<TrainedCurve, StudyError> {
    config.training.check()?;
    if config.bends == 0 {
        return Err(StudyError::NoBends);
    }
    a.same_layout(b)?;
    check_finite(&[a.clone(), b.clone()])?;
    let curve = Curve::straight(config.kind, a, b, config.bends)?;
    let bends = Bends::new(ground, &curve, &config.training)?;
    Run {
        config,
        samples: ground.data().len(),
        positions: Rng::new(config.training.seed, POSITIONS),
        bends,
        step: 0,
        epochs: Vec::new(),
    }
    .all(curve, observer)
}

struct Run<'a> {
    config: &'a CurveConfig,
    samples: usize,
    positions: Rng,
    bends: Bends,
    step: u64,
    epochs: Vec<EpochLoss>,
}

impl Run<'_> {
    fn all(
        mut self,
        mut curve: Curve,
        observer: &mut dyn FnMut(CurveStep) -> ControlFlow<()>,
    ) -> Result<TrainedCurve, StudyError> {
        for epoch in 0..self.config.training.epochs {
            if self.epoch(epoch, observer).is_break() {
                break;
            }
        }
        for (index, params) in self.bends.params().into_iter().enumerate() {
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

    fn epoch(
        &mut self,
        epoch: usize,
        observer: &mut dyn FnMut(CurveStep) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let training = &self.config.training;
        let (steps, per_epoch) = (self.steps(), self.per_epoch());
        let mut sum = 0.0;
        for places in self.order(epoch).chunks(training.batch) {
            let t = self.positions.uniform(0.0, 1.0);
            let share = training.schedule.factor(self.step, steps, per_epoch);
            let loss = self.bends.step(t, places, training.lr * share);
            sum += loss * places.len() as f64;
            self.step += 1;
            let step = self.step;
            if step.is_multiple_of(per_epoch) {
                let loss = sum / self.samples as f64;
                self.epochs.push(EpochLoss { epoch, loss });
            }
            observer(CurveStep {
                step,
                steps,
                t,
                loss,
            })?;
        }
        ControlFlow::Continue(())
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
