use crate::args::{DataArgs, no_effect};
use crate::error::CliError;
use landscape_core::{path_text, text_path};
use landscape_models::{DataSpec, Dataset, LossKind, ModelSpec, Split, Targets, load};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Which data are meant, in words that can be stored and read again.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub spec: DataSpec,
    pub dir: Option<PathBuf>,
    pub split: Split,
    pub samples: Option<usize>,
}

impl Source {
    /// What was asked for, with the rest taken from a training run.
    pub fn new(args: &DataArgs, trained: Option<&Value>) -> Result<Self, CliError> {
        let Some(spec) = args.data.clone() else {
            let stored = trained.and_then(Source::from_json);
            return match stored {
                Some(stored) => stored.changed(args),
                None => Err(CliError::Missing {
                    what: "--data",
                    remedy: "give the data, for example --data moons or --data mnist-1k",
                }),
            };
        };
        Ok(Source {
            spec,
            dir: args.data_dir.clone(),
            split: args.split.unwrap_or_default(),
            samples: args.samples,
        })
    }

    fn changed(mut self, args: &DataArgs) -> Result<Self, CliError> {
        if args.data_dir.is_some() && !self.spec.reads_folder() {
            let why = format!(
                "the data of the run, {}, are not files in a folder",
                self.spec
            );
            return Err(no_effect("data_dir", &why, None));
        }
        self.dir = args.data_dir.clone().or(self.dir);
        self.split = args.split.unwrap_or(self.split);
        self.samples = args.samples.or(self.samples);
        Ok(self)
    }

    /// For the provenance of a run.
    pub fn to_json(&self) -> Value {
        json!({
            "spec": self.spec.to_string(),
            "dir": self.dir.as_deref().map(path_text),
            "split": self.split.name(),
            "samples": self.samples,
            "pixels": self.spec.preprocessing(),
        })
    }

    /// From the provenance of a run.
    fn from_json(value: &Value) -> Option<Self> {
        let word = |name: &str| value.get(name).and_then(Value::as_str);
        Some(Source {
            spec: word("spec")?.parse().ok()?,
            dir: word("dir").map(text_path),
            split: word("split")?.parse().ok()?,
            samples: value
                .get("samples")
                .and_then(Value::as_u64)
                .map(|n| n as usize),
        })
    }
}

/// Reads the data.
pub fn load_data(source: &Source) -> Result<Dataset, CliError> {
    Ok(load(
        &source.spec,
        source.dir.as_deref(),
        source.split,
        source.samples,
    )?)
}

/// The loss that network and data suggest: cross-entropy for classes and several outputs, the
/// binary one for classes or probabilities 0 and 1 and one output, else the squared error.
pub fn default_loss(spec: &ModelSpec, data: &Dataset) -> LossKind {
    let outputs = spec.outputs();
    match data.y() {
        Targets::Classes(_) if outputs > 1 => LossKind::CrossEntropy,
        Targets::Classes(_) => LossKind::BceWithLogits,
        Targets::Values { data, .. }
            if outputs == 1 && data.iter().all(|&v| v == 0.0 || v == 1.0) =>
        {
            LossKind::BceWithLogits
        }
        Targets::Values { .. } => LossKind::Mse,
    }
}
