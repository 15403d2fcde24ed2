use super::point::{radius, rise};
use super::{Evaluations, Point, SharpnessError};
use crate::progress::{Observer, Progress, Stage};
use crate::vectors::{norm, scale};

/// The metric in which the one step of SAM has length `rho`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Metric {
    /// `e = rho g / ||g||`: SAM (Foret et al. 2021).
    #[default]
    Euclidean,
    /// `e = rho T^2 g / ||T g||` with `T = |w| + eta` on weights and 1 elsewhere: ASAM (Kwon et al.
    /// 2021). Needs the tensors of the loss. Scales of normalisation are not weights here
    /// ([`super::Tensor::weight`]): a rescaling of layers does not move them. The authors' code goes by
    /// names with `weight` in them, and so does scale them.
    Adaptive {
        /// Keeps weights near zero from being frozen; 0.01 in the paper.
        eta: f64,
    },
}

/// Settings of [`Point::sam`] and [`Point::m_sharpness`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SamParams {
    /// Length of the step; 0.05 by default, for ASAM 0.5 is usual.
    pub rho: f64,
    /// What that length is measured in.
    pub metric: Metric,
}

impl Default for SamParams {
    fn default() -> Self {
        SamParams {
            rho: 0.05,
            metric: Metric::default(),
        }
    }
}

/// The rise of the loss after one step up the gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct OneStep {
    /// `L(theta + e) - L(theta)`; 0 where the gradient is zero, which says nothing about sharpness: see
    /// [`Point::worst_case`] there.
    pub rise: f64,
    /// `e`.
    pub step: Vec<f64>,
    /// Length of the gradient, `||g||` or `||T g||`.
    pub gradient_norm: f64,
    /// What it cost.
    pub evaluations: Evaluations,
}

/// The mean of SAM's sharpness over mini-batches, each with its own step.
#[derive(Debug, Clone, PartialEq)]
pub struct MSharpness {
    /// Mean over mini-batches, weighted by their samples.
    pub mean: f64,
    /// Its standard error over mini-batches.
    pub standard_error: f64,
    /// The rise of each mini-batch measured, in their order.
    pub rises: Vec<f64>,
    /// Whether all mini-batches are in the mean; not when the observer ended it.
    pub complete: bool,
    /// What it cost.
    pub evaluations: Evaluations,
}

impl Point<'_> {
    /// SAM's or ASAM's sharpness after its one step.
    ///
    /// # Errors
    /// When a setting cannot work, before any evaluation; when the loss cannot be evaluated.
    pub fn sam(&self, params: &SamParams) -> Result<OneStep, SharpnessError> {
        let metric = self.metric(params)?;
        self.take_spent();
        let (_, gradient) = self.gradient(&vec![0.0; self.dim()])?;
        let (step, gradient_norm) = step(gradient.unwrap_or_default(), &metric, params.rho);
        let rise = match gradient_norm > 0.0 {
            true => self.rise(&step)?,
            false => 0.0,
        };
        Ok(OneStep {
            rise,
            step,
            gradient_norm,
            evaluations: self.take_spent(),
        })
    }

    /// m-sharpness: the mean of SAM's sharpness over the mini-batches of the loss, whose size is m.
    ///
    /// # Errors
    /// As [`Point::sam`]; when the loss has fewer than two mini-batches.
    pub fn m_sharpness(
        &self,
        params: &SamParams,
        observer: Observer,
    ) -> Result<MSharpness, SharpnessError> {
        let metric = self.metric(params)?;
        let batches = self.function().batches();
        if batches < 2 {
            return Err(SharpnessError::Batches { given: batches });
        }
        self.take_spent();
        let mut rises = vec![];
        for batch in 0..batches {
            let (loss, gradient) = self.batch_gradient(batch)?;
            let (step, length) = step(gradient, &metric, params.rho);
            rises.push(match length > 0.0 {
                true => rise(self.batch_loss(batch, &step)?, loss),
                false => 0.0,
            });
            let progress = Progress {
                stage: Stage::Sampling,
                products: self.spent().total(),
                limit: 2 * batches,
                error: f64::INFINITY,
                target: 0.0,
            };
            if observer(&progress).is_break() {
                break;
            }
        }
        Ok(self.weighted(rises, batches))
    }

    fn weighted(&self, rises: Vec<f64>, batches: usize) -> MSharpness {
        let size = |batch: usize| self.function().batch_size(batch) as f64;
        let total: f64 = (0..rises.len()).map(size).sum();
        let weighed = || {
            rises
                .iter()
                .enumerate()
                .map(|(b, rise)| (size(b) / total, rise))
        };
        let mean: f64 = weighed().map(|(weight, rise)| weight * rise).sum();
        let squares: f64 = weighed().map(|(w, rise)| (w * (rise - mean)).powi(2)).sum();
        let count = rises.len() as f64;
        MSharpness {
            mean,
            standard_error: match rises.len() {
                0 | 1 => f64::INFINITY,
                _ => (squares * count / (count - 1.0)).sqrt(),
            },
            complete: rises.len() == batches,
            rises,
            evaluations: self.take_spent(),
        }
    }

    /// The diagonal of `T`.
    fn metric(&self, params: &SamParams) -> Result<Vec<f64>, SharpnessError> {
        radius(params.rho)?;
        let mut metric = vec![1.0; self.dim()];
        let Metric::Adaptive { eta } = params.metric else {
            return Ok(metric);
        };
        if !(eta > 0.0 && eta.is_finite()) {
            return Err(SharpnessError::Eta { given: eta });
        }
        let tensors = self.function().tensors();
        if tensors.is_empty() {
            return Err(SharpnessError::NoTensors);
        }
        for tensor in tensors.iter().filter(|tensor| tensor.weight) {
            let entries = self.theta()[tensor.range.clone()].iter();
            let scales = metric[tensor.range.clone()].iter_mut();
            scales.zip(entries).for_each(|(t, w)| *t = w.abs() + eta);
        }
        Ok(metric)
    }
}

/// `rho T^2 g / ||T g||`, and `||T g||`.
fn step(mut gradient: Vec<f64>, metric: &[f64], rho: f64) -> (Vec<f64>, f64) {
    let apply = |v: &mut Vec<f64>| v.iter_mut().zip(metric).for_each(|(g, t)| *g *= t);
    apply(&mut gradient);
    let length = norm(&gradient);
    apply(&mut gradient);
    if length > 0.0 {
        scale(&mut gradient, rho / length);
    }
    (gradient, length)
}
