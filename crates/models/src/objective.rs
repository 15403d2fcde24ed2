//! A network, data and a loss as a trace that can be evaluated anywhere in parameter space.

use crate::{Dataset, LossKind, ModelsError, Network, TargetTensor};
use burn::tensor::{Device, Tensor};
use landscape_core::{Params, Role};
use landscape_trace::{Inputs, Loss, Trace};
use serde::{Deserialize, Serialize};

/// A term beside the data loss, with its weight. It runs over all parameters of the network,
/// biases too, as PyTorch's weight decay does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Regularizer {
    /// `sum |theta_i|`
    L1(f64),
    /// `sum theta_i^2`
    L2(f64),
}

impl Regularizer {
    /// The name under which the term is stored: `l1`, `l2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::L1(_) => "l1",
            Self::L2(_) => "l2",
        }
    }

    /// The factor of the term in the total.
    pub fn weight(self) -> f64 {
        match self {
            Self::L1(weight) | Self::L2(weight) => weight,
        }
    }

    /// The term at some parameters: over all of them, buffers apart.
    pub fn at(self, params: &Params) -> f64 {
        let moving = params.iter().filter(|tensor| tensor.role != Role::Buffer);
        let values = moving
            .flat_map(|tensor| &tensor.data)
            .map(|&x| f64::from(x));
        match self {
            Self::L1(_) => values.map(f64::abs).sum(),
            Self::L2(_) => values.map(|x| x * x).sum(),
        }
    }

    fn of(self, values: Tensor<1>) -> Tensor<1> {
        match self {
            Self::L1(_) => values.abs().sum(),
            Self::L2(_) => values.powi_scalar(2).sum(),
        }
    }
}

/// Records the loss of `network` on `data`: the loss of each sample, which predictions are right,
/// and the regularizers as terms of their own.
///
/// # Errors
/// [`ModelsError::Inputs`] where the data do not fit the network's inputs, those of
/// [`Dataset::targets`], and [`ModelsError::Trace`].
pub fn trace_network(
    network: &Network,
    data: &Dataset,
    loss: LossKind,
    regularizers: &[Regularizer],
) -> Result<Trace, ModelsError> {
    data.check_inputs(&network.spec())?;
    let device = Device::flex();
    let x = data.inputs(&device);
    let closure = Closure { loss, regularizers };
    Ok(match data.targets(loss, &network.spec(), &device)? {
        TargetTensor::Classes(y) => closure.capture(network, &(x, y), |(x, y)| {
            (x.clone(), TargetTensor::Classes(y.clone()))
        }),
        TargetTensor::Values(y) => closure.capture(network, &(x, y), |(x, y)| {
            (x.clone(), TargetTensor::Values(y.clone()))
        }),
        TargetTensor::Tokens(tokens) => closure.capture(network, &(x, tokens.ids()), |(x, ids)| {
            (
                x.clone(),
                TargetTensor::Tokens(tokens.with_ids(ids.clone())),
            )
        }),
    }?)
}

struct Closure<'a> {
    loss: LossKind,
    regularizers: &'a [Regularizer],
}

impl Closure<'_> {
    fn data_loss(&self, output: Tensor<2>, target: &TargetTensor) -> Loss {
        if let TargetTensor::Tokens(tokens) = target {
            return tokens.loss(output);
        }
        let loss = Loss::new(self.loss.per_sample(output.clone(), target));
        match self.loss.correct(output, target) {
            Some(correct) => loss.with_correct(correct),
            None => loss,
        }
    }

    fn capture<I: Inputs>(
        &self,
        network: &Network,
        inputs: &I,
        split: impl Fn(&I) -> (Tensor<2>, TargetTensor),
    ) -> Result<Trace, landscape_trace::TraceError> {
        Trace::capture(network, inputs, |network, inputs| {
            let (x, target) = split(inputs);
            let output = network.forward(x);
            let mut loss = self.data_loss(output, &target);
            for regularizer in self.regularizers {
                let parts = network
                    .flat_parameters()
                    .into_iter()
                    .map(|p| regularizer.of(p));
                let sum = parts
                    .reduce(|a, b| a + b)
                    .expect("a network has parameters");
                loss = loss.with_term(regularizer.name(), regularizer.weight(), sum);
            }
            loss
        })
    }
}
