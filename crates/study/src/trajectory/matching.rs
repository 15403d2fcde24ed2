//! Files by a pattern.

use crate::StudyError;
use std::fs;
use std::path::{Path, PathBuf};

/// The files that a pattern matches, in the order of their names; numbers in names count as numbers.
///
/// Where nothing matches a pattern with a colon, what is behind its last one is the key of a network in each file.
pub(super) fn matching(pattern: &str) -> Result<(Vec<PathBuf>, Option<&str>), StudyError> {
    let found = whole(pattern);
    match (found, pattern.rsplit_once(':')) {
        (Ok(files), _) => Ok((files, None)),
        (Err(error), Some((files, key))) if !key.is_empty() => whole(files)
            .map(|files| (files, Some(key)))
            .map_err(|_| error),
        (Err(error), _) => Err(error),
    }
}

fn whole(pattern: &str) -> Result<Vec<PathBuf>, StudyError> {
    let found = glob::glob(pattern).map_err(|source| StudyError::BadPattern {
        pattern: pattern.to_owned(),
        source,
    })?;
    if let Some(path) = unmatched(pattern) {
        return Err(StudyError::PassedOver {
            pattern: pattern.to_owned(),
            path,
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
        true => Err(StudyError::NoMatch {
            pattern: pattern.to_owned(),
        }),
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
