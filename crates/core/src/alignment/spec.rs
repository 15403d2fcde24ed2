//! Which axes of which tensors are permuted together.

use super::AlignmentError;
use crate::params::{Parameter, Params};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::Range;

/// One axis of one tensor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AxisRef {
    /// The tensor's name.
    pub tensor: String,
    /// The axis, in PyTorch's layout: 0 counts the outputs of a layer, 1 its inputs.
    pub axis: usize,
    /// Consecutive indices of the axis that belong to one unit: 1 but for layers that follow a
    /// flattened map of channels, where it is the number of positions of a channel.
    pub repeat: usize,
    /// Where the units begin when they are a part of the axis, as of what layers concatenate. `None`:
    /// they are all of it.
    #[serde(default)]
    pub part: Option<usize>,
}

impl AxisRef {
    /// An axis with one index a unit.
    pub fn new(tensor: impl Into<String>, axis: usize) -> Self {
        AxisRef {
            tensor: tensor.into(),
            axis,
            repeat: 1,
            part: None,
        }
    }

    /// The indices of the axis that `units` units take, in an axis of `length`; `None` where they do
    /// not fit.
    pub(super) fn range(&self, units: usize, length: usize) -> Option<Range<usize>> {
        let taken = units.checked_mul(self.repeat)?;
        let start = self.part.unwrap_or(0);
        let end = start.checked_add(taken)?;
        let fits = match self.part {
            None => end == length,
            Some(_) => end <= length,
        };
        (self.repeat > 0 && fits).then_some(start..end)
    }
}

/// Units (neurons, channels) whose order does not matter, and every axis that runs over them:
/// outputs of the layers that make them, their biases, normalisations with running statistics, and
/// inputs of the layers that read them. Layers on one residual stream share a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// A name for messages.
    pub name: String,
    /// Number of units.
    pub units: usize,
    /// The axes, buffers included.
    pub axes: Vec<AxisRef>,
}

/// The permutation symmetries of a network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PermutationSpec {
    /// Groups that are permuted independently of each other.
    pub groups: Vec<Group>,
}

/// One permutation a group: unit `permutation[i]` of the network takes place `i`.
pub type Permutations = Vec<Vec<usize>>;

impl PermutationSpec {
    /// The spec of a multilayer perceptron: linear layers `names` in order, `[out, in]` weights and
    /// biases where there are some; each group is the outputs of a layer but the last.
    ///
    /// # Errors
    /// When a layer has no weight, or it does not fit the one before.
    pub fn mlp(names: &[&str], params: &Params) -> Result<Self, AlignmentError> {
        let group = |pair: &[&str]| {
            let (name, next) = (pair[0], pair[1]);
            let weight = format!("{name}.weight");
            let units = params.get(&weight).and_then(|t| t.shape.first().copied());
            let bias = format!("{name}.bias");
            let mut axes = vec![AxisRef::new(weight, 0)];
            if params.get(&bias).is_some() {
                axes.push(AxisRef::new(bias, 0));
            }
            axes.push(AxisRef::new(format!("{next}.weight"), 1));
            Group {
                name: name.to_owned(),
                units: units.unwrap_or(0),
                axes,
            }
        };
        let spec = PermutationSpec {
            groups: names.windows(2).map(group).collect(),
        };
        spec.check(params)?;
        Ok(spec)
    }

