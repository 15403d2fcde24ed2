//! What losses between networks are measured on.

use super::profile::{CurveObjective, LossProfile};
use crate::StudyError;
use crate::problem::Model;
use landscape_core::{Axis, Curve, CurveKind, Grid, Objective, Params, Sample, Sampler, Surface};
use landscape_models::{Dataset, Init, LossKind};
use landscape_trace::{BatchStatistics, Target, Trace};

/// A network, data and a loss, and how points between networks are evaluated.
#[derive(Debug, Clone)]
pub struct EvaluationContext {
    model: Model,
    data: Dataset,
    loss: LossKind,
    /// With frozen statistics.
    trace: Trace,
    statistics: BatchStatistics,
    targets: Vec<Target>,
}

impl EvaluationContext {
    /// Points are evaluated by the own kernels on all cores. Statistics of BatchNorm layers are estimated
    /// anew at every point, from all the data: interpolated ones are no network's, and their
    /// error alone can be a barrier (Jordan et al., *REPAIR: REnormalizing Permuted Activations for
    /// Interpolation Repair*, ICLR 2023).
    ///
    /// # Errors
    /// When data and loss do not fit the network.
    pub fn new(model: impl Into<Model>, data: Dataset, loss: LossKind) -> Result<Self, StudyError> {
        let model = model.into();
        Ok(EvaluationContext {
            trace: model.trace(&model.initial(Init::default(), 0).0, &data, loss, &[])?,
            model,
            data,
            loss,
            statistics: BatchStatistics::Reestimated,
            targets: vec![Target::default()],
        })
    }

    /// The same with other statistics of BatchNorm layers.
    #[must_use]
    pub fn with_batch_norm(mut self, statistics: BatchStatistics) -> Self {
        self.statistics = statistics;
        self
    }

    /// The same, evaluated elsewhere; several targets share the points.
    #[must_use]
    pub fn on(mut self, targets: Vec<Target>) -> Self {
        self.targets = targets;
        self
    }

    /// The network.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The data.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// The loss.
    pub fn loss(&self) -> LossKind {
        self.loss
    }

    /// The traced loss with frozen statistics.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Where points are evaluated.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The traced loss, with the statistics that points between networks are evaluated with.
    ///
    /// # Errors
    /// When a layer would measure one value per channel.
    pub fn between(&self) -> Result<Trace, StudyError> {
        Ok(self.trace.with_batch_norm(self.statistics)?)
    }

    /// The loss along a curve, as a function of `t`; for a [`Sampler`].
    ///
    /// # Errors
    /// When the control points are not parameters of the network, or not finite; as [`EvaluationContext::between`].
    pub fn objective(&self, curve: &Curve) -> Result<CurveObjective, StudyError> {
        CurveObjective::new(self.between()?, curve, &self.targets)
    }

    /// Loss and accuracy of two networks as they stand, each with the running statistics that it holds.
    ///
    /// # Errors
    /// When one has parameters that are not the network's, or not finite; when evaluation fails.
    pub fn ends(&self, a: &Params, b: &Params) -> Result<[Sample; 2], StudyError> {
        let curve = Curve::straight(CurveKind::Chain, a, b, 0)?;
        let objective = CurveObjective::new(self.trace.clone(), &curve, &self.targets)?;
        let ends = objective.evaluate(&[[0.0; 3], [1.0, 0.0, 0.0]])?;
        Ok(ends.try_into().expect("a sample a point"))
    }

    /// Loss and accuracy at `points` values of `t`, evenly spaced from 0 to 1.
    ///
    /// # Errors
    /// As [`EvaluationContext::objective`]; when there are fewer than two points.
    pub fn profile(&self, curve: &Curve, points: usize) -> Result<LossProfile, StudyError> {
        let objective = self.objective(curve)?;
        let mut surface = Surface::new(LossProfile::grid(points)?, Vec::new());
        Sampler::new().run(&objective, &mut surface, &mut [])?;
        Ok(LossProfile::new(surface, curve))
    }

    /// The straight line between two networks.
    ///
    /// # Errors
    /// As [`EvaluationContext::profile`].
    pub fn line(&self, a: &Params, b: &Params, points: usize) -> Result<LossProfile, StudyError> {
        self.profile(&Curve::straight(CurveKind::Chain, a, b, 0)?, points)
    }
}

impl LossProfile {
    /// `points` values of `t` from 0 to 1.
    ///
    /// # Errors
    /// When there are fewer than two.
    pub fn grid(points: usize) -> Result<Grid, StudyError> {
        match points {
            0 | 1 => Err(StudyError::FewPoints { given: points }),
            _ => Ok(Grid::new(vec![Axis::new(0.0, 1.0, points)?])?),
        }
    }
}
