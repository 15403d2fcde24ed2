//! Runs and their names: removed, renamed; the space that is given back.

use crate::args::{CompactArgs, RenameArgs, RmArgs};
use crate::error::CliError;
use crate::inputs::{open_store, read_store};
use crate::output::{Console, path_json, size};
use crate::reports::holdings;
use landscape_core::path_words;
use landscape_storage::RunSummary;
use serde_json::{Value, json};

/// Removes runs, or says what would be removed.
pub fn rm(args: &RmArgs, console: &Console) -> Result<(), CliError> {
    let read = read_store(&args.db.db, console)?;
    let found = { args.names.iter() }
        .map(|name| read.summary(name))
        .collect::<Result<Vec<_>, _>>()?;
    drop(read);
    let mut removed = Vec::new();
    if args.dry_run {
        removed.extend(
            args.names
                .iter()
                .zip(&found)
                .map(|(name, run)| goes(name, run)),
        );
    } else {
        let store = open_store(&args.db.db, console)?;
        for name in &args.names {
            removed.push(store.remove(name)?);
        }
    }
    let rows: Vec<(&String, &RunSummary, bool)> = { args.names.iter().zip(&found) }
        .zip(removed)
        .map(|((name, run), gone)| (name, run, gone))
        .collect();
    console.result(
        || json!({"dry_run": args.dry_run, "removed": rows.iter().map(row).collect::<Vec<_>>()}),
        || rows.iter().map(|row| words(row, args.dry_run)).collect(),
    )
}

/// Whether a run goes with the name it is asked for by.
fn goes(name: &str, run: &RunSummary) -> bool {
    run.names.len() == 1 || !run.names.iter().any(|one| one == name)
}

fn row((name, run, gone): &(&String, &RunSummary, bool)) -> Value {
    json!({
        "name": name,
        "id": run.run.id,
        "kind": run.run.kind,
        "run_removed": gone,
        "points": run.points,
        "checkpoints": run.checkpoints,
        "checkpoint_bytes": run.checkpoint_bytes,
    })
}

fn words((name, run, gone): &(&String, &RunSummary, bool), dry_run: bool) -> String {
    let verb = match dry_run {
        true => "would be removed",
        false => "removed",
    };
    match gone {
        true => format!("{name}: {verb} ({}, {})\n", run.run.kind, holdings(run)),
        false => format!("{name}: the name {verb}; the run has others\n"),
    }
}

/// Gives a run another name.
pub fn rename(args: &RenameArgs, console: &Console) -> Result<(), CliError> {
    read_store(&args.db.db, console)?.find(&args.name)?;
    let run = open_store(&args.db.db, console)?.rename(&args.name, &args.to)?;
    console.result(
        || json!({"id": run.id, "from": args.name, "to": run.name}),
        || format!("{} is now {}\n", args.name, run.name),
    )
}

/// Gives back the space of removed runs.
pub fn compact(args: &CompactArgs, console: &Console) -> Result<(), CliError> {
    let file = &args.db.db;
    drop(read_store(file, console)?);
    let done = open_store(file, console)?.compact()?;
    console.result(
        || json!({"file": path_json(file), "before": done.before, "after": done.after}),
        || {
            let (before, after) = (size(done.before), size(done.after));
            format!("{}: {before} became {after}\n", path_words(file))
        },
    )
}
