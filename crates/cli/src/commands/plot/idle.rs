//! Options that a figure does not look at.

use crate::args::{PlotArgs, no_effect};
use crate::error::CliError;
use landscape_study::figures::{FigureKind, Figures, RunContents, Target};

/// An option, the kinds of figures that look at it, and what it belongs to.
type Look = (&'static str, &'static [FigureKind], &'static str);

/// Planes seen from above, on one of which a path may lie.
const FLAT: [FigureKind; 3] = [
    FigureKind::Contour,
    FigureKind::Heatmap,
    FigureKind::Trajectory,
];

/// Figures whose values have a scale that can be chosen.
const SCALED: &[FigureKind] = &[
    FigureKind::Line,
    FigureKind::Contour,
    FigureKind::Heatmap,
    FigureKind::Surface,
    FigureKind::Trajectory,
    FigureKind::Persistence,
    FigureKind::Losses,
    FigureKind::PlaneLosses,
    FigureKind::Slices,
    FigureKind::HessianMap,
    FigureKind::Stability,
];
const OWN_SCALES: &str = "a spectrum has its own scales, a table has none";

const LOOKS: &[Look] = &[
    (
        "path",
        &[
            FigureKind::Surface,
            FigureKind::Trajectory,
            FigureKind::PlaneLosses,
        ],
        "it belongs to figures of paths (--kind trajectory, surface or plane-losses)",
    ),
    ("log", SCALED, OWN_SCALES),
    ("clip", SCALED, OWN_SCALES),
    (
        "smooth",
        &[
            FigureKind::Line,
            FigureKind::Contour,
            FigureKind::Heatmap,
            FigureKind::Surface,
            FigureKind::Trajectory,
            FigureKind::Slices,
            FigureKind::Losses,
            FigureKind::HessianMap,
        ],
        "it belongs to figures of a landscape, and to losses of training",
    ),
    (
        "measured",
        &[FigureKind::Line, FLAT[0], FLAT[1], FLAT[2]],
        "it belongs to lines, contours and heatmaps",
    ),
    (
        "basins",
        &[FigureKind::Contour, FigureKind::Trajectory],
        "it belongs to contours (--kind contour or trajectory)",
    ),
    (
        "shared_scale",
        &[
            FigureKind::Line,
            FigureKind::Contour,
            FigureKind::Heatmap,
            FigureKind::Surface,
            FigureKind::Trajectory,
            FigureKind::Slices,
        ],
        "it belongs to figures of several landscapes",
    ),
    (
        "value",
        &[
            FigureKind::Line,
            FigureKind::Contour,
            FigureKind::Heatmap,
            FigureKind::Surface,
            FigureKind::Trajectory,
            FigureKind::Persistence,
            FigureKind::Slices,
        ],
        "it belongs to figures of a landscape",
    ),
    (
        "colormap",
        &[
            FigureKind::Contour,
            FigureKind::Heatmap,
            FigureKind::Surface,
            FigureKind::Trajectory,
            FigureKind::Slices,
            FigureKind::HessianMap,
        ],
        "curves and tables have no colours of values",
    ),
];

/// Refuses options that none of the figures looks at.
pub(super) fn check(figures: &Figures, args: &PlotArgs) -> Result<(), CliError> {
    if figures.target == Target::Page {
        return Ok(());
    }
    let (runs, kinds) = (&figures.runs, &figures.kinds);
    let given = |look: &&Look| args.given.has(look.0);
    let idle = |look: &&Look| !kinds.iter().any(|kind| look.1.contains(kind));
    if let Some((option, _, why)) = LOOKS.iter().filter(given).find(idle) {
        return Err(no_effect(option, why, None));
    }
    let pathless = runs.iter().all(|run| run.paths.is_empty());
    if args.given.has("path") && pathless {
        return Err(no_effect("path", "no run that is drawn has a path", None));
    }
    let interpolated = |run: &RunContents| {
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
