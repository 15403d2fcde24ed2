//! A specification and its module, and everything that follows from the module itself.

use super::{ImageSettings, standard};
use crate::{ModelsError, streams};
use burn::module::{
    Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
};
use burn::tensor::{Device, Tensor};
use landscape_core::{Params, Rng};
use landscape_trace::{params_of, with_params};
use std::collections::HashMap;
use std::fmt;

/// What one input sample of a network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// An image of so many channels, of such height and width.
    Image([usize; 3]),
    /// Ids of tokens.
    Tokens(Tokens),
}

/// The ids that a language model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    /// How many tokens it knows; ids are from 0 to one less.
    pub vocab: usize,
    /// The most tokens in a sample.
    pub context: usize,
}

/// Those of the text inside the program: the line feed and the 95 printable characters of ASCII, 64 of them a sample.
impl Default for Tokens {
    fn default() -> Self {
        Tokens {
            vocab: 96,
            context: 64,
        }
    }
}

/// A Burn module that makes vectors of images.
pub trait ImageNetwork: Module + ModuleDisplay {
    /// Outputs `[samples, outputs]` of images `[samples, channels, height, width]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<2>;
}

/// What a family says of itself: its networks' names, and how the module of one is built. Names of tensors, shapes,
/// initial values and checkpoints follow from the module; the paths of its parameters must be PyTorch's names (see
/// [`landscape_trace::params_of`]).
pub trait Architecture: Clone + fmt::Debug + fmt::Display {
    /// The network as a Burn module.
    type Module: Module + ModuleDisplay;

    /// The network of a name and the settings behind its colon: nothing where the name is of another family; the error
    /// is the reason.
    fn named(name: &str, settings: Option<&str>) -> Option<Result<Self, String>>;

    /// The only network that could have tensors of these names and shapes, told by a few of them.
    fn like(shapes: &HashMap<&str, &[usize]>) -> Option<Self>;

    /// Another network whose tensors have the same names and shapes.
    fn twin(&self) -> Option<Self> {
        None
    }

    /// The same with so many outputs, where their number is the usual one.
    fn with_outputs(&self, outputs: usize) -> Option<Self>;

    /// The same for other images, where they are the usual ones.
    fn with_image(&self, image: [usize; 3]) -> Option<Self>;

    /// The same for tokens of data, where its name leaves open how many there are.
    fn with_tokens(&self, _: Tokens) -> Option<Self> {
        None
    }

    /// What an input sample is.
    fn takes(&self) -> Takes;

    /// Values in one output.
    fn outputs(&self) -> usize;

    /// Weights in the matrices of a network whose sizes are given.
    fn matrix_weights(&self) -> Option<u64> {
        None
    }

    /// Values that it holds of one sample where it is widest, where its sizes are given.
    fn sample_values(&self) -> Option<u64> {
        None
    }

    /// The module; its values do not matter.
    fn module(&self, device: &Device) -> Self::Module;

    /// Rows of outputs of flattened samples `[samples, values]`.
    fn forward(&self, module: &Self::Module, x: Tensor<2>) -> Tensor<2>;

    /// The tensors of the layout with initial values: PyTorch's defaults unless a family has others.
    fn initial(&self, layout: Params, rng: &mut Rng) -> Params {
        standard(layout, rng)
    }
}

/// A family whose networks differ by a name and [`ImageSettings`].
pub trait SettingsFamily: Copy + fmt::Debug + fmt::Display {
    /// The network as a Burn module.
    type Module: ImageNetwork;

    /// The network of a name, with the usual settings; names that are spelled otherwise than it is displayed count as
    /// unknown.
    fn of_name(name: &str) -> Option<Self>;

    /// As [`Architecture::like`].
    fn of_shapes(shapes: &HashMap<&str, &[usize]>) -> Option<Self>;

    /// As [`Architecture::twin`].
    fn other_of_shapes(&self) -> Option<Self> {
        None
    }

    /// Classes, images and stem.
    fn image_settings(&self) -> ImageSettings;

    /// The same with others.
    ///
    /// # Errors
    /// Why it cannot have them.
    fn with_settings(self, settings: ImageSettings) -> Result<Self, String>;

    /// Channels where its values are most.
    fn widest(&self) -> usize;

    /// As [`Architecture::matrix_weights`].
    fn large_weights(&self) -> Option<u64> {
        None
    }

    /// The module; its values do not matter.
    fn build(&self, device: &Device) -> Self::Module;
}

impl<S: SettingsFamily> Architecture for S {
    type Module = S::Module;

    fn named(name: &str, settings: Option<&str>) -> Option<Result<Self, String>> {
        // Numbers have several spellings, networks one name.
        let spec = S::of_name(name).filter(|spec| spec.to_string() == name)?;
        Some(ImageSettings::parse(settings).and_then(|settings| spec.with_settings(settings)))
    }

    fn like(shapes: &HashMap<&str, &[usize]>) -> Option<Self> {
        S::of_shapes(shapes)
    }

    fn twin(&self) -> Option<Self> {
        self.other_of_shapes()
    }

