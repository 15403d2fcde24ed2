//! What can go wrong between a module and its objective.

use thiserror::Error;

/// The most threads that are started: more are a typing mistake, and take minutes to start.
pub const MOST_THREADS: usize = 1024;

/// Errors of this crate.
#[derive(Debug, Error)]
pub enum TraceError {
    /// Burn could not finish the capture.
    #[error("the module and its loss could not be captured: {0}")]
    Capture(String),
    /// The loss closure, or the module in it, panicked.
    #[error(
        "the loss panicked while it was recorded: {0}; the closure must not read the values of tensors or \
         move them to another device"
    )]
    Panicked(String),
    /// A part of the loss is not on the device of the module and the inputs that the closure was given.
    #[error(
        "{0} is on another device than what the loss closure was given; compute it from the closure's own \
         arguments"
    )]
    Elsewhere(String),
    /// A BatchNorm layer that is to measure its samples meets one value per channel.
    #[error(
        "BatchNorm layer `{layer}` sees one value per channel, which has no variance; give more than one sample, \
         or keep the running statistics (frozen)"
    )]
    OneValue {
        /// The layer.
        layer: String,
    },
    /// A weight of a struct named `Linear` that is not laid out as Burn's.
    #[error(
        "parameter `{name}` is held by a struct named `Linear`, whose weight would be [inputs, outputs] as in Burn's, \
         but the loss uses its transpose; give the struct another name, and the weight keeps its layout"
    )]
    Transposed {
        /// Its name.
        name: String,
    },
    /// Activations of units can't be read sample by sample.
    #[error(
        "the activations of {groups} can't be read sample by sample{}; align by weights",
        if *.mixed { ": the loss mixes its samples before their mean" } else { "" }
    )]
    NoActivations {
        /// The groups of units, by the layers that make them.
        groups: String,
        /// Whether the loss mixes its samples, see [`crate::Trace::mixes_samples`].
        mixed: bool,
    },
    /// An adapter does not fit the loss.
    #[error("the weight `{weight}`, for which there is an adapter (LoRA), {reason}")]
    Adapter {
        /// The weight.
        weight: String,
        /// Why, after its name.
        reason: &'static str,
    },
    /// Batches can't be drawn from the data of a loss.
    #[error("batches of samples can't be drawn from the data of this loss: {reason}")]
    NoBatches {
        /// Why.
        reason: String,
    },
    /// A batch of another length than was planned.
    #[error("a batch has {expected} {what} here, and {found} were given")]
    BatchLength {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// A whole number that f32, in which graphs are computed, does not hold.
    #[error(
        "the whole number {value} can't be held exactly: whole numbers above 2^24 (16777216) are rounded; \
         number labels and indices from 0, without gaps"
    )]
    Integer {
        /// The number.
        value: i64,
    },
    /// The module or the loss uses an operation that the executors do not have.
    #[error(
        "operation `{operation}` is not supported by the executors; use `DirectObjective`, which \
         evaluates the module itself at every point (slow, but always possible)"
    )]
    Unsupported {
        /// The operation, as Burn recorded it.
        operation: String,
    },
    /// An operation of a [`TraceBuilder`](crate::TraceBuilder) that does not fit its values.
    #[error("`{operation}`: {problem}")]
    Build {
        /// The operation.
        operation: &'static str,
        /// What does not fit.
        problem: String,
    },
    /// An operation whose derivatives are not known.
    #[error(
        "`{operation}` has no second derivatives here; curvature needs the operations that the documentation lists"
    )]
    NoDerivative {
        /// The operation.
        operation: &'static str,
    },
    /// A value of more than 8 axes.
    #[error("a value has {rank} axes; 8 are supported")]
    Rank {
        /// Number of axes.
        rank: usize,
    },
    /// The inputs do not agree on the number of samples, or there are none.
    #[error(
        "inputs must share their first axis, the samples, and have at least one; found lengths {lengths:?}"
    )]
    Samples {
        /// Length of axis 0 of every input.
        lengths: Vec<usize>,
    },
    /// The loss is neither one number nor one a sample.
    #[error(
        "the loss has shape {shape:?}; it must be one number, or one (or equally many) for each of the {samples} samples"
    )]
    LossShape {
        /// Shape of the loss.
        shape: Vec<usize>,
        /// Number of samples.
        samples: usize,
    },
    /// The loss does not depend on any parameter.
    #[error("the loss does not depend on any of the module's parameters")]
    NoParameters,
    /// Parameters do not fit the module.
    #[error("the parameters do not fit the module:{}", list(.missing, .unexpected, .misshaped))]
    Layout {
        /// Names that the module has and the parameters lack.
        missing: Vec<String>,
        /// Names that the parameters have and the module lacks.
        unexpected: Vec<String>,
        /// Names with another shape: (name, shape in the module, shape in the parameters).
        misshaped: Vec<(String, Vec<usize>, Vec<usize>)>,
    },
    /// A vector or a point of another length than there are trainable parameters.
    #[error("there are {expected} trainable parameters, but {found} numbers were given")]
    Length {
        /// Trainable parameters.
        expected: usize,
        /// Numbers that were given.
        found: usize,
    },
    /// A parameter is not of 32-bit floats.
    #[error("parameter `{name}` could not be read as f32: {reason}")]
    Parameter {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// Parameters could not be assembled.
    #[error(transparent)]
    Params(#[from] landscape_core::ParamsError),
    /// A plane could not be made.
    #[error(transparent)]
    Plane(#[from] landscape_core::PlaneError),
    /// A direction could not be made.
    #[error(transparent)]
    Direction(#[from] landscape_core::DirectionError),
    /// A loss could not be evaluated.
    #[error(transparent)]
    Evaluation(landscape_core::ObjectiveError),
    /// The threads of the host executor could not be started.
    #[error("the threads of the executor could not be started")]
    Threads(#[source] rayon::ThreadPoolBuildError),
    /// More threads than anyone wants.
    #[error(
        "{given} threads are too many: at most {} are started; 0 means one per core",
        MOST_THREADS
    )]
    TooManyThreads {
        /// What was asked for.
        given: usize,
    },
    /// A device that this machine does not have, or that can't be opened.
    #[error("device `{device}` is not there: {reason}")]
    NoDevice {
        /// The device.
        device: String,
        /// What is missing.
        reason: String,
    },
    /// A device does not compute in the numbers that were asked for.
    #[error("device `{device}` does not compute in {precision}")]
    Precision {
        /// The device.
        device: String,
        /// Name of the numbers.
        precision: &'static str,
    },
    /// A device failed.
    #[error("device {device} failed: {reason}")]
    Device {
        /// The device.
        device: String,
        /// What it said.
        reason: String,
    },
    /// Every one of several devices failed.
    #[error("every device failed: {}", each(failures))]
    Devices {
        /// The devices, and what they said.
        failures: Vec<(String, String)>,
    },
}

fn each(failures: &[(String, String)]) -> String {
    let words = failures
        .iter()
        .map(|(device, reason)| format!("{device}: {reason}"));
    words.collect::<Vec<_>>().join("; ")
}

fn list(
    missing: &[String],
    unexpected: &[String],
    misshaped: &[(String, Vec<usize>, Vec<usize>)],
) -> String {
    let mut text = String::new();
    for (what, names) in [("missing", missing), ("unexpected", unexpected)] {
        if !names.is_empty() {
            text += &format!(" {what}: {};", names.join(", "));
        }
    }
    for (name, expected, found) in misshaped {
        text += &format!(" {name}: expected shape {expected:?}, found {found:?};");
    }
    text
}
