//! Widths and activation of a multi-layer perceptron.

use crate::ModelsError;
use burn::tensor::{Tensor, activation};
use landscape_core::named;
use std::fmt;

/// What stands between the linear layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Activation {
    /// `max(x, 0)`.
    #[default]
    Relu,
    /// Hyperbolic tangent.
    Tanh,
    /// `x Phi(x)` with the exact normal distribution function, PyTorch's default.
    Gelu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
}

named!(Activation, "activation", {
    Relu => "relu",
    Tanh => "tanh",
    Gelu => "gelu",
    Sigmoid => "sigmoid",
});

impl Activation {
    pub(crate) fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Activation::Relu => activation::relu(x),
            Activation::Tanh => activation::tanh(x),
            Activation::Gelu => activation::gelu(x),
            Activation::Sigmoid => activation::sigmoid(x),
        }
    }
}

/// Widths of the layers, input first, and the activation between them.
///
/// Its text form is `2-8-4-1`, or `2-8-4-1:tanh` when the activation is not ReLU.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MlpSpec {
    widths: Vec<usize>,
    activation: Activation,
}

/// Layers beyond this many values are refused as a typing mistake (2^28 values are 1 GiB).
const MAX_LAYER: usize = 1 << 28;

impl MlpSpec {
    /// Layers `widths[0] -> widths[1] -> ...`.
    ///
    /// # Errors
    /// [`ModelsError::BadModel`] when there are fewer than two widths, one of them is 0, or one
    /// layer would have more than 2^28 weights.
    pub fn new(widths: Vec<usize>, activation: Activation) -> Result<Self, ModelsError> {
        let spec = MlpSpec { widths, activation };
        match spec.broken_rule() {
            None => Ok(spec),
            Some(reason) => Err(ModelsError::BadModel {
                spec: format!("mlp:{spec}"),
                reason,
            }),
        }
    }

    fn broken_rule(&self) -> Option<String> {
        if self.widths.len() < 2 {
            return Some("at least an input and an output width are needed".into());
        }
        if self.widths.contains(&0) {
            return Some("a width is 0, it must be at least 1".into());
        }
        let fits = |pair: &[usize]| pair[0].checked_mul(pair[1]).is_some_and(|n| n <= MAX_LAYER);
        let large = self.widths.windows(2).find(|pair| !fits(pair))?;
        let (from, to) = (large[0], large[1]);
        Some(format!(
            "a layer {from}-{to} has more than {MAX_LAYER} weights"
        ))
    }

    /// What follows `mlp:`; the error is the reason.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (widths, activation) = match text.split_once(':') {
            Some((widths, name)) => (widths, name.parse().map_err(|e| format!("{e}"))?),
            None => (text, Activation::Relu),
        };
        if widths.is_empty() {
            return Err("the widths of its layers are missing".into());
        }
        let width = |part: &str| {
            part.parse::<usize>()
                .map_err(|_| format!("`{part}` is not a width (a whole number)"))
        };
        let widths = widths.split('-').map(width).collect::<Result<_, _>>()?;
        let spec = MlpSpec { widths, activation };
        match spec.broken_rule() {
            None => Ok(spec),
            Some(reason) => Err(reason),
        }
    }

    /// Widths of the layers, input first.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// What stands between the layers.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// Weights in all matrices.
    pub(crate) fn matrix_weights(&self) -> u64 {
        let pairs = self.widths.windows(2);
        pairs.map(|pair| pair[0] as u64 * pair[1] as u64).sum()
    }

    /// Values of a sample before and after the widest matrix.
    pub(crate) fn sample_values(&self) -> u64 {
        let pairs = self.widths.windows(2);
        let widest = pairs.map(|pair| pair[0] as u64 + pair[1] as u64).max();
        widest.unwrap_or(0)
    }

    /// Values in one input sample.
    pub fn inputs(&self) -> usize {
        self.widths[0]
    }

    /// Values in one output.
    pub fn outputs(&self) -> usize {
        self.widths[self.widths.len() - 1]
    }
}

impl fmt::Display for MlpSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<String> = self.widths.iter().map(usize::to_string).collect();
        f.write_str(&widths.join("-"))?;
        match self.activation {
            Activation::Relu => Ok(()),
            other => write!(f, ":{other}"),
        }
    }
}
