//! Runs as tabs and sections of an interactive page.

use super::{RunContents, page_curvature};
use crate::StudyError;
use crate::metrics::{barrier_of, metric_rows};
use landscape_core::{Surface, Value, metrics, short};
use landscape_plot::page::{PageData, PageRun};
use landscape_plot::{Aspect, LossCurve, Options};
use landscape_storage::Run;

/// One page for runs: a tab for each that has a landscape, with the losses of all trainings, and a section for each that
/// has curvature.
///
/// # Errors
/// Where no run has either, and those of figures.
pub fn page_of(runs: &[RunContents], title: Option<&str>) -> Result<PageData, StudyError> {
    let curves = runs.iter().filter_map(|run| run.loss_curve().ok());
    let curves: Vec<LossCurve> = curves.collect();
    let shown = { runs.iter() }
        .filter(|run| run.surface.is_some())
        .map(|run| page_run(run, &curves))
        .collect::<Result<Vec<_>, _>>()?;
    let curvature = { runs.iter() }
        .filter_map(|run| page_curvature(run).transpose())
        .collect::<Result<Vec<_>, _>>()?;
    if let ([first, ..], true, true) = (runs, shown.is_empty(), curvature.is_empty()) {
        first.landscape()?;
    }
    let names: Vec<&str> = runs.iter().map(|run| run.run.name.as_str()).collect();
    let title = match title {
        Some(title) => title.to_owned(),
        None => format!("Loss landscape: {}", names.join(", ")),
    };
    Ok(PageData::new(title, shown).with_curvature(curvature))
}

/// A run as a tab of a page, with all that is known about it and the losses of trainings beside it.
///
/// # Errors
/// Where it has no landscape.
pub fn page_run(run: &RunContents, curves: &[LossCurve]) -> Result<PageRun, StudyError> {
    let surface = run.landscape()?;
    let dims = surface.grid().dims();
    let options = run.with_axes(Options::default());
    let mut page = PageRun::new(run.run.name.clone(), surface.clone());
    if run.directions.len() == dims {
        let labels = options.axes.iter().take(dims).flatten();
        page.axis_labels = labels.cloned().collect();
        page.equal_aspect = options.aspect == Aspect::Equal;
    }
    page.metrics = figures(&run.run, surface);
    page.diagnoses.clone_from(&run.diagnoses);
    page.origin = run.origin();
    page.networks = run.networks();
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
    page.provenance = run.facts();
    page.command.clone_from(&run.provenance.command);
    Ok(page)
}

/// The figures of a landscape; none where no loss is finite.
fn figures(run: &Run, surface: &Surface) -> Vec<(String, String)> {
    let Ok(figures) = metrics(surface) else {
        return Vec::new();
    };
    let mut rows = metric_rows(&figures, surface.grid());
    let smad = figures.smad.map(|smad| ("SMAD".to_owned(), short(smad)));
    let barrier = barrier_of(run, surface, Value::Loss);
    let barrier = barrier.map(|barrier| ("barrier".to_owned(), barrier.to_string()));
    rows.extend(smad.into_iter().chain(barrier));
    rows
}
