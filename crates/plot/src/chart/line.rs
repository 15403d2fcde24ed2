use super::curves::{Curves, Series};
use crate::error::PlotError;
use crate::field;
use crate::figure::Figure;
use crate::options::{Clip, Options, Scale};
use crate::style::{DASHES, LINES};
use landscape_core::{Surface, Value};

/// A line through parameter space: the loss with a band of 1.96 standard errors of its mean, and,
/// in a panel below, the accuracy where it is known.
///
/// # Errors
/// When the surface has not one direction, or an option is not usable.
pub fn line(surface: &Surface, options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    field::expect_dims(surface, 1, "line")?;
    field::expect_lines(surface, "line")?;
    let (_, cells) = field::read(surface, options.value)?;
    let axis = surface.grid.axes[0];
    let mut figure = Curves::new(options, options.axis(0));
    figure.extent = Some((axis.value(0), axis.value(axis.count - 1)));
    figure.holes(&axis, &cells);
    figure.mark_origin = true;
    let name = options.value_name(surface);
    let main = series(surface, options.value, 0, options.smooth);
    figure.panel(
        name.clone(),
        options.scale,
        options.clip,
        options.range,
        vec![main],
    );
    let accuracy = series(surface, Value::Accuracy, 1, options.smooth);
    if options.value != Value::Accuracy && accuracy.y.iter().any(|v| v.is_finite()) {
        figure.panel(
            "accuracy".to_owned(),
            Scale::Linear,
            Clip::default(),
            None,
            vec![accuracy],
        );
    }
    figure.draw(&format!("The {name} along a line"))
}

fn series(surface: &Surface, value: Value, k: usize, sigma: f64) -> Series {
    let error = match value {
        Value::Loss | Value::Total => surface.values(Value::LossSe),
        _ => Vec::new(),
    };
    let known = error.iter().any(|e| e.is_finite() && *e > 0.0);
    Series {
        name: String::new(),
        x: surface.grid.axes[0].values(),
        y: field::smoothed(surface.values(value), sigma),
        color: LINES[k],
        dash: DASHES[0],
        mark: None,
        error: if known { error } else { Vec::new() },
    }
}
