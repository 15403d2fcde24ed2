use super::curves::{Curves, Series};
use crate::error::PlotError;
use crate::figure::Figure;
use crate::layout::mark;
use crate::options::{Clip, Options, Scale};
use crate::style::{DASHES, LINES};

/// The course of a training run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LossCurve {
    /// Name in the legend.
    pub name: String,
    /// Steps or epochs, ascending.
    pub steps: Vec<f64>,
    /// One loss a step.
    pub losses: Vec<f64>,
    /// One accuracy in [0, 1] a step, or nothing; a second panel shows them.
    pub accuracies: Vec<f64>,
}

/// The courses of training runs: losses, and accuracies where runs have them. Runs differ in
/// colour, dash and mark.
///
/// # Errors
/// When there is no curve, a curve has not one value a step, or an option is not usable.
pub fn losses(curves: &[LossCurve], options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    check(curves)?;
    let x_name = options.axes[0].clone().unwrap_or_else(|| "step".to_owned());
    let mut figure = Curves::new(options, x_name);
    let of = |values: fn(&LossCurve) -> &Vec<f64>| -> Vec<Series> {
        let shown = curves.iter().enumerate();
        shown
            .filter(|(_, c)| !values(c).is_empty())
            .map(|(k, c)| series(k, c, values(c), curves.len()))
            .collect()
    };
    let name = options
        .value_label
        .clone()
        .unwrap_or_else(|| "loss".to_owned());
    figure.panel(
        name,
        options.scale,
        options.clip,
        options.range,
        of(|c| &c.losses),
    );
    let accuracies = of(|c| &c.accuracies);
    if !accuracies.is_empty() {
        figure.panel(
            "accuracy".to_owned(),
            Scale::Linear,
            Clip::default(),
            None,
            accuracies,
        );
    }
    figure.legend = curves.len() > 1 || !curves[0].name.is_empty();
    figure.draw("Loss curves")
}

fn check(curves: &[LossCurve]) -> Result<(), PlotError> {
    if curves.iter().all(|c| c.steps.is_empty()) {
        return Err(PlotError::Empty {
            figure: "loss",
            what: "curve",
        });
    }
    for curve in curves {
        for values in [&curve.losses, &curve.accuracies] {
            let optional = values.is_empty() && std::ptr::eq(values, &curve.accuracies);
            if values.len() != curve.steps.len() && !optional {
                return Err(PlotError::CurveLength {
                    name: curve.name.clone(),
                    steps: curve.steps.len(),
                    values: values.len(),
                });
            }
        }
    }
    Ok(())
}

/// The `k`-th run: colours, dashes and marks turn at different paces, so that 25 runs differ.
fn series(k: usize, curve: &LossCurve, values: &[f64], runs: usize) -> Series {
    let turn = k / LINES.len();
    Series {
        name: curve.name.clone(),
        x: curve.steps.clone(),
        y: values.to_vec(),
        color: LINES[k % LINES.len()],
        dash: DASHES[(k + turn) % DASHES.len()],
        mark: (runs > 1).then(|| mark::CURVES[(k + turn) % mark::CURVES.len()]),
        error: Vec::new(),
        dots: Vec::new(),
        open: Vec::new(),
    }
}
