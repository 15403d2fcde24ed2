//! From words on the command line to files and databases.

mod shard;
mod store;

pub use shard::Place;
pub use store::{begin, open_store, read_if, read_store};

use crate::args::StoreArgs;
use crate::error::CliError;
use landscape_study::figures::FigureFiles;
use landscape_study::files::{distinct, may_save, may_store};
use std::path::{Path, PathBuf};

/// Checks, before work starts, that everything that is to be written can be: figures, a file of tensors, and the database,
/// unless the command only says what it would do.
pub fn check_outputs(
    figures: &FigureFiles,
    tensors: Option<&PathBuf>,
    store: &StoreArgs,
    db: &Path,
    dry_run: bool,
) -> Result<(), CliError> {
    if let Some(path) = tensors {
        may_save(path, store.force)?;
    }
    figures.check()?;
    distinct(figures.output.iter().chain(tensors))?;
    if !dry_run {
        may_store(db)?;
    }
    Ok(())
}
