//! What a reader makes of a file: what is in it, and how it is lowered.

use crate::lower::{LowerError, Lowering, Tensor};
use landscape_core::Params;

/// A length of an axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Size {
    /// Always the same.
    Fixed(usize),
    /// Chosen with the data; its name in the file.
    Free(String),
}

/// What the elements of an input or output are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// Floating-point numbers.
    Float,
    /// Whole numbers.
    Int,
    /// Truth values.
    Bool,
}

/// An input of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its name in the file.
    pub name: String,
    /// Lengths of its axes; the first counts the samples.
    pub shape: Vec<Size>,
    /// What its elements are.
    pub element: Element,
}

/// An output of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name in the file.
    pub name: String,
    /// Lengths of its axes; nothing where the file does not say.
    pub shape: Option<Vec<Size>>,
}

/// An operation of a program, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its name in the file.
    pub name: String,
    /// How often it is used.
    pub count: usize,
    /// Whether it is known here.
    pub known: bool,
    /// Where it is first used, as far as the file says.
    pub place: String,
}

/// What is in a file.
pub(crate) struct Source {
    pub inputs: Vec<Input>,
    pub outputs: Vec<Output>,
    /// Parameters and buffers of floating-point numbers, in the order of the file. Roles are found by lowering.
    pub params: Params,
    /// Names of parameters that training leaves as they are, where the file says it of some.
    pub frozen: Vec<String>,
    pub operations: Vec<Operation>,
    /// What the user should know: converted weights, training flags, names that are gone.
    pub notes: Vec<String>,
    /// The number of samples that the file is made for, where it is fixed.
    pub samples: Option<usize>,
    /// Sizes of the axes that are free, as in the example that the file was made with, where it says so.
    pub examples: Vec<(String, usize)>,
    pub graph: Box<dyn Graph>,
}

/// The computation of a file, which can be lowered for any number of samples.
pub(crate) trait Graph: Send + Sync {
    /// The outputs, from the parameters, in the order of [`Source::params`], and the inputs.
    fn lower(
        &self,
        lowering: &mut Lowering,
        params: &[Tensor],
        inputs: &[Tensor],
    ) -> Result<Vec<Tensor>, LowerError>;
}
