//! What a figure is told.

use super::Stored;
use crate::args::{Colors, LookArgs};
use crate::commands::engine::tolerance;
use crate::commands::metrics::find_value;
use crate::error::CliError;
use crate::inputs::write_new;
use landscape_core::{Surface, Value};
use landscape_plot::{Clip, Colormap, Figure, Options, Scale, Style};
use landscape_storage::RunKind;
use serde_json::Value as Json;
use std::path::Path;

/// The options of a run's figure.
pub fn figure_options(
    run: &Stored,
    look: &LookArgs,
    surface: Option<&Surface>,
) -> Result<Options, CliError> {
    let value = match surface {
        Some(surface) => find_value(&look.value, surface, &run.run.name)?,
        None => Value::Loss,
    };
    let options = Options {
        style: Style {
            width_mm: look.width,
            colormap: match look.colormap {
                Colors::Viridis => Colormap::Viridis,
                Colors::Cividis => Colormap::Cividis,
            },
            ..Style::default()
        },
        value,
        scale: match look.log {
            true => Scale::Log,
            false => Scale::Linear,
        },
        clip: look.clip.map_or(Clip::default(), |limits| Clip {
            low: limits.low,
            high: limits.high,
        }),
        smooth: look.smooth,
        measured: look.measured,
        tolerance: tolerance(&run.run),
        title: look.title.clone(),
        origin: origin(run),
        provenance: provenance(run),
        ..Options::default()
    };
    Ok(match run.directions.is_empty() {
        true => options,
        false => options.directions(&run.directions),
    })
}

/// What the point 0 of a run's plane is.
pub fn origin(run: &Stored) -> Option<String> {
    let weights = run.run.provenance.get("weights");
    let given = |name: &str| weights.and_then(|w| w.get(name));
    match run.run.kind {
        // The end of the path is marked by itself.
        RunKind::Trajectory | RunKind::Train | RunKind::Import => None,
        _ if given("seed").is_some() => Some("initial point".to_owned()),
        _ if given("step").and_then(Json::as_u64) == Some(0) => Some("initial point".to_owned()),
        _ => Some("trained point".to_owned()),
    }
}

/// Where the numbers come from, for the metadata of files.
pub fn provenance(run: &Stored) -> Vec<(String, String)> {
    let mut facts = vec![
        ("Run".to_owned(), run.run.name.clone()),
        ("Identity".to_owned(), run.run.identity.clone()),
    ];
    let from = [("Model", "model"), ("Loss", "loss")];
    for (label, name) in from {
        if let Some(word) = run.run.settings.get(name).and_then(Json::as_str) {
            facts.push((label.to_owned(), word.to_owned()));
        }
    }
    let stored = &run.run.provenance;
    if let Some(data) = stored.get("data").and_then(|d| d.get("spec")?.as_str()) {
        facts.push(("Data".to_owned(), data.to_owned()));
    }
    for (label, name) in [("Command", "command"), ("Version", "version")] {
        if let Some(word) = stored.get(name).and_then(Json::as_str) {
            facts.push((label.to_owned(), word.to_owned()));
        }
    }
    facts
}

/// Writes a figure as its file name says.
pub fn saved(figure: &Figure, path: &Path, dpi: f64, force: bool) -> Result<(), CliError> {
    let ending = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let bytes = match ending.as_str() {
        "png" => figure.to_png(dpi)?,
        _ => figure.to_svg().into_bytes(),
    };
    write_new(path, &bytes, force)
}
