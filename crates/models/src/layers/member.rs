//! What every family says of its networks, so that all of them stand in one table.

use super::Tokens;
use crate::ModelsError;
use burn::tensor::Device;
use landscape_core::Params;
use std::collections::HashMap;
use std::fmt;

/// Shapes by name.
pub(crate) type Shapes<'t> = HashMap<&'t str, &'t [usize]>;

/// What a family says of its networks: its specification has this.
pub(crate) trait Member: Sized + Clone + fmt::Display {
    /// Its networks as modules.
    type Network;

    /// The network of a name and the settings behind its colon: nothing where the name is of another family; the error
    /// is the reason.
    fn parse(name: &str, settings: Option<&str>) -> Option<Result<Self, String>>;

    /// The network whose tensors have these names and shapes.
    fn of_shapes(shapes: &Shapes) -> Option<Self>;

    /// Another network whose tensors have the same names and shapes.
    fn twin(&self) -> Option<Self>;

    /// The same with so many outputs, where their number is not set by the name.
    fn with_outputs(&self, outputs: usize) -> Option<Self>;

    /// The same for images of another size, where it takes such and none is set.
    fn with_image(&self, image: [usize; 3]) -> Option<Self>;

    /// Values in one input sample.
    fn inputs(&self) -> usize;

    /// Values in one output.
    fn outputs(&self) -> usize;

    /// Channels, height and width of an input image; none for plain vectors.
    fn image(&self) -> Option<[usize; 3]>;

    /// The tokens that it takes; none for values.
    fn tokens(&self) -> Option<Tokens> {
        None
    }

    /// The same for tokens of data, where its name leaves open how many there are.
    fn with_tokens(&self, _: Tokens) -> Option<Self> {
        None
    }

    /// Weights in the matrices of a network whose sizes are given.
    fn matrix_weights(&self) -> Option<u64>;

    /// Values that it holds of one sample where it is widest, where its sizes are given.
    fn sample_values(&self) -> Option<u64>;

    /// Names, shapes and roles of the tensors, all values 0.
    fn layout(&self) -> Params;

    /// The network with its initial values, drawn from a seed.
    fn init(&self, seed: u64, device: &Device) -> Self::Network;

    /// The network with given parameters.
    fn with_params(&self, params: &Params, device: &Device) -> Result<Self::Network, ModelsError>;

    /// What it is called.
    fn name(&self) -> String {
        self.to_string()
    }

    /// Whether its tensors have exactly these names and shapes.
    fn fits(&self, shapes: &Shapes) -> bool {
        let layout = self.layout();
        let has = |name: &str, shape: &[usize]| shapes.get(name) == Some(&shape);
        layout.len() == shapes.len() && layout.iter().all(|t| has(&t.name, &t.shape))
    }
}
