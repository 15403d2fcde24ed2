//! Figures of curvature, and its section of the page.

use super::Stored;
use super::options::{figure_options, provenance};
use crate::args::{Kind, LookArgs};
use crate::commands::hessian::report::{heading, settings_words};
use crate::error::CliError;
use crate::output::Typed;
use landscape_plot::page::{EigenvalueRow, PageCurvature, TraceRow};
use landscape_plot::{
    self as plot, CurvatureMap, CurvaturePoint, Density, Eigenvalue, Figure, Options, SharpnessRow,
    Spectrum, StabilityCurve, StabilityLimit,
};
use landscape_storage::{
    ALL_PARAMETERS, Curvature, Eigenvalue as StoredEigenvalue, Sharpness, Side,
};
use landscape_study::record::Origin;

/// The names of limits of stability.
const PLAIN: &str = "2/η";
const MOMENTUM: &str = "2(1+β)/η";
const NESTEROV: &str = "2(1+β)/(η(1+2β))";

/// What is usually drawn of a run with curvature.
pub fn usual(run: &Stored) -> Kind {
    let densities = run
        .curvature
        .iter()
        .any(|point| !point.densities.is_empty());
    let sharpness = run
        .curvature
        .iter()
        .any(|point| !point.sharpness.is_empty());
    match run.curvature.len() {
        _ if run.map.is_some() => Kind::HessianMap,
        2.. if stability(run).is_ok() => Kind::Stability,
        _ if sharpness && !densities => Kind::Sharpness,
        _ => Kind::Spectrum,
    }
}

/// A figure of a kind that belongs to curvature.
pub fn figure(run: &Stored, kind: Kind, look: &LookArgs) -> Result<Figure, CliError> {
    let options = figure_options(run, look, None)?;
    Ok(match kind {
        Kind::HessianMap => plot::hessian_map(&map(run)?, &options)?,
        Kind::Stability => {
            let options = Options {
                axes: [None, None, None],
                ..options
            };
            plot::edge_of_stability(&[stability(run)?], &options)?
        }
        Kind::Sharpness => {
            let rows = run
                .curvature
                .last()
                .map(|point| sharpness(&point.sharpness));
            let rows = rows.filter(|rows| !rows.is_empty());
            plot::sharpness_table(&rows.ok_or_else(|| lacks(run, "sharpness"))?, &options)?
        }
        _ => {
            let spectra = spectra(run)?;
            let matrix = match run.settings.matrix() {
                Some("gauss-newton") => "Gauss-Newton matrix",
                Some("fisher") => "empirical Fisher matrix",
                _ => "Hessian",
            };
            let options = Options {
                axes: [Some(format!("eigenvalue of the {matrix}")), None, None],
                ..options
            };
            match spectra.len() {
                1 => plot::spectrum(&spectra[0], &options)?,
                _ => plot::spectra(&spectra, &options)?,
            }
        }
    })
}

/// What to do about a run without what is to be drawn.
fn lacks(run: &Stored, what: &'static str) -> CliError {
    let name = &run.run.name;
    let option = match what {
        "map of curvature" => "--map",
        "sharpness" => "--sharpness all",
        "largest eigenvalue at several steps" => "--all-steps --top 1",
        _ => "--density",
    };
    CliError::Conflict {
        what: format!("run `{name}` has no {what}"),
        remedy: match &run.provenance.weights {
            Some(Origin::Run { run: trained, .. }) => {
                let typed = Typed::new("hessian").option("--run", trained);
                format!("compute it: {typed} {option}")
            }
            _ => format!("compute it: `landscape hessian` with {option}"),
        },
    }
}

fn map(run: &Stored) -> Result<CurvatureMap, CliError> {
    let map = run
        .map
        .as_ref()
        .ok_or_else(|| lacks(run, "map of curvature"))?;
    let point = |p: &landscape_storage::CurvaturePoint| CurvaturePoint {
        lambda_max: p.lambda_max,
        lambda_min: p.lambda_min,
        converged: p.converged,
    };
    Ok(CurvatureMap {
        grid: map.grid.clone(),
        points: map.points.iter().map(|p| p.as_ref().map(point)).collect(),
    })
}

/// The densities of a run, one for each set of parameters.
fn spectra(run: &Stored) -> Result<Vec<Spectrum>, CliError> {
    let all = run
        .curvature
        .iter()
        .filter_map(|point| spectrum(run, point));
    let all: Vec<Spectrum> = all.collect();
    match all.is_empty() {
        true => Err(lacks(run, "spectral density")),
        false => Ok(all),
    }
}

fn spectrum(run: &Stored, point: &Curvature) -> Option<Spectrum> {
    let density = point.densities.iter().find(|d| d.part == ALL_PARAMETERS)?;
    let whole = point
        .eigenvalues
        .iter()
        .filter(|v| v.part == ALL_PARAMETERS);
    let eigenvalue = |v: &StoredEigenvalue| Eigenvalue {
        value: v.value,
        residual: v.residual,
        converged: v.converged,
    };
    Some(Spectrum {
        name: match point.step {
            Some(step) => format!("step {step}"),
            None => run.run.name.clone(),
        },
        parameters: Some(point.parameters as usize),
        density: Some(Density {
            grid: density.grid.clone(),
            density: density.density.clone(),
            lower: density.lower.clone(),
            upper: density.upper.clone(),
            confidence: density.confidence.unwrap_or(0.0),
            lanczos_steps: density.lanczos_steps as usize,
            probes: density.probes as usize,
            width: density.width,
        }),
        eigenvalues: whole.map(eigenvalue).collect(),
        stability_limit: point.stability_limit.map(|value| StabilityLimit {
            name: limit_name(run).to_owned(),
            value,
        }),
        ..Spectrum::default()
    })
}

