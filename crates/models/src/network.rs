//! Any network of this crate.

use crate::{Mlp, ModelSpec, ModelsError};
use burn::module::{
    Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
    Param,
};
use burn::tensor::{Device, Tensor};
use landscape_core::Params;

/// Any network of this crate, one variant a family.
///
/// It is a Burn module whose parameter paths are PyTorch's names (the family adds no prefix).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use landscape_models::{ModelSpec, Network};
///
/// let spec: ModelSpec = "mlp:2-8-4-1".parse()?;
/// let network = Network::init(&spec, 42, &Device::flex());
/// let params = network.params();
/// assert_eq!(params.get("fc1.weight").unwrap().shape, [8, 2]);
/// assert_eq!(params.numel(), 65);
/// let logits = network.forward(Tensor::zeros([5, 2], &Device::flex()));
/// assert_eq!(logits.dims(), [5, 1]);
/// # Ok::<(), landscape_models::ModelsError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Network {
    /// Linear layers with an activation between them.
    Mlp(Mlp),
}

/// One expression for whichever family it is.
macro_rules! each {
    ($self:expr, $inner:ident => $body:expr) => {
        match $self {
            Network::Mlp($inner) => $body,
        }
    };
}

/// The same family with a changed module.
macro_rules! map_each {
    ($self:expr, $inner:ident => $body:expr) => {
        match $self {
            Network::Mlp($inner) => Network::Mlp($body),
        }
    };
}

impl Network {
    /// The network with PyTorch's default initial values, drawn from the seed; the same seed gives
    /// the same bits on every platform.
    pub fn init(spec: &ModelSpec, seed: u64, device: &Device) -> Self {
        match spec {
            ModelSpec::Mlp(spec) => Network::Mlp(Mlp::init(spec, seed, device)),
        }
    }

    /// The network with given parameters (PyTorch's names and layout, in any order).
    ///
    /// # Errors
    /// [`ModelsError::Layout`] lists missing, unexpected and mis-shaped tensors.
    pub fn from_params(
        spec: &ModelSpec,
        params: &Params,
        device: &Device,
    ) -> Result<Self, ModelsError> {
        match spec {
            ModelSpec::Mlp(spec) => Mlp::from_params(spec, params, device).map(Network::Mlp),
        }
    }

    /// Names, shapes and roles of the network's tensors, all values 0.
    pub fn layout(spec: &ModelSpec) -> Params {
        match spec {
            ModelSpec::Mlp(spec) => Mlp::layout(spec),
        }
    }

    /// The same network, on its device, with other parameters.
    ///
    /// # Errors
    /// [`ModelsError::Layout`] lists missing, unexpected and mis-shaped tensors.
    pub fn with_params(&self, params: &Params) -> Result<Self, ModelsError> {
        Self::from_params(&self.spec(), params, &self.device())
    }

    /// The parameters in PyTorch's names, order and layout, read from the device.
    pub fn params(&self) -> Params {
        each!(self, network => network.params())
    }

    /// Outputs `[samples, outputs]` of inputs `[samples, inputs]`, one flattened sample a row
    /// (a family that works on images gives the rows their shape itself).
    ///
    /// # Panics
    /// When the second axis is not the network's number of inputs.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        each!(self, network => network.forward(x))
    }

    /// Every parameter as a tensor of one axis, on the network's device.
    pub(crate) fn flat_parameters(&self) -> Vec<Tensor<1>> {
        struct Flat(Vec<Tensor<1>>);
        impl ModuleVisitor for Flat {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let value = param.val();
                let numel = value.shape().num_elements();
                self.0.push(value.reshape([numel]));
            }
        }
        let mut flat = Flat(Vec::new());
        self.visit(&mut flat);
        flat.0
    }

    /// The network's name.
    pub fn spec(&self) -> ModelSpec {
        match self {
            Network::Mlp(network) => ModelSpec::Mlp(network.spec()),
        }
    }

    /// The device of the parameters.
    pub fn device(&self) -> Device {
        each!(self, network => network.device())
    }
}

// Written out rather than derived, because a derived enumeration would put the variant's name in
// front of every parameter's.
impl Module for Network {
    fn collect_devices(&self, devices: Devices) -> Devices {
        each!(self, network => network.collect_devices(devices))
    }

    fn fork(self, device: &Device) -> Self {
        map_each!(self, network => network.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        map_each!(self, network => network.to_device(device))
    }

    fn train(self) -> Self {
        map_each!(self, network => network.train())
    }

    fn valid(&self) -> Self {
        map_each!(self, network => network.valid())
    }

    fn materialize(self) -> Self {
        map_each!(self, network => network.materialize())
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        each!(self, network => network.visit(visitor));
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        map_each!(self, network => network.map(mapper))
    }
}

impl ModuleDisplayDefault for Network {
    fn content(&self, content: Content) -> Option<Content> {
        each!(self, network => network.content(content))
    }

    fn num_params(&self) -> usize {
        Module::num_params(self)
    }
}

impl ModuleDisplay for Network {}
