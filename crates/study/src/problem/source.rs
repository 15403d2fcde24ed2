use landscape_core::{path_text, text_path};
use landscape_models::{ModelSpec, ModelsError};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Which network, as one names it: a family with its settings, or a file that holds a program.
///
/// ```
/// use landscape_study::problem::ModelSource;
///
/// let named: ModelSource = "resnet20".parse()?;
/// assert!(matches!(named, ModelSource::Family(_)));
/// let file: ModelSource = "runs/net.pt2".parse()?;
/// assert_eq!(file, ModelSource::File("runs/net.pt2".into()));
/// # Ok::<(), landscape_models::ModelsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelSource {
    /// One of the built-in families.
    Family(ModelSpec),
    /// A program of `torch.export`, or an ONNX model.
    File(PathBuf),
}

impl ModelSource {
    /// What can be named, for help texts and messages.
    pub fn known() -> String {
        format!(
            "{}, FILE.pt2 (of torch.export.save), FILE.onnx",
            ModelSpec::KNOWN
        )
    }
}

impl From<ModelSpec> for ModelSource {
    fn from(spec: ModelSpec) -> Self {
        ModelSource::Family(spec)
    }
}

impl fmt::Display for ModelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModelSource::Family(spec) => spec.fmt(f),
            ModelSource::File(path) => f.write_str(&path_text(path)),
        }
    }
}

/// A word that names no family is a file where one lies there, or where it ends as names of files do.
impl FromStr for ModelSource {
    type Err = ModelsError;

    fn from_str(given: &str) -> Result<Self, ModelsError> {
        let path = text_path(given);
        match given.parse() {
            Ok(spec) => Ok(ModelSource::Family(spec)),
            Err(_) if is_file(&path) => Ok(ModelSource::File(path)),
            Err(ModelsError::UnknownModel { spec, .. }) => Err(ModelsError::UnknownModel {
                spec,
                known: ModelSource::known(),
            }),
            Err(error) => Err(error),
        }
    }
}

fn is_file(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    ["pt2", "onnx"].iter().any(|known| ending == *known) || path.is_file()
}
