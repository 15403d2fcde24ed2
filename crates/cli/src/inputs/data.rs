use super::plan_samples;
use crate::args::{DataArgs, no_effect};
use crate::error::CliError;
use crate::output::{Console, Typed};
use landscape_core::{path_text, text_path};
use landscape_models::{DataSpec, Dataset, LossKind, ModelSpec, Split, load};
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

    /// A command to suggest, with the options that ask for these data.
    pub fn asked(&self, typed: Typed) -> Typed {
        let mut typed = typed.option("--data", text_path(&self.spec.to_string()));
        if let Some(dir) = &self.dir {
            typed = typed.option("--data-dir", dir);
        }
        if self.split != Split::default() {
            typed = typed.option("--split", self.split.name());
        }
        match self.samples {
            Some(samples) => typed.option("--samples", samples.to_string()),
            None => typed,
        }
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

/// The loss that is measured, and why it is this one.
#[derive(Debug, Clone, Copy)]
pub struct LossChoice {
    pub kind: LossKind,
    pub reason: &'static str,
}

/// The reason of a loss that was asked for.
const GIVEN: &str = "--loss";

impl LossChoice {
    /// Whether it was asked for.
    pub fn is_given(self) -> bool {
        self.reason == GIVEN
    }

    /// Adds it to what a command prints as JSON.
    pub fn add_to(self, report: &mut Value) {
        report["loss_function"] = json!(self.kind.name());
        report["loss_reason"] = json!(self.reason);
    }
}

/// The samples that count, and the loss: the one that is given, else that of a training run, else the one that network
/// and targets suggest ([`LossKind::suggested`]), which is said: to those who ask for more where anyone would expect it.
pub fn with_loss(
    data: Dataset,
    spec: &ModelSpec,
    (given, trained): (Option<LossKind>, Option<LossKind>),
    console: &Console,
) -> Result<(Dataset, LossChoice), CliError> {
    let of = |kind, reason| LossChoice { kind, reason };
    let given = given.map(|kind| of(kind, GIVEN));
    let known = given.or(trained.map(|kind| of(kind, "the training run")));
    let loss = known.unwrap_or_else(|| suggested(&data, spec, console));
    if are_bytes(data.x()) {
        console.note(
            "the inputs are whole numbers from 0 to 255, as bytes of images are, and are taken as they are; most \
             networks are trained with them divided by 255",
        );
    }
    let samples = data.len();
    plan_samples(spec, samples, console)?;
    let (data, ignored) = data.counted_by(loss.kind)?;
    if ignored > 0 {
        console.note(format_args!(
            "{ignored} of {samples} samples have the label -100 and are left out, as PyTorch's cross-entropy does"
        ));
    }
    Ok((data, loss))
}

/// Whether inputs look like bytes of images.
fn are_bytes(inputs: &[f32]) -> bool {
    let byte = |&value: &f32| value.fract() == 0.0 && (0.0..=255.0).contains(&value);
    inputs.iter().any(|&value| value > 127.0) && inputs.iter().all(byte)
}

fn suggested(data: &Dataset, spec: &ModelSpec, console: &Console) -> LossChoice {
    let found = LossKind::suggested(spec.outputs(), data.y());
    let (kind, reason) = (found.kind, found.reason);
    let words = format!("loss: {kind}, for {reason}; --loss chooses another");
    match found.usual {
        true => console.detail(words),
        false => console.note(words),
    }
    LossChoice { kind, reason }
}
