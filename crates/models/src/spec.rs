//! Networks by name.

use crate::ModelsError;
use crate::densenet::DenseNetSpec;
use crate::layers::Architecture;
use crate::mlp::MlpSpec;
use crate::resnet::ResNetSpec;
use crate::vgg::VggSpec;
use crate::vit::VitSpec;
use crate::wideresnet::WideResNetSpec;
use std::fmt;
use std::str::FromStr;

/// A network by its name: `mlp:2-8-4-1`, `resnet56-noshort`.
///
/// Parsing and printing are inverse to each other. A family of networks is one variant here, one
/// folder of this crate, and one variant of [`Network`](crate::Network).
///
/// ```
/// use landscape_models::ModelSpec;
///
/// let spec: ModelSpec = "mlp:2-8-4-1".parse()?;
/// assert_eq!((spec.inputs(), spec.outputs()), (2, 1));
/// assert_eq!(spec.to_string(), "mlp:2-8-4-1");
///
/// let spec: ModelSpec = "resnet20".parse()?;
/// assert_eq!((spec.inputs(), spec.outputs()), (3 * 32 * 32, 10));
/// # Ok::<(), landscape_models::ModelsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModelSpec {
    /// Linear layers with an activation between them.
    Mlp(MlpSpec),
    /// Residual networks.
    ResNet(ResNetSpec),
    /// Wide residual networks.
    WideResNet(WideResNetSpec),
    /// VGG networks.
    Vgg(VggSpec),
    /// Densely connected networks.
    DenseNet(DenseNetSpec),
    /// Vision transformers.
    Vit(VitSpec),
}

/// The same for every family of image networks, and for perceptrons.
macro_rules! by_family {
    ($self:expr, $spec:ident => $mlp:expr, $image:expr) => {
        match $self {
            ModelSpec::Mlp($spec) => $mlp,
            ModelSpec::ResNet($spec) => $image,
            ModelSpec::WideResNet($spec) => $image,
            ModelSpec::Vgg($spec) => $image,
            ModelSpec::DenseNet($spec) => $image,
            ModelSpec::Vit($spec) => $image,
        }
    };
}

impl ModelSpec {
    /// The networks that can be named, for help texts and messages.
    pub const KNOWN: &'static str = "mlp:IN-HIDDEN-...-OUT[:relu|tanh|gelu|sigmoid], \
        resnet20|32|44|56|110[-noshort|-a], resnet18|34|50|101|152[-noshort], \
        wrn56-2|56-4|56-8|110-2|110-4[-noshort], \
        vgg9|16|19, densenet121|169, \
        vit:patch=4,dim=64,depth=2,heads=4[,mlp=256,image=3x32x32,classes=10,pool=mean|cls]";

    /// Another network whose tensors have the same names and shapes, so that a file does not tell which of the two
    /// it is of: residual networks without shortcuts (`-noshort`), and with shortcuts without parameters (`-a`).
    pub fn twin(&self) -> Option<ModelSpec> {
        match self {
            ModelSpec::ResNet(spec) => spec.twin().map(Self::from),
            _ => None,
        }
    }

    /// Values in one input sample.
    pub fn inputs(&self) -> usize {
        by_family!(self, spec => spec.inputs(), spec.image().iter().product())
    }

    /// Values in one output.
    pub fn outputs(&self) -> usize {
        by_family!(self, spec => spec.outputs(), spec.outputs())
    }

    /// Weights in the matrices of a perceptron or a transformer, whose sizes are given; `None` for the networks with a
    /// name, none of which has more than 70 million. Nothing is built for it.
    pub fn matrix_weights(&self) -> Option<u64> {
        match self {
            ModelSpec::Mlp(spec) => Some(spec.matrix_weights()),
            ModelSpec::Vit(spec) => Some(spec.matrix_weights()),
            _ => None,
        }
    }

    /// Values that a perceptron or a transformer holds of one sample where it is widest: what goes into an operation and
    /// what comes out. `None` for the networks with a name.
    pub fn sample_values(&self) -> Option<u64> {
        match self {
            ModelSpec::Mlp(spec) => Some(spec.sample_values()),
            ModelSpec::Vit(spec) => Some(spec.sample_values()),
            _ => None,
        }
    }

    /// Channels, height and width of an input image; none for a network that takes plain vectors.
    pub fn image(&self) -> Option<[usize; 3]> {
        by_family!(self, spec => { let _ = spec; None }, Some(spec.image()))
    }
}

impl FromStr for ModelSpec {
    type Err = ModelsError;

    fn from_str(given: &str) -> Result<Self, ModelsError> {
        let (family, rest) = given.split_once(':').unwrap_or((given, ""));
        let (found, example) = match family {
            "mlp" => (MlpSpec::parse(rest).map(Self::from), MLP_EXAMPLE),
            "vit" => (VitSpec::parse(rest).map(Self::from), VIT_EXAMPLE),
            _ => return named(given),
        };
        found.map_err(|reason| ModelsError::BadModel {
            spec: given.to_owned(),
            reason: format!("{reason}; for example {example}"),
        })
    }
}

const MLP_EXAMPLE: &str = "`mlp:2-8-4-1` or `mlp:784-20-10:tanh`";
const VIT_EXAMPLE: &str = "`vit:patch=4,dim=64,depth=2,heads=4` or `vit:patch=7,image=1x28x28`";

/// A network of the families that have a fixed set of names.
fn named(given: &str) -> Result<ModelSpec, ModelsError> {
    let found = [
        ResNetSpec::named(given).map(ModelSpec::from),
        WideResNetSpec::named(given).map(ModelSpec::from),
        given.parse::<VggSpec>().ok().map(ModelSpec::from),
        given.parse::<DenseNetSpec>().ok().map(ModelSpec::from),
    ];
    let found = found.into_iter().flatten().next();
    found.ok_or_else(|| ModelsError::UnknownModel {
        spec: given.to_owned(),
        known: ModelSpec::KNOWN.to_owned(),
    })
}

impl fmt::Display for ModelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        by_family!(self, spec => write!(f, "mlp:{spec}"), spec.fmt(f))
    }
}

/// The specification of a family is that of a network.
macro_rules! from_family {
    ($($variant:ident: $spec:ident),+ $(,)?) => {
        $(impl From<$spec> for ModelSpec {
            fn from(spec: $spec) -> Self {
                ModelSpec::$variant(spec)
            }
        })+
    };
}

from_family!(
    Mlp: MlpSpec,
    ResNet: ResNetSpec,
    WideResNet: WideResNetSpec,
    Vgg: VggSpec,
    DenseNet: DenseNetSpec,
    Vit: VitSpec,
);
