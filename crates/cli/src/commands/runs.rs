//! The list of runs.

use crate::args::RunsArgs;
use crate::error::CliError;
use crate::inputs::read_store;
use crate::output::Console;
use landscape_storage::RunFilter;
use landscape_study::list::RunList;

/// Prints the runs that are asked for.
pub fn runs(args: &RunsArgs, console: &Console) -> Result<(), CliError> {
    let filter = RunFilter {
        kinds: args.kind.clone(),
        statuses: args.status.clone(),
        names: args.pattern.clone(),
        order: args.sort,
        limit: args.limit,
    };
    console.tell(&RunList::of(&filter, &read_store(&args.db.db, console)?)?)
}
