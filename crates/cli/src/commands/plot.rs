//! Figures and pages of stored runs.

use crate::args::PlotArgs;
use crate::error::{CliError, no_effect};
use crate::inputs::read_store;
use crate::output::{Console, path_json, say_hidden};
use landscape_core::path_words;
use landscape_study::figures::{Figures, LookField, Target};
use serde_json::{Value, json};

/// Draws runs.
pub fn plot(args: &PlotArgs, console: &Console) -> Result<(), CliError> {
    let request = args.request();
    Target::of(&request.output)?;
    let store = read_store(&args.db.db, console)?;
    let figures = Figures::prepare(&request, &store)?;
    check(&figures, args)?;
    let drawn = figures.run()?;
    say_hidden(&drawn.hidden, console);
    let files = drawn.files.iter();
    console.result(
        || json!({"files": files.clone().map(|path| path_json(path)).collect::<Value>()}),
        || {
            files
                .clone()
                .map(|path| format!("{}\n", path_words(path)))
                .collect()
        },
    )
}

const OWN_SCALES: &str = "spectra and measures of sharpness have scales of their own";

/// Options that not every kind of figure looks at, and what each belongs to.
const LOOKS: &[(&str, LookField, &str)] = &[
    (
        "path",
        LookField::Path,
        "it belongs to figures of paths (--kind trajectory, surface or plane-losses)",
    ),
    ("log", LookField::Log, OWN_SCALES),
    ("clip", LookField::Clip, OWN_SCALES),
    (
        "smooth",
        LookField::Smooth,
        "it belongs to figures of a landscape, and to losses of training",
    ),
    (
        "measured",
        LookField::Measured,
        "it belongs to lines, contours and heatmaps",
    ),
    (
        "basins",
        LookField::Basins,
        "it belongs to contours (--kind contour or trajectory)",
    ),
    (
        "levels",
        LookField::Levels,
        "it belongs to contours (--kind contour, trajectory, surface or slices)",
    ),
    (
        "shared_scale",
        LookField::SharedScale,
        "it belongs to figures of several landscapes",
    ),
    (
        "panels",
        LookField::Panels,
        "it belongs to contours (--kind contour or trajectory)",
    ),
    (
        "difference",
        LookField::Difference,
        "it belongs to figures of landscapes",
    ),
    (
        "camera",
        LookField::Camera,
        "it belongs to surfaces (--kind surface)",
    ),
    (
        "along",
        LookField::Along,
        "it belongs to curves (--kind line)",
    ),
    (
        "value",
        LookField::Value,
        "it belongs to figures of a landscape",
    ),
    (
        "colormap",
        LookField::Colormap,
        "curves and marks have no colours of values",
    ),
];

/// Options about something that no run may have.
const CONTENTS: [(&str, LookField, &str); 2] = [
    ("path", LookField::Path, "no run that is drawn has a path"),
    (
        "measured",
        LookField::Measured,
        "every point of the landscape is measured; it belongs to runs with --adaptive",
    ),
];

/// Refuses options that none of the figures looks at.
fn check(figures: &Figures, args: &PlotArgs) -> Result<(), CliError> {
    let ignored = LOOKS.iter().filter(|(_, field, _)| figures.ignores(*field));
    let absent = CONTENTS
        .iter()
        .filter(|(_, field, _)| figures.lacks(*field));
    let mut idle = ignored.chain(absent);
    match idle.find(|(option, ..)| args.given.has(option)) {
        Some((option, _, why)) => Err(no_effect(option, why, None)),
        None => Ok(()),
    }
}
