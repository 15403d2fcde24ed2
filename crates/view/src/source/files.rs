//! Files on the disk: which of them hold landscapes or runs, and whether they changed.

use landscape_core::path_text;
use landscape_storage::Format;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How files were when they were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen(Vec<(PathBuf, Option<Written>)>);

/// The length of a file, and when it was written where that is known.
type Written = (u64, Option<SystemTime>);

/// Looks at files: how long they are, and when they were written.
pub fn seen(files: impl IntoIterator<Item = PathBuf>) -> Seen {
    let look = |file: PathBuf| {
        let data = file.metadata().ok();
        let data = data.map(|data| (data.len(), data.modified().ok()));
        (file, data)
    };
    Seen(files.into_iter().map(look).collect())
}

/// The name of a file, as text.
pub fn name_of(file: &Path) -> String {
    path_text(Path::new(file.file_name().unwrap_or_default()))
}

/// Whether a file is a database by its ending.
pub fn is_database(file: &Path) -> bool {
    file.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("duckdb"))
}

/// The databases of a folder, and its files that may hold a landscape, each in the order of their names.
pub fn of_folder(folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|file| file.is_file())
        .collect();
    files.sort();
    let (databases, others): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| is_database(file));
    let landscapes = others.into_iter().filter(|file| is_landscape(file));
    (databases, landscapes.collect())
}

/// Whether a landscape may be read from a file, by its ending.
fn is_landscape(file: &Path) -> bool {
    Format::of_path(file).is_ok_and(|format| format.reads(2))
}
