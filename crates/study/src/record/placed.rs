use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A network on a line or plane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlacedNetwork {
    /// What it is called in figures.
    pub name: String,
    /// Its file, where it has one.
    #[serde(default, with = "landscape_core::as_words::path::option")]
    pub file: Option<PathBuf>,
    /// Its coordinates, one an axis.
    pub at: Vec<f64>,
}

/// The name of a file without its folder and ending.
pub fn stem(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or(file.as_os_str());
    stem.to_string_lossy().into_owned()
}
