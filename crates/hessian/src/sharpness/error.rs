use super::LossError;
use crate::products::ProductError;
use crate::trace::TraceError;

/// Why a sharpness was not measured.
#[derive(Debug, thiserror::Error)]
pub enum SharpnessError {
    /// The point does not have the loss's number of parameters.
    #[error("a point of {given} entries does not fit a loss of {dim} parameters")]
    Dimension {
        /// Parameters of the loss.
        dim: usize,
        /// Entries of the point.
        given: usize,
    },
    /// The point is not finite.
    #[error("entry {index} of the point is {value}")]
    PointNotFinite {
        /// The first such entry.
        index: usize,
        /// What it is.
        value: f64,
    },
    /// The loss at the point itself is NaN or infinite: there is nothing to compare with.
    #[error("the loss at the point is {loss}; sharpness is measured at points of finite loss")]
    LossNotFinite {
        /// The loss.
        loss: f64,
    },
    /// A gradient has another length than the point, or is not finite.
    #[error("a gradient has {given} finite entries for {dim} parameters")]
    Gradient {
        /// Parameters of the loss.
        dim: usize,
        /// Finite entries of the gradient.
        given: usize,
    },
    /// An accuracy is asked for, but the loss has none.
    #[error(
        "the loss has no accuracy that could fall; bound the rise of the loss instead, or give the \
         accuracy of a classification"
    )]
    NoAccuracy,
    /// The losses, or accuracies, are not as many as the points.
    #[error("{given} losses or accuracies came back for {points} points")]
    Losses {
        /// Points given.
        points: usize,
        /// Losses given back.
        given: usize,
    },
    /// A radius is not positive and finite.
    #[error("the radius {given} is not a positive, finite number")]
    Radius {
        /// What was given.
        given: f64,
    },
    /// No step of ascent is allowed.
    #[error("0 steps of ascent find nothing; give at least 1, usually 20")]
    Steps,
    /// No start of ascent is allowed.
    #[error("0 starts of ascent find nothing; give at least 1")]
    Starts,
    /// The subspace is empty or larger than the space.
    #[error("a subspace of {given} dimensions is empty or larger than {dim} parameters")]
    Subspace {
        /// Dimensions asked for.
        given: usize,
        /// Parameters of the loss.
        dim: usize,
    },
    /// Too few samples for an error.
    #[error("{given} samples are too few for a mean and its error; at least 2 are needed")]
    Samples {
        /// What was given.
        given: usize,
    },
    /// No point is evaluated at once.
    #[error("a block of 0 points does no work; give at least 1")]
    Block,
    /// A target or tolerance is not a positive share.
    #[error("{given} is not a positive fraction; give for example 0.01")]
    Share {
        /// What was given.
        given: f64,
    },
    /// ASAM's constant is not positive.
    #[error("ASAM's eta {given} is not a positive, finite number; 0.01 is usual")]
    Eta {
        /// What was given.
        given: f64,
    },
    /// The rise asked for is not positive.
    #[error(
        "the rise of the loss, or the fall of the accuracy, {given} is not a positive, finite number; 0.1 is \
         usual"
    )]
    Rise {
        /// What was given.
        given: f64,
    },
    /// The loss does not rise by as much.
    #[error(
        "noise of standard deviation {sigma} raises the loss, or lowers the accuracy, by only {rise}; \
         ask for a smaller change"
    )]
    NoRise {
        /// The largest standard deviation tried.
        sigma: f64,
        /// The rise there.
        rise: f64,
    },
    /// The loss is not split into enough mini-batches.
    #[error("m-sharpness is a mean over mini-batches and needs at least 2, but there are {given}")]
    Batches {
        /// Mini-batches of the loss.
        given: usize,
    },
    /// The parameters are not described.
    #[error("the loss does not say which tensors its parameters are; this measure needs them")]
    NoTensors,
    /// A tensor is not among the parameters.
    #[error("there is no tensor `{name}`; there are {}", known.join(", "))]
    UnknownTensor {
        /// What was asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A tensor does not fit the parameters, or its shape does not fit its entries.
    #[error("tensor `{name}` of shape {shape:?} does not fit its entries among the parameters")]
    TensorLayout {
        /// Its name.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// A tensor has no rows and columns.
    #[error("tensor `{name}` of shape {shape:?} is not the weight of a layer")]
    NotAMatrix {
        /// Its name.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// A quadratic form that cannot be negative is.
    #[error("theta^T F theta is {form}: the operator is not a Fisher matrix")]
    Negative {
        /// Its value.
        form: f64,
    },
    /// A learning rate is not positive.
    #[error("the learning rate {given} is not a positive, finite number")]
    LearningRate {
        /// What was given.
        given: f64,
    },
    /// A momentum is not a share.
    #[error("the momentum {given} is not in [0, 1)")]
    Momentum {
        /// What was given.
        given: f64,
    },
    /// The loss could not be evaluated.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// A product could not be had.
    #[error(transparent)]
    Product(#[from] ProductError),
    /// A trace could not be estimated.
    #[error(transparent)]
    Trace(#[from] TraceError),
}
