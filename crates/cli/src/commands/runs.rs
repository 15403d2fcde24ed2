//! The list of runs.

use crate::args::RunsArgs;
use crate::error::CliError;
use crate::inputs::read_store;
use crate::output::{Align, Console, Table, size};
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
        holds(summary),
        timestamp(run.created),
    ]
}

/// What a run holds, in words.
pub fn holds(summary: &RunSummary) -> String {
    let mut parts = Vec::new();
    if !summary.shape.is_empty() {
        let shape: Vec<String> = summary.shape.iter().map(u64::to_string).collect();
        let shape = shape.join("x");
        parts.push(match summary.points == summary.total() {
            true if summary.interpolated > 0 => {
                let measured = summary.points - summary.interpolated;
                format!("{shape} points, {measured} of them measured")
            }
            true => format!("{shape} points"),
            false => format!("{} of {shape} points", summary.points),
        });
    }
    if summary.checkpoints > 0 {
        let (count, size) = (summary.checkpoints, size(summary.checkpoint_bytes));
        parts.push(format!("{count} checkpoints of {size}"));
    }
    if summary.trajectories > 0 {
        let plural = if summary.trajectories == 1 {
            "path"
        } else {
            "paths"
        };
        parts.push(format!("{} {plural}", summary.trajectories));
    }
    match summary.curvature {
        0 => {}
        1 => parts.push("curvature".to_owned()),
        n => parts.push(format!("curvature at {n} steps")),
    }
    match parts.is_empty() {
        true => "-".to_owned(),
        false => parts.join(", "),
    }
}
