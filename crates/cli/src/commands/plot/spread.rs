//! A hint where a few huge values leave one colour to all others.

use super::{Stored, usual};
use crate::args::{Kind, PlotArgs};
use crate::output::{Console, short};
use landscape_core::metrics_of;

/// Share of the range below which what most values take of it is hardly seen.
const SEEN: f64 = 0.05;

/// Says which pictures show a few huge values and hardly anything else, and what shows the others.
pub fn note(runs: &[Stored], args: &PlotArgs, console: &Console) {
    if args.look.log || args.look.clip.is_some() {
        return;
    }
    for words in runs.iter().filter_map(|run| hint(run, args)) {
        console.note(words);
    }
}

fn hint(run: &Stored, args: &PlotArgs) -> Option<String> {
    let kind = args.kind.unwrap_or_else(|| usual(run));
    let scaled = matches!(
        kind,
        Kind::Contour
            | Kind::Heatmap
            | Kind::Surface
            | Kind::Slices
            | Kind::Line
            | Kind::Trajectory
    );
    let surface = run.surface.as_ref().filter(|_| scaled)?;
    let value = args.look.value.of(surface, &run.run.name).ok()?;
    let figures = metrics_of(surface, value).ok()?;
    let (range, robust) = (figures.range, figures.robust_range);
    (robust < SEEN * range).then(|| {
        let top = short(figures.min_loss + robust);
        let log = if figures.min_loss > 0.0 { "--log or " } else { "" };
        format!(
            "{}: a few values reach {} and set the scale, on which most, up to {top} or so, look alike; {log}--clip {top} shows them",
            run.run.name,
            short(figures.max_loss)
        )
    })
}
