//! How far shards are.

use crate::args::StatusArgs;
use crate::error::CliError;
use crate::inputs::begin;
use crate::output::Console;
use landscape_study::status::{ShardPlan, ShardStatus, StatusRequest};

/// Says how far shards are; waits for them and merges them, where that is asked for.
pub fn status(args: &StatusArgs, console: &Console) -> Result<(), CliError> {
    let sources = args.sources.clone();
    if !args.wait {
        return console.tell(&ShardStatus::of(&StatusRequest { sources })?);
    }
    for folder in &sources {
        let plan = ShardPlan::load(folder)?;
        let store = begin(&plan.into, console)?;
        console.tell(&plan.follow(&store, console)?)?;
    }
    Ok(())
}
