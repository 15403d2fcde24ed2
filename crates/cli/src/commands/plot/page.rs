//! The interactive page.

use super::Stored;
use super::curvature::page_curvature;
use super::options::{named_axes, origin, places, provenance};
use crate::args::PlotArgs;
use crate::error::CliError;
use crate::output::{barrier_words, metric_rows, short};
use landscape_core::{Value, metrics};
use landscape_plot::page::{PageData, PageRun, html};
use landscape_plot::{Aspect, LossCurve, Options};
use landscape_study::files::write_new;
use landscape_study::metrics::barrier_of;
use std::path::PathBuf;

/// Writes one page for all runs that have a landscape.
pub fn write(runs: &[Stored], args: &PlotArgs) -> Result<PathBuf, CliError> {
    let curves: Vec<LossCurve> = runs.iter().filter_map(|run| run.curve().ok()).collect();
    let shown: Vec<PageRun> = { runs.iter() }
        .filter(|run| run.surface.is_some())
        .map(|run| page_run(run, &curves))
        .collect::<Result<_, _>>()?;
    let curvature: Vec<_> = { runs.iter() }
        .filter_map(|run| page_curvature(run).transpose())
        .collect::<Result<_, _>>()?;
    if shown.is_empty() && curvature.is_empty() {
        return Err(runs[0].lacks("landscape"));
    }
    let names: Vec<&str> = runs.iter().map(|run| run.run.name.as_str()).collect();
    let title = args.look.title.clone();
    let title = title.unwrap_or_else(|| format!("Loss landscape: {}", names.join(", ")));
    let mut data = PageData::new(title, shown).with_curvature(curvature);
    data.log = args.look.log;
    let page = html(&data)?;
    write_new(&args.output, page.as_bytes(), args.force)?;
    Ok(args.output.clone())
}

/// A run with all that is known about it.
pub fn page_run(run: &Stored, curves: &[LossCurve]) -> Result<PageRun, CliError> {
    let surface = run.surface.clone().ok_or_else(|| run.lacks("landscape"))?;
    let dims = surface.grid().dims();
    let options = named_axes(run, Options::default());
    let mut page = PageRun::new(run.run.name.clone(), surface);
    if run.directions.len() == dims {
        let labels = options.axes.iter().take(dims).flatten();
        page.axis_labels = labels.cloned().collect();
        page.equal_aspect = options.aspect == Aspect::Equal;
    }
    if let Ok(figures) = metrics(&page.surface) {
        page.metrics = metric_rows(&figures, page.surface.grid());
        let smad = figures.smad.map(|smad| ("SMAD".to_owned(), short(smad)));
        page.metrics.extend(smad);
        let barrier = barrier_of(&run.run, &page.surface, Value::Loss);
        let row = |barrier| ("barrier".to_owned(), barrier_words(&barrier));
        page.metrics.extend(barrier.map(row));
    }
    page.diagnoses.clone_from(&run.diagnoses);
    page.origin = origin(run);
    page.places = places(run);
    page.tolerance = run.settings.adaptive();
    match run.paths.as_slice() {
        [only] => page.trajectory = Some(only.trajectory.clone()),
        several => {
            let named = several.iter();
            page.paths = named
                .map(|path| (path.label.clone(), path.trajectory.clone()))
                .collect();
        }
    }
    page.curves = curves.to_vec();
    page.provenance = provenance(run);
    page.command.clone_from(&run.provenance.command);
    Ok(page)
}
