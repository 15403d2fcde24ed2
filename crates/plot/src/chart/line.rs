use super::curves::{Curves, Series};
use crate::error::PlotError;
use crate::field;
use crate::figure::Figure;
use crate::options::Options;
use crate::scale::{Clip, Scale};
use crate::style::{DASHES, LINES};
use landscape_core::{PointSource, Surface, Value};

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
    let axis = surface.grid().axes()[0];
    let mut figure = Curves::new(options, options.axis(0));
    figure.extent = Some((axis.value(0), axis.value(axis.count() - 1)));
    figure.holes(&axis, &cells);
    figure.mark_origin = true;
    figure.whole = crate::display::is_whole(&axis);
    figure.note_sources(surface);
    figure.note_smoothing();
    let name = options.value_name(surface);
    let main = series(surface, options.value, 0, options);
    figure.panel(
        name.clone(),
        options.scale,
        options.clip,
        options.range,
        vec![main],
    );
    let accuracy = series(surface, Value::Accuracy, 1, options);
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

fn series(surface: &Surface, value: Value, k: usize, options: &Options) -> Series {
    let error = match value {
        Value::Loss | Value::Total => errors(surface),
        _ => Vec::new(),
    };
    let marked = options.measured && surface.interpolated() > 0;
    let points = 0..surface.grid().len();
    let known = error.iter().any(|e| e.is_finite() && *e > 0.0);
    Series {
        name: String::new(),
        x: surface.grid().axes()[0].values(),
        y: field::smoothed(surface.values(value), options.smooth),
        color: LINES[k],
        dash: DASHES[0],
        error: if known { error } else { Vec::new() },
        dots: points
            .filter(|&flat| marked && surface.is_measured(flat))
            .collect(),
        ..Series::default()
    }
}

/// Standard errors; that of an interpolated point, which has none, lies between its neighbours', so
/// that the band goes on.
fn errors(surface: &Surface) -> Vec<f64> {
    let mut errors = surface.values(Value::LossSe);
    let known: Vec<usize> = (0..errors.len())
        .filter(|&k| errors[k].is_finite())
        .collect();
    for pair in known.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        for k in a + 1..b {
            if surface.source(k) == Some(PointSource::Interpolated) {
                let share = (k - a) as f64 / (b - a) as f64;
                errors[k] = errors[a] + share * (errors[b] - errors[a]);
            }
        }
    }
    errors
}
