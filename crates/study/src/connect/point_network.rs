//! A network at any point of a curve: its gradient on a batch, whatever it comes from.

use super::context::EvaluationContext;
use crate::StudyError;
use crate::problem::{Model, TrainingTask};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use landscape_core::{Params, Role};
use landscape_models::{LossKind, ModelsError, Network, TargetTensor, TracedBatches, TrainConfig};

/// A network whose parameters are tensors without axes, in an order and a layout of its own.
pub(super) trait PointNetwork {
    /// The tensors of parameters, those that are not trained among them.
    ///
    /// # Errors
    /// Where they are no parameters of the network.
    fn tensors(&self, params: &Params) -> Result<Vec<Tensor<1>>, StudyError>;

    /// The opposite.
    fn params(&self, tensors: Vec<Tensor<1>>) -> Params;

    /// Which of them are trained: all but running statistics.
    fn is_trained(&self) -> &[bool];

    /// The mean loss of the samples at these places, in training, and its derivative, at these values of what is trained;
    /// `drawn`: seed and step, from which dropout is drawn.
    ///
    /// # Errors
    /// What the gradient reports.
    fn gradient(
        &mut self,
        values: &[Tensor<1>],
        places: &[i64],
        drawn: [u64; 2],
    ) -> Result<(f32, Vec<Tensor<1>>), StudyError>;
}

/// The network of a context; `params` are some of its.
pub(super) fn point_network(
    context: &EvaluationContext,
    params: &Params,
    config: &TrainConfig,
) -> Result<Box<dyn PointNetwork>, StudyError> {
    let (data, loss) = (context.data(), context.loss());
    let program = match context.model() {
        Model::Family(_) => {
            let network = context.model().network(params)?;
            return Ok(Box::new(FamilyNetwork::new(network, context)?));
        }
        Model::Program(program) => program,
        Model::Adapted(adapted) => {
            return Err(StudyError::AdaptersTrained {
                model: adapted.model().to_string(),
            });
        }
    };
    let task = TrainingTask { data, loss, config };
    let traced = program.traced_loss(params, task)?;
    Ok(Box::new(ProgramNetwork {
        batches: TracedBatches::new(&traced, params, config.batch)?,
        layout: params.clone(),
        is_trained: params.iter().map(|t| t.role != Role::Buffer).collect(),
    }))
}

/// One of the built-in families, differentiated by Burn.
struct FamilyNetwork {
    network: Network,
    is_trained: Vec<bool>,
    x: Tensor<2>,
    y: TargetTensor,
    loss: LossKind,
    device: Device,
}

impl FamilyNetwork {
    fn new(network: Network, context: &EvaluationContext) -> Result<Self, StudyError> {
        let device = Device::flex();
        let mut tensors = Tensors::default();
        network.visit(&mut tensors);
        let (data, loss) = (context.data(), context.loss());
        Ok(FamilyNetwork {
            is_trained: tensors.is_trained,
            x: data.inputs(&device),
            y: data.targets(loss, &network.spec(), &device)?,
            network,
            loss,
            device,
        })
    }

    /// The network with other values of what is trained, or of `all`.
    fn with_values(&self, values: Vec<Tensor<1>>, all: bool) -> Network {
        let mut setter = Setter {
            path: Vec::new(),
            values: values.into_iter(),
            all,
        };
        self.network.clone().map(&mut setter)
    }

    fn batch_loss(&self, network: &Network, places: &[i64]) -> Tensor<1> {
        let data = TensorData::new(places.to_vec(), [places.len()]);
        let places = Tensor::<1, Int>::from_data(data, &self.device);
        let output = network.forward(self.x.clone().select(0, places.clone()));
        self.loss.per_sample(output, &self.y.select(places)).mean()
    }
}

impl PointNetwork for FamilyNetwork {
    fn tensors(&self, params: &Params) -> Result<Vec<Tensor<1>>, StudyError> {
        let mut tensors = Tensors::default();
        self.network.with_params(params)?.visit(&mut tensors);
        Ok(tensors.found)
    }

    fn params(&self, tensors: Vec<Tensor<1>>) -> Params {
        self.with_values(tensors, true).params()
    }

    fn is_trained(&self) -> &[bool] {
        &self.is_trained
    }