/// What the limit of stability of the training is called.
fn limit_name(run: &Stored) -> &'static str {
    match run.provenance.optimizer.as_deref() {
        Some("momentum") => MOMENTUM,
        Some("nesterov") => NESTEROV,
        _ => PLAIN,
    }
}

/// The largest eigenvalues of several trainings, each under its name, above their losses.
pub fn stabilities(runs: &[Stored], look: &LookArgs) -> Result<Figure, CliError> {
    let named = |run: &Stored| {
        let training = run.training.as_ref().map(|(training, _)| &training.name);
        Ok(StabilityCurve {
            name: training.unwrap_or(&run.run.name).clone(),
            ..stability(run)?
        })
    };
    let curves: Vec<StabilityCurve> = runs.iter().map(named).collect::<Result<_, CliError>>()?;
    let options = Options {
        axes: [None, None, None],
        ..figure_options(&runs[0], look, None)?
    };
    Ok(plot::edge_of_stability(&curves, &options)?)
}

fn stability(run: &Stored) -> Result<StabilityCurve, CliError> {
    let top = |point: &Curvature| {
        let first = point.eigenvalues_of(ALL_PARAMETERS, Side::Top);
        first.first().map(|value| (value.value, value.converged))
    };
    let known = run.curvature.iter().filter_map(|point| {
        let (value, converged) = top(point)?;
        Some((point.step? as f64, value, converged, point.stability_limit))
    });
    let known: Vec<_> = known.collect();
    if known.is_empty() {
        return Err(lacks(run, "largest eigenvalue at several steps"));
    }
    let limits: Vec<f64> = known.iter().filter_map(|(.., limit)| *limit).collect();
    let records = || run.training.iter().flat_map(|(_, records)| records);
    Ok(StabilityCurve {
        name: String::new(),
        steps: known.iter().map(|(step, ..)| *step).collect(),
        lambda_max: known.iter().map(|(_, value, ..)| *value).collect(),
        converged: known
            .iter()
            .map(|(_, _, converged, _)| *converged)
            .collect(),
        limit: match limits.len() == known.len() {
            true => limits,
            false => Vec::new(),
        },
        limit_name: limit_name(run).to_owned(),
        loss_steps: records().map(|record| record.step as f64).collect(),
        losses: records()
            .map(|record| record.loss.unwrap_or(f64::NAN))
            .collect(),
    })
}

fn sharpness(rows: &[Sharpness]) -> Vec<SharpnessRow> {
    let row = |found: &Sharpness| SharpnessRow {
        measure: found.measure.clone(),
        value: found.value,
        se: found.se,
        settings: settings_words(&found.settings),
    };
    rows.iter().map(row).collect()
}

/// The curvature of a run as a section of a page; nothing where it has none.
pub fn page_curvature(run: &Stored) -> Result<Option<PageCurvature>, CliError> {
    let Some(last) = run.curvature.last() else {
        return Ok(None);
    };
    let mut page = PageCurvature {
        name: run.run.name.clone(),
        description: Some(format!("{}.", heading(&run.run, &run.curvature))),
        figures: page_figures(run)?,
        sharpness: sharpness(&last.sharpness),
        facts: provenance(run),
        ..PageCurvature::default()
    };
    let number = |name: &str, value: Option<f64>| {
        value.map(|value| (name.to_owned(), crate::output::short(value)))
    };
    page.facts.splice(
        0..0,
        [
            number("Loss", last.loss),
            number("Gradient norm", last.gradient_norm),
            number("Limit of stability", last.stability_limit),
        ]
        .into_iter()
        .flatten(),
    );
    if run.curvature.len() == 1 {
        page.eigenvalues = last.eigenvalues.iter().map(eigenvalue_row).collect();
        page.traces = last.traces.iter().map(trace_row).collect();
    }
    page.command.clone_from(&run.provenance.command);
    Ok(Some(page))
}

fn page_figures(run: &Stored) -> Result<Vec<(String, Figure)>, CliError> {
    let densities = run
        .curvature
        .iter()
        .any(|point| !point.densities.is_empty());
    let kinds = [
        (densities, Kind::Spectrum, "Spectral density"),
        (
            run.map.is_some(),
            Kind::HessianMap,
            "Distance from convexity",
        ),
        (
            run.curvature.len() > 1 && stability(run).is_ok(),
            Kind::Stability,
            "Edge of stability",
        ),
    ];
    let look = LookArgs::default();
    let shown = kinds.into_iter().filter(|(there, ..)| *there);
    shown
        .map(|(_, kind, words)| Ok((words.to_owned(), figure(run, kind, &look)?)))
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

fn trace_row(found: &landscape_storage::TraceEstimate) -> TraceRow {
    TraceRow {
        part: found.part.clone(),
        method: found.method.clone(),
        mean: found.mean,
        se: found.se,
        products: found.products,
    }
}
