//! What a figure is told.

use super::Stored;
use crate::args::{Colors, LookArgs};
use crate::commands::engine::tolerance;
use crate::commands::metrics::find_value;
use crate::error::CliError;
use crate::inputs::{stored_places, write_new};
use landscape_core::{Surface, Value};
use landscape_plot::{Clip, Colormap, Figure, Options, Place, Scale, Style};
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
        basins: look.basins,
        tolerance: tolerance(&run.run),
        title: look.title.clone(),
        origin: origin(run),
        places: places(run),
        // Curves between networks are stored as paths too.
        training: !run.is_curve(),
        provenance: provenance(run),
        ..Options::default()
    };
    Ok(named_axes(run, options))
}

/// Axes that are called by their directions, or by the models that these lead to.
pub fn named_axes(run: &Stored, options: Options) -> Options {
    if run.directions.is_empty() {
        return options;
    }
    let mut options = options.directions(&run.directions);
    if run.is_curve() {
        let names = ["from network to network", "towards the control point"];
        for (label, name) in options.axes.iter_mut().zip(names) {
            *label = Some(name.to_owned());
        }
        return options;
    }
    for place in places(run) {
        let axes = options.axes.iter_mut().enumerate();
        let unit = |axis: usize| [0, 1, 2].map(|k| f64::from(u8::from(k == axis)));
        for (_, label) in axes.filter(|(axis, _)| place.at == unit(*axis)) {
            *label = Some(format!("towards {}", place.name));
        }
    }
    options
}

/// The models that a run's plane goes through, apart from the one at 0.
pub fn places(run: &Stored) -> Vec<Place> {
    let stored = stored_places(&run.run.provenance).into_iter().skip(1);
    let place = |place: crate::inputs::Place| {
        let mut at = [0.0; 3];
        at.iter_mut()
            .zip(&place.at)
            .for_each(|(to, from)| *to = *from);
        let name = place.name;
        Place { name, at }
    };
    stored.map(place).collect()
}

/// What the point 0 of a run's plane is.
pub fn origin(run: &Stored) -> Option<String> {
    let weights = run.run.provenance.get("weights");
    let given = |name: &str| weights.and_then(|w| w.get(name));
    match run.run.kind {
        // The end of the path is marked by itself.
        RunKind::Trajectory | RunKind::Train | RunKind::Curve | RunKind::Import => None,
        _ if run.run.provenance.get("models").is_some() => {
            let first = stored_places(&run.run.provenance).into_iter().next();
            first.map(|place| place.name)
        }
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
