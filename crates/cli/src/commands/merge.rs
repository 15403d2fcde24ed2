//! Shards and other databases, put together.

use crate::args::MergeArgs;
use crate::error::CliError;
use crate::inputs::begin;
use crate::output::{Console, Typed};
use landscape_study::files::may_store;
use landscape_study::merge::Merge;

/// Adds what databases hold to another one, and says what is missing.
pub fn merge(args: &MergeArgs, console: &Console) -> Result<(), CliError> {
    may_store(&args.into)?;
    let merge = Merge::prepare(&args.request(), console)?;
    let merged = merge.run(&begin(&args.into, console)?, console)?;
    console.tell(&merged)?;
    if !merged.is_complete() {
        return Err(CliError::Incomplete {
            what: merged.missing(),
        });
    }
    console.next(&args.into, [Typed::new("runs")]);
    Ok(())
}