    fn with_outputs(&self, outputs: usize) -> Option<Self> {
        let settings = self.image_settings().with_classes(outputs)?;
        self.with_settings(settings).ok()
    }

    fn with_image(&self, image: [usize; 3]) -> Option<Self> {
        let settings = self.image_settings().with_image(image)?;
        self.with_settings(settings).ok()
    }

    fn takes(&self) -> Takes {
        Takes::Image(self.image_settings().image)
    }

    fn outputs(&self) -> usize {
        self.image_settings().classes
    }

    fn matrix_weights(&self) -> Option<u64> {
        self.large_weights()
    }

    fn sample_values(&self) -> Option<u64> {
        self.image_settings().sample_values(self.widest())
    }

    fn module(&self, device: &Device) -> Self::Module {
        self.build(device)
    }

    fn forward(&self, module: &S::Module, x: Tensor<2>) -> Tensor<2> {
        module.forward(images(x, self.image_settings().image))
    }
}

/// Rows of values as images.
pub(crate) fn images(x: Tensor<2>, [channels, height, width]: [usize; 3]) -> Tensor<4> {
    let [samples, _] = x.dims();
    x.reshape([samples, channels, height, width])
}

/// A network of a family. Visitors see the paths of the family's module and nothing in front of them.
///
/// On an autodiff device its normalisation layers use the statistics of the batch and keep running
/// ones; everywhere else, and after [`Module::valid`], they use the running ones.
#[derive(Debug, Clone)]
pub struct Family<S: Architecture> {
    spec: S,
    module: S::Module,
}

impl<S: Architecture> Family<S> {
    /// The network with its family's initial values; the same seed gives the same bits on every
    /// platform (not PyTorch's bits: the generator is [`Rng`]).
    pub fn init(spec: &S, seed: u64, device: &Device) -> Self {
        let mut rng = Rng::new(seed, streams::INIT);
        let params = spec.initial(Self::layout(spec), &mut rng);
        let module = with_params(spec.module(device), &params);
        Family {
            spec: spec.clone(),
            module: module.expect("the layout is the module's"),
        }
    }

    /// The network with the given parameters and running statistics, in any order.
    ///
    /// # Errors
    /// [`ModelsError::Layout`] lists missing, unexpected and mis-shaped tensors.
    pub fn from_params(spec: &S, params: &Params, device: &Device) -> Result<Self, ModelsError> {
        let params = params
            .clone()
            .conform(&Self::layout(spec))
            .map_err(|source| ModelsError::Layout {
                model: spec.to_string(),
                source,
            })?;
        Ok(Family {
            spec: spec.clone(),
            module: with_params(spec.module(device), &params)?,
        })
    }

    /// Names, shapes and roles of the tensors, all values 0.
    pub fn layout(spec: &S) -> Params {
        let mut tensors = read(&spec.module(&Device::flex())).into_inner();
        for tensor in &mut tensors {
            tensor.data.fill(0.0);
        }
        Params::new(tensors).expect("names and lengths are those of the module")
    }

    /// Parameters and running statistics in PyTorch's names, order and layout, read from the device.
    pub fn params(&self) -> Params {
        // A module under training keeps its last update of the running statistics apart.
        read(&self.module.valid())
    }

    /// Outputs `[samples, outputs]` of flattened images `[samples, channels * height * width]`; of token ids
    /// `[samples, tokens]` a row for each token, `[samples * tokens, vocab]`.
    ///
    /// # Panics
    /// When the second axis is not the number of values in an image, or is longer than the context.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.spec.forward(&self.module, x)
    }

    /// What the network is.
    pub fn spec(&self) -> S {
        self.spec.clone()
    }

    /// The device of the parameters.
    pub fn device(&self) -> Device {
        let devices = self.module.devices();
        devices
            .into_iter()
            .next()
            .expect("a network has parameters")
    }

    fn change(self, change: impl FnOnce(S::Module) -> S::Module) -> Self {
        Family {
            spec: self.spec,
            module: change(self.module),
        }
    }
}

fn read(module: &impl Module) -> Params {
    params_of(module).expect("values are f32 and paths are unique")
}

// Written out rather than derived, because a derived module would put `module.` in front of every
// name.
impl<S: Architecture + Send> Module for Family<S> {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.module.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.change(|module| module.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.change(|module| module.to_device(device))
    }

    fn train(self) -> Self {
        self.change(Module::train)
    }

    fn valid(&self) -> Self {
        Family {
            spec: self.spec.clone(),
            module: self.module.valid(),
        }
    }

    fn materialize(self) -> Self {
        self.change(Module::materialize)
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.module.visit(visitor);
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        self.change(|module| module.map(mapper))
    }
}

impl<S: Architecture + Send> ModuleDisplayDefault for Family<S> {
    fn content(&self, content: Content) -> Option<Content> {
        self.module.content(content)
    }

    fn num_params(&self) -> usize {
        Module::num_params(self)
    }
}

impl<S: Architecture + Send> ModuleDisplay for Family<S> {}
