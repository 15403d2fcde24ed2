use super::curves::{Curves, Series};
use super::losses::{LossCurve, check_lengths, divergences};
use crate::curvature::StabilityCurve;
use crate::error::PlotError;
use crate::figure::Figure;
use crate::layout::{Entry, Swatch, mark};
use crate::options::Options;
use crate::scale::Clip;
use crate::style::{DASHES, LINES};

/// A curve with more points than this is drawn without a dot for each.
const DOTS: usize = 40;

/// The largest eigenvalue of the Hessian while training, beside the largest at which the optimiser
/// is stable: gradient descent that hovers about its limit `2/η` is at the edge of stability. After
/// Cohen et al., *Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability*,
/// ICLR 2021. Eigenvalues that did not converge are open circles. The losses of the trainings stand below, where they
/// are known, each in the colour of its run and up to where it is finite.
///
/// # Errors
/// When there is no curve, a curve has not one value a step, or an option is not usable.
pub fn edge_of_stability(
    curves: &[StabilityCurve],
    options: &Options,
) -> Result<Figure, PlotError> {
    options.check()?;
    check(curves)?;
    let x_name = options.axes[0].clone().unwrap_or_else(|| "step".to_owned());
    let trainings: Vec<LossCurve> = curves.iter().map(training).collect();
    let diverged = divergences(&trainings, &x_name);
    let mut figure = Curves::new(options, x_name);
    let shown = || curves.iter().enumerate();
    let mut series: Vec<Series> = shown().map(|(k, curve)| largest(k, curve)).collect();
    series.extend(shown().filter_map(|(k, curve)| limit(k, curve, curves)));
    let name = options.value_label.clone();
    let name = name.unwrap_or_else(|| "largest eigenvalue".to_owned());
    let open: usize = series.iter().map(|s| s.open.len()).sum();
    figure.panel(name, options.scale, options.clip, options.range, series);
    if trainings.iter().any(|training| !training.steps.is_empty()) {
        let below = trainings.iter().enumerate().map(|(k, of)| loss(k, of));
        let (name, clip) = ("loss".to_owned(), Clip::default());
        figure.panel(name, options.scale, clip, None, below.collect());
        diverged.into_iter().for_each(|words| figure.note(words));
    }
    figure.legend = true;
    if open > 0 {
        let swatch = Swatch::Point(mark::Mark::Circle, LINES[0]);
        figure.entry(Entry::new(swatch, format!("not converged ({open})")));
    }
    figure.draw("Largest eigenvalue during training")
}

fn check(curves: &[StabilityCurve]) -> Result<(), PlotError> {
    if curves.iter().all(|c| c.steps.is_empty()) {
        return Err(PlotError::Empty {
            figure: "edge-of-stability",
            what: "eigenvalue",
        });
    }
    for curve in curves {
        let places = curve.steps.len();
        let lists = [
            (curve.lambda_max.len(), false),
            (curve.converged.len(), true),
            (curve.limit.len(), true),
        ];
        let wrong = |(n, optional): &(usize, bool)| *n != places && !(*optional && *n == 0);
        if let Some((values, _)) = lists.into_iter().find(wrong) {
            return Err(PlotError::ValueCount {
                name: curve.name.clone(),
                places,
                values,
            });
        }
        check_lengths(&[training(curve)])?;
    }
    Ok(())
}

/// The losses of a run, under the name of the run.
fn training(curve: &StabilityCurve) -> LossCurve {
    LossCurve {
        name: curve.name.clone(),
        steps: curve.loss_steps.clone(),
        losses: curve.losses.clone(),
        ..LossCurve::default()
    }
}

/// They have the colour of the run's eigenvalues, and no entry of their own in the legend.
fn loss(k: usize, training: &LossCurve) -> Series {
    Series {
        x: training.steps.clone(),
        y: training.losses.clone(),
        color: LINES[k % LINES.len()],
        ..Series::default()
    }
}

fn largest(k: usize, curve: &StabilityCurve) -> Series {
    let settled = |k: &usize| curve.converged.get(*k).copied().unwrap_or(true);
    let n = curve.steps.len();
    let (dots, open): (Vec<usize>, Vec<usize>) = (0..n).partition(settled);
    Series {
        name: match curve.name.as_str() {
            "" => "λmax of the Hessian".to_owned(),
            name => format!("λmax, {name}"),
        },
        x: curve.steps.clone(),
        y: curve.lambda_max.clone(),
        color: LINES[k % LINES.len()],
        dots: if n <= DOTS { dots } else { Vec::new() },
        open,
        ..Series::default()
    }
}

/// The limit of a run: in black where there is one run, in the run's colour where there are several.
/// A limit that equals the one of an earlier run is drawn once.
fn limit(k: usize, curve: &StabilityCurve, curves: &[StabilityCurve]) -> Option<Series> {
    let same = |other: &StabilityCurve| other.limit == curve.limit && other.steps == curve.steps;
    let common = curves.iter().all(same);
    if curve.limit.is_empty() || (common && k > 0) {
        return None;
    }
    Some(Series {
        name: match common || curve.name.is_empty() {
            true => curve.limit_name.clone(),
            false => format!("{}, {}", curve.limit_name, curve.name),
        },
        x: curve.steps.clone(),
        y: curve.limit.clone(),
        color: match common {
            true => LINES[4],
            false => LINES[k % LINES.len()],
        },
        dash: DASHES[1],
        ..Series::default()
    })
}
