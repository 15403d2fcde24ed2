//! Figures of curvature, and its section of a page.

use super::look::over_steps;
use super::{FigureKind, Look, RunContents, parts};
use crate::StudyError;
use crate::error::NoCurvature;
use crate::hessian::{FROBENIUS, heading, is_of_subspace, settings_words};
use crate::record::Origin;
use landscape_core::short;
use landscape_plot::page::{EigenvalueRow, PageCurvature, TraceRow};
use landscape_plot::{
    self as plot, CurvatureMap, CurvaturePoint, Density, Eigenvalue, Figure, Options, SharpnessOf,
    SharpnessRow, Spectrum, StabilityCurve, StabilityLimit,
};
use landscape_storage::{
    ALL_PARAMETERS, Curvature, Eigenvalue as StoredEigenvalue, Sharpness, Side, SpectralDensity,
    TraceEstimate, TrainRecord,
};

/// The names of limits of stability.
const PLAIN: &str = "2/η";
const MOMENTUM: &str = "2(1+β)/η";
const NESTEROV: &str = "2(1+β)/(η(1+2β))";

/// Figures that a section of a page shows, in their order.
const ON_PAGES: [FigureKind; 6] = [
    FigureKind::Spectrum,
    FigureKind::HessianMap,
    FigureKind::Stability,
    FigureKind::Parts,
    FigureKind::Pairs,
    FigureKind::Subspace,
];

/// What is usually drawn of a run with curvature.
pub(super) fn usual(run: &RunContents) -> FigureKind {
    match run.curvature.len() {
        _ if run.map.is_some() => FigureKind::HessianMap,
        2.. if parts::has_subspace(run) => FigureKind::Subspace,
        2.. if has_stability(run) => FigureKind::Stability,
        _ if has_densities(run) => FigureKind::Spectrum,
        _ if has_sharpness(run) => FigureKind::Sharpness,
        _ if !parts::rows(run).is_empty() => FigureKind::Parts,
        _ if parts::norms(run).is_some() => FigureKind::Pairs,
        _ => FigureKind::Spectrum,
    }
}

pub(super) fn has_densities(run: &RunContents) -> bool {
    let mut points = run.curvature.iter();
    points.any(|point| !point.densities.is_empty())
}

pub(super) fn has_sharpness(run: &RunContents) -> bool {
    let mut points = run.curvature.iter();
    points.any(|point| point.sharpness.iter().any(|row| !is_of_subspace(row)))
}

pub(super) fn has_stability(run: &RunContents) -> bool {
    stability(run).is_ok()
}

/// A figure of a kind that belongs to curvature.
pub(super) fn figure(
    run: &RunContents,
    kind: FigureKind,
    look: &Look,
) -> Result<Figure, StudyError> {
    let options = look.options(run, None)?;
    Ok(match kind {
        FigureKind::HessianMap => plot::hessian_map(&map(run)?, &options)?,
        FigureKind::Stability => plot::edge_of_stability(&[stability(run)?], &over_steps(options))?,
        FigureKind::Sharpness => sharpness_marks(std::slice::from_ref(run), options)?,
        FigureKind::Parts | FigureKind::Pairs | FigureKind::Subspace => {
            parts::figure(run, kind, options)?
        }
        _ => spectrum_figure(run, options)?,
    })
}

fn spectrum_figure(run: &RunContents, options: Options) -> Result<Figure, StudyError> {
    let spectra = spectra(run)?;
    let matrix = match run.settings.matrix() {
        Some("gauss-newton") => "Gauss-Newton matrix",
        Some("fisher") => "empirical Fisher matrix",
        Some("residual") => "Hessian without its Gauss-Newton part",
        _ => "Hessian",
    };
    let options = Options {
        axes: [Some(format!("eigenvalue of the {matrix}")), None, None],
        ..options
    };
    Ok(match &spectra[..] {
        [only] => plot::spectrum(only, &options)?,
        several => plot::spectra(several, &options)?,
    })
}

/// The run has no such curvature.
pub(super) fn lacks(run: &RunContents, what: NoCurvature) -> StudyError {
    StudyError::NoCurvature {
        run: run.run.name.clone(),
        what,
        trained: match &run.provenance.weights {
            Some(Origin::Run { run: trained, .. }) => Some(trained.clone()),
            _ => None,
        },
    }
}

