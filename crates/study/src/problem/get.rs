//! Standard data sets, fetched.

use crate::StudyError;
use crate::files::serialize_path;
use crate::report::{Meter, Reporter};
use landscape_core::{Progress, path_words};
use landscape_models::ModelsError;
use landscape_models::data::get::{GetProgress, StandardSet, get};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Files of a standard data set. As JSON it is what `landscape data get --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FetchedSet {
    /// Where the files are.
    #[serde(serialize_with = "serialize_path")]
    pub folder: PathBuf,
    /// Files that were there already, and are right.
    pub kept: Vec<String>,
    /// Files that are there now.
    pub fetched: Vec<String>,
    /// Bytes that came over the net.
    pub bytes: u64,
}

impl FetchedSet {
    /// Puts a set's files into its folder below `dir`, from its archives at `url`, the set's own where it is `None`. What
    /// came of an archive stays as a part, with which the next call goes on.
    ///
    /// # Errors
    /// Those of the server, of files, and of files that are not what they should be.
    pub fn get(
        set: &StandardSet,
        dir: &Path,
        url: Option<&str>,
        reporter: &dyn Reporter,
    ) -> Result<Self, StudyError> {
        let mut archives = Archives {
            reporter,
            archive: String::new(),
            meter: Box::new(()),
            started: Instant::now(),
        };
        let got = get(set, dir, url, &mut |progress| archives.update(&progress));
        let got = got.map_err(ModelsError::from)?;
        Ok(FetchedSet {
            folder: got.folder,
            kept: got.kept,
            fetched: got.fetched,
            bytes: got.bytes,
        })
    }
}

impl fmt::Display for FetchedSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = path_words(&self.folder);
        match (self.fetched.len(), self.kept.len()) {
            (0, kept) => writeln!(f, "{folder}: all {kept} files are present and correct"),
            (fetched, 0) => writeln!(f, "{folder}: {fetched} files downloaded and checked"),
            (fetched, kept) => writeln!(
                f,
                "{folder}: {fetched} files downloaded and checked; {kept} were already there"
            ),
        }
    }
}

/// The progress of one archive after another, in kilobytes.
struct Archives<'a> {
    reporter: &'a dyn Reporter,
    archive: String,
    meter: Box<dyn Meter>,
    started: Instant,
}

impl Archives<'_> {
    fn update(&mut self, progress: &GetProgress<'_>) {
        if self.archive != progress.archive {
            self.archive = progress.archive.to_owned();
            self.started = Instant::now();
            let archive = &self.archive;
            // The bar of the one before goes first.
            self.meter = Box::new(());
            self.meter = self.reporter.meter(&format!("{archive} (kB)"), false);
            self.reporter.detail(format_args!("getting {archive}"));
        }
        let kilobytes = |bytes: u64| (bytes / 1000) as usize;
        if let Some(total) = progress.total {
            self.meter.update(Progress {
                done: kilobytes(progress.done),
                total: kilobytes(total),
                resumed: kilobytes(progress.resumed),
                elapsed: self.started.elapsed(),
            });
        }
    }
}
