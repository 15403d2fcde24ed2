use crate::params::ParamsError;

/// What keeps networks from being aligned.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AlignmentError {
    /// The networks do not have one layout.
    #[error("the networks do not have the same parameters")]
    Layout(#[from] ParamsError),
    /// A group names a tensor that is not there.
    #[error("group `{group}` names `{tensor}`, which the network does not have")]
    UnknownTensor {
        /// The group.
        group: String,
        /// The name.
        tensor: String,
    },
    /// An axis does not exist, or does not hold whole units.
    #[error(
        "axis {axis} of `{tensor}` {shape:?} does not hold the {units} units of group `{group}` with {repeat} values each"
    )]
    Axis {
        /// The group.
        group: String,
        /// The tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The axis.
        axis: usize,
        /// Units of the group.
        units: usize,
        /// Values a unit.
        repeat: usize,
    },
    /// Two groups, or one twice, claim an axis.
    #[error("axis {axis} of `{tensor}` belongs to two groups")]
    Claimed {
        /// The tensor.
        tensor: String,
        /// The axis.
        axis: usize,
    },
    /// There is not one permutation, or one matrix, a group.
    #[error("{given} permutations or matrices for {expected} groups")]
    Groups {
        /// Groups of the spec.
        expected: usize,
        /// What was given.
        given: usize,
    },
    /// A list of numbers is not a permutation of the group's units.
    #[error("what is given for group `{group}` is not a permutation of {units} units")]
    NoPermutation {
        /// The group.
        group: String,
        /// Its units.
        units: usize,
    },
    /// A weight or a correlation is NaN or infinite, or a matrix has another size.
    #[error("what is given for group `{group}` is not {units} x {units} finite numbers")]
    NotFinite {
        /// The group.
        group: String,
        /// Its units.
        units: usize,
    },
}
