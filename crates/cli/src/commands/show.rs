//! Everything about one run.

use crate::args::ShowArgs;
use crate::error::CliError;
use crate::inputs::read_store;
use crate::output::{Console, short, unsigned_zero};
use crate::reports::{brief, curvature_table, curvature_words, holdings, map_words};
use crate::words::adaptive_words;
use landscape_storage::{RunSummary, timestamp};
use landscape_study::details::{DirectionsDetails, PathDetails, RecordDetails, RunDetails};
use serde_json::{Value, json};

/// Prints what is known about a run.
pub fn show(args: &ShowArgs, console: &Console) -> Result<(), CliError> {
    let store = read_store(&args.db.db, console)?;
    let details = RunDetails::load(&store, &args.name)?;
    console.result(|| json!(details), || words(&details))
}

fn words(details: &RunDetails) -> String {
    let run = &details.summary.run;
    let mut text = heading(&details.summary);
    if let Some(report) = &details.adaptive {
        text.push_str(&format!("  {}\n", adaptive_words(report)));
    }
    text.push_str(&section("settings", &run.settings));
    text.push_str(&section("provenance", &run.provenance));
    text.extend(details.directions.as_ref().map(direction_words));
    if let (Some(first), Some(last)) = (details.records.first(), details.records.last()) {
        text.push_str(&format!(
            "training\n  step {:<8} {}\n  step {:<8} {}\n",
            first.step,
            record_words(first),
            last.step,
            record_words(last)
        ));
    }
    match &details.curvature[..] {
        [] => {}
        [one] => text.push_str(&format!("curvature\n{}", curvature_words(one))),
        all => text.push_str(&format!("curvature\n{}", curvature_table(all))),
    }
    text.extend(details.map.as_ref().map(map_words));
    text.extend(details.trajectories.iter().map(path_words));
    for evidence in &details.evidence {
        text.push_str(&format!("diagnosis of {}\n", evidence.label));
        text.push_str(&brief(&evidence.diagnose()));
    }
    text
}

fn heading(summary: &RunSummary) -> String {
    let run = &summary.run;
    let finished = run.finished.map_or("-".to_owned(), timestamp);
    format!(
        "{} ({}, number {})\n  status    {}\n  holds     {}\n  created   {}\n  finished  {}\n  \
         identity  {}\n",
        run.name,
        run.kind,
        run.id,
        run.status,
        holdings(summary),
        timestamp(run.created),
        finished,
        run.identity,
    )
}

fn record_words(record: &RecordDetails) -> String {
    let loss = record.loss.map_or("-".to_owned(), short);
    match record.accuracy {
        Some(accuracy) => format!("loss {loss}, accuracy {:.1}%", 100.0 * accuracy),
        None => format!("loss {loss}"),
    }
}

fn path_words(path: &PathDetails) -> String {
    let shares: Vec<String> = { path.explained_variance.iter() }
        .map(|share| format!("{:.1}%", 100.0 * share))
        .collect();
    format!(
        "path {}\n  {} checkpoints, variance explained {}\n",
        path.label,
        path.checkpoints,
        shares.join(" + ")
    )
}

fn direction_words(directions: &DirectionsDetails) -> String {
    let mut text = "directions\n".to_owned();
    for (place, direction) in directions.each.iter().enumerate() {
        text.push_str(&format!(
            "  {}  {}, norm {}, normalised: {}, one-dimensional tensors: {}\n",
            place + 1,
            direction.source,
            short(direction.norm),
            direction.normalization,
            direction.bias,
        ));
    }
    for (i, row) in directions.cosines.iter().enumerate() {
        for (j, cosine) in row.0.iter().enumerate().skip(i + 1) {
            text.push_str(&format!(
                "  cosine of {} and {}: {:.4}\n",
                i + 1,
                j + 1,
                unsigned_zero(*cosine, 4)
            ));
        }
    }
    text
}

/// An object as indented lines.
fn section(name: &str, value: &Value) -> String {
    let mut text = format!("{name}\n");
    lines("", value, &mut text);
    text
}

fn lines(path: &str, value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = match path.is_empty() {
                    true => key.clone(),
                    false => format!("{path}.{key}"),
                };
                lines(&path, value, text);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (place, item) in items.iter().enumerate() {
                lines(&format!("{path}[{place}]"), item, text);
            }
        }
        Value::Null => {}
        Value::String(word) => text.push_str(&format!("  {path}: {word}\n")),
        other => text.push_str(&format!("  {path}: {other}\n")),
    }
}
