//! Two trained networks: the line between them, alignment, a curve.

mod report;

use crate::args::ConnectArgs;
use crate::error::CliError;
use crate::inputs::{open_store, read_store};
use crate::interrupt::Interrupt;
use crate::output::{self, Console};
use landscape_study::connect::Connection;
use landscape_study::files::may_store;
use report::Report;
use std::time::Instant;

/// Measures the line, aligns, trains a curve: whatever is asked for and not stored.
pub fn connect(args: &ConnectArgs, console: &Console) -> Result<(), CliError> {
    let start = Instant::now();
    let request = args.request(console.command())?;
    request.check(console)?;
    if !args.dry_run {
        may_store(&args.store.db.db)?;
    }
    let store = match args.run.is_empty() {
        true => None,
        false => Some(read_store(&args.store.db.db, console)?),
    };
    let connection = Connection::prepare(&request, store.as_ref(), console)?;
    if args.dry_run {
        return output::estimate(&connection.estimate()?, console, Default::default());
    }
    // From here on, stopping it saves what is done.
    Interrupt::listen();
    let store = open_store(&args.store.db.db, console)?;
    let report = Report {
        found: connection.run(&store, console)?,
        loss: connection.loss(),
        seconds: start.elapsed().as_secs_f64(),
    };
    report.print(console)?;
    console.next(&report.next(&args.store.db, console));
    Ok(())
}
