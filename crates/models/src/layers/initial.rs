//! Initial values.

use landscape_core::{Parameter, Params, Rng, Role, named};
use std::collections::HashMap;

/// What parameters begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Init {
    /// What PyTorch's layers begin with.
    #[default]
    PyTorch,
    /// What the training code of tomgoldstein/loss-landscape gives (`init_params` of its `cifar10/main.py`): weights of
    /// convolutions normal with variance `2 / fan_in` (`kaiming_normal_`), those of linear layers normal with deviation
    /// 0.001, biases 0, normalisation layers the identity.
    Li,
}

named!(Init, "initial values", {
    PyTorch => "pytorch",
    Li => "li",
});

/// The parameters with weights and biases of convolutions and linear layers as [`Init::Li`] says; others stay. Numbers
/// are drawn in the order of the tensors.
pub(crate) fn li(params: Params, rng: &mut Rng) -> Params {
    const LINEAR: f64 = 1e-3;
    let mut tensors = params.into_inner();
    for tensor in &mut tensors {
        match (tensor.role, tensor.shape.len()) {
            (Role::Weight, 4) => {
                let deviation = (2.0 / tensor.filter_len().max(1) as f64).sqrt();
                tensor.data.fill_with(|| (deviation * rng.normal()) as f32);
            }
            (Role::Weight, 2) => tensor.data.fill_with(|| (LINEAR * rng.normal()) as f32),
            (Role::Bias, _) => tensor.data.fill(0.0),
            _ => {}
        }
    }
    Params::new(tensors).expect("names and lengths are those of the layout")
}

/// Gives the tensors of a layout the values that PyTorch's layers begin with.
///
/// Weights of linear layers and convolutions, and their biases, are uniform in
/// `[-1/sqrt(fan_in), 1/sqrt(fan_in))`, where `fan_in` is the number of values in one filter
/// (`kaiming_uniform_` with `a = sqrt(5)`, see PyTorch's `Linear.reset_parameters` and
/// `_ConvNd.reset_parameters`). Normalisation layers begin as the identity: scale 1, shift 0, running
/// mean 0, running variance 1. Numbers are drawn in the order of the layout.
pub(crate) fn standard(layout: Params, rng: &mut Rng) -> Params {
    let mut tensors = layout.into_inner();
    let fans: HashMap<String, usize> = tensors
        .iter()
        .filter_map(|t| Some((t.name.strip_suffix("weight")?.to_owned(), t.filter_len())))
        .collect();
    for tensor in &mut tensors {
        match tensor.role {
            Role::Weight | Role::Bias => uniform(tensor, fan_in(tensor, &fans), rng),
            Role::NormScale => tensor.data.fill(1.0),
            Role::NormShift => tensor.data.fill(0.0),
            Role::Buffer if tensor.name.ends_with("running_var") => tensor.data.fill(1.0),
            Role::Buffer => tensor.data.fill(0.0),
        }
    }
    Params::new(tensors).expect("names and lengths are those of the layout")
}

/// Values in one filter of the layer, which for a bias are those of the weight beside it.
fn fan_in(tensor: &Parameter, fans: &HashMap<String, usize>) -> usize {
    let layer = tensor.name.strip_suffix("bias");
    let beside = layer.and_then(|layer| fans.get(layer)).copied();
    beside.unwrap_or_else(|| tensor.filter_len()).max(1)
}

fn uniform(tensor: &mut Parameter, fan_in: usize, rng: &mut Rng) {
    let bound = 1.0 / (fan_in as f64).sqrt();
    tensor.data.fill_with(|| rng.uniform(-bound, bound) as f32);
}
