use crate::error::CliError;
use crate::output::quoted;
use landscape_core::files::Lock;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

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
    let folder = folder.unwrap_or(Path::new("."));
    match fs::metadata(folder).map_err(failed)?.is_dir() {
        true => takes_files(folder).map_err(failed),
        false => Err(failed(io::ErrorKind::NotADirectory.into())),
    }
}

/// Checks, before work starts, that a file of tensors may and can be written.
pub fn may_save(path: &Path, force: bool) -> Result<(), CliError> {
    landscape_models::may_be_safetensors(path)?;
    may_write(path, force)
}

/// Makes a file in a folder and takes it away again: permissions alone do not tell.
fn takes_files(folder: &Path) -> io::Result<()> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let place = COUNT.fetch_add(1, Ordering::Relaxed);
    let probe = folder.join(format!(".{}-{place}.landscape-part", std::process::id()));
    if let Some(lock) = Lock::try_new(&probe)? {
        lock.remove();
    }
    Ok(())
}

/// Checks, before work starts, that a database can be written.
pub fn may_store(db: &Path) -> Result<(), CliError> {
    match db.is_file() {
        false => may_write(db, true),
        true => fs::OpenOptions::new()
            .append(true)
            .open(db)
            .map(drop)
            .map_err(|source| {
                let path = db.to_owned();
                CliError::Io {
                    action: "write",
                    path,
                    source,
                }
            }),
    }
}

/// Checks that no file is to be written twice.
pub fn distinct<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<(), CliError> {
    let mut seen: Vec<&PathBuf> = Vec::new();
    for path in paths {
        if seen.contains(&path) {
            return Err(CliError::Conflict {
                what: format!("`{}` would be written twice", path.display()),
                remedy: "give each file a name of its own".to_owned(),
            });
        }
        seen.push(path);
    }
    Ok(())
}

/// Writes a file that is complete or not there: beside its place, then renamed.
pub fn write_new(path: &Path, bytes: &[u8], force: bool) -> Result<(), CliError> {
    may_write(path, force)?;
    landscape_core::files::write_whole(path, bytes, true).map_err(|source| CliError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    })
}

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
