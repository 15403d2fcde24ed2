//! Losses along lines through several networks, in panels of one axis.

use super::curves::{Curves, Series};
use super::profiles::LossProfile;
use crate::error::PlotError;
use crate::figure::Figure;
use crate::layout::mark;
use crate::options::Options;
use crate::style::{DASHES, LINES};

/// Losses that stand in one panel, above or below others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SlicePanel {
    /// What its vertical axis is called.
    pub name: String,
    /// Its lines; those of one place in their panels look alike, and are named once.
    pub slices: Vec<LossProfile>,
}

/// Losses along lines through networks, in one or more panels, one above the other, over one horizontal axis: the same networks along
/// directions of several kinds, say. Each panel has a scale of its own unless [`Options::range`] gives one for all.
///
/// # Errors
/// When there is no panel, one has no line, a line has fewer than two positions or not one loss a position, or an option is not
/// usable.
///
/// ```
/// use landscape_plot::{LossProfile, Options, SlicePanel, loss_slices};
///
/// let t: Vec<f64> = (-10..=10).map(|k| f64::from(k) / 10.0).collect();
/// let parabola = |name: &str, curvature: f64| LossProfile {
///     name: name.into(),
///     loss: t.iter().map(|t| curvature * t * t).collect(),
///     t: t.clone(),
/// };
/// let panel = |name: &str, sharp: f64| SlicePanel {
///     name: name.into(),
///     slices: vec![parabola("small batches", 1.0), parabola("large batches", sharp)],
/// };
/// let figure = loss_slices(&[panel("loss, as drawn", 0.5), panel("loss, normalised", 2.0)], &Options::default())?;
/// assert!(figure.svg().contains("large batches"));
/// # Ok::<(), landscape_plot::PlotError>(())
/// ```
pub fn loss_slices(panels: &[SlicePanel], options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    check(panels)?;
    let x_name = options.axes[0].clone();
    let mut figure = Curves::new(options, x_name.unwrap_or_else(|| "step".to_owned()));
    for panel in panels {
        let series = panel.slices.iter().enumerate();
        let series = series.map(|(k, slice)| series_of(k, slice)).collect();
        let name = panel.name.clone();
        figure.panel(name, options.scale, options.clip, options.range, series);
    }
    figure.legend = true;
    figure.draw("Loss along lines through networks")
}

fn check(panels: &[SlicePanel]) -> Result<(), PlotError> {
    let empty = |what| PlotError::Empty {
        figure: "slice",
        what,
    };
    if panels.is_empty() || panels.iter().any(|panel| panel.slices.is_empty()) {
        return Err(empty("line"));
    }
    for slice in panels.iter().flat_map(|panel| &panel.slices) {
        if slice.t.len() != slice.loss.len() {
            return Err(PlotError::ValueCount {
                name: slice.name.clone(),
                places: slice.t.len(),
                values: slice.loss.len(),
            });
        }
        if slice.t.len() < 2 {
            return Err(empty("line of two positions"));
        }
    }
    Ok(())
}

fn series_of(k: usize, slice: &LossProfile) -> Series {
    Series {
        name: slice.name.clone(),
        x: slice.t.clone(),
        y: slice.loss.clone(),
        color: LINES[k % LINES.len()],
        dash: DASHES[(k / mark::CURVES.len()) % DASHES.len()],
        mark: Some(mark::CURVES[k % mark::CURVES.len()]),
        ..Series::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(t: Vec<f64>, loss: Vec<f64>) -> LossProfile {
        let name = "a".to_owned();
        LossProfile { name, t, loss }
    }

    fn panel(slices: Vec<LossProfile>) -> SlicePanel {
        let name = "loss".to_owned();
        SlicePanel { name, slices }
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let options = Options::default();
        let refused = |panels: &[SlicePanel]| loss_slices(panels, &options).is_err();
        assert!(refused(&[]));
        assert!(refused(&[panel(vec![])]));
        assert!(refused(&[panel(vec![slice(vec![0.0], vec![1.0])])]));
        assert!(refused(&[panel(vec![slice(vec![0.0, 1.0], vec![1.0])])]));
    }

    #[test]
    fn a_line_is_named_once_and_drawn_in_each_panel() {
        let line = || panel(vec![slice(vec![0.0, 1.0], vec![1.0, 2.0])]);
        let figure = loss_slices(&[line(), line()], &Options::default()).expect("a figure");
        let svg = figure.svg();
        assert_eq!(svg.matches(">a</text>").count(), 1, "{svg}");
        assert!(svg.contains("curves-1") && svg.contains("curves-2"));
    }
}
