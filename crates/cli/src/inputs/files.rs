use crate::error::CliError;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Checks, before work starts, that a file may and can be written.
pub fn may_write(path: &Path, force: bool) -> Result<(), CliError> {
    if path.symlink_metadata().is_ok() && !force {
        return Err(CliError::Exists {
            path: path.to_owned(),
        });
    }
    let failed = |source| CliError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    };
    if path.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let known = fs::metadata(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    match known.is_dir() {
        true => Ok(()),
        false => Err(failed(io::ErrorKind::NotADirectory.into())),
    }
}

/// Writes a file that is complete or not there: beside its place, then renamed.
pub fn write_new(path: &Path, bytes: &[u8], force: bool) -> Result<(), CliError> {
    may_write(path, force)?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    let draft = path.with_file_name(name);
    let written = fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, path));
    written.map_err(|source| {
        // The first error is the one to report.
        let _ = fs::remove_file(&draft);
        CliError::Io {
            action: "write",
            path: path.to_owned(),
            source,
        }
    })
}

/// The files that a pattern matches, in the order of their names.
pub fn matching(pattern: &str) -> Result<Vec<PathBuf>, CliError> {
    let wrong = |what: String| CliError::Conflict {
        what,
        remedy: "give a pattern such as --checkpoints 'run/epoch_*.safetensors'".to_owned(),
    };
    let found = glob::glob(pattern)
        .map_err(|error| wrong(format!("`{pattern}` is not a pattern: {error}")))?;
    let mut files = Vec::new();
    for entry in found {
        files.push(entry.map_err(|error| CliError::Io {
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
