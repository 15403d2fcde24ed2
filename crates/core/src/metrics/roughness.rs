//! Roughness: how far the surface is from locally quadratic.

use super::field::{Field, unit};

/// Variance of the third difference of independent values of variance 1: `1 + 9 + 9 + 1`.
const NOISE_GAIN: f64 = 20.0;

/// `sqrt(mean((D3 f)^2) / 20) / range` with third differences
/// `D3 f = f_3 - 3 f_2 + 3 f_1 - f_0` along every axis; `None` when there are none.
pub(super) fn roughness(field: &Field, range: f64) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0usize);
    for flat in 0..field.values.len() {
        for axis in 0..field.dims() {
            if let Some(difference) = third_difference(field, flat, axis) {
                sum += (difference / range.max(f64::MIN_POSITIVE)).powi(2);
                count += 1;
            }
        }
    }
    (count > 0).then(|| (sum / count as f64 / NOISE_GAIN).sqrt())
}

fn third_difference(field: &Field, flat: usize, axis: usize) -> Option<f64> {
    let value = |steps| field.finite(flat, unit(axis, steps));
    Some(value(3)? - 3.0 * value(2)? + 3.0 * value(1)? - value(0)?)
}
