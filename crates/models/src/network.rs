//! What every network of this crate can, whatever its family.

use crate::layers::{Init, li};
use crate::{ModelSpec, ModelsError, Network, streams};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use landscape_core::{Params, Rng, Role};

impl Network {
    /// The network with initial values of a kind, drawn from the seed; the same seed gives the same bits on every
    /// platform.
    pub fn init_with(spec: &ModelSpec, init: Init, seed: u64, device: &Device) -> Self {
        let usual = Self::init(spec, seed, device);
        match init {
            Init::PyTorch => usual,
            Init::Li => {
                let params = li(usual.params(), &mut Rng::new(seed, streams::INIT));
                usual.with_params(&params).expect("the tensors are its own")
            }
        }
    }

    /// The same network, on its device, with other parameters.
    ///
    /// # Errors
    /// [`ModelsError::Layout`] lists missing, unexpected and mis-shaped tensors.
    pub fn with_params(&self, params: &Params) -> Result<Self, ModelsError> {
        Self::from_params(&self.spec(), params, &self.device())
    }

    /// Every parameter as a tensor of one axis, on the network's device, in the module's order; no
    /// running statistics.
    pub fn flat_parameters(&self) -> Vec<Tensor<1>> {
        let mut flat = Flat::default();
        self.visit(&mut flat);
        flat.found
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
