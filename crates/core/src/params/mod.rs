//! Named tensors: the parameters of a network, or anything with the same layout.
//!
//! Names, order and layouts are PyTorch's (`fc1.weight` is `[out, in]`, convolutions are
//! `[out, in/groups, kh, kw]`), so that checkpoints, directions and stored data interchange with
//! Python as they are. A *filter* is one slice along axis 0, unless [`FilterAxes`] say otherwise.

mod filters;
mod selection;

pub use filters::FilterAxes;
pub use selection::{Selection, SelectionError, UnknownSelection};

use crate::names::named;
use crate::numeric;
use crate::path_text::name_words;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// What a tensor is for.
///
/// Buffers are state, not parameters: random directions never move them, and norms, dot products
/// and [`Params::flatten`] leave them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A matrix or convolution kernel.
    Weight,
    /// An additive term of a linear layer or a convolution.
    Bias,
    /// The scale of a normalisation layer.
    NormScale,
    /// The shift of a normalisation layer.
    NormShift,
    /// Running statistics and counters.
    Buffer,
}

named!(Role, "role", {
    Weight => "weight",
    Bias => "bias",
    NormScale => "norm-scale",
    NormShift => "norm-shift",
    Buffer => "buffer",
});

impl Role {
    /// Guesses the role from a PyTorch name and a shape.
    ///
    /// `running_mean`, `running_var` and `num_batches_tracked` are buffers; a `weight` of one
    /// dimension (or `gamma`) scales a normalisation; a `bias` under a name that contains `bn` or
    /// `norm` (or `beta`) shifts one. A normalisation inside a plain sequence (`shortcut.1.bias`)
    /// cannot be told from a layer by its name: its shift is reported as [`Role::Bias`], which
    /// every operation treats alike.
    pub fn from_name(name: &str, shape: &[usize]) -> Role {
        let (path, leaf) = name.rsplit_once('.').unwrap_or(("", name));
        let layer = path.rsplit('.').next().unwrap_or("");
        let normalises = layer.contains("bn") || layer.contains("norm");
        match leaf {
            "running_mean" | "running_var" | "num_batches_tracked" => Role::Buffer,
            "gamma" => Role::NormScale,
            "beta" => Role::NormShift,
            "weight" if shape.len() <= 1 => Role::NormScale,
            "bias" if normalises => Role::NormShift,
            "bias" => Role::Bias,
            _ => Role::Weight,
        }
    }
}

/// One named tensor, row-major. Its debug form shows the first few values.
#[derive(Clone, PartialEq)]
pub struct Parameter {
    /// PyTorch's name, for example `layer1.0.conv1.weight`.
    pub name: String,
    /// Lengths of the axes; empty for a scalar.
    pub shape: Vec<usize>,
    /// The values; as many as the product of `shape`.
    pub data: Vec<f32>,
    /// What the tensor is for.
    pub role: Role,
    /// Which axes count its filters.
    pub filter_axes: FilterAxes,
    /// Whether it stays as it is although it is a parameter, see [`Selection`].
    pub fixed: bool,
}

impl Parameter {
    /// A tensor whose number of values fits its shape. Its axis 0 counts filters; [`Self::with_filters`] says otherwise.
    ///
    /// # Errors
    /// [`ParamsError::Length`] when it does not.
    pub fn new(
        name: impl Into<String>,
        shape: impl Into<Vec<usize>>,
        data: Vec<f32>,
        role: Role,
    ) -> Result<Self, ParamsError> {
        let parameter = Parameter {
            name: name.into(),
            shape: shape.into(),
            data,
            role,
            filter_axes: FilterAxes::default(),
            fixed: false,
        };
        parameter.check()?;
        Ok(parameter)
    }

    /// Number of values.
    pub fn numel(&self) -> usize {
        self.data.len()
    }

    /// Whether it is one of the parameters that move, and are differentiated: neither a buffer nor fixed.
    pub fn is_free(&self) -> bool {
        self.role != Role::Buffer && !self.fixed
    }

    /// Whether the tensor has one dimension or none (biases, scales, shifts, scalars): the tensors
    /// that [`BiasMode`](crate::BiasMode) rules. A bias, scale or shift is such a vector also where it has further axes of length 1.
    pub fn is_one_dimensional(&self) -> bool {
        let is_vector = || self.shape.iter().filter(|&&n| n > 1).count() <= 1;
        match self.role {
            Role::Weight | Role::Buffer => self.shape.len() <= 1,
            Role::Bias | Role::NormScale | Role::NormShift => is_vector(),
        }
    }

    /// Euclidean norm, accumulated in f64.
    pub fn norm(&self) -> f64 {
        numeric::norm(&self.data)
    }

    fn check(&self) -> Result<(), ParamsError> {
        let expected = self
            .shape
            .iter()
            .try_fold(1usize, |product, &n| product.checked_mul(n));
        if expected == Some(self.data.len()) {
            return self.check_filters();
        }
        Err(ParamsError::Length {
            name: self.name.clone(),
            shape: self.shape.clone(),
            values: self.data.len(),
        })
    }

