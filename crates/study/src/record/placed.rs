use landscape_core::{path_text, text_path};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A network on a line or plane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlacedNetwork {
    /// What it is called in figures.
    pub name: String,
    /// Its file, where it has one.
    #[serde(default, with = "path")]
    pub file: Option<PathBuf>,
    /// Its coordinates, one an axis.
    pub at: Vec<f64>,
}

/// The name of a file without its folder and ending.
pub fn stem(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or(file.as_os_str());
    stem.to_string_lossy().into_owned()
}

/// Paths as text, see [`path_text`].
pub mod path {
    use super::{PathBuf, path_text, text_path};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
        path.as_deref().map(path_text).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.map(|text| text_path(&text)))
    }
}

/// The same for several.
pub mod paths {
    use super::{PathBuf, path_text, text_path};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(paths: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(paths.iter().map(|path| path_text(path)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PathBuf>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        Ok(texts.iter().map(|text| text_path(text)).collect())
    }
}
