//! What is printed of trainings side by side.

use crate::error::CliError;
use crate::output::{Align, Console, Table, duration, paths_json, short};
use crate::reports::verdicts;
use landscape_core::path_words;
use landscape_study::compare::{Comparison, Eigenvalue, Factor, Fate, Statistics, TrainingRow};
use landscape_study::diagnose::Evidence;
use serde_json::json;
use std::path::PathBuf;

/// Prints the comparison.
pub fn print(
    comparison: &Comparison,
    factor: Option<Factor>,
    files: &[PathBuf],
    console: &Console,
) -> Result<(), CliError> {
    let report = comparison.report(factor);
    console.result(
        || {
            let mut all = json!(report);
            all["files"] = paths_json(files);
            all
        },
        || words(comparison, &report.statistics, files),
    )
}

fn words(comparison: &Comparison, statistics: &Statistics, files: &[PathBuf]) -> String {
    let mut text = table(&comparison.rows);
    if statistics.count > 2 {
        text.push_str(&format!("\n{}", statistics_words(statistics)));
    }
    if let Some(plane) = &comparison.plane {
        let percent = plane.explained.iter().map(|s| format!("{:.1}%", 100.0 * s));
        let shares: Vec<String> = percent.collect();
        let all = 100.0 * plane.explained.iter().sum::<f64>();
        let (name, shares) = (&plane.run.name, shares.join(" + "));
        text.push_str(&format!(
            "\n{name}: the joint plane explains {shares} = {all:.1}% of the variance\n"
        ));
    }
    text.extend(files.iter().map(|file| format!("{}\n", path_words(file))));
    text
}

fn table(rows: &[TrainingRow]) -> String {
    use Align::{Left, Right};
    let mut table = Table::new([
        ("TRAINING", Left),
        ("PARAMETERS", Right),
        ("STEPS", Right),
        ("FIRST LOSS", Right),
        ("LOSS", Right),
        ("ACCURACY", Right),
        ("HARD TO TRAIN", Left),
        ("LAMBDA MAX", Right),
        ("SHARPNESS", Right),
        ("CONVEXITY", Right),
        ("BASIN WIDTH", Right),
        ("TIME", Right),
    ]);
    for row in rows {
        table.row(cells(row));
    }
    table.text()
}

fn cells(row: &TrainingRow) -> [String; 12] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let percent = |share: f64| format!("{:.1}%", 100.0 * share);
    let metrics = row.metrics.as_ref();
    let label = match (row.fate, row.diverged_at) {
        (Fate::Learnt, _) => row.label.clone(),
        (Fate::Diverged, Some(step)) => format!("{} (diverged at step {step})", row.label),
        (other, _) => format!("{} ({})", row.label, other.name()),
    };
    let eigenvalue = |found: Eigenvalue| match found.converged {
        true => short(found.value),
        false => format!("{} (not converged)", short(found.value)),
    };
    let error = row.loss_se.map(|se| format!(" +- {}", short(se)));
    let loss = short(row.loss) + &error.unwrap_or_default();
    let verdict = verdicts(
        &{ row.evidence.iter() }
            .map(Evidence::diagnose)
            .collect::<Vec<_>>(),
    );
    let basin = metrics.map(|m| {
        let open = if m.basin_open { ">" } else { "" };
        format!("{open}{}", short(m.basin_width))
    });
    [
        label,
        row.parameters.to_string(),
        row.steps.to_string(),
        short(row.first_loss),
        loss,
        or_dash(row.accuracy.map(percent)),
        verdict,
        or_dash(row.lambda_max.map(eigenvalue)),
        or_dash(row.sharpness.map(short)),
        or_dash(metrics.and_then(|m| m.convexity).map(percent)),
        or_dash(basin),
        or_dash(row.seconds.map(duration)),
    ]
}

fn statistics_words(s: &Statistics) -> String {
    format!(
        "final loss: mean {} +- {} (standard error), deviation {}, min {}, median {}, max {}\n\
         {} of {} diverged, {} stuck\n",
        short(s.mean),
        short(s.standard_error),
        short(s.std),
        short(s.min),
        short(s.median),
        short(s.max),
        s.diverged,
        s.count,
        s.stuck
    )
}
