//! The families of networks, a row each: adding one touches its folder and [the table](families) here.

use crate::layers::{Architecture, Family, Member, Shapes, Takes, Tokens, transparent};
use crate::mlp::{Mlp, MlpSpec};
use crate::{ModelsError, densenet, gpt, resnet, vgg, vit, wideresnet};
use burn::tensor::{Device, Tensor};
use landscape_core::Params;
use std::fmt;
use std::str::FromStr;

impl<S: Architecture> Member for S {
    type Network = Family<S>;

    fn parse(name: &str, settings: Option<&str>) -> Option<Result<Self, String>> {
        S::named(name, settings)
    }

    fn of_shapes(shapes: &Shapes) -> Option<Self> {
        S::like(shapes).filter(|spec| spec.fits(shapes))
    }

    fn twin(&self) -> Option<Self> {
        S::twin(self)
    }

    fn with_outputs(&self, outputs: usize) -> Option<Self> {
        S::with_outputs(self, outputs)
    }

    fn with_image(&self, image: [usize; 3]) -> Option<Self> {
        S::with_image(self, image)
    }

    fn inputs(&self) -> usize {
        match S::takes(self) {
            Takes::Image(image) => image.iter().product(),
            Takes::Tokens(tokens) => tokens.context,
        }
    }

    fn outputs(&self) -> usize {
        S::outputs(self)
    }

    fn image(&self) -> Option<[usize; 3]> {
        match S::takes(self) {
            Takes::Image(image) => Some(image),
            Takes::Tokens(_) => None,
        }
    }

    fn tokens(&self) -> Option<Tokens> {
        match S::takes(self) {
            Takes::Image(_) => None,
            Takes::Tokens(tokens) => Some(tokens),
        }
    }

    fn with_tokens(&self, tokens: Tokens) -> Option<Self> {
        S::with_tokens(self, tokens)
    }

    fn matrix_weights(&self) -> Option<u64> {
        S::matrix_weights(self)
    }

    fn sample_values(&self) -> Option<u64> {
        S::sample_values(self)
    }

    fn layout(&self) -> Params {
        Family::layout(self)
    }

    fn init(&self, seed: u64, device: &Device) -> Family<S> {
        Family::init(self, seed, device)
    }

    fn with_params(&self, params: &Params, device: &Device) -> Result<Family<S>, ModelsError> {
        Family::from_params(self, params, device)
    }
}

