//! Curvature as JSON and in words.

use crate::error::CliError;
use crate::output::{Console, duration, loss_json, paths_json};
use crate::reports::{curvature_table, curvature_words, map_words};
use landscape_core::path_words;
use landscape_study::hessian::{
    CurvatureSummary, FoundCurvature, FoundSummary, MapSummary, Wanted, heading,
};
use serde_json::json;
use std::path::PathBuf;

/// Prints what was found.
pub fn print(
    found: &FoundCurvature,
    wanted: &Wanted,
    files: &[PathBuf],
    console: &Console,
) -> Result<(), CliError> {
    let summary = found.summary(wanted);
    console.note(format_args!(
        "{}: {} products computed, {} in all, in {}",
        summary.run,
        summary.computed,
        summary.last.hvps,
        duration(found.seconds)
    ));
    console.result(
        || {
            let mut json = json!(summary);
            loss_json(found.loss, &mut json);
            json["files"] = paths_json(files);
            json
        },
        || {
            let mut text = words(found, &summary);
            text.extend(files.iter().map(|file| format!("{}\n", path_words(file))));
            text
        },
    )
}

fn words(found: &FoundCurvature, summary: &FoundSummary) -> String {
    let heading = heading(&found.run, &found.points);
    let mut text = format!("{}: {heading}\n", summary.run);
    match (&summary.steps, found.points.last()) {
        (Some(steps), _) => text.push_str(&curvature_table(steps)),
        (None, Some(point)) => text.push_str(&curvature_words(&CurvatureSummary::of(point))),
        (None, None) => {}
    }
    text.extend(
        found
            .map
            .as_ref()
            .map(|map| map_words(&MapSummary::of(map))),
    );
    text
}
