//! The list of runs.

use crate::args::RunsArgs;
use crate::error::CliError;
use crate::inputs::read_store;
use crate::output::{Align, Console, Table};
use crate::reports::holdings;
use landscape_core::counted;
use landscape_storage::{RunFilter, RunSummary, timestamp};
use landscape_study::record::{Provenance, Settings};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Prints the runs that are asked for.
pub fn runs(args: &RunsArgs, console: &Console) -> Result<(), CliError> {
    let filter = RunFilter {
        kinds: args.kind.clone(),
        statuses: args.status.clone(),
        names: args.pattern.clone(),
        order: args.sort,
        limit: args.limit,
    };
    let runs = read_store(&args.db.db, console)?.runs_where(&filter)?;
    let all = filter.kinds.is_empty() && filter.statuses.is_empty() && filter.names.is_none();
    console.result(
        || json!({"runs": runs.iter().map(row).collect::<Vec<_>>()}),
        || match runs.is_empty() {
            true if all => "no runs yet\n".to_owned(),
            true => "no such runs\n".to_owned(),
            false => words(&runs),
        },
    )
}

fn row(summary: &RunSummary) -> Value {
    let run = &summary.run;
    json!({
        "id": run.id,
        "name": run.name,
        "names": summary.names,
        "kind": run.kind,
        "status": run.status,
        "created": timestamp(run.created),
        "shape": summary.shape,
        "points": summary.points,
        "interpolated": summary.interpolated,
        "total": summary.total(),
        "records": summary.records,
        "checkpoints": summary.checkpoints,
        "checkpoint_bytes": summary.checkpoint_bytes,
        "trajectories": summary.trajectories,
        "model": Settings::of(run).problem().model,
        "comparison": Provenance::of(run).comparison,
    })
}

fn words(runs: &[RunSummary]) -> String {
    let mut table = Table::new([
        ("ID", Align::Right),
        ("NAME", Align::Left),
        ("KIND", Align::Left),
        ("MODEL", Align::Left),
        ("STATUS", Align::Left),
        ("HOLDS", Align::Left),
        ("CREATED", Align::Left),
    ]);
    for entry in entries(runs) {
        table.row(cells(&entry));
    }
    table.text()
}

/// A line of the list.
enum Entry<'a> {
    /// A run that is no part of a comparison.
    Run(&'a RunSummary),
    /// A comparison without a run of its own in the list, and how many of its parts are there.
    Comparison(String, usize),
    /// A part of the comparison above.
    Part(&'a RunSummary),
}

/// Runs in their order, the parts of a comparison together below the run of its joint plane.
fn entries(runs: &[RunSummary]) -> Vec<Entry<'_>> {
    let of: Vec<Option<String>> = { runs.iter() }
        .map(|summary| Provenance::of(&summary.run).comparison)
        .collect();
    let (mut entries, mut told) = (Vec::new(), BTreeSet::new());
    for (summary, comparison) in runs.iter().zip(&of) {
        let own = || { summary.names.iter() }.find(|name| of.iter().flatten().any(|c| c == *name));
        let Some(name) = comparison.as_ref().or_else(own) else {
            entries.push(Entry::Run(summary));
            continue;
        };
        if !told.insert(name) {
            continue;
        }
        let parts: Vec<&RunSummary> = { runs.iter().zip(&of) }
            .filter(|(_, of)| of.as_ref() == Some(name))
            .map(|(summary, _)| summary)
            .collect();
        let plane = { runs.iter().zip(&of) }
            .find(|(summary, of)| of.is_none() && summary.names.contains(name));
        entries.push(match plane {
            Some((plane, _)) => Entry::Run(plane),
            None => Entry::Comparison(name.clone(), parts.len()),
        });
        entries.extend(parts.into_iter().map(Entry::Part));
    }
    entries
}

fn cells(entry: &Entry<'_>) -> [String; 7] {
    let (summary, indent) = match entry {
        Entry::Run(summary) => (summary, ""),
        Entry::Part(summary) => (summary, "  "),
        Entry::Comparison(name, parts) => {
            let none = String::new;
            let (kind, holds) = ("comparison".to_owned(), counted(*parts, "run"));
            return [none(), name.clone(), kind, none(), none(), holds, none()];
        }
    };
    let run = &summary.run;
    let settings = Settings::of(run);
    let model = settings.problem().model.as_deref();
    [
        run.id.to_string(),
        format!("{indent}{}", summary.names.join(", ")),
        run.kind.to_string(),
        model.unwrap_or("-").to_owned(),
        run.status.to_string(),
        holdings(summary),
        timestamp(run.created),
    ]
}
