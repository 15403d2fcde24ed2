//! The inner control points of a curve as parameters that are trained.

use super::context::EvaluationContext;
use super::point_network::{PointNetwork, point_network};
use crate::StudyError;
use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use landscape_core::{Curve, CurveKind, Params};
use landscape_models::{ModelsError, NetworkState, ResumableOptimizer, TrainConfig};

/// Control points, each as the tensors of the network one after another, without axes.
pub(super) struct ControlPoints {
    kind: CurveKind,
    network: Box<dyn PointNetwork>,
    /// The tensors that are trained, of both ends.
    ends: [Vec<Tensor<1>>; 2],
    /// All tensors, of those between the ends.
    inner: Vec<Vec<Param<Tensor<1>>>>,
    optimizers: Vec<ResumableOptimizer>,
    decay: f64,
}

impl ControlPoints {
    pub fn new(
        context: &EvaluationContext,
        curve: &Curve,
        config: &TrainConfig,
    ) -> Result<Self, StudyError> {
        let points = curve.points();
        let network = point_network(context, &points[0], config)?;
        let of = |params: &Params| network.tensors(params);
        let ends = [of(&points[0])?, of(&points[points.len() - 1])?];
        let ends = ends.map(|tensors| trained(tensors, network.is_trained()));
        let inner = &points[1..points.len() - 1];
        let inner = inner.iter().map(|params| Ok(parameters(of(params)?)));
        let inner: Vec<_> = inner.collect::<Result<_, StudyError>>()?;
        let plain = plain(config);
        let optimizer = |_: &_| ResumableOptimizer::new(&plain);
        Ok(ControlPoints {
            kind: curve.kind,
            optimizers: inner.iter().map(optimizer).collect(),
            network,
            ends,
            inner,
            decay: config.decay(),
        })
    }

    /// Goes on where others were after so many steps.
    pub fn resume(
        &mut self,
        config: &TrainConfig,
        states: &[NetworkState],
        steps: u64,
    ) -> Result<(), StudyError> {
        let bad = |reason| StudyError::Models(ModelsError::BadState { reason });
        if states.len() != self.inner.len() {
            let (found, count) = (states.len(), self.inner.len());
            return Err(bad(format!(
                "it has {found} control points, but the curve has {count}"
            )));
        }
        let plain = plain(config);
        for (place, state) in states.iter().enumerate() {
            let point = parameters(self.network.tensors(&state.params)?);
            let optimizer = ResumableOptimizer::resumed(&plain, &point, &state.optimizer, steps);
            self.optimizers[place] = optimizer.map_err(bad)?;
            self.inner[place] = point;
        }
        Ok(())
    }

    /// What later steps depend on.
    pub fn states(&self) -> Vec<NetworkState> {
        let optimizers = self.optimizers.iter();
        let state = |(params, optimizer): (Params, &ResumableOptimizer)| NetworkState {
            params,
            optimizer: optimizer.state(),
        };
        self.params()
            .into_iter()
            .zip(optimizers)
            .map(state)
            .collect()
    }

    /// One step of every inner control point, by the gradient at `t` of the mean loss of some samples; that loss. `seed` and the
    /// steps before say what dropout drops.
    ///
    /// # Errors
    /// What the gradient reports.
    pub fn step(
        &mut self,
        (t, lr): (f64, f64),
        places: &[i64],
        drawn: [u64; 2],
    ) -> Result<f32, StudyError> {
        let weights = self.kind.weights(self.inner.len() + 2, t);
        let values = self.at(&weights);
        let (loss, gradients) = self.network.gradient(&values, places, drawn)?;
        let decayed = |(gradient, value): (Tensor<1>, Tensor<1>)| match self.decay > 0.0 {
            true => gradient + value * self.decay,
            false => gradient,
        };
        let gradients: Vec<Tensor<1>> = gradients.into_iter().zip(values).map(decayed).collect();
        for (index, optimizer) in self.optimizers.iter_mut().enumerate() {
            let inner = std::mem::take(&mut self.inner[index]);
            let mut registered = GradientsParams::new();
            let moving = inner.iter().zip(self.network.is_trained());
            let moving = moving.filter(|(_, trained)| **trained);
            for ((param, _), gradient) in moving.zip(&gradients) {
                registered.register(param.id, gradient.clone() * weights[index + 1]);
            }
            self.inner[index] = optimizer.step(lr, inner.train(), registered).valid();
        }
        Ok(loss)
    }

    /// The trained tensors of the point with these weights of the control points.
    fn at(&self, weights: &[f64]) -> Vec<Tensor<1>> {
        let [from, to] = &self.ends;
        let of = |point: &Vec<Param<Tensor<1>>>| trained(values(point), self.network.is_trained());
        let inner: Vec<Vec<Tensor<1>>> = self.inner.iter().map(of).collect();
        let all = std::iter::once(from).chain(&inner).chain([to]);
        let used: Vec<_> = all.zip(weights).filter(|(_, w)| **w != 0.0).collect();
        let sum = |tensor: usize| {
            let parts = used.iter().map(|(of, w)| of[tensor].clone() * **w);
            parts.reduce(|a, b| a + b).expect("weights sum to 1")
        };
        (0..from.len()).map(sum).collect()
    }

    /// The inner control points as they are.
    pub fn params(&self) -> Vec<Params> {
        let inner = self.inner.iter().map(|point| values(point));
        inner.map(|tensors| self.network.params(tensors)).collect()
    }
}

/// The settings of the optimisers. Weight decay is part of the gradient of a point on the curve.
fn plain(config: &TrainConfig) -> TrainConfig {
    TrainConfig {
        weight_decay: Some(0.0),
        ..config.clone()
    }
}

fn parameters(tensors: Vec<Tensor<1>>) -> Vec<Param<Tensor<1>>> {
    tensors.into_iter().map(Param::from_tensor).collect()
}

fn values(parameters: &[Param<Tensor<1>>]) -> Vec<Tensor<1>> {
    parameters.iter().map(Param::val).collect()
}

fn trained(tensors: Vec<Tensor<1>>, is_trained: &[bool]) -> Vec<Tensor<1>> {
    let tensors = tensors.into_iter().zip(is_trained);
    let tensors = tensors.filter(|(_, trained)| **trained);
    tensors.map(|(tensor, _)| tensor).collect()
}
