//! Two trained networks: the line between them, alignment, a curve.

use crate::args::ConnectArgs;
use crate::error::CliError;
use crate::inputs::{begin, read_if};
use crate::output::{Added, Console, Typed};
use landscape_study::connect::{Connected, Connection};
use landscape_study::files::may_store;
use landscape_study::words::duration;

/// Measures the line, aligns, trains a curve: whatever is asked for and not stored.
pub fn connect(args: &ConnectArgs, console: &Console) -> Result<(), CliError> {
    let db = &args.store.db.db;
    let request = args.request(console.command())?;
    request.check(console)?;
    if !args.dry_run {
        may_store(db)?;
    }
    let store = read_if(!args.run.is_empty(), db, console)?;
    let connection = Connection::prepare(&request, store.as_ref(), console)?;
    if args.dry_run {
        return console.tell(&connection.estimate()?);
    }
    let found = connection.run(&begin(db, console)?, console)?;
    console.note(format_args!("done in {}", duration(found.seconds)));
    let added = Added {
        loss: Some(connection.loss()),
        files: None,
    };
    console.tell_with(&found, added)?;
    console.next(db, next(&found, console));
    Ok(())
}

/// What to look at next.
fn next(found: &Connected, console: &Console) -> Vec<Typed> {
    let drawable = found.drawable().into_iter();
    let mut next: Vec<Typed> = drawable.map(|run| Typed::plot(run, "svg")).collect();
    let again = console.again(&["--name"]);
    let more = match &found.curve {
        Some(curve) if curve.drawable || curve.sampled => None,
        Some(_) => Some(("--grid", "51", "samples the curve's plane")),
        None => Some(("--curve", "bezier", "trains a low-loss curve")),
    };
    next.extend(more.map(|(option, value, remark)| again.option(option, value).remark(remark)));
    next
}
