//! Figures of curvature in parts, and of what of a training lies in the leading eigenspace.

use super::curvature::lacks;
use super::look::over_steps;
use super::{FigureKind, RunContents};
use crate::StudyError;
use crate::error::NoCurvature;
use crate::hessian::{CurvatureSummary, LayerSummary, SubspaceSummary};
use landscape_plot::{self as plot, Figure, LossCurve, Options, PairNorms, PartRow};

/// The numbers at the last set of parameters.
fn last(run: &RunContents) -> Option<CurvatureSummary> {
    let last = run.curvature.last();
    last.map(CurvatureSummary::in_run(&run.run))
}

/// Layers, or blocks where these were asked for, or else matrices.
pub(super) fn rows(run: &RunContents) -> Vec<PartRow> {
    let Some(last) = last(run) else {
        return Vec::new();
    };
    let part = |part: LayerSummary| PartRow {
        name: part.layer,
        trace: part.trace.mean,
        se: part.trace.se,
        top: part.top.map(|top| top.value),
    };
    if let Some(parts) = last.blocks.or(last.layers) {
        return parts.into_iter().map(part).collect();
    }
    let matrices = last.matrices.unwrap_or_default().into_iter();
    let matrix = matrices.map(|matrix| PartRow {
        name: matrix.label(),
        trace: matrix.trace.mean,
        se: matrix.trace.se,
        top: matrix.top.map(|top| top.value),
    });
    matrix.collect()
}

/// Norms between parts, as a table.
pub(super) fn norms(run: &RunContents) -> Option<PairNorms> {
    let pairs = last(run)?.pairs?;
    let on_diagonal = pairs.iter().filter(|pair| pair.pair[0] == pair.pair[1]);
    let names: Vec<String> = on_diagonal.map(|pair| pair.pair[0].clone()).collect();
    let mut norms = vec![f64::NAN; names.len() * names.len()];
    for pair in &pairs {
        let place = |name: &String| names.iter().position(|known| known == name);
        let (first, second) = (place(&pair.pair[0])?, place(&pair.pair[1])?);
        norms[first * names.len() + second] = pair.norm;
        norms[second * names.len() + first] = pair.norm;
    }
    Some(PairNorms { names, norms })
}

/// Whether shares in the leading eigenspace are known at any checkpoint.
pub(super) fn has_subspace(run: &RunContents) -> bool {
    let mut points = run.curvature.iter();
    points.any(|point| SubspaceSummary::of(&point.sharpness).is_some())
}

/// A figure of one of these kinds.
pub(super) fn figure(
    run: &RunContents,
    kind: FigureKind,
    options: Options,
) -> Result<Figure, StudyError> {
    match kind {
        FigureKind::Pairs => {
            let norms = norms(run).ok_or_else(|| lacks(run, NoCurvature::Pairs))?;
            Ok(plot::pairs(&norms, &options)?)
        }
        FigureKind::Subspace => subspace(run, options),
        _ => match rows(run) {
            rows if rows.is_empty() => Err(lacks(run, NoCurvature::Parts)),
            rows => Ok(plot::parts(&rows, &options)?),
        },
    }
}

/// Shares of gradient, updates and path, and the overlap of spaces, over the steps.
fn subspace(run: &RunContents, options: Options) -> Result<Figure, StudyError> {
    let at = run.curvature.iter();
    let known = at.filter_map(|point| Some((point.step?, SubspaceSummary::of(&point.sharpness)?)));
    let known: Vec<(u64, SubspaceSummary)> = known.collect();
    let Some((_, first)) = known.first() else {
        return Err(lacks(run, NoCurvature::Subspace));
    };
    let name = format!("share in the top {} eigenvectors", first.dimension);
    let curve = |name: &str, of: fn(&SubspaceSummary) -> Option<f64>| {
        let points = known
            .iter()
            .filter_map(|(step, shares)| Some((*step as f64, of(shares)?)));
        let (steps, losses) = points.unzip();
        LossCurve {
            name: name.to_owned(),
            steps,
            losses,
            accuracies: Vec::new(),
        }
    };
    let curves = [
        curve("gradient", |shares| Some(shares.gradient)),
        curve("update", |shares| shares.update),
        curve("path from the start", |shares| shares.path),
        curve("overlap with the step before", |shares| shares.overlap),
    ];
    let curves: Vec<LossCurve> = { curves.into_iter() }
        .filter(|curve| !curve.steps.is_empty())
        .collect();
    let options = Options {
        value_label: Some(name),
        range: Some((0.0, 1.0)),
        ..over_steps(options)
    };
    Ok(plot::losses(&curves, &options)?)
}
