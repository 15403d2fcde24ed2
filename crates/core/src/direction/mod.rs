//! Directions in parameter space: where they come from, how they are scaled, how they are made
//! orthogonal.
//!
//! Norms, inner products and cosines leave buffers out, and are accumulated in f64.

mod error;
mod normalize;
mod orthogonal;

pub use error::DirectionError;
pub use orthogonal::orthogonalize;

use crate::names::named;
use crate::params::{Parameter, Params, Role};
use crate::rng::Rng;
use serde::{Deserialize, Serialize};

/// What random directions are drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
    /// Standard normal.
    #[default]
    Gaussian,
    /// Uniform in [-1, 1].
    Uniform,
    /// -1 or 1.
    Rademacher,
}

named!(Distribution, "distribution", {
    Gaussian => "gaussian",
    Uniform => "uniform",
    Rademacher => "rademacher",
});

impl Distribution {
    fn draw(self, rng: &mut Rng) -> f64 {
        match self {
            Distribution::Gaussian => rng.normal(),
            Distribution::Uniform => rng.uniform(-1.0, 1.0),
            Distribution::Rademacher => rng.rademacher(),
        }
    }
}

/// How a direction `d` is scaled against the parameters `w`.
///
/// The per-tensor rules act on tensors of two dimensions and more; the others follow
/// [`BiasMode`], and buffers become zero. `i` runs over filters ([`crate::FilterAxes`]).
/// After Li et al., *Visualizing the Loss Landscape of Neural Nets*, NeurIPS 2018.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Normalization {
    /// `d_i ||w_i|| / (||d_i|| + 1e-10)`: each filter takes its weight's norm.
    #[default]
    Filter,
    /// `d ||w|| / ||d||`: each tensor takes its weight's norm; zero where `||d||` is zero.
    Layer,
    /// `d w`, value by value.
    Weight,
    /// `d_i / (||d_i|| + 1e-10)`: each filter has norm 1.
    DFilter,
    /// `d / ||d||`: each tensor has norm 1; zero where `||d||` is zero.
    DLayer,
    /// The whole direction scaled to `||theta||`: after [`BiasMode`] was applied, both norms taken
    /// over all tensors but buffers, those of one dimension included.
    Model,
    /// As drawn.
    None,
}

named!(Normalization, "normalization", {
    Filter => "filter",
    Layer => "layer",
    Weight => "weight",
    DFilter => "dfilter",
    DLayer => "dlayer",
    Model => "model",
    None => "none",
});

/// How tensors of one dimension or none move: biases, scales and shifts of normalisation layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BiasMode {
    /// Not at all.
    #[default]
    Zero,
    /// Scaled to their own norm, `d ||w|| / ||d||`; zero where `||d||` is zero.
    Layer,
    /// Unscaled, as drawn.
    Raw,
    /// A copy of the parameter, `d = w`.
    Copy,
}

named!(BiasMode, "bias mode", {
    Zero => "zero",
    Layer => "layer",
    Raw => "raw",
    Copy => "copy",
});

/// Where a direction came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Drawn at random; these three values draw it again bit for bit.
    Random {
        /// Seed of the generator.
        seed: u64,
        /// Stream of the generator; the first direction usually has 0, the second 1.
        stream: u64,
        /// What each value is drawn from.
        distribution: Distribution,
    },
    /// The difference of two sets of parameters.
    Between,
    /// A principal component of a trajectory.
    Pca {
        /// Which one, from 0.
        component: usize,
    },
    /// An eigenvector of the Hessian.
    Hessian {
        /// Which one, from 0, by descending eigenvalue.
        index: usize,
    },
    /// The gradient of the loss.
    Gradient,
    /// Read from a file.
    File,
    /// Anything else, in words.
    Custom(String),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Random {
                seed,
                stream,
                distribution,
            } => write!(f, "random ({distribution}, seed {seed}, stream {stream})"),
            Source::Between => f.write_str("difference of two models"),
            Source::Pca { component } => write!(f, "principal component {}", component + 1),
            Source::Hessian { index } => write!(f, "Hessian eigenvector {}", index + 1),
            Source::Gradient => f.write_str("gradient"),
            Source::File => f.write_str("file"),
            Source::Custom(words) => f.write_str(words),
        }
    }
}

/// A displacement of all parameters, with the layout of the parameters it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Direction {
    /// The displacement of each tensor.
    pub tensors: Params,
    /// Where it came from.
    pub source: Source,
    /// The normalisation it has been given.
    pub normalization: Normalization,
    /// What was done to tensors of one dimension; [`BiasMode::Raw`] until it is normalised.
    pub bias: BiasMode,
}

