//! Figures of a stored landscape.

use crate::args::MetricsArgs;
use crate::error::CliError;
use crate::inputs::read_store;
use crate::output::Console;
use landscape_study::metrics::LandscapeMetrics;

/// Prints the figures of a run's landscape.
pub fn metrics(args: &MetricsArgs, console: &Console) -> Result<(), CliError> {
    let store = read_store(&args.db.db, console)?;
    let found = LandscapeMetrics::at_rises(&args.name, &args.value, &args.rise, &store)?;
    console.tell(&found)?;
    if found.topology.is_shown_in_part() {
        console.note("--json has all minima");
    }
    Ok(())
}