    fn described(&self) -> String {
        format!("{} {:?}", self.name, self.shape)
    }
}

impl std::fmt::Debug for Parameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 6;
        let first = &self.data[..self.data.len().min(SHOWN)];
        let more = if self.data.len() > SHOWN { " ..." } else { "" };
        let (name, role, shape) = (&self.name, self.role, &self.shape);
        write!(f, "{name} ({role}) {shape:?} {first:?}{more}")
    }
}

/// Ordered tensors with unique names.
///
/// What is said of parameters is said of those that are free ([`Parameter::is_free`]): all but buffers, unless some are fixed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Params {
    tensors: Vec<Parameter>,
}

/// What can be wrong with named tensors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// Shape and number of values disagree.
    #[error("tensor `{name}` of shape {shape:?} has {values} values")]
    Length {
        /// The tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// How many values it has.
        values: usize,
    },
    /// Filters are counted by axes that the tensor does not have.
    #[error("tensor `{name}` of shape {shape:?} has no filters of {axes:?}")]
    Filters {
        /// The tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The axes.
        axes: Box<FilterAxes>,
    },
    /// Two tensors have one name.
    #[error("two tensors are named `{name}`")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// Two sets of tensors do not fit together.
    #[error("{}", describe_layout(missing, unexpected, misshaped))]
    Layout {
        /// Names that should be there and are not.
        missing: Vec<String>,
        /// Names that should not be there.
        unexpected: Vec<String>,
        /// Tensors whose shape differs: `name [have], expected [want]`.
        misshaped: Vec<String>,
    },
    /// The same tensors stand in another order.
    #[error("tensor {position} is `{found}` where `{expected}` is expected")]
    Order {
        /// Place in the list.
        position: usize,
        /// The name that belongs there.
        expected: String,
        /// The name that stands there.
        found: String,
    },
    /// A flat vector has the wrong length.
    #[error("a vector of {given} values does not fit parameters of {expected}")]
    FlatLength {
        /// Number of free parameters.
        expected: usize,
        /// Length of the vector.
        given: usize,
    },
}

/// Names that a message writes out.
const SHOWN: usize = 6;

/// The first few names, and how many more there are.
fn shown(names: &[String]) -> String {
    let first = names.iter().take(SHOWN).map(|name| name_words(name));
    let first = first.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => first,
        rest => format!("{first} and {rest} more"),
    }
}

fn describe_layout(missing: &[String], unexpected: &[String], misshaped: &[String]) -> String {
    let part = |label: &str, names: &[String]| {
        (!names.is_empty()).then(|| format!("{label}: {}", shown(names)))
    };
    let parts: Vec<String> = [
        part("missing", missing),
        part("unexpected", unexpected),
        part("of another shape", misshaped),
    ]
    .into_iter()
    .flatten()
    .collect();
    format!("the tensors do not fit ({})", parts.join("; "))
}

impl Params {
    /// Tensors in the order given.
    ///
    /// # Errors
    /// [`ParamsError::Duplicate`] for a repeated name, [`ParamsError::Length`] for a tensor whose
    /// shape and values disagree.
    pub fn new(tensors: Vec<Parameter>) -> Result<Self, ParamsError> {
        let mut names = HashSet::with_capacity(tensors.len());
        for tensor in &tensors {
            tensor.check()?;
            if !names.insert(tensor.name.as_str()) {
                return Err(ParamsError::Duplicate {
                    name: tensor.name.clone(),
                });
            }
        }
        Ok(Params { tensors })
    }