    fn gradient(
        &mut self,
        values: &[Tensor<1>],
        places: &[i64],
        _: [u64; 2],
    ) -> Result<(f32, Vec<Tensor<1>>), StudyError> {
        let point = self.with_values(values.to_vec(), false).train();
        let loss = self.batch_loss(&point, places);
        let mut reader = Reader {
            path: Vec::new(),
            gradients: loss.backward(),
            found: Vec::new(),
        };
        point.visit(&mut reader);
        let loss: Vec<f32> = loss.into_data().convert::<f32>().iter::<f32>().collect();
        Ok((loss[0], reader.found))
    }
}

/// Whether a float of a module, with its path, is a running statistic.
fn is_buffer(path: &[String], shape: &[usize]) -> bool {
    let name = path.last().map_or("", String::as_str);
    Role::from_name(name, shape) == Role::Buffer
}

/// Takes all tensors of a module.
#[derive(Default)]
struct Tensors {
    path: Vec<String>,
    found: Vec<Tensor<1>>,
    is_trained: Vec<bool>,
}

impl ModuleVisitor for Tensors {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let numel = value.shape().num_elements();
        self.found.push(value.reshape([numel]));
        self.is_trained.push(!is_buffer(&self.path, &param.dims()));
    }
}

/// Gives tensors new values.
struct Setter {
    path: Vec<String>,
    values: std::vec::IntoIter<Tensor<1>>,
    /// Running statistics too.
    all: bool,
}

impl ModuleMapper for Setter {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !self.all && is_buffer(&self.path, &param.dims()) {
            return param;
        }
        let value = self.values.next().expect("the same tensors");
        param.map(|old| value.reshape(old.dims()))
    }
}

/// Takes the gradients of what is trained.
struct Reader {
    path: Vec<String>,
    gradients: Gradients,
    found: Vec<Tensor<1>>,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if is_buffer(&self.path, &param.dims()) {
            return;
        }
        let tensor = param.val();
        let numel = tensor.shape().num_elements();
        let zeros = || Tensor::zeros([numel], &tensor.clone().without_autodiff().device());
        let found = tensor.grad_remove(&mut self.gradients);
        self.found
            .push(found.map_or_else(zeros, |g| g.reshape([numel])));
    }
}

/// A program from a file, differentiated by its trace.
struct ProgramNetwork {
    batches: TracedBatches,
    layout: Params,
    is_trained: Vec<bool>,
}

impl ProgramNetwork {
    /// The layout with other values of the parameters of some roles.
    fn with_values(&self, values: Vec<Tensor<1>>, of: impl Fn(Role) -> bool) -> Params {
        let mut params = self.layout.clone().into_inner();
        let others = params.iter_mut().filter(|param| of(param.role));
        for (param, value) in others.zip(values) {
            param.data = numbers(value);
        }
        Params::new(params).expect("names and lengths are those of the layout")
    }
}

impl PointNetwork for ProgramNetwork {
    fn tensors(&self, params: &Params) -> Result<Vec<Tensor<1>>, StudyError> {
        let params = params.clone().conform(&self.layout);
        let params = params.map_err(|source| ModelsError::Layout {
            model: "the program".to_owned(),
            source,
        })?;
        let params = params.into_inner().into_iter();
        Ok(params.map(|tensor| vector(tensor.data)).collect())
    }

    fn params(&self, tensors: Vec<Tensor<1>>) -> Params {
        self.with_values(tensors, |_| true)
    }

    fn is_trained(&self) -> &[bool] {
        &self.is_trained
    }

    fn gradient(
        &mut self,
        values: &[Tensor<1>],
        places: &[i64],
        drawn: [u64; 2],
    ) -> Result<(f32, Vec<Tensor<1>>), StudyError> {
        let point = self.with_values(values.to_vec(), |role| role != Role::Buffer);
        let found = self.batches.at(&point, places, None, drawn)?;
        let gradients = point.iter().zip(found.gradient);
        let gradients = gradients.filter(|(tensor, _)| tensor.role != Role::Buffer);
        let gradient = |(tensor, gradient): (&landscape_core::Parameter, Vec<f32>)| {
            // Empty where the loss does not depend on it.
            match gradient.is_empty() {
                true => vector(vec![0.0; tensor.data.len()]),
                false => vector(gradient),
            }
        };
        Ok((found.loss as f32, gradients.map(gradient).collect()))
    }
}

fn vector(data: Vec<f32>) -> Tensor<1> {
    let shape = [data.len()];
    Tensor::from_data(TensorData::new(data, shape), &Device::flex())
}

fn numbers(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().iter::<f32>().collect()
}
