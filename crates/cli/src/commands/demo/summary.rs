//! What the demonstration found.

use crate::error::CliError;
use crate::output::{Align, Console, Table, number, path_json, short};
use crate::reports::brief;
use landscape_core::{counted, path_words};
use landscape_storage::Store;
use landscape_study::demo::{DemoRun, summary};
use landscape_study::diagnose::Evidence;
use landscape_study::hessian::CurvatureSummary;
use serde_json::json;
use std::path::Path;

/// Prints one line a run.
pub fn print(store: &Store, out: &Path, seconds: f64, console: &Console) -> Result<(), CliError> {
    let runs = summary(store)?;
    console.result(
        || json!({"folder": path_json(out), "seconds": number(seconds), "runs": runs}),
        || words(&runs, out),
    )
}

fn words(runs: &[DemoRun], out: &Path) -> String {
    let mut table = table();
    runs.iter().for_each(|run| table.row(cells(run)));
    let told = |e: &Evidence| format!("\n{}\n{}", e.label, brief(&e.diagnose()));
    let told = runs
        .iter()
        .filter_map(|run| run.evidence.as_ref().map(told));
    format!(
        "{}{}\nfigures, database and page: {}\n",
        table.text(),
        told.collect::<String>(),
        path_words(out)
    )
}

/// The largest eigenvalue and the trace.
fn curvature(found: &CurvatureSummary) -> String {
    let largest = found.eigenvalues.first();
    let largest = largest.map(|top| format!("largest eigenvalue {}", short(top.value)));
    let trace = found.trace.as_ref().map(|trace| {
        let se = trace
            .se
            .map_or(String::new(), |se| format!(" +- {}", short(se)));
        format!("trace {}{se}", short(trace.mean))
    });
    let words: Vec<String> = largest.into_iter().chain(trace).collect();
    words.join(", ")
}

fn table() -> Table {
    Table::new([
        ("RUN", Align::Left),
        ("KIND", Align::Left),
        ("POINTS", Align::Right),
        ("LOSS", Align::Right),
        ("LOWEST", Align::Right),
        ("HIGHEST", Align::Right),
        ("CONVEX", Align::Right),
        ("", Align::Left),
    ])
}

fn cells(run: &DemoRun) -> [String; 8] {
    let option = |value: Option<f64>| value.map_or(String::new(), short);
    [
        run.run.clone(),
        run.kind.to_string(),
        match run.points {
            0 => String::new(),
            points => points.to_string(),
        },
        option(run.loss),
        option(run.min_loss),
        option(run.max_loss),
        run.convexity.map_or(String::new(), percent),
        remark(run),
    ]
}

fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

fn remark(run: &DemoRun) -> String {
    if let Some(accuracy) = run.accuracy {
        let checkpoints = counted(run.checkpoints as usize, "checkpoint");
        return format!("accuracy {}, {checkpoints}", percent(accuracy));
    }
    if !run.explained_variance.is_empty() {
        let shares: Vec<String> = { run.explained_variance.iter().copied() }
            .map(percent)
            .collect();
        return format!("variance explained {}", shares.join(" + "));
    }
    run.curvature.as_ref().map_or(String::new(), curvature)
}
