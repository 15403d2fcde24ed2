//! Runs as tabs and sections of an interactive page.

use super::{FigureKind, Look, RunContents, losses_of, page_curvature};
use crate::StudyError;
use crate::metrics::{barrier_of, metric_rows};
use landscape_core::{Surface, Value, metrics, short};
use landscape_plot::page::{PageCurvature, PageData, PageRun};
use landscape_plot::{Aspect, Figure, LossCurve, Options};
use landscape_storage::Run;

/// One page for runs: a tab for each that has a landscape, with the losses of all trainings, and a section for each that
/// has curvature; without a landscape also sections for trainings and paths.
///
/// # Errors
/// Where no run has any of them, and those of figures.
pub fn page_of(runs: &[RunContents], title: Option<&str>) -> Result<PageData, StudyError> {
    let curves = runs.iter().filter_map(|run| run.loss_curve().ok());
    let curves: Vec<LossCurve> = curves.collect();
    let shown = { runs.iter() }
        .filter(|run| run.surface.is_some())
        .map(|run| page_run(run, &curves))
        .collect::<Result<Vec<_>, _>>()?;
    let mut curvature = match shown.is_empty() {
        true => sections(runs)?,
        false => Vec::new(),
    };
    for run in runs {
        curvature.extend(page_curvature(run)?);
    }
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

/// Trainings, and paths whose plane is not sampled, as sections.
fn sections(runs: &[RunContents]) -> Result<Vec<PageCurvature>, StudyError> {
    let trained = |run: &&RunContents| !run.records.is_empty();
    let together = runs.len() > 1 && runs.iter().all(|run| trained(&run));
    let mut sections = Vec::new();
    if together {
        let names: Vec<&str> = runs.iter().map(|run| run.run.name.as_str()).collect();
        sections.push(PageCurvature {
            name: names.join(", "),
            heading: Some("Trainings".to_owned()),
            figures: vec![losses(runs)?],
            ..PageCurvature::default()
        });
    }
    for run in runs.iter().filter(trained) {
        let own = match together {
            true => Vec::new(),
            false => vec![losses(std::slice::from_ref(run))?],
        };
        sections.push(section("Training", run, own));
    }
    for run in runs.iter().filter(|run| !run.paths.is_empty()) {
        sections.push(section("Path", run, paths(run)?));
    }
    Ok(sections)
}

/// The losses of trainings, with their heading.
fn losses(runs: &[RunContents]) -> Result<(String, Figure), StudyError> {
    let figure = losses_of(runs, &Look::default())?;
    Ok((FigureKind::Losses.title().to_owned(), figure))
}

/// The losses along each path of a run.
fn paths(run: &RunContents) -> Result<Vec<(String, Figure)>, StudyError> {
    let drawn = run.paths.iter().map(|path| {
        let look = Look {
            path: Some(path.label.clone()),
            ..Look::default()
        };
        let title = format!("{}: {}", FigureKind::PlaneLosses.title(), path.label);
        Ok((title, run.draw(FigureKind::PlaneLosses, &look)?))
    });
    drawn.collect()
}

fn section(heading: &str, run: &RunContents, figures: Vec<(String, Figure)>) -> PageCurvature {
    PageCurvature {
        name: run.run.name.clone(),
        heading: Some(heading.to_owned()),
        figures,
        facts: run.facts(),
        command: run.provenance.command.clone(),
        ..PageCurvature::default()
    }
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
