//! What can go wrong, with what, where and the remedy in each message.

mod get;

pub use get::GetError;
pub use landscape_files::PickleError;

use landscape_core::{ParamsError, counted, path_words};
use std::path::PathBuf;

/// Every failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// The word before the colon names no family of networks.
    #[error("unknown network `{spec}`; known: {known}")]
    UnknownModel {
        /// What was asked for.
        spec: String,
        /// The networks that exist, for the message.
        known: String,
    },
    /// The family is known and what follows its name makes no sense.
    #[error("network `{spec}`: {reason}")]
    BadModel {
        /// What was asked for.
        spec: String,
        /// The rule that it breaks.
        reason: String,
    },
    /// The parameters are not those of the network.
    #[error("parameters for {model}: {source}")]
    Layout {
        /// The network.
        model: String,
        /// What is missing, unexpected or of another shape.
        source: ParamsError,
    },

    /// The word names no data set.
    #[error("unknown data `{spec}`; known: {known}")]
    UnknownData {
        /// What was asked for.
        spec: String,
        /// The data sets that exist, for the message.
        known: &'static str,
    },
    /// A known data set with settings that make no sense.
    #[error("data `{spec}`: {reason}")]
    BadData {
        /// What was asked for.
        spec: String,
        /// The rule that it breaks, and the remedy.
        reason: String,
    },
    /// The data set's files are not where they were looked for.
    #[error("{what} not found; looked for {}; {remedy}", list(looked))]
    DataNotFound {
        /// The file that is missing.
        what: String,
        /// Every path that was tried.
        looked: Vec<PathBuf>,
        /// What to do.
        remedy: String,
        /// The name of the data set, whose files [`crate::data::get`] can download.
        set: &'static str,
    },
    /// There are no samples.
    #[error("data {name} is empty: at least one sample of at least one value is needed")]
    EmptyData {
        /// The data set.
        name: String,
    },
    /// More samples are asked for than there are.
    #[error("data {name} has {}, but {asked} asked for; ask for at most {available}", counted(*available, "sample"))]
    TooFewSamples {
        /// The data set.
        name: String,
        /// How many were asked for.
        asked: usize,
        /// How many there are.
        available: usize,
    },
    /// Shapes of inputs and targets disagree with each other or with their values.
    #[error("data {name}: {reason}")]
    DataShape {
        /// The data set.
        name: String,
        /// What disagrees.
        reason: String,
    },
    /// An input or target is NaN or infinite.
    #[error("data {name}: {tensor} of sample {sample} is {value}; remove or correct that sample")]
    NotFinite {
        /// The data set.
        name: String,
        /// The input, as `x`, or `y`.
        tensor: String,
        /// Number of the sample, from 0.
        sample: usize,
        /// The value.
        value: f32,
    },
    /// A label names no class.
    #[error(
        "data {name}: label {label} of sample {sample} is outside the {classes} classes 0 to {}; \
         correct the label, or use a network with more outputs",
        classes.saturating_sub(1)
    )]
    Label {
        /// The data set.
        name: String,
        /// Number of the sample, from 0.
        sample: usize,
        /// The label.
        label: i64,
        /// Number of classes: the network's outputs.
        classes: usize,
    },
    /// Labels that begin at 1.
    #[error(
        "data {name}: its labels run from 1 to {classes}, but classes are counted from 0; \
         subtract 1 from each label"
    )]
    OneBased {
        /// The data set.
        name: String,
        /// Number of classes: the network's outputs.
        classes: usize,
    },
    /// The targets do not suit the loss.
    #[error("data {name} does not suit the loss {loss}: {reason}")]
    Targets {
        /// The data set.
        name: String,
        /// The loss.
        loss: &'static str,
        /// What is wrong, and the remedy.
        reason: String,
    },
    /// The inputs are of another size than the network takes.
    #[error(
        "network {model} takes {} inputs per sample, but data {name} has {}",
        by(expected),
        by(found)
    )]
    Inputs {
        /// The network.
        model: String,
        /// The data set.
        name: String,
        /// Inputs that the network takes: their number, or channels, height and width of an image.
        expected: Vec<usize>,
        /// Lengths of the axes of one sample.
        found: Vec<usize>,
    },
    /// A language model was given no tokens, or others than it knows; or another network was given tokens.
    #[error("network {model} does not take data {name}: {reason}")]
    Tokens {
        /// The network.
        model: String,
        /// The data set.
        name: String,
        /// What does not fit, where, and the remedy.
        reason: String,
    },
    /// A network with one input was given data with several.
    #[error(
        "network {model} takes one input, but data {name} has {}: {}; name one, as in FILE:x=ARRAY,y=ARRAY",
        inputs.len(),
        inputs.join(", ")
    )]
    SeveralInputs {
        /// The network.
        model: String,
        /// The data set.
        name: String,
        /// The names of the inputs.
        inputs: Vec<String>,
    },
    /// `bce` was given values that are not probabilities.
    #[error(
        "the loss bce needs outputs in [0, 1], but output {value} of sample {sample} is not; \
         use bce-with-logits for a network without a final sigmoid"
    )]
    Probability {
        /// Number of the sample, from 0.
        sample: usize,
        /// The output.
        value: f32,
    },

    /// A setting of the training breaks its rule.
    #[error("training: {field} is {value}: {rule}")]
    BadTraining {
        /// The setting.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        rule: &'static str,
    },

    /// A training cannot go on from a state.
    #[error("training cannot continue from its stored state: {reason}; train from the start")]
    BadState {
        /// What is wrong with it.
        reason: String,
    },

    /// The words name no schedule of the learning rate, or one with settings that make no sense.
    #[error("learning-rate schedule `{given}`: {reason}")]
    BadSchedule {
        /// What was asked for.
        given: String,
        /// The rule that it breaks.
        reason: String,
    },

    /// The file could not be opened, read or written.
    #[error("cannot {action} {}: {source}", path_words(path))]
    Io {
        /// `read`, `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not what its name or place says, or it is cut short.
    #[error("{} is corrupt: {reason}; get the file again", path_words(path))]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A well-formed file holds something that is not supported.
    #[error("{}: {reason}", path_words(path))]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is not supported, and the remedy.
        reason: String,
    },
    /// A file holds more than its length lets expect.
    #[error("{}: {source}", path_words(path))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How much, and the remedy.
        source: landscape_files::TooLarge,
    },
    /// A PyTorch checkpoint that is not read.
    #[error(
        "{} is not a PyTorch checkpoint that can be read: {source}",
        path_words(path)
    )]
    Pickle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and the remedy.
        source: PickleError,
    },
    /// A weight is NaN or infinite.
    #[error(
        "{}: `{tensor}` at {index:?} is {value}, and {} of {total} values are not finite; \
         use a checkpoint from before the training diverged",
        path_words(path),
        count
    )]
    WeightNotFinite {
        /// The file.
        path: PathBuf,
        /// The first such tensor.
        tensor: String,
        /// Where in it the first such value is.
        index: Vec<usize>,
        /// The value.
        value: f32,
        /// Values of the tensor that are not finite.
        count: usize,
        /// Values of the tensor.
        total: usize,
    },
    /// A batch has a single sample, which leaves a BatchNorm layer one value per channel.
    #[error(
        "a batch holds one sample (samples: {samples}, batch size: {batch}): BatchNorm layer `{layer}` would see one value \
         per channel, which has no variance; give another batch size or number of samples"
    )]
    BatchOfOne {
        /// The layer.
        layer: String,
        /// Number of samples.
        samples: usize,
        /// Samples a batch.
        batch: usize,
    },
    /// A running variance is negative.
    #[error(
        "{}: `{tensor}` at {index:?} is {value}, but a variance cannot be negative: every loss would be \
         NaN; re-estimate the statistics, or use another checkpoint",
        path_words(path)
    )]
    NegativeVariance {
        /// The file.
        path: PathBuf,
        /// The first such tensor.
        tensor: String,
        /// Where in it the first such value is.
        index: Vec<usize>,
        /// The value.
        value: f32,
    },
    /// Several networks of a file fit, and nothing tells which is meant.
    #[error(
        "{} holds several networks that fit {model}: {}; name the one that is wanted after the file, as in FILE:{}, or \
         save it by itself: torch.save({expression}, OTHER)",
        path_words(path),
        first_of(names),
        names.first().map_or("KEY", String::as_str)
    )]
    Several {
        /// The file.
        path: PathBuf,
        /// The network.
        model: String,
        /// Their keys.
        names: Vec<String>,
        /// The first of them, in Python.
        expression: String,
    },
    /// A key of a file leads to no dictionary, or to several.
    #[error(
        "{} has no single dictionary of tensors under `{key}`; there are: {}",
        path_words(path),
        words_of(keys)
    )]
    NoKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The keys that there are.
        keys: Vec<String>,
    },
    /// The words name no renaming.
    #[error("renaming `{given}`: {reason}")]
    BadRename {
        /// What was asked for.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file has parameters alone, and the network has running statistics too.
    #[error(
        "{} has the parameters of {model} but none of its {buffers} running statistics, like the result of \
         named_parameters(); save the whole state: torch.save(model.state_dict(), FILE)",
        path_words(path)
    )]
    NoStatistics {
        /// The file.
        path: PathBuf,
        /// The network.
        model: String,
        /// Tensors of statistics that the network has.
        buffers: usize,
    },
    /// A file's tensors fit by their shapes, and nothing tells their order.
    #[error(
        "{} has tensors with the shapes of {model} under other names, and the order of {names}, which have equal shapes, \
         is not known; give them the network's names",
        path_words(path)
    )]
    Unordered {
        /// The file.
        path: PathBuf,
        /// The network.
        model: String,
        /// The layers in question.
        names: String,
    },
    /// A tensor follows from others by a rule that is not in the file.
    #[error(
        "{}: `{name}` belongs to a parametrisation whose rule is not in the file (weight norm and spectral norm are \
         known); fold it before saving: torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight')",
        path_words(path)
    )]
    Parametrized {
        /// The file.
        path: PathBuf,
        /// One of its tensors.
        name: String,
    },
    /// A checkpoint's tensors are not those of the network.
    #[error(
        "{} does not fit {model}{}: {source}{}{}",
        path_words(path),
        fits.as_ref().map(|name| format!(" but {name}")).unwrap_or_default(),
        outputs.map(|outputs| format!("; its network has {outputs} outputs")).unwrap_or_default(),
        renamed
            .as_ref()
            .map(|pair| (&pair.0, &pair.1))
            .map(|(wanted, found)| format!("; `{found}` has the shape of `{wanted}`"))
            .unwrap_or_default()
    )]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// The network.
        model: String,
        /// The network whose tensors they are, where it is known.
        fits: Option<String>,
        /// How many outputs the file's network has, where it differs in that alone.
        outputs: Option<usize>,
        /// A missing tensor, and an unexpected one that could be the same under another name.
        renamed: Option<Box<(String, String)>>,
        /// What is missing, unexpected or of another shape.
        source: Box<ParamsError>,
    },
    /// A data set's files could not be downloaded.
    #[error(transparent)]
    Get(#[from] GetError),
    /// The network's loss could not be traced.
    #[error(transparent)]
    Trace(#[from] landscape_trace::TraceError),
    /// A step was done, and what was to be made of its update was not.
    #[error("the update of a step: {source}")]
    Update {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The first few of a list of names, as they are.
fn first_of(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The first few of a list of keys.
fn words_of(keys: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<String> = { keys.iter().take(SHOWN) }
        .map(|key| format!("`{key}`"))
        .collect();
    match keys.len().saturating_sub(SHOWN) {
        0 if shown.is_empty() => "none".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// `3x32x32`
fn by(shape: &[usize]) -> String {
    let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
    lengths.join("x")
}

fn list(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|p| path_words(p)).collect();
    shown.join(", ")
}

impl ModelsError {
    /// What it is about: a file, data, or the name of a network, as the message shows it; nothing where it is about
    /// none of them.
    pub fn place(&self) -> Option<String> {
        use ModelsError as E;
        match self {
            E::UnknownModel { spec, .. }
            | E::BadModel { spec, .. }
            | E::UnknownData { spec, .. }
            | E::BadData { spec, .. } => Some(spec.clone()),
            E::EmptyData { name }
            | E::TooFewSamples { name, .. }
            | E::DataShape { name, .. }
            | E::NotFinite { name, .. }
            | E::Label { name, .. }
            | E::OneBased { name, .. }
            | E::Targets { name, .. }
            | E::SeveralInputs { name, .. }
            | E::Tokens { name, .. }
            | E::Inputs { name, .. } => Some(name.clone()),
            E::DataNotFound { looked, .. } => looked.first().map(|path| path_words(path)),
            E::Io { path, .. }
            | E::Corrupt { path, .. }
            | E::Unsupported { path, .. }
            | E::TooLarge { path, .. }
            | E::Pickle { path, .. }
            | E::WeightNotFinite { path, .. }
            | E::NegativeVariance { path, .. }
            | E::NoKey { path, .. }
            | E::Several { path, .. }
            | E::NoStatistics { path, .. }
            | E::Unordered { path, .. }
            | E::Parametrized { path, .. }
            | E::Checkpoint { path, .. }
            | E::Get(GetError::Io { path, .. }) => Some(path_words(path)),
            _ => None,
        }
    }

    pub(crate) fn read(path: &std::path::Path, source: std::io::Error) -> Self {
        ModelsError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        }
    }

    /// What is wrong with a file, or with the part of it that `what` names.
    pub(crate) fn file(
        path: &std::path::Path,
        what: &str,
        error: landscape_files::FileError,
    ) -> Self {
        use landscape_files::FileError;
        match error {
            FileError::Io(source) => ModelsError::read(path, source),
            FileError::TooLarge(source) => ModelsError::TooLarge {
                path: path.to_owned(),
                source,
            },
            FileError::Unsupported(reason) => {
                ModelsError::unsupported(path, format!("{what} {reason}"))
            }
            error => ModelsError::corrupt(path, format!("{what} {error}")),
        }
    }

    pub(crate) fn corrupt(path: &std::path::Path, reason: impl Into<String>) -> Self {
        ModelsError::Corrupt {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    pub(crate) fn unsupported(path: &std::path::Path, reason: impl Into<String>) -> Self {
        ModelsError::Unsupported {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}
