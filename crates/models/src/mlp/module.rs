//! The perceptron as a Burn module, and its parameters in PyTorch's layout.

use super::{Activation, MlpSpec};
use crate::ModelsError;
use crate::{host, streams};
use burn::module::{
    Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
    Param,
};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use landscape_core::{Parameter, Params, Rng, Role};

/// Linear layers `fc1..fcN` with an activation between them and none after the last.
///
/// Visitors see the paths `fc1.weight`, `fc1.bias`, `fc2.weight`, ...: PyTorch's names. Inside the
/// module a weight is `[in, out]`, as Burn wants it; [`Mlp::params`] gives PyTorch's `[out, in]`.
#[derive(Debug, Clone)]
pub struct Mlp {
    layers: Vec<Linear>,
    activation: Activation,
}

impl Mlp {
    /// A perceptron with PyTorch's default initial values, see [`Mlp::initial`].
    pub fn init(spec: &MlpSpec, seed: u64, device: &Device) -> Self {
        Self::build(spec, &Self::initial(spec, seed), device)
    }

    /// Initial parameters as PyTorch's `nn.Linear` draws them: weights and biases uniform in
    /// `[-1/sqrt(in), 1/sqrt(in))`, in the order of the layers, weight before bias.
    ///
    /// The same seed gives the same bits on every platform (not PyTorch's bits: the generator is
    /// [`Rng`]).
    pub fn initial(spec: &MlpSpec, seed: u64) -> Params {
        let mut rng = Rng::new(seed, streams::INIT);
        filled(spec, |fan_in, numel| {
            let bound = 1.0 / (fan_in as f64).sqrt();
            let mut draw = || rng.uniform(-bound, bound) as f32;
            (0..numel).map(|_| draw()).collect()
        })
    }

    /// A perceptron with the given parameters, which may stand in any order.
    ///
    /// # Errors
    /// [`ModelsError::Layout`] lists missing, unexpected and mis-shaped tensors.
    pub fn from_params(
        spec: &MlpSpec,
        params: &Params,
        device: &Device,
    ) -> Result<Self, ModelsError> {
        let params = params
            .clone()
            .conform(&Self::layout(spec))
            .map_err(|source| ModelsError::Layout {
                model: format!("mlp:{spec}"),
                source,
            })?;
        Ok(Self::build(spec, &params, device))
    }

    /// Names, shapes and roles of the parameters, all values 0.
    pub fn layout(spec: &MlpSpec) -> Params {
        filled(spec, |_, numel| vec![0.0; numel])
    }

    /// The parameters in PyTorch's names and layout, read from the device.
    pub fn params(&self) -> Params {
        let tensors = self.layers.iter().flat_map(|layer| {
            let [fan_in, fan_out] = layer.weight.val().dims();
            let weight = transposed(&host::floats(layer.weight.val()), fan_in, fan_out);
            let bias = layer.bias.as_ref().expect("every layer has a bias").val();
            [weight, host::floats(bias)]
        });
        let mut tensors = tensors.collect::<Vec<_>>().into_iter();
        filled(&self.spec(), |_, _| {
            tensors.next().expect("two tensors a layer")
        })
    }

    /// Outputs `[samples, out]` of inputs `[samples, in]`.
    ///
    /// # Panics
    /// When the second axis is not the network's input width.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let last = self.layers.len() - 1;
        let hidden = self.layers[..last]
            .iter()
            .fold(x, |x, layer| self.activation.apply(layer.forward(x)));
        self.layers[last].forward(hidden)
    }

    /// Widths and activation.
    pub fn spec(&self) -> MlpSpec {
        let first = self.layers[0].weight.shape()[0];
        let widths = std::iter::once(first)
            .chain(self.layers.iter().map(|layer| layer.weight.shape()[1]))
            .collect();
        MlpSpec::new(widths, self.activation).expect("the module was built from such widths")
    }

    /// The device of the parameters.
    pub fn device(&self) -> Device {
        self.layers[0].weight.device()
    }

    /// The module of parameters already known to fit.
    fn build(spec: &MlpSpec, params: &Params, device: &Device) -> Self {
        let mut tensors = params.iter();
        let mut next = || &tensors.next().expect("two tensors a layer").data;
        let layer = |pair: &[usize]| {
            let (fan_in, fan_out) = (pair[0], pair[1]);
            let weight = transposed(next(), fan_out, fan_in);
            let bias = next().clone();
            Linear {
                weight: Param::from_data(TensorData::new(weight, [fan_in, fan_out]), device),
                bias: Some(Param::from_data(TensorData::new(bias, [fan_out]), device)),
            }
        };
        Mlp {
            layers: spec.widths().windows(2).map(layer).collect(),
            activation: spec.activation(),
        }
    }

    fn map_layers(self, change: impl FnMut(Linear) -> Linear) -> Self {
        Mlp {
            layers: self.layers.into_iter().map(change).collect(),
            activation: self.activation,
        }
    }
}

/// The network's tensors, with values given by `values(fan_in, numel)` in order.
fn filled(spec: &MlpSpec, mut values: impl FnMut(usize, usize) -> Vec<f32>) -> Params {
    let mut tensors = Vec::with_capacity(2 * spec.widths().len());
    for (index, pair) in spec.widths().windows(2).enumerate() {
        let (fan_in, fan_out) = (pair[0], pair[1]);
        let mut tensor = |leaf: &str, shape: Vec<usize>, role| {
            let data = values(fan_in, shape.iter().product());
            let name = format!("{}.{leaf}", name(index));
            let tensor = Parameter::new(name, shape, data, role);
            tensors.push(tensor.expect("as many values as the shape has"));
        };
        tensor("weight", vec![fan_out, fan_in], Role::Weight);
        tensor("bias", vec![fan_out], Role::Bias);
    }
    Params::new(tensors).expect("generated names and lengths are right")
}

fn name(index: usize) -> String {
    format!("fc{}", index + 1)
}

/// A row-major `[rows, columns]` matrix as `[columns, rows]`.
fn transposed(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(matrix.len());
    for column in 0..columns {
        out.extend((0..rows).map(|row| matrix[row * columns + column]));
    }
    out
}

/// What `container_type` is called for fields of a struct.
const CONTAINER: &str = "Struct:Mlp";

// Written out rather than derived, because a derived module would call its layers `layers.0`.
impl Module for Mlp {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.layers.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.map_layers(|layer| layer.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.map_layers(|layer| layer.to_device(device))
    }

    fn train(self) -> Self {
        self.map_layers(Module::train)
    }

    fn valid(&self) -> Self {
        self.clone().map_layers(|layer| layer.valid())
    }

    fn materialize(self) -> Self {
        self.map_layers(Module::materialize)
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        for (index, layer) in self.layers.iter().enumerate() {
            let name = name(index);
            visitor.enter_module(&name, CONTAINER);
            layer.visit(visitor);
            visitor.exit_module(&name, CONTAINER);
        }
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        let mut index = 0;
        self.map_layers(|layer| {
            let name = name(index);
            index += 1;
            mapper.enter_module(&name, CONTAINER);
            let layer = layer.map(mapper);
            mapper.exit_module(&name, CONTAINER);
            layer
        })
    }
}

impl ModuleDisplayDefault for Mlp {
    fn content(&self, content: Content) -> Option<Content> {
        self.layers
            .iter()
            .enumerate()
            .fold(content, |content, (index, layer)| {
                content.add(&name(index), layer)
            })
            .optional()
    }

    fn num_params(&self) -> usize {
        Module::num_params(self)
    }
}

impl ModuleDisplay for Mlp {}