fn map(run: &RunContents) -> Result<CurvatureMap, StudyError> {
    let map = { run.map.as_ref() }.ok_or_else(|| lacks(run, NoCurvature::Map))?;
    let point = |point: &landscape_storage::CurvaturePoint| CurvaturePoint {
        lambda_max: point.lambda_max,
        lambda_min: point.lambda_min,
        converged: point.converged,
    };
    Ok(CurvatureMap {
        grid: map.grid.clone(),
        points: map.points.iter().map(|p| p.as_ref().map(point)).collect(),
    })
}

/// The densities of a run, one for each set of parameters.
fn spectra(run: &RunContents) -> Result<Vec<Spectrum>, StudyError> {
    let all = { run.curvature.iter() }.filter_map(|point| spectrum(run, point));
    let all: Vec<Spectrum> = all.collect();
    match all.is_empty() {
        true => Err(lacks(run, NoCurvature::Density)),
        false => Ok(all),
    }
}

fn spectrum(run: &RunContents, point: &Curvature) -> Option<Spectrum> {
    let density = { point.densities.iter() }.find(|density| density.part == ALL_PARAMETERS)?;
    let whole = { point.eigenvalues.iter() }.filter(|value| value.part == ALL_PARAMETERS);
    let eigenvalue = |found: &StoredEigenvalue| Eigenvalue {
        value: found.value,
        residual: found.residual,
        converged: found.converged,
    };
    Some(Spectrum {
        name: match point.step {
            Some(step) => format!("step {step}"),
            None => run.run.name.clone(),
        },
        parameters: Some(point.parameters as usize),
        density: Some(drawn(density)),
        eigenvalues: whole.map(eigenvalue).collect(),
        stability_limit: point.stability_limit.map(|value| StabilityLimit {
            name: limit_name(run).to_owned(),
            value,
        }),
        ..Spectrum::default()
    })
}

fn drawn(density: &SpectralDensity) -> Density {
    Density {
        grid: density.grid.clone(),
        density: density.density.clone(),
        lower: density.lower.clone(),
        upper: density.upper.clone(),
        confidence: density.confidence.unwrap_or(0.0),
        lanczos_steps: density.lanczos_steps as usize,
        probes: density.probes as usize,
        width: density.width,
    }
}

/// What the limit of stability of the training is called.
fn limit_name(run: &RunContents) -> &'static str {
    match run.provenance.optimizer.as_deref() {
        Some("momentum") => MOMENTUM,
        Some("nesterov") => NESTEROV,
        _ => PLAIN,
    }
}

/// The largest eigenvalue at a step.
struct Top {
    step: f64,
    value: f64,
    converged: bool,
    limit: Option<f64>,
}

fn top(point: &Curvature) -> Option<Top> {
    let largest = point.eigenvalues_of(ALL_PARAMETERS, Side::Top);
    let largest = largest.first()?;
    Some(Top {
        step: point.step? as f64,
        value: largest.value,
        converged: largest.converged,
        limit: point.stability_limit,
    })
}

/// The largest eigenvalues of several trainings in one figure, each under its name, above their losses.
pub(super) fn stability_of(runs: &[RunContents], look: &Look) -> Result<Figure, StudyError> {
    let named = |run: &RunContents| {
        let training = run.training.as_ref().map(|(training, _)| &training.name);
        Ok(StabilityCurve {
            name: training.unwrap_or(&run.run.name).clone(),
            ..stability(run)?
        })
    };
    let curves: Vec<StabilityCurve> = runs.iter().map(named).collect::<Result<_, StudyError>>()?;
    look.fitted(|look| {
        let options = match runs {
            [first, ..] => look.options(first, None)?,
            [] => Options::default(),
        };
        Ok(plot::edge_of_stability(&curves, &over_steps(options))?)
    })
}

