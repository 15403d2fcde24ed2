use super::curves::{Curves, Series};
use crate::error::PlotError;
use crate::field::smoothed;
use crate::figure::Figure;
use crate::layout::mark;
use crate::options::Options;
use crate::scale::{Clip, Scale};
use crate::style::{DASHES, LINES};

/// More curves than this are drawn thinner.
const MANY: usize = 5;

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
/// colour, dash and mark. One that diverges is drawn up to where its loss is not finite any more, and the
/// caption names that step. [`Options::smooth`] counts records, not steps.
///
/// # Errors
/// When there is no curve, a curve has not one value a step, or an option is not usable.
pub fn losses(curves: &[LossCurve], options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    check(curves)?;
    let x_name = options.axes[0].clone().unwrap_or_else(|| "step".to_owned());
    let diverged = divergences(curves, &x_name);
    let mut figure = Curves::new(options, x_name);
    figure.note_smoothing();
    diverged.into_iter().for_each(|words| figure.note(words));
    let of = |values: fn(&LossCurve) -> &Vec<f64>| -> Vec<Series> {
        let shown = curves.iter().enumerate();
        shown
            .filter(|(_, c)| !values(c).is_empty())
            .map(|(k, c)| {
                let drawn = smoothed(values(c).clone(), options.smooth);
                series(k, c, &drawn, curves.len())
            })
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
    match &options.value_label {
        Some(name) => figure.draw(&format!("Curves of the {name}")),
        None => figure.draw("Loss curves"),
    }
}

/// The courses of many runs of one kind, such as seeds, as a middle course and a range about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LossBand {
    /// Name in the legend.
    pub name: String,
    /// How many runs it stands for.
    pub runs: usize,
    /// Steps or epochs, ascending.
    pub steps: Vec<f64>,
    /// The median of the losses of each step.
    pub median: Vec<f64>,
    /// The smallest and the largest loss of each step.
    pub range: Vec<[f64; 2]>,
}

impl LossBand {
    /// The median and the range of curves at the steps of the first one; a curve takes part in the
    /// steps that it has, with losses that are not NaN.
    pub fn of(name: &str, curves: &[LossCurve]) -> Self {
        let steps = curves.first().map_or_else(Vec::new, |c| c.steps.clone());
        let at = |step: &f64| {
            let place = |c: &LossCurve| c.steps.iter().position(|s| s == step);
            let known = curves
                .iter()
                .filter_map(|c| c.losses.get(place(c)?).copied());
            let mut losses: Vec<f64> = known.filter(|v| !v.is_nan()).collect();
            losses.sort_by(f64::total_cmp);
            losses
        };
        let sorted: Vec<Vec<f64>> = steps.iter().map(at).collect();
        let ends = |v: &Vec<f64>| match (v.first(), v.last()) {
            (Some(a), Some(b)) => [*a, *b],
            _ => [f64::NAN; 2],
        };
        LossBand {
            name: name.to_owned(),
            runs: curves.len(),
            steps,
            median: sorted.iter().map(|v| median(v)).collect(),
            range: sorted.iter().map(ends).collect(),
        }
    }
}

/// The middle of sorted values.
fn median(sorted: &[f64]) -> f64 {
    let n = sorted.len();
    match n {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        _ => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

/// Groups of runs, each as its median loss with the range of its runs about it.
///
/// # Errors
/// When there is no band, a band has not one value a step, or an option is not usable.
///
/// ```
/// use landscape_plot::{LossBand, LossCurve, Options, loss_bands};
///
/// let seed = |k: u32| LossCurve {
///     name: format!("seed {k}"),
///     steps: (0..20).map(f64::from).collect(),
///     losses: (0..20).map(|s| f64::from(k + 1) / f64::from(s + 1)).collect(),
///     accuracies: vec![],
/// };
/// let band = LossBand::of("SGD", &[seed(0), seed(1), seed(5)]);
/// assert_eq!((band.median[0], band.range[0]), (2.0, [1.0, 6.0]));
/// let figure = loss_bands(&[band], &Options::default())?;
/// assert!(figure.svg().contains("SGD (3 runs)"));
/// # Ok::<(), landscape_plot::PlotError>(())
/// ```
pub fn loss_bands(bands: &[LossBand], options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    if bands.iter().all(|b| b.steps.is_empty()) {
        return Err(PlotError::Empty {
            figure: "loss",
            what: "band",
        });
    }
    for band in bands {
        let values = band.median.len().min(band.range.len());
        if values != band.steps.len() || band.median.len() != band.range.len() {
            return Err(PlotError::CurveLength {
                name: band.name.clone(),
                steps: band.steps.len(),
                values,
            });
        }
    }
    let x_name = options.axes[0].clone().unwrap_or_else(|| "step".to_owned());
    let mut figure = Curves::new(options, x_name);
    let series = |(k, band): (usize, &LossBand)| Series {
        name: format!("{} ({} runs)", band.name, band.runs),
        x: band.steps.clone(),
        y: band.median.clone(),
        color: LINES[k % LINES.len()],
        dash: DASHES[k % DASHES.len()],
        range: band.range.clone(),
        ..Series::default()
    };
    let name = options
        .value_label
        .clone()
        .unwrap_or_else(|| "loss".to_owned());
    let series = bands.iter().enumerate().map(series).collect();
    figure.panel(name, options.scale, options.clip, options.range, series);
    figure.note("lines are medians, bands reach from the lowest to the highest run");
    figure.legend = true;
    figure.draw("Loss curves of groups of runs")
}

/// Where the losses of a curve stop being finite, in words.
pub(super) fn divergences(curves: &[LossCurve], x_name: &str) -> Vec<String> {
    let words = |curve: &LossCurve| {
        let place = curve.losses.iter().position(|loss| !loss.is_finite())?;
        let whose = match curve.name.as_str() {
            "" => String::new(),
            name => format!(" of {name}"),
        };
        Some(format!(
            "training{whose} diverges at {x_name} {}",
            curve.steps[place]
        ))
    };
    curves.iter().filter_map(words).collect()
}

fn check(curves: &[LossCurve]) -> Result<(), PlotError> {
    if curves.iter().all(|c| c.steps.is_empty()) {
        return Err(PlotError::Empty {
            figure: "loss",
            what: "curve",
        });
    }
    check_lengths(curves)
}

/// Whether each curve has one value a step.
pub(super) fn check_lengths(curves: &[LossCurve]) -> Result<(), PlotError> {
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

/// The `k`-th run: each of ten has its colour, and dashes and marks turn at different paces, so that 25 runs differ.
fn series(k: usize, curve: &LossCurve, values: &[f64], runs: usize) -> Series {
    let turn = k / mark::CURVES.len();
    Series {
        name: curve.name.clone(),
        x: curve.steps.clone(),
        y: values.to_vec(),
        color: LINES[k % LINES.len()],
        dash: DASHES[(k + turn) % DASHES.len()],
        mark: (runs > 1).then(|| mark::CURVES[(k + turn) % mark::CURVES.len()]),
        thin: runs > MANY,
        ..Series::default()
    }
}
