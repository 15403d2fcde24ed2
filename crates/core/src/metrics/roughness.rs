//! Roughness: how far the surface is from locally quadratic.

use super::field::{Field, unit};
use super::relief::Relief;

/// Variance of the third difference of independent values of variance 1: `1 + 9 + 9 + 1`.
const NOISE_GAIN: f64 = 20.0;

/// Factor by which third differences of a smooth surface grow with a step twice as long.
const SMOOTH_GAIN: f64 = 8.0;

/// Rounding of values at the edge of the robust range.
const SLACK: f64 = 1e-9;

/// `sqrt(mean((D3 f)^2) / 20) / range` with third differences
/// `D3 f = f_3 - 3 f_2 + 3 f_1 - f_0` along every axis; `None` when there are none.
pub(super) fn roughness(field: &Field, range: f64) -> Option<f64> {
    noise(runs(field, 1).map(|run| third_difference(run) / range.max(f64::MIN_POSITIVE)))
}

/// See [`Metrics::relative_roughness`](super::Metrics::relative_roughness).
pub(super) fn relative(field: &Field, relief: &Relief) -> Option<f64> {
    let with_step =
        |step| noise(runs(field, step).filter_map(|run| relative_difference(run, relief)));
    // fine = noise + smooth, coarse = noise + 8 smooth.
    let (fine, coarse) = (with_step(1)?, with_step(2)?);
    let noise = (SMOOTH_GAIN * fine - coarse) / (SMOOTH_GAIN - 1.0);
    Some(noise.clamp(0.0, fine))
}

/// Standard deviation of the noise that would explain third differences.
fn noise(differences: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = differences.fold((0.0, 0usize), |(sum, count), d| (sum + d * d, count + 1));
    (count > 0).then(|| (sum / count as f64 / NOISE_GAIN).sqrt())
}

/// All runs of four finite values along an axis, so many steps apart.
fn runs<'a>(field: &'a Field, step: isize) -> impl Iterator<Item = [f64; 4]> + 'a {
    let starts = (0..field.values.len()).flat_map(|flat| (0..field.dims()).map(move |a| (flat, a)));
    starts.filter_map(move |(flat, axis)| {
        let value = |steps| field.finite(flat, unit(axis, steps * step));
        Some([value(0)?, value(1)?, value(2)?, value(3)?])
    })
}

fn third_difference([a, b, c, d]: [f64; 4]) -> f64 {
    d - 3.0 * c + 3.0 * b - a
}

/// The third difference relative to the rise, or on the compressed scale, whichever is smaller; `None` where
/// the run leaves the robust range.
fn relative_difference(run: [f64; 4], relief: &Relief) -> Option<f64> {
    let top = relief.rise(run.into_iter().fold(f64::NEG_INFINITY, f64::max));
    if top > relief.range * (1.0 + SLACK) {
        return None;
    }
    let linear = third_difference(run).abs() / relief.depth.hypot(top);
    let compressed = third_difference(run.map(|value| relief.compressed(value))).abs();
    Some(linear.min(compressed))
}