    /// Checks that every axis is there, holds the group's units, and belongs to one group.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self, params: &Params) -> Result<(), AlignmentError> {
        let mut claimed: HashMap<(&str, usize), Vec<Range<usize>>> = HashMap::new();
        for group in &self.groups {
            for axis in &group.axes {
                let range = self.check_axis(group, axis, params)?;
                let others = claimed.entry((&axis.tensor, axis.axis)).or_default();
                if others
                    .iter()
                    .any(|o| o.start < range.end && range.start < o.end)
                {
                    return Err(AlignmentError::Claimed {
                        tensor: axis.tensor.clone(),
                        axis: axis.axis,
                    });
                }
                others.push(range);
            }
        }
        Ok(())
    }

    /// The indices that the axis takes.
    fn check_axis(
        &self,
        group: &Group,
        axis: &AxisRef,
        params: &Params,
    ) -> Result<Range<usize>, AlignmentError> {
        let unknown = || AlignmentError::UnknownTensor {
            group: group.name.clone(),
            tensor: axis.tensor.clone(),
        };
        let tensor = params.get(&axis.tensor).ok_or_else(unknown)?;
        let length = tensor.shape.get(axis.axis);
        let range = length.and_then(|&length| axis.range(group.units, length));
        range.ok_or_else(|| AlignmentError::Axis {
            group: group.name.clone(),
            tensor: axis.tensor.clone(),
            shape: tensor.shape.clone(),
            axis: axis.axis,
            units: group.units,
            repeat: axis.repeat,
        })
    }

    /// The permutations that change nothing.
    pub fn identity(&self) -> Permutations {
        self.groups.iter().map(|g| (0..g.units).collect()).collect()
    }

    /// The network with its units in another order: the same function, other parameters. Buffers
    /// that a group names move with it.
    ///
    /// # Errors
    /// When the spec does not fit the parameters, or a list is not a permutation of its group.
    pub fn apply(
        &self,
        params: &Params,
        permutations: &[Vec<usize>],
    ) -> Result<Params, AlignmentError> {
        self.check(params)?;
        self.check_permutations(permutations)?;
        let mut permuted = params.clone();
        for (group, permutation) in self.groups.iter().zip(permutations) {
            for axis in &group.axes {
                let tensors = permuted.tensors_mut().iter_mut();
                for tensor in tensors.filter(|t| t.name == axis.tensor) {
                    permute(tensor, axis, permutation);
                }
            }
        }
        Ok(permuted)
    }

    fn check_permutations(&self, permutations: &[Vec<usize>]) -> Result<(), AlignmentError> {
        if permutations.len() != self.groups.len() {
            return Err(AlignmentError::Groups {
                expected: self.groups.len(),
                given: permutations.len(),
            });
        }
        for (group, permutation) in self.groups.iter().zip(permutations) {
            let mut sorted = permutation.clone();
            sorted.sort_unstable();
            if !sorted.into_iter().eq(0..group.units) {
                return Err(AlignmentError::NoPermutation {
                    group: group.name.clone(),
                    units: group.units,
                });
            }
        }
        Ok(())
    }
}

/// How the values of a group's units lie in a tensor along one of its axes: in each of several slabs,
/// a chunk for every unit.
pub(super) struct Chunks {
    /// Values of a slab: all that have the same indices on the axes before.
    slab: usize,
    /// Where the first unit begins in a slab.
    start: usize,
    /// Values of a unit in a slab.
    pub(super) chunk: usize,
}

impl Chunks {
    /// `axis` must fit the tensor.
    pub(super) fn new(tensor: &Parameter, axis: &AxisRef) -> Self {
        let inner: usize = tensor.shape[axis.axis + 1..].iter().product();
        Chunks {
            slab: inner * tensor.shape[axis.axis],
            start: inner * axis.part.unwrap_or(0),
            chunk: inner * axis.repeat,
        }
    }

    /// Number of slabs in a tensor of `numel` values.
    pub(super) fn slabs(&self, numel: usize) -> usize {
        numel / self.slab.max(1)
    }

    /// The values of a unit in a slab.
    pub(super) fn range(&self, slab: usize, unit: usize) -> Range<usize> {
        let start = slab * self.slab + self.start + unit * self.chunk;
        start..start + self.chunk
    }
}

/// Puts the units of one axis in another order.
pub(super) fn permute(tensor: &mut Parameter, axis: &AxisRef, permutation: &[usize]) {
    let chunks = Chunks::new(tensor, axis);
    let old = tensor.data.clone();
    for slab in 0..chunks.slabs(old.len()) {
        for (place, &unit) in permutation.iter().enumerate() {
            let from = &old[chunks.range(slab, unit)];
            tensor.data[chunks.range(slab, place)].copy_from_slice(from);
        }
    }
}
