//! The list of runs.

use crate::args::RunsArgs;
use crate::error::CliError;
use crate::inputs::read_store;
use crate::output::{Align, Console, Table, size};
use landscape_storage::{RunFilter, RunSummary, timestamp};
use landscape_study::record::Settings;
use serde_json::{Value, json};

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
    for summary in runs {
        let run = &summary.run;
        let settings = Settings::of(run);
        let model = settings.problem().model.as_deref();
        table.row([
            run.id.to_string(),
            summary.names.join(", "),
            run.kind.to_string(),
            model.unwrap_or("-").to_owned(),
            run.status.to_string(),
            holds(summary),
            timestamp(run.created),
        ]);
    }
    table.text()
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
