use super::curves::{Curves, Series};
use crate::error::PlotError;
use crate::figure::Figure;
use crate::options::Options;
use crate::style::{DASHES, LINES};
use landscape_core::{Fidelity, Trajectory};

/// How honest a plane is about a path: above, the true loss of each checkpoint and the loss of the
/// plane at its projection; below, its distance from the plane. The caption has the
/// [warnings](Fidelity::warnings): that the plane explains little, that the losses disagree.
///
/// # Errors
/// When the path has no points, or an option is not usable.
pub fn trajectory_losses(path: &Trajectory, options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    if path.points.is_empty() {
        return Err(PlotError::Empty {
            figure: "trajectory",
            what: "checkpoint",
        });
    }
    let column = |get: &dyn Fn(&landscape_core::TrajectoryPoint) -> Option<f64>| -> Vec<f64> {
        path.points
            .iter()
            .map(|p| get(p).unwrap_or(f64::NAN))
            .collect()
    };
    let steps: Vec<f64> = path.points.iter().map(|p| p.step as f64).collect();
    let series = |name: &str, k: usize, dash: usize, values: Vec<f64>| Series {
        name: name.to_owned(),
        x: steps.clone(),
        y: values,
        color: LINES[k],
        dash: DASHES[dash],
        ..Series::default()
    };
    let mut curves = Curves::new(
        options,
        options.axes[0].clone().unwrap_or_else(|| "step".to_owned()),
    );
    let name = options
        .value_label
        .clone()
        .unwrap_or_else(|| "loss".to_owned());
    let losses = vec![
        series("true loss", 0, 0, column(&|p| p.loss)),
        series("loss at the projection", 1, 1, column(&|p| p.plane_loss)),
    ];
    curves.panel(name, options.scale, options.clip, options.range, losses);
    let distance = vec![series(
        "distance from the plane",
        2,
        0,
        column(&|p| Some(p.residual)),
    )];
    curves.panel_from_zero("distance from the plane".to_owned(), distance);
    for words in Fidelity::of(path).warnings() {
        curves.note(words);
    }
    curves.legend = true;
    curves.draw("Losses along a trajectory")
}
