//! Any network of this crate.

use crate::layers::transparent;
use crate::{DenseNet, Mlp, ModelSpec, ModelsError, ResNet, Vgg, Vit, WideResNet};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use landscape_core::{Params, Role};

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
#[expect(
    clippy::large_enum_variant,
    reason = "there are a few networks at a time, and all they hold is handles of tensors"
)]
pub enum Network {
    /// Linear layers with an activation between them.
    Mlp(Mlp),
    /// Residual networks.
    ResNet(ResNet),
    /// Wide residual networks.
    WideResNet(WideResNet),
    /// VGG networks.
    Vgg(Vgg),
    /// Densely connected networks.
    DenseNet(DenseNet),
    /// Vision transformers.
    Vit(Vit),
}

transparent!(Network {
    Mlp,
    ResNet,
    WideResNet,
    Vgg,
    DenseNet,
    Vit,
});

/// One expression for whichever family it is.
macro_rules! each {
    ($self:expr, $inner:ident => $body:expr) => {
        match $self {
            Network::Mlp($inner) => $body,
            Network::ResNet($inner) => $body,
            Network::WideResNet($inner) => $body,
            Network::Vgg($inner) => $body,
            Network::DenseNet($inner) => $body,
            Network::Vit($inner) => $body,
        }
    };
}

/// One expression for whichever family a specification is of; `$family` is the type of its networks.
macro_rules! each_spec {
    ($spec:expr, $inner:ident, $family:ident => $body:expr) => {
        each_spec!($spec, $inner, $family => $body; Mlp, ResNet, WideResNet, Vgg, DenseNet, Vit)
    };
    ($spec:expr, $inner:ident, $family:ident => $body:expr; $($variant:ident),+) => {
        match $spec {
            $(ModelSpec::$variant($inner) => {
                type $family = $variant;
                $body
            })+
        }
    };
}

/// A network of one family is a network.
macro_rules! from_family {
    ($($family:ident),+) => {
        $(impl From<$family> for Network {
            fn from(network: $family) -> Self {
                Network::$family(network)
            }
        })+
    };
}

from_family!(Mlp, ResNet, WideResNet, Vgg, DenseNet, Vit);

impl Network {
    /// The network with its family's initial values (PyTorch's defaults), drawn from the seed; the
    /// same seed gives the same bits on every platform.
    pub fn init(spec: &ModelSpec, seed: u64, device: &Device) -> Self {
        each_spec!(spec, spec, Family => Family::init(spec, seed, device).into())
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
        each_spec!(spec, spec, Family => Family::from_params(spec, params, device).map(Self::from))
    }

    /// Names, shapes and roles of the network's tensors, all values 0.
    pub fn layout(spec: &ModelSpec) -> Params {
        each_spec!(spec, spec, Family => Family::layout(spec))
    }

    /// The same network, on its device, with other parameters.
    ///
    /// # Errors
    /// [`ModelsError::Layout`] lists missing, unexpected and mis-shaped tensors.
    pub fn with_params(&self, params: &Params) -> Result<Self, ModelsError> {
        Self::from_params(&self.spec(), params, &self.device())
    }

    /// The parameters and running statistics in PyTorch's names, order and layout, read from the
    /// device.
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

    /// Every parameter as a tensor of one axis, on the network's device, in the module's order; no
    /// running statistics.
    pub fn flat_parameters(&self) -> Vec<Tensor<1>> {
        let mut flat = Flat::default();
        self.visit(&mut flat);
        flat.found
    }

    /// The network's name.
    pub fn spec(&self) -> ModelSpec {
        each!(self, network => network.spec().into())
    }

    /// The device of the parameters.
    pub fn device(&self) -> Device {
        each!(self, network => network.device())
    }
}

/// Collects parameters; running statistics are told by their names.
#[derive(Default)]
struct Flat {
    path: Vec<String>,
    found: Vec<Tensor<1>>,
}

impl ModuleVisitor for Flat {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.last().map_or("", String::as_str);
        if Role::from_name(name, &param.dims()) != Role::Buffer {
            let value = param.val();
            let numel = value.shape().num_elements();
            self.found.push(value.reshape([numel]));
        }
    }
}
