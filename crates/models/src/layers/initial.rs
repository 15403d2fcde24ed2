//! PyTorch's initial values.

use landscape_core::{Parameter, Params, Rng, Role};
use std::collections::HashMap;

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
