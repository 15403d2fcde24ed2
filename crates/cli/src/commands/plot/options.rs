//! What a figure is told.

use super::Stored;
use crate::args::{Colors, LookArgs};
use crate::error::CliError;
use landscape_core::{Surface, Value};
use landscape_plot::{Clip, Colormap, Figure, Options, Place, Scale, Style};
use landscape_storage::RunKind;
use landscape_study::files::write_new;
use landscape_study::record::Origin;
use std::path::Path;

/// The options of a run's figure.
pub fn figure_options(
    run: &Stored,
    look: &LookArgs,
    surface: Option<&Surface>,
) -> Result<Options, CliError> {
    let value = match surface {
        Some(surface) => look.value.of(surface, &run.run.name)?,
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
        tolerance: run.settings.adaptive(),
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
    let place = |place: &landscape_study::record::Place| {
        let mut at = [0.0; 3];
        at.iter_mut()
            .zip(&place.at)
            .for_each(|(to, from)| *to = *from);
        let name = place.name.clone();
        Place { name, at }
    };
    run.provenance.places().iter().skip(1).map(place).collect()
}

/// What the point 0 of a run's plane is.
pub fn origin(run: &Stored) -> Option<String> {
    let first = run.provenance.places().first();
    match (run.run.kind, first, &run.provenance.weights) {
        // The end of the path is marked by itself.
        (RunKind::Trajectory | RunKind::Train | RunKind::Curve | RunKind::Import, _, _) => None,
        (_, Some(first), _) => Some(first.name.clone()),
        (_, _, Some(Origin::Seed { .. } | Origin::Run { step: 0, .. })) => {
            Some("initial point".to_owned())
        }
        _ => Some("trained point".to_owned()),
    }
}

/// Where the numbers come from, for the metadata of files.
pub fn provenance(run: &Stored) -> Vec<(String, String)> {
    let mut facts = vec![
        ("Run".to_owned(), run.run.name.clone()),
        ("Identity".to_owned(), run.run.identity.clone()),
    ];
    let (problem, stored) = (run.settings.problem(), &run.provenance);
    let data = stored.data.as_ref().map(|data| data.spec.to_string());
    let more = [
        ("Model", problem.model.clone()),
        ("Loss", problem.loss.clone()),
        ("Data", data),
        ("Command", stored.command.clone()),
        ("Version", stored.version.clone()),
    ];
    let known = more
        .into_iter()
        .filter_map(|(label, word)| Some((label.to_owned(), word?)));
    facts.extend(known);
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
    Ok(write_new(path, &bytes, force)?)
}
