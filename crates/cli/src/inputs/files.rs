use crate::error::CliError;
use crate::output::quoted;
use landscape_study::StudyError;
use std::fs;
use std::path::{Path, PathBuf};

/// The files that a pattern matches, in the order of their names; numbers in names count as numbers.
pub fn matching(pattern: &str) -> Result<Vec<PathBuf>, CliError> {
    let wrong = |what: String| CliError::Conflict {
        what,
        remedy: "give a pattern such as --checkpoints 'run/epoch_*.safetensors'".to_owned(),
    };
    let found = glob::glob(pattern)
        .map_err(|error| wrong(format!("`{pattern}` is not a pattern: {error}")))?;
    if let Some(path) = unmatched(pattern) {
        return Err(CliError::Conflict {
            what: format!(
                "{} matches `{pattern}`, and patterns find names that are UTF-8 only",
                quoted(path.as_os_str())
            ),
            remedy: "rename the file, or move it elsewhere".to_owned(),
        });
    }
    let mut files = Vec::new();
    for entry in found {
        files.push(entry.map_err(|error| StudyError::Io {
            action: "read",
            path: error.path().to_owned(),
            source: error.into(),
        })?);
    }
    match files.is_empty() {
        true => Err(wrong(format!("no file matches `{pattern}`"))),
        false => Ok(files),
    }
}

/// A file in the folder of a pattern that looks like a match and is passed over, since its name is not UTF-8.
fn unmatched(pattern: &str) -> Option<PathBuf> {
    let pattern = Path::new(pattern);
    let name = glob::Pattern::new(pattern.file_name()?.to_str()?).ok()?;
    let folder = pattern.parent().filter(|p| !p.as_os_str().is_empty());
    // Folders that cannot be read have their error from the pattern itself.
    let entries = fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    let is_match = |path: &PathBuf| {
        let given = path.file_name().unwrap_or_default();
        given.to_str().is_none() && name.matches(&given.to_string_lossy())
    };
    entries.flatten().map(|entry| entry.path()).find(is_match)
}

/// A file beside another: `all-ends.svg` beside `all.svg`.
pub fn beside(path: &Path, part: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(part);
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}
