use super::{Model, table};
use crate::StudyError;
use crate::record::DataSource;
use crate::report::Reporter;
use landscape_models::{DataSpec, Dataset, LossKind, ModelsError, Split, load};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Which data, and which loss.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataRequest {
    /// The data; those of the training run where absent.
    #[serde(with = "landscape_core::as_words::option")]
    pub data: Option<DataSpec>,
    /// The column of the targets, where the data are a table.
    pub target: Option<String>,
    /// Folder of the standard files of MNIST or CIFAR.
    #[serde(with = "landscape_core::as_words::path::option")]
    pub dir: Option<PathBuf>,
    /// The same for data that have files in a folder, where neither `dir` nor a training run names one.
    #[serde(with = "landscape_core::as_words::path::option")]
    pub usual_dir: Option<PathBuf>,
    /// Which part of them; for training where absent.
    #[serde(with = "landscape_core::as_words::option")]
    pub split: Option<Split>,
    /// The first samples in file order; all where absent.
    pub samples: Option<usize>,
    /// The loss; where absent that of the training run, else the one that suits network and data.
    #[serde(with = "landscape_core::as_words::option")]
    pub loss: Option<LossKind>,
    /// The data themselves, in the place of all that names some. Clones share the inputs.
    #[serde(skip)]
    pub memory: Option<Dataset>,
}

impl DataRequest {
    /// What was asked for, with the rest as a training run has it.
    ///
    /// # Errors
    /// [`StudyError::NoData`] where neither says it; [`StudyError::NoFolder`] for a folder that the data of the run do
    /// not lie in; [`StudyError::NoTable`] for a column of data that are not a table.
    pub fn source(&self, trained: Option<&DataSource>) -> Result<DataSource, StudyError> {
        if self.memory.is_some() {
            return Ok(DataSource::new(
                DataSpec::Memory,
                None,
                Split::default(),
                self.samples,
            ));
        }
        let (spec, dir, split, samples) = match (&self.data, trained) {
            (Some(spec), _) => (spec.clone(), None, Split::default(), None),
            (None, Some(stored)) => {
                if self.dir.is_some() && !stored.spec.reads_folder() {
                    return Err(StudyError::NoFolder {
                        data: stored.spec.to_string(),
                    });
                }
                let stored = stored.clone().found();
                (stored.spec, stored.dir, stored.split, stored.samples)
            }
            (None, None) => return Err(StudyError::NoData),
        };
        let spec = self.with_target(spec)?;
        let usual = self.usual_dir.clone().filter(|_| spec.reads_folder());
        Ok(DataSource::new(
            spec,
            self.dir.clone().or(dir).or(usual),
            self.split.unwrap_or(split),
            self.samples.or(samples),
        ))
    }
}

impl DataRequest {
    /// Reads the data that were found for it, or takes those in memory.
    ///
    /// # Errors
    /// Those of [`load_data`].
    pub fn load(&self, source: &DataSource) -> Result<Dataset, StudyError> {
        match (&self.memory, source.samples) {
            (Some(data), Some(samples)) => Ok(data.clone().take(samples)?),
            (Some(data), None) => Ok(data.clone()),
            (None, _) => load_data(source),
        }
    }

    /// The data with the column that is asked for.
    fn with_target(&self, mut spec: DataSpec) -> Result<DataSpec, StudyError> {
        let Some(column) = &self.target else {
            return Ok(spec);
        };
        match &mut spec {
            DataSpec::Table(table) => table.target = Some(column.clone()),
            other => {
                return Err(StudyError::NoTable {
                    data: other.to_string(),
                });
            }
        }
        match spec.to_string().parse() {
            Ok(same) if spec == same => Ok(spec),
            // It could not be written down.
            _ => Err(StudyError::ColumnName {
                column: column.clone(),
            }),
        }
    }
}

/// Reads the data.
///
/// # Errors
/// Those of [`load`], and of a table.
pub fn load_data(source: &DataSource) -> Result<Dataset, StudyError> {
    if let DataSpec::Table(table) = &source.spec {
        if source.split == Split::Test {
            return Err(StudyError::Models(ModelsError::BadData {
                spec: source.spec.to_string(),
                reason: "a table has no test split; use the split `train`".to_owned(),
            }));
        }
        let data = table::load(table)?;
        return match source.samples {
            Some(samples) => Ok(data.take(samples)?),
            None => Ok(data),
        };
    }
    Ok(load(
        &source.spec,
        source.dir.as_deref(),
        source.split,
        source.samples,
    )?)
}

/// The loss that is measured, and why it is this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LossChoice {
    /// The loss.
    pub kind: LossKind,
    /// Why it is this one, after "for"; nothing where it was asked for.
    pub reason: Option<&'static str>,
}

impl LossChoice {
    /// Whether it was asked for.
    pub fn is_given(self) -> bool {
        self.reason.is_none()
    }
}

/// The samples that count, and the loss: the one that is given, else that of a training run, else the one that network
/// and targets suggest ([`LossKind::suggested`]), which is said: to those who ask for more where anyone would expect it.
///
/// # Errors
/// Where memory does not do, and those of [`Dataset::counted_by`].
pub fn with_loss(
    data: Dataset,
    model: &Model,
    (given, trained): (Option<LossKind>, Option<LossKind>),
    reporter: &dyn Reporter,
) -> Result<(Dataset, LossChoice), StudyError> {
    let of = |kind, reason| LossChoice { kind, reason };
    let given = given.map(|kind| of(kind, None));
    let known = given.or(trained.map(|kind| of(kind, Some("the training run"))));
    for note in data.notes() {
        reporter.note(format_args!("{}: {note}", data.name()));
    }
    let loss = known.unwrap_or_else(|| suggested(&data, model, reporter));
    if !model.takes_integers() && are_bytes(data.x()) {
        reporter.note(
            "the inputs are whole numbers from 0 to 255, like bytes of images, and are used as they are; most \
             networks are trained on values divided by 255, for which `:scale=1/255` is added to the name of the file",
        );
    }
    let samples = data.len();
    model.plan_samples(samples, reporter)?;
    let (data, ignored) = data.counted_by(loss.kind)?;
    if ignored > 0 {
        reporter.note(format_args!(
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

fn suggested(data: &Dataset, model: &Model, reporter: &dyn Reporter) -> LossChoice {
    let found = model.suggested_loss(data);
    let (kind, reason) = (found.kind, found.reason);
    let words = format!("loss: {kind}, for {reason}; name a loss to choose another");
    match found.usual {
        true => reporter.detail(words),
        false => reporter.note(words),
    }
    LossChoice {
        kind,
        reason: Some(reason),
    }
}
