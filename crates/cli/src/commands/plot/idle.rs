//! Options that a figure does not look at.

use super::Stored;
use crate::args::{Kind, PlotArgs, no_effect};
use crate::error::CliError;

/// An option, the kinds of figures that look at it, and what it belongs to.
type Look = (&'static str, &'static [Kind], &'static str);

/// Planes seen from above, on one of which a path may lie.
const FLAT: [Kind; 3] = [Kind::Contour, Kind::Heatmap, Kind::Trajectory];

/// Figures whose values have a scale that can be chosen.
const SCALED: &[Kind] = &[
    Kind::Line,
    Kind::Contour,
    Kind::Heatmap,
    Kind::Surface,
    Kind::Trajectory,
    Kind::Persistence,
    Kind::Losses,
    Kind::PlaneLosses,
    Kind::Slices,
    Kind::HessianMap,
    Kind::Stability,
];
const OWN_SCALES: &str = "a spectrum has its own scales, a table has none";

const LOOKS: &[Look] = &[
    (
        "path",
        &[Kind::Surface, Kind::Trajectory, Kind::PlaneLosses],
        "it belongs to figures of paths (--kind trajectory, surface or plane-losses)",
    ),
    ("log", SCALED, OWN_SCALES),
    ("clip", SCALED, OWN_SCALES),
    (
        "smooth",
        &[
            Kind::Line,
            Kind::Contour,
            Kind::Heatmap,
            Kind::Surface,
            Kind::Trajectory,
            Kind::Slices,
            Kind::Losses,
            Kind::HessianMap,
        ],
        "it belongs to figures of a landscape, and to losses of training",
    ),
    (
        "measured",
        &[Kind::Line, FLAT[0], FLAT[1], FLAT[2]],
        "it belongs to lines, contours and heatmaps",
    ),
    (
        "basins",
        &[Kind::Contour, Kind::Trajectory],
        "it belongs to contours (--kind contour or trajectory)",
    ),
    (
        "shared_scale",
        &[
            Kind::Line,
            Kind::Contour,
            Kind::Heatmap,
            Kind::Surface,
            Kind::Trajectory,
            Kind::Slices,
        ],
        "it belongs to figures of several landscapes",
    ),
    (
        "value",
        &[
            Kind::Line,
            Kind::Contour,
            Kind::Heatmap,
            Kind::Surface,
            Kind::Trajectory,
            Kind::Persistence,
            Kind::Slices,
        ],
        "it belongs to figures of a landscape",
    ),
    (
        "colormap",
        &[
            Kind::Contour,
            Kind::Heatmap,
            Kind::Surface,
            Kind::Trajectory,
            Kind::Slices,
            Kind::HessianMap,
        ],
        "curves and tables have no colours of values",
    ),
];

/// Refuses options that none of the figures looks at.
pub(super) fn check(runs: &[Stored], kinds: &[Kind], args: &PlotArgs) -> Result<(), CliError> {
    let given = |look: &&Look| args.given.has(look.0);
    let idle = |look: &&Look| !kinds.iter().any(|kind| look.1.contains(kind));
    if let Some((option, _, why)) = LOOKS.iter().filter(given).find(idle) {
        return Err(no_effect(option, why, None));
    }
    let pathless = runs.iter().all(|run| run.paths.is_empty());
    if args.given.has("path") && pathless {
        return Err(no_effect("path", "no run that is drawn has a path", None));
    }
    let interpolated = |run: &Stored| {
        let surface = run.surface.as_ref();
        surface.is_some_and(|surface| surface.interpolated() > 0)
    };
    match args.given.has("measured") && !runs.iter().any(interpolated) {
        true => Err(no_effect(
            "measured",
            "every point of the landscape is measured; it belongs to runs with --adaptive",
            None,
        )),
        false => Ok(()),
    }
}