    /// The tensors in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Parameter> {
        self.tensors.iter()
    }

    /// The tensor of that name.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// Number of tensors, buffers included.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Whether there are no tensors.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// Number of parameters: values in all free tensors.
    pub fn numel(&self) -> usize {
        self.weights().map(Parameter::numel).sum()
    }

    /// Euclidean norm over all free tensors.
    pub fn norm(&self) -> f64 {
        self.dot_unchecked(self).sqrt()
    }

    /// The tensors that are parameters: all but buffers, and but those that are fixed.
    pub fn weights(&self) -> impl Iterator<Item = &Parameter> {
        self.tensors.iter().filter(|t| t.is_free())
    }

    /// The number that is farthest from 0, buffers among all, with the name of its tensor; `None` where there is none.
    /// NaN is the farthest.
    pub fn largest(&self) -> Option<(&str, f32)> {
        let all = self.tensors.iter();
        let all = all.flat_map(|t| t.data.iter().map(|&value| (t.name.as_str(), value)));
        all.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
    }

    /// The tensors, given away.
    pub fn into_inner(self) -> Vec<Parameter> {
        self.tensors
    }

    /// `self - other` value by value, buffers included, in f64 and rounded once.
    ///
    /// # Errors
    /// When the layouts differ, see [`Params::same_layout`].
    pub fn sub(&self, other: &Params) -> Result<Params, ParamsError> {
        self.same_layout(other)?;
        let mut difference = self.clone();
        for (tensor, minus) in difference.tensors.iter_mut().zip(&other.tensors) {
            for (value, m) in tensor.data.iter_mut().zip(&minus.data) {
                *value = (f64::from(*value) - f64::from(*m)) as f32;
            }
        }
        Ok(difference)
    }

    /// Inner product over all free tensors, accumulated in f64.
    ///
    /// # Errors
    /// When the layouts differ, see [`Params::same_layout`].
    pub fn dot(&self, other: &Params) -> Result<f64, ParamsError> {
        self.same_layout(other)?;
        Ok(self.dot_unchecked(other))
    }

    /// Checks that both have the same names and shapes in the same order.
    ///
    /// # Errors
    /// [`ParamsError::Layout`] lists what is missing from `other`, unexpected in it, or of another
    /// shape; [`ParamsError::Order`] when only the order differs.
    pub fn same_layout(&self, other: &Params) -> Result<(), ParamsError> {
        let same = |(a, b): (&Parameter, &Parameter)| a.name == b.name && a.shape == b.shape;
        if self.len() == other.len() && self.iter().zip(other.iter()).all(same) {
            return Ok(());
        }
        other.fits(self)?;
        let (position, (expected, found)) = self
            .iter()
            .zip(other.iter())
            .enumerate()
            .find(|(_, (a, b))| a.name != b.name)
            .expect("equal sets of names in another order");
        Err(ParamsError::Order {
            position,
            expected: expected.name.clone(),
            found: found.name.clone(),
        })
    }

    /// The same tensors in the order of `layout`, with its roles and its axes of filters, and as fixed as there.
    ///
    /// # Errors
    /// [`ParamsError::Layout`] when names or shapes differ.
    pub fn conform(mut self, layout: &Params) -> Result<Params, ParamsError> {
        self.fits(layout)?;
        let place = |name: &str| layout.iter().position(|t| t.name == name);
        self.tensors.sort_by_cached_key(|t| place(&t.name));
        for (tensor, model) in self.tensors.iter_mut().zip(layout.iter()) {
            tensor.role = model.role;
            tensor.filter_axes = model.filter_axes;
            tensor.fixed = model.fixed;
        }
        Ok(self)
    }

    /// All free parameters in one vector, in order.
    pub fn flatten(&self) -> Vec<f32> {
        let mut flat = Vec::with_capacity(self.numel());
        for tensor in self.weights() {
            flat.extend_from_slice(&tensor.data);
        }
        flat
    }

    /// The inverse of [`Params::flatten`]: the same layout with the values of `flat`; buffers and what is fixed keep
    /// their values.
    ///
    /// # Errors
    /// [`ParamsError::FlatLength`] when the vector does not have [`Params::numel`] values.
    pub fn unflatten(&self, flat: &[f32]) -> Result<Params, ParamsError> {
        if flat.len() != self.numel() {
            return Err(ParamsError::FlatLength {
                expected: self.numel(),
                given: flat.len(),
            });
        }
        let mut params = self.clone();
        let mut rest = flat;
        for tensor in params.tensors.iter_mut().filter(|t| t.is_free()) {
            let (head, tail) = rest.split_at(tensor.data.len());
            tensor.data.copy_from_slice(head);
            rest = tail;
        }
        Ok(params)
    }

    /// The same layout, all zero.
    pub fn zeros_like(&self) -> Params {
        let mut zeros = self.clone();
        for tensor in &mut zeros.tensors {
            tensor.data.fill(0.0);
        }
        zeros
    }

    pub(crate) fn tensor(&self, index: usize) -> &Parameter {
        &self.tensors[index]
    }

    pub(crate) fn tensors_mut(&mut self) -> &mut [Parameter] {
        &mut self.tensors
    }

    /// Inner product of parameters already known to have one layout.
    pub(crate) fn dot_unchecked(&self, other: &Params) -> f64 {
        self.iter()
            .zip(other.iter())
            .filter(|(a, _)| a.is_free())
            .map(|(a, b)| numeric::dot(&a.data, &b.data))
            .sum()
    }

    /// Checks names and shapes in any order.
    fn fits(&self, layout: &Params) -> Result<(), ParamsError> {
        let missing: Vec<String> = layout
            .iter()
            .filter(|t| self.get(&t.name).is_none())
            .map(Parameter::described)
            .collect();
        let mut unexpected = Vec::new();
        let mut misshaped = Vec::new();
        for tensor in self.iter() {
            match layout.get(&tensor.name) {
                None => unexpected.push(tensor.described()),
                Some(want) if want.shape != tensor.shape => {
                    misshaped.push(format!("{}, expected {:?}", tensor.described(), want.shape));
                }
                Some(_) => {}
            }
        }
        if missing.is_empty() && unexpected.is_empty() && misshaped.is_empty() {
            return Ok(());
        }
        Err(ParamsError::Layout {
            missing,
            unexpected,
            misshaped,
        })
    }
}

impl<'a> IntoIterator for &'a Params {
    type Item = &'a Parameter;
    type IntoIter = std::slice::Iter<'a, Parameter>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
