//! One page about a stored run.

use crate::args::ReportArgs;
use crate::error::CliError;
use crate::inputs::{begin, read_store};
use crate::output::{Added, Console};

/// Writes the page; computes first what is lacking, where that is asked for.
pub fn report(args: &ReportArgs, console: &Console) -> Result<(), CliError> {
    let (request, db) = (args.request(), &args.db.db);
    request.check()?;
    let mut store = read_store(db, console)?;
    if args.compute {
        store.find(&args.name)?;
        drop(store);
        store = begin(db, console)?;
    }
    let found = request.run(&store, console)?;
    let files = [args.output.clone()];
    let added = Added {
        loss: None,
        files: Some(&files),
    };
    console.tell_with(&found, added)?;
    let lacking = found.missing.iter().any(|part| part.command.is_some());
    let again = console.again(&[]).flag("--compute").flag("--force");
    let again =
        (lacking && !args.compute).then(|| again.remark("computes and stores what is left out"));
    console.next(db, again);
    Ok(())
}