impl Direction {
    /// A random direction with the layout of `params`, not yet normalised. Buffers and what is fixed are zero.
    ///
    /// The values are drawn tensor after tensor, and in a tensor filter after filter, from the one sequence of `(seed, stream)`: a matrix
    /// and its transpose have the same direction, and a part of a network that of the whole, cut to the part.
    pub fn random(params: &Params, distribution: Distribution, seed: u64, stream: u64) -> Self {
        let mut rng = Rng::new(seed, stream);
        let mut tensors = params.zeros_like();
        for tensor in tensors.tensors_mut() {
            if tensor.role != Role::Buffer {
                tensor.fill_filters(|| distribution.draw(&mut rng) as f32);
            }
        }
        hold(&mut tensors);
        let source = Source::Random {
            seed,
            stream,
            distribution,
        };
        Direction::raw(tensors, source)
    }

    /// The plain difference `to - from`, buffers included: at the coordinate 1 the plane through
    /// `from` is at `to`, unless a part of `from` is fixed. Use [`Direction::without_buffers`] to keep running statistics in place.
    ///
    /// # Errors
    /// When the layouts differ.
    pub fn between(from: &Params, to: &Params) -> Result<Self, DirectionError> {
        from.same_layout(to)?;
        let mut tensors = to.sub(from)?.conform(from)?;
        hold(&mut tensors);
        Ok(Direction::raw(tensors, Source::Between))
    }

    /// Given tensors as a direction, used exactly as they are; they are put in the order of
    /// `layout` and take its roles. Buffers that are not among them do not move, and what is fixed in `layout` never does.
    ///
    /// # Errors
    /// When names or shapes differ from those of `layout`, buffers and fixed tensors that are absent aside.
    pub fn from_tensors(
        tensors: Params,
        layout: &Params,
        source: Source,
    ) -> Result<Self, DirectionError> {
        let mut tensors = tensors.into_inner();
        let absent = |tensor: &&Parameter| {
            !tensor.is_free() && tensors.iter().all(|t| t.name != tensor.name)
        };
        let absent: Vec<Parameter> = layout.iter().filter(absent).cloned().collect();
        tensors.extend(absent.into_iter().map(|mut buffer| {
            buffer.data.fill(0.0);
            buffer
        }));
        let mut tensors = Params::new(tensors)?.conform(layout)?;
        hold(&mut tensors);
        Ok(Direction::raw(tensors, source))
    }

    /// The same direction with all buffers at rest.
    #[must_use]
    pub fn without_buffers(mut self) -> Self {
        for tensor in self.tensors.tensors_mut() {
            if tensor.role == Role::Buffer {
                tensor.data.fill(0.0);
            }
        }
        self
    }

    /// Scales the direction against `params`; see [`Normalization`] and [`BiasMode`] for the
    /// formulas. Norms are taken in f64, each value is rounded once.
    ///
    /// # Errors
    /// When the layouts differ.
    pub fn normalize(
        mut self,
        params: &Params,
        normalization: Normalization,
        bias: BiasMode,
    ) -> Result<Self, DirectionError> {
        params.same_layout(&self.tensors)?;
        normalize::apply(&mut self.tensors, params, normalization, bias);
        self.normalization = normalization;
        self.bias = bias;
        Ok(self)
    }

    /// Euclidean norm.
    pub fn norm(&self) -> f64 {
        self.tensors.norm()
    }

    /// Whether it moves anything, buffers among it, and is finite.
    pub fn moves(&self) -> bool {
        let numbers = || self.tensors.iter().flat_map(|tensor| &tensor.data);
        self.norm().is_finite() && numbers().all(|x| x.is_finite()) && numbers().any(|&x| x != 0.0)
    }

    /// Inner product with another direction.
    ///
    /// # Errors
    /// When the layouts differ.
    pub fn dot(&self, other: &Direction) -> Result<f64, DirectionError> {
        Ok(self.tensors.dot(&other.tensors)?)
    }

    /// Cosine of the angle to another direction; NaN when either has no length.
    ///
    /// # Errors
    /// When the layouts differ.
    pub fn cosine(&self, other: &Direction) -> Result<f64, DirectionError> {
        Ok(self.dot(other)? / (self.norm() * other.norm()))
    }

    pub(crate) fn raw(tensors: Params, source: Source) -> Self {
        Direction {
            tensors,
            source,
            normalization: Normalization::None,
            bias: BiasMode::Raw,
        }
    }
}

/// Keeps what is fixed where it is.
fn hold(tensors: &mut Params) {
    for tensor in { tensors.tensors_mut().iter_mut() }.filter(|tensor| tensor.fixed) {
        tensor.data.fill(0.0);
    }
}
