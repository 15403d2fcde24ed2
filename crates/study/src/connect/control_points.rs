//! The inner control points of a curve as modules that are trained.

use super::context::EvaluationContext;
use crate::StudyError;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use landscape_core::{Curve, CurveKind, Params, Role};
use landscape_models::{
    LossKind, ModelsError, Network, NetworkState, ResumableOptimizer, TargetTensor, TrainConfig,
};

/// Control points on the device, and the data.
pub(super) struct ControlPoints {
    kind: CurveKind,
    ends: [Vec<Tensor<1>>; 2],
    /// Those between the ends, without gradients.
    inner: Vec<Network>,
    optimizers: Vec<ResumableOptimizer>,
    decay: f64,
    x: Tensor<2>,
    y: TargetTensor,
    loss: LossKind,
    device: Device,
}

impl ControlPoints {
    pub fn new(
        context: &EvaluationContext,
        curve: &Curve,
        config: &TrainConfig,
    ) -> Result<Self, StudyError> {
        let device = Device::flex();
        let network = |params: &Params| context.model().network(params);
        let points = curve.points().iter().map(network);
        let points: Vec<Network> = points.collect::<Result<_, _>>()?;
        let (data, loss) = (context.data(), context.loss());
        let inner = &points[1..points.len() - 1];
        let plain = plain(config);
        Ok(ControlPoints {
            kind: curve.kind,
            ends: [&points[0], &points[points.len() - 1]].map(Network::flat_parameters),
            inner: inner.to_vec(),
            optimizers: inner
                .iter()
                .map(|_| ResumableOptimizer::new(&plain))
                .collect(),
            decay: config.decay(),
            x: data.inputs(&device),
            y: data.targets(loss, context.model().outputs(), &device)?,
            loss,
            device,
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
            let point = self.inner[place].with_params(&state.params)?;
            let optimizer = ResumableOptimizer::resumed(&plain, &point, &state.optimizer, steps);
            self.optimizers[place] = optimizer.map_err(bad)?;
            self.inner[place] = point;
        }
        Ok(())
    }

    /// What later steps depend on.
    pub fn states(&self) -> Vec<NetworkState> {
        let inner = self.inner.iter().zip(&self.optimizers);
        let state = |(point, optimizer): (&Network, &ResumableOptimizer)| NetworkState {
            params: point.params(),
            optimizer: optimizer.state(),
        };
        inner.map(state).collect()
    }

    /// One step of every inner control point, by the gradient at `t` of the mean loss of some samples; that loss.
    pub fn step(&mut self, t: f64, places: &[i64], lr: f64) -> f32 {
        let weights = self.kind.weights(self.inner.len() + 2, t);
        let values = self.at(&weights);
        let mut setter = Trainable {
            path: Vec::new(),
            visitor: values.clone().into_iter(),
        };
        let point = self.inner[0].clone().map(&mut setter).train();
        let loss = self.batch_loss(&point, places);
        let reader = Reader {
            gradients: loss.backward(),
            found: Vec::new(),
        };
        let reader = Trainable::of(&point, reader);
        let decayed = |(gradient, value): (Tensor<1>, Tensor<1>)| match self.decay > 0.0 {
            true => gradient + value * self.decay,
            false => gradient,
        };
        let gradients: Vec<Tensor<1>> = reader.found.into_iter().zip(values).map(decayed).collect();
        for (index, optimizer) in self.optimizers.iter_mut().enumerate() {
            let inner = self.inner[index].clone().train();
            let register = Register {
                gradients: gradients.iter(),
                weight: weights[index + 1],
                registered: GradientsParams::new(),
            };
            let gradients = Trainable::of(&inner, register).registered;
            self.inner[index] = optimizer.step(lr, inner, gradients).valid();
        }
        let loss: Vec<f32> = loss.into_data().convert::<f32>().iter::<f32>().collect();
        loss[0]
    }

    /// The trainable tensors of the point with these weights of the control points.
    fn at(&self, weights: &[f64]) -> Vec<Tensor<1>> {
        let [from, to] = &self.ends;
        let inner: Vec<Vec<Tensor<1>>> = self.inner.iter().map(Network::flat_parameters).collect();
        let all = std::iter::once(from).chain(&inner).chain([to]);
        let used: Vec<_> = all.zip(weights).filter(|(_, w)| **w != 0.0).collect();
        let sum = |tensor: usize| {
            let parts = used.iter().map(|(of, w)| of[tensor].clone() * **w);
            parts.reduce(|a, b| a + b).expect("weights sum to 1")
        };
        (0..from.len()).map(sum).collect()
    }

    fn batch_loss(&self, network: &Network, places: &[i64]) -> Tensor<1> {
        let data = TensorData::new(places.to_vec(), [places.len()]);
        let places = Tensor::<1, Int>::from_data(data, &self.device);
        let output = network.forward(self.x.clone().select(0, places.clone()));
        self.loss.per_sample(output, &self.y.select(places)).mean()
    }

    /// The inner control points as they are.
    pub fn params(&self) -> Vec<Params> {
        self.inner.iter().map(Network::params).collect()
    }
}

/// The settings of the optimisers. Weight decay is part of the gradient of a point on the curve.
fn plain(config: &TrainConfig) -> TrainConfig {
    TrainConfig {
        weight_decay: Some(0.0),
        ..config.clone()
    }
}

/// Whether a float of a module, with its path, is a running statistic.
fn is_buffer(path: &[String], shape: &[usize]) -> bool {
    let name = path.last().map_or("", String::as_str);
    Role::from_name(name, shape) == Role::Buffer
}

/// Goes over the trainable tensors of a module, in order: those that their path does not name as running statistics.
struct Trainable<V> {
    path: Vec<String>,
    visitor: V,
}

/// What is done with each trainable tensor.
trait TensorVisitor {
    fn visit<const D: usize>(&mut self, param: &Param<Tensor<D>>);
}

impl<V: TensorVisitor> Trainable<V> {
    /// What a visitor has become after a module.
    fn of(module: &Network, visitor: V) -> V {
        let path = Vec::new();
        let mut trainable = Trainable { path, visitor };
        module.visit(&mut trainable);
        trainable.visitor
    }
}

impl<V: TensorVisitor> ModuleVisitor for Trainable<V> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !is_buffer(&self.path, &param.dims()) {
            self.visitor.visit(param);
        }
    }
}

/// Gives trainable tensors new values.
impl ModuleMapper for Trainable<std::vec::IntoIter<Tensor<1>>> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if is_buffer(&self.path, &param.dims()) {
            return param;
        }
        let value = self.visitor.next().expect("the same tensors");
        param.map(|old| value.reshape(old.dims()))
    }
}

/// Takes the gradients of tensors.
struct Reader {
    gradients: Gradients,
    found: Vec<Tensor<1>>,
}

impl TensorVisitor for Reader {
    fn visit<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let numel = tensor.shape().num_elements();
        let zeros = || Tensor::zeros([numel], &tensor.clone().without_autodiff().device());
        let found = tensor.grad_remove(&mut self.gradients);
        self.found
            .push(found.map_or_else(zeros, |g| g.reshape([numel])));
    }
}

/// Registers gradients times a weight for the optimiser of a module.
struct Register<'a> {
    gradients: std::slice::Iter<'a, Tensor<1>>,
    weight: f64,
    registered: GradientsParams,
}

impl TensorVisitor for Register<'_> {
    fn visit<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradients.next().expect("the same tensors").clone();
        let shaped: Tensor<D> = (gradient * self.weight).reshape(param.dims());
        self.registered.register(param.id, shaped);
    }
}