fn stability(run: &RunContents) -> Result<StabilityCurve, StudyError> {
    let known: Vec<Top> = run.curvature.iter().filter_map(top).collect();
    if known.is_empty() {
        return Err(lacks(run, NoCurvature::Steps));
    }
    let limits: Vec<f64> = known.iter().filter_map(|top| top.limit).collect();
    let records = || run.training.iter().flat_map(|(_, records)| records);
    let loss = |record: &TrainRecord| record.loss.unwrap_or(f64::NAN);
    Ok(StabilityCurve {
        name: String::new(),
        steps: known.iter().map(|top| top.step).collect(),
        lambda_max: known.iter().map(|top| top.value).collect(),
        converged: known.iter().map(|top| top.converged).collect(),
        limit: match limits.len() == known.len() {
            true => limits,
            false => Vec::new(),
        },
        limit_name: limit_name(run).to_owned(),
        loss_steps: records().map(|record| record.step as f64).collect(),
        losses: records().map(loss).collect(),
    })
}

/// The measures of sharpness of all runs in one figure.
pub(super) fn sharpness_of(runs: &[RunContents], look: &Look) -> Result<Figure, StudyError> {
    look.fitted(|look| {
        let options = match runs {
            [first, ..] => look.options(first, None)?,
            [] => Options::default(),
        };
        sharpness_marks(runs, options)
    })
}

fn sharpness_marks(runs: &[RunContents], options: Options) -> Result<Figure, StudyError> {
    let rows = |run: &RunContents| {
        let last = run.curvature.last();
        let rows = last.map(|point| sharpness(&point.sharpness));
        let rows = rows.filter(|rows| !rows.is_empty());
        rows.ok_or_else(|| lacks(run, NoCurvature::Sharpness))
    };
    let all: Vec<Vec<SharpnessRow>> = runs.iter().map(rows).collect::<Result<_, StudyError>>()?;
    let named = runs.iter().zip(&all).map(|(run, rows)| SharpnessOf {
        name: &run.run.name,
        rows,
    });
    Ok(plot::sharpness(&named.collect::<Vec<_>>(), &options)?)
}

fn sharpness(rows: &[Sharpness]) -> Vec<SharpnessRow> {
    let row = |found: &Sharpness| SharpnessRow {
        measure: found.measure.clone(),
        value: found.value,
        se: found.se,
        settings: settings_words(&found.settings),
    };
    let measures = rows.iter().filter(|found| !is_of_subspace(found));
    measures.map(row).collect()
}

/// The curvature of a run as a section of a page; nothing where it has none.
///
/// # Errors
/// Those of its figures.
pub fn page_curvature(run: &RunContents) -> Result<Option<PageCurvature>, StudyError> {
    let Some(last) = run.curvature.last() else {
        return Ok(None);
    };
    let mut page = PageCurvature {
        name: run.run.name.clone(),
        description: Some(format!("{}.", heading(&run.run, &run.curvature))),
        figures: page_figures(run)?,
        sharpness: sharpness(&last.sharpness),
        ..PageCurvature::default()
    };
    let numbers = [
        ("Loss", last.loss),
        ("Gradient norm", last.gradient_norm),
        ("Limit of stability", last.stability_limit),
    ];
    let numbers = numbers.into_iter();
    page.facts = numbers
        .filter_map(|(name, value)| Some((name.to_owned(), short(value?))))
        .chain(run.facts())
        .collect();
    if run.curvature.len() == 1 {
        page.eigenvalues = last.eigenvalues.iter().map(eigenvalue_row).collect();
        let traces = last.traces.iter().filter(|row| row.method != FROBENIUS);
        page.traces = traces.map(trace_row).collect();
    }
    page.command.clone_from(&run.provenance.command);
    Ok(Some(page))
}

fn page_figures(run: &RunContents) -> Result<Vec<(String, Figure)>, StudyError> {
    let several = run.curvature.len() > 1;
    let shown = ON_PAGES
        .into_iter()
        .filter(|&kind| run.has_figure(kind) && (several || kind != FigureKind::Stability));
    let look = Look::default();
    shown
        .map(|kind| Ok((kind.title().to_owned(), figure(run, kind, &look)?)))
        .collect()
}

fn eigenvalue_row(found: &StoredEigenvalue) -> EigenvalueRow {
    EigenvalueRow {
        part: found.part.clone(),
        rank: format!("{} {}", found.side, found.rank + 1),
        value: found.value,
        residual: found.residual,
        converged: found.converged,
    }
}

fn trace_row(found: &TraceEstimate) -> TraceRow {
    TraceRow {
        part: found.part.clone(),
        method: found.method.clone(),
        mean: found.mean,
        se: found.se,
        products: found.products,
    }
}
