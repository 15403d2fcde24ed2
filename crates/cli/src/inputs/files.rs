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
    files.sort_by(|a, b| natural(a, b));
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

/// A part of a name: other letters, or a number.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    /// Its digits without leading zeros, after how many there are: so they compare as the number does.
    Number(usize, &'a str),
    Letters(&'a str),
}

fn parts(name: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let is_number = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_number);
        let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
        parts.push(match is_number {
            true => {
                let digits = part.trim_start_matches('0');
                Part::Number(digits.len(), digits)
            }
            false => Part::Letters(part),
        });
        rest = after;
    }
    parts
}

/// The order of names in which numbers are compared as numbers: `model_2` before `model_10`.
fn natural(a: &Path, b: &Path) -> std::cmp::Ordering {
    let (shown_a, shown_b) = (a.to_string_lossy(), b.to_string_lossy());
    parts(&shown_a).cmp(&parts(&shown_b)).then_with(|| a.cmp(b))
}

/// The steps that names of files tell: the last number in each, where every name has one and they rise.
pub fn steps_in_names(files: &[PathBuf]) -> Option<Vec<u64>> {
    let last = |file: &PathBuf| -> Option<u64> {
        let name = file.file_stem()?.to_str()?;
        let numbers = parts(name).into_iter().rev().find_map(|part| match part {
            Part::Number(_, "") => Some("0".to_owned()),
            Part::Number(_, digits) => Some(digits.to_owned()),
            Part::Letters(_) => None,
        });
        numbers?.parse().ok()
    };
    let steps: Vec<u64> = files.iter().map(last).collect::<Option<_>>()?;
    steps.windows(2).all(|w| w[0] < w[1]).then_some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_compared_as_numbers() {
        let mut files: Vec<PathBuf> = ["m_10", "m_2", "m_1", "m_02", "n_1", "m"]
            .iter()
            .map(PathBuf::from)
            .collect();
        files.sort_by(|a, b| natural(a, b));
        let names: Vec<&str> = files.iter().filter_map(|f| f.to_str()).collect();
        assert_eq!(names, ["m", "m_1", "m_02", "m_2", "m_10", "n_1"]);
    }

    #[test]
    fn steps_are_the_last_numbers_of_rising_names() {
        let of =
            |names: &[&str]| steps_in_names(&names.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(of(&["r20_5.pt", "r20_10.pt"]), Some(vec![5, 10]));
        assert_eq!(of(&["epoch_000.pt", "epoch_100.pt"]), Some(vec![0, 100]));
        assert_eq!(of(&["a.pt", "b.pt"]), None);
        assert_eq!(of(&["a1.pt", "b1.pt"]), None);
    }
}