/// Makes [`ModelSpec`] and [`Network`] of the rows: what a family is, what it is called in both, its specification and
/// its networks, their names, and examples of them for messages.
macro_rules! families {
    ($($(#[doc = $doc:literal])+ $variant:ident: $spec:ty, $network:ty, $names:literal, $example:literal;)+) => {
        /// A network by its name: `mlp:2-8-4-1`, `resnet56-noshort`, `resnet18:stem=imagenet,classes=1000`.
        ///
        /// Parsing and printing are inverse to each other.
        ///
        /// ```
        /// use landscape_models::ModelSpec;
        ///
        /// let spec: ModelSpec = "mlp:2-8-4-1".parse()?;
        /// assert_eq!((spec.inputs(), spec.outputs()), (2, 1));
        /// assert_eq!(spec.to_string(), "mlp:2-8-4-1");
        ///
        /// let spec: ModelSpec = "resnet20:image=1x28x28".parse()?;
        /// assert_eq!((spec.inputs(), spec.outputs()), (28 * 28, 10));
        /// # Ok::<(), landscape_models::ModelsError>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ModelSpec {
            $($(#[doc = $doc])+ $variant($spec),)+
        }

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
            $($(#[doc = $doc])+ $variant($network),)+
        }

        transparent!(Network { $($variant),+ });

        $(impl From<$spec> for ModelSpec {
            fn from(spec: $spec) -> Self {
                ModelSpec::$variant(spec)
            }
        }

        impl From<$network> for Network {
            fn from(network: $network) -> Self {
                Network::$variant(network)
            }
        })+

        /// The names of all families, each with a comma.
        const NAMES: &str = concat!($($names, ", "),+);

        impl ModelSpec {
            /// The network whose tensors have these names and shapes, of whichever family.
            pub(crate) fn of_shapes(shapes: &Shapes) -> Option<ModelSpec> {
                let found = [$(<$spec as Member>::of_shapes(shapes).map(ModelSpec::from)),+];
                found.into_iter().flatten().next()
            }

            /// Another network whose tensors have the same names and shapes, so that a file does not tell which of
            /// the two it is of: residual networks without shortcuts (`-noshort`), and with shortcuts without
            /// parameters (`-a`).
            pub fn twin(&self) -> Option<ModelSpec> {
                match self { $(ModelSpec::$variant(spec) => Member::twin(spec).map(Self::from)),+ }
            }

            /// The same network with so many outputs, where their number is not set by the name.
            pub fn with_outputs(&self, outputs: usize) -> Option<ModelSpec> {
                match self {
                    $(ModelSpec::$variant(spec) => Member::with_outputs(spec, outputs).map(Self::from)),+
                }
            }

            /// The same network for images `[channels, height, width]` of another size, where it takes any (behind the
            /// stem for ImageNet) and the name sets none.
            pub fn with_image(&self, image: [usize; 3]) -> Option<ModelSpec> {
                match self {
                    $(ModelSpec::$variant(spec) => Member::with_image(spec, image).map(Self::from)),+
                }
            }

            /// The same language model for the tokens of data: their number, and the length of samples, where the
            /// name does not say it.
            pub fn with_tokens(&self, tokens: Tokens) -> Option<ModelSpec> {
                match self {
                    $(ModelSpec::$variant(spec) => Member::with_tokens(spec, tokens).map(Self::from)),+
                }
            }

            /// Values in one input sample; of a language model the most tokens.
            pub fn inputs(&self) -> usize {
                match self { $(ModelSpec::$variant(spec) => Member::inputs(spec)),+ }
            }

            /// Values in one output, which of a language model are those of one token.
            pub fn outputs(&self) -> usize {
                match self { $(ModelSpec::$variant(spec) => Member::outputs(spec)),+ }
            }

            /// The tokens that a language model takes; none for networks that take values.
            pub fn tokens(&self) -> Option<Tokens> {
                match self { $(ModelSpec::$variant(spec) => Member::tokens(spec)),+ }
            }

            /// Channels, height and width of an input image; none for a network that takes plain vectors or tokens.
            pub fn image(&self) -> Option<[usize; 3]> {
                match self { $(ModelSpec::$variant(spec) => Member::image(spec)),+ }
            }

            /// Weights in the matrices of a perceptron or a transformer, whose sizes are given; `None` for the
            /// networks with a name, none of which has more than 200 million. Nothing is built for it.
            pub fn matrix_weights(&self) -> Option<u64> {
                match self { $(ModelSpec::$variant(spec) => Member::matrix_weights(spec)),+ }
            }

            /// Values that a network holds of one sample where it is widest: what goes into an operation and what
            /// comes out. `None` for the networks with a name on images of their usual size.
            pub fn sample_values(&self) -> Option<u64> {
                match self { $(ModelSpec::$variant(spec) => Member::sample_values(spec)),+ }
            }
        }

        impl FromStr for ModelSpec {
            type Err = ModelsError;

            fn from_str(given: &str) -> Result<Self, ModelsError> {
                let (name, settings) = match given.split_once(':') {
                    Some((name, settings)) => (name, Some(settings)),
                    None => (given, None),
                };
                $(if let Some(found) = <$spec as Member>::parse(name, settings) {
                    return found.map(Self::from).map_err(|reason| ModelsError::BadModel {
                        spec: given.to_owned(),
                        reason: format!("{reason}; for example {}", $example),
                    });
                })+
                Err(ModelsError::UnknownModel {
                    spec: given.to_owned(),
                    known: ModelSpec::KNOWN.to_owned(),
                })
            }
        }

        impl fmt::Display for ModelSpec {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(ModelSpec::$variant(spec) => f.write_str(&Member::name(spec))),+ }
            }
        }

        impl Network {
            /// The network with its family's initial values (PyTorch's defaults), drawn from the seed; the
            /// same seed gives the same bits on every platform.
            pub fn init(spec: &ModelSpec, seed: u64, device: &Device) -> Self {
                match spec { $(ModelSpec::$variant(spec) => Member::init(spec, seed, device).into()),+ }
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
                    $(ModelSpec::$variant(spec) => {
                        Member::with_params(spec, params, device).map(Self::from)
                    })+
                }
            }

            /// Names, shapes and roles of the network's tensors, all values 0.
            pub fn layout(spec: &ModelSpec) -> Params {
                match spec { $(ModelSpec::$variant(spec) => Member::layout(spec)),+ }
            }

            /// The parameters and running statistics in PyTorch's names, order and layout, read from the
            /// device.
            pub fn params(&self) -> Params {
                match self { $(Network::$variant(network) => network.params()),+ }
            }

            /// Outputs `[samples, outputs]` of inputs `[samples, inputs]`, one flattened sample a row
            /// (a family that works on images gives the rows their shape itself). Those of a language model are a row
            /// for each token, `[samples * tokens, vocab]`, of ids as whole numbers.
            ///
            /// # Panics
            /// When the second axis is not the network's number of inputs, or is longer than its context.
            pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
                match self { $(Network::$variant(network) => network.forward(x)),+ }
            }

            /// The network's name.
            pub fn spec(&self) -> ModelSpec {
                match self { $(Network::$variant(network) => network.spec().into()),+ }
            }

            /// The device of the parameters.
            pub fn device(&self) -> Device {
                match self { $(Network::$variant(network) => network.device()),+ }
            }
        }
    };
}

