//! Widths and activation of a multi-layer perceptron.

use super::Mlp;
use crate::ModelsError;
use crate::layers::{Member, Shapes};
use burn::tensor::{Device, Tensor, activation};
use landscape_core::{Params, named};
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
            return Some("a width is 0; it must be at least 1".into());
        }
        let fits = |pair: &[usize]| pair[0].checked_mul(pair[1]).is_some_and(|n| n <= MAX_LAYER);
        let large = self.widths.windows(2).find(|pair| !fits(pair))?;
        let (from, to) = (large[0], large[1]);
        Some(format!(
            "a layer {from}-{to} has more than {MAX_LAYER} weights"
        ))
    }

    /// What follows `mlp:`; the error is the reason.
    fn parsed(text: &str) -> Result<Self, String> {
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

impl Member for MlpSpec {
    type Network = Mlp;

    fn parse(name: &str, settings: Option<&str>) -> Option<Result<Self, String>> {
        (name == "mlp").then(|| Self::parsed(settings.unwrap_or_default()))
    }

    /// From the shapes of `fc1`, `fc2`, ...
    fn of_shapes(shapes: &Shapes) -> Option<Self> {
        let shape = |layer: usize| shapes.get(format!("fc{layer}.weight").as_str()).copied();
        let &[_, inputs] = shape(1)? else { return None };
        let outputs = (1..).map_while(shape).map(|shape| shape[0]);
        let widths = std::iter::once(inputs).chain(outputs).collect();
        let spec = MlpSpec::new(widths, Activation::Relu).ok()?;
        spec.fits(shapes).then_some(spec)
    }

    fn twin(&self) -> Option<Self> {
        None
    }

    fn with_outputs(&self, _: usize) -> Option<Self> {
        None
    }

    fn with_image(&self, _: [usize; 3]) -> Option<Self> {
        None
    }

    fn inputs(&self) -> usize {
        MlpSpec::inputs(self)
    }

    fn outputs(&self) -> usize {
        MlpSpec::outputs(self)
    }

    fn image(&self) -> Option<[usize; 3]> {
        None
    }

    /// Weights in all matrices.
    fn matrix_weights(&self) -> Option<u64> {
        let pairs = self.widths.windows(2);
        Some(pairs.map(|pair| pair[0] as u64 * pair[1] as u64).sum())
    }

    /// Values of a sample before and after the widest matrix.
    fn sample_values(&self) -> Option<u64> {
        let pairs = self.widths.windows(2);
        let widest = pairs.map(|pair| pair[0] as u64 + pair[1] as u64).max();
        Some(widest.unwrap_or(0))
    }

    fn layout(&self) -> Params {
        Mlp::layout(self)
    }

    fn init(&self, seed: u64, device: &Device) -> Mlp {
        Mlp::init(self, seed, device)
    }

    fn with_params(&self, params: &Params, device: &Device) -> Result<Mlp, ModelsError> {
        Mlp::from_params(self, params, device)
    }

    fn name(&self) -> String {
        format!("mlp:{self}")
    }
}
