//! Databases brought together: shards of requests, and runs that only one of them has.

mod result;
mod runs;

pub use result::{Merged, MergedRun, MissingShard, Share};

use crate::StudyError;
use crate::report::{Reporter, say_notes};
use landscape_core::{counted, path_words};
use landscape_storage::{Error, MergeFile, MergeSource, Store};
use runs::{MergedRequest, group};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Databases whose runs are added to those of another one.
///
/// ```
/// use landscape_core::Shard;
/// use landscape_storage::Store;
/// use landscape_study::merge::{Merge, MergeRequest};
/// use landscape_study::runs::{Landscape, LandscapeRequest};
///
/// let folder = tempfile::tempdir()?;
/// let file = |name: &str| folder.path().join(name);
/// let mut request = LandscapeRequest { dims: 2, ..LandscapeRequest::default() };
/// request.network.model = Some("mlp:2-8-1".parse()?);
/// request.data.data = Some("moons:n=50".parse()?);
/// request.grid.counts = Some(vec![5]);
/// for number in 0..2 {
///     request.shard = Some(Shard::new(number, 2)?);
///     let store = Store::open(file(&format!("{number}.duckdb")))?;
///     Landscape::prepare(&request, None, &())?.run(&store, &())?;
/// }
/// let sources = vec![file("0.duckdb"), file("1.duckdb")];
/// let merge = Merge::prepare(&MergeRequest { sources, into: file("all.duckdb") }, &())?;
/// let merged = merge.run(&Store::open(file("all.duckdb"))?, &())?;
/// assert!(merged.is_complete());
/// assert_eq!(merged.runs[0].added, 25);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeRequest {
    /// The databases that are read.
    #[serde(with = "landscape_core::as_words::path::list")]
    pub sources: Vec<PathBuf>,
    /// The one that they are added to, which is made where there is none.
    #[serde(with = "landscape_core::as_words::path")]
    pub into: PathBuf,
}

/// Databases that are ready to be merged.
#[derive(Debug)]
pub struct Merge {
    /// The databases that are read, each once.
    pub sources: Vec<PathBuf>,
    into: PathBuf,
    requests: Vec<MergedRequest>,
}

impl Merge {
    /// Reads what runs there are, and checks that they go together; stores nothing, but takes in what a killed process left beside
    /// its database.
    ///
    /// # Errors
    /// A file that is absent, damaged, in use, given as source and target, or that holds runs of one name with other settings than
    /// another one's.
    pub fn prepare(request: &MergeRequest, reporter: &dyn Reporter) -> Result<Self, StudyError> {
        let sources = distinct(request, reporter)?;
        let found = read(&sources, reporter)?;
        let target = match request.into.exists() {
            true => Store::open_read(&request.into)?.runs()?,
            false => Vec::new(),
        };
        let requests = group(found, &request.into, &target)?;
        if requests.is_empty() {
            let files = sources.len();
            return Err(StudyError::NothingToMerge { files });
        }
        Ok(Merge {
            sources,
            into: request.into.clone(),
            requests,
        })
    }

    /// Adds everything that the store does not have yet. The reporter can stop it; what was added stays, and the same again goes on.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`] when it was stopped, and those of the store: points that disagree above all.
    pub fn run(&self, store: &Store, reporter: &dyn Reporter) -> Result<Merged, StudyError> {
        let mut merged = Merged {
            into: self.into.clone(),
            files: self.sources.len(),
            runs: Vec::new(),
        };
        for request in &self.requests {
            merged.runs.push(request.merge(store, reporter)?);
        }
        Ok(merged)
    }
}

/// The name of a file without links, by which it is known again.
pub(crate) fn own_name(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The sources, each once, none of which is the target.
fn distinct(request: &MergeRequest, reporter: &dyn Reporter) -> Result<Vec<PathBuf>, StudyError> {
    let into = own_name(&request.into);
    let mut seen = HashSet::new();
    let mut sources = Vec::new();
    for path in &request.sources {
        let own = own_name(path);
        if own == into {
            let path = path.clone();
            return Err(StudyError::MergedIntoItself { path });
        }
        match seen.insert(own) {
            true => sources.push(path.clone()),
            false => reporter.warn(format_args!(
                "warning: `{}` is given twice, and read once",
                path_words(path)
            )),
        }
    }
    Ok(sources)
}

/// The runs of files. Those that are to replace others once they are complete are left out, which is said.
fn read(paths: &[PathBuf], reporter: &dyn Reporter) -> Result<Vec<MergeSource>, StudyError> {
    let files = MergeFile::read_all(paths).map_err(|error| match error {
        Error::NotFound { path } => StudyError::NoShard { path },
        error => error.into(),
    })?;
    let mut all = Vec::new();
    for file in files {
        say_notes(&file.path, &file.notes, reporter);
        let (drafts, runs): (Vec<_>, Vec<_>) = { file.sources.into_iter() }
            .partition(|source| source.run.name.ends_with(" (replacement)"));
        if !drafts.is_empty() {
            reporter.warn(format_args!(
                "warning: {} in `{}` that are to replace others are not complete, and are left out",
                counted(drafts.len(), "run"),
                path_words(&file.path)
            ));
        }
        all.extend(runs);
    }
    Ok(all)
}
