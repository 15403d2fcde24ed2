//! What an operation of a graph is: the rules that every one states, and what kernels are called with.

use super::batching::{Batching, Placed};
use super::derivation::Derivation;
use super::graph::{Node, ValueId};
use super::ties::Ties;
use crate::kernels::simd::Level;
use crate::replay::DeviceTensor;
use std::any::Any;
use std::fmt::Debug;

/// What an operation does to the sample axis (axis 0) of its inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Samples {
    /// Axis 0 of the output still counts the samples; each sample is treated alone.
    Kept,
    /// The samples are summed (`mean`: averaged). The kernels then reduce over everything else
    /// that is to be reduced, and leave the samples to the executor.
    Reduced {
        /// Whether the sum is divided by the number of samples.
        mean: bool,
    },
    /// The samples are summed by the kernels themselves, which on the host *add* the sum over one tile to
    /// what is in the output; only in derived graphs.
    Summed,
    /// All samples are needed at once: the output has them along an ordinary axis, in their order. The executor puts the
    /// tiles together.
    Collected,
    /// Samples are mixed in another way: the graph can't be cut into batches.
    Mixed,
}

/// How an output depends on those inputs that vary with the point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Linearity {
    /// Not affine.
    None,
    /// Linear in the varying inputs together.
    Linear,
    /// The sum of something linear in the varying inputs and of the other inputs.
    Additive,
    /// The varying input plus a constant that the operation itself holds.
    Shifted,
}

/// What the analysis knows of an input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand<'a> {
    /// Whole shape, with the sample axis where there is one.
    pub shape: &'a [usize],
    /// Whether axis 0 counts the samples.
    pub samples: bool,
    /// Whether the value depends on the point.
    pub varies: bool,
}

/// A value in memory, as host kernels see it.
///
/// With samples, it is `[rows][lanes]`: `rows` runs over all axes but the first, row-major, and
/// `lanes` over the samples of one tile. Without, it is plain row-major.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub data: &'a [f32],
    pub shape: &'a [usize],
    pub samples: bool,
}

impl<'a> View<'a> {
    /// The axes that are laid out in memory: all but the sample axis.
    pub fn rows(&self) -> &'a [usize] {
        if self.samples {
            &self.shape[1..]
        } else {
            self.shape
        }
    }
}

/// One call of a host kernel.
pub(crate) struct HostCall<'a> {
    pub level: Level,
    /// Samples in a tile, a multiple of 16.
    pub lanes: usize,
    pub inputs: &'a [View<'a>],
    pub out: &'a mut [f32],
    pub shape: &'a [usize],
    pub samples: bool,
}

impl HostCall<'_> {
    /// The axes of the output that are laid out in memory.
    pub fn rows(&self) -> &[usize] {
        if self.samples {
            &self.shape[1..]
        } else {
            self.shape
        }
    }
}

/// One replay on a Burn device. Every tensor has one more axis in front: the points (length 1
/// where a value does not depend on the point).
pub(crate) struct DeviceCall<'a> {
    pub inputs: &'a [DeviceTensor],
    /// Output shape without the axis of the points.
    pub shape: &'a [usize],
    /// Whether axis 0 of `shape` counts samples.
    pub samples: bool,
}

/// An operation of a graph.
pub(crate) trait Operation: Any + Debug + Send + Sync {
    /// Its name, as documented.
    fn name(&self) -> &'static str;

    /// What happens to the sample axis, when at least one input has it.
    fn samples(&self, inputs: &[Operand], shape: &[usize]) -> Samples;

    /// Adds the operation to a graph in which axis 0 counts the samples, for inputs that have their samples elsewhere
    /// or that are the same for all samples ([`crate::passes::batch`]); `shape` is that of the output in the program.
    ///
    /// `None`: samples are mixed, or there is no rule. Needed where [`Operation::samples`] says [`Samples::Mixed`] of
    /// what does not mix samples.
    fn batched(&self, _b: &mut Batching, _inputs: &[Placed], _shape: &[usize]) -> Option<Placed> {
        None
    }

    /// How the output depends on the varying inputs (at least one).
    fn linearity(&self, inputs: &[Operand]) -> Linearity;

    /// Whether the output is the input's memory with another shape.
    fn is_view(&self) -> bool {
        false
    }

    /// Whether nearly all of its work is products of its inputs, which some devices do faster with
    /// fewer bits.
    fn is_product(&self) -> bool {
        false
    }

    /// Multiplications and additions, roughly, for inputs and an output of these shapes; an element counts as one where
    /// no products are summed.
    fn work(&self, inputs: &[&[usize]], shape: &[usize]) -> f64 {
        let numbers = |shape: &[usize]| shape.iter().map(|&n| n as f64).product::<f64>();
        let inputs = inputs.iter().map(|shape| numbers(shape));
        inputs.fold(numbers(shape), f64::max)
    }

    /// Computes the output on the CPU.
    fn host(&self, call: HostCall);

    /// Computes the output on a Burn device.
    fn device(&self, call: DeviceCall) -> DeviceTensor;

    /// States which axes of its operands can only be permuted together, for the permutation symmetries of
    /// a network ([`crate::Trace::permutations`]): permuting the inputs along axes that are tied permutes the
    /// output along the axes tied to them, and changes nothing else.
    ///
    /// Without a rule, the order along all axes matters.
    fn units(&self, ties: &mut Ties) {
        ties.pin_all();
    }

    /// Adds nodes for the derivative of the output along `tangents` of the inputs, of which at least one
    /// is there (`None`: zero). Returns the derivative, of the output's shape; `None` where it is zero.
    ///
    /// Without a rule, the operation is named in [`crate::TraceError::NoDerivative`].
    fn tangent(
        &self,
        d: &mut Derivation,
        _node: &Node,
        _tangents: &[Option<ValueId>],
    ) -> Option<ValueId> {
        d.lacks(self.name());
        None
    }

    /// Adds nodes for the derivatives of the loss with respect to the inputs, from that with respect to
    /// the output. Returns one an input, of its shape; `None` where it is zero or not `wanted`.
    ///
    /// Without a rule, as for [`Operation::tangent`]. What only the gradients of a graph contain needs none.
    fn adjoint(
        &self,
        d: &mut Derivation,
        node: &Node,
        _adjoint: ValueId,
        _wanted: &[bool],
    ) -> Vec<Option<ValueId>> {
        d.lacks(self.name());
        vec![None; node.inputs.len()]
    }
}

impl dyn Operation {
    /// This operation as the type it is, where a fusion has to look inside.
    pub fn as_any(&self) -> &dyn Any {
        self
    }
}