families! {
    /// Linear layers with an activation between them.
    Mlp: MlpSpec, Mlp,
        "mlp:IN-HIDDEN-...-OUT[:relu|tanh|gelu|sigmoid]",
        "`mlp:2-8-4-1` or `mlp:784-20-10:tanh`";
    /// Residual networks.
    ResNet: resnet::ResNetSpec, resnet::ResNet,
        "resnet20|32|44|56|110[-noshort|-a], resnet18|34|50|101|152[-noshort]",
        "`resnet20:classes=100` or `resnet18:stem=imagenet,classes=1000,image=3x64x64`";
    /// Wide residual networks.
    WideResNet: wideresnet::WideResNetSpec, wideresnet::WideResNet,
        "wrn56-2|56-4|56-8|110-2|110-4[-noshort]",
        "`wrn56-2:classes=100`";
    /// VGG networks.
    Vgg: vgg::VggSpec, vgg::Vgg,
        "vgg9|16|19",
        "`vgg16:classes=100`";
    /// Densely connected networks.
    DenseNet: densenet::DenseNetSpec, densenet::DenseNet,
        "densenet121|169 (all of these but mlp also :classes=10,image=3x32x32; residual and dense ones :stem=cifar|imagenet)",
        "`densenet121:stem=imagenet,classes=1000`";
    /// Vision transformers.
    Vit: vit::VitSpec, vit::Vit,
        "vit:patch=4,dim=64,depth=2,heads=4[,mlp=256,image=3x32x32,classes=10,pool=mean|cls]",
        "`vit:patch=4,dim=64,depth=2,heads=4` or `vit:patch=7,image=1x28x28`";
    /// Language models.
    Gpt: gpt::GptSpec, gpt::Gpt,
        "gpt:dim=64,depth=2,heads=2[,vocab=96,context=64,tied]",
        "`gpt:dim=64,depth=2,heads=2` or `gpt:vocab=50257,context=1024,dim=768,depth=12,heads=12,tied`";
}

impl ModelSpec {
    /// The networks that can be named, for help texts and messages.
    pub const KNOWN: &'static str = NAMES.split_at(NAMES.len() - 2).0;

    /// The network whose tensors have these names and shapes, if there is one with a name.
    pub fn of_tensors(params: &Params) -> Option<ModelSpec> {
        let shapes = params.iter().map(|t| (t.name.as_str(), &t.shape[..]));
        ModelSpec::of_shapes(&shapes.collect())
    }
}
