//! Figures of a stored landscape.

mod topology;

use crate::args::MetricsArgs;
use crate::error::CliError;
use crate::inputs::read_store;
use crate::output::Console;
use landscape_study::metrics::{LandscapeMetrics, barrier_words, metric_rows};
use serde_json::json;

/// Prints the figures of a run's landscape.
pub fn metrics(args: &MetricsArgs, console: &Console) -> Result<(), CliError> {
    let store = read_store(&args.db.db, console)?;
    let found = LandscapeMetrics::of(&args.name, &args.value, &store)?;
    console.result(|| json!(found), || words(&found))
}

fn words(found: &LandscapeMetrics) -> String {
    let mut rows = metric_rows(&found.metrics, &found.grid);
    rows.extend(topology::rows(&found.topology));
    let barrier = found.barrier.as_ref();
    rows.extend(barrier.map(|b| ("barrier".to_owned(), barrier_words(b))));
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, value): &(String, String)| format!("{name:<width$}  {value}\n");
    let mut text: String = rows.iter().map(line).collect();
    text.push_str(&topology::words(&found.topology));
    text
}
